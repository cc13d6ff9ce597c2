/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/buffer/recorder_events.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/encoder.h"
#include "capture/event.h"
#include "recorder/base/clock.h"

#define SEGMENT_BYTES (64u << 10) /* fits a slot of the ring file */

struct sealed_segment {
	struct sealed_segment *next;
	size_t bytes;
	_Alignas(8) uint8_t segment[];
};

struct recorder_events {
	struct ft_encoder *encoder;
	void *buffer;
	bool begun; /* buffer holds an open segment */
	uint64_t sequence;
	uint64_t count;
	struct sealed_segment *first, **last;
};

int recorder_events_create(struct recorder_events **ret_events)
{
	struct recorder_events *events = calloc(1, sizeof(*events));
	if (!events)
		return -ENOMEM;
	events->last = &events->first;
	events->buffer = malloc(SEGMENT_BYTES);
	if (!events->buffer || ft_encoder_create(&events->encoder)) {
		recorder_events_destroy(events);
		return -ENOMEM;
	}
	*ret_events = events;
	return 0;
}

void recorder_events_destroy(struct recorder_events *events)
{
	if (!events)
		return;
	while (events->first) {
		struct sealed_segment *sealed = events->first;
		events->first = sealed->next;
		free(sealed);
	}
	ft_encoder_destroy(events->encoder);
	free(events->buffer);
	free(events);
}

static int seal_segment(struct recorder_events *events)
{
	size_t bytes = ft_encoder_seal(events->encoder);
	events->begun = false;
	struct sealed_segment *sealed = malloc(sizeof(*sealed) + bytes);
	if (!sealed)
		return -ENOMEM;
	sealed->next = NULL;
	sealed->bytes = bytes;
	memcpy(sealed->segment, events->buffer, bytes);
	*events->last = sealed;
	events->last = &sealed->next;
	return 0;
}

static void begin_segment(struct recorder_events *events)
{
	ft_encoder_begin(events->encoder, events->buffer, SEGMENT_BYTES, FT_NO_CPU,
			 events->sequence++);
	events->begun = true;
}

int recorder_events_add(struct recorder_events *events, const struct ft_event *event)
{
	struct ft_event own = *event;
	own.cpu = FT_NO_CPU;
	if (!events->begun)
		begin_segment(events);
	int error = ft_encoder_add(events->encoder, &own);
	if (error == -ENOBUFS) {
		error = seal_segment(events);
		if (error)
			return error;
		begin_segment(events);
		error = ft_encoder_add(events->encoder, &own);
	}
	if (!error)
		events->count++;
	return error;
}

void recorder_events_note(struct recorder_events *events, const char *format, ...)
{
	char text[FT_TEXT_BYTES_MAX];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	recorder_events_add(events, &(struct ft_event){ .kind = FT_EVENT_NOTE,
							.time_ns = clock_now_ns(),
							.task = &ft_nobody,
							.note.text = text });
}

int recorder_events_take(struct recorder_events *events,
			 int (*visit)(void *context, const void *segment, size_t segment_bytes),
			 void *context)
{
	int error = events->begun ? seal_segment(events) : 0;
	while (events->first && !error) {
		struct sealed_segment *sealed = events->first;
		error = visit(context, sealed->segment, sealed->bytes);
		if (error)
			break;
		events->first = sealed->next;
		if (!events->first)
			events->last = &events->first;
		free(sealed);
	}
	return error;
}

int recorder_events_each(struct recorder_events *events,
			 int (*visit)(void *context, const void *segment, size_t segment_bytes),
			 void *context)
{
	int error = events->begun ? seal_segment(events) : 0;
	for (struct sealed_segment *sealed = events->first; sealed && !error; sealed = sealed->next)
		error = visit(context, sealed->segment, sealed->bytes);
	return error;
}

uint64_t recorder_events_count(const struct recorder_events *events)
{
	return events->count;
}
