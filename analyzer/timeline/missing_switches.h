/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What can be known of the times for which the kernel leaves a thread's events out, an idle task's
 * above all: see prescan.c. With them go the switches to others and the wakings in interrupts.
 */
#ifndef ANALYZER_TIMELINE_MISSING_SWITCHES_H
#define ANALYZER_TIMELINE_MISSING_SWITCHES_H

#include <stdbool.h>
#include <stdint.h>

#include "analyzer/timeline/thread_state_private.h"

/* Who runs on @cpu is not known, or is silent. */
static inline bool missing_switches_possible(const struct cpu *cpu)
{
	return !cpu->occupant || cpu->occupant->silent;
}

/* How somebody who is found on a CPU came there. */
struct arrival {
	uint64_t earliest_ns;
	bool from_silent_idle;
};

/* Before the occupant of @cpu is changed. */
struct arrival missing_switches_arrival(const struct timeline *timeline, const struct cpu *cpu,
			       uint64_t time_ns);

/*
 * No event tells what woke @slot's thread, which comes to a CPU at @time_ns: when was it woken, at
 * the latest? @time_ns where nothing bounds it; before it began to block, where there is no such
 * time.
 */
uint64_t missing_switches_latest_waking(const struct timeline *timeline, const struct thread_slot *slot,
			       uint64_t time_ns);

#endif
