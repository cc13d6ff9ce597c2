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

/* The slots hold seconds of the heaviest load: looking now and then costs the recording path nothing,
 * waking this thread up would. */
#define LOOK_NS 20000000
/* A recorder that is killed leaves a file without the names of the last so many ns. */
#define DRAFT_NS 1000000000u
#define MARGIN \
	64 /* of so many parts of the history the oldest is left: it is about to be overwritten */

/* Where one CPU's part of the capture begins. */
struct beginning {
	uint32_t cpu;
	uint64_t sequence, first_ns;
};

struct capture_writer {
	struct engine *engine;
	struct mappings *mappings;
	struct ft_writer *writer;
	struct recorder_events *ownlog;
	struct ft_facts *facts;
	bool history;
	int out_fd;
	uint64_t more_ns;
	struct room_left_out left_out;
	struct ft_symbols *symbols;
	size_t named; /* of seen's addresses, names were looked for */
	size_t drafted; /* of seen's addresses, the kernel's have names in the file */
	uint64_t drafted_ns; /* when */
	pthread_mutex_t lock; /* of seen, while the thread runs */
	struct address_set *seen;
	struct segment_ring_cursor cursor, base; /* base: where it began */
	struct beginning *beginnings;
	size_t beginning_count;
	void *buffer; /* a slot long */
	uint64_t unwritten_segments, unwritten_events;
	uint64_t lost; /* records, that the segments tell of */
	pthread_t thread;
	pthread_cond_t stopping; /* with the lock */
	_Atomic bool stop;
	_Atomic int error;
};

static void init_stopping(struct capture_writer *job)
{
	pthread_condattr_t monotonic;
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&job->stopping, &monotonic);
	pthread_condattr_destroy(&monotonic);
}

int capture_writer_create(const struct capture_writer_options *options,
			  struct capture_writer **ret_job)
{
	struct capture_writer *job = calloc(1, sizeof(*job));
	if (!job)
		return -ENOMEM;
	job->engine = options->engine;
	job->mappings = options->mappings;
	job->history = options->history;
	job->out_fd = options->out_fd;
	job->more_ns = options->more_ns;
	pthread_mutex_init(&job->lock, NULL);
	init_stopping(job);
	job->beginnings = calloc(job->engine->counters->cpu_count, sizeof(*job->beginnings));
	job->buffer = malloc(segment_ring_slot_bytes(job->engine->slots));
	int error = job->buffer && job->beginnings ? ft_writer_create(options->out_fd, &job->writer)
						   : -ENOMEM;
	if (!error && (ft_facts_create(&job->facts) || recorder_events_create(&job->ownlog) ||
		       address_set_create(&job->seen) || ft_symbols_create(&job->symbols)))
		error = -ENOMEM;
	if (error) {
		capture_writer_destroy(job);
		return error;
	}
	*ret_job = job;
	return 0;
}

void capture_writer_destroy(struct capture_writer *job)
{
	if (!job)
		return;
	ft_symbols_destroy(job->symbols);
	address_set_destroy(job->seen);
	recorder_events_destroy(job->ownlog);
	ft_facts_destroy(job->facts);
	ft_writer_destroy(job->writer);
	pthread_cond_destroy(&job->stopping);
	pthread_mutex_destroy(&job->lock);
	free(job->beginnings);
	free(job->buffer);
	free(job);
}

struct recorder_events *capture_writer_ownlog(struct capture_writer *job)
{
	return job->ownlog;
}

struct ft_facts *capture_writer_facts(struct capture_writer *job)
{
	return job->facts;
}

static int write_segment(void *context, const void *segment, size_t segment_bytes)
{
	struct capture_writer *job = context;
	int error = ft_writer_segment(job->writer, segment, segment_bytes);
	if (error)
		return error;
	pthread_mutex_lock(&job->lock);
	error = address_set_segment(job->seen, segment, segment_bytes);
	pthread_mutex_unlock(&job->lock);
	return error == -ENOMEM ? error : 0;
}

int capture_writer_write_ownlog(struct capture_writer *job)
{
	int error = recorder_events_take(job->ownlog, write_segment, job);
	if (error)
		job->error = error;
	return error;
}

