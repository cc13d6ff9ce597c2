/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A thread that looks, some times a second, at what the recording costs and at
 * who is blocked: it sets what is recorded as the governor decides, reads
 * lazy stacks, and posts the trigger of --blocked.
 */
#ifndef RECORDER_WATCH_H
#define RECORDER_WATCH_H

#include "recorder/trigger/blocked_trigger.h"
#include "recorder/perf/perf_events.h"
#include "recorder/record/drain.h"
#include "recorder/record/governor.h"
#include "recorder/record/hotplug.h"
#include "recorder/record/deferred_stacks.h"

struct watch;

/* All pointers are the caller's, in place until watch_destroy(). */
struct watch_options {
	struct counters *counters;	/* nobody else sets their mode meanwhile */
	struct drain *drain;		/* which keeps @sleepers */
	struct hotplug *hotplug;	/* of the same; may be NULL */
	const struct sleepers *sleepers;
	const struct target *target;	/* copied; see watch_set_target() */
	const struct kallsyms *kallsyms; /* may be NULL; in place until lazy_stuck() is 0 */
	const struct governor_options *governor; /* NULL: everything is recorded, at any cost */
	uint64_t lazy_ns;		/* 0: LAZY_THRESHOLD_NS */
	struct triggers *triggers;	/* may be NULL without @blocked_threads */
	uint32_t blocked_threads;	/* --blocked; 0: no such trigger */
	uint64_t blocked_ns;		/* --for */
	/* Gets thread states and the governor's notes, borrowed during the call, from the watch's thread. */
	void (*emit)(void *context, const struct ft_event *event);
	void *context;
};

struct watch_status {
	enum governor_step step;
	uint64_t step_since_ns;
	uint64_t steps_taken;
	uint32_t percent;		/* of the governor's budget */
	uint64_t events_a_second;
	uint32_t cpu_permille;		/* of the host's CPU time, the kernel's part estimated */
	struct lazy_status lazy;
	char note[FT_TEXT_BYTES_MAX];	/* of the latest change of step, "" where there was none: a capture
					 * that begins later needs it too, unless the step is full */
	uint64_t note_ns;
};

int watch_create(const struct watch_options *options, struct watch **ret_watch); /* 0 or -ENOMEM */
void watch_destroy(struct watch *watch); /* not while it runs */

/* After counters_enable(). Return: 0 or the errno of pthread_create(). */
int watch_start(struct watch *watch);

/* Before counters_disable(). */
void watch_stop(struct watch *watch);

/* Another target from the next look on. From any thread. */
void watch_set_target(struct watch *watch, const struct target *target);

/* From any thread. */
void watch_status(struct watch *watch, struct watch_status *ret_status);

#endif
