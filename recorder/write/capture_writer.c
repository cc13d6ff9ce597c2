/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/write/capture_writer.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "capture/symbols.h"
#include "capture/writer.h"
#include "recorder/base/clock.h"
#include "recorder/perf/host_facts.h"
#include "recorder/symbols/symbolize.h"
#include "recorder/write/capture_finish.h"
#include "recorder/symbols/address_set.h"

/* The segment ring holds seconds of the heaviest load, so the thread polls: a wake-up would cost
 * the drain time. */
#define LOOK_NS 20000000
/* If the recorder is killed, names of the last so many ns are missing. */
#define DRAFT_NS 1000000000u
#define MARGIN	 64 /* the oldest 1/64 of a history is left out, as it is about to be overwritten */

/* First segment of one CPU in the capture. */
struct beginning {
	uint32_t cpu;
	uint64_t sequence, first_ns;
};

struct capture_writer {
	struct engine *engine;
	struct mappings *mappings;
	struct ft_writer *file;
	struct recorder_events *own_events;
	struct ft_facts *facts;
	bool history;
	int out_fd;
	uint64_t more_ns;
	struct skipped_history skipped;
	struct ft_symbols *symbols;
	size_t named; /* names of so many addresses were looked for */
	size_t drafted; /* kernel names of so many addresses are in the file */
	uint64_t drafted_ns; /* time of the last draft */
	pthread_mutex_t lock; /* protects address_set and stop while the thread runs */
	struct address_set *address_set;
	struct segment_ring_cursor cursor, base; /* base: where the capture begins */
	struct beginning *beginnings;
	size_t beginning_count;
	void *buffer; /* as long as a slot */
	uint64_t unwritten_segments, unwritten_events;
	uint64_t lost; /* records, by the headers of the segments */
	pthread_t thread;
	pthread_cond_t stopping; /* signalled with stop set */
	_Atomic bool stop;
	_Atomic int error;
};

static void init_stopping(struct capture_writer *writer)
{
	pthread_condattr_t monotonic;
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&writer->stopping, &monotonic);
	pthread_condattr_destroy(&monotonic);
}

int capture_writer_create(const struct capture_writer_options *options,
			  struct capture_writer **ret_writer)
{
	struct capture_writer *writer = calloc(1, sizeof(*writer));
	if (!writer)
		return -ENOMEM;
	writer->engine = options->engine;
	writer->mappings = options->mappings;
	writer->history = options->history;
	writer->out_fd = options->out_fd;
	writer->more_ns = options->more_ns;
	pthread_mutex_init(&writer->lock, NULL);
	init_stopping(writer);
	writer->beginnings =
		calloc(writer->engine->counters->cpu_count, sizeof(*writer->beginnings));
	writer->buffer = malloc(segment_ring_slot_bytes(writer->engine->slots));
	int error = writer->buffer && writer->beginnings
			    ? ft_writer_create(options->out_fd, &writer->file)
			    : -ENOMEM;
	if (!error &&
	    (ft_facts_create(&writer->facts) || recorder_events_create(&writer->own_events) ||
	     address_set_create(&writer->address_set) || ft_symbols_create(&writer->symbols)))
		error = -ENOMEM;
	if (error) {
		capture_writer_destroy(writer);
		return error;
	}
	address_set_watch(writer->address_set, options->watch, options->watch_context);
	*ret_writer = writer;
	return 0;
}

void capture_writer_destroy(struct capture_writer *writer)
{
	if (!writer)
		return;
	ft_symbols_destroy(writer->symbols);
	address_set_destroy(writer->address_set);
	recorder_events_destroy(writer->own_events);
	ft_facts_destroy(writer->facts);
	ft_writer_destroy(writer->file);
	pthread_cond_destroy(&writer->stopping);
	pthread_mutex_destroy(&writer->lock);
	free(writer->beginnings);
	free(writer->buffer);
	free(writer);
}

struct recorder_events *capture_writer_own_events(struct capture_writer *writer)
{
	return writer->own_events;
}

struct ft_facts *capture_writer_facts(struct capture_writer *writer)
{
	return writer->facts;
}

static int collect_addresses(void *context, const void *segment, size_t segment_bytes)
{
	struct capture_writer *writer = context;
	pthread_mutex_lock(&writer->lock);
	int error = address_set_add_segment(writer->address_set, segment, segment_bytes);
	pthread_mutex_unlock(&writer->lock);
	return error == -ENOMEM ? error : 0;
}

