/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starts and stops all sources of triggers that run by themselves: probes, pressure stalls, and
 * the governor's thread with --blocked.
 */
#ifndef RECORDER_ARM_TRIGGER_SOURCES_H
#define RECORDER_ARM_TRIGGER_SOURCES_H

#include <stdbool.h>
#include <stddef.h>

#include "recorder/arm/status.h"
#include "recorder/record/engine.h"
#include "recorder/proc/target_finder.h"
#include "recorder/record/governor.h"
#include "recorder/arm/history_keeper.h"
#include "recorder/trigger/probe.h"
#include "recorder/base/diagnostic.h"
#include "recorder/trigger/trigger_queue.h"

#define TRIGGER_SOURCES_PSI_MAX 8

struct trigger_sources;

struct trigger_sources_options {
	struct probe_options probes[STATUS_PROBES_MAX];
	size_t probe_count;
	const char *psi[TRIGGER_SOURCES_PSI_MAX];
	size_t psi_count;
	uint32_t blocked_threads;	/* 0: no such trigger */
	uint64_t blocked_ns;
	struct governor_options governor; /* cpus is set here */
};

/* All arguments stay the caller's and outlive the sources. Return: 0, or -1 with @ret_refusal. */
int trigger_sources_start(const struct trigger_sources_options *options, struct engine *engine,
			  struct history_keeper *keeper, struct target_finder *finder,
			  struct trigger_queue *triggers, struct trigger_sources **ret_sources,
			  struct diagnostic *ret_refusal);
void trigger_sources_stop(struct trigger_sources *sources);

/* Call it now and then: follows the target and, unless @quiet, reports probes without a good
 * answer. */
void trigger_sources_look(struct trigger_sources *sources, bool quiet);

/* Fills in probes and governor. */
void trigger_sources_status(const struct trigger_sources *sources, struct status *status);

#endif
