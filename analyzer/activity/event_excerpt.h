/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The events that bear on one thread in one span of time, a bounded number of them: what led there,
 * the first, the last, and how the thread got a CPU again.
 */
#ifndef ANALYZER_ACTIVITY_EVENT_EXCERPT_H
#define ANALYZER_ACTIVITY_EVENT_EXCERPT_H

#include <stddef.h>
#include <stdint.h>

#include "analyzer/activity/excerpt_events.h"

#define EXCERPT_EVENTS_MAX 18

/* Of intervals that the history has put together one is told; the others are left out. */
struct event_excerpt {
	struct excerpt_event events[EXCERPT_EVENTS_MAX]; /* in order of time */
	size_t count;
	size_t gap;		/* so many of events come before those that were left out, ... */
	uint64_t left_out;	/* ... of which there are so many */
};

/* @threads: of the recording. */
void event_excerpt_find(const struct history *history, const struct threads *threads,
			const struct event_excerpt_query *query,
			struct event_excerpt *ret_excerpt);

#endif
