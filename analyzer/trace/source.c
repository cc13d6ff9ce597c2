/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A capture as one stream of events in order of time.
 *
 * One stream for each CPU and one of what the recorder itself had to say are
 * merged; names become threads and stack ids.
 */
#include "config.h"

#include "analyzer/trace/source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/trace/recorder_events.h"
#include "analyzer/util/min_heap.h"
#include "analyzer/trace/source_error.h"
#include "analyzer/trace/cpu_stream.h"
#include "capture/ringfile.h"

#define CPUS_MAX    65536 /* a greater number is damage */
#define TIME_MAX_NS (1ull << 62) /* a greater time is damage: no host has been up for 146 years */

/* The next event of a CPU's stream. */
struct head {
	struct cpu_stream *stream;
	struct ft_event event;
};

struct source {
	char *path;
	struct ft_reader *reader;
	struct ft_facts *facts;
	struct ft_symbols *symbols;
	struct stack_table *stacks;
	struct threads *threads;
	struct recorder_events *asides;
	size_t next_aside;
	struct head *heads;
	size_t head_count;
	struct merge *merge;
	bool primed; /* every stream's head is in the merge */
	bool delivered; /* the merge's first is the event returned last */
	size_t *segments; /* of events of CPUs, by CPU and sequence */
	size_t segment_count;
	uint32_t bad_segments; /* found while opening */
	bool is_ring, is_history;
	struct ft_ring_state ring;
	uint64_t start_ns, end_ns;
	uint64_t mmap_lock_offset; /* 0: not known */
};

/* Opening. */

static int read_segment(struct source *source, size_t index, void **buffer, size_t *buffer_bytes)
{
	const struct ft_segment *segment = ft_reader_segment(source->reader, index);
	int error;

	if (segment->kind == FT_SEGMENT_EVENTS) {
		if (segment->last_ns > TIME_MAX_NS ||
		    (segment->cpu >= CPUS_MAX && segment->cpu != FT_NO_CPU))
			return -EBADMSG;
		if (segment->cpu == FT_NO_CPU)
			return recorder_events_read(source->asides, source->reader, index);
		source->segments[source->segment_count++] = index;
		return 0;
	}
	error = ft_reader_load(source->reader, index, buffer, buffer_bytes);
	if (error)
		return error;
	if (segment->kind == FT_SEGMENT_FACTS)
		return ft_facts_read(source->facts, *buffer, segment->inflated_bytes);
	return ft_symbols_read(source->symbols, *buffer, segment->inflated_bytes);
}

/* All but the events of CPUs. */
static int read_segments(struct source *source)
{
	size_t count = ft_reader_count(source->reader), buffer_bytes = 0;
	void *buffer = NULL;
	int error = 0;

	source->segments = calloc(count ? count : 1, sizeof(*source->segments));
	if (!source->segments)
		return -ENOMEM;
	for (size_t i = 0; i < count && !error; i++) {
		error = read_segment(source, i, &buffer, &buffer_bytes);
		if (error == -EBADMSG || error == -E2BIG) {
			source->bad_segments++;
			error = 0;
		}
	}
	free(buffer);
	recorder_events_sort(source->asides);
	return error;
}

static int by_cpu_and_sequence(const void *left, const void *right, void *context)
{
	size_t a = *(const size_t *)left, b = *(const size_t *)right;
	const struct ft_segment *x = ft_reader_segment(context, a);
	const struct ft_segment *y = ft_reader_segment(context, b);

	if (x->cpu != y->cpu)
		return x->cpu < y->cpu ? -1 : 1;
	if (x->sequence != y->sequence)
		return x->sequence < y->sequence ? -1 : 1;
	return a < b ? -1 : a > b;
}

static void find_sort(struct source *source)
{
	const char *history = ft_facts_get(source->facts, FT_FACT_HISTORY);

	source->is_ring = ft_reader_is_ring(source->reader, &source->ring);
	source->is_history = source->is_ring || (history && strcmp(history, "ring") == 0);
}

