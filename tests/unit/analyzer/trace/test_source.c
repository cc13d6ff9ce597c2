/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Captures made by hand, in memory, and what the analysis gets to see of them.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

#include "analyzer/trace/source.h"
#include "capture/bytes.h"
#include "capture/encoder.h"
#include "capture/format.h"
#include "capture/ringfile.h"
#include "capture/writer.h"
#include "tests/unit/support/unit_test.h"

#define SEGMENT_BYTES 65536

/* A capture being written. */
struct maker {
	int fd;
	char path[64];
	struct ft_encoder *encoder;
	struct ft_writer *writer;
	unsigned char buf[SEGMENT_BYTES];
};

static int set_up(void **state)
{
	struct maker *maker = calloc(1, sizeof(*maker));

	assert_non_null(maker);
	maker->fd = memfd_create("capture", MFD_CLOEXEC);
	assert_true(maker->fd >= 0);
	snprintf(maker->path, sizeof(maker->path), "/proc/self/fd/%d", maker->fd);
	assert_int_equal(ft_encoder_create(&maker->encoder), 0);
	assert_int_equal(ft_writer_create(maker->fd, &maker->writer), 0);
	*state = maker;
	return 0;
}

static int tear_down(void **state)
{
	struct maker *maker = *state;

	ft_writer_destroy(maker->writer);
	ft_encoder_destroy(maker->encoder);
	close(maker->fd);
	free(maker);
	return 0;
}

static const struct ft_task idle, feed = { 5, 5, "feed" }, resizer = { 6, 5, "resizer" },
	other = { 7, 7, "other" };

static void begin_segment(struct maker *maker, uint32_t cpu, uint64_t sequence)
{
	ft_encoder_begin(maker->encoder, maker->buf, sizeof(maker->buf), cpu, sequence);
}

static void add_event(struct maker *maker, struct ft_event event)
{
	assert_int_equal(ft_encoder_add(maker->encoder, &event), 0);
}

static void add_switch(struct maker *maker, uint32_t cpu, uint64_t time_ns,
		       const struct ft_task *prev, enum ft_task_state state,
		       const struct ft_task *next)
{
	add_event(maker, (struct ft_event){ .kind = FT_EVENT_SWITCH, .cpu = cpu, .time_ns = time_ns,
					    .task = prev,
					    .switch_ = { .next = next, .prev_state = state } });
}

static void add_waking(struct maker *maker, uint32_t cpu, uint64_t time_ns,
		       const struct ft_task *waker, const struct ft_task *wakee)
{
	add_event(maker, (struct ft_event){ .kind = FT_EVENT_WAKING, .cpu = cpu, .time_ns = time_ns,
					    .task = waker, .waking = { .wakee = wakee } });
}

static void add_simple(struct maker *maker, enum ft_event_kind kind, uint32_t cpu,
		       uint64_t time_ns, const struct ft_task *task)
{
	add_event(maker, (struct ft_event){ .kind = kind, .cpu = cpu, .time_ns = time_ns,
					    .task = task });
}

static void seal_segment(struct maker *maker)
{
	size_t bytes = ft_encoder_seal(maker->encoder);

	assert_int_equal(ft_writer_segment(maker->writer, maker->buf, bytes), 0);
}

static void add_facts(struct maker *maker, int64_t start_ns, int64_t end_ns)
{
	struct ft_facts *facts;
	const void *payload;
	size_t bytes;

	assert_int_equal(ft_facts_create(&facts), 0);
	assert_int_equal(ft_facts_set_number(facts, FT_FACT_START_NS, start_ns), 0);
	assert_int_equal(ft_facts_set_number(facts, FT_FACT_END_NS, end_ns), 0);
	payload = ft_facts_payload(facts, &bytes);
	assert_int_equal(ft_writer_payload(maker->writer, FT_SEGMENT_FACTS, payload, bytes), 0);
	ft_facts_destroy(facts);
}

static void end_capture(struct maker *maker)
{
	assert_int_equal(ft_writer_end(maker->writer), 0);
}

static struct source *open_capture(struct maker *maker)
{
	struct source *source;
	char *message = NULL;
	int error = source_open(maker->path, &source, &message);

	if (error)
		fail_msg("%d: %s", error, message);
	return source;
}

/* source_next() into memory of the caller. */
static int next_copy(struct source *source, struct event *ret_event)
{
	const struct event *event;
	int result = source_next(source, &event);

	*ret_event = result > 0 ? *event : (struct event){ .stack_id = STACK_NONE };
	return result;
}

struct expected {
	enum ft_event_kind kind;
	uint32_t cpu;
	uint64_t time_ns;
};

static void expect_events(struct source *source, const struct expected *expected, size_t count)
{
	struct event event;

	for (size_t i = 0; i < count; i++) {
		assert_int_equal(next_copy(source, &event), 1);
		assert_int_equal(event.raw.kind, expected[i].kind);
		assert_int_equal(event.raw.cpu, expected[i].cpu);
		assert_int_equal(event.raw.time_ns, expected[i].time_ns);
	}
	assert_int_equal(next_copy(source, &event), 0);
	assert_int_equal(next_copy(source, &event), 0);
}

#define EXPECT(source, ...) \
	expect_events(source, (struct expected[]){ __VA_ARGS__ }, \
		      sizeof((struct expected[]){ __VA_ARGS__ }) / sizeof(struct expected))

