/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Times in which no CPU of the host recorded anything, or one CPU alone, although something was due: a fact of
 * the raw events. What it means is for the detector of a paused host.
 *
 * A quiet host records nothing either. What was due is told by a CPU that ran one thread before and after, and
 * would have been sampled meanwhile; and by the recorder's own thread, which wakes at least every 250 ms.
 */
#ifndef ANALYZER_TRACE_CPU_GAPS_H
#define ANALYZER_TRACE_CPU_GAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyzer/trace/source.h"

struct cpu_gap {
	uint64_t start_ns, end_ns;
	const struct thread *ran;	/* was running before and after, and not sampled between; NULL */
	uint32_t cpu;			/* where it ran */
	bool recorder_missed;		/* the recorder's own wake-ups are missing, too */
	bool one_cpu;			/* that one alone recorded nothing, the others did */
};

struct cpu_gaps;

/* @start_ns: of the recording. @recorder_tgid: 0: not known. @sampled_within_ns: every CPU that runs somebody is
 * sampled at least once in it; 0: not known. Return: 0 or -ENOMEM. */
int cpu_gaps_create(uint64_t start_ns, int32_t recorder_tgid, uint64_t sampled_within_ns,
		    struct cpu_gaps **ret_gaps);
void cpu_gaps_destroy(struct cpu_gaps *gaps);

/* Feed every event, in order. 0 or -ENOMEM. */
int cpu_gaps_event(struct cpu_gaps *gaps, const struct event *event);

/* After the last event. A gap that a loss of events touches is none. */
void cpu_gaps_finish(struct cpu_gaps *gaps);

/* In order of their ends; borrowed. */
size_t cpu_gaps_list(const struct cpu_gaps *gaps, const struct cpu_gap **ret_gaps);

#endif
