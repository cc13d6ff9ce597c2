/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A holder that spent its hold waiting for another lock is not to blame for it:
 * that lock's holder is, or who held that one up.
 */
#ifndef ANALYZER_BLAME_LOCK_CHAIN_H
#define ANALYZER_BLAME_LOCK_CHAIN_H

#include "analyzer/activity/thread_history.h"
#include "analyzer/blame/contended_lock.h"

/* From @suspect's holder to its owner. Threads that @history lacks are watched from then on: then call it
 * again after the next reading. 0 or -ENOMEM. */
int contended_lock_follow(struct contended_lock *suspect, struct history *history);

/* After the last reading: those on the way are victims too; suspects with the same owner become one. 0 or -ENOMEM. */
int contended_locks_join(struct contended_lock *suspects, size_t count);

#endif
