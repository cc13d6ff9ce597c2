/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stream of the recorder's own events, which belong to no CPU: thread states, notes, unwound
 * stacks. It stays in memory as sealed segments until they are written.
 */
#ifndef RECORDER_BUFFER_RECORDER_EVENTS_H
#define RECORDER_BUFFER_RECORDER_EVENTS_H

#include <stddef.h>
#include <stdint.h>

struct ft_event;
struct recorder_events;

int recorder_events_create(struct recorder_events **ret_events);	/* 0 or -ENOMEM */
void recorder_events_destroy(struct recorder_events *events);

/* Append @event with FT_NO_CPU as its cpu. Return: 0, -ENOMEM, -EINVAL. */
int recorder_events_add(struct recorder_events *events, const struct ft_event *event);

/* Append a note with the time now. It is dropped where memory lacks: notes are best effort. */
void recorder_events_note(struct recorder_events *events, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/**
 * recorder_events_take() - hand over all segments so far, oldest first, and forget them.
 *
 * @visit: what it returns other than 0 ends the walk and is returned.
 */
int recorder_events_take(struct recorder_events *events,
			 int (*visit)(void *context, const void *segment, size_t segment_bytes),
			 void *context);

/* As recorder_events_take(), but keeps the segments. */
int recorder_events_each(struct recorder_events *events,
			 int (*visit)(void *context, const void *segment, size_t segment_bytes),
			 void *context);

uint64_t recorder_events_count(const struct recorder_events *events);	/* added so far */

#endif
