/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/detect/slow_producer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/detect/slow_producer_profile.h"
#include "analyzer/util/span.h"

#define FEEDERS_MAX 4u

/* Who did something for this share of the longest wait for it, did that. */
#define MOST_PERCENT 75u
#define HALF_PERCENT 50u

/* A run is unusual that is so many times as long as any before. */
#define TIMES_USUAL 5u

/* One that goes on waking others at more than this share of its usual rate, works as it always does. */
#define WORKS_PERCENT 10u

/* Who slept so often between what it asked for is the one of the two that asks. */
#define ASKS_LEAST 20u

/* Fewer stacks do not tell what it was in most of the time. */
#define STACKS_LEAST 5u

/* Of the wake-ups that ended such waits before, the feeder's are at least this many. */
#define FED_PERCENT 10u

/* Candidates. */

static bool within(const struct producer_wait *wait, const struct stall *stall)
{
	return wait->start_ns >= stall->start_ns && wait->end_ns <= stall->end_ns;
}

/* Whether @wait can say anything about who feeds it. Who serves a file system is the business of io-stall. */
static bool says(const struct producer_wait *wait)
{
	if (!wait->producer || wait->class == WAIT_IO_FUSE)
		return false;
	return wait->class == WAIT_CHILD ||
	       (wait->before.count && wait->produced * 100 >= wait->wakeups * FED_PERCENT && wait->produced);
}

static int by_lost(const void *left, const void *right)
{
	const struct slow_producer *a = left, *b = right;

	return (a->lost_ns < b->lost_ns) - (a->lost_ns > b->lost_ns);
}

/* The feeders that most time was lost to in all. Past the room for them the least are left out. */
static size_t candidates(const struct producer_wait *waits, size_t count, struct conduct *conducts)
{
	struct slow_producer found[FEEDERS_MAX * 4] = { 0 };
	size_t used = 0, kept;

	for (size_t i = 0; i < count; i++) {
		struct slow_producer *feeder = found;
		size_t j = 0;

		if (!says(&waits[i]))
			continue;
		while (j < used && found[j].thread != waits[i].producer)
			j++;
		if (j < used)
			feeder = &found[j];
		else if (used < FEEDERS_MAX * 4)
			feeder = &found[used++];
		else
			for (j = 0; j < used; j++)
				feeder = found[j].lost_ns < feeder->lost_ns ? &found[j] : feeder;
		if (feeder->thread != waits[i].producer)
			*feeder = (struct slow_producer){ .thread = waits[i].producer };
		feeder->lost_ns += waits[i].end_ns - waits[i].start_ns;
	}
	qsort(found, used, sizeof(*found), by_lost);
	kept = used < FEEDERS_MAX ? used : FEEDERS_MAX;
	for (size_t i = 0; i < kept; i++)
		conducts[i].feeder = found[i];
	return kept;
}

/* The worst stall that the waits for it make, and who is in it. */
static int prepare(struct conduct *conduct, const struct producer_wait *waits, size_t count,
		   const struct slow_producer_search *search)
{
	struct long_wait *own = calloc(count + 1, sizeof(*own));
	struct slow_producer *feeder = &conduct->feeder;
	struct victim_set victims = VICTIM_SET;
	size_t own_count = 0;
	int r;

	if (!own)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		if (waits[i].producer == feeder->thread && says(&waits[i]))
			own[own_count++] = (struct long_wait){
				.thread = waits[i].thread,
				.class = waits[i].class,
				.start_ns = waits[i].start_ns,
				.end_ns = waits[i].end_ns,
				.blocked_ns = waits[i].end_ns - waits[i].start_ns,
				.flags = waits[i].flags,
			};
	r = stall_find(own, own_count, search->long_ns, search->since_ns, &feeder->stall);
	if (!r)
		r = conduct_spans(conduct, own, own_count);
	free(own);
	feeder->lost_ns = 0;
	for (size_t i = 0; i < count && !r; i++) {
		uint64_t ns = waits[i].end_ns - waits[i].start_ns;

		if (waits[i].producer != feeder->thread || !says(&waits[i]) ||
		    !within(&waits[i], &feeder->stall))
			continue;
		feeder->lost_ns += ns;
		feeder->classes |= UINT32_C(1) << waits[i].class;
		if (ns > feeder->longest.end_ns - feeder->longest.start_ns)
			feeder->longest = waits[i];
		r = victim_set_add(&victims, waits[i].thread, waits[i].start_ns, waits[i].end_ns);
	}
	if (!r)
		r = victim_set_take(&victims, 0, &feeder->victims, &feeder->victim_count, NULL);
	victim_set_free(&victims);
	return r;
}

/* What it comes to. */

/* A thread that always works, and wakes others all the while, starves nobody who happens to wait for it. */
static bool stopped_feeding(const struct slow_producer *feeder)
{
	uint64_t span_ns = feeder->longest.end_ns - feeder->longest.start_ns;
	double usual = (double)feeder->usual_wakeups / (double)(feeder->usual_span_ns + 1);

	return feeder->usual_wakeups && feeder->run_ns / TIMES_USUAL >= feeder->usual_run_ns &&
	       (double)feeder->wakeups * 100 <= usual * (double)span_ns * WORKS_PERCENT;
}

/*
 * A producer that sleeps paces itself. One that is asked, by one that paces itself, and that sleeps nowhere but
 * in the time it was waited for, was not meant to.
 */
