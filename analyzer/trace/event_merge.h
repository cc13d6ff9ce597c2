/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The events of all CPUs of a capture and those of the recorder itself, in order of time.
 */
#ifndef ANALYZER_TRACE_EVENT_MERGE_H
#define ANALYZER_TRACE_EVENT_MERGE_H

#include <stdint.h>

struct cpu_stream;
struct event;
struct event_merge;
struct recorder_events;
struct stack_table;
struct threads;

/**
 * event_merge_create() - merge some streams.
 *
 * @streams, @recorder_events: borrowed; the merge alone reads and rewinds the streams.
 * @end_ns: recorder events after it are dated back to it.
 *
 * Return: 0 or -ENOMEM.
 */
int event_merge_create(struct cpu_stream *const *streams, uint32_t stream_count,
		       const struct recorder_events *recorder_events, uint64_t end_ns,
		       struct event_merge **ret_merge);
void event_merge_destroy(struct event_merge *merge);
void event_merge_rewind(struct event_merge *merge);

/**
 * event_merge_next() - the next events, with their threads and stacks.
 *
 * @ret_first: as next() of struct source_ops.
 *
 * Return: how many, 0 the end, -ENOMEM, -EIO.
 */
int event_merge_next(struct event_merge *merge, struct threads *threads,
		     struct stack_table *stacks, struct event **ret_first);

#endif
