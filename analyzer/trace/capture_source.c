/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Captures and ring files of the recorder as input.
 *
 * Memory: KEPT_BYTES_MAX, one inflated segment a CPU, and all of the recorder's own events.
 */
#include "config.h"

#include "analyzer/trace/source_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/trace/cpu_stream.h"
#include "analyzer/trace/event_merge.h"
#include "analyzer/trace/recorder_events.h"
#include "analyzer/trace/source_error.h"
#include "capture/ringfile.h"

/* For inflated segments that are kept for the next replay: some seven million events. */
#define KEPT_BYTES_MAX (64u << 20)

struct capture {
	struct ft_reader *reader;
	size_t *segments; /* of events of CPUs, by CPU and sequence */
	size_t segment_count;
	uint32_t bad_segments; /* found while opening */
	bool is_ring, is_history;
	struct ft_ring_state ring;

	struct recorder_events *recorder_events;
	struct cpu_stream **streams; /* a CPU each */
	uint32_t stream_count;
	size_t room_bytes; /* see cpu_stream_create() */
	struct event_merge *merge;
};

static int read_segment(struct source *source, size_t index, void **buffer, size_t *buffer_bytes)
{
	struct capture *capture = source->input;
	const struct ft_segment *segment = ft_reader_segment(capture->reader, index);
	int error;

	if (segment->kind == FT_SEGMENT_EVENTS) {
		if (segment->last_ns > SOURCE_TIME_MAX_NS ||
		    (segment->cpu >= SOURCE_CPUS_MAX && segment->cpu != FT_NO_CPU))
			return -EBADMSG;
		if (segment->cpu == FT_NO_CPU)
			return recorder_events_read(capture->recorder_events, capture->reader,
						    index);
		capture->segments[capture->segment_count++] = index;
		return 0;
	}
	error = ft_reader_load(capture->reader, index, buffer, buffer_bytes);
	if (error)
		return error;
	if (segment->kind == FT_SEGMENT_FACTS)
		return ft_facts_read(source->facts, *buffer, segment->inflated_bytes);
	return ft_symbols_read(source->symbols, *buffer, segment->inflated_bytes);
}

/* Read everything but the events of CPUs. */
static int read_segments(struct source *source)
{
	struct capture *capture = source->input;
	size_t count = ft_reader_count(capture->reader), buffer_bytes = 0;
	void *buffer = NULL;
	int error = 0;

	capture->segments = calloc(count ? count : 1, sizeof(*capture->segments));
	if (!capture->segments)
		return -ENOMEM;
	for (size_t i = 0; i < count && !error; i++) {
		error = read_segment(source, i, &buffer, &buffer_bytes);
		if (error == -EBADMSG || error == -E2BIG) {
			capture->bad_segments++;
			error = 0;
		}
	}
	free(buffer);
	recorder_events_sort(capture->recorder_events);
	return error;
}

static int compare_cpu_and_sequence(const void *left, const void *right, void *context)
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

static const struct ft_segment *segment_at(const struct capture *capture, size_t at)
{
	return ft_reader_segment(capture->reader, capture->segments[at]);
}

/*
 * The first segment of each CPU is its oldest that was not overwritten: the time when the last of
 * them begins. 0: every CPU has its very first segment.
 */
static uint64_t find_last_beginning(const struct capture *capture)
{
	uint64_t last_ns = 0;
	uint32_t cpu = FT_NO_CPU;

	for (size_t i = 0; i < capture->segment_count; i++) {
		const struct ft_segment *segment = segment_at(capture, i);

		if (segment->cpu != cpu && segment->sequence > 0 && segment->first_ns > last_ns)
			last_ns = segment->first_ns;
		cpu = segment->cpu;
	}
	return last_ns;
}

/*
 * The time from which on nothing was overwritten. What the ring says of it may be damaged, but it
 * cannot be later than the last beginning: a CPU that was idle for long begins late and misses
 * nothing.
 */
static uint64_t find_history_start(const struct capture *capture)
{
	uint64_t last_ns = find_last_beginning(capture);

	if (capture->is_ring && capture->ring.since_ns && capture->ring.since_ns < last_ns)
		return capture->ring.since_ns;
	return last_ns;
}