/* The first segment of each CPU is the oldest that was not overwritten: when the last of them
 * begins. 0: all CPUs are there from their first segment on. */
static uint64_t last_beginning(const struct source *source)
{
	uint64_t last_ns = 0;
	uint32_t cpu = FT_NO_CPU;

	for (size_t i = 0; i < source->segment_count; i++) {
		const struct ft_segment *segment =
			ft_reader_segment(source->reader, source->segments[i]);

		if (segment->cpu != cpu && segment->sequence > 0 && segment->first_ns > last_ns)
			last_ns = segment->first_ns;
		cpu = segment->cpu;
	}
	return last_ns;
}

/* From when on nothing was overwritten. The ring's own word may be damaged, but it cannot be later
 * than the last beginning: a CPU that was idle for long begins late and misses nothing. */
static uint64_t history_start_ns(const struct source *source)
{
	uint64_t last_ns = last_beginning(source);

	if (source->is_ring && source->ring.since_ns && source->ring.since_ns < last_ns)
		return source->ring.since_ns;
	return last_ns;
}

static void find_span(struct source *source)
{
	size_t asides = recorder_events_count(source->asides);
	uint64_t first_ns = UINT64_MAX, last_ns = 0;
	int64_t start_ns, end_ns;

	for (size_t i = 0; i < source->segment_count; i++) {
		const struct ft_segment *segment =
			ft_reader_segment(source->reader, source->segments[i]);

		if (segment->first_ns < first_ns)
			first_ns = segment->first_ns;
		if (segment->last_ns > last_ns)
			last_ns = segment->last_ns;
	}
	if (!source->segment_count && asides) {
		first_ns = recorder_events_at(source->asides, 0)->time_ns;
		last_ns = recorder_events_at(source->asides, asides - 1)->time_ns;
	}
	if (first_ns > last_ns || last_ns > TIME_MAX_NS)
		first_ns = last_ns = 0;
	start_ns = ft_facts_number(source->facts, FT_FACT_START_NS, -1);
	end_ns = ft_facts_number(source->facts, FT_FACT_END_NS, -1);
	source->start_ns = first_ns;
	if (start_ns >= 0 && (start_ns <= (int64_t)last_ns || !source->segment_count))
		source->start_ns = start_ns;
	if (source->is_ring || (source->is_history && start_ns < 0)) {
		uint64_t history_ns = history_start_ns(source);

		if (history_ns > source->start_ns)
			source->start_ns = history_ns;
	}
	source->end_ns = last_ns;
	if (end_ns >= 0 && end_ns <= (int64_t)TIME_MAX_NS && end_ns > (int64_t)last_ns)
		source->end_ns = end_ns;
	if (source->end_ns < source->start_ns)
		source->end_ns = source->start_ns;
}

/* What is known of a CPU whose first segment is @first. */
static struct stream_span span_of(const struct source *source, const struct ft_segment *first)
{
	struct stream_span span = { .start_ns = source->start_ns,
				    .end_ns = source->end_ns,
				    .tail_from_ns = source->start_ns };
	struct ft_damage damage;
	bool damaged;

	source_damage(source, &damage);
	damaged = damage.torn || damage.bad_segments;
	span.tail_doubtful = damaged || source->is_ring;
	if (!damaged && source->is_ring && source->end_ns > FT_RINGFILE_UNPUT_NS_MAX &&
	    source->end_ns - FT_RINGFILE_UNPUT_NS_MAX > source->start_ns)
		span.tail_from_ns = source->end_ns - FT_RINGFILE_UNPUT_NS_MAX;
	/* What is damaged may have been this CPU's first segment. */
	if (source->is_history && (!damaged || first->first_ns <= source->start_ns))
		span.first_sequence = first->sequence;
	return span;
}