static void source_merges_the_cpus_by_time(void **state)
{
	struct maker *maker = *state;
	struct source *source;

	begin_segment(maker, 1, 0);
	add_switch(maker, 1, 200, &idle, FT_STATE_RUNNING, &resizer);
	add_switch(maker, 1, 400, &resizer, FT_STATE_DISK, &idle);
	seal_segment(maker);
	begin_segment(maker, 0, 0);
	add_switch(maker, 0, 100, &feed, FT_STATE_DISK, &idle);
	seal_segment(maker);
	begin_segment(maker, 0, 1);
	add_waking(maker, 0, 300, &idle, &feed);
	seal_segment(maker);
	end_capture(maker);
	source = open_capture(maker);
	assert_int_equal(source_start_ns(source), 100);
	assert_int_equal(source_end_ns(source), 400);
	for (int pass = 0; pass < 2; pass++) {
		EXPECT(source, { FT_EVENT_SWITCH, 0, 100 }, { FT_EVENT_SWITCH, 1, 200 },
		       { FT_EVENT_WAKING, 0, 300 }, { FT_EVENT_SWITCH, 1, 400 });
		source_rewind(source);
	}
	assert_null(source_damage_text(source));
	source_close(source);
}

static void source_gives_wakings_before_switches_of_the_same_time(void **state)
{
	struct maker *maker = *state;
	struct source *source;

	begin_segment(maker, 0, 0);
	add_switch(maker, 0, 100, &idle, FT_STATE_RUNNING, &feed);
	seal_segment(maker);
	begin_segment(maker, 1, 0);
	add_waking(maker, 1, 100, &resizer, &feed);
	seal_segment(maker);
	end_capture(maker);
	source = open_capture(maker);
	EXPECT(source, { FT_EVENT_WAKING, 1, 100 }, { FT_EVENT_SWITCH, 0, 100 });
	source_close(source);
}

static void source_never_steps_back_in_time(void **state)
{
	struct maker *maker = *state;
	struct source *source;

	begin_segment(maker, 0, 0);
	add_simple(maker, FT_EVENT_SAMPLE, 0, 100, &feed);
	add_simple(maker, FT_EVENT_SAMPLE, 0, 90, &feed);
	add_simple(maker, FT_EVENT_SAMPLE, 0, 110, &feed);
	seal_segment(maker);
	begin_segment(maker, 1, 0);
	add_simple(maker, FT_EVENT_SAMPLE, 1, 95, &other);
	add_simple(maker, FT_EVENT_SAMPLE, 1, 105, &other);
	seal_segment(maker);
	end_capture(maker);
	source = open_capture(maker);
	EXPECT(source, { FT_EVENT_SAMPLE, 1, 95 }, { FT_EVENT_SAMPLE, 0, 100 },
	       { FT_EVENT_SAMPLE, 0, 100 }, { FT_EVENT_SAMPLE, 1, 105 },
	       { FT_EVENT_SAMPLE, 0, 110 });
	source_close(source);
}

static void source_says_lost_where_a_sequence_number_is_missing(void **state)
{
	struct maker *maker = *state;
	struct source *source;
	struct event event;

	begin_segment(maker, 0, 0);
	add_simple(maker, FT_EVENT_SAMPLE, 0, 100, &feed);
	seal_segment(maker);
	begin_segment(maker, 0, 2);
	add_simple(maker, FT_EVENT_SAMPLE, 0, 300, &feed);
	seal_segment(maker);
	begin_segment(maker, 1, 0);
	add_simple(maker, FT_EVENT_SAMPLE, 1, 200, &other);
	seal_segment(maker);
	end_capture(maker);
	source = open_capture(maker);
	/* the loss is told when it begins */
	EXPECT(source, { FT_EVENT_SAMPLE, 0, 100 }, { FT_EVENT_LOST, 0, 300 },
	       { FT_EVENT_SAMPLE, 1, 200 }, { FT_EVENT_SAMPLE, 0, 300 });
	source_rewind(source);
	assert_int_equal(next_copy(source, &event), 1);
	assert_int_equal(next_copy(source, &event), 1);
	assert_int_equal(event.raw.lost.start_ns, 100);
	assert_int_equal(event.raw.lost.records, 0);
	assert_null(event.thread);
	source_close(source);
}

static void source_says_lost_where_the_first_segment_is_missing(void **state)
{
	struct maker *maker = *state;
	struct source *source;

	add_facts(maker, 50, 400);
	begin_segment(maker, 0, 1);
	add_simple(maker, FT_EVENT_SAMPLE, 0, 100, &feed);
	seal_segment(maker);
	end_capture(maker);
	source = open_capture(maker);
	EXPECT(source, { FT_EVENT_LOST, 0, 100 }, { FT_EVENT_SAMPLE, 0, 100 });
	source_close(source);
}

static void source_says_lost_behind_the_end_of_a_torn_capture(void **state)
{
	struct maker *maker = *state;
	struct source *source;
	char *text;

	begin_segment(maker, 0, 0);
	add_simple(maker, FT_EVENT_SAMPLE, 0, 100, &feed);
	seal_segment(maker);
	begin_segment(maker, 1, 0);
	add_simple(maker, FT_EVENT_SAMPLE, 1, 1500000200, &other);
	seal_segment(maker);
	source = open_capture(maker);
	EXPECT(source, { FT_EVENT_SAMPLE, 0, 100 }, { FT_EVENT_LOST, 0, 1500000200 },
	       { FT_EVENT_SAMPLE, 1, 1500000200 }, { FT_EVENT_LOST, 1, 1500000200 });
	text = source_damage_text(source);
	assert_non_null(strstr(text, maker->path));
	assert_non_null(strstr(text, "the end mark is missing"));
	assert_non_null(strstr(text, "Used the 2 whole segments (1.5 s)"));
	free(text);
	source_close(source);
}

