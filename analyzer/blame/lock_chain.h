/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A holder that spent its hold waiting for another lock is not to blame for it:
 * that lock's holder is, or who held that one up.
 */
#ifndef ANALYZER_SUSPECT_CHAIN_H
#define ANALYZER_SUSPECT_CHAIN_H

#include "analyzer/activity/thread_history.h"
#include "analyzer/blame/contended_lock.h"

/* From @suspect's holder to its owner. Threads that @history lacks are watched from then on: then call it
 * again after the next reading. 0 or -ENOMEM. */
int suspect_follow(struct suspect *suspect, struct history *history);

/* After the last reading: those on the way are victims too; suspects with the same owner become one. 0 or -ENOMEM. */
int suspects_join(struct suspect *suspects, size_t count);

#endif
