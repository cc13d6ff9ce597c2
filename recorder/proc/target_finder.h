/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The target of an armed recorder, found again after each restart: by process
 * ID, by the ID in a file, or by name. A thread of its own looks, since a file may be on a disk that is stuck.
 * By ID or file, the children that keep the name belong to it.
 */
#ifndef RECORDER_FINDER_H
#define RECORDER_FINDER_H

#include <stdint.h>

#include "capture/event.h"
#include "recorder/proc/target.h"

#define FINDER_TEXT_BYTES 256

struct finder;

struct finder_options {
	const struct target *pids;	/* as target_parse() left it; none: the whole host, or: */
	const char *pid_file;		/* NULL, or where the process writes its ID */
	const char *comm;		/* NULL, or the name of its process */
};	/* all borrowed until finder_stop() */

/* After a first look. Return: 0, -ENOMEM, or the errno of pthread_create(). */
int finder_start(const struct finder_options *options, struct finder **ret_finder);
void finder_stop(struct finder *finder);

/**
 * finder_target() - whom the report is about now; never blocks.
 *
 * @ret_target: without pidfds. count is 0 for the whole host, and while nothing was found.
 *
 * Return: a number that changes with the target.
 */
uint64_t finder_target(struct finder *finder, struct target *ret_target);

/* Changes where the target starts, ends or restarts, and not with processes that join or leave it. */
uint64_t finder_anew(struct finder *finder);

/* What the recording tells: FORK and COMM events may be of processes that join it. From any thread. */
void finder_event(struct finder *finder, const struct ft_event *event);

/* Why nothing is found, as "no process is called 'feeddb'"; "" where it is. */
void finder_missing(struct finder *finder, char ret_text[FINDER_TEXT_BYTES]);

/* The target, and who was of it since @since_ns: a report about a time must name who lived then. */
void finder_targets_since(struct finder *finder, uint64_t since_ns, struct target *ret_target);

/* Is one looked for, rather than the whole host meant? */
bool finder_looks(const struct finder *finder);

#endif