static void source_passes_on_the_recorders_losses_when_they_begin(void **state)
{
	struct maker *maker = *state;
	struct source *source;

	begin_segment(maker, 0, 0);
	add_simple(maker, FT_EVENT_SAMPLE, 0, 100, &feed);
	add_event(maker, (struct ft_event){ .kind = FT_EVENT_LOST,
					    .cpu = 0,
					    .time_ns = 300,
					    .task = &idle,
					    .lost = { .start_ns = 100, .records = 9 } });
	add_simple(maker, FT_EVENT_SAMPLE, 0, 310, &feed);
	seal_segment(maker);
	begin_segment(maker, 1, 0);
	add_simple(maker, FT_EVENT_SAMPLE, 1, 200, &other);
	seal_segment(maker);
	end_capture(maker);
	source = open_capture(maker);
	EXPECT(source, { FT_EVENT_SAMPLE, 0, 100 }, { FT_EVENT_LOST, 0, 300 },
	       { FT_EVENT_SAMPLE, 1, 200 }, { FT_EVENT_SAMPLE, 0, 310 });
	source_close(source);
}

static void source_sorts_what_the_recorder_says_itself(void **state)
{
	struct maker *maker = *state;
	const uint64_t frames[] = { 0x11, 0x22 };
	const struct ft_stack stack = { frames, 0, 2 };
	struct source *source;
	struct event event;

	add_facts(maker, 100, 400);
	begin_segment(maker, 0, 0);
	add_event(maker, (struct ft_event){ .kind = FT_EVENT_CALL, .cpu = 0, .time_ns = 200,
					    .task = &feed, .call = { .call = FT_CALL_MMAP } });
	seal_segment(maker);
	begin_segment(maker, FT_NO_CPU, 0);
	add_simple(maker, FT_EVENT_STATE, FT_NO_CPU, 110, &other);
	add_event(maker, (struct ft_event){ .kind = FT_EVENT_NOTE, .cpu = FT_NO_CPU, .time_ns = 120,
					    .task = &idle, .note = { .text = "a note" } });
	seal_segment(maker);
	begin_segment(maker, FT_NO_CPU, 1);
	add_simple(maker, FT_EVENT_STATE, FT_NO_CPU, 500, &other);
	add_event(maker, (struct ft_event){ .kind = FT_EVENT_UNWOUND,
					    .cpu = FT_NO_CPU,
					    .time_ns = 200,
					    .task = &feed,
					    .stack = &stack });
	seal_segment(maker);
	end_capture(maker);
	source = open_capture(maker);
	EXPECT(source, { FT_EVENT_STATE, FT_NO_CPU, 110 }, { FT_EVENT_NOTE, FT_NO_CPU, 120 },
	       { FT_EVENT_CALL, 0, 200 }, { FT_EVENT_UNWOUND, FT_NO_CPU, 200 },
	       { FT_EVENT_STATE, FT_NO_CPU, 400 });
	source_rewind(source);
	assert_int_equal(next_copy(source, &event), 1);
	assert_int_equal(next_copy(source, &event), 1);
	assert_string_equal(event.raw.note.text, "a note");
	assert_int_equal(next_copy(source, &event), 1);
	assert_int_equal(next_copy(source, &event), 1);
	assert_int_equal(event.thread->tid, 5);
	assert_int_not_equal(event.stack_id, STACK_NONE);
	assert_int_equal(event.raw.stack->user_count, 2);
	assert_int_equal(event.raw.stack->frames[1], 0x22);
	source_close(source);
}

static void source_passes_on_spans_and_counters(void **state)
{
	struct maker *maker = *state;
	struct source *source;
	const struct event *event;

	add_facts(maker, 100, 400);
	for (uint32_t i = 0; i < 2; i++) {
		uint32_t cpu = i ? FT_NO_CPU : 0;

		begin_segment(maker, cpu, 0);
		add_event(maker, (struct ft_event){ .kind = FT_EVENT_SPAN,
						    .cpu = cpu,
						    .time_ns = 200 + i,
						    .task = &feed,
						    .span = { "reclaim", true, 1, 32 } });
		add_event(maker,
			  (struct ft_event){ .kind = FT_EVENT_COUNTER,
					     .cpu = cpu,
					     .time_ns = 210 + i,
					     .task = &ft_nobody,
					     .counter = { "cpu.stat:usage_usec", "/a", -3 } });
		seal_segment(maker);
	}
	end_capture(maker);
	source = open_capture(maker);
	EXPECT(source, { FT_EVENT_SPAN, 0, 200 }, { FT_EVENT_SPAN, FT_NO_CPU, 201 },
	       { FT_EVENT_COUNTER, 0, 210 }, { FT_EVENT_COUNTER, FT_NO_CPU, 211 });
	source_rewind(source);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(source_next(source, &event), 1);
		assert_int_equal(event->thread->tid, 5);
		assert_string_equal(event->raw.span.name, "reclaim");
		assert_true(event->raw.span.end);
		assert_int_equal(event->raw.span.value, 32);
	}
	for (int i = 0; i < 2; i++) {
		assert_int_equal(source_next(source, &event), 1);
		assert_null(event->thread);
		assert_string_equal(event->raw.counter.name, "cpu.stat:usage_usec");
		assert_string_equal(event->raw.counter.scope, "/a");
		assert_int_equal(event->raw.counter.value, -3);
	}
	source_close(source);
}

