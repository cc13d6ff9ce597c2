/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The events of all CPUs of a capture and those of the recorder itself, in order of time.
 */
#include "analyzer/trace/event_merge.h"

#include <errno.h>
#include <stdlib.h>

#include "analyzer/trace/cpu_stream.h"
#include "analyzer/trace/recorder_events.h"
#include "analyzer/trace/source.h"
#include "analyzer/util/min_heap.h"
#include "analyzer/util/span.h"

struct head {
	struct cpu_stream *stream;
	struct event *next, *end; /* decoded, and not given yet */
};

enum merge_state {
	MERGE_NOT_STARTED,
	MERGE_RUNNING, /* current is the stream whose events were given last */
	MERGE_ENDED,
};

struct event_merge {
	enum merge_state state;
	uint32_t current;
	struct min_heap *others; /* heads of all streams but the current one */
	const struct min_heap_head *rival; /* the first of the others; NULL: there are none */

	const struct recorder_events
		*recorder_events; /* as a stream their number is stream_count */
	size_t next_recorder_event;
	struct event recorder_event; /* their next, or the one given last */
	uint64_t end_ns;

	uint32_t stream_count;
	struct head heads[];
};

int event_merge_create(struct cpu_stream *const *streams, uint32_t stream_count,
		       const struct recorder_events *recorder_events, uint64_t end_ns,
		       struct event_merge **ret_merge)
{
	struct event_merge *merge =
		calloc(1, sizeof(*merge) + stream_count * sizeof(merge->heads[0]));

	if (!merge || min_heap_create((size_t)stream_count + 1, &merge->others)) {
		free(merge);
		return -ENOMEM;
	}
	merge->recorder_events = recorder_events;
	merge->end_ns = end_ns;
	merge->stream_count = stream_count;
	for (uint32_t i = 0; i < stream_count; i++)
		merge->heads[i].stream = streams[i];
	*ret_merge = merge;
	return 0;
}

void event_merge_destroy(struct event_merge *merge)
{
	if (!merge)
		return;
	min_heap_destroy(merge->others);
	free(merge);
}

void event_merge_rewind(struct event_merge *merge)
{
	for (uint32_t i = 0; i < merge->stream_count; i++) {
		struct head *head = &merge->heads[i];

		cpu_stream_rewind(head->stream);
		head->next = head->end = NULL;
	}
	merge->next_recorder_event = 0;
	merge->state = MERGE_NOT_STARTED;
}

/* The place of an event: a loss stands where it begins. At equal times losses and wakings come
 * first, then all else, then switches. */
static inline struct min_heap_head place_event(const struct ft_event *event, uint32_t stream)
{
	if (event->kind == FT_EVENT_LOST)
		return (struct min_heap_head){ event->lost.start_ns, 0, stream };
	return (struct min_heap_head){ event->time_ns,
				       event->kind == FT_EVENT_SWITCH   ? 2
				       : event->kind == FT_EVENT_WAKING ? 0
									: 1,
				       stream };
}

/* What the recorder says comes after the event that it is about. */
#define RECORDER_RANK 3

static int fetch_recorder_event(struct event_merge *merge, struct min_heap_head *ret_head)
{
	struct ft_event *raw = &merge->recorder_event.raw;

	if (merge->next_recorder_event == recorder_events_count(merge->recorder_events))
		return 0;
	*raw = *recorder_events_at(merge->recorder_events, merge->next_recorder_event++);
	raw->time_ns = earlier(raw->time_ns, merge->end_ns);
	*ret_head = (struct min_heap_head){ raw->time_ns, RECORDER_RANK, merge->stream_count };
	return 1;
}

/* Fetch the next event of a stream. Return: 1, 0 at its end, or a negative errno. */
static inline int fetch_head(struct event_merge *merge, uint32_t stream,
			     struct min_heap_head *ret_head)
{
	struct head *head = &merge->heads[stream];
	int result;

	if (stream == merge->stream_count)
		return fetch_recorder_event(merge, ret_head);
	if (head->next == head->end) {
		result = cpu_stream_next(head->stream, &head->next);
		if (result <= 0)
			return result;
		head->end = head->next + result;
	}
	*ret_head = place_event(&head->next->raw, stream);
	return 1;
}

