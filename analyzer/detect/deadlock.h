/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads that wait for each other's locks for ever: locks of user space and of
 * files that nobody let go any more until the recording ended.
 *
 * A cycle is certain where the holders of its locks are known; locks of files lead from one process
 * to another. An uncontended lock leaves no event, so often they are not. Then it is inferred where
 * at least two locks were waited for and never let go, and no other thread of the process did
 * anything that may have been a hold of one of them.
 */
#ifndef ANALYZER_DETECT_DEADLOCK_H
#define ANALYZER_DETECT_DEADLOCK_H

#include "analyzer/detect/detectors.h"

#define DEADLOCK_OTHERS_MAX 64

struct deadlock {
	const struct long_wait **waits;	/* borrowed; none: no deadlock. Those of the cycle first, where it is known */
	size_t count;
	struct long_wait *others;	/* of waits, those that are not the target's */
	size_t other_count;
	size_t in_cycle;		/* so many of them make a cycle of known holders; 0: it is inferred */
	size_t lock_count;
	const struct long_wait *culprit; /* of the waits, of one who holds a lock that others wait for; NULL: not known */
	const struct lock *held;	/* by that one, */
	uint64_t held_since_ns;		/* at the latest, */
	uint64_t culprit_ns[THREAD_STATES]; /* what it did since then */
	uint64_t since_ns, end_ns;	/* nothing moved in between */
};

/* The finding deadlock; see struct detector. */
void deadlock_report(const struct detect_context *in, const void *found, struct model_finding *finding);

/* Whether @lock is one of its locks. */
bool deadlock_has(const struct deadlock *deadlock, int32_t tgid, uint64_t address);

#endif
