/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The events of one CPU of a capture, in order of time, with its losses.
 */
#include "analyzer/trace/cpu_stream.h"

#include <errno.h>
#include <stdlib.h>

#include "analyzer/trace/source.h"
#include "analyzer/trace/stack_table.h"
#include "analyzer/trace/threads.h"
#include "analyzer/util/span.h"
#include "capture/decoder.h"

/* What an index of the segment's dictionary stands for. An entry of another turn is of an older
 * segment. */
struct known_thread {
	uint32_t turn;
	struct thread *thread;
};

struct known_stack {
	uint32_t turn;
	int32_t tgid;
	uint32_t id;
};

/* So many are decoded at once. */
#define BATCH_EVENTS 32u

/* Kinds that end a thread, begin one, or change what is known of one; and those of nobody. */
#define CHANGING_KINDS                                                                     \
	(1u << FT_EVENT_FORK | 1u << FT_EVENT_COMM | 1u << FT_EVENT_EXIT |                 \
	 1u << FT_EVENT_LOST | 1u << FT_EVENT_NOTE | 1u << FT_EVENT_COUNTER)

struct cpu_stream {
	struct ft_reader *reader;
	uint32_t cpu;
	const size_t *segments;
	size_t count;
	struct stream_span span;

	size_t next; /* index into segments */
	bool decoding; /* the decoder is inside a segment */
	struct ft_decoder *decoder;
	void **kept; /* payload of each segment; NULL: not kept */
	size_t *room_bytes; /* borrowed: for more of them */
	void *buffer; /* payload of the segment, where it is not kept */
	size_t buffer_bytes;
	uint64_t sequence; /* the next segment should have */
	uint64_t last_ns; /* of the last event */
	uint64_t limit_ns; /* greatest time that the segment's header allows */
	bool hole; /* something is missing behind the last event */
	bool tail_told; /* the LOST behind the last segment was given */
	uint32_t bad_segments;
	struct event batch[1 + BATCH_EVENTS]; /* [0] is for a LOST before the others */

	uint32_t turn; /* counts the segments begun */
	const struct ft_task *tasks; /* the decoder's: an index of it is one of threads[] */
	struct known_thread threads[FT_DICTIONARY_MAX];
	const struct ft_stack *dictionary; /* likewise, of stacks[] */
	struct known_stack stacks[FT_DICTIONARY_MAX];
};

int cpu_stream_create(struct ft_reader *reader, uint32_t cpu, const size_t *segments, size_t count,
		      const struct stream_span *span, size_t *room_bytes,
		      struct cpu_stream **ret_stream)
{
	struct cpu_stream *stream = calloc(1, sizeof(*stream));
	int error = -ENOMEM;

	if (!stream)
		return -ENOMEM;
	stream->kept = calloc(count ? count : 1, sizeof(*stream->kept));
	if (stream->kept)
		error = ft_decoder_create(&stream->decoder);
	if (error) {
		cpu_stream_destroy(stream);
		return error;
	}
	stream->tasks = ft_decoder_tasks(stream->decoder);
	stream->dictionary = ft_decoder_stacks(stream->decoder);
	stream->reader = reader;
	stream->cpu = cpu;
	stream->segments = segments;
	stream->count = count;
	stream->span = *span;
	stream->room_bytes = room_bytes;
	stream->sequence = span->first_sequence;
	*ret_stream = stream;
	return 0;
}

void cpu_stream_destroy(struct cpu_stream *stream)
{
	if (!stream)
		return;
	ft_decoder_destroy(stream->decoder);
	for (size_t i = 0; i < stream->count; i++)
		free(stream->kept[i]);
	free(stream->kept);
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
	stream->bad_segments = 0;
	/* turn is not reset: entries of older segments must not look like entries of new ones */
}

/* Load the payload of the segment at @at. Inflating it costs nearly as much as decoding it, so
 * that it is kept for the next time while there is room. */
