/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Long waits of several threads at one futex whose value does not tell what it is: a semaphore may be a
 * lock or count work, a condition variable may be part of a lock.
 *
 * The way the waits end tells. The holder of a lock wakes one waiter, which wakes the next, and so on; threads that
 * wait for work do not wake each other. And threads do not wait so long at a lock as a rule.
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

/* All waits at one futex. Zeroed: none. */
struct futex_handoff {
	struct handoff_wait *waits;	/* the first HANDOFF_WAITS_MAX long ones */
	size_t count;
	bool more;
	bool still;	/* a thread waits there at the end */
	uint64_t others, others_longest_ns; /* the short ones */
	const struct thread *woken;	/* the last one */
};

/* The wait that a thread is in; entries of a per_thread table. */
struct handoff_waiter {
	struct futex_handoff *at;	/* NULL: nowhere */
	struct handoff_wait wait;
	uint64_t away_ns;	/* at another futex since then, maybe a lock that goes with this; 0 */
};

enum futex_handoff_kind {
	HANDOFF_NONE,	/* may be threads that wait for work as they always do */
	HANDOFF_DOUBT,	/* may be a lock's */
	HANDOFF_TIMED,	/* is a lock's, by the way it ended, but the waits are sliced by timeouts */
	HANDOFF_LOCK		/* is a lock's, by the way it ended */
};

/* @thread goes to sleep there at @time_ns; @began_before: since before the recording. 0 or -ENOMEM. */
int futex_handoff_wait(struct futex_handoff *handoff, struct per_thread *waiters,
		    struct thread *thread, uint64_t time_ns, bool began_before);

/* @waking: a thread is woken there. 0 or -ENOMEM. */
int futex_handoff_woken(struct futex_handoff *handoff, struct per_thread *waiters,
		     const struct event *waking);

/* @thread has left the futex that it waited at; its waker is not known. 0 or -ENOMEM. */
int futex_handoff_left(struct per_thread *waiters, const struct thread *thread, uint64_t time_ns);

/* After the last event: the futex that @thread is in, if any, has a wait that did not end. */
void futex_handoff_stays(struct per_thread *waiters, const struct thread *thread);

/* What the long waits at one futex were. */
struct handoff_stall {
	enum futex_handoff_kind kind;
	size_t threads;
	struct handoff_wait longest;
	struct thread *waker;	/* of the first one that was woken; NULL: one of the waiters, or not seen */
	struct handoff_wait first;	/* the wait that it ended, where there is a waker */
};

/* After the last event. */
struct handoff_stall futex_handoff_judge(const struct futex_handoff *handoff);
void futex_handoff_free(struct futex_handoff *handoff);

#endif