static int create_streams(struct source *source)
{
	const size_t *segments = source->segments;
	size_t cpus = 0;

	for (size_t i = 0; i < source->segment_count; i++)
		cpus += i == 0 || ft_reader_segment(source->reader, segments[i])->cpu !=
					  ft_reader_segment(source->reader, segments[i - 1])->cpu;
	source->heads = calloc(cpus ? cpus : 1, sizeof(*source->heads));
	if (!source->heads)
		return -ENOMEM;
	for (size_t i = 0, end; i < source->segment_count; i = end) {
		const struct ft_segment *first = ft_reader_segment(source->reader, segments[i]);
		const struct stream_span span = span_of(source, first);
		uint32_t cpu = first->cpu;
		int error;

		for (end = i + 1; end < source->segment_count; end++) {
			if (ft_reader_segment(source->reader, segments[end])->cpu != cpu)
				break;
		}
		error = cpu_stream_create(source->reader, cpu, &segments[i], end - i, &span,
					  &source->heads[source->head_count].stream);
		if (error)
			return error;
		source->head_count++;
	}
	return min_heap_create(source->head_count + 1, &source->merge);
}

static bool is_empty_ring(const struct source *source)
{
	struct ft_damage damage;

	ft_reader_damage(source->reader, &damage);
	return source->is_ring && !damage.segments && !damage.bad_segments;
}

static int open_all(struct source *source, const char *path, int *ret_missing_feature)
{
	int error = ft_reader_open(path, &source->reader, ret_missing_feature);

	if (!error)
		error = ft_facts_create(&source->facts);
	if (!error)
		error = ft_symbols_create(&source->symbols);
	if (!error)
		error = stack_table_create(source->symbols, &source->stacks);
	if (!error)
		error = threads_create(&source->threads);
	if (!error)
		error = recorder_events_create(&source->asides);
	if (!error)
		error = read_segments(source);
	if (error)
		return error;
	if (source->segment_count)
		qsort_r(source->segments, source->segment_count, sizeof(source->segments[0]),
			by_cpu_and_sequence, source->reader);
	find_sort(source);
	if (is_empty_ring(source))
		return -ENODATA;
	find_span(source);
	return create_streams(source);
}

int source_open(const char *path, struct source **ret_source, char **ret_message)
{
	struct source *source = calloc(1, sizeof(*source));
	int missing_feature = -1;
	int error = -ENOMEM;

	if (source)
		source->path = strdup(path);
	if (source && source->path)
		error = open_all(source, path, &missing_feature);
	if (error) {
		*ret_message = error == -ENODATA && source->is_ring
				       ? source_empty_ring_text(path)
				       : source_refusal_text(path, error, missing_feature);
		source_close(source);
		return error;
	}
	*ret_source = source;
	return 0;
}

void source_close(struct source *source)
{
	if (!source)
		return;
	for (size_t i = 0; i < source->head_count; i++)
		cpu_stream_destroy(source->heads[i].stream);
	free(source->heads);
	free(source->segments);
	min_heap_destroy(source->merge);
	recorder_events_destroy(source->asides);
	threads_destroy(source->threads);
	stack_table_destroy(source->stacks);
	ft_symbols_destroy(source->symbols);
	ft_facts_destroy(source->facts);
	ft_reader_close(source->reader);
	free(source->path);
	free(source);
}

/* Merging. */

/* At equal times: first what was lost, then who was woken, and switches after all else. */
static uint32_t rank_of(enum ft_event_kind kind)
{
	if (kind == FT_EVENT_WAKING || kind == FT_EVENT_LOST)
		return 0;
	return kind == FT_EVENT_SWITCH ? 2 : 1;
}

#define ASIDES_RANK 3 /* at equal times after the event they are about */

/* Return: 1 with the head of stream @number, 0 at its end, or a negative errno. */
static int next_of_cpu(struct source *source, uint32_t number, struct min_heap_head *ret_head)
{
	struct head *head = &source->heads[number];
	int result = cpu_stream_next(head->stream, &head->event, &ret_head->time_ns);

	ret_head->rank = rank_of(head->event.kind);
	ret_head->stream = number;
	return result;
}

