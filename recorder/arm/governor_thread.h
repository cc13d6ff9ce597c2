/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The governor's thread. Several times a second it sets the mode that the governor decides on,
 * follows CPU hotplug, reads deferred stacks, watches who wakes those that wait for locks, and checks
 * the trigger of --blocked.
 */
#ifndef RECORDER_ARM_GOVERNOR_THREAD_H
#define RECORDER_ARM_GOVERNOR_THREAD_H

#include "recorder/trigger/blocked_trigger.h"
#include "recorder/perf/perf_events.h"
#include "recorder/record/drain.h"
#include "recorder/record/governor.h"
#include "recorder/record/hotplug.h"
#include "recorder/record/deferred_stacks.h"

struct governor_thread;

/* All pointers are the caller's and outlive the thread. */
struct governor_thread_options {
	struct perf_events *counters;	/* nobody else sets their mode */
	const struct event_plan *plan;	/* theirs; NULL: no stacks of wakers are taken */
	struct drain *drain;		/* it updates @blocked */
	struct hotplug *hotplug;	/* of the same engine; may be NULL */
	const struct blocked_threads *blocked;
	const struct target *target;	/* copied; see governor_thread_set_target() */
	const struct kallsyms *kallsyms; /* may be NULL; in place until deferred_stacks_stuck() is 0 */
	const struct governor_options *governor; /* NULL: everything is recorded, whatever it costs */
	uint64_t deferred_after_ns;		/* 0: DEFERRED_THRESHOLD_NS */
	struct trigger_queue *triggers;	/* may be NULL without @blocked_threads */
	uint32_t blocked_threads;	/* --blocked; 0: no such trigger */
	uint64_t blocked_ns;		/* --for */
	/* Called by the thread with thread states and the governor's notes; borrowed during the call. */
	void (*emit)(void *context, const struct ft_event *event);
	void *context;
};

struct governor_thread_status {
	enum governor_step step;
	uint64_t step_since_ns;
	uint64_t steps_taken;
	size_t watched;			/* threads whose wakers' stacks are taken */
	struct deferred_stacks_status deferred;
};

/* Return: 0 or -ENOMEM. */
int governor_thread_create(const struct governor_thread_options *options,
			   struct governor_thread **ret_thread);
void governor_thread_destroy(struct governor_thread *thread); /* not while it runs */

/* Call it after perf_events_enable(). Return: 0 or the negative errno of pthread_create(). */
int governor_thread_start(struct governor_thread *thread);

/* Call it before perf_events_disable(). */
void governor_thread_stop(struct governor_thread *thread);

/* Use another target from the next round on. From any thread. */
void governor_thread_set_target(struct governor_thread *thread, const struct target *target);

/* From any thread. */
void governor_thread_status(struct governor_thread *thread,
			    struct governor_thread_status *ret_status);

#endif
