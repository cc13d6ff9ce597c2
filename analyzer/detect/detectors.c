/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of detectors, and the rule that puts what they found in order:
 *
 *  1. What a trigger fired for was not over then: a candidate that was comes after one that was not.
 *  2. Where somebody is known since when he waited, a candidate that covers half of that time comes
 *     before one that does not.
 *  3. What may have been want of work comes after what was not.
 *  4. What filled the whole recording comes after what began or ended in it. (See also stall.h.)
 *  5. Then the time that the target's threads lost decides. Direct evidence counts double (enum
 *     evidence), and so does a candidate that names who did it. The farther it is from the trigger,
 *     the less it counts (trigger_nearness()).
 *
 * The first one is told. Beside it are told those that are about the same time, explain a tenth of
 * what the first one does, and whose detector says that this is of use. What of the stall no
 * detector explains takes part in the order without being told: a lesser candidate does not become
 * the cause of a stall for want of a better one.
 *
 * The lesser stalls of the capture are told after it, each with the first of what the detectors of
 * waits find in it.
 */
#include "analyzer/detect/detectors.h"

#include <errno.h>
#include <stdlib.h>

#include "analyzer/detect/finding.h"
#include "analyzer/detect/thresholds.h"
#include "analyzer/util/array.h"
#include "analyzer/util/span.h"

static const struct detector *const detectors[] = {
	&deadlock_detector,	 &stopped_process_detector, &lock_convoy_detector,
	&resource_wait_detector, &cpu_starvation_detector,  &slow_producer_detector,
	&spin_detector,		 &host_pause_detector,	    &timed_lock_detector,
	&standstill_detector,	 &busy_thread_detector,
};

#define DETECTORS (sizeof(detectors) / sizeof(*detectors))

static struct candidate *append_empty(struct candidates *out)
{
	if (array_grow(out->list, out->count, out->room))
		return NULL;
	out->list[out->count] = (struct candidate){ .detector = NULL };
	return &out->list[out->count++];
}

struct candidate *candidate_append(const struct detect_context *in, struct candidates *out)
{
	struct candidate *candidate = append_empty(out);
	void *found = candidate ? calloc(1, out->asked->found_bytes) : NULL;

	if (!found)
		return NULL;
	candidate->detector = out->asked;
	candidate->evidence = out->asked->evidence;
	candidate->named = true;
	candidate->found = found;
	if (out->asked->of_waits)
		candidate->stall = *in->stall;
	return candidate;
}

static void free_candidate(struct candidate *candidate)
{
	if (candidate->found && candidate->detector->free)
		candidate->detector->free(candidate->found);
	free(candidate->found);
}

/* From @first on: who explains no lost time is no candidate. */
static void drop_empty(struct candidates *candidates, size_t first)
{
	size_t kept = first;

	for (size_t i = first; i < candidates->count; i++)
		if (candidates->list[i].lost_ns)
			candidates->list[kept++] = candidates->list[i];
		else
			free_candidate(&candidates->list[i]);
	candidates->count = kept;
}

static void free_candidates(struct candidates *candidates)
{
	for (size_t i = 0; i < candidates->count; i++)
		free_candidate(&candidates->list[i]);
	free(candidates->list);
}

bool detect_in_stall(const struct stall *stall, uint64_t start_ns, uint64_t end_ns)
{
	return start_ns >= stall->start_ns && end_ns <= stall->end_ns;
}

uint64_t detect_since_start(const struct detect_context *in, uint64_t time_ns)
{
	return time_ns > in->start_ns ? time_ns - in->start_ns : 0;
}

struct human detect_time_text(const struct detect_context *in, uint64_t time_ns)
{
	return model_time_text(in->model, detect_since_start(in, time_ns));
}

bool detect_over_before(const struct detect_context *in, uint64_t end_ns)
{
	return in->window->about_ns && end_ns < in->window->about_ns;
}