static void source_names_threads_and_stacks_once_for_all_cpus(void **state)
{
	struct maker *maker = *state;
	const uint64_t frames[] = { 0xffffffff81000010, 0xffffffff81000020 };
	const struct ft_stack stack = { frames, 2, 0 };
	struct source *source;
	struct event first, second;

	for (uint32_t cpu = 0; cpu < 2; cpu++) {
		begin_segment(maker, cpu, 0);
		add_event(maker, (struct ft_event){ .kind = FT_EVENT_SWITCH, .cpu = cpu,
						    .time_ns = 100 + cpu, .task = &feed,
						    .stack = &stack,
						    .switch_ = { &idle, FT_STATE_DISK } });
		seal_segment(maker);
	}
	end_capture(maker);
	source = open_capture(maker);
	assert_int_equal(next_copy(source, &first), 1);
	assert_int_equal(next_copy(source, &second), 1);
	assert_ptr_equal(first.thread, second.thread);
	assert_int_equal(first.stack_id, second.stack_id);
	assert_ptr_not_equal(first.other, second.other);
	assert_true(first.other->idle_task && second.other->idle_task);
	source_close(source);
}

static void source_tells_a_tid_used_again_apart(void **state)
{
	struct maker *maker = *state;
	struct source *source;
	struct event event;
	struct thread *before = NULL;

	begin_segment(maker, 0, 0);
	add_simple(maker, FT_EVENT_EXIT, 0, 100, &resizer);
	add_switch(maker, 0, 110, &resizer, FT_STATE_DEAD, &feed);
	add_event(maker, (struct ft_event){ .kind = FT_EVENT_FORK, .cpu = 0, .time_ns = 120,
					    .task = &feed, .fork = { .child = &resizer } });
	add_switch(maker, 0, 130, &feed, FT_STATE_SLEEPING, &resizer);
	seal_segment(maker);
	begin_segment(maker, FT_NO_CPU, 0);
	add_event(maker, (struct ft_event){ .kind = FT_EVENT_UNWOUND,
					    .cpu = FT_NO_CPU,
					    .time_ns = 115,
					    .task = &resizer });
	seal_segment(maker);
	end_capture(maker);
	source = open_capture(maker);
	for (int pass = 0; pass < 2; pass++) {
		assert_int_equal(next_copy(source, &event), 1);
		if (pass)
			assert_ptr_equal(event.thread, before);
		before = event.thread;
		assert_int_equal(before->died_ns, 100);
		assert_false(before->exited);
		assert_int_equal(next_copy(source, &event), 1);
		assert_ptr_equal(event.thread, before);
		assert_true(before->exited);
		assert_int_equal(next_copy(source, &event), 1);
		assert_int_equal(event.raw.kind, FT_EVENT_UNWOUND);
		assert_ptr_equal(event.thread, before);
		assert_int_equal(next_copy(source, &event), 1);
		assert_ptr_not_equal(event.other, before);
		assert_ptr_equal(event.other->former, before);
		assert_int_equal(next_copy(source, &event), 1);
		assert_ptr_equal(event.other->former, before);
		assert_int_equal(threads_count(source_threads(source)), 3);
		source_rewind(source);
	}
	source_close(source);
}

static void source_keeps_a_name_that_came_back(void **state)
{
	static const struct ft_task renamed = { 5, 5, "renamed" };
	struct maker *maker = *state;
	struct source *source;
	struct event event;

	begin_segment(maker, 0, 0);
	add_simple(maker, FT_EVENT_COMM, 0, 100, &feed);
	add_simple(maker, FT_EVENT_COMM, 0, 110, &renamed);
	add_simple(maker, FT_EVENT_COMM, 0, 120, &feed);
	seal_segment(maker);
	end_capture(maker);
	source = open_capture(maker);
	while (next_copy(source, &event) > 0)
		assert_string_equal(event.thread->comm, event.raw.task->comm);
	assert_string_equal(threads_find(source_threads(source), 5)->comm, "feed");
	source_close(source);
}

static void source_uses_facts_for_the_span(void **state)
{
	struct maker *maker = *state;
	struct source *source;

	add_facts(maker, 50, 900);
	begin_segment(maker, 0, 0);
	add_simple(maker, FT_EVENT_SAMPLE, 0, 100, &feed);
	seal_segment(maker);
	end_capture(maker);
	source = open_capture(maker);
	assert_int_equal(source_start_ns(source), 50);
	assert_int_equal(source_end_ns(source), 900);
	source_close(source);
}

static void source_reads_a_capture_without_events(void **state)
{
	struct maker *maker = *state;
	struct source *source;
	struct event event;

	end_capture(maker);
	source = open_capture(maker);
	assert_int_equal(next_copy(source, &event), 0);
	source_close(source);
}

/* Cut and flipped captures: read to an end without a crash, in order, and never called whole
 * unless all of the events are there. */
