/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The owners that the kernel's log names.
 *
 * A line proves who held the lock at its time, and since then as long as nobody was seen to let go. Lines of
 * before the recording are kept: they may be about waits that began before it, and prove nothing.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/locks/lock_private.h"

/* The kernel writes ten of them, as a rule; a made-up capture any number. */
#define LOG_MAX 1000u

/* A wait that began so shortly before a line is not the one that it is about: such a wait is a second long at least. */
#define HUNG_NS 500000000u

/* It may have slept all the time and be no thread of the target: then no event knows it.
 * *@ret_thread: NULL where another has its tid. */
static int owner_of(struct lock_tracker *locks, const struct hung_name *owner,
		    struct thread **ret_thread)
{
	struct ft_task task = { .tid = owner->tid, .tgid = -1 };
	bool another;

	*ret_thread = hung_task_thread(locks->threads, owner, &another);
	if (*ret_thread || another)
		return 0;
	memcpy(task.comm, owner->comm, sizeof(task.comm));
	*ret_thread = threads_get(locks->threads, &task, FT_NO_CPU);
	return *ret_thread ? 0 : -ENOMEM;
}

/*
 * *@ret_holder: who held the lock that @waiter waits for when @line was written; its thread is NULL where that
 * cannot be believed. What was told before the recording may be of another wait. 0 or -ENOMEM.
 */
static int holder_of(struct lock_tracker *locks, const struct waiter *waiter,
		     const struct log_line *line, struct lock_release *ret_holder)
{
	const struct lock_entry *entry = waiter->entry;
	/* Of readers there may be more than the one that is named. */
	bool sure = !line->hung.owner_reads && line->time_ns >= waiter->start_ns;
	struct operation_since since;
	struct thread *thread;

	*ret_holder = (struct lock_release){ 0 };
	if (owner_of(locks, &line->hung.owner, &thread))
		return -ENOMEM;
	if (!thread || thread->exited ||
	    (!ownership_ambiguous(entry->ownership) &&
	     lock_tracker_waits_for(locks, thread, entry)))
		return 0;
	since = kernel_operations_since(locks->operations, thread);
	*ret_holder = (struct lock_release){
		.thread = thread,
		.time_ns = line->time_ns,
		.since_ns = since.since_ns,
		.since_exact = since.exact,
		.read = line->hung.owner_reads,
		.plausible = !sure,
		.exact = sure,
		.named_ns = line->time_ns,
		.stack_id = since.stack_id,
	};
	return lock_tracker_bound_by_own_wait(locks, entry, ret_holder);
}

/* Whether @waiter waits for such a lock, for as long as @line says. */
static bool is_about(const struct log_line *line, const struct waiter *waiter)
{
	return waiter && waiter->open &&
	       lock_tracker_family_of(waiter->entry->lock.class) == line->hung.family &&
	       (waiter->began_before || waiter->start_ns + HUNG_NS <= line->time_ns);
}

int lock_tracker_log_line(struct lock_tracker *locks, const struct hung_task *hung,
			  uint64_t time_ns)
{
	struct log_line line = { .hung = *hung, .time_ns = time_ns };
	const struct waiter *waiter;
	struct ownership *ownership;
	struct lock_release holder;
	struct thread *thread, *owner;
	struct log_line *log;
	bool another;

	if (!locks->threads || locks->log_count == LOG_MAX)
		return 0;
	log = reallocarray(locks->log, locks->log_count + 1, sizeof(*log));
	if (!log)
		return -ENOMEM;
	locks->log = log;
	owner = hung_task_thread(locks->threads, &hung->owner, &another);
	if (owner)
		line.since_ns = kernel_operations_since(locks->operations, owner).since_ns;
	log[locks->log_count++] = line;
	thread = hung_task_thread(locks->threads, &hung->waiter, &another);
	waiter = thread ? per_thread_find(&locks->waiters, thread) : NULL;
	if (!is_about(&line, waiter))
		return 0;
	ownership = waiter->entry->ownership;
	if (holder_of(locks, waiter, &line, &holder))
		return -ENOMEM;
	return holder.thread && holder.exact ? ownership_named(ownership, &holder) : 0;
}

/* The last line about the wait that @thread is in; NULL. */
static const struct log_line *last_line(const struct lock_tracker *locks,
					const struct thread *thread)
{
	const struct waiter *waiter = per_thread_find(&locks->waiters, thread);

	for (size_t i = locks->log_count; i-- > 0;) {
		const struct log_line *line = &locks->log[i];

		if (line->hung.waiter.tid == thread->tid &&
		    !strncmp(line->hung.waiter.comm, thread->comm, FT_COMM_BYTES) &&
		    is_about(line, waiter))
			return line;
	}
	return NULL;
}

/* Whether the owner of @line may still be in the operation that it was in then. */
static bool still_inside(const struct lock_tracker *locks, const struct log_line *line,
			 const struct waiter *waiter, const struct thread *owner)
{
	struct operation_since now = kernel_operations_since(locks->operations, owner);

	return now.since_ns == line->since_ns && !(now.outside && line->time_ns < waiter->start_ns);
}

int lock_tracker_log_alone(struct lock_tracker *locks, const struct interval *interval,
			   const struct waiter *waiter)
{
	struct ownership *ownership = waiter->entry->ownership;
	const struct log_line *line;
	struct lock_release holder;

	if (!(interval->flags & INTERVAL_STILL_OPEN) || !ownership_ambiguous(ownership))
		return 0;
	line = last_line(locks, interval->thread);
	if (!line)
		return 0;
	if (holder_of(locks, waiter, line, &holder))
		return -ENOMEM;
	if (!holder.thread || !still_inside(locks, line, waiter, holder.thread))
		return 0;
	return ownership_named_alone(ownership, &holder, interval->start_ns, interval->end_ns);
}

int lock_tracker_log_ending(struct lock_tracker *locks, const struct lock_entry *entry,
			    const struct threads *threads, uint64_t end_ns,
			    struct lock_release *ret_holder)
{
	*ret_holder = (struct lock_release){ 0 };
	if (ownership_ambiguous(entry->ownership))
		return 0;
	for (size_t i = locks->log_count; i-- > 0;) {
		const struct log_line *line = &locks->log[i];
		struct thread *thread = threads_find(threads, line->hung.waiter.tid);
		const struct waiter *waiter =
			thread ? per_thread_find(&locks->waiters, thread) : NULL;

		if (!waiter || waiter->entry != entry || last_line(locks, thread) != line ||
		    ownership_released_ns(entry->ownership) > line->time_ns)
			continue;
		if (holder_of(locks, waiter, line, ret_holder))
			return -ENOMEM;
		if (ret_holder->thread && still_inside(locks, line, waiter, ret_holder->thread)) {
			ret_holder->time_ns = end_ns;
			ret_holder->exact = false;
			return 0;
		}
		ret_holder->thread = NULL;
	}
	return 0;
}
