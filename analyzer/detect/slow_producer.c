/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/detect/slow_producer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/detect/thresholds.h"
#include "analyzer/util/span.h"

#define PRODUCERS_MAX 4u

/* Whether @wait tells whom its thread waited for. A server of a file system is left to io-stall. */
static bool names_producer(const struct producer_wait *wait)
{
	if (!wait->producer || wait->class == WAIT_IO_FUSE)
		return false;
	return wait->class == WAIT_CHILD ||
	       (wait->before.count &&
		wait->produced * 100 >= wait->wakeups * PRODUCER_ENDED_PERCENT && wait->produced);
}

static int compare_lost(const void *left, const void *right)
{
	const struct slow_producer *a = left, *b = right;

	return (a->lost_ns < b->lost_ns) - (a->lost_ns > b->lost_ns);
}

/* The producers that most time was lost to in all. Past the room for them the least are left out. */
static size_t choose_producers(const struct producer_wait *waits, size_t count,
			       struct producer_profile *profiles)
{
	struct slow_producer found[PRODUCERS_MAX * 4] = { 0 };
	size_t used = 0, kept;

	for (size_t i = 0; i < count; i++) {
		struct slow_producer *producer = found;
		size_t j = 0;

		if (!names_producer(&waits[i]))
			continue;
		while (j < used && found[j].thread != waits[i].producer)
			j++;
		if (j < used)
			producer = &found[j];
		else if (used < PRODUCERS_MAX * 4)
			producer = &found[used++];
		else
			for (j = 0; j < used; j++)
				producer =
					found[j].lost_ns < producer->lost_ns ? &found[j] : producer;
		if (producer->thread != waits[i].producer)
			*producer = (struct slow_producer){ .thread = waits[i].producer };
		producer->lost_ns += waits[i].end_ns - waits[i].start_ns;
	}
	qsort(found, used, sizeof(*found), compare_lost);
	kept = used < PRODUCERS_MAX ? used : PRODUCERS_MAX;
	for (size_t i = 0; i < kept; i++)
		profiles[i].producer = found[i];
	return kept;
}

/* The worst stall that the waits for it make, and who is in it. */
static int read_waits(struct producer_profile *profile, const struct producer_wait *waits,
		      size_t count, const struct detect_context *in)
{
	struct long_wait *own = calloc(count + 1, sizeof(*own));
	struct slow_producer *producer = &profile->producer;
	struct victim_set victims = VICTIM_SET;
	size_t own_count = 0;
	int r;

	if (!own)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		if (waits[i].producer == producer->thread && names_producer(&waits[i]))
			own[own_count++] = (struct long_wait){
				.thread = waits[i].thread,
				.class = waits[i].class,
				.start_ns = waits[i].start_ns,
				.end_ns = waits[i].end_ns,
				.blocked_ns = waits[i].end_ns - waits[i].start_ns,
				.flags = waits[i].flags,
			};
	r = stall_find(own, own_count, in->long_ns, in->window, &producer->stall);
	if (!r)
		r = producer_profile_spans(profile, own, own_count);
	free(own);
	producer->lost_ns = 0;
	for (size_t i = 0; i < count && !r; i++) {
		uint64_t ns = waits[i].end_ns - waits[i].start_ns;

		if (waits[i].producer != producer->thread || !names_producer(&waits[i]) ||
		    !detect_in_stall(&producer->stall, waits[i].start_ns, waits[i].end_ns))
			continue;
		producer->lost_ns += ns;
		producer->classes |= UINT64_C(1) << waits[i].class;
		if (ns > producer->longest.end_ns - producer->longest.start_ns)
			producer->longest = waits[i];
		r = victim_set_add(&victims, waits[i].thread, waits[i].start_ns, waits[i].end_ns);
	}
	if (!r)
		r = victim_set_take(&victims, 0, &producer->victims, &producer->victim_count, NULL);
	victim_set_free(&victims);
	return r;
}

/*
 * A server and its client wake each other in turn, and look the same from both sides: the server
 * waits for a client that takes its time before it asks again, as a client waits for a server that
 * answers late. A server polls, and has several clients; where neither tells them apart nobody is
 * blamed. A thread outside of the target may be a client of it as well as a server.
 */
static bool is_not_client(const struct slow_producer *producer, struct target *target)
{
	bool polled = producer->classes >> WAIT_POLL & 1,
	     own = target_counts(target, producer->thread);

	if (producer->did == PRODUCER_ENDED)
		return true;
	if (producer->did == PRODUCER_SLEPT)
		return producer->request_class != WAIT_UNKNOWN;
	if (producer->request_class == WAIT_UNKNOWN)
		return own;
	return !polled &&
	       (producer->request_class == WAIT_POLL || (own && producer->victim_count > 1));
}