bool detect_covers_window(const struct trigger_window *window, const struct stall *stall)
{
	uint64_t covered_ns = span_overlap(stall->start_ns, stall->end_ns, window->since_ns,
					      window->until_ns);

	return stall->found && window->proves && covered_ns &&
	       share_at_least(covered_ns, window->until_ns - window->since_ns,
			      WINDOW_COVERED_PERCENT);
}

static bool filled_all(const struct detect_context *in, const struct stall *stall)
{
	return stall->began_before && stall->still_open &&
	       stall->start_ns <= in->observations->start_ns &&
	       stall->end_ns >= in->observations->end_ns;
}

/* The time lost, as much as it is believed. */
static double believed_ns(const struct detect_context *in, const struct candidate *candidate)
{
	const struct stall *stall = &candidate->stall;
	uint64_t lost_ns = candidate->lost_ns * (candidate->named ? NAMED_TIMES : 1);

	for (unsigned int i = 0; i < candidate->evidence; i++)
		lost_ns *= EVIDENCE_TIMES;
	return (double)lost_ns * trigger_nearness(in->window, stall->start_ns, stall->end_ns);
}

/* The rule. */
static bool comes_before(const struct detect_context *in, const struct candidate *a,
			 const struct candidate *b)
{
	bool a_covers = detect_covers_window(in->window, &a->stall);
	bool b_covers = detect_covers_window(in->window, &b->stall);

	if (a->stall.apart != b->stall.apart)
		return b->stall.apart;
	if (in->window->since_said && a_covers != b_covers)
		return a_covers;
	if (a->unsure != b->unsure)
		return b->unsure;
	if (filled_all(in, &a->stall) != filled_all(in, &b->stall))
		return filled_all(in, &b->stall);
	return believed_ns(in, a) > believed_ns(in, b);
}

/* Insertion keeps equal ones in the order of the table. */
void candidates_sort(const struct detect_context *in, struct candidates *candidates)
{
	for (size_t i = 1; i < candidates->count; i++) {
		struct candidate candidate = candidates->list[i];
		size_t at = i;

		for (; at && comes_before(in, &candidate, &candidates->list[at - 1]); at--)
			candidates->list[at] = candidates->list[at - 1];
		candidates->list[at] = candidate;
	}
}

/* What of the stall that the waits make no detector explains. */
static int append_unexplained(const struct detect_context *in, struct candidates *candidates)
{
	uint64_t explained_ns = 0, lost_ns = 0;
	struct candidate *rest;

	for (size_t i = 0; i < in->wait_count; i++)
		if (detect_in_stall(in->stall, in->waits[i].start_ns, in->waits[i].end_ns))
			lost_ns += in->waits[i].blocked_ns;
	for (size_t i = 0; i < candidates->count; i++)
		if (candidates->list[i].detector->of_waits)
			explained_ns += candidates->list[i].lost_ns;
	if (!in->stall->found || lost_ns <= explained_ns)
		return 0;
	rest = append_empty(candidates);
	if (!rest)
		return -ENOMEM;
	rest->stall = *in->stall;
	rest->evidence = EVIDENCE_WAITS;
	rest->lost_ns = lost_ns - explained_ns;
	return 0;
}

bool candidate_is_told(const struct candidate *first, const struct candidate *candidate)
{
	if (!candidate->detector)
		return false;
	if (candidate == first)
		return true;
	return candidate->detector->beside && candidate->stall.start_ns < first->stall.end_ns &&
	       candidate->stall.end_ns > first->stall.start_ns &&
	       share_at_least(candidate->lost_ns, first->lost_ns, BESIDE_PERCENT);
}

/* Without a target nobody says whose threads they are. */
static int tell_finding(const struct detect_context *in, const struct candidate *candidate)
{
	struct model_finding *finding = finding_append(in->model, FINDING_NO_STALL);

	if (!finding)
		return -ENOMEM;
	finding->stall = (struct model_span){ in->model->stall.start_ns, in->model->stall.end_ns };
	candidate->detector->report(in, candidate->found, finding);
	if (!in->observations->target->count)
		finding_whose(finding, source_threads(in->observations->source));
	return finding_status(finding);
}

