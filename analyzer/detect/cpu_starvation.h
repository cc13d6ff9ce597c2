/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads that wanted a CPU and got none: who ran there instead, and what kept them from others?
 */
#ifndef ANALYZER_DETECT_CPU_STARVATION_H
#define ANALYZER_DETECT_CPU_STARVATION_H

#include "analyzer/activity/span_summary.h"
#include "analyzer/activity/victims.h"
#include "analyzer/detect/cpu_party.h"
#include "analyzer/detect/detectors.h"
#include "analyzer/trace/scheduling.h"

#define STARVED_TOP 3

/* What decides who gets a CPU kept the victims from it. */
enum starvation_cause {
	STARVED_BY_OTHERS,	/* they ran there instead */
	STARVED_BY_QUOTA,	/* of CPU time, of their control group */
	STARVED_BY_REAL_TIME_LIMIT, /* they are real-time threads: the time of all such was used up */
};

/* A wait is taken to be for the CPU on which it ended, or where it has not, on which the thread ran
 * last. */
struct cpu_starvation {
	const struct long_wait *longest; /* for a CPU */
	uint64_t stall_ns;
	uint64_t waited_ns;		/* of all victims */
	uint64_t quota_ns;		/* of their waits, those that began where a quota that ran out takes the CPU */
	struct victim *victims;		/* most first */
	size_t victim_count;
	uint64_t queued_ns;		/* in waits of which it is known on which CPU; the sum for what follows */
	uint64_t idle_ns;		/* nothing ran there */
	uint32_t runners;		/* threads that did */
	struct cpu_runner top[STARVED_TOP]; /* most first */
	struct cpu_party named;		/* of one name, most of all; not of the victims' own process */
	struct cpu_party process;	/* likewise, of one process */
	struct span_summary did;	/* of the culprit in its longest time in one go */

	enum starvation_cause cause;
	const struct thread_rules *rules; /* of the first victim; NULL: not known, as are the next ones */
	const struct thread_rules *top_rules; /* of top[0] */
	struct cpu_limit quota;		/* of their group; group NULL: none is known ... */
	bool no_quota;			/* ... and it is known that there is none */
	struct cpu_limit limit;		/* that is the cause; group NULL: not known, or there is none */
	uint64_t real_time_ns;		/* of their waits, those of real-time threads ... */
	uint64_t withheld_ns;		/* ... while no real-time thread ran where they were queued */
	struct cpu_party consumers;	/* who used the limit up, most of all; they may be victims */
	uint64_t consumed_ns;		/* by all that it is for */
	/* Victims that may use some CPUs only, the same ones all of them: */
	const struct thread_rules *bound_rules; /* NULL: there are none */
	uint64_t bound_ns;		/* of their waits */
	uint32_t free_cpu;		/* of the others the one that had least to do ... */
	uint64_t free_ns;		/* ... and nothing to do for so much of bound_ns */
};

/* What of cpu_starvation is decided, by shares of time: see thresholds.h. */
bool cpu_starvation_by_one(const struct cpu_starvation *starvation);
bool cpu_starvation_by_named(const struct cpu_starvation *starvation);
bool cpu_starvation_by_process(const struct cpu_starvation *starvation);
bool cpu_starvation_quota_took_it(const struct cpu_starvation *starvation);
bool cpu_starvation_was_idle(const struct cpu_starvation *starvation);
bool cpu_starvation_is_bound(const struct cpu_starvation *starvation);

enum starvation_cause cpu_starvation_cause(const struct cpu_starvation *starvation);

/* Set the cause, the limits and who used them up. 0 or -ENOMEM. */
int cpu_starvation_read_limits(const struct detect_context *in, struct cpu_starvation *starvation);

/* Who took the CPU, or used up what limits it; NULL: nobody is to blame. */
const struct cpu_runner *cpu_starvation_culprit(const struct cpu_starvation *starvation);

/* The findings cpu-starved and cpu-throttled; see struct detector. */
void cpu_starvation_report(const struct detect_context *in, const void *found,
			   struct model_finding *finding);

#endif
