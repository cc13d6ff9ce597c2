/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeps the cost of recording bounded: decides when fewer stacks are taken, and
 * when more again. Pure: it is told times and counts, and does nothing itself.
 */
#ifndef RECORDER_RECORD_GOVERNOR_H
#define RECORDER_RECORD_GOVERNOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "recorder/perf/tier.h"

/* From the most to the least. */
enum governor_step {
	GOVERNOR_FULL,		/* stacks wherever a thread blocks */
	GOVERNOR_DEFERRED,		/* of uninterruptible waits; of others that are long, from /proc */
	GOVERNOR_TIMING,	/* none */
	GOVERNOR_STEPS
};

#define GOVERNOR_EVENTS_DEFAULT 400000
#define GOVERNOR_CPU_DEFAULT 20

struct governor_options {
	/* --max-events: switches and wakings a second; one without a stack counts as half. 0: no limit */
	uint64_t max_events;
	/* --max-cpu: percent of the host's CPU time, the recorder's own and what the kernel spends on
	 * recording. 0: no limit */
	uint32_t max_cpu_percent;
	uint32_t cpus;
	/* The kernel tells who waits for its locks, so wakers' stacks can wait until somebody does. */
	bool knows_locks;
};

/* Counted since the recording began. */
struct governor_counts {
	uint64_t time_ns;
	uint64_t blocking;	/* switches where a thread blocked, or was preempted in the kernel */
	uint64_t uninterruptible; /* of these, the ones with a stack in lazy mode too */
	uint64_t wakings;
	uint64_t events;	/* all, those two among them */
	uint64_t cpu_ns;	/* of the recorder's threads */
	bool lock_wait;		/* somebody has been waiting for a kernel lock for a while, now */
};

struct governor {
	struct governor_options options;
	enum governor_step step;
	bool wakers;			/* stacks of wakers are taken, in GOVERNOR_FULL */
	struct governor_counts last;	/* when the load was last worked out */
	uint64_t over_since_ns;		/* 0: within the budget */
	uint64_t calm_since_ns;		/* 0: the step above would be too much */
	uint64_t lock_wait_ns;		/* when somebody last waited */
	uint32_t percent;		/* of the budget, in this step */
	uint64_t events_a_second;
	uint32_t cpu_permille;		/* of the host */
};

/* Begins with everything recorded. */
void governor_init(struct governor *governor, const struct governor_options *options,
		   const struct governor_counts *now);

/**
 * governor_feed() - what has happened until now; call it several times a second.
 *
 * Steps down within a second of too much load, up again when the next step would have been well within the
 * budget for ten seconds.
 *
 * Return: true where the step has changed. What to record may have changed in either case: see governor_mode().
 */
bool governor_feed(struct governor *governor, const struct governor_counts *now);

enum tier_mode governor_mode(const struct governor *governor);

const char *governor_step_name(enum governor_step step);

/* Text of the note about the latest change of step: "governor: lazy stacks: ...". */
void governor_note(const struct governor *governor, enum governor_step before, char *ret_text,
		   size_t text_bytes);

#endif