static int next_of_asides(struct source *source, struct min_heap_head *ret_head)
{
	uint64_t time_ns;

	if (source->next_aside == recorder_events_count(source->asides))
		return 0;
	time_ns = recorder_events_at(source->asides, source->next_aside)->time_ns;
	*ret_head = (struct min_heap_head){
		.time_ns = time_ns < source->end_ns ? time_ns : source->end_ns,
		.rank = ASIDES_RANK,
		.stream = source->head_count,
	};
	return 1;
}

static int next_of(struct source *source, uint32_t number, struct min_heap_head *ret_head)
{
	if (number < source->head_count)
		return next_of_cpu(source, number, ret_head);
	return next_of_asides(source, ret_head);
}

static int prime(struct source *source)
{
	for (uint32_t number = 0; number <= source->head_count; number++) {
		struct min_heap_head head;
		int result = next_of(source, number, &head);

		if (result < 0)
			return result;
		if (result)
			min_heap_push(source->merge, head);
	}
	source->primed = true;
	return 0;
}

/* Put the next event of the stream that was first in its place. */
static int advance(struct source *source)
{
	uint32_t number = min_heap_first(source->merge)->stream;
	struct min_heap_head head;
	int result;

	if (number == source->head_count)
		source->next_aside++;
	result = next_of(source, number, &head);
	if (result < 0)
		return result;
	if (result)
		min_heap_replace_first(source->merge, head);
	else
		min_heap_drop_first(source->merge);
	source->delivered = false;
	return 0;
}

/* Naming. */

/* @stream: whose dictionary holds @task; NULL for an aside. */
static struct thread *thread_of(struct source *source, struct cpu_stream *stream,
				const struct ft_task *task)
{
	if (stream)
		return cpu_stream_thread(stream, source->threads, task);
	return threads_get(source->threads, task, FT_NO_CPU);
}

/* A zombie is in /proc, and a call's stack is unwound, after the thread's last switch. */
static struct thread *thread_of_aside(struct source *source, const struct ft_event *raw)
{
	bool of_the_past = raw->kind == FT_EVENT_UNWOUND ||
			   (raw->kind == FT_EVENT_STATE && raw->state.state == FT_STATE_DEAD);
	struct thread *thread = of_the_past && raw->task->tid
					? threads_find(source->threads, raw->task->tid)
					: NULL;

	return thread ? thread : thread_of(source, NULL, raw->task);
}

static int name_stack(struct source *source, struct cpu_stream *stream, struct event *event)
{
	const struct ft_stack *stack = event->raw.stack;
	int32_t tgid = event->raw.task->tgid;

	event->stack_id = STACK_NONE;
	if (!stack)
		return 0;
	if (tgid <= 0 && event->thread)
		tgid = event->thread->tgid;
	if (stream)
		return cpu_stream_stack(stream, source->stacks, tgid, stack, &event->stack_id);
	return stack_table_intern(source->stacks, tgid, stack, &event->stack_id);
}

/* Enter what the event says about lives and names. false on lack of memory. */
static bool name_threads(struct source *source, struct cpu_stream *stream, struct event *event)
{
	const struct ft_event *raw = &event->raw;

	event->thread = event->other = NULL;
	if (ft_event_descriptors[raw->kind].of_nobody)
		return true;
	event->thread =
		stream ? thread_of(source, stream, raw->task) : thread_of_aside(source, raw);
	if (!event->thread)
		return false;
	switch (raw->kind) {
	case FT_EVENT_SWITCH:
		event->other = thread_of(source, stream, raw->switch_.next);
		if (raw->switch_.prev_state == FT_STATE_DEAD && !event->thread->idle_task)
			threads_died(source->threads, event->thread, raw->time_ns);
		return event->other;
	case FT_EVENT_WAKING:
		event->other = thread_of(source, stream, raw->waking.wakee);
		return event->other;
	case FT_EVENT_FORK:
		event->other = threads_born(source->threads, raw->fork.child, raw->time_ns);
		return event->other;
	case FT_EVENT_COMM:
		memcpy(event->thread->comm, raw->task->comm, sizeof(event->thread->comm));
		return true;
	case FT_EVENT_EXIT:
		if (!event->thread->died_ns)
			event->thread->died_ns = raw->time_ns;
		return true;
	default:
		return true;
	}
}

