/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The waits of the target's threads that hurt and are long: stalls are made of them.
 *
 * A wait is one sleep, several that are one (wait_episode.h), or one time without a CPU.
 */
#ifndef ANALYZER_ACTIVITY_LONG_WAITS_H
#define ANALYZER_ACTIVITY_LONG_WAITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyzer/activity/wait_episode.h"
#include "analyzer/activity/wait_objects.h"
#include "analyzer/locks/lock_tracker.h"
#include "analyzer/timeline/stack_info.h"
#include "analyzer/timeline/timeline.h"
#include "analyzer/trace/scheduling.h"

struct lock_hold_seen {
	struct thread *thread;
	uint64_t ns;
};

/* Of one thread. All zero: nothing yet. */
struct thread_long_waits {
	bool pending;		/* last may go on */
	uint32_t last_number;	/* of last, see lock_tracker_wait_number() */
	struct long_wait last;
	const void *operation;	/* that last is in */
	bool sliced;		/* it is a slice of a wait, see struct wait_reason */
	bool timed_out;		/* it was for a lock, and its time limit ended it */
	bool limited_known, limited;	/* more than others keeps it from a CPU, see scheduling_is_limited() */
	uint64_t queued_ns;	/* runnable since the wait before, until last began */
	uint64_t runnable_ns;	/* what it had been runnable in all when last ended */
	struct lock_hold_seen holder;	/* of the longest hold in last ... */
	struct lock_hold_seen charged;	/* ... and in the sleep that is about to close */
	struct wait_episode episode;	/* last is not in it yet */
};

/* All zero but for the first two: none yet. Free with long_waits_free(). */
struct long_waits {
	const struct scheduling *scheduling; /* borrowed */
	uint64_t long_ns;	/* shorter ones are not kept */
	const struct wait_objects *objects; /* borrowed; NULL: none are known */
	struct long_wait *list;	/* in no order; those that are sure to hurt first */
	size_t count, room;
	size_t unsure_count;	/* by long_waits_finish(): the last of list, which may be harmless */
	struct long_wait longest; /* of any length; blocked_ns 0: nothing hurt */
	bool gives_hurt;	/* by long_waits_finish(): a wait to hand something on is in the list */
};

void long_waits_free(struct long_waits *waits);

/* @interval, which hurts, is blocked. 0 or -ENOMEM, as are the next ones. */
int long_waits_blocked(struct long_waits *waits, struct thread_long_waits *own, const struct lock_tracker *locks,
		       const struct interval *interval, enum wait_class class, const struct stack_info *info,
		       uint64_t runnable_ns);

/* @interval is runnable: after a wake-up (@info NULL), or preempted where @info says. @runnable_ns: of its thread so
 * far, with @interval. */
int long_waits_runnable(struct long_waits *waits, struct thread_long_waits *own, const struct interval *interval,
			const struct stack_info *info, uint64_t runnable_ns);

/* Its thread waited for something else, so that the last wait is over. */
int long_waits_end(struct long_waits *waits, struct thread_long_waits *own);

/* A part of the wait that closes next was @owner's. */
void long_waits_charged(struct thread_long_waits *own, struct thread *owner, uint64_t ns);

/* No more intervals of this thread. */
int long_waits_flush(struct long_waits *waits, struct thread_long_waits *own);

/*
 * No more intervals. Of waits to hand something on those are dropped that were the same all along, as
 * in a pipeline whose reader is the slower one, unless objects tell which process keeps them waiting; a single thread
 * whose receiver is slow is unsure.
 */
int long_waits_finish(struct long_waits *waits);

#endif
