/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One replay of the whole capture: every event goes through the timeline and the lock tracker, and to a watcher.
 */
#ifndef ANALYZER_LOCKS_REPLAY_H
#define ANALYZER_LOCKS_REPLAY_H

#include "analyzer/locks/lock_tracker.h"
#include "analyzer/trace/source.h"
#include "analyzer/timeline/stack_info.h"
#include "analyzer/timeline/timeline.h"

struct replay;

struct replay_watcher {
	int (*event)(void *context, const struct event *event);		 /* may be NULL */
	int (*closed)(void *context, const struct interval *interval);	 /* may be NULL; after the locks */
	void *context;
};	/* what they return other than 0 ends the replay and is returned */

int replay_create(struct source *source, struct stack_infos *stack_infos,
		const struct lock_tracker_options *options, struct replay **ret_replay);
void replay_destroy(struct replay *replay);

/* Its lock tracker, borrowed; complete after replay_run(). */
struct lock_tracker *replay_locks(const struct replay *replay);

/* See timeline.h; after replay_run(). */
uint64_t replay_contradictions(const struct replay *replay);

/* Read the source from its start to its end, once. 0, -ENOMEM, -EIO, or what the watcher returned. */
int replay_run(struct replay *replay, const struct replay_watcher *watcher);

#endif