static bool slept_when_asked(const struct slow_producer *feeder)
{
	uint64_t span_ns = feeder->longest.end_ns - feeder->longest.start_ns;

	return feeder->blocked_class == WAIT_SLEEP &&
	       share_at_least(feeder->blocked_ns, span_ns, MOST_PERCENT) && !feeder->usual_sleeps &&
	       feeder->victim_sleeps >= ASKS_LEAST && feeder->longest.links == 1 &&
	       !feeder->longest.early;
}

static enum slow_producer_did what_it_did(const struct conduct *conduct)
{
	const struct slow_producer *feeder = &conduct->feeder;
	uint64_t span_ns = feeder->longest.end_ns - feeder->longest.start_ns;
	uint64_t ran_ns = feeder->state_ns[THREAD_RUNNING] + feeder->state_ns[THREAD_RUNNABLE];
	bool ran = share_at_least(ran_ns, span_ns, MOST_PERCENT);

	if (conduct->stacks >= STACKS_LEAST &&
	    !share_at_least(feeder->state_ns[THREAD_UNKNOWN], span_ns, HALF_PERCENT) &&
	    share_at_least(conduct->end_stacks, conduct->stacks, MOST_PERCENT))
		return FEEDER_ENDED;
	if (feeder->longest.class == WAIT_CHILD)
		return FEEDER_IDLED; /* that a child works, and waits for what it needs, is its purpose */
	if (share_at_least(feeder->blocked_ns, span_ns, HALF_PERCENT) &&
	    !wait_class_idle(feeder->blocked_class))
		return FEEDER_WAITED;
	if (ran && share_at_least(feeder->run_ns, span_ns, MOST_PERCENT) && stopped_feeding(feeder))
		return FEEDER_RAN;
	return slept_when_asked(feeder) ? FEEDER_SLEPT : FEEDER_IDLED;
}

/*
 * Two that wake each other alternately, a server and its client, look the same from both sides: the client
 * that takes its time before it asks again feeds the server as little as a server that answers
 * late feeds its client. A server polls, and has several clients; where neither tells them apart nobody is
 * blamed. Outside of the target is who the target serves, as likely as who serves it.
 */
static bool serves_or_feeds(const struct slow_producer *feeder, struct target *target)
{
	bool polled = feeder->classes >> WAIT_POLL & 1, own = target_counts(target, feeder->thread);

	if (feeder->did == FEEDER_ENDED)
		return true;
	if (feeder->did == FEEDER_SLEPT)
		return feeder->asked_in != WAIT_UNKNOWN;
	if (feeder->asked_in == WAIT_UNKNOWN)
		return own;
	return !polled && (feeder->asked_in == WAIT_POLL || (own && feeder->victim_count > 1));
}

static void conclude(const struct slow_producer_search *search, struct conduct *conducts,
		     size_t conduct_count, struct slow_producer *ret_feeder)
{
	const struct producer_wait *waits;
	size_t count = wait_baseline_producer_waits(search->observations->baseline, &waits);

	for (size_t i = 0; i < conduct_count; i++) {
		struct slow_producer *feeder = &conducts[i].feeder;

		feeder->usual_span_ns = conducts[i].observed_ns;
		feeder->did = what_it_did(&conducts[i]);
		feeder->asked_in =
			wait_baseline_request_class(search->observations->baseline, feeder->thread, waits, count);
		if (feeder->did == FEEDER_IDLED || feeder->lost_ns <= ret_feeder->lost_ns ||
		    !serves_or_feeds(feeder, search->observations->target))
			continue;
		slow_producer_free(ret_feeder);
		*ret_feeder = *feeder;
		feeder->victims = NULL;
		feeder->profile = (struct cpu_profile){ 0 };
	}
}

int slow_producer_find(const struct slow_producer_search *search, struct slow_producer *ret_feeder)
{
	struct conduct conducts[FEEDERS_MAX] = { 0 };
	const struct producer_wait *waits;
	size_t count = wait_baseline_producer_waits(search->observations->baseline, &waits), used;
	int r = 0;

	*ret_feeder = (struct slow_producer){ .did = FEEDER_IDLED };
	used = candidates(waits, count, conducts);
	for (size_t i = 0; i < used && !r; i++)
		r = prepare(&conducts[i], waits, count, search);
	for (size_t i = 0; i < used && !r; i++)
		r = conduct_read(&conducts[i], search->observations);
	if (!r)
		conclude(search, conducts, used, ret_feeder);
	for (size_t i = 0; i < used; i++)
		conduct_free(&conducts[i]);
	return r;
}

void slow_producer_free(struct slow_producer *feeder)
{
	free(feeder->victims);
	cpu_profile_free(&feeder->profile);
	*feeder = (struct slow_producer){ .did = FEEDER_IDLED };
}

/* Against a stall of other waits. */

bool slow_producer_explains(const struct slow_producer *feeder, const struct stall *stall)
{
	uint64_t span_ns = feeder->longest.end_ns - feeder->longest.start_ns;
	bool apart = stall->start_ns >= feeder->stall.end_ns ||
		     stall->end_ns <= feeder->stall.start_ns;

	if (feeder->did == FEEDER_IDLED)
		return false;
	/* What it waited for itself in that stall is the cause. */
	return !stall->found || apart || stall->apart != feeder->stall.apart ||
	       (feeder->did != FEEDER_WAITED &&
		!share_at_least(feeder->state_ns[THREAD_RUNNABLE], span_ns, MOST_PERCENT));
}
