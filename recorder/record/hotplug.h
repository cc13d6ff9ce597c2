/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CPU hotplug while recording: the events of a CPU die when it goes offline, and are opened
 * again when it is back.
 */
#ifndef RECORDER_RECORD_HOTPLUG_H
#define RECORDER_RECORD_HOTPLUG_H

#include "recorder/perf/perf_events.h"
#include "recorder/record/drain.h"
#include "recorder/perf/event_plan.h"

struct hotplug;

/* All arguments stay the caller's and must outlive it. Return: 0 or -ENOMEM. */
int hotplug_create(const struct event_plan *plan, struct perf_events *counters, struct drain *drain,
		   struct hotplug **ret_hotplug);
void hotplug_destroy(struct hotplug *hotplug);

/**
 * hotplug_look() - detach CPUs that went offline, attach those that are back.
 *
 * Call it a few times a second while recording, from the one thread that may call
 * perf_events_set_mode(). It costs nothing if every CPU has recorded something lately. It may block
 * while a CPU goes offline or comes online.
 */
void hotplug_look(struct hotplug *hotplug);

#endif
