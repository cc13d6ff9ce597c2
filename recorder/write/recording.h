/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One recording by hand, an engine and a job from the first event to the last: create, start,
 * stop, finish. Says nothing itself; what went wrong is handed back as text.
 */
#ifndef RECORDER_WRITE_RECORDING_H
#define RECORDER_WRITE_RECORDING_H

#include <stddef.h>
#include <stdint.h>

#include "recorder/write/capture_writer.h"
#include "recorder/perf/diagnostic.h"
#include "recorder/proc/target.h"
#include "recorder/record/engine.h"

struct recording;

struct recording_options {
	const struct target *target;	/* the caller's; in place until recording_destroy() */
	struct engine_options engine;
	int out_fd;			/* the caller's; empty and writable */
};

struct recording_summary {
	struct capture_writer_summary file;
	uint64_t duration_ns;
	uint64_t delay_max_ns;
};

/* Everything that takes time or can be refused. Return: 0, or -1 with @ret_refusal. */
int recording_create(const struct recording_options *options, struct recording **ret_recording,
		     struct diagnostic *ret_refusal);
void recording_destroy(struct recording *recording);

/* Record; then, while that is running, look at what the threads are doing and what is mapped. */
int recording_start(struct recording *recording, struct diagnostic *ret_refusal);

/* A few times a second, while it records: see to CPUs that went and came. */
void recording_look(struct recording *recording);

/* So far. From the thread that started it. */
uint64_t recording_events(const struct recording *recording);
uint64_t recording_lost(const struct recording *recording);

/* 0, or why nothing more can be written. */
int recording_write_error(const struct recording *recording);

void recording_stop(struct recording *recording);

/**
 * recording_finish() - complete the file.
 *
 * @end_reason: FT_FACT_END_REASON; "disk-full" is set by itself.
 */
void recording_finish(struct recording *recording, const char *end_reason,
		      struct recording_summary *ret_summary);

#endif
