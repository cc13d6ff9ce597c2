/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The events of one CPU, out of its segments, in an order of time that never
 * steps back; where segments are missing or damaged it says that events were lost.
 */
#ifndef ANALYZER_TRACE_CPU_STREAM_H
#define ANALYZER_TRACE_CPU_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyzer/trace/stack_table.h"
#include "analyzer/trace/threads.h"
#include "capture/event.h"
#include "capture/reader.h"

struct cpu_stream;

struct stream_span {
	uint64_t first_sequence;	/* that the first segment has where none is missing before it */
	uint64_t start_ns, end_ns;	/* of the recording: the bounds of losses at its ends */
	bool tail_doubtful;		/* segments behind the last one may be missing ... */
	uint64_t tail_from_ns;		/* ... with events from then on */
};

/**
 * cpu_stream_create() - a stream over some segments of events of one CPU.
 *
 * @segments:  @count indexes of @reader's segments in order of sequence. Both are borrowed.
 * @span:      what is known about the recording. Copied.
 *
 * Return: 0 or -ENOMEM.
 */
int cpu_stream_create(struct ft_reader *reader, uint32_t cpu, const size_t *segments, size_t count,
		  const struct stream_span *span, struct cpu_stream **ret_stream);
void cpu_stream_destroy(struct cpu_stream *stream);
void cpu_stream_rewind(struct cpu_stream *stream);

/**
 * cpu_stream_next() - the next event.
 *
 * @ret_event:    borrowed parts are valid until the next call. A LOST comes where the loss begins.
 * @ret_place_ns: when it is its turn: its time, of a LOST lost.start_ns; never less than before.
 *
 * Return: 1 an event, 0 the end, -ENOMEM, -EIO.
 */
int cpu_stream_next(struct cpu_stream *stream, struct ft_event *ret_event, uint64_t *ret_place_ns);

/* Segments found damaged since the start or the last rewind. */
uint32_t cpu_stream_bad_segments(const struct cpu_stream *stream);

/* The thread or stack id of what the last event borrowed, looked up once a segment. NULL or
 * -ENOMEM: lack of memory. */
struct thread *cpu_stream_thread(struct cpu_stream *stream, struct threads *threads,
			     const struct ft_task *task);
int cpu_stream_stack(struct cpu_stream *stream, struct stack_table *stacks, int32_t tgid,
		 const struct ft_stack *stack, uint32_t *ret_id);

#endif
