/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the recorder itself has to say, in order of time.
 */
#include "analyzer/trace/recorder_events.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "capture/decoder.h"

#define ASIDES_MAX (1u << 20) /* two snapshots of half a million threads */

/* An event that owns what it points to. */
struct aside {
	struct ft_event event;
	size_t number; /* as read, so that sorting keeps the order of equal times */
	struct ft_task task;
	struct ft_stack stack;
	uint64_t frames[]; /* of stack; then the texts */
};

struct recorder_events {
	struct aside **sorted;
	size_t count, capacity;
	struct ft_decoder *decoder;
	void *buffer;
	size_t buffer_bytes;
};

int recorder_events_create(struct recorder_events **ret_asides)
{
	struct recorder_events *asides = calloc(1, sizeof(*asides));
	int error;

	if (!asides)
		return -ENOMEM;
	error = ft_decoder_create(&asides->decoder);
	if (error) {
		free(asides);
		return error;
	}
	*ret_asides = asides;
	return 0;
}

/* Reading needs memory that telling does not. */
static void end_reading(struct recorder_events *asides)
{
	ft_decoder_destroy(asides->decoder);
	asides->decoder = NULL;
	free(asides->buffer);
	asides->buffer = NULL;
}

void recorder_events_destroy(struct recorder_events *asides)
{
	if (!asides)
		return;
	end_reading(asides);
	for (size_t i = 0; i < asides->count; i++)
		free(asides->sorted[i]);
	free(asides->sorted);
	free(asides);
}

static struct aside *aside_create(const struct ft_event *event)
{
	const struct ft_stack *stack = event->stack;
	size_t frames = stack ? (size_t)stack->kernel_count + stack->user_count : 0;
	struct aside *aside = malloc(sizeof(*aside) + frames * sizeof(aside->frames[0]) +
				     ft_event_texts_bytes(event));

	if (!aside)
		return NULL;
	aside->event = *event;
	aside->task = *event->task;
	aside->event.task = &aside->task;
	if (stack) {
		aside->stack = *stack;
		aside->stack.frames = aside->frames;
		if (frames)
			memcpy(aside->frames, stack->frames, frames * sizeof(aside->frames[0]));
		aside->event.stack = &aside->stack;
	}
	ft_event_move_texts(&aside->event, (char *)&aside->frames[frames]);
	return aside;
}

static int add(struct recorder_events *asides, const struct ft_event *event)
{
	struct aside *aside;

	if (asides->count >= ASIDES_MAX)
		return -E2BIG;
	if (asides->count == asides->capacity) {
		size_t capacity = asides->capacity ? 2 * asides->capacity : 64;
		struct aside **sorted = realloc(asides->sorted, capacity * sizeof(*sorted));

		if (!sorted)
			return -ENOMEM;
		asides->sorted = sorted;
		asides->capacity = capacity;
	}
	aside = aside_create(event);
	if (!aside)
		return -ENOMEM;
	aside->number = asides->count;
	asides->sorted[asides->count++] = aside;
	return 0;
}

/* The recorder records no other kinds by itself, and of those another task would have to be copied too. */
static bool is_aside(const struct ft_event *event)
{
	return event->kind == FT_EVENT_STATE || event->kind == FT_EVENT_UNWOUND ||
	       event->kind == FT_EVENT_NOTE || event->kind == FT_EVENT_SPAN ||
	       event->kind == FT_EVENT_COUNTER;
}

int recorder_events_read(struct recorder_events *asides, struct ft_reader *reader, size_t index)
{
	const struct ft_segment *segment = ft_reader_segment(reader, index);
	int error = ft_reader_load(reader, index, &asides->buffer, &asides->buffer_bytes);
	struct ft_event event;
	int result;

	if (error)
		return error;
	ft_decoder_begin(asides->decoder, asides->buffer, segment->inflated_bytes, segment->cpu,
			 segment->first_ns);
	while ((result = ft_decoder_next(asides->decoder, &event)) > 0) {
		if (!is_aside(&event))
			continue;
		error = add(asides, &event);
		if (error)
			return error;
	}
	return result;
}

static int by_time(const void *left, const void *right)
{
	const struct aside *a = *(struct aside *const *)left;
	const struct aside *b = *(struct aside *const *)right;

	if (a->event.time_ns != b->event.time_ns)
		return a->event.time_ns < b->event.time_ns ? -1 : 1;
	return a->number < b->number ? -1 : 1;
}

void recorder_events_sort(struct recorder_events *asides)
{
	if (asides->count)
		qsort(asides->sorted, asides->count, sizeof(asides->sorted[0]), by_time);
	end_reading(asides);
}

size_t recorder_events_count(const struct recorder_events *asides)
{
	return asides->count;
}

const struct ft_event *recorder_events_at(const struct recorder_events *asides, size_t at)
{
	return &asides->sorted[at]->event;
}