static int write_segment(void *context, const void *segment, size_t segment_bytes)
{
	struct capture_writer *writer = context;
	int error = ft_writer_segment(writer->file, segment, segment_bytes);
	return error ? error : collect_addresses(writer, segment, segment_bytes);
}

int capture_writer_write_own_events(struct capture_writer *writer)
{
	int error = recorder_events_take(writer->own_events, write_segment, writer);
	if (error)
		writer->error = error;
	return error;
}

/* Once slots are overwritten, the oldest that are left would be overwritten while they are read. */
static void skip_margin(struct capture_writer *writer)
{
	const struct segment_ring *slots = writer->engine->slots;
	struct segment_ring_cursor cursor = { 0 };
	size_t bytes;

	if (segment_ring_get(slots, &cursor, writer->buffer, &bytes) != 1 || !cursor.lost_segments)
		return;
	for (size_t i = 0; i < segment_ring_count(slots) / MARGIN; i++)
		segment_ring_get(slots, &cursor, writer->buffer, &bytes);
	writer->cursor = cursor;
}

static void find_beginning(struct capture_writer *writer)
{
	if (!writer->history)
		return;
	skip_margin(writer);
	capture_finish_skip_history(writer->out_fd, writer->engine->slots, writer->buffer,
				    writer->more_ns, &writer->cursor, &writer->skipped);
	writer->base = writer->cursor;
}

static void read_segment_header(struct capture_writer *writer, const void *segment,
				size_t segment_bytes)
{
	struct ft_segment header;
	size_t used_bytes;

	if (ft_segment_decode(segment, segment_bytes, &header, &used_bytes))
		return;
	writer->lost += header.lost;
	for (size_t i = 0; i < writer->beginning_count; i++)
		if (writer->beginnings[i].cpu == header.cpu)
			return;
	if (writer->beginning_count < writer->engine->counters->cpu_count)
		writer->beginnings[writer->beginning_count++] = (struct beginning){
			.cpu = header.cpu,
			.sequence = header.sequence,
			.first_ns = header.first_ns,
		};
}

/*
 * Missing events were put into the segment ring before base.put_ns. A CPU whose first segment here
 * is the first it ever had misses none. Another CPU misses none after the beginning of its first
 * segment here.
 */
uint64_t capture_writer_start_ns(const struct capture_writer *writer)
{
	uint64_t start_ns = writer->engine->start_ns;

	if (!writer->base.next)
		return start_ns;
	if (writer->beginning_count < writer->engine->counters->cpu_count)
		return writer->base.put_ns;
	for (size_t i = 0; i < writer->beginning_count; i++) {
		const struct beginning *beginning = &writer->beginnings[i];
		if (beginning->sequence && beginning->first_ns > start_ns)
			start_ns = beginning->first_ns;
	}
	return start_ns < writer->base.put_ns ? start_ns : writer->base.put_ns;
}

/* Write all segments there are now. After a failure the others are only counted. */
static void write_new_segments(struct capture_writer *writer)
{
	size_t bytes;
	uint64_t taken = writer->cursor.events - writer->cursor.lost_events;
	while (segment_ring_get(writer->engine->slots, &writer->cursor, writer->buffer, &bytes)) {
		int error = writer->error;
		read_segment_header(writer, writer->buffer, bytes);
		if (writer->stop && !writer->skipped.scarce)
			ft_writer_hurry(writer->file); /* somebody waits for the file */
		if (!error) {
			error = write_segment(writer, writer->buffer, bytes);
			writer->error = error;
		}
		if (error) {
			writer->unwritten_segments++;
			writer->unwritten_events +=
				writer->cursor.events - writer->cursor.lost_events - taken;
		}
		taken = writer->cursor.events - writer->cursor.lost_events;
	}
}

/* Addresses from number @first on, malloc'ed, since the thread adds to them meanwhile. */
static int copy_addresses(struct capture_writer *writer, size_t first,
			  struct symbolize_address **ret_addresses, size_t *ret_count)
{
	size_t count;
	pthread_mutex_lock(&writer->lock);
	const struct symbolize_address *addresses =
		address_set_addresses(writer->address_set, &count);
	struct symbolize_address *copy = calloc(count - first + 1, sizeof(*copy));
	if (copy && count > first)
		memcpy(copy, addresses + first, (count - first) * sizeof(*copy));
	pthread_mutex_unlock(&writer->lock);
	if (!copy)
		return -ENOMEM;
	*ret_addresses = copy;
	*ret_count = count - first;
	return 0;
}