static int tell_findings(const struct detect_context *in, const struct candidates *candidates)
{
	int r = 0;

	for (size_t i = 0; i < candidates->count && !r; i++)
		if (candidate_is_told(&candidates->list[0], &candidates->list[i]))
			r = tell_finding(in, &candidates->list[i]);
	return r;
}

/* The stall, on the clock of the model. */
static void fill_stall(const struct detect_context *in, const struct stall *stall)
{
	struct model *model = in->model;

	model->stall.found = true;
	model->stall.apart = stall->apart;
	model->stall.began_before = stall->began_before;
	model->stall.still_open = stall->still_open;
	model->stall.end_lost = stall->end_lost;
	model->stall.end_doubtful = stall->end_doubtful;
	model->stall.start_ns = detect_since_start(in, stall->start_ns);
	model->stall.end_ns = detect_since_start(in, stall->end_ns);
	model->stall.threads_blocked_max = stall->threads_max;
	if (in->window->about_ns && in->window->trigger_ns > stall->end_ns)
		model->stall.trigger_after_ns = in->window->trigger_ns - stall->end_ns;
	model->stall.others = stall->others;
	for (uint32_t i = 0; i < stall->others && i < STALL_OTHERS_MAX; i++)
		model->stall.other[i] = (struct model_span){
			detect_since_start(in, stall->other[i].start_ns),
			detect_since_start(in, stall->other[i].end_ns),
		};
}

/* @of_waits: ask only those who explain the stall of the context. */
static int find_candidates(struct detect_context *in, bool of_waits, struct candidates *candidates)
{
	int r = 0;

	for (size_t i = 0; i < DETECTORS && !r; i++) {
		size_t before = candidates->count;

		if (detectors[i]->of_waits ? !in->stall->found : of_waits)
			continue;
		candidates->asked = detectors[i];
		r = detectors[i]->find(in, candidates);
		drop_empty(candidates, before);
	}
	return r ? r : append_unexplained(in, candidates);
}

/* The model's stall and its blame are another one's meanwhile. */
static int tell_lesser_stall(const struct detect_context *in, const struct stall *stall)
{
	struct model *model = in->model;
	struct model kept = *model;
	struct detect_context context = *in;
	struct candidates candidates = { 0 };
	size_t told = model->finding_count;
	int r;

	context.stall = stall;
	model->blame = NULL;
	model->blame_count = 0;
	r = find_candidates(&context, true, &candidates);
	candidates_sort(&context, &candidates);
	fill_stall(&context, stall);
	if (!r && candidates.count && candidates.list[0].detector)
		r = tell_finding(&context, &candidates.list[0]);
	if (model->finding_count > told)
		model->findings[told].lesser = true;
	free_candidates(&candidates);
	model_clear_blame(model);
	model->blame = kept.blame;
	model->blame_count = kept.blame_count;
	model->stall = kept.stall;
	return r;
}

static int tell_lesser_stalls(const struct detect_context *in, const struct stall *stall)
{
	int r = 0;

	for (uint32_t i = 0; i < stall->others && i < STALL_OTHERS_MAX && !r; i++) {
		const struct stall lesser = stall_of_span(stall, &stall->other[i]);

		if (lesser.threads_max) /* waits made it */
			r = tell_lesser_stall(in, &lesser);
	}
	return r;
}

int detectors_run(struct detect_context *in)
{
	struct candidates candidates = { 0 };
	struct stall stall = *in->stall;
	int r = find_candidates(in, false, &candidates);
	const struct candidate *first;

	if (r || !candidates.count)
		goto out;
	candidates_sort(in, &candidates);
	first = candidates.list;
	if (first->detector && !first->detector->of_waits) {
		stall_replace(&stall, &first->stall);
		model_clear_blame(in->model); /* it is of the other stall's waits */
	}
	in->hurting_classes = first->hurting_classes;
	fill_stall(in, &stall);
	in->model->stall.unsure = first->unsure;
	r = tell_findings(in, &candidates);
	if (!r)
		r = tell_lesser_stalls(in, &stall);
out:
	free_candidates(&candidates);
	return r;
}
