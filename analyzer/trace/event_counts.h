/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How often each event came that the recorder was asked for with -e. Their meaning is not known
 * here.
 */
#ifndef ANALYZER_TRACE_EVENT_COUNTS_H
#define ANALYZER_TRACE_EVENT_COUNTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyzer/trace/source.h"

#define EXTRAS_MAX 64 /* as many as a recorder can have; a made-up capture may have more */

struct event_count {
	char *name;
	uint64_t count, of_target;
};

/* Zero-initialise; event_counts_free() when done. */
struct event_counts {
	struct event_count list[EXTRAS_MAX]; /* in the order of their first events */
	size_t count;
};

/* Feed every event; @of_target: its thread is one of the target's. 0 or -ENOMEM. */
int event_counts_event(struct event_counts *counts, const struct event *event, bool of_target);
void event_counts_free(struct event_counts *counts);

#endif
