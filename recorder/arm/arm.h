/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The armed recorder: it records until it is told to end, and writes a capture for each trigger.
 */
#ifndef RECORDER_ARM_ARM_H
#define RECORDER_ARM_ARM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "recorder/arm/trigger_sources.h"
#include "recorder/proc/target.h"
#include "recorder/record/engine.h"

struct arm_options {
	const struct target *target;	/* whom the reports are about; the caller's */
	struct engine_options engine;	/* kernel buffers and extra events; arm_run() sets the rest */
	const char *pid_file, *comm;	/* how the target is found; NULL: not by this */
	const char *dir;		/* directory of the captures */
	uint64_t post_ns;		/* how long a capture goes on after its trigger */
	uint64_t hold_ns;		/* and how much longer where a probe is still without an answer */
	const char *ring_path;		/* NULL: the default place */
	size_t ring_bytes;		/* 0: the default */
	struct trigger_sources_options sources;
	uint64_t cooldown_ns;
	uint32_t max_captures;
	size_t max_disk_bytes;
	const char *on_capture;		/* NULL, or a command */
	const char *control_path;	/* NULL: the default place */
	bool quiet;
};

/* Runs until a signal ends it. Return: an exit status. */
int arm_run(const struct arm_options *options);

#endif
