/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What recording adds to a switch on this host: two threads wake each other over pipes on one CPU,
 * unrecorded and in one mode after the other.
 */
#ifndef RECORDER_PERF_SWITCH_COST_H
#define RECORDER_PERF_SWITCH_COST_H

#include <stdint.h>

#include "recorder/perf/event_plan.h"
#include "recorder/perf/tier.h"

struct switch_cost {
	uint64_t switch_ns;		/* CPU time of a switch, with what the threads do for it, unrecorded */
	int64_t added_ns[TIER_MODES];	/* by each mode; what the recorder's own threads take is not in it */
};

/**
 * switch_cost_measure() - measure for about a second. The whole host is recorded meanwhile, and
 * nothing of it kept.
 *
 * Return: 0, or the negative errno of what could not be opened or started.
 */
int switch_cost_measure(const struct event_plan *plan, struct switch_cost *ret_cost);

#endif
