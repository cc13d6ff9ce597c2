/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/activity/history.h"

#include <errno.h>
#include <stdlib.h>

#include "analyzer/activity/history_private.h"
#include "analyzer/util/span.h"

/* A coarser one than this is said in the report. */
#define COARSE_NS (1u << 20) /* the resolution doubles: this is its millisecond */

int history_create(struct stack_infos *stack_infos, const struct threads *threads,
		   uint64_t start_ns, uint64_t end_ns, struct history **ret_history)
{
	struct history *history = calloc(1, sizeof(*history));

	if (!history)
		return -ENOMEM;
	history->stack_infos = stack_infos;
	history->threads = threads;
	history->start_ns = start_ns;
	history->end_ns = end_ns;
	history->entries.entry_bytes = sizeof(struct thread_history);
	*ret_history = history;
	return 0;
}

void history_destroy(struct history *history)
{
	if (!history)
		return;
	for (size_t i = 0; i < per_thread_count(&history->entries); i++) {
		struct thread_history *entry = per_thread_at(&history->entries, i);

		if (!entry)
			continue;
		free(entry->intervals);
		free(entry->samples);
		free(entry->events);
	}
	per_thread_free(&history->entries);
	free(history->lock_waits.waits);
	free(history->lock_waits.charges);
	free(history->pending);
	free(history->idle_since_ns);
	free(history);
}

uint64_t history_resolution_ns(const struct history *history)
{
	return history->resolution_ns;
}

bool history_is_coarse(const struct history *history)
{
	return history->resolution_ns > COARSE_NS;
}

size_t history_bytes(const struct history *history)
{
	return history->interval_room * sizeof(struct history_interval) +
	       history->lock_waits.wait_room * sizeof(struct kept_lock_wait) +
	       history->lock_waits.charge_room * sizeof(struct history_charge);
}

size_t history_intervals(const struct history *history, const struct thread *thread,
			 const struct history_interval **ret_intervals)
{
	const struct thread_history *entry = per_thread_find(&history->entries, thread);

	*ret_intervals = entry ? entry->intervals : NULL;
	return entry ? entry->count : 0;
}

size_t history_at(const struct history *history, const struct thread *thread, uint64_t time_ns)
{
	const struct history_interval *intervals;
	size_t low = 0, high = history_intervals(history, thread, &intervals);

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (intervals[middle].end_ns <= time_ns)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct history_cursor history_walk(const struct history *history, const struct thread *thread,
				   uint64_t from_ns, uint64_t to_ns)
{
	const struct history_interval *intervals;
	size_t count = history_intervals(history, thread, &intervals);
	struct history_cursor cursor = { .from_ns = from_ns, .to_ns = to_ns };

	if (!count)
		return cursor;
	cursor.next = intervals + history_at(history, thread, from_ns);
	cursor.end = intervals + count;
	return cursor;
}

const struct history_interval *history_next(struct history_cursor *cursor, uint64_t *ret_from_ns,
					    uint64_t *ret_to_ns)
{
	const struct history_interval *interval = cursor->next;

	if (interval == cursor->end || interval->start_ns >= cursor->to_ns)
		return NULL;
	cursor->next++;
	*ret_from_ns = later(interval->start_ns, cursor->from_ns);
	*ret_to_ns = earlier(interval->end_ns, cursor->to_ns);
	return interval;
}

struct thread *history_waker(const struct history *history, const struct history_interval *interval)
{
	return interval->waker == HISTORY_NOBODY ? NULL
						 : threads_at(history->threads, interval->waker);
}

bool history_lock_wait(const struct history *history, const struct history_interval *interval,
		       struct history_lock_wait *ret_wait)
{
	if (!interval->lock_wait)
		return false;
	history_read_lock_wait(&history->lock_waits, interval->lock_wait, ret_wait);
	return true;
}

size_t history_samples(const struct history *history, const struct thread *thread,
		       const struct history_sample **ret_samples)
{
	const struct thread_history *entry = per_thread_find(&history->entries, thread);

	*ret_samples = entry ? entry->samples : NULL;
	return entry ? entry->sample_count : 0;
}

size_t history_events(const struct history *history, const struct thread *thread,
		      const struct history_event **ret_events)
{
	const struct thread_history *entry = per_thread_find(&history->entries, thread);

	*ret_events = entry ? entry->events : NULL;
	return entry ? entry->event_count : 0;
}
