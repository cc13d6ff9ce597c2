/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The events of one CPU of a capture, in order of time, with its losses.
 *
 * Time never steps back. Where segments are missing or damaged, an FT_EVENT_LOST says so. A task or
 * stack of a segment's dictionary is looked up once a segment, not once an event.
 */
#ifndef ANALYZER_TRACE_CPU_STREAM_H
#define ANALYZER_TRACE_CPU_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/reader.h"

struct cpu_stream;
struct event;
struct stack_table;
struct threads;

struct stream_span {
	uint64_t first_sequence;	/* of the first segment, where none is missing before it */
	uint64_t start_ns, end_ns;	/* of the recording: the bounds of losses at its ends */
	bool tail_doubtful;		/* segments behind the last one may be missing ... */
	uint64_t tail_from_ns;		/* ... with events from then on */
};

/**
 * cpu_stream_create() - a stream over some segments of events of one CPU.
 *
 * @segments:  @count indexes of @reader's segments in order of sequence. Both are borrowed.
 * @span:      what is known about the recording. Copied.
 * @room_bytes: borrowed, shared by all streams: how much more of inflated segments may be kept for
 *              the next time they are read.
 *
 * Return: 0 or -ENOMEM.
 */
int cpu_stream_create(struct ft_reader *reader, uint32_t cpu, const size_t *segments, size_t count,
		      const struct stream_span *span, size_t *room_bytes,
		      struct cpu_stream **ret_stream);
void cpu_stream_destroy(struct cpu_stream *stream);
void cpu_stream_rewind(struct cpu_stream *stream);

/**
 * cpu_stream_next() - decode the next events.
 *
 * @ret_first: the first of them: an array of struct event of which only raw is set, valid until the
 *             next call. A LOST stands where the loss begins.
 *
 * Return: how many there are, 0 at the end, -ENOMEM, -EIO.
 */
int cpu_stream_next(struct cpu_stream *stream, struct event **ret_first);

/**
 * cpu_stream_resolve() - look up threads and stacks of some of the events of cpu_stream_next().
 *
 * It is a call of its own because who has a tid depends on what other CPUs recorded before.
 *
 * @first: @count events in their order, at least one. Sets their thread, other (NULL for a FORK:
 *         its child is born later) and stack_id.
 *
 * Return: how many of them could be looked up, at least one. After one that changes who is alive,
 * and before one that may do so, the caller must enter what came before. Or -ENOMEM.
 */
int cpu_stream_resolve(struct cpu_stream *stream, struct threads *threads,
		       struct stack_table *stacks, struct event *first, int count);

/* Segments found damaged since the start or the last rewind. */
uint32_t cpu_stream_bad_segments(const struct cpu_stream *stream);

#endif