static int write_draft(void *context, const void *payload, size_t payload_bytes)
{
	struct capture_writer *writer = context;
	return ft_writer_draft(writer->file, FT_SEGMENT_SYMBOLS, payload, payload_bytes);
}

/* Kernel names only: they are in memory, so that no file has to be read. */
static int draft_symbols(const struct capture_writer *writer,
			 const struct symbolize_address *addresses, size_t count,
			 struct ft_symbols *symbols)
{
	int error = 0;
	for (size_t i = 0; i < count && !error; i++) {
		struct ft_symbol symbol = { .tgid = FT_KERNEL_TGID,
					    .address = addresses[i].address };
		if (addresses[i].tgid != FT_KERNEL_TGID)
			continue;
		symbol.name = kallsyms_find(writer->engine->kallsyms, symbol.address,
					    &symbol.offset_bytes, &symbol.module);
		if (symbol.name)
			error = ft_symbols_add(symbols, &symbol);
	}
	return error;
}

/*
 * Names are written at the end, when all addresses are known. Events mean little without names of
 * kernel functions, so these are drafted now and then, in case the recorder does not live to see
 * the end. An error here is ignored: writing the next segment will report it.
 */
static void draft_names(struct capture_writer *writer)
{
	struct ft_symbols *symbols = NULL;
	struct symbolize_address *addresses = NULL;
	size_t count;

	if (!writer->engine->kallsyms || writer->error ||
	    clock_now_ns() - writer->drafted_ns < DRAFT_NS)
		return;
	writer->drafted_ns = clock_now_ns();
	if (copy_addresses(writer, writer->drafted, &addresses, &count) || !count)
		goto out;
	if (ft_symbols_create(&symbols) || draft_symbols(writer, addresses, count, symbols) ||
	    ft_symbols_write(symbols, write_draft, writer))
		goto out;
	writer->drafted += count;
out:
	ft_symbols_destroy(symbols);
	free(addresses);
}

/* Return: false if the thread has to stop. */
static bool wait_for_more(struct capture_writer *writer)
{
	const struct timespec next = clock_timespec(clock_now_ns() + LOOK_NS);
	pthread_mutex_lock(&writer->lock);
	if (!writer->stop)
		pthread_cond_timedwait(&writer->stopping, &writer->lock, &next);
	bool more = !writer->stop;
	pthread_mutex_unlock(&writer->lock);
	return more;
}

static void set_start_facts(struct capture_writer *writer)
{
	uint64_t start_ns = capture_writer_start_ns(writer);
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	int64_t realtime_ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
	ft_facts_set_number(writer->facts, FT_FACT_START_NS, (int64_t)start_ns);
	ft_facts_set_number(writer->facts, FT_FACT_START_REALTIME_NS,
			    realtime_ns - (int64_t)(clock_now_ns() - start_ns));
}

/* A first copy of the facts, in case the end, with all of them, never comes. */
static void draft_facts(struct capture_writer *writer)
{
	size_t facts_bytes;

	set_start_facts(writer);
	const void *facts = ft_facts_payload(writer->facts, &facts_bytes);
	if (!writer->error)
		writer->error = ft_writer_draft(writer->file, FT_SEGMENT_FACTS, facts, facts_bytes);
}

static void *run_writer(void *context)
{
	struct capture_writer *writer = context;
	pthread_setname_np(pthread_self(), "ft-save");
	find_beginning(writer);
	write_new_segments(writer);
	if (writer->history)
		draft_facts(writer); /* the beginning is known now */
	do {
		write_new_segments(writer);
		draft_names(writer);
	} while (wait_for_more(writer));
	write_new_segments(writer);
	return NULL;
}

int capture_writer_start(struct capture_writer *writer)
{
	draft_facts(writer);
	return -pthread_create(&writer->thread, NULL, run_writer, writer);
}

int capture_writer_error(const struct capture_writer *writer)
{
	return writer->error;
}

void capture_writer_stop(struct capture_writer *writer)
{
	pthread_mutex_lock(&writer->lock);
	writer->stop = true;
	pthread_cond_signal(&writer->stopping);
	pthread_mutex_unlock(&writer->lock);
	pthread_join(writer->thread, NULL);
}

int capture_writer_update_mappings(struct capture_writer *writer)
{
	pthread_mutex_lock(&writer->lock);
	int error = address_set_apply_mappings(writer->address_set, writer->mappings);
	pthread_mutex_unlock(&writer->lock);
	return error;
}