/* First and last time of the events; both 0 where there are none. */
static void find_event_span(const struct capture *capture, uint64_t *ret_first_ns,
			    uint64_t *ret_last_ns)
{
	size_t others = recorder_events_count(capture->recorder_events);
	uint64_t first_ns = UINT64_MAX, last_ns = 0;

	for (size_t i = 0; i < capture->segment_count; i++) {
		const struct ft_segment *segment = segment_at(capture, i);

		if (segment->first_ns < first_ns)
			first_ns = segment->first_ns;
		if (segment->last_ns > last_ns)
			last_ns = segment->last_ns;
	}
	if (!capture->segment_count && others) {
		first_ns = recorder_events_at(capture->recorder_events, 0)->time_ns;
		last_ns = recorder_events_at(capture->recorder_events, others - 1)->time_ns;
	}
	if (first_ns > last_ns || last_ns > SOURCE_TIME_MAX_NS)
		first_ns = last_ns = 0;
	*ret_first_ns = first_ns;
	*ret_last_ns = last_ns;
}

static void find_span(struct source *source)
{
	const struct capture *capture = source->input;
	int64_t start_ns = ft_facts_number(source->facts, FT_FACT_START_NS, -1);
	int64_t end_ns = ft_facts_number(source->facts, FT_FACT_END_NS, -1);
	uint64_t last_ns;

	find_event_span(capture, &source->start_ns, &last_ns);
	if (start_ns >= 0 && (start_ns <= (int64_t)last_ns || !capture->segment_count))
		source->start_ns = start_ns;
	if (capture->is_ring || (capture->is_history && start_ns < 0)) {
		uint64_t history_ns = find_history_start(capture);

		if (history_ns > source->start_ns)
			source->start_ns = history_ns;
	}
	source->end_ns = last_ns;
	if (end_ns >= 0 && end_ns <= (int64_t)SOURCE_TIME_MAX_NS && end_ns > (int64_t)last_ns)
		source->end_ns = end_ns;
	if (source->end_ns < source->start_ns)
		source->end_ns = source->start_ns;
}

static uint32_t count_unreadable_segments(const struct capture *capture)
{
	uint32_t count = capture->bad_segments;

	for (uint32_t i = 0; i < capture->stream_count; i++)
		count += cpu_stream_bad_segments(capture->streams[i]);
	return count;
}

static void capture_damage(const struct source *source, struct ft_damage *ret_damage)
{
	const struct capture *capture = source->input;

	ft_reader_damage(capture->reader, ret_damage);
	ret_damage->bad_segments += count_unreadable_segments(capture);
}

/* What is known of a CPU whose first segment is @first. */
static struct stream_span describe_span(const struct source *source, const struct ft_segment *first)
{
	const struct capture *capture = source->input;
	struct stream_span span = { .start_ns = source->start_ns,
				    .end_ns = source->end_ns,
				    .tail_from_ns = source->start_ns };
	struct ft_damage damage;
	bool damaged;

	capture_damage(source, &damage);
	damaged = damage.torn || damage.bad_segments;
	span.tail_doubtful = damaged || capture->is_ring;
	if (!damaged && capture->is_ring && source->end_ns > FT_RINGFILE_UNPUT_NS_MAX &&
	    source->end_ns - FT_RINGFILE_UNPUT_NS_MAX > source->start_ns)
		span.tail_from_ns = source->end_ns - FT_RINGFILE_UNPUT_NS_MAX;
	/* What is damaged may have been this CPU's first segment. */
	if (capture->is_history && (!damaged || first->first_ns <= source->start_ns))
		span.first_sequence = first->sequence;
	return span;
}

