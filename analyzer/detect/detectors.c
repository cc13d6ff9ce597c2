/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of detectors, and the rule that puts what they found in order:
 *
 *  1. What the capture was triggered for was not over when the trigger fired: a candidate that was, comes after one that was not.
 *  2. Where somebody is known to have waited, a candidate that covers half of that time or more comes before one that does not.
 *  3. What filled the whole recording unchanged comes after what began, or ended, in it. (See also stall.h.)
 *  4. Then it goes by the time that the target's threads lost, as the candidate explains. Direct evidence counts double (enum
 *     evidence), and so does a candidate that says who did it: without a name it must explain twice as much.
 *
 * What explains no lost time at all is not told. The first one is told. Beside it are told those that are about the same time, explain a tenth of what the first one
 * does, and whose detector says that this is of use. What of the stall no detector can explain takes part in
 * the order without being told: a lesser candidate does not become the cause of a stall for want of a better one.
 */
#include "analyzer/detect/detectors.h"

#include <errno.h>
#include <stdlib.h>

#include "analyzer/detect/finding.h"
#include "analyzer/detect/thresholds.h"
#include "analyzer/util/span.h"

static const struct detector *const detectors[] = {
	&deadlock_detector,	 &stopped_process_detector, &lock_convoy_detector,
	&resource_wait_detector, &cpu_starvation_detector,  &slow_producer_detector,
	&spin_detector,		 &host_pause_detector,	    &timed_lock_detector,
	&busy_thread_detector,
};

#define DETECTORS (sizeof(detectors) / sizeof(*detectors))

int candidates_append(struct candidates *out, const struct candidate *candidate)
{
	size_t room = out->room ? out->room * 2 : 8;
	struct candidate *list;

	if (out->count == out->room) {
		list = reallocarray(out->list, room, sizeof(*list));
		if (!list)
			return -ENOMEM;
		out->list = list;
		out->room = room;
	}
	out->list[out->count++] = *candidate;
	return 0;
}

static void free_candidates(struct candidates *candidates)
{
	for (size_t i = 0; i < candidates->count; i++)
		if (candidates->list[i].found)
			candidates->list[i].detector->free(candidates->list[i].found);
	free(candidates->list);
}

bool detect_over_before(const struct detect_context *in, uint64_t end_ns)
{
	return in->window->about_ns && end_ns < in->window->about_ns;
}

bool detect_covers_window(const struct trigger_window *window, const struct stall *stall)
{
	uint64_t from_ns = later(stall->start_ns, window->since_ns);
	uint64_t to_ns = earlier(stall->end_ns, window->until_ns);

	return stall->found && window->proves && to_ns > from_ns &&
	       share_at_least(to_ns - from_ns, window->until_ns - window->since_ns,
			      WINDOW_COVERED_PERCENT);
}

static bool filled_all(const struct detect_context *in, const struct stall *stall)
{
	return stall->began_before && stall->still_open &&
	       stall->start_ns <= in->observations->start_ns &&
	       stall->end_ns >= in->observations->end_ns;
}

/* The time lost, as much as it is believed. */
static uint64_t believed_ns(const struct candidate *candidate)
{
	uint64_t lost_ns = candidate->lost_ns << candidate->evidence;

	return candidate->named ? lost_ns * 2 : lost_ns;
}

/* The rule. */
static bool comes_before(const struct detect_context *in, const struct candidate *a,
			 const struct candidate *b)
{
	bool a_covers = detect_covers_window(in->window, &a->stall);
	bool b_covers = detect_covers_window(in->window, &b->stall);

	if (a->stall.apart != b->stall.apart)
		return b->stall.apart;
	if (a_covers != b_covers)
		return a_covers;
	if (filled_all(in, &a->stall) != filled_all(in, &b->stall))
		return filled_all(in, &b->stall);
	return believed_ns(a) > believed_ns(b);
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
	struct candidate rest = {
		.stall = *in->stall,
		.evidence = EVIDENCE_WAITS,
		.of_waits = true,
	};
	uint64_t explained_ns = 0;

	if (!in->stall->found)
		return 0;
	for (size_t i = 0; i < in->wait_count; i++)
		if (in->waits[i].start_ns >= in->stall->start_ns &&
		    in->waits[i].end_ns <= in->stall->end_ns)
			rest.lost_ns += in->waits[i].blocked_ns;
	for (size_t i = 0; i < candidates->count; i++)
		if (candidates->list[i].of_waits)
			explained_ns += candidates->list[i].lost_ns;
	rest.lost_ns -= earlier(rest.lost_ns, explained_ns);
	return candidates_append(candidates, &rest);
}

static bool is_told(const struct candidate *first, const struct candidate *candidate)
{
	if (!candidate->detector)
		return false;
	if (candidate == first)
		return true;
	return candidate->beside && candidate->stall.start_ns < first->stall.end_ns &&
	       candidate->stall.end_ns > first->stall.start_ns &&
	       candidate->lost_ns * 100 >= first->lost_ns * BESIDE_PERCENT;
}

static int tell_findings(struct detect_context *in, const struct candidates *candidates)
{
	const struct candidate *first = candidates->list;
	int r = 0;

	for (size_t i = 0; i < candidates->count && !r; i++)
		if (is_told(first, &candidates->list[i]))
			r = candidates->list[i].detector->report(in, &candidates->list[i]);
	return r;
}

static uint64_t since_start(const struct detect_context *in, uint64_t time_ns)
{
	return time_ns > in->start_ns ? time_ns - in->start_ns : 0;
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
	model->stall.start_ns = since_start(in, stall->start_ns);
	model->stall.end_ns = since_start(in, stall->end_ns);
	model->stall.threads_blocked_max = stall->threads_max;
	model->stall.others = stall->others;
	for (uint32_t i = 0; i < stall->others && i < STALL_OTHERS_MAX; i++)
		model->stall.other[i] = (struct model_span){
			since_start(in, stall->other[i].start_ns),
			since_start(in, stall->other[i].end_ns),
		};
}

/* Without a target nobody says whose threads they are. */
static int tell_whose(const struct detect_context *in)
{
	struct model *model = in->model;
	int r = 0;

	for (size_t i = 0; i < model->finding_count && !r && !in->observations->target->count; i++)
		r = finding_whose(&model->findings[i], source_threads(in->observations->source));
	return r;
}

int detectors_run(struct detect_context *in, uint32_t *ret_starved)
{
	struct candidates candidates = { 0 };
	struct stall stall = *in->stall;
	const struct candidate *first;
	int r = 0;

	*ret_starved = 0;
	for (size_t i = 0; i < DETECTORS && !r; i++) {
		size_t before = candidates.count;

		r = detectors[i]->find(in, &candidates);
		for (size_t j = before; j < candidates.count; j++)
			candidates.list[j].detector = detectors[i];
	}
	if (!r)
		r = append_unexplained(in, &candidates);
	if (r || !candidates.count)
		goto out;
	candidates_sort(in, &candidates);
	first = candidates.list;
	if (!first->lost_ns)
		goto out; /* no thread of the target lost anything */
	if (!first->of_waits) {
		stall_replace(&stall, &first->stall);
		model_clear_blame(in->model); /* it is of the other stall's waits */
	}
	*ret_starved = first->starved_classes;
	fill_stall(in, &stall);
	r = tell_findings(in, &candidates);
	if (!r)
		r = tell_whose(in);
out:
	free_candidates(&candidates);
	return r;
}
