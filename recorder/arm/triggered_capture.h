/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One capture of an armed recorder, from the trigger to the finished file. It holds the history
 * and what follows for a while. A thread of its own does the work, which may take long.
 */
#ifndef RECORDER_ARM_TRIGGERED_CAPTURE_H
#define RECORDER_ARM_TRIGGERED_CAPTURE_H

#include <stdbool.h>
#include <stdint.h>

#include "recorder/record/engine.h"
#include "recorder/proc/target_finder.h"
#include "recorder/arm/history_keeper.h"
#include "recorder/write/capture_writer.h"
#include "recorder/write/capture_dir.h"
#include "recorder/trigger/trigger_queue.h"

struct triggered_capture;

struct triggered_capture_options {
	struct engine *engine;
	struct history_keeper *keeper;
	struct capture_dir *captures;
	struct target_finder *finder;
	uint64_t post_ns;		/* how long a capture goes on after a trigger */
	uint64_t hold_ns;		/* and at most so long beyond that by triggered_capture_hold() */
	int done_fd;			/* an eventfd, written when the capture is over */
};

struct triggered_capture_result {
	char name[CAPTURE_NAME_BYTES];	/* in the directory; "" if no file could be made */
	int error;			/* 0, or why the capture is not whole */
	bool whole;			/* it has its name and its end mark */
	struct capture_writer_summary file;
	uint64_t history_ns;		/* before the trigger */
	uint64_t duration_ns;
	uint64_t sealed_ns;		/* from the end of its events until the file was whole */
	unsigned int more_triggers;
	struct capture_dir_removed removed;	/* older captures, to keep within the limits of the directory */
};

/* Return: 0, -ENOMEM, or the errno of pthread_create(). */
int triggered_capture_start(const struct triggered_capture_options *options,
			    const struct trigger *trigger, struct triggered_capture **ret_capture);

/* Another trigger came: go on for longer, but no more than four times as long in all, and note
 * the trigger. Return: false if it is too late for that. */
bool triggered_capture_extend(struct triggered_capture *capture, const struct trigger *trigger);

/* What it was triggered for goes on: so does the capture, until @until_ns at least, but no longer than its
 * options allow. */
void triggered_capture_hold(struct triggered_capture *capture, uint64_t until_ns);

/* End the capture now, with the events of so far. */
void triggered_capture_cut(struct triggered_capture *capture);

/* Is it over? If so, triggered_capture_finish() does not block. */
bool triggered_capture_over(struct triggered_capture *capture);
void triggered_capture_finish(struct triggered_capture *capture,
			      struct triggered_capture_result *ret_result);

/* Name of its file; "" while there is none. */
void triggered_capture_name(struct triggered_capture *capture, char ret_name[CAPTURE_NAME_BYTES]);
const struct trigger *triggered_capture_trigger(const struct triggered_capture *capture);

#endif
