/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/detect/timed_lock.h"

#include <errno.h>
#include <stdlib.h>

#include "analyzer/activity/span_summary.h"

static void fill_owner(const struct handoff_stall *still, struct contended_lock *suspect)
{
	suspect->has_owner = true;
	suspect->owner = (struct lock_owner){
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

static int fill_victims(const struct futex_doubt *doubt, struct contended_lock *suspect)
{
	uint64_t end_ns = suspect->owner.longest.end_ns;

	suspect->victims = calloc(doubt->still.threads, sizeof(*suspect->victims));
	if (!suspect->victims)
		return -ENOMEM;
	for (size_t i = 0; i < doubt->still.threads; i++) {
		const struct handoff_wait *stood = &doubt->stood[i];
		uint64_t ns = stood->end_ns - stood->start_ns;

		suspect->victims[suspect->victim_count++] =
			(struct victim){ stood->thread, ns, ns, stood->start_ns };
		suspect->wait_ns += ns;
		suspect->owner.blamed_ns +=
			(stood->end_ns < end_ns ? stood->end_ns : end_ns) - stood->start_ns;
	}
	suspect->waits = suspect->victim_count;
	suspect->owner.plausible_ns = suspect->owner.blamed_ns;
	contended_lock_sort_victims(suspect);
	suspect->holder = suspect->owner;
	return 0;
}

int timed_lock_find(struct source *source, struct stack_infos *stackfacts,
		    const struct futex_locks *futexes, struct target *target, uint64_t stall_ns,
		    struct contended_lock *ret_suspect)
{
	struct futex_doubt doubt;
	int r;

	*ret_suspect =
		(struct contended_lock){ .class = WAIT_LOCK_USER, .wait_stack_id = STACK_NONE };
	if (!futex_locks_doubt(futexes, target_counts, target, &doubt) ||
	    doubt.still.kind != HANDOFF_TIMED || !doubt.still.waker ||
	    doubt.still.longest.end_ns - doubt.still.longest.start_ns < stall_ns)
		return 0;
	ret_suspect->in_slices = true;
	ret_suspect->address = doubt.address;
	ret_suspect->tgid = doubt.still.longest.thread->tgid;
	fill_owner(&doubt.still, ret_suspect);
	r = fill_victims(&doubt, ret_suspect);
	if (r)
		return r;
	/* what the one did that had it meanwhile */
	return hold_read(source, stackfacts, ret_suspect->owner.thread,
			 ret_suspect->owner.longest.start_ns, ret_suspect->owner.longest.end_ns,
			 &ret_suspect->story);
}