int capture_writer_find_names(struct capture_writer *writer, int deadline_ms)
{
	struct symbolize_address *addresses = NULL;
	size_t count = 0;
	int error = recorder_events_each(writer->own_events, collect_addresses, writer);
	if (!error)
		error = capture_writer_update_mappings(writer);
	if (!error)
		error = copy_addresses(writer, writer->named, &addresses, &count);
	if (!error && count)
		error = symbolize_resolve(writer->symbols, addresses, count,
					  writer->engine->kallsyms, writer->mappings, deadline_ms);
	free(addresses);
	if (!error)
		writer->named += count;
	return error;
}

/* A note says so if names are missing. */
static int find_remaining_names(struct capture_writer *writer, int deadline_ms)
{
	int error = capture_writer_find_names(writer, deadline_ms);
	if (!error || error == -ENOMEM)
		return error;
	recorder_events_note(writer->own_events, "not all user frames have names: %s",
			     error == -ETIMEDOUT ? "there was no time to look all of them up"
						 : strerror(-error));
	return 0;
}

static int set_last_facts(struct capture_writer *writer, const char *end_reason,
			  const struct capture_writer_summary *summary)
{
	const struct drain_counts *counts = drain_counts(writer->engine->drain);
	struct ft_facts *facts = writer->facts;
	int64_t *numbers = NULL;
	size_t count;
	int error = address_set_syscalls(writer->address_set, &numbers, &count);
	if (!error)
		error = host_facts_set_syscalls(facts, numbers, count);
	free(numbers);
	ft_facts_set(facts, FT_FACT_END_REASON, end_reason);
	ft_facts_set_number(facts, FT_FACT_DELAY_MAX_NS, (int64_t)counts->delay_max_ns);
	ft_facts_set_number(facts, FT_FACT_CPU_NS, (int64_t)clock_own_cpu_ns());
	ft_facts_set_number(facts, FT_FACT_LOST_COUNT, (int64_t)summary->lost);
	ft_facts_set_number(facts, FT_FACT_EVENT_COUNT, (int64_t)summary->events);
	return error;
}

static void note_unwritten(struct capture_writer *writer)
{
	uint64_t segments = writer->cursor.lost_segments - writer->base.lost_segments +
			    writer->unwritten_segments;
	uint64_t events =
		writer->cursor.lost_events - writer->base.lost_events + writer->unwritten_events;
	int error = writer->error;
	if (segments)
		recorder_events_note(writer->own_events,
				     "%llu events were recorded but could not be written%s%s",
				     (unsigned long long)events, error ? ": " : " in time",
				     error ? strerror(-error) : "");
}

static void note_skipped(struct capture_writer *writer)
{
	if (writer->skipped.segments)
		recorder_events_note(
			writer->own_events,
			"%.1f s of older history were left out: %.1f MB were free on the disk",
			(double)writer->skipped.duration_ns / 1e9,
			(double)writer->skipped.free_bytes / 1e6);
}

/* Does not count what was overwritten before the capture began. */
static void count_events(const struct capture_writer *writer,
			 struct capture_writer_summary *summary)
{
	const struct segment_ring_cursor *cursor = &writer->cursor, *base = &writer->base;
	uint64_t overwritten = cursor->lost_events - base->lost_events;
	summary->events = cursor->events - base->events + recorder_events_count(writer->own_events);
	summary->lost = writer->lost + overwritten + writer->unwritten_events;
}

void capture_writer_finish(struct capture_writer *writer, const char *end_reason, int names_ms,
			   struct capture_writer_summary *ret_summary)
{
	bool disk_full = capture_finish_is_full(writer->error);
	uint32_t cut_segments;

	note_skipped(writer);
	note_unwritten(writer);
	int error = find_remaining_names(writer, names_ms);
	*ret_summary = (struct capture_writer_summary){ 0 };
	count_events(writer, ret_summary);
	set_start_facts(writer);
	int facts_error = set_last_facts(writer, disk_full ? "disk-full" : end_reason, ret_summary);
	error = error ? error : facts_error;
	/* Without memory for all of it the capture is still completed. */
	int write_error =
		capture_finish(&(struct capture_finish_parts){ .file = writer->file,
							       .own_events = writer->own_events,
							       .symbols = writer->symbols,
							       .facts = writer->facts,
							       .disk_full = disk_full },
			       &cut_segments);
	error = write_error ? write_error : error;
	ret_summary->bytes = ft_writer_bytes(writer->file);
	ret_summary->write_error = writer->error ? writer->error : error;
	ret_summary->cut_segments = cut_segments;
}