/* The worst of them moves to @worst. */
static void choose_worst(const struct detect_context *in, struct producer_profile *profiles,
			 size_t profile_count, struct slow_producer *worst)
{
	const struct wait_baseline *baseline = in->observations->baseline;
	const struct producer_wait *waits;
	size_t count = wait_baseline_producer_waits(baseline, &waits);

	for (size_t i = 0; i < profile_count; i++) {
		struct slow_producer *producer = &profiles[i].producer, better;

		producer->did = producer_profile_conclude(&profiles[i]);
		producer->request_class =
			wait_baseline_request_class(baseline, producer->thread, waits, count);
		if (producer->did == PRODUCER_IDLED || producer->lost_ns <= worst->lost_ns ||
		    !is_not_client(producer, in->observations->target))
			continue;
		better = *producer;
		*producer = *worst;
		*worst = better;
	}
}

static void free_slow_producer(void *found)
{
	struct slow_producer *producer = found;

	free(producer->victims);
	cpu_profile_free(&producer->profile);
}

/* The thread that kept others waiting longest, by who waited and what it did meanwhile. */
static int read_worst(const struct detect_context *in, struct slow_producer *worst)
{
	struct producer_profile profiles[PRODUCERS_MAX] = { 0 };
	const struct producer_wait *waits;
	size_t count = wait_baseline_producer_waits(in->observations->baseline, &waits), used;
	int r = 0;

	used = choose_producers(waits, count, profiles);
	for (size_t i = 0; i < used && !r; i++)
		r = read_waits(&profiles[i], waits, count, in);
	for (size_t i = 0; i < used && !r; i++)
		r = producer_profile_read(&profiles[i], in->observations);
	if (!r)
		choose_worst(in, profiles, used, worst);
	for (size_t i = 0; i < used; i++) {
		free(profiles[i].spans);
		free_slow_producer(&profiles[i].producer);
	}
	return r;
}

bool slow_producer_explains(const struct slow_producer *producer, const struct stall *stall)
{
	uint64_t span_ns = producer->longest.end_ns - producer->longest.start_ns;
	bool apart = stall->start_ns >= producer->stall.end_ns ||
		     stall->end_ns <= producer->stall.start_ns;

	if (producer->did == PRODUCER_IDLED)
		return false;
	/* What it waited for itself in that stall is the cause. */
	return !stall->found || apart || stall->apart != producer->stall.apart ||
	       (producer->did != PRODUCER_WAITED &&
		!share_at_least(producer->state_ns[THREAD_RUNNABLE], span_ns,
				PRODUCER_MOST_PERCENT));
}

/*
 * In one process, where nobody asks it nor says that he waited, it looks the same whether one part of a program takes its
 * time before the others have something to do, or keeps them from it. Who asks, or waits in another process, wants an
 * answer.
 */
static bool is_doubtful(const struct detect_context *in, const struct slow_producer *producer)
{
	if (producer->did != PRODUCER_RAN || producer->request_class != WAIT_UNKNOWN ||
	    detect_covers_window(in->window, &producer->stall))
		return false;
	for (size_t i = 0; i < producer->victim_count; i++)
		if (producer->victims[i].thread->tgid != producer->thread->tgid)
			return false;
	return true;
}

/* Idle waits that hurt after all, because one thread did not produce what the others wait for. Without a target nobody
 * says whose waiting matters. */
static int find_slow_producer(struct detect_context *in, struct candidates *out)
{
	struct candidate *candidate = candidate_append(in, out);
	struct slow_producer *worst;
	int r;

	if (!candidate)
		return -ENOMEM;
	if (!in->observations->target->count)
		return 0;
	worst = candidate->found;
	r = read_worst(in, worst);
	if (r || !slow_producer_explains(worst, in->stall))
		return r;
	candidate->stall = worst->stall;
	candidate->lost_ns = worst->lost_ns;
	candidate->hurting_classes = worst->classes;
	worst->doubtful = candidate->unsure = is_doubtful(in, worst);
	in->producer = worst->thread;
	return 0;
}

const struct detector slow_producer_detector = {
	.found_bytes = sizeof(struct slow_producer),
	.evidence = EVIDENCE_SIGNS,
	.find = find_slow_producer,
	.report = slow_producer_report,
	.free = free_slow_producer,
};
