/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the recorder itself has to say (FT_NO_CPU): snapshots of thread states,
 * stacks unwound later, notes.
 *
 * Such events are written when they become known, not when they were true. There are few of
 * them, in proportion to threads and large calls: all are read at once and sorted by time.
 */
#ifndef ANALYZER_TRACE_RECORDER_EVENTS_H
#define ANALYZER_TRACE_RECORDER_EVENTS_H

#include <stddef.h>
#include <stdint.h>

#include "capture/event.h"
#include "capture/reader.h"

struct recorder_events;

int recorder_events_create(struct recorder_events **ret_asides);	/* 0 or -ENOMEM */
void recorder_events_destroy(struct recorder_events *asides);

/**
 * recorder_events_read() - add the events of one segment.
 *
 * Return: 0, -EBADMSG (damage; what came before it was added), -E2BIG (more events than any
 * recorder writes; what came before was added), -ENOMEM, -EIO.
 */
int recorder_events_read(struct recorder_events *asides, struct ft_reader *reader, size_t index);

/* Once, after the last segment. */
void recorder_events_sort(struct recorder_events *asides);

size_t recorder_events_count(const struct recorder_events *asides);

/* Sorted; borrowed until destroyed. */
const struct ft_event *recorder_events_at(const struct recorder_events *asides, size_t at);

#endif
