/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <signal.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "capture/encoder.h"
#include "capture/reader.h"
#include "recorder/base/clock.h"
#include "recorder/write/capture_writer.h"
#include "tests/unit/support/unit_test.h"

#define SLOT_BYTES 4096
#define SLOTS	   128

/* Two CPUs that are not recorded: the test puts into the slots what they would have. */
struct fixture {
	struct engine engine;
	struct perf_events_cpu cpus[2];
	struct perf_events counters;
	struct mappings *mappings;
	struct ft_encoder *encoder;
	uint64_t sequences[2];
	char path[64];
	int fd;
};

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	struct engine *engine = &fixture->engine;
	*state = fixture;
	fixture->cpus[1].cpu = 1;
	fixture->counters = (struct perf_events){ .cpus = fixture->cpus, .cpu_count = 2 };
	engine->counters = &fixture->counters;
	engine->start_ns = clock_now_ns();
	snprintf(fixture->path, sizeof(fixture->path), "/tmp/test_job.XXXXXX");
	fixture->fd = mkstemp(fixture->path);
	return fixture->fd < 0 || segment_ring_create(SLOT_BYTES, SLOTS, &engine->slots) ||
	       stack_dumps_create(&engine->dumps) || task_table_create(100, &engine->tasks) ||
	       event_plan_create(&(struct tier){ .event_count = 0 }, &engine->tracefs, 4096,
			   &engine->plan, &(struct event_plan_error){ .text = "" }) ||
	       drain_create(engine->plan, engine->counters, engine->tasks, engine->slots,
			    engine->dumps, &engine->drain) ||
	       mappings_create(&fixture->mappings) || ft_encoder_create(&fixture->encoder);
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;
	struct engine *engine = &fixture->engine;
	drain_destroy(engine->drain);
	event_plan_destroy(engine->plan);
	task_table_destroy(engine->tasks);
	stack_dumps_destroy(engine->dumps);
	segment_ring_destroy(engine->slots);
	mappings_destroy(fixture->mappings);
	ft_encoder_destroy(fixture->encoder);
	close(fixture->fd);
	unlink(fixture->path);
	free(fixture);
	return 0;
}

/* A segment of @cpu with one event now. Return: its time. */
static uint64_t put_segment(struct fixture *fixture, uint32_t cpu)
{
	static _Alignas(8) uint8_t buffer[SLOT_BYTES];
	static const struct ft_task TASK = { .tid = 41, .tgid = 40, .comm = "service" };
	const struct ft_event event = {
		.kind = FT_EVENT_SAMPLE, .cpu = cpu, .time_ns = clock_now_ns(), .task = &TASK
	};
	ft_encoder_begin(fixture->encoder, buffer, sizeof(buffer), cpu, fixture->sequences[cpu]++);
	assert_int_equal(ft_encoder_add(fixture->encoder, &event), 0);
	segment_ring_put(fixture->engine.slots, buffer, ft_encoder_seal(fixture->encoder), 1);
	return event.time_ns;
}

static struct capture_writer *start_writer(struct fixture *fixture, bool history)
{
	struct capture_writer *job;
	assert_int_equal(capture_writer_create(&(struct capture_writer_options){ .engine = &fixture->engine,
							   .mappings = fixture->mappings,
							   .out_fd = fixture->fd,
							   .history = history },
				    &job),
			 0);
	assert_int_equal(capture_writer_start(job), 0);
	return job;
}

static struct capture_writer_summary stop_writer(struct capture_writer *job)
{
	struct capture_writer_summary summary;
	capture_writer_stop(job);
	capture_writer_finish(job, "duration", 10000, &summary);
	assert_int_equal(summary.write_error, 0);
	return summary;
}

/* Segments of events in the file, and the first one's time. */
static size_t segments_in(const struct fixture *fixture, uint64_t *ret_first_ns)
{
	struct ft_reader *reader;
	struct ft_damage damage;
	size_t count = 0;
	assert_int_equal(ft_reader_open(fixture->path, &reader, NULL), 0);
	ft_reader_damage(reader, &damage);
	assert_false(damage.torn);
	assert_int_equal(damage.bad_segments, 0);
	for (size_t i = 0; i < ft_reader_count(reader); i++) {
		const struct ft_segment *segment = ft_reader_segment(reader, i);
		if (segment->kind == FT_SEGMENT_EVENTS && segment->cpu != FT_NO_CPU && count++ == 0)
			*ret_first_ns = segment->first_ns;
	}
	ft_reader_close(reader);
	return count;
}

