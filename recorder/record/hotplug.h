/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CPUs that go offline and come back while they are recorded: their events are
 * lost with them, and are opened anew.
 */
#ifndef RECORDER_RECORD_HOTPLUG_H
#define RECORDER_RECORD_HOTPLUG_H

#include "recorder/perf/perf_events.h"
#include "recorder/record/drain.h"
#include "recorder/perf/event_plan.h"

struct hotplug;

/* All are the caller's, in place until hotplug_destroy(). Return: 0 or -ENOMEM. */
int hotplug_create(const struct event_plan *plan, struct perf_events *counters, struct drain *drain,
		   struct hotplug **ret_hotplug);
void hotplug_destroy(struct hotplug *hotplug);

/**
 * hotplug_look() - see to CPUs that went, and to those that are back.
 *
 * A few times a second, while recording, from the one thread that may call perf_events_set_mode().
 * Costs nothing where every CPU has something to record; may wait while a CPU is on its way.
 */
void hotplug_look(struct hotplug *hotplug);

#endif
