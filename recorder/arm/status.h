/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an armed recorder is doing, as the answer of the control socket:
 * freezetrap.status/1, one line of JSON.
 */
#ifndef RECORDER_ARM_STATUS_H
#define RECORDER_ARM_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "recorder/trigger/probe_failures.h"

#define ARM_STATUS_CAPTURES_MAX 8
#define ARM_STATUS_KEPT_MAX	2
#define ARM_STATUS_PROBES_MAX	16

/* All texts are borrowed; NULL becomes null. */
struct status {
	int32_t pid;			/* of the recorder */
	const char *tier, *target;
	const char *target_missing;	/* NULL, or why nothing is found */
	int64_t armed_since_ns;		/* CLOCK_REALTIME */
	uint64_t uptime_ns;
	uint64_t history_ns;		/* from the oldest event in the ring to now */
	struct {
		const char *path;
		uint64_t bytes, slots;
		double fill_percent;
		const char *kept[ARM_STATUS_KEPT_MAX]; /* rings of recorders that were killed */
		size_t kept_count;
	} ring;
	uint64_t events, lost;		/* since arming */
	double events_per_s;		/* lately */
	struct {
		uint64_t cpu_ns;	/* of all its threads, since arming */
		double cpu_share_percent; /* of one CPU, since arming */
		uint64_t delay_max_ns;	/* runnable, but not running: the drain thread */
		uint64_t rss_bytes;
	} recorder;
	struct {
		const char *step;
		uint64_t since_ns;	/* for so long */
		uint64_t steps_taken;
	} governor;
	struct {
		uint64_t seen, captured, suppressed;
		uint64_t joined;	/* a capture for an earlier one covers them */
		uint64_t failed;	/* captures that could not be written */
	} triggers;
	struct {
		const char *file;	/* NULL: no capture failed; the directory where there was no name yet */
		const char *reason, *error;
		int64_t at_ns;		/* CLOCK_REALTIME: the trigger */
	} last_failure;
	struct {
		const char *file;	/* NULL: no capture is under way */
		const char *reason;
		uint64_t since_ns;	/* for so long */
	} capturing;
	struct {
		const char *file, *reason;
		uint64_t bytes;
		int64_t at_ns;		/* CLOCK_REALTIME: the trigger */
	} captures[ARM_STATUS_CAPTURES_MAX];	/* newest first */
	size_t capture_count;
	struct {
		const char *what;
		uint64_t asked, answered, failed, fired, last_ns;
		char last_why[VERDICT_WHY_BYTES]; /* of the last failure; "": none, or it was only late */
		bool stuck;
	} probes[ARM_STATUS_PROBES_MAX];
	size_t probe_count;
};

/* Return: a malloc'ed line without newline, or NULL (no memory). Bytes that are no UTF-8 become "?". */
char *status_to_json(const struct status *status);

#endif
