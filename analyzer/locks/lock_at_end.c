/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The holders of the locks that are still waited for when the recording ends.
 */
#include "analyzer/locks/lock_private.h"

/* The one thread of @tgid that may hold its mmap_lock now, NULL where none or several may. */
static struct thread *find_mmap_holder(const struct lock_tracker *locks,
				       const struct threads *threads, int32_t tgid, uint64_t end_ns)
{
	struct thread *holder = NULL;
	struct operation_since since;

	for (size_t i = 0; i < threads_count(threads); i++) {
		struct thread *thread = threads_at(threads, i);
		const struct waiter *waiter;

		if (thread->tgid != tgid || thread->exited || thread->idle_task)
			continue;
		waiter = per_thread_find(&locks->waiters, thread);
		if (waiter && waiter->open)
			continue;
		since = kernel_operations_since(locks->operations, thread);
		if (!since.holds_mmap)
			continue;
		/* It may be elsewhere by now, or another may be there. */
		if (holder ||
		    lost_spans_within_ns(&locks->losses, since.seen_ns, end_ns) >= UNCLEAR_NS)
			return NULL;
		holder = thread;
	}
	return holder;
}

/* @named: the holder by the kernel's log; its thread may be NULL. */
static int find_mmap_owner(struct lock_tracker *locks, struct lock_entry *entry,
			   const struct threads *threads, const struct lock_release *named,
			   uint64_t end_ns)
{
	struct operation_since since;
	struct thread *holder;
	struct hold_owner told;

	if (hold_events_of(locks->hold_events, entry->lock.address, &told))
		return ownership_held_at_end(entry->ownership,
					     &(struct lock_release){ .thread = told.thread,
								     .time_ns = end_ns,
								     .since_ns = told.since_ns,
								     .since_exact = true,
								     .read = told.read,
								     .mode_known = true,
								     .exact = true,
								     .stack_id = STACK_NONE });
	holder = named->thread && !named->plausible
			 ? NULL
			 : find_mmap_holder(locks, threads, entry->lock.tgid, end_ns);
	if (!holder)
		return named->thread ? ownership_held_at_end(entry->ownership, named) : 0;
	since = kernel_operations_since(locks->operations, holder);
	return ownership_held_at_end(entry->ownership,
				     &(struct lock_release){ .thread = holder,
							     .time_ns = end_ns,
							     .since_ns = since.since_ns,
							     .since_exact = since.exact,
							     .stack_id = since.stack_id });
}

bool lock_tracker_waits_for(const struct lock_tracker *locks, const struct thread *thread,
			    const struct lock_entry *entry)
{
	const struct waiter *waiter = per_thread_find(&locks->waiters, thread);

	return waiter && waiter->open && waiter->entry == entry;
}

/*
 * The thread that got the lock by the last hand-off has it still, if others have slept for it since before
 * then: a release would have woken one of them. Some locks name their owner themselves.
 */
static int find_user_owner(struct lock_tracker *locks, struct lock_entry *entry,
			   const struct threads *threads, uint64_t end_ns)
{
	struct thread *holder = entry->owner_tid ? threads_find(threads, entry->owner_tid) : NULL;
	uint64_t since_ns = 0;

	if (holder && (entry->shared || holder->tgid == entry->lock.tgid) && !holder->exited) {
		entry->lock.holder_named = true;
	} else {
		holder = entry->taker;
		if (!holder || holder->exited ||
		    ownership_contended_since_ns(entry->ownership) >= entry->taken_ns)
			return 0;
		since_ns = entry->taken_ns;
	}
	if (lock_tracker_waits_for(locks, holder, entry)) {
		entry->lock.holder_named = false;
		return 0;
	}
	entry->lock.holder = holder;
	return ownership_held_at_end(entry->ownership,
				     &(struct lock_release){ .thread = holder,
							     .time_ns = end_ns,
							     .since_ns = since_ns,
							     .since_exact = since_ns != 0,
							     .stack_id = STACK_NONE });
}

int lock_tracker_ending(struct lock_tracker *locks, const struct threads *threads, uint64_t end_ns)
{
	struct lock_release named;
	int r = 0;

	for (size_t i = 0; i < locks->entry_count && !r; i++) {
		struct lock_entry *entry = locks->entries[i];

		if (!ownership_waiting(entry->ownership))
			continue;
		r = lock_tracker_log_ending(locks, entry, threads, end_ns, &named);
		if (r)
			break;
		if (entry->lock.class == WAIT_LOCK_MMAP)
			r = find_mmap_owner(locks, entry, threads, &named, end_ns);
		else if (entry->lock.class == WAIT_LOCK_USER)
			r = find_user_owner(locks, entry, threads, end_ns);
		else if (entry->lock.class == WAIT_LOCK_FILE && entry->key.address)
			r = lock_tracker_file_ending(locks, entry, threads, end_ns);
		else if (named.thread)
			r = ownership_held_at_end(entry->ownership, &named);
	}
	return r;
}