static void read_damaged(const char *path, size_t whole_count)
{
	struct source *source;
	struct event event;
	uint64_t last_ns = 0;
	size_t count = 0;
	char *text = NULL;
	int result;

	if (source_open(path, &source, &text) != 0) {
		assert_non_null(text);
		free(text);
		return;
	}
	while ((result = next_copy(source, &event)) > 0) {
		if (event.raw.kind == FT_EVENT_LOST)
			continue;
		assert_true(event.raw.time_ns >= last_ns);
		last_ns = event.raw.time_ns;
		count++;
	}
	assert_int_equal(result, 0);
	text = source_damage_text(source);
	if (!text)
		assert_int_equal(count, whole_count);
	free(text);
	source_close(source);
}

static size_t make_small_capture(struct maker *maker)
{
	add_facts(maker, 50, 900);
	for (uint64_t i = 0; i < 3; i++) {
		begin_segment(maker, i % 2, i / 2);
		add_switch(maker, i % 2, 100 + i * 10, &feed, FT_STATE_DISK, &resizer);
		add_waking(maker, i % 2, 105 + i * 10, &resizer, &feed);
		seal_segment(maker);
	}
	begin_segment(maker, FT_NO_CPU, 0);
	add_simple(maker, FT_EVENT_STATE, FT_NO_CPU, 110, &other);
	seal_segment(maker);
	end_capture(maker);
	return 7;
}

static void source_reads_a_capture_cut_at_any_byte(void **state)
{
	struct maker *maker = *state;
	size_t count = make_small_capture(maker);

	for (off_t bytes = ft_writer_bytes(maker->writer); bytes >= 0; bytes--) {
		assert_int_equal(ftruncate(maker->fd, bytes), 0);
		read_damaged(maker->path, count);
	}
}

static void source_reads_a_capture_with_any_flipped_bit(void **state)
{
	struct maker *maker = *state;
	size_t count = make_small_capture(maker);

	for (off_t at = 0; at < (off_t)ft_writer_bytes(maker->writer); at++) {
		unsigned char byte, flipped;

		assert_int_equal(pread(maker->fd, &byte, 1, at), 1);
		flipped = byte ^ (1 << (at % 8));
		assert_int_equal(pwrite(maker->fd, &flipped, 1, at), 1);
		read_damaged(maker->path, count);
		assert_int_equal(pwrite(maker->fd, &byte, 1, at), 1);
	}
}

static void source_says_where_a_cut_capture_ends(void **state)
{
	struct maker *maker = *state;
	struct source *source;
	uint64_t bytes;
	char expected[64];
	char *text;

	begin_segment(maker, 0, 0);
	add_simple(maker, FT_EVENT_SAMPLE, 0, 100, &feed);
	seal_segment(maker);
	bytes = ft_writer_bytes(maker->writer);
	begin_segment(maker, 0, 1);
	add_simple(maker, FT_EVENT_SAMPLE, 0, 2000000100, &feed);
	seal_segment(maker);
	assert_int_equal(ftruncate(maker->fd, ft_writer_bytes(maker->writer) - 1), 0);
	source = open_capture(maker);
	text = source_damage_text(source);
	snprintf(expected, sizeof(expected), "segment 2 at offset %llu",
		 (unsigned long long)bytes);
	assert_non_null(strstr(text, expected));
	assert_non_null(strstr(text, "Used the 1 whole segment "));
	assert_non_null(strstr(text, "What came later is not in this report."));
	free(text);
	source_close(source);
}

static void source_calls_an_impossible_cpu_damage(void **state)
{
	struct maker *maker = *state;
	struct source *source;
	struct ft_damage damage;
	struct event event;
	char *text;

	begin_segment(maker, 70000, 0);
	add_simple(maker, FT_EVENT_SAMPLE, 70000, 100, &feed);
	seal_segment(maker);
	end_capture(maker);
	source = open_capture(maker);
	assert_int_equal(next_copy(source, &event), 0);
	source_damage(source, &damage);
	assert_int_equal(damage.bad_segments, 1);
	text = source_damage_text(source);
	assert_non_null(strstr(text, "1 segment cannot be decoded"));
	free(text);
	source_close(source);
}

/* Histories: captures out of a ring, and ring files. */

static void add_history_facts(struct maker *maker, int64_t start_ns)
{
	static const char history[] = FT_FACT_HISTORY "\0ring";

	assert_int_equal(ft_writer_payload(maker->writer, FT_SEGMENT_FACTS, history,
					   sizeof(history)), 0);
	if (start_ns)
		add_facts(maker, start_ns, 400);
}

static void make_history(struct maker *maker)
{
	begin_segment(maker, 0, 17);
	add_simple(maker, FT_EVENT_SAMPLE, 0, 100, &feed);
	add_simple(maker, FT_EVENT_SAMPLE, 0, 300, &feed);
	seal_segment(maker);
	begin_segment(maker, 1, 0);
	add_simple(maker, FT_EVENT_SAMPLE, 1, 350, &other);
	seal_segment(maker);
	begin_segment(maker, 2, 4);
	add_simple(maker, FT_EVENT_SAMPLE, 2, 200, &other);
	seal_segment(maker);
	begin_segment(maker, 2, 6);
	add_simple(maker, FT_EVENT_SAMPLE, 2, 310, &other);
	seal_segment(maker);
	end_capture(maker);
}

