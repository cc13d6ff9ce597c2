/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The findings slow-producer and busy-thread where threads of the target are the victims: they
 * wait far longer than they used to for a thread that feeds or serves them. And who is
 * behind a slow FUSE file system.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <stdio.h>

#include "analyzer/detect/finding.h"
#include "analyzer/detect/detectors.h"
#include "analyzer/detect/slow_producer.h"

/* Waits before the stall from which a rhythm is known well, and the feeder's part in it. */
#define STRONG_WAITS   100u
#define STRONG_PERCENT 50u

/* Wanting a CPU for longer than such a part of its run is worth being told. */
#define PAUSE_PART 20u

static enum grade grade_of(const struct slow_producer *feeder, const struct model *model)
{
	const struct producer_wait *longest = &feeder->longest;

	if (model->coverage.gap_count || !longest->links)
		return GRADE_PLAUSIBLE;
	if (feeder->did == FEEDER_ENDED)
		return GRADE_STRONG;
	if (feeder->did == FEEDER_SLEPT)
		return GRADE_PLAUSIBLE;
	if (feeder->asked_in == WAIT_UNKNOWN &&
	    (longest->class == WAIT_POLL || longest->class == WAIT_NET_SOCKET))
		return GRADE_PLAUSIBLE;
	if (longest->early || longest->before.count < STRONG_WAITS ||
	    (longest->links == 1 && longest->produced * 100 < longest->wakeups * STRONG_PERCENT))
		return GRADE_PLAUSIBLE;
	return GRADE_STRONG;
}

static void fill_culprit(const struct detect_context *context, const struct slow_producer *feeder,
			 struct model_finding *finding)
{
	bool slept = feeder->state_ns[THREAD_BLOCKED] > feeder->state_ns[THREAD_RUNNING];
	uint32_t stack_id =
		slept && feeder->blocked_ns ? feeder->blocked_stack_id : feeder->profile.stack_id;
	const struct cpu_profile *profile = &feeder->profile;

	finding->has_culprit = true;
	finding->culprit = (struct model_culprit){
		.tid = feeder->thread->tid,
		.tgid = feeder->thread->tgid,
		.comm = feeder->thread->comm,
		.hold_start_ns = feeder->longest.start_ns - context->start_ns,
		.hold_ns = feeder->longest.end_ns - feeder->longest.start_ns,
		.running_ns = feeder->state_ns[THREAD_RUNNING],
		.runnable_ns = feeder->state_ns[THREAD_RUNNABLE],
		.blocked_ns = feeder->state_ns[THREAD_BLOCKED],
		.samples = profile->samples,
		.samples_in_stack = profile->top_count ? profile->top[0].samples : 0,
		.stack = finding_stack(context->stacks, stack_id, true),
		.user_stack = finding_stack(context->stacks, stack_id, false),
	};
}

struct deed {
	char text[192];
};

/* Without a CPU it did not run, though it did not wait for work either. */
static void ran_text(const struct slow_producer *feeder, struct deed *deed)
{
	uint64_t running_ns = feeder->state_ns[THREAD_RUNNING];
	uint64_t runnable_ns = feeder->state_ns[THREAD_RUNNABLE];

	if (runnable_ns * PAUSE_PART > running_ns)
		snprintf(deed->text, sizeof(deed->text),
			 "did not pause: it ran %s, and wanted a CPU for another %s",
			 human_duration(running_ns).text, human_duration(runnable_ns).text);
	else
		snprintf(deed->text, sizeof(deed->text), "ran %s without a pause",
			 human_duration(feeder->run_ns).text);
}

/* "ran 1.50 s without a pause": what it did while it was waited for. */
static struct deed deed(const struct slow_producer *feeder)
{
	struct deed text;

