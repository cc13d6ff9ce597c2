/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who held which lock when, and who is to blame for whose wait.
 *
 * Ownership is rebuilt from hand-offs: a thread that wakes a waiter out of the
 * lock's release path held the lock until then. Each wait is cut along
 * that ownership timeline and each piece is charged to its owner; what cannot be
 * charged is charged to nobody.
 */
#ifndef ANALYZER_LOCKS_H
#define ANALYZER_LOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyzer/locks/futex_classify.h"
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
	const struct lock_owner *owners; /* after locks_finish(): most blamed first */
	size_t owner_count;
	/* of lock.user, still waited for when the recording ended: who holds it, as far as known; NULL */
	struct thread *holder;
	bool holder_named;		/* by the value in the lock itself */
	uint64_t released_ns;		/* last release seen; 0: none was */
};

struct locks;

struct locks_options {
	uint64_t start_ns, end_ns;	/* waits are clipped to this span */
	/* Whether a waiter's waits count in wait_ns and are charged; NULL: all do. */
	bool (*counts)(void *context, const struct thread *thread);
	void *context;
	const struct futexes *futexes;	/* NULL: no futex is known to be a lock */
};

int locks_create(struct stackfacts *stackfacts, struct operations *operations,
		 const struct locks_options *options, struct locks **ret_locks);
void locks_destroy(struct locks *locks);

/* Tell @watcher, copied, of every charge: in locks_closed() of the wait. Before the first event. */
void locks_watch(struct locks *locks, const struct ownership_watcher *watcher);

/* Believe the kernel's log, which names @threads' by their tids. Before the first event. */
void locks_believe_log(struct locks *locks, struct threads *threads);

/* Feed every event, after operations_event() and before timeline_event(). 0 or -ENOMEM. */
int locks_event(struct locks *locks, const struct event *event);

/* From the timeline's sink. 0 or -ENOMEM. */
int locks_opened(struct locks *locks, const struct interval *interval);
int locks_closed(struct locks *locks, const struct interval *interval);

/* The recording ends, before timeline_finish(): look for holders of the mmap_locks and user locks still waited for. 0 or -ENOMEM. */
int locks_ending(struct locks *locks, const struct threads *threads, uint64_t end_ns);

/* After timeline_finish(): fill in the owners. */
void locks_finish(struct locks *locks);

/* The lock of the blocked interval that @thread is in, or was in last; NULL. */
const struct lock *locks_awaited(const struct locks *locks, const struct thread *thread);

/* The class of @interval, that locks_closed() has just seen, whose stack says @by_stack. */
enum wait_class locks_class(const struct locks *locks, const struct interval *interval,
			    enum wait_class by_stack);

/* Counts the waits of @thread for locks: sleeps with the same number are one wait. */
uint32_t locks_wait_number(const struct locks *locks, const struct thread *thread);

/* All locks waited for, in no order; borrowed. */
size_t locks_count(const struct locks *locks);
const struct lock *locks_at(const struct locks *locks, size_t index);

#endif