static void history_that_was_never_overwritten_begins_with_the_recording(void **state)
{
	struct fixture *fixture = *state;
	uint64_t first_ns, found_ns;
	first_ns = put_segment(fixture, 0);
	for (int i = 0; i < 10; i++)
		put_segment(fixture, 1);
	struct capture_writer *job = start_writer(fixture, true);
	struct capture_writer_summary summary = stop_writer(job);
	assert_int_equal(summary.events, 11);
	assert_int_equal(summary.lost, 0);
	assert_int_equal(capture_writer_start_ns(job), fixture->engine.start_ns);
	assert_int_equal(segments_in(fixture, &found_ns), 11);
	assert_int_equal(found_ns, first_ns);
	capture_writer_destroy(job);
}

static void what_was_overwritten_before_the_trigger_is_not_lost(void **state)
{
	struct fixture *fixture = *state;
	uint64_t times[5 * SLOTS], found_ns;
	for (size_t i = 0; i < 5 * SLOTS; i++)
		times[i] = put_segment(fixture, (uint32_t)i % 2);
	struct capture_writer *job = start_writer(fixture, true);
	struct capture_writer_summary summary = stop_writer(job);
	size_t segments = segments_in(fixture, &found_ns);
	assert_int_equal(summary.lost, 0);
	assert_int_equal(summary.events, segments);
	assert_true(segments < SLOTS && segments > SLOTS * 3 / 4);
	/* From there on both CPUs are whole: it comes after all that is missing. */
	assert_true(capture_writer_start_ns(job) >= times[5 * SLOTS - segments - 1]);
	assert_true(capture_writer_start_ns(job) <= times[5 * SLOTS - segments + 1]);
	capture_writer_destroy(job);
}

static void without_history_it_is(void **state)
{
	struct fixture *fixture = *state;
	uint64_t found_ns;
	for (int i = 0; i < 5 * SLOTS; i++)
		put_segment(fixture, (uint32_t)i % 2);
	struct capture_writer *job = start_writer(fixture, false);
	struct capture_writer_summary summary = stop_writer(job);
	assert_int_equal(segments_in(fixture, &found_ns), SLOTS);
	assert_int_equal(summary.lost, 4 * SLOTS);
	assert_int_equal(summary.events, 5 * SLOTS + 1); /* and a note about it */
	capture_writer_destroy(job);
}

/* A CPU that slept misses nothing: when it wakes up, that must not be taken for the beginning. */
static void idle_cpu_does_not_cut_the_history_short(void **state)
{
	struct fixture *fixture = *state;
	uint64_t last_ns = 0, woke_ns;
	put_segment(fixture, 1);
	for (int i = 0; i < 3 * SLOTS; i++)
		last_ns = put_segment(fixture, 0);
	woke_ns = put_segment(fixture, 1);
	struct capture_writer *job = start_writer(fixture, true);
	stop_writer(job);
	assert_true(capture_writer_start_ns(job) < last_ns);
	assert_true(capture_writer_start_ns(job) < woke_ns);
	capture_writer_destroy(job);
}

static void cpu_without_any_event_left_counts_from_what_was_overwritten_last(void **state)
{
	struct fixture *fixture = *state;
	uint64_t before_ns, found_ns;
	put_segment(fixture, 1);
	before_ns = clock_now_ns();
	for (int i = 0; i < 3 * SLOTS; i++)
		put_segment(fixture, 0);
	struct capture_writer *job = start_writer(fixture, true);
	stop_writer(job);
	assert_true(segments_in(fixture, &found_ns) > 0);
	assert_true(capture_writer_start_ns(job) > before_ns);
	assert_true(capture_writer_start_ns(job) <= found_ns);
	capture_writer_destroy(job);
}

/* As full as segments are under load. Return: its length. */
static size_t put_full(struct fixture *fixture, uint32_t cpu, uint64_t *ret_last_ns)
{
	static _Alignas(8) uint8_t buffer[SLOT_BYTES];
	static const struct ft_task TASK = { .tid = 41, .tgid = 40, .comm = "service" };
	struct ft_event event = { .kind = FT_EVENT_SAMPLE, .cpu = cpu, .task = &TASK };
	uint32_t count = 0;
	ft_encoder_begin(fixture->encoder, buffer, sizeof(buffer), cpu, fixture->sequences[cpu]++);
	for (event.time_ns = clock_now_ns(); !ft_encoder_add(fixture->encoder, &event); count++) {
		*ret_last_ns = event.time_ns;
		event.time_ns = clock_now_ns();
	}
	size_t bytes = ft_encoder_seal(fixture->encoder);
	segment_ring_put(fixture->engine.slots, buffer, bytes, count);
	return bytes;
}

