/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <string.h>

#include "recorder/record/stack_dumps.h"
#include "tests/unit/support/unit_test.h"

static int set_up(void **state)
{
	return stack_dumps_create((struct stack_dumps **)state);
}

static int tear_down(void **state)
{
	stack_dumps_destroy(*state);
	return 0;
}

static void add_dump(struct stack_dumps *dumps, enum ft_call call, uint64_t length, uint64_t other_length,
		     uint64_t time_ns)
{
	static const struct ft_task TASK = { .tid = 41, .tgid = 40 };
	const uint64_t registers[] = { time_ns, 2 };
	struct ft_event event = { .kind = FT_EVENT_CALL, .task = &TASK, .time_ns = time_ns };
	event.call.call = call;
	event.call.args[1] = length;
	event.call.args[2] = other_length;
	stack_dumps_add(dumps, &event,
		  &(struct translate_dump){ .registers = registers,
					    .register_count = 2,
					    .stack = "stack",
					    .stack_bytes = 6 });
}

static void dump_is_copied_and_taken_once(void **state)
{
	struct stack_dumps *dumps = *state;
	struct stack_dump dump;
	add_dump(dumps, FT_CALL_MMAP, 100, 0, 7);
	assert_true(stack_dumps_take(dumps, 7, &dump));
	assert_int_equal(dump.task.tid, 41);
	assert_int_equal(dump.time_ns, 7);
	assert_int_equal(dump.registers[0], 7);
	assert_int_equal(dump.stack_bytes, 6);
	assert_string_equal((const char *)dump.stack, "stack");
	assert_false(stack_dumps_take(dumps, UINT64_MAX, &dump));
}

static void dump_of_a_later_call_stays(void **state)
{
	struct stack_dumps *dumps = *state;
	struct stack_dump dump;
	add_dump(dumps, FT_CALL_MMAP, 100, 0, 9);
	add_dump(dumps, FT_CALL_MMAP, 100, 0, 8);
	assert_true(stack_dumps_take(dumps, 8, &dump));
	assert_int_equal(dump.time_ns, 8);
	assert_false(stack_dumps_take(dumps, 8, &dump));
	assert_true(stack_dumps_take(dumps, 9, &dump));
}

static void largest_calls_are_kept_when_there_are_too_many(void **state)
{
	struct stack_dumps *dumps = *state;
	struct stack_dump dump;
	for (uint64_t i = 0; i < DUMPS_MAX; i++)
		add_dump(dumps, FT_CALL_MMAP, 1000 + i, 0, i);
	add_dump(dumps, FT_CALL_MUNMAP, 10, 0, 500); /* smaller than all: not kept */
	add_dump(dumps, FT_CALL_MREMAP, 10, 100000, 501); /* large by its new length */
	assert_int_equal(stack_dumps_dropped(dumps), 2);
	unsigned int count = 0, seen_large = 0, seen_small = 0, seen_least = 0;
	for (; stack_dumps_take(dumps, UINT64_MAX, &dump); count++) {
		seen_large += dump.time_ns == 501;
		seen_small += dump.time_ns == 500;
		seen_least += dump.time_ns == 0;
	}
	assert_int_equal(count, DUMPS_MAX);
	assert_int_equal(seen_large, 1);
	assert_int_equal(seen_small, 0);
	assert_int_equal(seen_least, 0);
}

static void newer_one_of_the_same_size_replaces_the_oldest(void **state)
{
	struct stack_dumps *dumps = *state;
	struct stack_dump dump;
	for (uint64_t i = 0; i < DUMPS_MAX; i++)
		add_dump(dumps, FT_CALL_MMAP, 1000, 0, 100 + i);
	add_dump(dumps, FT_CALL_MMAP, 1000, 0, 999);
	assert_false(stack_dumps_take(dumps, 100, &dump));
	assert_true(stack_dumps_take(dumps, 101, &dump));
}

static void place_of_a_taken_dump_is_used_again(void **state)
{
	struct stack_dumps *dumps = *state;
	struct stack_dump dump;
	for (uint64_t i = 0; i < 3 * DUMPS_MAX; i++) {
		add_dump(dumps, FT_CALL_MMAP, 1000, 0, i);
		assert_true(stack_dumps_take(dumps, UINT64_MAX, &dump));
		assert_int_equal(dump.time_ns, i);
	}
	assert_int_equal(stack_dumps_dropped(dumps), 0);
}

static void oversized_dump_is_left_out(void **state)
{
	static const struct ft_task TASK;
	static const uint64_t REGISTERS[DUMP_REGISTERS_MAX + 1];
	static const uint8_t STACK[TIER_DUMP_BYTES + 8];
	struct ft_event event = { .kind = FT_EVENT_CALL, .task = &TASK };
	struct stack_dump kept;
	struct translate_dump dump = { REGISTERS, DUMP_REGISTERS_MAX, STACK, TIER_DUMP_BYTES + 8 };
	stack_dumps_add(*state, &event, &dump);
	dump = (struct translate_dump){ REGISTERS, DUMP_REGISTERS_MAX + 1, STACK, 8 };
	stack_dumps_add(*state, &event, &dump);
	dump = (struct translate_dump){ NULL, 0, STACK, 8 };
	stack_dumps_add(*state, &event, &dump);
	assert_false(stack_dumps_take(*state, UINT64_MAX, &kept));
}

UNIT_TESTS(stack_dumps)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(dump_is_copied_and_taken_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(dump_of_a_later_call_stays, set_up, tear_down),
		cmocka_unit_test_setup_teardown(place_of_a_taken_dump_is_used_again, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(largest_calls_are_kept_when_there_are_too_many,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(newer_one_of_the_same_size_replaces_the_oldest,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(oversized_dump_is_left_out, set_up, tear_down),
	};
	return run_unit_tests(tests, NULL, NULL);
}