static int create_streams(struct source *source)
{
	struct capture *capture = source->input;
	size_t count = capture->segment_count, cpus = 0;

	for (size_t i = 0; i < count; i++)
		cpus += i == 0 || segment_at(capture, i)->cpu != segment_at(capture, i - 1)->cpu;
	capture->streams = calloc(cpus ? cpus : 1, sizeof(*capture->streams));
	if (!capture->streams)
		return -ENOMEM;
	for (size_t i = 0, end; i < count; i = end) {
		const struct ft_segment *first = segment_at(capture, i);
		const struct stream_span span = describe_span(source, first);
		int error;

		for (end = i + 1; end < count && segment_at(capture, end)->cpu == first->cpu;)
			end++;
		error = cpu_stream_create(capture->reader, first->cpu, &capture->segments[i],
					  end - i, &span, &capture->room_bytes,
					  &capture->streams[capture->stream_count]);
		if (error)
			return error;
		capture->stream_count++;
	}
	return event_merge_create(capture->streams, capture->stream_count, capture->recorder_events,
				  source->end_ns, &capture->merge);
}

static void find_kind(struct source *source)
{
	struct capture *capture = source->input;
	const char *history = ft_facts_get(source->facts, FT_FACT_HISTORY);

	capture->is_ring = ft_reader_is_ring(capture->reader, &capture->ring);
	capture->is_history = capture->is_ring || (history && strcmp(history, "ring") == 0);
	if (capture->is_ring)
		source->ring = capture->ring.running ? "running" : "left";
}

static bool is_empty_ring(const struct capture *capture)
{
	struct ft_damage damage;

	ft_reader_damage(capture->reader, &damage);
	return capture->is_ring && !damage.segments && !damage.bad_segments;
}

static int read_capture(struct source *source)
{
	struct capture *capture = source->input;
	int error = recorder_events_create(&capture->recorder_events);

	capture->room_bytes = KEPT_BYTES_MAX;
	if (!error)
		error = read_segments(source);
	if (error)
		return error;
	if (capture->segment_count)
		qsort_r(capture->segments, capture->segment_count, sizeof(capture->segments[0]),
			compare_cpu_and_sequence, capture->reader);
	find_kind(source);
	if (is_empty_ring(capture))
		return -ENODATA;
	find_span(source);
	return create_streams(source);
}

static int capture_open(struct source *source, char **ret_message)
{
	struct capture *capture = calloc(1, sizeof(*capture));
	int missing_feature = -1;
	int error;

	if (!capture)
		return -ENOMEM;
	source->input = capture;
	error = ft_reader_open(source->path, &capture->reader, &missing_feature);
	if (error == -ENOMSG) {
		free(capture);
		source->input = NULL;
		return error;
	}
	if (!error)
		error = read_capture(source);
	if (error)
		*ret_message = error == -ENODATA && capture->is_ring
				       ? source_empty_ring_text(source->path)
				       : source_refusal_text(source->path, error, missing_feature);
	return error;
}

static void capture_close(struct source *source)
{
	struct capture *capture = source->input;

	if (!capture)
		return;
	for (uint32_t i = 0; i < capture->stream_count; i++)
		cpu_stream_destroy(capture->streams[i]);
	free(capture->streams);
	free(capture->segments);
	event_merge_destroy(capture->merge);
	recorder_events_destroy(capture->recorder_events);
	ft_reader_close(capture->reader);
	free(capture);
}

static int capture_next(struct source *source, struct event **ret_first)
{
	struct capture *capture = source->input;

	return event_merge_next(capture->merge, source->threads, source->stacks, ret_first);
}

static void capture_rewind(struct source *source)
{
	struct capture *capture = source->input;

	event_merge_rewind(capture->merge);
}

static char *capture_damage_text(const struct source *source)
{
	const struct capture *capture = source->input;
	struct ft_damage damage;

	capture_damage(source, &damage);
	if (!damage.torn && !damage.bad_segments)
		return NULL;
	if (damage.zeroed_segments)
		return source_zeroed_ring_text(source->path, damage.zeroed_segments);
	if (capture->is_ring && damage.first_error == -ENODATA && damage.torn)
		return source_cut_ring_text(source->path, damage.first_bad_offset);
	return source_damage_text_of(source->path, &damage, count_unreadable_segments(capture),
				     source->end_ns - source->start_ns);
}

const struct source_ops capture_source_ops = {
	.open = capture_open,
	.close = capture_close,
	.next = capture_next,
	.rewind = capture_rewind,
	.damage = capture_damage,
	.damage_text = capture_damage_text,
};
