/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Times in which several threads stood still at one futex whose value does not tell what it
 * is: a semaphore is a lock, or counts work; a condition variable may be part of a lock.
 *
 * Told by how the waiting ends. One who holds a lock lets it go, the thread that it wakes wakes the next, and so on:
 * those who wait for work do not wake each other. And nobody stands so long at a lock as a rule.
 */
#ifndef ANALYZER_LOCKS_FUTEX_HANDOFF_H
#define ANALYZER_LOCKS_FUTEX_HANDOFF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyzer/trace/per_thread.h"
#include "analyzer/trace/source.h"
#include "analyzer/trace/threads.h"

/* A sleep at one futex of one thread, or several in a row that ended by themselves. */
struct handoff_wait {
	struct thread *thread;
	uint64_t start_ns, end_ns;
	struct thread *waker;	/* NULL: not seen */
	uint32_t waker_stack_id;
	bool began_before;	/* the recording */
	bool in_slices;		/* with timeouts */
	bool handed;		/* its waker had been woken there by the last wake-up before */
};

#define HANDOFF_WAITS_MAX 32u

/* All of them at one futex. Zeroed: none. */
struct futex_handoff {
	struct handoff_wait *stood;	/* of the long ones the first HANDOFF_WAITS_MAX */
	size_t count;
	bool more;
	bool still;	/* somebody stands there at the end */
	uint64_t others, others_longest_ns; /* the short ones */
	const struct thread *woken;	/* the last one */
};

/* What each thread does; entries of by_thread. */
struct handoff_waiter {
	struct futex_handoff *at;	/* NULL: nowhere */
	struct handoff_wait stood;
	uint64_t away_ns;	/* at another futex since then, maybe for the lock that goes with this one; 0: is not */
};

enum futex_handoff_kind {
	HANDOFF_NONE,	/* nothing that may not be threads that wait for work as they always do */
	HANDOFF_DOUBT,	/* may be a lock's */
	HANDOFF_TIMED,	/* is a lock's, by the way it ended, but waited for in slices */
	HANDOFF_LOCK		/* is a lock's, by the way it ended */
};

/* @thread goes to sleep there at @time_ns, or @began_before does so since before the recording. 0 or -ENOMEM. */
int futex_handoff_wait(struct futex_handoff *standstill, struct per_thread *standers,
		    struct thread *thread, uint64_t time_ns, bool began_before);

/* @waking: a thread is woken there. 0 or -ENOMEM. */
int futex_handoff_woken(struct futex_handoff *standstill, struct per_thread *standers,
		     const struct event *waking);

/* @thread, wherever it stood, stands there no more; who ended that is not known. 0 or -ENOMEM. */
int futex_handoff_left(struct per_thread *standers, const struct thread *thread, uint64_t time_ns);

/* Where it stands yet, after the last event. */
void futex_handoff_stays(struct per_thread *standers, const struct thread *thread);

/* What it was. */
struct handoff_stall {
	enum futex_handoff_kind kind;
	size_t threads;
	struct handoff_wait longest;
	struct thread *waker;	/* of the first one to be woken; NULL: one of themselves, or not seen */
	struct handoff_wait first;	/* where there is a waker: that one */
};

/* After the last event. */
struct handoff_stall futex_handoff_judge(const struct futex_handoff *standstill);
void futex_handoff_free(struct futex_handoff *standstill);

#endif
