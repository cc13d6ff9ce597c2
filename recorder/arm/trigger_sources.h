/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All that looks on by itself while it is recorded: probes, pressure stalls, and
 * the watch over the recorder's own events and cost.
 */
#ifndef RECORDER_WATCHERS_H
#define RECORDER_WATCHERS_H

#include <stdbool.h>
#include <stddef.h>

#include "recorder/arm/status.h"
#include "recorder/record/engine.h"
#include "recorder/proc/target_finder.h"
#include "recorder/record/governor.h"
#include "recorder/arm/history_keeper.h"
#include "recorder/trigger/probe.h"
#include "recorder/perf/diagnostic.h"
#include "recorder/trigger/trigger_queue.h"

#define WATCHERS_PSI_MAX 8

struct watchers;

struct watchers_options {
	struct probe_options probes[ARM_STATUS_PROBES_MAX];
	size_t probe_count;
	const char *psi[WATCHERS_PSI_MAX];
	size_t psi_count;
	uint32_t blocked_threads;	/* 0: no such trigger */
	uint64_t blocked_ns;
	struct governor_options governor; /* cpus and knows_locks are set here */
};

/* All arguments stay the caller's, in place until watchers_stop(). Return: 0, or -1 with @ret_refusal. */
int watchers_start(const struct watchers_options *options, struct engine *engine,
		   struct house *house, struct finder *finder, struct triggers *triggers,
		   struct watchers **ret_watchers, struct refusal *ret_refusal);
void watchers_stop(struct watchers *watchers);

/* Now and then: follow the target; unless @quiet, tell of probes that were never answered. */
void watchers_look(struct watchers *watchers, bool quiet);

/* Fills in probes and governor. */
void watchers_status(const struct watchers *watchers, struct arm_status *status);

#endif
