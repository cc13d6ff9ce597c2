/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events of the recorder itself, which belong to no CPU: thread states, notes,
 * unwound stacks. Kept in memory as sealed segments until they are written.
 */
#ifndef RECORDER_BUFFER_RECORDER_EVENTS_H
#define RECORDER_BUFFER_RECORDER_EVENTS_H

#include <stddef.h>
#include <stdint.h>

#include "capture/event.h"

struct recorder_events;

int recorder_events_create(struct recorder_events **ret_ownlog);	/* 0 or -ENOMEM */
void recorder_events_destroy(struct recorder_events *ownlog);

/* Append an event; its cpu is taken to be FT_NO_CPU. Return: 0, -ENOMEM, -EINVAL. */
int recorder_events_add(struct recorder_events *ownlog, const struct ft_event *event);

/* Append a note, with the time now. What cannot be kept is dropped: notes are best effort. */
void recorder_events_note(struct recorder_events *ownlog, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/**
 * recorder_events_take() - hand over all segments so far, oldest first, and forget them.
 *
 * @visit: what it returns other than 0 ends the walk and is returned.
 */
int recorder_events_take(struct recorder_events *ownlog,
		int (*visit)(void *context, const void *segment, size_t segment_bytes),
		void *context);

/* Show all segments so far without forgetting them. */
int recorder_events_each(struct recorder_events *ownlog,
		int (*visit)(void *context, const void *segment, size_t segment_bytes),
		void *context);

uint64_t recorder_events_events(const struct recorder_events *ownlog);	/* added so far */

#endif
