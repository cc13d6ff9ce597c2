/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chains of locks: a holder that spent its hold waiting for another lock is not to blame, but that
 * lock's holder is, or the one at the end of the chain; or who should have taken what it gives.
 */
#ifndef ANALYZER_BLAME_LOCK_CHAIN_H
#define ANALYZER_BLAME_LOCK_CHAIN_H

#include "analyzer/activity/history.h"
#include "analyzer/blame/contended_lock.h"

/* Follow the waits from @contended's holder to its owner. @short_ns: see history_walk_pieces(). */
void contended_lock_follow(struct contended_lock *contended, const struct history *history,
			   struct stack_infos *stack_infos, uint64_t short_ns);

/* Threads on the way become victims, and locks with the same owner become one. 0 or -ENOMEM. */
int contended_locks_join(struct contended_lock *locks, size_t count);

#endif
