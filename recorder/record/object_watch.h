/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads at what the target's threads wait that have been blocked for long, and what those wait at who have the other
 * end. Each wait once.
 *
 * What it costs is bounded: after a round it pauses so long that it takes no more than half a percent of a CPU, and reads
 * no more than 32 objects a second.
 */
#ifndef RECORDER_RECORD_OBJECT_WATCH_H
#define RECORDER_RECORD_OBJECT_WATCH_H

#include <stdint.h>

#include "capture/event.h"
#include "recorder/proc/target.h"
#include "recorder/record/blocked_threads.h"
#include "recorder/symbols/kallsyms.h"

struct object_watch;

struct object_watch_options {
	const struct blocked_threads *blocked;
	const struct target *target;	/* copied; see object_watch_set_target() */
	const struct kallsyms *kallsyms; /* for the states of peers; may be NULL; in place until object_watch_stuck() is 0 */
	/* Called by the watch's thread with each OBJECT, PEER and STATE; borrowed during the call. */
	void (*emit)(void *context, const struct ft_event *event);
	void *context;
};

/* Return: 0, -ENOMEM, or the negative errno of starting a thread. */
int object_watch_start(const struct object_watch_options *options, struct object_watch **ret_watch);

/* Emits nothing more. What hangs in /proc is left behind. NULL is fine. */
void object_watch_stop(struct object_watch *watch);

/* The next ones from any thread; NULL is fine. */
void object_watch_set_target(struct object_watch *watch, const struct target *target);

/* Read those waits again that are under way: a capture begins, and may not reach back to where they were read. */
void object_watch_refresh(struct object_watch *watch);

/* How many readers of this process were left behind and have not ended yet. */
unsigned int object_watch_stuck(void);

#endif
