/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds the target of an armed recorder again after each restart: by process ID, by the ID in a
 * file, or by name. A thread of its own looks, because the file may be on a disk that hangs. By ID
 * or file, children that keep the name belong to the target.
 */
#ifndef RECORDER_PROC_TARGET_FINDER_H
#define RECORDER_PROC_TARGET_FINDER_H

#include <stdbool.h>
#include <stdint.h>

#include "recorder/proc/target.h"

struct ft_event;

#define TARGET_FINDER_TEXT_BYTES 256

struct target_finder;

struct target_finder_options {
	const struct target *pids;	/* as target_parse() left it; none: the whole host, or: */
	const char *pid_file;		/* NULL, or where the process writes its ID */
	const char *comm;		/* NULL, or the name of its process */
};	/* all borrowed until target_finder_stop() */

/* Looks once before it returns. Return: 0, -ENOMEM, or the errno of pthread_create(). */
int target_finder_start(const struct target_finder_options *options,
			struct target_finder **ret_finder);
void target_finder_stop(struct target_finder *finder);

/**
 * target_finder_target() - the target now; never blocks.
 *
 * @ret_target: without pidfds. count is 0 for the whole host, and while nothing was found.
 *
 * Return: a number that changes with the target.
 */
uint64_t target_finder_target(struct target_finder *finder, struct target *ret_target);

/* Changes where the target starts, ends or restarts, not where processes join or leave it. */
uint64_t target_finder_generation(struct target_finder *finder);

/* Note a recorded FORK or COMM, by which a process may join the target. From any thread. */
void target_finder_event(struct target_finder *finder, const struct ft_event *event);

/* Why there is no target, as "no process is called 'feeddb'"; "" where there is one. */
void target_finder_missing(struct target_finder *finder, char ret_text[TARGET_FINDER_TEXT_BYTES]);

/* The target with those that left it after @since_ns: a report names who lived at its time. */
void target_finder_targets_since(struct target_finder *finder, uint64_t since_ns,
				 struct target *ret_target);

/* Whether a target is looked for; false where the target is the whole host. */
bool target_finder_looks(const struct target_finder *finder);

#endif
