/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Locks of files: which one a wait is for, and who has it, as far as /proc/locks told.
 */
#include "analyzer/locks/proc_locks.h"
#include "analyzer/locks/lock_private.h"

static const struct proc_locks *listed_of(const struct lock_tracker *locks)
{
	return locks->options.futexes ? futex_locks_listed(locks->options.futexes) : NULL;
}

uint64_t lock_tracker_listed_address(const struct lock_tracker *locks,
				     const struct interval *interval,
				     struct wait_reason *ret_reason)
{
	const struct proc_locks *listed = listed_of(locks);
	const struct proc_locks_wait *wait =
		listed ? proc_locks_find(listed, interval->thread, interval->start_ns) : NULL;

	if (!wait)
		return 0;
	ret_reason->detail = proc_locks_text(listed, wait->address);
	return wait->address;
}

int lock_tracker_listed_ending(struct lock_tracker *locks, struct lock_entry *entry,
			       const struct threads *threads, uint64_t end_ns)
{
	const struct proc_locks *listed = listed_of(locks);
	const struct proc_locks_wait *wait =
		listed ? proc_locks_open(listed, entry->key.address) : NULL;
	struct thread *holder = wait ? proc_locks_thread(threads, wait->holder) : NULL;

	if (!holder || lock_tracker_waits_for(locks, holder, entry))
		return 0;
	entry->lock.holder = holder;
	entry->lock.holder_named = true;
	return ownership_held_at_end(entry->ownership,
				     &(struct lock_release){ .thread = holder,
							     .time_ns = end_ns,
							     .since_ns = wait->start_ns,
							     .exact = true,
							     .stack_id = STACK_NONE });
}
