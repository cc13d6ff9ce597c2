/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The events of one CPU, in order of time, with its losses.
 */
#include "analyzer/trace/cpu_stream.h"

#include <errno.h>
#include <stdlib.h>

#include "capture/decoder.h"

/* What a place of the segment's dictionary means here; of this segment where turn agrees. */
struct known_thread {
	uint32_t turn;
	struct thread *thread;
};

struct known_stack {
	uint32_t turn;
	int32_t tgid;
	uint32_t id;
};

struct cpu_stream {
	struct ft_reader *reader;
	uint32_t cpu;
	const size_t *segments;
	size_t count;
	struct stream_span span;

	size_t next; /* in segments */
	bool decoding;
	struct ft_decoder *decoder;
	void *buffer;
	size_t buffer_bytes;
	uint64_t sequence; /* the next segment should have */
	uint64_t last_ns; /* of the last event */
	uint64_t limit_ns; /* greatest time that the segment's header allows */
	bool hole; /* something is missing behind the last event */
	bool tail_told;
	bool held; /* the event behind a LOST, kept until after it */
	struct ft_event held_event;
	uint32_t bad_segments;

	uint32_t turn; /* segments begun */
	struct known_thread threads[FT_DICTIONARY_MAX];
	struct known_stack stacks[FT_DICTIONARY_MAX];
};

int cpu_stream_create(struct ft_reader *reader, uint32_t cpu, const size_t *segments, size_t count,
		      const struct stream_span *span, struct cpu_stream **ret_stream)
{
	struct cpu_stream *stream = calloc(1, sizeof(*stream));
	int error;

	if (!stream)
		return -ENOMEM;
	error = ft_decoder_create(&stream->decoder);
	if (error) {
		free(stream);
		return error;
	}
	stream->reader = reader;
	stream->cpu = cpu;
	stream->segments = segments;
	stream->count = count;
	stream->span = *span;
	stream->sequence = span->first_sequence;
	*ret_stream = stream;
	return 0;
}

void cpu_stream_destroy(struct cpu_stream *stream)
{
	if (!stream)
		return;
	ft_decoder_destroy(stream->decoder);
	free(stream->buffer);
	free(stream);
}

void cpu_stream_rewind(struct cpu_stream *stream)
{
	stream->next = 0;
	stream->decoding = false;
	stream->sequence = stream->span.first_sequence;
	stream->last_ns = 0;
	stream->hole = false;
	stream->tail_told = false;
	stream->held = false;
	stream->bad_segments = 0;
	/* turn goes on: what is remembered of older segments must not agree with new ones */
}

/* Begin with the next segment; damage is a hole and no error. */
static int begin_segment(struct cpu_stream *stream)
{
	size_t index = stream->segments[stream->next++];
	const struct ft_segment *segment = ft_reader_segment(stream->reader, index);
	int error;

	if (segment->sequence > stream->sequence)
		stream->hole = true;
	stream->sequence = segment->sequence + 1;
	error = ft_reader_load(stream->reader, index, &stream->buffer, &stream->buffer_bytes);
	if (error == -EBADMSG) {
		stream->hole = true;
		stream->bad_segments++;
		return 0;
	}
	if (error)
		return error;
	ft_decoder_begin(stream->decoder, stream->buffer, segment->inflated_bytes, segment->cpu,
			 segment->first_ns);
	stream->limit_ns = segment->last_ns;
	stream->turn++;
	stream->decoding = true;
	return 0;
}

/* The next event out of the segments. Return: as cpu_stream_next(). */
static int decode(struct cpu_stream *stream, struct ft_event *ret_event)
{
	for (;;) {
		int result;

		if (!stream->decoding && stream->next == stream->count)
			return 0;
		if (!stream->decoding) {
			result = begin_segment(stream);
			if (result)
				return result;
			continue;
		}
		result = ft_decoder_next(stream->decoder, ret_event);
		if (result > 0 && ret_event->time_ns > stream->limit_ns)
			ret_event->time_ns = stream->limit_ns;
		if (result > 0 || result == -ENOMEM)
			return result;
		stream->decoding = false;
		if (result < 0) {
			stream->hole = true;
			stream->bad_segments++;
		}
	}
}

/* The LOST for a hole from @start_ns, or what was there last, up to @end_ns. */
static struct ft_event lost_event(struct cpu_stream *stream, uint64_t start_ns, uint64_t end_ns)
{
	static const struct ft_task nobody;

	if (start_ns < stream->last_ns)
		start_ns = stream->last_ns;

	stream->hole = false;
	return (struct ft_event){
		.kind = FT_EVENT_LOST,
		.cpu = stream->cpu,
		.time_ns = end_ns > start_ns ? end_ns : start_ns,
		.task = &nobody,
		.lost = { .start_ns = start_ns },
	};
}

static uint64_t place(struct cpu_stream *stream, struct ft_event *event)
{
	if (event->kind == FT_EVENT_LOST) {
		if (event->lost.start_ns < stream->last_ns)
			event->lost.start_ns = stream->last_ns;
		if (event->time_ns < event->lost.start_ns)
			event->time_ns = event->lost.start_ns;
		stream->last_ns = event->lost.start_ns;
	} else {
		if (event->time_ns < stream->last_ns)
			event->time_ns = stream->last_ns;
		stream->last_ns = event->time_ns;
	}
	return stream->last_ns;
}

int cpu_stream_next(struct cpu_stream *stream, struct ft_event *ret_event, uint64_t *ret_place_ns)
{
	int result = 1;

	if (stream->held) {
		*ret_event = stream->held_event;
		stream->held = false;
	} else {
		result = decode(stream, ret_event);
		if (result < 0)
			return result;
	}
	if (result > 0 && stream->hole) {
		stream->held_event = *ret_event;
		stream->held = true;
		*ret_event = lost_event(stream, stream->span.start_ns, stream->held_event.time_ns);
	} else if (result == 0) {
		if ((!stream->hole && !stream->span.tail_doubtful) || stream->tail_told)
			return 0;
		*ret_event =
			lost_event(stream,
				   stream->hole ? stream->span.start_ns : stream->span.tail_from_ns,
				   stream->span.end_ns);
		stream->tail_told = true;
	}
	*ret_place_ns = place(stream, ret_event);
	return 1;
}

uint32_t cpu_stream_bad_segments(const struct cpu_stream *stream)
{
	return stream->bad_segments;
}

struct thread *cpu_stream_thread(struct cpu_stream *stream, struct threads *threads,
				 const struct ft_task *task)
{
	uint32_t index = ft_decoder_task_index(stream->decoder, task);
	struct known_thread *known = &stream->threads[index];

	if (known->turn != stream->turn || known->thread->exited) {
		struct thread *thread = threads_get(threads, task, stream->cpu);

		if (!thread)
			return NULL;
		known->turn = stream->turn;
		known->thread = thread;
	}
	return known->thread;
}

int cpu_stream_stack(struct cpu_stream *stream, struct stack_table *stacks, int32_t tgid,
		     const struct ft_stack *stack, uint32_t *ret_id)
{
	uint32_t index = ft_decoder_stack_index(stream->decoder, stack);
	struct known_stack *known = &stream->stacks[index];

	if (!stack->user_count)
		tgid = FT_KERNEL_TGID;
	if (known->turn != stream->turn || known->tgid != tgid) {
		int error = stack_table_intern(stacks, tgid, stack, &known->id);

		if (error)
			return error;
		known->turn = stream->turn;
		known->tgid = tgid;
	}
	*ret_id = known->id;
	return 0;
}
