/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/job.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "capture/symbols.h"
#include "capture/writer.h"
#include "recorder/clock.h"
#include "recorder/hostfacts.h"
#include "recorder/names.h"
#include "recorder/seal.h"
#include "recorder/seen.h"

/* The slots hold seconds of the heaviest load: looking now and then costs the recording path nothing,
 * waking this thread up would. */
#define LOOK_NS		  20000000
#define NAMES_DEADLINE_MS 20000

struct job {
	struct engine *engine;
	struct mappings *mappings;
	struct ft_writer *writer;
	struct ownlog *ownlog;
	struct ft_facts *facts;
	struct ft_symbols *symbols;
	struct seen *seen;
	struct slots_cursor cursor;
	void *buffer; /* a slot long */
	uint64_t unwritten_segments, unwritten_events;
	pthread_t thread;
	_Atomic int error;
	_Atomic bool stop;
};

int job_create(const struct job_options *options, struct job **ret_job)
{
	struct job *job = calloc(1, sizeof(*job));
	if (!job)
		return -ENOMEM;
	job->engine = options->engine;
	job->mappings = options->mappings;
	job->buffer = malloc(slots_slot_bytes(job->engine->slots));
	int error = job->buffer ? ft_writer_create(options->out_fd, &job->writer) : -ENOMEM;
	if (!error && (ft_facts_create(&job->facts) || ownlog_create(&job->ownlog) ||
		       seen_create(&job->seen) || ft_symbols_create(&job->symbols)))
		error = -ENOMEM;
	if (error) {
		job_destroy(job);
		return error;
	}
	*ret_job = job;
	return 0;
}

void job_destroy(struct job *job)
{
	if (!job)
		return;
	ft_symbols_destroy(job->symbols);
	seen_destroy(job->seen);
	ownlog_destroy(job->ownlog);
	ft_facts_destroy(job->facts);
	ft_writer_destroy(job->writer);
	free(job->buffer);
	free(job);
}

struct ownlog *job_ownlog(struct job *job)
{
	return job->ownlog;
}

struct ft_facts *job_facts(struct job *job)
{
	return job->facts;
}

void job_set_start(struct job *job, uint64_t start_ns)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	int64_t realtime_ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
	ft_facts_set_number(job->facts, FT_FACT_START_NS, (int64_t)start_ns);
	ft_facts_set_number(job->facts, FT_FACT_START_REALTIME_NS,
			    realtime_ns - (int64_t)(clock_now_ns() - start_ns));
}

static int write_segment(void *context, const void *segment, size_t segment_bytes)
{
	struct job *job = context;
	int error = ft_writer_segment(job->writer, segment, segment_bytes);
	if (error)
		return error;
	error = seen_segment(job->seen, segment, segment_bytes);
	return error == -ENOMEM ? error : 0;
}

int job_write_ownlog(struct job *job)
{
	int error = ownlog_take(job->ownlog, write_segment, job);
	if (error)
		job->error = error;
	return error;
}

/* Write all there is now. After a failure the rest is only counted. */
static void write_all(struct job *job)
{
	size_t bytes;
	uint64_t taken = job->cursor.events - job->cursor.lost_events;
	while (slots_get(job->engine->slots, &job->cursor, job->buffer, &bytes)) {
		int error = job->error;
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

static void *run(void *context)
{
	struct job *job = context;
	pthread_setname_np(pthread_self(), "ft-save");
	while (!job->stop) {
		write_all(job);
		clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){ .tv_nsec = LOOK_NS }, NULL);
	}
	write_all(job);
	return NULL;
}

int job_start(struct job *job)
{
	return -pthread_create(&job->thread, NULL, run, job);
}

int job_error(const struct job *job)
{
	return job->error;
}

void job_stop(struct job *job)
{
	job->stop = true;
	pthread_join(job->thread, NULL);
}

int job_update_mappings(struct job *job)
{
	return seen_apply_mappings(job->seen, job->mappings);
}

static int look_at_segment(void *context, const void *segment, size_t segment_bytes)
{
	struct job *job = context;
	int error = seen_segment(job->seen, segment, segment_bytes);
	return error == -ENOMEM ? error : 0;
}

/* Names of all addresses; those that cannot be found are left out, with a note. */
static int find_names(struct job *job)
{
	struct names_address *addresses = NULL;
	size_t count;
	int error = seen_addresses(job->seen, &addresses, &count);
	if (!error)
		error = names_resolve(job->symbols, addresses, count, job->engine->kallsyms,
				      job->mappings, NAMES_DEADLINE_MS);
	free(addresses);
	if (error && error != -ENOMEM) {
		ownlog_note(job->ownlog, "not all user frames have names: %s", strerror(-error));
		error = 0;
	}
	return error;
}

static uint64_t own_cpu_ns(void)
{
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	return ((uint64_t)usage.ru_utime.tv_sec + (uint64_t)usage.ru_stime.tv_sec) * 1000000000u +
	       ((uint64_t)usage.ru_utime.tv_usec + (uint64_t)usage.ru_stime.tv_usec) * 1000u;
}

static int set_last_facts(struct job *job, const char *end_reason,
			  const struct job_summary *summary)
{
	const struct drain_counts *counts = drain_counts(job->engine->drain);
	struct ft_facts *facts = job->facts;
	int64_t *numbers = NULL;
	size_t count;
	int error = seen_syscalls(job->seen, &numbers, &count);
	if (!error)
		error = hostfacts_set_syscalls(facts, numbers, count);
	free(numbers);
	ft_facts_set(facts, FT_FACT_END_REASON, end_reason);
	ft_facts_set_number(facts, FT_FACT_DELAY_MAX_NS, (int64_t)counts->delay_max_ns);
	ft_facts_set_number(facts, FT_FACT_CPU_NS, (int64_t)own_cpu_ns());
	ft_facts_set_number(facts, FT_FACT_LOST_COUNT, (int64_t)summary->lost);
	ft_facts_set_number(facts, FT_FACT_EVENT_COUNT, (int64_t)summary->events);
	return error;
}

static void note_unwritten(struct job *job, uint64_t segments, uint64_t events)
{
	int error = job->error;
	if (segments)
		ownlog_note(job->ownlog, "%llu events were recorded but could not be written%s%s",
			    (unsigned long long)events, error ? ": " : " in time",
			    error ? strerror(-error) : "");
}

void job_finish(struct job *job, const char *end_reason, struct job_summary *ret_summary)
{
	const struct drain_counts *counts = drain_counts(job->engine->drain);
	uint64_t unwritten_events = job->cursor.lost_events + job->unwritten_events;
	bool disk_full = seal_is_full(job->error);
	uint32_t cut_segments;

	note_unwritten(job, job->cursor.lost_segments + job->unwritten_segments, unwritten_events);
	int error = ownlog_each(job->ownlog, look_at_segment, job);
	if (!error)
		error = find_names(job);
	*ret_summary = (struct job_summary){
		.events = counts->events + ownlog_events(job->ownlog),
		.lost = counts->lost + unwritten_events,
	};
	int facts_error = set_last_facts(job, disk_full ? "disk-full" : end_reason, ret_summary);
	error = error ? error : facts_error;
	/* Short of memory the capture is still completed, with what there is. */
	int write_error = seal_capture(&(struct seal){ .writer = job->writer,
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