static bool has_note(const struct fixture *fixture, const char *text)
{
	struct ft_reader *reader;
	size_t buffer_bytes = 0;
	void *buffer = NULL;
	bool has = false;
	assert_int_equal(ft_reader_open(fixture->path, &reader, NULL), 0);
	for (size_t i = 0; i < ft_reader_count(reader); i++) {
		const struct ft_segment *segment = ft_reader_segment(reader, i);
		assert_int_equal(ft_reader_load(reader, i, &buffer, &buffer_bytes), 0);
		has |= segment->kind == FT_SEGMENT_EVENTS && segment->cpu == FT_NO_CPU &&
		       memmem(buffer, segment->inflated_bytes, text, strlen(text));
	}
	free(buffer);
	ft_reader_close(reader);
	return has;
}

/* The limit of a file's size stands for the disk's free space: room for 64 of the 100 slots, and half of
 * it is for what comes after the trigger. */
static void history_that_does_not_fit_on_the_disk_loses_its_oldest_part(void **state)
{
	struct fixture *fixture = *state;
	struct rlimit former, limit;
	uint64_t times[110], found_ns;
	size_t sizes[110], first = 100, kept_bytes = 0;
	struct stat status;
	struct capture_writer *job;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &former), 0);
	limit = former;
	limit.rlim_cur = 64 * SLOT_BYTES / 2 * 4 / 3; /* deflated to half; a quarter is for names */
	signal(SIGXFSZ, SIG_IGN);
	for (size_t i = 0; i < 100; i++)
		sizes[i] = put_full(fixture, (uint32_t)i % 2, &times[i]);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	assert_int_equal(capture_writer_create(&(struct capture_writer_options){ .engine = &fixture->engine,
							   .mappings = fixture->mappings,
							   .out_fd = fixture->fd,
							   .history = true,
							   .more_ns = 3600000000000 },
				    &job),
			 0);
	assert_int_equal(capture_writer_start(job), 0);
	do { /* until its beginning is found, and some of it written */
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
		assert_int_equal(fstat(fixture->fd, &status), 0);
	} while (status.st_size < 2 * SLOT_BYTES);
	for (size_t i = 100; i < 110; i++)
		put_full(fixture, (uint32_t)i % 2, &times[i]);
	struct capture_writer_summary summary = stop_writer(job);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &former), 0);
	assert_int_equal(summary.lost, 0);
	assert_int_equal(summary.cut_segments, 0);
	assert_true(has_note(fixture, "s of older history were left out"));
	while (kept_bytes + sizes[first - 1] <= 32 * SLOT_BYTES)
		kept_bytes += sizes[--first];
	assert_true(first > 60);
	assert_int_equal(segments_in(fixture, &found_ns), 110 - first);
	assert_true(found_ns >= times[first - 1] && found_ns <= times[first]);
	assert_true(capture_writer_start_ns(job) >= times[first - 1] && capture_writer_start_ns(job) <= times[first]);
	capture_writer_destroy(job);
}

static void names_that_were_found_before_the_end_are_in_the_file(void **state)
{
	struct fixture *fixture = *state;
	uint64_t found_ns;
	put_segment(fixture, 0);
	struct capture_writer *job = start_writer(fixture, true);
	recorder_events_note(capture_writer_own_events(job), "a note");
	assert_int_equal(capture_writer_find_names(job, 10000), 0);
	assert_int_equal(capture_writer_find_names(job, 10000), 0); /* nothing new */
	put_segment(fixture, 0);
	struct capture_writer_summary summary = stop_writer(job);
	assert_int_equal(summary.events, 3);
	assert_int_equal(segments_in(fixture, &found_ns), 2);
	capture_writer_destroy(job);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

UNIT_TESTS(capture_writer)
{
	const struct CMUnitTest tests[] = {
		TEST(history_that_was_never_overwritten_begins_with_the_recording),
		TEST(what_was_overwritten_before_the_trigger_is_not_lost),
		TEST(without_history_it_is),
		TEST(idle_cpu_does_not_cut_the_history_short),
		TEST(cpu_without_any_event_left_counts_from_what_was_overwritten_last),
		TEST(history_that_does_not_fit_on_the_disk_loses_its_oldest_part),
		TEST(names_that_were_found_before_the_end_are_in_the_file),
	};
	return run_unit_tests(tests, NULL, NULL);
}
