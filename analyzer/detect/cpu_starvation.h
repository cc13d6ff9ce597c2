/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads that wanted a CPU and got none: who ran there instead?
 */
#ifndef ANALYZER_DETECT_CPU_STARVATION_H
#define ANALYZER_DETECT_CPU_STARVATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyzer/activity/span_summary.h"
#include "analyzer/activity/observations.h"
#include "analyzer/activity/stall.h"
#include "analyzer/activity/victims.h"

#define STARVED_TOP 3

struct cpu_starvation {
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
	struct span_summary story;	/* of top[0] in its longest time in one go */
};

/**
 * cpu_starvation_examine() - who wanted a CPU in @stall, and who ran on it.
 *
 * A wait is taken to be for the CPU on which it ended, or where it has not, on which the thread ran last.
 *
 * Return: 0 or -ENOMEM. Free with cpu_starvation_free().
 */
int cpu_starvation_examine(const struct observations *observations, const struct stall *stall,
			   struct cpu_starvation *ret_starved);
void cpu_starvation_free(struct cpu_starvation *starved);

#endif