static void source_misses_nothing_before_a_history(void **state)
{
	struct maker *maker = *state;
	struct source *source;

	add_history_facts(maker, 150);
	make_history(maker);
	source = open_capture(maker);
	assert_int_equal(source_start_ns(source), 150);
	assert_null(source_ring(source));
	assert_null(source_damage_text(source));
	for (int pass = 0; pass < 2; pass++) {
		EXPECT(source, { FT_EVENT_SAMPLE, 0, 100 }, { FT_EVENT_SAMPLE, 2, 200 },
		       { FT_EVENT_LOST, 2, 310 }, { FT_EVENT_SAMPLE, 0, 300 },
		       { FT_EVENT_SAMPLE, 2, 310 }, { FT_EVENT_SAMPLE, 1, 350 });
		source_rewind(source);
	}
	source_close(source);
}

/* CPU 1 is there from its first segment on: that it begins late means that nothing happened. */
static void source_lets_a_history_start_where_its_last_cpu_begins(void **state)
{
	struct maker *maker = *state;
	struct source *source;

	add_history_facts(maker, 0);
	make_history(maker);
	source = open_capture(maker);
	assert_int_equal(source_start_ns(source), 200);
	source_close(source);
}

#define RING_S 1000000000ull

static void refused_path(const char *path, int expected_error, const char *says)
{
	struct source *source = NULL;
	char *message = NULL;

	assert_int_equal(source_open(path, &source, &message), expected_error);
	assert_non_null(strstr(message, says));
	free(message);
}

struct ring_maker {
	struct ft_ringfile ring;
	uint8_t *memory;
	uint32_t slot;
};

/* What follows goes into a ring file in place of the capture. */
static struct ring_maker make_ring(struct maker *maker)
{
	struct ring_maker made = { .ring = { .slot_bytes = 4096, .facts_bytes = 4096,
					     .names_bytes = 4096, .own_slots = 1,
					     .event_slots = 8 } };

	assert_int_equal(ft_ringfile_place(&made.ring), 0);
	assert_int_equal(ftruncate(maker->fd, 0), 0);
	assert_int_equal(ftruncate(maker->fd, (off_t)made.ring.bytes), 0);
	made.memory = mmap(NULL, made.ring.bytes, PROT_READ | PROT_WRITE, MAP_SHARED, maker->fd, 0);
	assert_true(made.memory != MAP_FAILED);
	ft_ringfile_begin(&made.ring, made.memory);
	return made;
}

static void put_samples(struct maker *maker, struct ring_maker *made, uint32_t cpu,
			uint64_t sequence, uint64_t first_ns, uint64_t last_ns)
{
	begin_segment(maker, cpu, sequence);
	add_simple(maker, FT_EVENT_SAMPLE, cpu, first_ns, &feed);
	add_simple(maker, FT_EVENT_SAMPLE, cpu, last_ns, &feed);
	ft_ringfile_put(made->memory + made->ring.events_at + made->slot++ * 4096, maker->buf,
			ft_encoder_seal(maker->encoder));
}

static void put_ring_facts(struct ring_maker *made, int64_t start_ns, int64_t realtime_ns)
{
	struct ft_facts *facts;
	const void *payload;
	size_t bytes;

	assert_int_equal(ft_facts_create(&facts), 0);
	ft_facts_set_number(facts, FT_FACT_START_NS, start_ns);
	ft_facts_set_number(facts, FT_FACT_START_REALTIME_NS, realtime_ns);
	payload = ft_facts_payload(facts, &bytes);
	assert_int_equal(ft_ringfile_put_facts(&made->ring, made->memory, 1, payload, bytes), 0);
	ft_facts_destroy(facts);
}

/* CPU 0 has overwritten segments, CPU 1 was idle long after that, CPU 2 is idle since. */
static struct ring_maker make_old_ring(struct maker *maker)
{
	struct ring_maker made = make_ring(maker);

	put_ring_facts(&made, 1 * RING_S, 1000 * RING_S);
	put_samples(maker, &made, 2, 5, 109 * RING_S, 111 * RING_S);
	put_samples(maker, &made, 0, 90, 110 * RING_S, 112 * RING_S);
	put_samples(maker, &made, 0, 91, 113 * RING_S, 119 * RING_S);
	put_samples(maker, &made, 1, 7, 118 * RING_S, 120 * RING_S);
	return made;
}

static void set_since(struct ring_maker *made, uint64_t time_ns)
{
	ft_ringfile_set_since((uint64_t *)(made->memory + FT_RINGFILE_SINCE_AT), time_ns);
}

static void source_reads_a_ring_from_where_nothing_was_overwritten(void **state)
{
	struct maker *maker = *state;
	struct ring_maker made = make_old_ring(maker);
	struct source *source;
	struct ft_damage damage;

	set_since(&made, 1095 * RING_S / 10);
	source = open_capture(maker);
	assert_string_equal(source_ring(source), "left");
	assert_int_equal(source_start_ns(source), 1095 * RING_S / 10);
	assert_int_equal(source_end_ns(source), 120 * RING_S);
	assert_int_equal(source_start_realtime_ns(source), 1000 * RING_S + 1085 * RING_S / 10);
	/* what was not put yet: of the last 3 s, or since the CPU's last event */
	EXPECT(source, { FT_EVENT_SAMPLE, 2, 109 * RING_S }, { FT_EVENT_SAMPLE, 0, 110 * RING_S },
	       { FT_EVENT_SAMPLE, 2, 111 * RING_S }, { FT_EVENT_SAMPLE, 0, 112 * RING_S },
	       { FT_EVENT_SAMPLE, 0, 113 * RING_S }, { FT_EVENT_LOST, 2, 120 * RING_S },
	       { FT_EVENT_SAMPLE, 1, 118 * RING_S }, { FT_EVENT_SAMPLE, 0, 119 * RING_S },
	       { FT_EVENT_LOST, 0, 120 * RING_S }, { FT_EVENT_SAMPLE, 1, 120 * RING_S },
	       { FT_EVENT_LOST, 1, 120 * RING_S });
	source_damage(source, &damage);
	assert_false(damage.torn);
	assert_null(source_damage_text(source));
	source_close(source);
	munmap(made.memory, made.ring.bytes);
}

