/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads that wait for each other, so that none can go on: by locks of user space and of files, by
 * full pipes, by answers. Until the recording ended, or until one of them gave up, or was killed.
 *
 * A circle is certain where the holders of its locks are known; locks of files lead from one process
 * to another. An uncontended lock leaves no event, so often they are not. Then it is inferred where
 * only one can be meant, or where at least two locks were waited for and never let go, and no other
 * thread of the process did anything that may have been a hold of one of them.
 */
#ifndef ANALYZER_DETECT_DEADLOCK_H
#define ANALYZER_DETECT_DEADLOCK_H

#include "analyzer/detect/detectors.h"
#include "analyzer/detect/stuck_wait.h"

#define DEADLOCK_OTHERS_MAX 64

enum deadlock_end {
	DEADLOCK_OPEN,		/* it did not end before the recording */
	DEADLOCK_GAVE_UP,	/* one waited with a time limit */
	DEADLOCK_GONE,		/* one was killed */
};

/* When it was over, and by whom. */
struct deadlock_ended {
	enum deadlock_end how;
	struct thread *by;		/* NULL: OPEN */
	uint64_t since_ns, at_ns;	/* its wait */
};

struct deadlock {
	struct stuck_wait *waits;	/* none: no deadlock. Those of the circle first, where it is known */
	size_t count, room;
	size_t in_cycle;		/* so many of them make a circle; 0: it is inferred */
	size_t lock_count;
	const struct stuck_wait *culprit; /* of the waits, of one whom others wait for; NULL: not known */
	const struct stuck_wait *held;	/* one that waits for it, */
	uint64_t held_since_ns;		/* at the latest since then */
	uint64_t culprit_ns[THREAD_STATES]; /* what it did since then */
	uint64_t since_ns, end_ns;	/* nothing moved in between */
	struct deadlock_ended ended;
};

/* The finding deadlock; see struct detector. */
void deadlock_report(const struct detect_context *in, const void *found, struct model_finding *finding);

/* Whether @lock is one of its locks. */
bool deadlock_has(const struct deadlock *deadlock, int32_t tgid, uint64_t address);

/* For deadlock.c, deadlock_circle.c and deadlock_end.c: */

#define DEADLOCK_ENDS_MAX 32

/* The moments at which a deadlock may have ended in @stall: with the recording, or as somebody gave up
 * a wait for what it was, or was killed in it. Return: how many, the end of the recording first. */
size_t deadlock_ends(const struct detect_context *in, const struct stuck_readers *readers,
		     struct deadlock_ended ended[DEADLOCK_ENDS_MAX]);

/* When a lock of the deadlock was last let go to one who waited, before its end; 0: it was not. */
uint64_t deadlock_released_ns(const struct observations *observations, const struct deadlock *deadlock,
			      const struct stuck_wait *wait);

/* All waits that go on at the end of the deadlock, and whom they are for. 0 or -ENOMEM. */
int deadlock_collect(const struct observations *observations, const struct stuck_readers *readers,
		     struct deadlock *deadlock);

/* Find a circle among them, and leave only those in it and behind it: in_cycle says so. 0 or -ENOMEM. */
int deadlock_find_circle(struct deadlock *deadlock);

/* The wait of @thread; NULL. */
const struct stuck_wait *deadlock_wait_of(const struct deadlock *deadlock, const struct thread *thread);

#endif
