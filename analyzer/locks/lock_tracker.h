/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The waits for each lock, and who held it meanwhile.
 *
 * Ownership is rebuilt from hand-offs: a thread that wakes a waiter out of the lock's release path held the
 * lock until then. Each wait is cut along that timeline, and each piece is charged to its owner; the rest is
 * charged to nobody.
 */
#ifndef ANALYZER_LOCKS_LOCK_TRACKER_H
#define ANALYZER_LOCKS_LOCK_TRACKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyzer/locks/futex_locks.h"
#include "analyzer/timeline/kernel_operation.h"
#include "analyzer/locks/ownership.h"
#include "analyzer/trace/source.h"
#include "analyzer/timeline/stack_info.h"
#include "analyzer/timeline/timeline.h"

struct lock {
	enum wait_class class;
	uint64_t address;		/* 0: not known */
	int32_t tgid;			/* whose mmap_lock, 0: not known; else of the first waiter */
	const char *detail;		/* of its first wait's reason; NULL */
	uint64_t wait_ns, waits, max_wait_ns;	/* of the waiters that count, within the span */
	const struct lock_owner *owners; /* after lock_tracker_finish(): most blamed first */
	size_t owner_count;
	/* of a lock.user that is still waited for when the recording ends: its holder, as far as known; NULL */
	struct thread *holder;
	bool holder_named;		/* by the value in the lock itself */
	uint64_t released_ns;		/* last release seen; 0: none was */
};

struct lock_tracker;

struct lock_tracker_options {
	uint64_t start_ns, end_ns;	/* waits are clipped to this span */
	/* Whether a waiter's waits count in wait_ns and are charged; NULL: all do. */
	bool (*counts)(void *context, const struct thread *thread);
	void *context;
	const struct futex_locks *futexes;	/* NULL: no futex is known to be a lock */
};

int lock_tracker_create(struct stack_infos *stack_infos, struct kernel_operations *operations,
		 const struct lock_tracker_options *options, struct lock_tracker **ret_locks);
void lock_tracker_destroy(struct lock_tracker *locks);

/* Tell @watcher, copied, of every charge: in lock_tracker_closed() of the wait. Before the first event. */
void lock_tracker_watch(struct lock_tracker *locks, const struct ownership_watcher *watcher);

/* Believe the kernel's log, which names @threads' by their tids. Before the first event. */
void lock_tracker_believe_log(struct lock_tracker *locks, struct threads *threads);

/* Feed every event, after kernel_operations_event() and before timeline_event(). 0 or -ENOMEM. */
int lock_tracker_event(struct lock_tracker *locks, const struct event *event);

/* From the timeline's sink. 0 or -ENOMEM. */
int lock_tracker_opened(struct lock_tracker *locks, const struct interval *interval);
int lock_tracker_closed(struct lock_tracker *locks, const struct interval *interval);

/* The recording ends, before timeline_finish(): look for holders of the locks that are still waited for. 0 or
 * -ENOMEM. */
int lock_tracker_ending(struct lock_tracker *locks, const struct threads *threads, uint64_t end_ns);

/* After timeline_finish(): fill in the owners. */
void lock_tracker_finish(struct lock_tracker *locks);

/* The lock of the blocked interval that @thread is in, or was in last; NULL. */
const struct lock *lock_tracker_awaited(const struct lock_tracker *locks, const struct thread *thread);

/* The class of @interval, that lock_tracker_closed() has just seen, whose stack says @by_stack. */
enum wait_class lock_tracker_class(const struct lock_tracker *locks, const struct interval *interval,
			    enum wait_class by_stack);

/* Counts the waits of @thread for locks: sleeps with the same number are one wait. */
uint32_t lock_tracker_wait_number(const struct lock_tracker *locks, const struct thread *thread);

/* All locks waited for, in no order; borrowed. */
size_t lock_tracker_count(const struct lock_tracker *locks);
const struct lock *lock_tracker_at(const struct lock_tracker *locks, size_t index);

#endif
