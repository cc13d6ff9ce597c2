/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One capture: a thread of its own takes segments out of the slots, from the
 * oldest there is, and writes them, as slowly as the disk wants; names and facts complete it.
 */
#ifndef RECORDER_WRITE_CAPTURE_WRITER_H
#define RECORDER_WRITE_CAPTURE_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "capture/facts.h"
#include "recorder/record/engine.h"
#include "recorder/symbols/mappings.h"
#include "recorder/buffer/recorder_events.h"

struct capture_writer;

struct capture_writer_options {
	struct engine *engine;		/* the caller's, as are the others, until capture_writer_destroy() */
	struct mappings *mappings;	/* as of when the slots' oldest segment began, or later */
	int out_fd;			/* empty and writable */
	bool history;			/* the slots are older than the job: what they do not hold any more is not missing, and where the disk
					   has no room for all of it the oldest part is left out */
	uint64_t more_ns;		/* of a history: for so long the job will go on */
};

struct capture_writer_summary {
	uint64_t bytes;			/* of the file */
	uint64_t events, lost;
	int write_error;		/* 0, or why the file does not hold everything recorded */
	uint32_t cut_segments;		/* taken back to make room for the names */
};

/* Return: 0, -ENOMEM, or the errno of the first write. */
int capture_writer_create(const struct capture_writer_options *options, struct capture_writer **ret_writer);
void capture_writer_destroy(struct capture_writer *writer);

/* For the caller's thread to add to, the facts before capture_writer_start() and after capture_writer_stop(); written by capture_writer_write_own_events() and capture_writer_finish(). */
struct recorder_events *capture_writer_own_events(struct capture_writer *writer);
struct ft_facts *capture_writer_facts(struct capture_writer *writer);

/* Since when every CPU's events are in what was written; after capture_writer_stop(). */
uint64_t capture_writer_start_ns(const struct capture_writer *writer);

/* Write what the own log holds so far; before capture_writer_start(). Return: 0 or what stopped it. */
int capture_writer_write_own_events(struct capture_writer *writer);

int capture_writer_start(struct capture_writer *writer);		/* 0 or the errno of pthread_create() */

/* Did writing end early? From any thread. */
int capture_writer_error(const struct capture_writer *writer);

/**
 * capture_writer_find_names() - find names for what was written so far and is in the own log, so that capture_writer_finish()
 * has less to do.
 *
 * Return: 0, -ENOMEM, or as symbolize_resolve(): what was not found is looked for again next time.
 */
int capture_writer_find_names(struct capture_writer *writer, int deadline_ms);

/* Write what the slots hold now and end the thread. */
void capture_writer_stop(struct capture_writer *writer);

/* Bring the mappings up to date with what was written so far. Return: 0 or -ENOMEM. */
int capture_writer_update_mappings(struct capture_writer *writer);

/**
 * capture_writer_finish() - complete the file, after capture_writer_stop().
 *
 * @names_ms: deadline for the names that are still to be found.
 * FT_FACT_START_NS and what goes with it are set here.
 *
 * @end_reason: FT_FACT_END_REASON; "disk-full" is set by itself.
 */
void capture_writer_finish(struct capture_writer *writer, const char *end_reason, int names_ms,
		struct capture_writer_summary *ret_summary);

#endif
