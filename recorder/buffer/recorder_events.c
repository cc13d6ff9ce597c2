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
#include "recorder/base/clock.h"

#define SEGMENT_BYTES (64u << 10) /* they go into slots of the ring file too */

struct sealed {
	struct sealed *next;
	size_t bytes;
	_Alignas(8) uint8_t segment[];
};

struct recorder_events {
	struct ft_encoder *encoder;
	void *buffer;
	bool begun;
	uint64_t sequence;
	uint64_t events;
	struct sealed *first, **last;
};

int recorder_events_create(struct recorder_events **ret_ownlog)
{
	struct recorder_events *ownlog = calloc(1, sizeof(*ownlog));
	if (!ownlog)
		return -ENOMEM;
	ownlog->last = &ownlog->first;
	ownlog->buffer = malloc(SEGMENT_BYTES);
	if (!ownlog->buffer || ft_encoder_create(&ownlog->encoder)) {
		recorder_events_destroy(ownlog);
		return -ENOMEM;
	}
	*ret_ownlog = ownlog;
	return 0;
}

void recorder_events_destroy(struct recorder_events *ownlog)
{
	if (!ownlog)
		return;
	while (ownlog->first) {
		struct sealed *sealed = ownlog->first;
		ownlog->first = sealed->next;
		free(sealed);
	}
	ft_encoder_destroy(ownlog->encoder);
	free(ownlog->buffer);
	free(ownlog);
}

static int seal(struct recorder_events *ownlog)
{
	size_t bytes = ft_encoder_seal(ownlog->encoder);
	ownlog->begun = false;
	struct sealed *sealed = malloc(sizeof(*sealed) + bytes);
	if (!sealed)
		return -ENOMEM;
	sealed->next = NULL;
	sealed->bytes = bytes;
	memcpy(sealed->segment, ownlog->buffer, bytes);
	*ownlog->last = sealed;
	ownlog->last = &sealed->next;
	return 0;
}

static void begin(struct recorder_events *ownlog)
{
	ft_encoder_begin(ownlog->encoder, ownlog->buffer, SEGMENT_BYTES, FT_NO_CPU,
			 ownlog->sequence++);
	ownlog->begun = true;
}

int recorder_events_add(struct recorder_events *ownlog, const struct ft_event *event)
{
	struct ft_event own = *event;
	own.cpu = FT_NO_CPU;
	if (!ownlog->begun)
		begin(ownlog);
	int error = ft_encoder_add(ownlog->encoder, &own);
	if (error == -ENOBUFS) {
		error = seal(ownlog);
		if (error)
			return error;
		begin(ownlog);
		error = ft_encoder_add(ownlog->encoder, &own);
	}
	if (!error)
		ownlog->events++;
	return error;
}

void recorder_events_note(struct recorder_events *ownlog, const char *format, ...)
{
	char text[FT_TEXT_BYTES_MAX];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	recorder_events_add(ownlog, &(struct ft_event){ .kind = FT_EVENT_NOTE,
							.time_ns = clock_now_ns(),
							.task = &ft_nobody,
							.note.text = text });
}

int recorder_events_take(struct recorder_events *ownlog,
			 int (*visit)(void *context, const void *segment, size_t segment_bytes),
			 void *context)
{
	int error = ownlog->begun ? seal(ownlog) : 0;
	while (ownlog->first && !error) {
		struct sealed *sealed = ownlog->first;
		error = visit(context, sealed->segment, sealed->bytes);
		if (error)
			break;
		ownlog->first = sealed->next;
		if (!ownlog->first)
			ownlog->last = &ownlog->first;
		free(sealed);
	}
	return error;
}

int recorder_events_each(struct recorder_events *ownlog,
			 int (*visit)(void *context, const void *segment, size_t segment_bytes),
			 void *context)
{
	int error = ownlog->begun ? seal(ownlog) : 0;
	for (struct sealed *sealed = ownlog->first; sealed && !error; sealed = sealed->next)
		error = visit(context, sealed->segment, sealed->bytes);
	return error;
}

uint64_t recorder_events_events(const struct recorder_events *ownlog)
{
	return ownlog->events;
}
