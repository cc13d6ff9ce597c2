/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The governor keeps the cost of recording within a budget: it decides when fewer stacks are
 * taken, and when more are again. It has no clock and sets nothing: times and counts go in, the
 * mode comes out.
 */
#ifndef RECORDER_RECORD_GOVERNOR_H
#define RECORDER_RECORD_GOVERNOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "recorder/perf/tier.h"

/* From the most stacks to none. */
enum governor_step {
	GOVERNOR_FULL,		/* stacks wherever a thread blocks */
	GOVERNOR_SAMPLED,	/* stacks of uninterruptible waits, and of a sample of the others */
	GOVERNOR_DEFERRED,	/* stacks of uninterruptible waits; those of other long waits come from /proc */
	GOVERNOR_TIMING,	/* no stacks */
	GOVERNOR_STEPS
};

#define GOVERNOR_EVENTS_DEFAULT 400000
#define GOVERNOR_CPU_DEFAULT 20

struct governor_options {
	/* --max-events: switches and wakings a second; an event without a stack counts half. 0: no limit */
	uint64_t max_events;
	/* --max-cpu: percent of the host's CPU time, for the recorder and for the kernel's part of the
	 * recording. 0: no limit */
	uint32_t max_cpu_percent;
	uint32_t cpus;
	enum governor_step first;	/* --stacks: the step to begin with, and none above it */
};

/* Counted since the recording began. */
struct governor_counts {
	uint64_t time_ns;
	uint64_t blocking;	/* switches where a thread blocked, or was preempted in the kernel */
	uint64_t uninterruptible; /* those of them that have a stack in GOVERNOR_DEFERRED too */
	uint64_t wakings;
	uint64_t events;	/* all, including those two */
	uint64_t cpu_ns;	/* of the recorder's threads */
};

struct governor {
	struct governor_options options;
	enum governor_step step;
	struct governor_counts last;	/* at the end of the last window */
	uint64_t over_since_ns;		/* 0: within the budget */
	uint64_t calm_since_ns;		/* 0: the step above would not fit */
	bool quiet;			/* few events: GOVERNOR_SAMPLED takes all stacks, as that costs less than to read
					 * those of long waits from /proc */
	uint32_t percent;		/* of the budget that this step takes */
	uint64_t events_a_second;
	uint32_t cpu_permille;		/* of the host's CPU time */
};

void governor_init(struct governor *governor, const struct governor_options *options,
		   const struct governor_counts *now);

/**
 * governor_feed() - hand in the counts of now. Call it several times a second.
 *
 * Steps down within a second of too much load. Steps up when the step above would have been well
 * within the budget for ten seconds.
 *
 * Return: true if the step changed, and governor_mode() with it.
 */
bool governor_feed(struct governor *governor, const struct governor_counts *now);

enum tier_mode governor_mode(const struct governor *governor);
enum tier_mode governor_step_mode(enum governor_step step);

/* "full", "sampled", "lazy" or "timing". */
const char *governor_step_name(enum governor_step step);

/* Write the note about the change from step @before: "governor: lazy stacks from here on (...),
 * sampled until here: the load ...". */
void governor_note(const struct governor *governor, enum governor_step before, char *ret_text,
		   size_t text_bytes);

#endif
