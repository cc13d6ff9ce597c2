/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The recorder's own events (FT_NO_CPU): snapshots of thread states, stacks unwound later, notes.
 *
 * They are written when they become known, which is later than their time. Their number grows with
 * threads and large calls, not with events: all are read at once and sorted by time.
 */
#ifndef ANALYZER_TRACE_RECORDER_EVENTS_H
#define ANALYZER_TRACE_RECORDER_EVENTS_H

#include <stddef.h>
#include <stdint.h>

#include "capture/event.h"
#include "capture/reader.h"

struct recorder_events;

int recorder_events_create(struct recorder_events **ret_events);	/* 0 or -ENOMEM */
void recorder_events_destroy(struct recorder_events *events);

/**
 * recorder_events_read() - add the events of one segment.
 *
 * Return: 0, -EBADMSG (damage; what came before it was added), -E2BIG (more events than any
 * recorder writes; what came before was added), -ENOMEM, -EIO.
 */
int recorder_events_read(struct recorder_events *events, struct ft_reader *reader, size_t index);

/* Once, after the last segment. */
void recorder_events_sort(struct recorder_events *events);

size_t recorder_events_count(const struct recorder_events *events);

/* Sorted; borrowed until destroyed. */
const struct ft_event *recorder_events_at(const struct recorder_events *events, size_t at);

#endif