static void source_does_not_believe_a_ring_that_says_too_much(void **state)
{
	struct maker *maker = *state;
	struct ring_maker made = make_old_ring(maker);
	/* nothing overwritten, and yet the sequences do not start at 0; later than that can be;
	 * damaged */
	const uint64_t said[] = { 0, 119 * RING_S, FT_RINGFILE_SINCE_UNKNOWN };

	for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++) {
		struct source *source;

		if (said[i])
			set_since(&made, said[i]);
		if (said[i] == FT_RINGFILE_SINCE_UNKNOWN)
			made.memory[FT_RINGFILE_SINCE_AT + 3] ^= 1;
		source = open_capture(maker);
		assert_int_equal(source_start_ns(source), 118 * RING_S);
		source_close(source);
	}
	munmap(made.memory, made.ring.bytes);
}

static void source_starts_a_young_ring_with_its_recorder(void **state)
{
	struct maker *maker = *state;
	struct ring_maker made = make_ring(maker);
	struct source *source;

	put_ring_facts(&made, 1 * RING_S, 1000 * RING_S);
	put_samples(maker, &made, 0, 0, 2 * RING_S, 3 * RING_S);
	put_samples(maker, &made, 1, 0, 4 * RING_S, 5 * RING_S);
	source = open_capture(maker);
	assert_int_equal(source_start_ns(source), 1 * RING_S);
	assert_int_equal(source_start_realtime_ns(source), 1000 * RING_S);
	source_close(source);
	munmap(made.memory, made.ring.bytes);
}

static void source_calls_the_beginning_of_a_damaged_ring_lost(void **state)
{
	struct maker *maker = *state;
	struct ring_maker made = make_old_ring(maker);
	struct source *source;
	struct event event;
	char *text;
	bool told = false;

	set_since(&made, 1095 * RING_S / 10);
	made.memory[made.ring.events_at + 4096 + 80] ^= 1; /* CPU 0's first */
	source = open_capture(maker);
	while (next_copy(source, &event) > 0)
		told |= event.raw.kind == FT_EVENT_LOST && event.raw.cpu == 0 &&
			event.raw.lost.start_ns == 1095 * RING_S / 10 &&
			event.raw.time_ns == 113 * RING_S;
	assert_true(told);
	text = source_damage_text(source);
	assert_non_null(strstr(text, "1 damaged region,"));
	free(text);
	source_close(source);
	munmap(made.memory, made.ring.bytes);
}

static void source_says_that_a_ring_was_cut(void **state)
{
	struct maker *maker = *state;
	struct ring_maker made = make_old_ring(maker);
	struct source *source;
	struct ft_damage damage;
	char *text;

	munmap(made.memory, made.ring.bytes);
	assert_int_equal(ftruncate(maker->fd, (off_t)(made.ring.events_at + 2 * 4096)), 0);
	source = open_capture(maker);
	source_damage(source, &damage);
	assert_true(damage.torn);
	assert_int_equal(damage.segments, 3);
	text = source_damage_text(source);
	assert_non_null(strstr(text, "this ring file was cut to "));
	free(text);
	source_close(source);
}

static void source_says_that_a_ring_was_cut_and_extended(void **state)
{
	struct maker *maker = *state;
	struct ring_maker made = make_old_ring(maker);
	struct source *source;
	char *text;

	ft_ringfile_set_put_count((uint64_t *)(made.memory + FT_RINGFILE_PUT_AT), 300);
	for (uint32_t i = 4; i < 7; i++)
		put_samples(maker, &made, 0, 88 + i, (116 + i) * RING_S, (117 + i) * RING_S);
	memset(made.memory + made.ring.events_at + 7 * 4096, 0, 4096);
	memset(made.memory + made.ring.events_at + 4 * 4096, 0, 4096); /* 300 is the next to be put there */
	source = open_capture(maker);
	text = source_damage_text(source);
	assert_non_null(strstr(text, "1 segment of this ring file was overwritten with zeros"));
	free(text);
	source_close(source);
	munmap(made.memory, made.ring.bytes);
}

static void source_refuses_an_empty_ring(void **state)
{
	struct maker *maker = *state;
	struct ring_maker made = make_ring(maker);

	refused_path(maker->path, -ENODATA, "an empty ring file: its recorder was killed before");
	assert_int_equal(ftruncate(maker->fd, FT_RINGFILE_PAGE_BYTES), 0);
	refused_path(maker->path, -ENODATA, "an empty ring file");
	assert_int_equal(ftruncate(maker->fd, 0), 0);
	assert_int_equal(ftruncate(maker->fd, (off_t)made.ring.bytes), 0);
	refused_path(maker->path, -ENOMSG, "begins with zeros");
	munmap(made.memory, made.ring.bytes);
}