/* Where slots have been overwritten already, the oldest that are left would be while they are read. */
static void skip_margin(struct capture_writer *job)
{
	const struct segment_ring *slots = job->engine->slots;
	struct segment_ring_cursor cursor = { 0 };
	size_t bytes;

	if (segment_ring_get(slots, &cursor, job->buffer, &bytes) != 1 || !cursor.lost_segments)
		return;
	for (size_t i = 0; i < segment_ring_count(slots) / MARGIN; i++)
		segment_ring_get(slots, &cursor, job->buffer, &bytes);
	job->cursor = cursor;
}

static void find_beginning(struct capture_writer *job)
{
	if (!job->history)
		return;
	skip_margin(job);
	disk_space_find(job->out_fd, job->engine->slots, job->buffer, job->more_ns, &job->cursor,
			&job->left_out);
	job->base = job->cursor;
}

/* What the headers of the segments tell. */
static void look_at_header(struct capture_writer *job, const void *segment, size_t segment_bytes)
{
	struct ft_segment header;
	size_t used_bytes;

	if (ft_segment_decode(segment, segment_bytes, &header, &used_bytes))
		return;
	job->lost += header.lost;
	for (size_t i = 0; i < job->beginning_count; i++)
		if (job->beginnings[i].cpu == header.cpu)
			return;
	if (job->beginning_count < job->engine->counters->cpu_count)
		job->beginnings[job->beginning_count++] = (struct beginning){
			.cpu = header.cpu,
			.sequence = header.sequence,
			.first_ns = header.first_ns,
		};
}

/*
 * Events that are missing were put into the slots before base.put_ns. A CPU whose first segment is its
 * first ever misses none, one whose first segment begins earlier than that misses none after its beginning.
 */
uint64_t capture_writer_start_ns(const struct capture_writer *job)
{
	uint64_t start_ns = job->engine->start_ns;

	if (!job->base.next)
		return start_ns;
	if (job->beginning_count < job->engine->counters->cpu_count)
		return job->base.put_ns;
	for (size_t i = 0; i < job->beginning_count; i++) {
		const struct beginning *beginning = &job->beginnings[i];
		if (beginning->sequence && beginning->first_ns > start_ns)
			start_ns = beginning->first_ns;
	}
	return start_ns < job->base.put_ns ? start_ns : job->base.put_ns;
}

/* Write all there is now. After a failure the rest is only counted. */
static void write_all(struct capture_writer *job)
{
	size_t bytes;
	uint64_t taken = job->cursor.events - job->cursor.lost_events;
	while (segment_ring_get(job->engine->slots, &job->cursor, job->buffer, &bytes)) {
		int error = job->error;
		look_at_header(job, job->buffer, bytes);
		if (job->stop && !job->left_out.scarce)
			ft_writer_hurry(job->writer); /* the file is waited for */
		if (!error) {
			error = write_segment(job, job->buffer, bytes);
			job->error = error;
		}
		if (error) {
			job->unwritten_segments++;
			job->unwritten_events +=
				job->cursor.events - job->cursor.lost_events - taken;
		}
		taken = job->cursor.events - job->cursor.lost_events;
	}
}

/* What was seen from number @first on, malloc'ed: the thread goes on meanwhile. */
static int copy_addresses(struct capture_writer *job, size_t first,
			  struct names_address **ret_addresses, size_t *ret_count)
{
	size_t count;
	pthread_mutex_lock(&job->lock);
	const struct names_address *addresses = address_set_addresses(job->seen, &count);
	struct names_address *copy = calloc(count - first + 1, sizeof(*copy));
	if (copy && count > first)
		memcpy(copy, addresses + first, (count - first) * sizeof(*copy));
	pthread_mutex_unlock(&job->lock);
	if (!copy)
		return -ENOMEM;
	*ret_addresses = copy;
	*ret_count = count - first;
	return 0;
}

static int write_draft(void *context, const void *payload, size_t payload_bytes)
{
	struct capture_writer *job = context;
	return ft_writer_draft(job->writer, FT_SEGMENT_SYMBOLS, payload, payload_bytes);
}

