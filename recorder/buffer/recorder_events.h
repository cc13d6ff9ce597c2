/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events of the recorder itself, which belong to no CPU: thread states, notes,
 * unwound stacks. Kept in memory as sealed segments until they are written.
 */
#ifndef RECORDER_OWNLOG_H
#define RECORDER_OWNLOG_H

#include <stddef.h>
#include <stdint.h>

#include "capture/event.h"

struct ownlog;

int ownlog_create(struct ownlog **ret_ownlog);	/* 0 or -ENOMEM */
void ownlog_destroy(struct ownlog *ownlog);

/* Append an event; its cpu is taken to be FT_NO_CPU. Return: 0, -ENOMEM, -EINVAL. */
int ownlog_add(struct ownlog *ownlog, const struct ft_event *event);

/* Append a note, with the time now. What cannot be kept is dropped: notes are best effort. */
void ownlog_note(struct ownlog *ownlog, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/**
 * ownlog_take() - hand over all segments so far, oldest first, and forget them.
 *
 * @visit: what it returns other than 0 ends the walk and is returned.
 */
int ownlog_take(struct ownlog *ownlog,
		int (*visit)(void *context, const void *segment, size_t segment_bytes),
		void *context);

/* Show all segments so far without forgetting them. */
int ownlog_each(struct ownlog *ownlog,
		int (*visit)(void *context, const void *segment, size_t segment_bytes),
		void *context);

uint64_t ownlog_events(const struct ownlog *ownlog);	/* added so far */

#endif
