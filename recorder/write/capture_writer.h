/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One capture: a thread of its own takes segments out of the slots, from the
 * oldest there is, and writes them, as slowly as the disk wants; names and facts complete it.
 */
#ifndef RECORDER_JOB_H
#define RECORDER_JOB_H

#include <stdbool.h>
#include <stdint.h>

#include "capture/facts.h"
#include "recorder/record/engine.h"
#include "recorder/symbols/mappings.h"
#include "recorder/buffer/recorder_events.h"

struct job;

struct job_options {
	struct engine *engine;		/* the caller's, as are the others, until job_destroy() */
	struct mappings *mappings;	/* as of when the slots' oldest segment began, or later */
	int out_fd;			/* empty and writable */
	bool history;			/* the slots are older than the job: what they do not hold any more is not missing, and where the disk
					   has no room for all of it the oldest part is left out */
	uint64_t more_ns;		/* of a history: for so long the job will go on */
};

struct job_summary {
	uint64_t bytes;			/* of the file */
	uint64_t events, lost;
	int write_error;		/* 0, or why the file does not hold everything recorded */
	uint32_t cut_segments;		/* taken back to make room for the names */
};

/* Return: 0, -ENOMEM, or the errno of the first write. */
int job_create(const struct job_options *options, struct job **ret_job);
void job_destroy(struct job *job);

/* For the caller's thread to add to, the facts before job_start() and after job_stop(); written by job_write_ownlog() and job_finish(). */
struct ownlog *job_ownlog(struct job *job);
struct ft_facts *job_facts(struct job *job);

/* Since when every CPU's events are in what was written; after job_stop(). */
uint64_t job_start_ns(const struct job *job);

/* Write what the own log holds so far; before job_start(). Return: 0 or what stopped it. */
int job_write_ownlog(struct job *job);

int job_start(struct job *job);		/* 0 or the errno of pthread_create() */

/* Did writing end early? From any thread. */
int job_error(const struct job *job);

/**
 * job_name() - find names for what was written so far and is in the own log, so that job_finish()
 * has less to do.
 *
 * Return: 0, -ENOMEM, or as names_resolve(): what was not found is looked for again next time.
 */
int job_name(struct job *job, int deadline_ms);

/* Write what the slots hold now and end the thread. */
void job_stop(struct job *job);

/* Bring the mappings up to date with what was written so far. Return: 0 or -ENOMEM. */
int job_update_mappings(struct job *job);

/**
 * job_finish() - complete the file, after job_stop().
 *
 * @names_ms: deadline for the names that are still to be found.
 * FT_FACT_START_NS and what goes with it are set here.
 *
 * @end_reason: FT_FACT_END_REASON; "disk-full" is set by itself.
 */
void job_finish(struct job *job, const char *end_reason, int names_ms,
		struct job_summary *ret_summary);

#endif