/* Make the first of the others the current stream. Return: 1, or 0 where there is none. */
static int take_rival(struct event_merge *merge)
{
	const struct min_heap_head *first = min_heap_first(merge->others);

	if (!first) {
		merge->state = MERGE_ENDED;
		return 0;
	}
	merge->current = first->stream;
	min_heap_drop_first(merge->others);
	merge->rival = min_heap_first(merge->others);
	merge->state = MERGE_RUNNING;
	return 1;
}

static int start_merge(struct event_merge *merge)
{
	min_heap_clear(merge->others);
	for (uint32_t stream = 0; stream <= merge->stream_count; stream++) {
		struct min_heap_head head;
		int result = fetch_head(merge, stream, &head);

		if (result < 0)
			return result;
		if (result)
			min_heap_push(merge->others, head);
	}
	return take_rival(merge);
}

/* Make the stream with the next event the current one. Return: 1, 0 at the end, or a negative
 * errno. */
static inline int advance_merge(struct event_merge *merge)
{
	struct min_heap_head head;
	int result = fetch_head(merge, merge->current, &head);

	if (result < 0)
		return result;
	if (result == 0)
		return take_rival(merge);
	if (merge->rival && min_heap_before(merge->rival, &head)) {
		merge->current = merge->rival->stream;
		min_heap_replace_first(merge->others, head);
	}
	return 1;
}

/* A zombie is in /proc, and a call's stack is unwound, after the thread's last switch. */
static struct thread *find_recorder_thread(struct threads *threads, const struct ft_event *raw)
{
	bool of_the_past = raw->kind == FT_EVENT_UNWOUND ||
			   (raw->kind == FT_EVENT_STATE && raw->state.state == FT_STATE_DEAD);
	struct thread *thread =
		of_the_past && raw->task->tid ? threads_find(threads, raw->task->tid) : NULL;

	return thread ? thread : threads_get(threads, raw->task, FT_NO_CPU);
}

/* Look up thread and stack of recorder_event. 0 or -ENOMEM. */
static int resolve_recorder_event(struct event_merge *merge, struct threads *threads,
				  struct stack_table *stacks)
{
	struct event *event = &merge->recorder_event;
	int32_t tgid = event->raw.task->tgid;

	event->thread = event->other = NULL;
	event->stack_id = STACK_NONE;
	if (!ft_event_descriptors[event->raw.kind].of_nobody) {
		event->thread = find_recorder_thread(threads, &event->raw);
		if (!event->thread)
			return -ENOMEM;
		if (tgid <= 0)
			tgid = event->thread->tgid;
	}
	if (event->raw.kind == FT_EVENT_PEER) {
		event->other = threads_get(threads, event->raw.peer.task, FT_NO_CPU);
		if (!event->other)
			return -ENOMEM;
	}
	if (!event->raw.stack)
		return 0;
	return stack_table_intern(stacks, tgid, event->raw.stack, &event->stack_id);
}

/* How many events of the current stream come before those of others. Where the time is the same it
 * is only the first, which was found to be so. */
static inline int measure_run(const struct event_merge *merge, const struct head *head)
{
	uint64_t end_ns = merge->rival ? merge->rival->time_ns : UINT64_MAX;
	const struct event *event = head->next + 1;

	while (event < head->end && event->raw.kind != FT_EVENT_LOST && event->raw.time_ns < end_ns)
		event++;
	return (int)(event - head->next);
}

int event_merge_next(struct event_merge *merge, struct threads *threads, struct stack_table *stacks,
		     struct event **ret_first)
{
	struct head *head;
	int result;

	if (merge->state == MERGE_RUNNING)
		result = advance_merge(merge);
	else
		result = merge->state == MERGE_ENDED ? 0 : start_merge(merge);
	if (result <= 0)
		return result;
	if (merge->current == merge->stream_count) {
		*ret_first = &merge->recorder_event;
		result = resolve_recorder_event(merge, threads, stacks);
		return result ? result : 1;
	}
	head = &merge->heads[merge->current];
	*ret_first = head->next;
	result = cpu_stream_resolve(head->stream, threads, stacks, head->next,
				    measure_run(merge, head));
	if (result > 0)
		head->next += result;
	return result;
}