/* The kernel's names of addresses not named yet; these need no file to be read. */
static int draft_symbols(const struct capture_writer *job, const struct names_address *addresses,
			 size_t count, struct ft_symbols *symbols)
{
	int error = 0;
	for (size_t i = 0; i < count && !error; i++) {
		struct ft_symbol symbol = { .tgid = FT_KERNEL_TGID,
					    .address = addresses[i].address };
		if (addresses[i].tgid != FT_KERNEL_TGID)
			continue;
		symbol.name = kallsyms_find(job->engine->kallsyms, symbol.address,
					    &symbol.offset_bytes, &symbol.module);
		if (symbol.name)
			error = ft_symbols_add(symbols, &symbol);
	}
	return error;
}

/*
 * Names come at the end, when all addresses are known. Should the recorder not live to see it, those
 * of the kernel's functions, without which events mean little, are in the file already. What goes wrong
 * here is told by the next segment's writing.
 */
static void draft_names(struct capture_writer *job)
{
	struct ft_symbols *symbols = NULL;
	struct names_address *addresses = NULL;
	size_t count;

	if (!job->engine->kallsyms || job->error || clock_now_ns() - job->drafted_ns < DRAFT_NS)
		return;
	job->drafted_ns = clock_now_ns();
	if (copy_addresses(job, job->drafted, &addresses, &count) || !count)
		goto out;
	if (ft_symbols_create(&symbols) || draft_symbols(job, addresses, count, symbols) ||
	    ft_symbols_write(symbols, write_draft, job))
		goto out;
	job->drafted += count;
out:
	ft_symbols_destroy(symbols);
	free(addresses);
}

/* Return: false where that was all. */
static bool wait_for_more(struct capture_writer *job)
{
	const struct timespec next = clock_timespec(clock_now_ns() + LOOK_NS);
	pthread_mutex_lock(&job->lock);
	if (!job->stop)
		pthread_cond_timedwait(&job->stopping, &job->lock, &next);
	bool more = !job->stop;
	pthread_mutex_unlock(&job->lock);
	return more;
}

static void set_start_facts(struct capture_writer *job)
{
	uint64_t start_ns = capture_writer_start_ns(job);
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	int64_t realtime_ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
	ft_facts_set_number(job->facts, FT_FACT_START_NS, (int64_t)start_ns);
	ft_facts_set_number(job->facts, FT_FACT_START_REALTIME_NS,
			    realtime_ns - (int64_t)(clock_now_ns() - start_ns));
}

/* Whom the capture is about, should the end, with all facts, never come. */
static void draft_facts(struct capture_writer *job)
{
	size_t facts_bytes;

	set_start_facts(job);
	const void *facts = ft_facts_payload(job->facts, &facts_bytes);
	if (!job->error)
		job->error = ft_writer_draft(job->writer, FT_SEGMENT_FACTS, facts, facts_bytes);
}

static void *run(void *context)
{
	struct capture_writer *job = context;
	pthread_setname_np(pthread_self(), "ft-save");
	find_beginning(job);
	write_all(job);
	if (job->history)
		draft_facts(job); /* now it is known where it begins */
	do {
		write_all(job);
		draft_names(job);
	} while (wait_for_more(job));
	write_all(job);
	return NULL;
}

int capture_writer_start(struct capture_writer *job)
{
	draft_facts(job);
	return -pthread_create(&job->thread, NULL, run, job);
}

int capture_writer_error(const struct capture_writer *job)
{
	return job->error;
}

void capture_writer_stop(struct capture_writer *job)
{
	pthread_mutex_lock(&job->lock);
	job->stop = true;
	pthread_cond_signal(&job->stopping);
	pthread_mutex_unlock(&job->lock);
	pthread_join(job->thread, NULL);
}

int capture_writer_update_mappings(struct capture_writer *job)
{
	pthread_mutex_lock(&job->lock);
	int error = address_set_apply_mappings(job->seen, job->mappings);
	pthread_mutex_unlock(&job->lock);
	return error;
}

