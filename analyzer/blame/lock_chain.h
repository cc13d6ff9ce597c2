/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A holder that spent its hold waiting for another lock is not to blame for it:
 * that lock's holder is, or who held that one up.
 */
#ifndef ANALYZER_BLAME_LOCK_CHAIN_H
#define ANALYZER_BLAME_LOCK_CHAIN_H

#include "analyzer/activity/history.h"
#include "analyzer/blame/contended_lock.h"

/* From @suspect's holder to its owner. @short_ns: see history_walk_pieces(). */
void contended_lock_follow(struct contended_lock *contended, const struct history *history, uint64_t short_ns);

/* Those on the way are victims too; suspects with the same owner become one. 0 or -ENOMEM. */
int contended_locks_join(struct contended_lock *locks, size_t count);

#endif
