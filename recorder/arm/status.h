/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Status of an armed recorder: freezetrap.status/1, the answer of the control socket, and the
 * line on a terminal.
 */
#ifndef RECORDER_ARM_STATUS_H
#define RECORDER_ARM_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "recorder/record/engine.h"
#include "recorder/proc/target_finder.h"
#include "recorder/buffer/ring_path.h"
#include "recorder/trigger/probe_deadline.h"

#define STATUS_CAPTURES_MAX 8
#define STATUS_PROBES_MAX	16

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
		const char *kept[RING_PATH_KEPT_MAX]; /* rings of recorders that were killed */
		size_t kept_count;
	} ring;
	uint64_t events, lost;		/* since arming */
	double events_per_s;		/* over the last second or so */
	struct {
		uint64_t cpu_ns;	/* of all its threads, since arming */
		double cpu_share_percent; /* of one CPU, since arming */
		uint64_t delay_max_ns;	/* run-queue latency of the drain */
		uint64_t rss_bytes;
	} recorder;
	struct {
		const char *step;
		uint64_t since_ns;	/* time since then */
		uint64_t steps_taken;
	} governor;
	struct {
		uint64_t kept;		/* stacks of long waits, read from /proc and found true */
		uint64_t watched;	/* threads that wait for a kernel lock: who wakes them has a stack */
	} stacks;
	struct {
		uint64_t seen, captured, suppressed;
		uint64_t joined;	/* covered by the capture for an earlier trigger */
		uint64_t failed;	/* captures that could not be written */
	} triggers;
	struct {
		const char *file;	/* the directory if it had no name yet; NULL: no capture failed */
		const char *reason, *error;
		int64_t at_ns;		/* CLOCK_REALTIME, of the trigger */
	} last_failure;
	struct {
		const char *file;	/* NULL: no capture is under way */
		const char *reason;
		uint64_t since_ns;	/* time since then */
	} capturing;
	struct {
		const char *file, *reason;
		uint64_t bytes;
		int64_t at_ns;		/* CLOCK_REALTIME, of the trigger */
	} captures[STATUS_CAPTURES_MAX];	/* newest first */
	size_t capture_count;
	struct {
		const char *what;
		uint64_t asked, answered, failed, fired, last_ns;
		char last_why[PROBE_WHY_BYTES]; /* of the last failure; "" if it was only late, or there was none */
		bool stuck;
	} probes[STATUS_PROBES_MAX];
	size_t probe_count;
};

/* Return: a malloc'ed line without newline, or NULL (no memory). Bytes that are no UTF-8 become
 * "?". */
char *status_to_json(const struct status *status);

/* Measures what the recorder does and costs. */
struct status_meter {
	const struct engine *engine;
	const struct ring_map *ringmap;
	struct target_finder *finder;
	uint64_t looked_ns, events;	/* at the last update */
	double events_per_s;
	char target[TARGET_MAX * 12], missing[TARGET_FINDER_TEXT_BYTES];
	char kept[RING_PATH_KEPT_MAX][PATH_MAX + 8];
};

void status_meter_init(struct status_meter *meter, const struct engine *engine,
		       const struct ring_map *ringmap, struct target_finder *finder);

/* Call it every second or so: works out the rate of events. */
void status_meter_update(struct status_meter *meter, uint64_t now_ns);

/* Draw the line on a terminal. */
void status_meter_draw(const struct status_meter *meter, bool capturing);

/* Fills in all but triggers, captures and probes; texts are borrowed until the next call. */
void status_meter_fill(struct status_meter *meter, struct status *status);

#endif
