/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a thread comes to a CPU and leaves it: what a switch says of the state that the thread was
 * in.
 */
#ifndef ANALYZER_TIMELINE_THREAD_SWITCH_PRIVATE_H
#define ANALYZER_TIMELINE_THREAD_SWITCH_PRIVATE_H

#include "analyzer/timeline/missing_switches.h"

/* All return 0, -ENOMEM or what a sink returned. */
int thread_switch_in(struct timeline *timeline, struct thread_slot *slot, uint32_t cpu, uint64_t time_ns);
int thread_switch_out(struct timeline *timeline, struct thread_slot *slot, const struct event *event,
		      uint64_t time_ns);

/* It is UNKNOWN and switched in: its past becomes as clear as what did not happen in it allows. */
int thread_switch_resolve_unknown(struct timeline *timeline, struct thread_slot *slot, uint64_t time_ns);

/* An event shows the thread on CPU @number, where it came by @arrival, and no switch told that it
 * runs there. */
int thread_switch_found_running(struct timeline *timeline, struct thread_slot *slot, uint32_t number,
				struct arrival arrival, uint64_t time_ns);

#endif