	switch (feeder->did) {
	case FEEDER_ENDED:
		snprintf(text.text, sizeof(text.text), "was ending, and did nothing else");
		break;
	case FEEDER_SLEPT:
		snprintf(text.text, sizeof(text.text), "slept, %s at a time",
			 human_duration(feeder->blocked_ns).text);
		break;
	case FEEDER_WAITED:
		snprintf(text.text, sizeof(text.text), "waited itself (%s)",
			 wait_class_name(feeder->blocked_class));
		break;
	default:
		if (feeder->state_ns[THREAD_RUNNABLE] > feeder->state_ns[THREAD_RUNNING])
			snprintf(text.text, sizeof(text.text), "wanted a CPU and ran %s",
				 human_duration(feeder->state_ns[THREAD_RUNNING]).text);
		else
			ran_text(feeder, &text);
	}
	return text;
}

/* The wait, and what such waits were like before. */
static int wait_evidence(const struct detect_context *context, const struct slow_producer *feeder,
			 struct model_finding *finding)
{
	const struct producer_wait *wait = &feeder->longest;
	const struct stack_info *fact = stack_infos_get(context->stack_infos, wait->stack_id);
	struct human length = human_duration(wait->end_ns - wait->start_ns);
	int r;

	if (!fact)
		return -ENOMEM;
	r = finding_evidence(finding, "thread %" PRId32 " (%s) waited longest, %s%s%s (%s)%s",
			     wait->thread->tid, wait->thread->comm, length.text,
			     *fact->operation ? " in " : "", fact->operation,
			     wait_class_name(wait->class),
			     wait->flags & INTERVAL_STILL_OPEN ? ", and still does" : "");
	if (r || !wait->before.count || wait->class == WAIT_IO_FUSE)
		return r;
	return finding_evidence(finding,
				"its %s waits there %s took at most %s, the median one at most %s",
				human_count(wait->before.count).text,
				wait->early ? "afterwards" : "before",
				human_duration(wait->before.longest_ns).text,
				human_duration(wait->before.median_ns).text);
}

static int feeds_evidence(const struct slow_producer *feeder, struct model_finding *finding)
{
	const struct producer_wait *wait = &feeder->longest;
	const struct thread *thread = feeder->thread;
	char share[192] = "";

	if (wait->produced)
		snprintf(share, sizeof(share),
			 "; it ended %s of the %s such waits %s whose end was seen",
			 human_count(wait->produced).text, human_count(wait->wakeups).text,
			 wait->early ? "afterwards" : "before");
	if (!wait->links)
		return finding_evidence(finding, "%" PRId32 " (%s) is who usually wakes it%s",
					thread->tid, thread->comm, share);
	if (wait->links == 1)
		return finding_evidence(finding, "%" PRId32 " (%s) woke it%s", thread->tid,
					thread->comm, share);
	return finding_evidence(
		finding,
		"who woke it had waited likewise; at the head of that chain of %" PRIu32
		" wake-ups is %" PRId32 " (%s)%s",
		wait->links, thread->tid, thread->comm, share);
}

static int run_evidence(const struct slow_producer *feeder, struct model_finding *finding)
{
	if (feeder->did != FEEDER_RAN || !feeder->usual_wakeups)
		return 0;
	return finding_evidence(
		finding,
		"at other times it never ran for more than %s without waiting for "
		"work, and woke other threads %s times in %s; now %s times in %s",
		human_duration(feeder->usual_run_ns).text, human_count(feeder->usual_wakeups).text,
		human_duration(feeder->usual_span_ns).text, human_count(feeder->wakeups).text,
		human_duration(feeder->longest.end_ns - feeder->longest.start_ns).text);
}

static int sleep_evidence(const struct slow_producer *feeder, struct model_finding *finding)
{
	if (feeder->did != FEEDER_SLEPT)
		return 0;
	return finding_evidence(
		finding,
		"it slept at no other time in the recording; the one that waited sleeps "
		"between what it asks for, %s times, so it is the one that asks",
		human_count(feeder->victim_sleeps).text);
}

static int fill_evidence(const struct detect_context *context, const struct slow_producer *feeder,
			 struct model_finding *finding)
{
	int r = wait_evidence(context, feeder, finding);

