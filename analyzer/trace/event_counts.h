/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The events that somebody asked the recorder for with -e: how often each came. What
 * they mean is theirs to know who asked.
 */
#ifndef ANALYZER_TRACE_EVENT_COUNTS_H
#define ANALYZER_TRACE_EVENT_COUNTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyzer/trace/source.h"

#define EXTRAS_MAX 64 /* a recorder has no room for more; those past it are a made-up capture */

struct event_count {
	char *name;
	uint64_t count, of_target;
};

/* Zero-initialise; event_counts_free() when done. */
struct event_counts {
	struct event_count list[EXTRAS_MAX]; /* in the order of their first coming */
	size_t count;
};

/* Feed every event; @of_target: its thread is one of the target's. 0 or -ENOMEM. */
int event_counts_event(struct event_counts *extras, const struct event *event, bool of_target);
void event_counts_free(struct event_counts *extras);

#endif