static int look_at_segment(void *context, const void *segment, size_t segment_bytes)
{
	struct capture_writer *job = context;
	pthread_mutex_lock(&job->lock);
	int error = address_set_segment(job->seen, segment, segment_bytes);
	pthread_mutex_unlock(&job->lock);
	return error == -ENOMEM ? error : 0;
}

int capture_writer_name(struct capture_writer *job, int deadline_ms)
{
	struct names_address *addresses = NULL;
	size_t count = 0;
	int error = recorder_events_each(job->ownlog, look_at_segment, job);
	if (!error)
		error = capture_writer_update_mappings(job);
	if (!error)
		error = copy_addresses(job, job->named, &addresses, &count);
	if (!error && count)
		error = symbolize_resolve(job->symbols, addresses, count, job->engine->kallsyms,
					  job->mappings, deadline_ms);
	free(addresses);
	if (!error)
		job->named += count;
	return error;
}

/* Those that cannot be found are left out, with a note. */
static int name_the_rest(struct capture_writer *job, int deadline_ms)
{
	int error = capture_writer_name(job, deadline_ms);
	if (!error || error == -ENOMEM)
		return error;
	recorder_events_note(job->ownlog, "not all user frames have names: %s",
			     error == -ETIMEDOUT ? "there was no time to look all of them up"
						 : strerror(-error));
	return 0;
}

static int set_last_facts(struct capture_writer *job, const char *end_reason,
			  const struct capture_writer_summary *summary)
{
	const struct drain_counts *counts = drain_counts(job->engine->drain);
	struct ft_facts *facts = job->facts;
	int64_t *numbers = NULL;
	size_t count;
	int error = address_set_syscalls(job->seen, &numbers, &count);
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

static void note_unwritten(struct capture_writer *job)
{
	uint64_t segments =
		job->cursor.lost_segments - job->base.lost_segments + job->unwritten_segments;
	uint64_t events = job->cursor.lost_events - job->base.lost_events + job->unwritten_events;
	int error = job->error;
	if (segments)
		recorder_events_note(job->ownlog,
				     "%llu events were recorded but could not be written%s%s",
				     (unsigned long long)events, error ? ": " : " in time",
				     error ? strerror(-error) : "");
}

static void note_left_out(struct capture_writer *job)
{
	if (job->left_out.segments)
		recorder_events_note(
			job->ownlog,
			"%.1f s of older history were left out: %.1f MB were free on the disk",
			(double)job->left_out.duration_ns / 1e9,
			(double)job->left_out.free_bytes / 1e6);
}

/* Without what had been overwritten before the job began. */
static void count_events(const struct capture_writer *job, struct capture_writer_summary *summary)
{
	const struct segment_ring_cursor *cursor = &job->cursor, *base = &job->base;
	uint64_t overwritten = cursor->lost_events - base->lost_events;
	summary->events = cursor->events - base->events + recorder_events_events(job->ownlog);
	summary->lost = job->lost + overwritten + job->unwritten_events;
}

void capture_writer_finish(struct capture_writer *job, const char *end_reason, int names_ms,
			   struct capture_writer_summary *ret_summary)
{
	bool disk_full = capture_finish_is_full(job->error);
	uint32_t cut_segments;

	note_left_out(job);
	note_unwritten(job);
	int error = name_the_rest(job, names_ms);
	*ret_summary = (struct capture_writer_summary){ 0 };
	count_events(job, ret_summary);
	set_start_facts(job);
	int facts_error = set_last_facts(job, disk_full ? "disk-full" : end_reason, ret_summary);
	error = error ? error : facts_error;
	/* Short of memory the capture is still completed, with what there is. */
	int write_error = capture_finish_capture(&(struct seal){ .writer = job->writer,
								 .ownlog = job->ownlog,
								 .symbols = job->symbols,
								 .facts = job->facts,
								 .disk_full = disk_full },
						 &cut_segments);
	error = write_error ? write_error : error;
	ret_summary->bytes = ft_writer_bytes(job->writer);
	ret_summary->write_error = job->error ? job->error : error;
	ret_summary->cut_segments = cut_segments;
}
