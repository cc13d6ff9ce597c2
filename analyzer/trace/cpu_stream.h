/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The events of one CPU, out of its segments, in an order of time that never
 * steps back; where segments are missing or damaged it says that events were lost.
 */
#ifndef ANALYZER_STREAM_H
#define ANALYZER_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyzer/trace/stack_table.h"
#include "analyzer/trace/threads.h"
#include "capture/event.h"
#include "capture/reader.h"

struct stream;

struct stream_span {
	uint64_t first_sequence;	/* that the first segment has where none is missing before it */
	uint64_t start_ns, end_ns;	/* of the recording: the bounds of losses at its ends */
	bool tail_doubtful;		/* segments behind the last one may be missing ... */
	uint64_t tail_from_ns;		/* ... with events from then on */
};

/**
 * stream_create() - a stream over some segments of events of one CPU.
 *
 * @segments:  @count indexes of @reader's segments in order of sequence. Both are borrowed.
 * @span:      what is known about the recording. Copied.
 *
 * Return: 0 or -ENOMEM.
 */
int stream_create(struct ft_reader *reader, uint32_t cpu, const size_t *segments, size_t count,
		  const struct stream_span *span, struct stream **ret_stream);
void stream_destroy(struct stream *stream);
void stream_rewind(struct stream *stream);

/**
 * stream_next() - the next event.
 *
 * @ret_event:    borrowed parts are valid until the next call. A LOST comes where the loss begins.
 * @ret_place_ns: when it is its turn: its time, of a LOST lost.start_ns; never less than before.
 *
 * Return: 1 an event, 0 the end, -ENOMEM, -EIO.
 */
int stream_next(struct stream *stream, struct ft_event *ret_event, uint64_t *ret_place_ns);

/* Segments found damaged since the start or the last rewind. */
uint32_t stream_bad_segments(const struct stream *stream);

/* The thread or stack id of what the last event borrowed, looked up once a segment. NULL or
 * -ENOMEM: lack of memory. */
struct thread *stream_thread(struct stream *stream, struct threads *threads,
			     const struct ft_task *task);
int stream_stack(struct stream *stream, struct stacks *stacks, int32_t tgid,
		 const struct ft_stack *stack, uint32_t *ret_id);

#endif
