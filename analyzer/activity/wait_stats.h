/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sums over the timeline: what each thread did with its time, where the
 * target's threads waited, and which waits were long enough to hurt.
 */
#ifndef ANALYZER_ACTIVITY_WAIT_STATS_H
#define ANALYZER_ACTIVITY_WAIT_STATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyzer/locks/lock_tracker.h"
#include "analyzer/timeline/stack_info.h"
#include "analyzer/timeline/timeline.h"
#include "analyzer/activity/long_waits.h"
#include "analyzer/activity/wait_baseline.h"
#include "analyzer/activity/wait_estimate.h"

struct wait_stats;

struct thread_wait_stats {
	uint64_t state_ns[THREAD_STATES];
	uint64_t class_ns[WAIT_CLASSES];
	uint64_t hurt_ns;	/* of it, waits that hurt by their direction; not for a CPU */
	uint64_t estimated_ns;	/* the part of class_ns that wait_estimate.h shared out */
};

struct wait_class_stats {
	enum wait_class class;
	bool unusual;		/* those that wait_baseline_closed() found so; the others are another entry */
	uint32_t stack_id;
	enum wait_direction direction;
	uint64_t blocked_ns;
	uint64_t runnable_ns;	/* behind the wake-up; for preempted ones all of it */
	uint64_t count, max_ns, threads;
	struct wait_sum sampled;	/* the short ones, which stand for others without a stack, */
	struct wait_sum estimated;	/* and those others: a part of blocked_ns and count */
	uint64_t woken, woken_ns, woken_max_ns;	/* the part of runnable_ns between wake-ups and a CPU */
};

struct wait_stats_options {
	uint64_t long_ns;	/* waits of at least this length are kept */
	bool (*counts)(void *context, const struct thread *thread);	/* is it the target's */
	void *context;
	const struct scheduling *scheduling; /* borrowed */
	bool whole_host;	/* then who is stopped all the time, as by job control, is missed by nobody */
	const struct wait_objects *objects; /* filled meanwhile; NULL: none are known */
};

/* @locks, @baseline: borrowed. @locks' lock_tracker_closed() must have seen an interval before
 * wait_stats_closed() does. */
int wait_stats_create(struct stack_infos *stack_infos, const struct lock_tracker *locks, struct wait_baseline *baseline,
		   const struct wait_stats_options *options, struct wait_stats **ret_stats);
void wait_stats_destroy(struct wait_stats *stats);

/* From the locks' watcher: @context is the wait_stats. */
void wait_stats_charged(void *context, const struct thread *waiter, struct thread *owner,
		     uint64_t start_ns, uint64_t end_ns, enum grade grade);

/* From the timeline's sink. 0 or -ENOMEM. */
int wait_stats_closed(struct wait_stats *stats, const struct interval *interval);

/* After timeline_finish(): waits whose stack was not sampled get a class, by estimate. 0 or -ENOMEM. */
int wait_stats_finish(struct wait_stats *stats);

/* All zero for a thread without intervals. */
const struct thread_wait_stats *wait_stats_thread(const struct wait_stats *stats, const struct thread *thread);

size_t wait_stats_waits(const struct wait_stats *stats, const struct wait_class_stats **ret_waits);

/* Each wait, by its place in wait_stats_waits(), with each of its threads once. 0 or what @visit
 * returned. */
int wait_stats_wait_threads(const struct wait_stats *stats,
			 int (*visit)(void *context, size_t place, uint32_t thread_index),
			 void *context);

const struct long_waits *wait_stats_long_waits(const struct wait_stats *stats);

#endif