static int load_payload(struct cpu_stream *stream, size_t at, const void **ret_payload)
{
	size_t index = stream->segments[at], kept_bytes = 0;
	void *kept = NULL;
	int error;

	if (stream->kept[at]) {
		*ret_payload = stream->kept[at];
		return 0;
	}
	if (ft_reader_segment(stream->reader, index)->inflated_bytes >= *stream->room_bytes) {
		error = ft_reader_load(stream->reader, index, &stream->buffer,
				       &stream->buffer_bytes);
		*ret_payload = stream->buffer;
		return error;
	}
	error = ft_reader_load(stream->reader, index, &kept, &kept_bytes);
	if (error) {
		free(kept);
		return error;
	}
	*stream->room_bytes -= earlier(kept_bytes, *stream->room_bytes);
	*ret_payload = stream->kept[at] = kept;
	return 0;
}

/* Begin with the next segment. A damaged one leaves a hole and is no error. */
static int begin_segment(struct cpu_stream *stream)
{
	size_t at = stream->next++;
	const struct ft_segment *segment = ft_reader_segment(stream->reader, stream->segments[at]);
	const void *payload;
	int error;

	if (segment->sequence > stream->sequence)
		stream->hole = true;
	stream->sequence = segment->sequence + 1;
	error = load_payload(stream, at, &payload);
	if (error == -EBADMSG) {
		stream->hole = true;
		stream->bad_segments++;
		return 0;
	}
	if (error)
		return error;
	ft_decoder_begin(stream->decoder, payload, segment->inflated_bytes, segment->cpu,
			 segment->first_ns);
	stream->limit_ns = segment->last_ns;
	stream->turn++;
	stream->decoding = true;
	return 0;
}

/* Make a LOST for the hole from @start_ns, or from the last event if that is later, to @end_ns. */
static struct ft_event make_lost(struct cpu_stream *stream, uint64_t start_ns, uint64_t end_ns)
{
	stream->last_ns = start_ns = later(start_ns, stream->last_ns);
	stream->hole = false;
	return (struct ft_event){
		.kind = FT_EVENT_LOST,
		.cpu = stream->cpu,
		.time_ns = later(end_ns, start_ns),
		.task = &ft_nobody,
		.lost = { .start_ns = start_ns },
	};
}

/* Move the event to where time does not step back, and not past its segment's end. */
static inline void place_event(struct cpu_stream *stream, struct ft_event *event)
{
	event->time_ns = earlier(event->time_ns, stream->limit_ns);
	if (event->kind == FT_EVENT_LOST) {
		event->lost.start_ns = later(event->lost.start_ns, stream->last_ns);
		event->time_ns = later(event->time_ns, event->lost.start_ns);
		stream->last_ns = event->lost.start_ns;
	} else {
		event->time_ns = later(event->time_ns, stream->last_ns);
		stream->last_ns = event->time_ns;
	}
}

/* Decode some events of the segment. A hole is told before the first one behind it. Return: how
 * many events there are from *@ret_first on. */
static int decode_batch(struct cpu_stream *stream, struct event **ret_first)
{
	struct event *first = &stream->batch[1];
	int count = ft_decoder_some(stream->decoder, &first->raw, sizeof(*first), BATCH_EVENTS);

	*ret_first = first;
	if (count <= 0) {
		stream->decoding = false;
		stream->hole = stream->hole || count < 0;
		stream->bad_segments += count < 0;
		return 0;
	}
	if (stream->hole) {
		*ret_first = &stream->batch[0];
		stream->batch[0].raw = make_lost(stream, stream->span.start_ns,
						 earlier(first->raw.time_ns, stream->limit_ns));
	}
	for (int i = 0; i < count; i++)
		place_event(stream, &first[i].raw);
	return count + (int)(first - *ret_first);
}

/* The loss behind the last segment. */
static int tell_tail(struct cpu_stream *stream, struct event **ret_first)
{
	uint64_t from_ns = stream->hole ? stream->span.start_ns : stream->span.tail_from_ns;

	if ((!stream->hole && !stream->span.tail_doubtful) || stream->tail_told)
		return 0;
	stream->tail_told = true;
	stream->batch[0].raw = make_lost(stream, from_ns, stream->span.end_ns);
	*ret_first = &stream->batch[0];
	return 1;
}

