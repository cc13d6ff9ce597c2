/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One reading of the whole capture: every event goes through the timeline and
 * the locks, and to whoever watches.
 */
#ifndef ANALYZER_PASS_H
#define ANALYZER_PASS_H

#include "analyzer/locks/lock_tracker.h"
#include "analyzer/trace/source.h"
#include "analyzer/timeline/stack_info.h"
#include "analyzer/timeline/timeline.h"

struct pass;

struct pass_watcher {
	int (*event)(void *context, const struct event *event);		 /* may be NULL */
	int (*closed)(void *context, const struct interval *interval);	 /* may be NULL; after the locks */
	void *context;
};	/* what they return other than 0 ends the pass and is returned */

int pass_create(struct source *source, struct stackfacts *stackfacts,
		const struct locks_options *options, struct pass **ret_pass);
void pass_destroy(struct pass *pass);

/* Its locks, borrowed; complete after pass_run(). */
struct locks *pass_locks(const struct pass *pass);

/* For timeline_samples(), from what a capture says of its sampling. */
uint64_t pass_sampled_within_ns(const struct ft_facts *facts);

/* See timeline.h; after pass_run(). */
uint64_t pass_contradictions(const struct pass *pass);

/* Read the source from its start to its end, once. 0, -ENOMEM, -EIO, or what the watcher returned. */
int pass_run(struct pass *pass, const struct pass_watcher *watcher);

/* All of it for a watcher that asks nothing of the locks. 0, -ENOMEM, -EIO, or what the watcher returned. */
int pass_over(struct source *source, struct stackfacts *stackfacts,
	      const struct pass_watcher *watcher);

#endif
