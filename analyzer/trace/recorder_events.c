/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The recorder's own events, in order of time.
 */
#include "analyzer/trace/recorder_events.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/util/array.h"
#include "capture/decoder.h"

#define EVENTS_MAX (1u << 20) /* two snapshots of half a million threads */

/* An event that owns what it points to. */
struct recorder_event {
	struct ft_event event;
	size_t number; /* in the file: sorting keeps the order of equal times */
	struct ft_task task, other;
	struct ft_stack stack;
	uint64_t frames[]; /* of stack; then the texts */
};

struct recorder_events {
	struct recorder_event **sorted;
	size_t count, capacity;
	struct ft_decoder *decoder;
	void *buffer;
	size_t buffer_bytes;
};

int recorder_events_create(struct recorder_events **ret_events)
{
	struct recorder_events *events = calloc(1, sizeof(*events));
	int error;

	if (!events)
		return -ENOMEM;
	error = ft_decoder_create(&events->decoder);
	if (error) {
		free(events);
		return error;
	}
	*ret_events = events;
	return 0;
}

/* The decoder is needed for reading only. */
static void free_decoder(struct recorder_events *events)
{
	ft_decoder_destroy(events->decoder);
	events->decoder = NULL;
	free(events->buffer);
	events->buffer = NULL;
}

void recorder_events_destroy(struct recorder_events *events)
{
	if (!events)
		return;
	free_decoder(events);
	for (size_t i = 0; i < events->count; i++)
		free(events->sorted[i]);
	free(events->sorted);
	free(events);
}

static struct recorder_event *create_event(const struct ft_event *event)
{
	const struct ft_stack *stack = event->stack;
	size_t frames = stack ? (size_t)stack->kernel_count + stack->user_count : 0;
	struct recorder_event *own = malloc(sizeof(*own) + frames * sizeof(own->frames[0]) +
					    ft_event_texts_bytes(event));

	if (!own)
		return NULL;
	own->event = *event;
	own->task = *event->task;
	own->event.task = &own->task;
	if (event->kind == FT_EVENT_PEER) {
		own->other = *event->peer.task;
		own->event.peer.task = &own->other;
	}
	if (stack) {
		own->stack = *stack;
		own->stack.frames = own->frames;
		if (frames)
			memcpy(own->frames, stack->frames, frames * sizeof(own->frames[0]));
		own->event.stack = &own->stack;
	}
	ft_event_move_texts(&own->event, (char *)&own->frames[frames]);
	return own;
}

static int append_event(struct recorder_events *events, const struct ft_event *event)
{
	struct recorder_event *own;

	if (events->count >= EVENTS_MAX)
		return -E2BIG;
	if (array_grow(events->sorted, events->count, events->capacity))
		return -ENOMEM;
	own = create_event(event);
	if (!own)
		return -ENOMEM;
	own->number = events->count;
	events->sorted[events->count++] = own;
	return 0;
}

/* The recorder writes no other kinds. What others borrow is not copied: they are ignored. */
static bool is_recorder_event(const struct ft_event *event)
{
	return event->kind == FT_EVENT_STATE || event->kind == FT_EVENT_UNWOUND ||
	       event->kind == FT_EVENT_NOTE || event->kind == FT_EVENT_SPAN ||
	       event->kind == FT_EVENT_COUNTER || event->kind == FT_EVENT_SCHEDULING ||
	       event->kind == FT_EVENT_OBJECT || event->kind == FT_EVENT_PEER;
}

int recorder_events_read(struct recorder_events *events, struct ft_reader *reader, size_t index)
{
	const struct ft_segment *segment = ft_reader_segment(reader, index);
	int error = ft_reader_load(reader, index, &events->buffer, &events->buffer_bytes);
	struct ft_event event;
	int result;

	if (error)
		return error;
	ft_decoder_begin(events->decoder, events->buffer, segment->inflated_bytes, segment->cpu,
			 segment->first_ns);
	while ((result = ft_decoder_next(events->decoder, &event)) > 0) {
		if (!is_recorder_event(&event))
			continue;
		error = append_event(events, &event);
		if (error)
			return error;
	}
	return result;
}

static int compare_time(const void *left, const void *right)
{
	const struct recorder_event *a = *(struct recorder_event *const *)left;
	const struct recorder_event *b = *(struct recorder_event *const *)right;

	if (a->event.time_ns != b->event.time_ns)
		return a->event.time_ns < b->event.time_ns ? -1 : 1;
	return a->number < b->number ? -1 : 1;
}

void recorder_events_sort(struct recorder_events *events)
{
	if (events->count)
		qsort(events->sorted, events->count, sizeof(events->sorted[0]), compare_time);
	free_decoder(events);
}

size_t recorder_events_count(const struct recorder_events *events)
{
	return events->count;
}

const struct ft_event *recorder_events_at(const struct recorder_events *events, size_t at)
{
	return &events->sorted[at]->event;
}
