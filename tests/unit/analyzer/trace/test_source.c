/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the analysis gets to see of whole captures: all events in order, and the threads, stacks
 * and times of them.
 */
#include "tests/unit/support/maker.h"
#include "tests/unit/support/unit_test.h"

static const struct ft_task idle, feed = { 5, 5, "feed" }, resizer = { 6, 5, "resizer" },
	other = { 7, 7, "other" };

static void source_merges_the_cpus_by_time(void **state)
{
	struct maker *maker = *state;
	struct source *source;

	maker_begin(maker, 1, 0);
	maker_add_switch(maker, 1, 200, &idle, FT_STATE_RUNNING, &resizer);
	maker_add_switch(maker, 1, 400, &resizer, FT_STATE_DISK, &idle);
	maker_seal(maker);
	maker_begin(maker, 0, 0);
	maker_add_switch(maker, 0, 100, &feed, FT_STATE_DISK, &idle);
	maker_seal(maker);
	maker_begin(maker, 0, 1);
	maker_add_waking(maker, 0, 300, &idle, &feed);
	maker_seal(maker);
	maker_end(maker);
	source = maker_open(maker);
	assert_int_equal(source_start_ns(source), 100);
	assert_int_equal(source_end_ns(source), 400);
	for (int pass = 0; pass < 2; pass++) {
		MAKER_EXPECT(source, { FT_EVENT_SWITCH, 0, 100 }, { FT_EVENT_SWITCH, 1, 200 },
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

	maker_begin(maker, 0, 0);
	maker_add_switch(maker, 0, 100, &idle, FT_STATE_RUNNING, &feed);
	maker_seal(maker);
	maker_begin(maker, 1, 0);
	maker_add_waking(maker, 1, 100, &resizer, &feed);
	maker_seal(maker);
	maker_end(maker);
	source = maker_open(maker);
	MAKER_EXPECT(source, { FT_EVENT_WAKING, 1, 100 }, { FT_EVENT_SWITCH, 0, 100 });
	source_close(source);
}

static void source_never_steps_back_in_time(void **state)
{
	struct maker *maker = *state;
	struct source *source;

	maker_begin(maker, 0, 0);
	maker_add_simple(maker, FT_EVENT_SAMPLE, 0, 100, &feed);
	maker_add_simple(maker, FT_EVENT_SAMPLE, 0, 90, &feed);
	maker_add_simple(maker, FT_EVENT_SAMPLE, 0, 110, &feed);
	maker_seal(maker);
	maker_begin(maker, 1, 0);
	maker_add_simple(maker, FT_EVENT_SAMPLE, 1, 95, &other);
	maker_add_simple(maker, FT_EVENT_SAMPLE, 1, 105, &other);
	maker_seal(maker);
	maker_end(maker);
	source = maker_open(maker);
	MAKER_EXPECT(source, { FT_EVENT_SAMPLE, 1, 95 }, { FT_EVENT_SAMPLE, 0, 100 },
		     { FT_EVENT_SAMPLE, 0, 100 }, { FT_EVENT_SAMPLE, 1, 105 },
		     { FT_EVENT_SAMPLE, 0, 110 });
	source_close(source);
}

static void source_sorts_what_the_recorder_says_itself(void **state)
{
	struct maker *maker = *state;
	const uint64_t frames[] = { 0x11, 0x22 };
	const struct ft_stack stack = { frames, 0, 2 };
	struct source *source;
	struct event event;

	maker_add_facts(maker, 100, 400);
	maker_begin(maker, 0, 0);
	maker_add(maker, (struct ft_event){ .kind = FT_EVENT_CALL, .cpu = 0, .time_ns = 200,
					    .task = &feed, .call = { .call = FT_CALL_MMAP } });
	maker_seal(maker);
	maker_begin(maker, FT_NO_CPU, 0);
	maker_add_simple(maker, FT_EVENT_STATE, FT_NO_CPU, 110, &other);
	maker_add(maker, (struct ft_event){ .kind = FT_EVENT_NOTE, .cpu = FT_NO_CPU, .time_ns = 120,
					    .task = &idle, .note = { .text = "a note" } });
	maker_seal(maker);
	maker_begin(maker, FT_NO_CPU, 1);
	maker_add_simple(maker, FT_EVENT_STATE, FT_NO_CPU, 500, &other);
	maker_add(maker, (struct ft_event){ .kind = FT_EVENT_UNWOUND,
					    .cpu = FT_NO_CPU,
					    .time_ns = 200,
					    .task = &feed,
					    .stack = &stack });
	maker_seal(maker);
	maker_end(maker);
	source = maker_open(maker);
	MAKER_EXPECT(source, { FT_EVENT_STATE, FT_NO_CPU, 110 }, { FT_EVENT_NOTE, FT_NO_CPU, 120 },
		     { FT_EVENT_CALL, 0, 200 }, { FT_EVENT_UNWOUND, FT_NO_CPU, 200 },
		     { FT_EVENT_STATE, FT_NO_CPU, 400 });
	source_rewind(source);
	assert_int_equal(maker_next(source, &event), 1);
	assert_int_equal(maker_next(source, &event), 1);
	assert_string_equal(event.raw.note.text, "a note");
	assert_int_equal(maker_next(source, &event), 1);
	assert_int_equal(maker_next(source, &event), 1);
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

	maker_add_facts(maker, 100, 400);
	for (uint32_t i = 0; i < 2; i++) {
		uint32_t cpu = i ? FT_NO_CPU : 0;

		maker_begin(maker, cpu, 0);
		maker_add(maker, (struct ft_event){ .kind = FT_EVENT_SPAN,
						    .cpu = cpu,
						    .time_ns = 200 + i,
						    .task = &feed,
						    .span = { "reclaim", true, 1, 32 } });
		maker_add(maker,
			  (struct ft_event){ .kind = FT_EVENT_COUNTER,
					     .cpu = cpu,
					     .time_ns = 210 + i,
					     .task = &ft_nobody,
					     .counter = { "cpu.stat:usage_usec", "/a", -3 } });
		maker_seal(maker);
	}
	maker_end(maker);
	source = maker_open(maker);
	MAKER_EXPECT(source, { FT_EVENT_SPAN, 0, 200 }, { FT_EVENT_SPAN, FT_NO_CPU, 201 },
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
		maker_begin(maker, cpu, 0);
		maker_add(maker, (struct ft_event){ .kind = FT_EVENT_SWITCH, .cpu = cpu,
						    .time_ns = 100 + cpu, .task = &feed,
						    .stack = &stack,
						    .switch_ = { &idle, FT_STATE_DISK } });
		maker_seal(maker);
	}
	maker_end(maker);
	source = maker_open(maker);
	assert_int_equal(maker_next(source, &first), 1);
	assert_int_equal(maker_next(source, &second), 1);
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

	maker_begin(maker, 0, 0);
	maker_add_simple(maker, FT_EVENT_EXIT, 0, 100, &resizer);
	maker_add_switch(maker, 0, 110, &resizer, FT_STATE_DEAD, &feed);
	maker_add(maker, (struct ft_event){ .kind = FT_EVENT_FORK, .cpu = 0, .time_ns = 120,
					    .task = &feed, .fork = { .child = &resizer } });
	maker_add_switch(maker, 0, 130, &feed, FT_STATE_SLEEPING, &resizer);
	maker_seal(maker);
	maker_begin(maker, FT_NO_CPU, 0);
	maker_add(maker, (struct ft_event){ .kind = FT_EVENT_UNWOUND,
					    .cpu = FT_NO_CPU,
					    .time_ns = 115,
					    .task = &resizer });
	maker_seal(maker);
	maker_end(maker);
	source = maker_open(maker);
	for (int pass = 0; pass < 2; pass++) {
		assert_int_equal(maker_next(source, &event), 1);
		if (pass)
			assert_ptr_equal(event.thread, before);
		before = event.thread;
		assert_int_equal(before->died_ns, 100);
		assert_false(before->exited);
		assert_int_equal(maker_next(source, &event), 1);
		assert_ptr_equal(event.thread, before);
		assert_true(before->exited);
		assert_int_equal(maker_next(source, &event), 1);
		assert_int_equal(event.raw.kind, FT_EVENT_UNWOUND);
		assert_ptr_equal(event.thread, before);
		assert_int_equal(maker_next(source, &event), 1);
		assert_ptr_not_equal(event.other, before);
		assert_ptr_equal(event.other->former, before);
		assert_int_equal(maker_next(source, &event), 1);
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

	maker_begin(maker, 0, 0);
	maker_add_simple(maker, FT_EVENT_COMM, 0, 100, &feed);
	maker_add_simple(maker, FT_EVENT_COMM, 0, 110, &renamed);
	maker_add_simple(maker, FT_EVENT_COMM, 0, 120, &feed);
	maker_seal(maker);
	maker_end(maker);
	source = maker_open(maker);
	while (maker_next(source, &event) > 0)
		assert_string_equal(event.thread->comm, event.raw.task->comm);
	assert_string_equal(threads_find(source_threads(source), 5)->comm, "feed");
	source_close(source);
}

static void source_uses_facts_for_the_span(void **state)
{
	struct maker *maker = *state;
	struct source *source;

	maker_add_facts(maker, 50, 900);
	maker_begin(maker, 0, 0);
	maker_add_simple(maker, FT_EVENT_SAMPLE, 0, 100, &feed);
	maker_seal(maker);
	maker_end(maker);
	source = maker_open(maker);
	assert_int_equal(source_start_ns(source), 50);
	assert_int_equal(source_end_ns(source), 900);
	source_close(source);
}

static void source_reads_a_capture_without_events(void **state)
{
	struct maker *maker = *state;
	struct source *source;
	struct event event;

	maker_end(maker);
	source = maker_open(maker);
	assert_int_equal(maker_next(source, &event), 0);
	source_close(source);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, maker_set_up, maker_tear_down)

UNIT_TESTS(source)
{
	const struct CMUnitTest tests[] = {
		CASE(source_merges_the_cpus_by_time),
		CASE(source_gives_wakings_before_switches_of_the_same_time),
		CASE(source_never_steps_back_in_time),
		CASE(source_sorts_what_the_recorder_says_itself),
		CASE(source_passes_on_spans_and_counters),
		CASE(source_names_threads_and_stacks_once_for_all_cpus),
		CASE(source_tells_a_tid_used_again_apart),
		CASE(source_keeps_a_name_that_came_back),
		CASE(source_uses_facts_for_the_span),
		CASE(source_reads_a_capture_without_events),
	};

	return run_unit_tests(tests, NULL, NULL);
}