	if (!r)
		r = feeds_evidence(feeder, finding);
	if (!r)
		r = run_evidence(feeder, finding);
	if (!r)
		r = sleep_evidence(feeder, finding);
	if (!r)
		r = finding_profile(finding, &feeder->profile);
	return r;
}

static const char *advice_of(const struct slow_producer *feeder)
{
	if (feeder->did == FEEDER_ENDED)
		return "Freeing its memory takes that long: let the process give it back before, "
		       "in parts, or wait for its end in a thread that nobody waits for.";
	if (feeder->did == FEEDER_SLEPT)
		return "Find why it sleeps when it is asked: a retry, a rate limit, a wait for "
		       "something that could be waited for.";
	if (feeder->did == FEEDER_WAITED)
		return "Look at what it waited for, or let it do that in a thread that nobody "
		       "waits for.";
	if (feeder->asked_in != WAIT_UNKNOWN)
		return "Find the request that takes so long; the profile shows the code. Do it in "
		       "slices, or in a thread that nobody waits for.";
	return "Find what it does instead of feeding them; the profile shows the code. Do it in "
	       "slices, in another thread, or keep a larger stock in between.";
}

static int tell_slow_producer(const struct detect_context *context,
			      const struct slow_producer *feeder, struct model *model)
{
	bool busy = feeder->asked_in != WAIT_UNKNOWN && feeder->did == FEEDER_RAN;
	struct model_finding *finding;
	int r;

	finding = finding_append(model, busy ? FINDING_BUSY_THREAD : FINDING_SLOW_PRODUCER);
	if (!finding)
		return -ENOMEM;
	finding->grade = grade_of(feeder, model);
	fill_culprit(context, feeder, finding);
	r = finding_victims(finding, feeder->victims, feeder->victim_count, context->start_ns);
	if (!r)
		r = finding_text(&finding->summary,
				 "%zu thread%s waited %s for thread %" PRId32
				 " (%s)%s; meanwhile it %s.",
				 feeder->victim_count, feeder->victim_count == 1 ? "" : "s",
				 human_duration(finding->blocked_ns).text, feeder->thread->tid,
				 feeder->thread->comm,
				 feeder->did == FEEDER_ENDED	    ? " to be gone"
				 : feeder->asked_in != WAIT_UNKNOWN ? ", which answers them"
								    : ", which feeds them",
				 deed(feeder).text);
	if (!r)
		r = fill_evidence(context, feeder, finding);
	if (!r)
		r = finding_text(&finding->advice, "%s", advice_of(feeder));
	return r;
}

/* Idle waits that hurt after all, because one thread did not feed those who wait. Without a target nobody says whose
 * waiting matters. */
static int find_slow_producer(struct detect_context *in, struct candidates *out)
{
	const struct slow_producer_search search = {
		.observations = in->observations,
		.long_ns = in->long_ns,
		.since_ns = in->window->about_ns,
	};
	struct candidate candidate = { .evidence = EVIDENCE_SIGNS, .named = true };
	struct slow_producer *found;
	int r;

	if (!in->observations->target->count)
		return 0;
	found = calloc(1, sizeof(*found));
	if (!found)
		return -ENOMEM;
	r = slow_producer_find(&search, found);
	if (!r && slow_producer_explains(found, in->stall)) {
		candidate.found = found;
		candidate.stall = found->stall;
		candidate.lost_ns = found->lost_ns;
		candidate.starved_classes = found->classes;
		r = candidates_append(out, &candidate);
	}
	if (r || !candidate.found) {
		slow_producer_free(found);
		free(found);
		return r;
	}
	in->producer = found->thread;
	return 0;
}

static int report_slow_producer(const struct detect_context *in, const struct candidate *candidate)
{
	return tell_slow_producer(in, candidate->found, in->model);
}

static void free_slow_producer(void *found)
{
	slow_producer_free(found);
	free(found);
}

const struct detector slow_producer_detector = { "slow-producer", find_slow_producer,
						 report_slow_producer, free_slow_producer };
