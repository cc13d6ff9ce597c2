/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A lock that is waited for with timeouts, as Python's global one is: each sleep is short, and
 * together they are one wait that hurts.
 */

#include <errno.h>
#include <stdlib.h>

#include "analyzer/activity/span_summary.h"
#include "analyzer/detect/detectors.h"
#include "analyzer/detect/lock_convoy.h"
#include "analyzer/util/span.h"

static void fill_owner(const struct handoff_stall *still, struct contended_lock *contended)
{
	contended->has_owner = true;
	contended->owner = (struct lock_owner){
		.thread = still->waker,
		/* It had it since before anybody waited, until it woke one. */
		.longest = {
			.start_ns = still->longest.start_ns,
			.end_ns = still->first.end_ns,
			.stack_id = still->first.waker_stack_id,
			.first_woken = still->first.thread,
		},
	};
}

static int fill_victims(const struct futex_doubt *doubt, struct contended_lock *contended)
{
	uint64_t end_ns = contended->owner.longest.end_ns;

	contended->victims = calloc(doubt->still.threads, sizeof(*contended->victims));
	if (!contended->victims)
		return -ENOMEM;
	for (size_t i = 0; i < doubt->still.threads; i++) {
		const struct handoff_wait *wait = &doubt->stood[i];
		uint64_t ns = wait->end_ns - wait->start_ns;

		contended->victims[contended->victim_count++] =
			(struct victim){ wait->thread, ns, ns, wait->start_ns };
		contended->wait_ns += ns;
		contended->owner.blamed_ns += earlier(wait->end_ns, end_ns) - wait->start_ns;
	}
	contended->waits = contended->victim_count;
	contended->owner.plausible_ns = contended->owner.blamed_ns;
	contended_lock_sort_victims(contended);
	contended->holder = contended->owner;
	return 0;
}

/* The longest wait of that kind, as an examined lock; without victims where there is none. */
static int read_timed_lock(const struct observations *observations, uint64_t stall_ns,
			   struct contended_lock *ret_contended)
{
	struct futex_doubt doubt;
	int r;

	*ret_contended =
		(struct contended_lock){ .class = WAIT_LOCK_USER, .wait_stack_id = STACK_NONE };
	if (!futex_locks_doubt(observations->prescan.futexes, target_counts, observations->target,
			       &doubt) ||
	    doubt.still.kind != HANDOFF_TIMED || !doubt.still.waker ||
	    doubt.still.longest.end_ns - doubt.still.longest.start_ns < stall_ns)
		return 0;
	ret_contended->in_slices = true;
	ret_contended->address = doubt.address;
	ret_contended->tgid = doubt.still.longest.thread->tgid;
	fill_owner(&doubt.still, ret_contended);
	r = fill_victims(&doubt, ret_contended);
	if (r)
		return r;
	/* what the one did that had it meanwhile */
	return span_summary_read(observations->history, source_stacks(observations->source),
				 observations->stack_infos, ret_contended->owner.thread,
				 ret_contended->owner.longest.start_ns,
				 ret_contended->owner.longest.end_ns, &ret_contended->hold_summary);
}

/* Where nothing else froze: waits that are short each, and long together. */
static int find_timed_lock(struct detect_context *in, struct candidates *out)
{
	struct candidate *candidate = candidate_append(in, out);
	struct contended_lock *lock;
	int r;

	if (!candidate)
		return -ENOMEM;
	if (in->stall->found || !in->observations->target->count)
		return 0;
	lock = candidate->found;
	r = read_timed_lock(in->observations, in->long_ns, lock);
	candidate->lost_ns = lock->wait_ns;
	candidate->stall = (struct stall){
		.found = true,
		.start_ns = lock->owner.longest.start_ns,
		.end_ns = lock->owner.longest.end_ns,
		.threads_max = (uint32_t)lock->victim_count,
		.apart = detect_over_before(in, lock->owner.longest.end_ns),
	};
	return r;
}

const struct detector timed_lock_detector = {
	.found_bytes = sizeof(struct contended_lock),
	.evidence = EVIDENCE_SIGNS,
	.find = find_timed_lock,
	.report = lock_convoy_report,
	.free = lock_convoy_free,
};
