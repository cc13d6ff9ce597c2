/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A lock that many hold in turns, or at once: readers of a reader-writer lock, the users of a semaphore or a pool. Who
 * lets a waiter in at last has not held it all the time.
 */
#ifndef ANALYZER_BLAME_LOCK_TURNS_H
#define ANALYZER_BLAME_LOCK_TURNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyzer/activity/observations.h"
#include "analyzer/locks/ownership.h"

#define LOCK_TURNS_OTHERS 3

struct lock_turns {
	bool found;
	uint64_t sleeps;	/* of the thread that let a waiter in, while it seemed to hold the lock */
	uint64_t longest_ns;	/* the longest of them, with the run before it: it held the lock no longer */
	struct thread *others[LOCK_TURNS_OTHERS]; /* who let somebody in at other times */
	size_t other_count;
};

/**
 * lock_turns_find() - whether @owner, during its longest hold of @lock, lived as it does at other times: it slept and
 * waited for others again and again, as often as when it holds nothing.
 *
 * A thread may well sleep while it has a lock. One that goes on with its ordinary round has let it go meanwhile.
 */
struct lock_turns lock_turns_find(const struct observations *observations, const struct lock_owner *owner,
				  const struct lock *lock);

#endif
