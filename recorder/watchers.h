/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All that may see a reason to capture by itself: probes and pressure stalls.
 */
#ifndef RECORDER_WATCHERS_H
#define RECORDER_WATCHERS_H

#include <stddef.h>

#include "recorder/arm_status.h"
#include "recorder/probe.h"
#include "recorder/refusal.h"
#include "recorder/triggers.h"

#define WATCHERS_PSI_MAX 8

struct watchers;

struct watchers_options {
	struct probe_options probes[ARM_STATUS_PROBES_MAX];
	size_t probe_count;
	const char *psi[WATCHERS_PSI_MAX];
	size_t psi_count;
};

/* @options: in place until watchers_stop(). Return: 0, or -1 with @ret_refusal. */
int watchers_start(const struct watchers_options *options, struct triggers *triggers,
		   struct watchers **ret_watchers, struct refusal *ret_refusal);
void watchers_stop(struct watchers *watchers);

/* Fills in probes. */
void watchers_status(const struct watchers *watchers, struct arm_status *status);

#endif