int cpu_stream_next(struct cpu_stream *stream, struct event **ret_first)
{
	int result = 0;

	while (!result) {
		if (stream->decoding)
			result = decode_batch(stream, ret_first);
		else if (stream->next == stream->count)
			return tell_tail(stream, ret_first);
		else
			result = begin_segment(stream);
	}
	return result;
}

uint32_t cpu_stream_bad_segments(const struct cpu_stream *stream)
{
	return stream->bad_segments;
}

/* The living thread of a task of the segment's dictionary. @threads: NULL: only one that was looked
 * up before. NULL where there is none, or on lack of memory. */
static inline struct thread *find_thread(struct cpu_stream *stream, struct threads *threads,
					 const struct ft_task *task)
{
	struct known_thread *known = &stream->threads[task - stream->tasks];

	if (known->turn == stream->turn && !known->thread->exited)
		return known->thread;
	if (!threads)
		return NULL;
	known->thread = threads_get(threads, task, stream->cpu);
	known->turn = known->thread ? stream->turn : 0;
	return known->thread;
}

/* The id of a stack of the segment's dictionary whose user frames are @tgid's. @stacks: NULL: only
 * one that was looked up before. 0 or -ENOMEM. */
static inline int find_stack(struct cpu_stream *stream, struct stack_table *stacks, int32_t tgid,
			     const struct ft_stack *stack, uint32_t *ret_id)
{
	struct known_stack *known = &stream->stacks[stack - stream->dictionary];

	if (!stack->user_count)
		tgid = FT_KERNEL_TGID;
	if (known->turn != stream->turn || known->tgid != tgid) {
		if (!stacks || stack_table_intern(stacks, tgid, stack, &known->id))
			return -ENOMEM;
		known->turn = stream->turn;
		known->tgid = tgid;
	}
	*ret_id = known->id;
	return 0;
}

/* @threads, @stacks: NULL: see find_thread(). 0 or -ENOMEM. */
static inline int resolve_event(struct cpu_stream *stream, struct threads *threads,
				struct stack_table *stacks, struct event *event)
{
	const struct ft_event *raw = &event->raw;
	const struct ft_task *other = NULL;
	int32_t tgid = raw->task->tgid;

	event->thread = event->other = NULL;
	event->stack_id = STACK_NONE;
	if (!ft_event_descriptors[raw->kind].of_nobody) {
		event->thread = find_thread(stream, threads, raw->task);
		if (!event->thread)
			return -ENOMEM;
		if (tgid <= 0)
			tgid = event->thread->tgid;
	}
	if (raw->kind == FT_EVENT_SWITCH)
		other = raw->switch_.next;
	else if (raw->kind == FT_EVENT_WAKING)
		other = raw->waking.wakee;
	else if (raw->kind == FT_EVENT_PEER)
		other = raw->peer.task;
	if (other) {
		event->other = find_thread(stream, threads, other);
		if (!event->other)
			return -ENOMEM;
	}
	return raw->stack ? find_stack(stream, stacks, tgid, raw->stack, &event->stack_id) : 0;
}

/* Whether who is alive, and what is known of them, is another after the event. */
static inline bool changes_threads(const struct ft_event *raw)
{
	return 1u << raw->kind & CHANGING_KINDS ||
	       (raw->kind == FT_EVENT_SWITCH && raw->switch_.prev_state == FT_STATE_DEAD);
}

int cpu_stream_resolve(struct cpu_stream *stream, struct threads *threads,
		       struct stack_table *stacks, struct event *first, int count)
{
	int resolved = 1;
	int error = resolve_event(stream, threads, stacks, first);

	if (error)
		return error;
	if (changes_threads(&first->raw))
		return 1;
	while (resolved < count && !changes_threads(&first[resolved].raw) &&
	       !resolve_event(stream, NULL, NULL, &first[resolved]))
		resolved++;
	return resolved;
}
