/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One capture of an armed recorder, from the trigger to the sealed file: the
 * history, and what follows for a while. A thread of its own does what may take long.
 */
#ifndef RECORDER_INCIDENT_H
#define RECORDER_INCIDENT_H

#include <stdbool.h>
#include <stdint.h>

#include "recorder/record/engine.h"
#include "recorder/proc/target_finder.h"
#include "recorder/arm/history_keeper.h"
#include "recorder/write/capture_writer.h"
#include "recorder/write/capture_dir.h"
#include "recorder/trigger/trigger_queue.h"

#define INCIDENT_NAME_BYTES 96

struct incident;

struct incident_options {
	struct engine *engine;
	struct house *house;
	struct keep *keep;
	struct finder *finder;
	uint64_t post_ns;		/* how long it goes on after a trigger */
	int done_fd;			/* an eventfd: written to when it is over */
};

struct incident_result {
	char name[INCIDENT_NAME_BYTES];	/* in the directory; "" where no file could be made */
	int error;			/* 0, or why there is no whole capture */
	bool whole;			/* it has its name and its end mark */
	struct job_summary job;
	uint64_t history_ns;		/* before the trigger */
	uint64_t duration_ns;
	uint64_t sealed_ns;		/* from the end of what it holds until the file was whole */
	unsigned int more_triggers;
	struct keep_removed removed;	/* other captures, for the limits of the directory */
};

/* Return: 0, -ENOMEM, or the errno of pthread_create(). */
int incident_start(const struct incident_options *options, const struct trigger *trigger,
		   struct incident **ret_incident);

/* Another trigger: it goes on for longer, up to four times as long in all, and the capture says why.
 * Return: false where it is too late for that. */
bool incident_extend(struct incident *incident, const struct trigger *trigger);

/* End it now, with what there is. */
void incident_cut(struct incident *incident);

/* Is it over? From then on incident_finish() does not block. */
bool incident_over(struct incident *incident);
void incident_finish(struct incident *incident, struct incident_result *ret_result);

/* Of its file; "" as long as there is none. */
void incident_name(struct incident *incident, char ret_name[INCIDENT_NAME_BYTES]);
const struct trigger *incident_trigger(const struct incident *incident);

#endif
