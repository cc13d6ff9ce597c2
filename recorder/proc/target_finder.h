/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The target of an armed recorder, found again after each restart: by process
 * ID, by the ID in a file, or by name. A thread of its own looks, since a file may be on a disk that is stuck.
 * By ID or file, the children that keep the name belong to it.
 */
#ifndef RECORDER_PROC_TARGET_FINDER_H
#define RECORDER_PROC_TARGET_FINDER_H

#include <stdint.h>

#include "capture/event.h"
#include "recorder/proc/target.h"

#define FINDER_TEXT_BYTES 256

struct target_finder;

struct target_finder_options {
	const struct target *pids;	/* as target_parse() left it; none: the whole host, or: */
	const char *pid_file;		/* NULL, or where the process writes its ID */
	const char *comm;		/* NULL, or the name of its process */
};	/* all borrowed until target_finder_stop() */

/* After a first look. Return: 0, -ENOMEM, or the errno of pthread_create(). */
int target_finder_start(const struct target_finder_options *options, struct target_finder **ret_finder);
void target_finder_stop(struct target_finder *finder);

/**
 * target_finder_target() - whom the report is about now; never blocks.
 *
 * @ret_target: without pidfds. count is 0 for the whole host, and while nothing was found.
 *
 * Return: a number that changes with the target.
 */
uint64_t target_finder_target(struct target_finder *finder, struct target *ret_target);

/* Changes where the target starts, ends or restarts, and not with processes that join or leave it. */
uint64_t target_finder_anew(struct target_finder *finder);

/* What the recording tells: FORK and COMM events may be of processes that join it. From any thread. */
void target_finder_event(struct target_finder *finder, const struct ft_event *event);

/* Why nothing is found, as "no process is called 'feeddb'"; "" where it is. */
void target_finder_missing(struct target_finder *finder, char ret_text[FINDER_TEXT_BYTES]);

/* The target, and who was of it since @since_ns: a report about a time must name who lived then. */
void target_finder_targets_since(struct target_finder *finder, uint64_t since_ns, struct target *ret_target);

/* Is one looked for, rather than the whole host meant? */
bool target_finder_looks(const struct target_finder *finder);

#endif