static void place_mmap_lock(const struct source *source, struct ft_event *raw)
{
	if (raw->kind != FT_EVENT_LOCK_HOLD || !(raw->lock_hold.flags & FT_HOLD_OF_MM) ||
	    !source->mmap_lock_offset)
		return;
	raw->lock_hold.address += source->mmap_lock_offset;
	raw->lock_hold.flags &= ~(uint32_t)FT_HOLD_OF_MM;
}

int source_next(struct source *source, struct event *ret_event)
{
	const struct min_heap_head *first;
	struct cpu_stream *stream = NULL;
	int error = 0;

	if (!source->primed)
		error = prime(source);
	else if (source->delivered)
		error = advance(source);
	if (error)
		return error;
	first = min_heap_first(source->merge);
	if (!first)
		return 0;
	if (first->stream < source->head_count) {
		stream = source->heads[first->stream].stream;
		ret_event->raw = source->heads[first->stream].event;
	} else {
		ret_event->raw = *recorder_events_at(source->asides, source->next_aside);
		ret_event->raw.time_ns = first->time_ns;
	}
	source->delivered = true;
	place_mmap_lock(source, &ret_event->raw);
	if (!name_threads(source, stream, ret_event))
		return -ENOMEM;
	error = name_stack(source, stream, ret_event);
	return error ? error : 1;
}

int source_rewind(struct source *source)
{
	for (size_t i = 0; i < source->head_count; i++)
		cpu_stream_rewind(source->heads[i].stream);
	source->next_aside = 0;
	min_heap_clear(source->merge);
	source->primed = false;
	source->delivered = false;
	threads_rewind(source->threads);
	return 0;
}

const struct ft_facts *source_facts(const struct source *source)
{
	return source->facts;
}

const struct ft_symbols *source_symbols(const struct source *source)
{
	return source->symbols;
}

void source_set_mmap_lock_offset(struct source *source, uint64_t offset)
{
	source->mmap_lock_offset = offset;
}

struct stack_table *source_stacks(const struct source *source)
{
	return source->stacks;
}

struct threads *source_threads(const struct source *source)
{
	return source->threads;
}

uint64_t source_start_ns(const struct source *source)
{
	return source->start_ns;
}

uint64_t source_end_ns(const struct source *source)
{
	return source->end_ns;
}

int64_t source_start_realtime_ns(const struct source *source)
{
	int64_t realtime_ns = ft_facts_number(source->facts, FT_FACT_START_REALTIME_NS, 0);
	int64_t start_ns = ft_facts_number(source->facts, FT_FACT_START_NS, -1);

	if (realtime_ns <= 0 || start_ns < 0 || realtime_ns > (int64_t)TIME_MAX_NS ||
	    start_ns > (int64_t)source->start_ns)
		return realtime_ns;
	return realtime_ns + ((int64_t)source->start_ns - start_ns);
}

const char *source_ring(const struct source *source)
{
	if (!source->is_ring)
		return NULL;
	return source->ring.running ? "running" : "left";
}

static uint32_t unreadable_segments(const struct source *source)
{
	uint32_t count = source->bad_segments;

	for (size_t i = 0; i < source->head_count; i++)
		count += cpu_stream_bad_segments(source->heads[i].stream);
	return count;
}

void source_damage(const struct source *source, struct ft_damage *ret_damage)
{
	ft_reader_damage(source->reader, ret_damage);
	ret_damage->bad_segments += unreadable_segments(source);
}

char *source_damage_text(const struct source *source)
{
	struct ft_damage damage;

	source_damage(source, &damage);
	if (!damage.torn && !damage.bad_segments)
		return NULL;
	if (damage.zeroed_segments)
		return source_zeroed_ring_text(source->path, damage.zeroed_segments);
	if (source->is_ring && damage.first_error == -ENODATA && damage.torn)
		return source_cut_ring_text(source->path, damage.first_bad_offset);
	return source_damage_text_of(source->path, &damage, unreadable_segments(source),
				     source->end_ns - source->start_ns);
}
