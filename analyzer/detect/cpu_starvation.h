/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads that wanted a CPU and got none: who ran there instead?
 */
#ifndef ANALYZER_DETECT_CPU_STARVATION_H
#define ANALYZER_DETECT_CPU_STARVATION_H

#include "analyzer/activity/span_summary.h"
#include "analyzer/activity/victims.h"
#include "analyzer/detect/detectors.h"

#define STARVED_TOP 3

/* A wait is taken to be for the CPU on which it ended, or where it has not, on which the thread ran
 * last. */
struct cpu_starvation {
	const struct long_wait *longest; /* for a CPU */
	uint64_t waited_ns;		/* of all victims */
	uint64_t quota_ns;		/* of their waits, those that began where a quota that ran out takes the CPU */
	struct victim *victims;		/* most first */
	size_t victim_count;
	uint64_t queued_ns;		/* in waits of which it is known on which CPU; the sum for what follows */
	uint64_t idle_ns;		/* nothing ran there */
	uint32_t runners;		/* threads that did */
	struct cpu_starvation_runner {
		struct thread *thread;	/* NULL: no more */
		uint64_t ns;		/* it ran while victims were queued there, for each of them */
		uint64_t from_ns, to_ns; /* the longest time in one go in which it did */
		uint32_t cpu;
	} top[STARVED_TOP];		/* most first */
	int32_t tgid;			/* the process that ran most, and how long; not the victims' */
	uint64_t tgid_ns;
	struct span_summary did;	/* of top[0] in its longest time in one go */
};

/* The findings cpu-starved and cpu-throttled; see struct detector. */
void cpu_starvation_report(const struct detect_context *in, const void *found,
			   struct model_finding *finding);

#endif