static void source_reads_a_ring_with_any_flipped_bit(void **state)
{
	struct maker *maker = *state;
	struct ring_maker made = make_old_ring(maker);

	for (size_t at = 0; at < made.ring.bytes; at++) {
		if (at % 4096 >= 200 && at % 4096 < FT_RINGFILE_SINCE_AT && at % 101)
			continue; /* nothing there: samples will do */
		made.memory[at] ^= 1 << (at % 8);
		read_damaged(maker->path, 8);
		made.memory[at] ^= 1 << (at % 8);
	}
	munmap(made.memory, made.ring.bytes);
}

/* Refusals. */

static void expect_refusal(const void *bytes, size_t count, int expected_error, const char *says)
{
	struct source *source = NULL;
	char *message = NULL;
	char path[64];
	int fd = memfd_create("input", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, count), count);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	assert_int_equal(source_open(path, &source, &message), expected_error);
	assert_null(source);
	assert_non_null(strstr(message, path));
	if (!strstr(message, says))
		fail_msg("'%s' does not say '%s'", message, says);
	assert_non_null(strstr(message, "\n  "));
	assert_int_not_equal(message[strlen(message) - 1], '\n');
	free(message);
	close(fd);
}

static void source_refuses_other_files_by_what_they_are(void **state)
{
	(void)state;
	expect_refusal("", 0, -ENODATA, "is empty");
	expect_refusal("hello, world\n", 13, -ENOMSG,
		       "does not begin as a freezetrap capture does");
	expect_refusal("PERFILE2xxxxxxxx", 16, -ENOMSG, "perf.data");
	expect_refusal("\x1f\x8b\x08xxxxxxx", 10, -ENOMSG, "gzip -d");
	expect_refusal("\xfd" "7zXZ\0xxxx", 10, -ENOMSG, "xz -d");
	expect_refusal("\x28\xb5\x2f\xfdxxxxxx", 10, -ENOMSG, "zstd -d");
}

static void source_names_a_feature_it_does_not_know(void **state)
{
	struct maker *maker = *state;
	unsigned char header[FT_FILE_HEADER_BYTES];

	end_capture(maker);
	assert_int_equal(pread(maker->fd, header, sizeof(header), 0), sizeof(header));
	header[16] |= 1 << 3;
	ft_put_le32(header + sizeof(header) - 4, crc32(0, header, sizeof(header) - 4));
	expect_refusal(header, sizeof(header), -EOPNOTSUPP, "needs feature 3");
	header[8]++;
	header[16] = 0;
	ft_put_le32(header + sizeof(header) - 4, crc32(0, header, sizeof(header) - 4));
	expect_refusal(header, sizeof(header), -EOPNOTSUPP, "newer analyze");
	header[20] ^= 1;
	expect_refusal(header, sizeof(header), -EBADMSG, "header of the capture is damaged");
}

static void source_refuses_what_is_no_file(void **state)
{
	(void)state;
	refused_path("/", -EISDIR, "is a directory");
	refused_path("/nowhere/at/all", -ENOENT, "Check the name");
	refused_path("/dev/null", -ESPIPE, "is not a regular file");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

UNIT_TESTS(source)
{
	const struct CMUnitTest tests[] = {
		CASE(source_merges_the_cpus_by_time),
		CASE(source_gives_wakings_before_switches_of_the_same_time),
		CASE(source_never_steps_back_in_time),
		CASE(source_says_lost_where_a_sequence_number_is_missing),
		CASE(source_says_lost_where_the_first_segment_is_missing),
		CASE(source_says_lost_behind_the_end_of_a_torn_capture),
		CASE(source_passes_on_the_recorders_losses_when_they_begin),
		CASE(source_sorts_what_the_recorder_says_itself),
		CASE(source_passes_on_spans_and_counters),
		CASE(source_names_threads_and_stacks_once_for_all_cpus),
		CASE(source_tells_a_tid_used_again_apart),
		CASE(source_keeps_a_name_that_came_back),
		CASE(source_uses_facts_for_the_span),
		CASE(source_reads_a_capture_without_events),
		CASE(source_reads_a_capture_cut_at_any_byte),
		CASE(source_reads_a_capture_with_any_flipped_bit),
		CASE(source_says_where_a_cut_capture_ends),
		CASE(source_calls_an_impossible_cpu_damage),
		CASE(source_misses_nothing_before_a_history),
		CASE(source_lets_a_history_start_where_its_last_cpu_begins),
		CASE(source_reads_a_ring_from_where_nothing_was_overwritten),
		CASE(source_does_not_believe_a_ring_that_says_too_much),
		CASE(source_starts_a_young_ring_with_its_recorder),
		CASE(source_calls_the_beginning_of_a_damaged_ring_lost),
		CASE(source_says_that_a_ring_was_cut),
		CASE(source_says_that_a_ring_was_cut_and_extended),
		CASE(source_refuses_an_empty_ring),
		CASE(source_reads_a_ring_with_any_flipped_bit),
		CASE(source_names_a_feature_it_does_not_know),
		cmocka_unit_test(source_refuses_other_files_by_what_they_are),
		cmocka_unit_test(source_refuses_what_is_no_file),
	};

	return run_unit_tests(tests, NULL, NULL);
}
