/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The recording of recorder capture: an engine and a capture writer, from the first event to
 * the last. It prints nothing; errors are handed back as text.
 */
#ifndef RECORDER_WRITE_RECORDING_H
#define RECORDER_WRITE_RECORDING_H

#include <stddef.h>
#include <stdint.h>

#include "recorder/write/capture_writer.h"
#include "recorder/base/diagnostic.h"
#include "recorder/proc/target.h"
#include "recorder/record/engine.h"

struct recording;

struct recording_options {
	const struct target *target;	/* the caller's; outlives the recording */
	struct engine_options engine;
	int out_fd;			/* the caller's; empty and writable */
};

struct recording_summary {
	struct capture_writer_summary file;
	uint64_t duration_ns;
	uint64_t delay_max_ns;
};

/* Does everything that takes time or can be refused. Return: 0, or -1 with @ret_refusal. */
int recording_create(const struct recording_options *options, struct recording **ret_recording,
		     struct diagnostic *ret_refusal);
void recording_destroy(struct recording *recording);

/* Start to record, and go on at the priority of priority_settle(); then read thread states and mappings. Return: 0, or -1 with @ret_refusal. */
int recording_start(struct recording *recording, struct diagnostic *ret_refusal);

/* Call it a few times a second: follows CPU hotplug and reads the kernel's log. */
void recording_look(struct recording *recording);

/* 0, or why the kernel's functions have no names. */
int recording_names_error(const struct recording *recording);

/* Counts of so far. From the thread that started it. */
uint64_t recording_events(const struct recording *recording);
uint64_t recording_lost(const struct recording *recording);

/* Return: 0, or why nothing more can be written. */
int recording_write_error(const struct recording *recording);

void recording_stop(struct recording *recording);

/**
 * recording_finish() - complete the file.
 *
 * @end_reason: FT_FACT_END_REASON; "disk-full" replaces it if the disk was full.
 */
void recording_finish(struct recording *recording, const char *end_reason,
		      struct recording_summary *ret_summary);

#endif
