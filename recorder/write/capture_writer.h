/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes one capture. A thread of its own reads the segment ring from the oldest segment on and
 * writes as slowly as the disk wants. Names and facts complete the file.
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
struct ft_event;

struct capture_writer_options {
	struct engine *engine;		/* the caller's, as all pointers here; outlives the writer */
	struct mappings *mappings;	/* as of the oldest segment, or later */
	int out_fd;			/* empty and writable */
	bool history;			/* begin with the oldest segment: what was overwritten before is not missing, and the oldest
					   part is left out if the disk has no room for all */
	uint64_t more_ns;		/* with history: writing will go on for so long */
	/* Gets each event, borrowed during the call, in the writer's thread; NULL. */
	void (*watch)(void *context, const struct ft_event *event);
	void *watch_context;
};

struct capture_writer_summary {
	uint64_t bytes;			/* of the file */
	uint64_t events, lost;
	int write_error;		/* 0, or why the file does not hold everything recorded */
	uint32_t cut_segments;		/* cut off again to make room for the names */
};

/* Return: 0, -ENOMEM, or the errno of the first write. */
int capture_writer_create(const struct capture_writer_options *options,
			  struct capture_writer **ret_writer);
void capture_writer_destroy(struct capture_writer *writer);

/* For one thread of the caller to add to. Own events are written by
 * capture_writer_write_own_events() and capture_writer_finish(); facts must not change between
 * capture_writer_start() and capture_writer_stop(). */
struct recorder_events *capture_writer_own_events(struct capture_writer *writer);
struct ft_facts *capture_writer_facts(struct capture_writer *writer);

/* Time from which on the events of all CPUs are in the file. Call it after capture_writer_stop(). */
uint64_t capture_writer_start_ns(const struct capture_writer *writer);

/* Write the own events of so far. Call it before capture_writer_start(). Return: 0 or what
 * stopped it. */
int capture_writer_write_own_events(struct capture_writer *writer);

int capture_writer_start(struct capture_writer *writer);		/* 0 or the errno of pthread_create() */

/* Return: 0, or why writing ended early. From any thread. */
int capture_writer_error(const struct capture_writer *writer);

/**
 * capture_writer_find_names() - find names for the events of so far, own ones included, so that
 * capture_writer_finish() has less to do.
 *
 * Return: 0, -ENOMEM, or as symbolize_resolve(): addresses without a name are tried again next
 * time.
 */
int capture_writer_find_names(struct capture_writer *writer, int deadline_ms);

/* Write what the segment ring holds now and end the thread. */
void capture_writer_stop(struct capture_writer *writer);

/* Apply the mapping changes of what was written so far. Return: 0 or -ENOMEM. */
int capture_writer_update_mappings(struct capture_writer *writer);

/**
 * capture_writer_finish() - complete the file, after capture_writer_stop().
 *
 * @end_reason: FT_FACT_END_REASON; "disk-full" replaces it if the disk was full.
 * @names_ms:   deadline for the names that are still to be found.
 *
 * It sets FT_FACT_START_NS and the facts that depend on it.
 */
void capture_writer_finish(struct capture_writer *writer, const char *end_reason, int names_ms,
			   struct capture_writer_summary *ret_summary);

#endif
