/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "recorder/record/task_table.h"
#include "tests/unit/support/unit_test.h"

static int set_up(void **state)
{
	return task_table_create(100, (struct task_table **)state);
}

static int tear_down(void **state)
{
	task_table_destroy(*state);
	return 0;
}

static void what_was_learned_stays_until_something_newer_is_known(void **state)
{
	struct task_table *tasks = *state;
	task_table_learn(tasks, 10, 9, "worker");
	const struct ft_task *task = task_table_learn(tasks, 10, -1, NULL);
	assert_int_equal(task->tgid, 9);
	assert_string_equal(task->comm, "worker");
	task = task_table_learn(tasks, 10, -1, "renamed");
	assert_int_equal(task->tgid, 9);
	assert_string_equal(task->comm, "renamed");
	task = task_table_learn(tasks, 11, -1, NULL);
	assert_int_equal(task->tgid, -1);
	assert_string_equal(task->comm, "");
}

static void comm_without_an_end_is_cut(void **state)
{
	const char comm[FT_COMM_BYTES] = { 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h',
					   'i', 'j', 'k', 'l', 'm', 'n', 'o', 'p' };
	assert_string_equal(task_table_learn(*state, 10, 10, comm)->comm, "abcdefghijklmno");
	/* Nothing of the longer name stays behind a shorter one. */
	const struct ft_task *task = task_table_learn(*state, 10, 10, "x");
	static const char EXPECTED[FT_COMM_BYTES] = "x";
	assert_memory_equal(task->comm, EXPECTED, FT_COMM_BYTES);
}

static void full_table_keeps_what_it_has(void **state)
{
	struct task_table *tasks = *state;
	int32_t tid = 1;
	size_t before;
	do {
		before = task_table_count(tasks);
		task_table_learn(tasks, tid, tid, "known");
		tid++;
	} while (task_table_count(tasks) > before);
	assert_true(before >= 100);
	const struct ft_task *task = task_table_learn(tasks, tid + 5, 77, "late");
	assert_int_equal(task->tid, tid + 5);
	assert_int_equal(task->tgid, 77);
	assert_int_equal(task_table_learn(tasks, tid + 5, -1, NULL)->tgid, -1);
	assert_string_equal(task_table_learn(tasks, 1, -1, NULL)->comm, "known");
	task_table_forget(tasks, 1);
	task_table_learn(tasks, tid + 5, 77, "late");
	assert_int_equal(task_table_learn(tasks, tid + 5, -1, NULL)->tgid, 77);
}

static void idle_task_is_not_kept(void **state)
{
	task_table_learn(*state, 0, 0, "swapper/0");
	task_table_forget(*state, 0);
	assert_int_equal(task_table_count(*state), 0);
}

/* Against a table that cannot be wrong: an array. */
static void forgetting_loses_no_other_thread(void **state)
{
	enum { TIDS = 700 };
	struct task_table *tasks = *state;
	bool known[TIDS + 1] = { false };
	uint32_t random = 12345;
	for (int i = 0; i < 20000; i++) {
		random = random * 1664525 + 1013904223;
		int32_t tid = 1 + (int32_t)(random >> 8) % TIDS;
		if (random >> 31) {
			task_table_learn(tasks, tid, tid + 1, NULL);
			known[tid] = true;
		} else {
			task_table_forget(tasks, tid);
			known[tid] = false;
		}
	}
	size_t count = 0;
	for (int32_t tid = 1; tid <= TIDS; tid++)
		count += known[tid];
	assert_int_equal(task_table_count(tasks), count);
	for (int32_t tid = 1; tid <= TIDS; tid++) {
		if (!known[tid])
			continue;
		assert_int_equal(task_table_learn(tasks, tid, -1, NULL)->tgid, tid + 1);
	}
	assert_int_equal(task_table_count(tasks), count);
}

UNIT_TESTS(task_table)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			what_was_learned_stays_until_something_newer_is_known, set_up, tear_down),
		cmocka_unit_test_setup_teardown(comm_without_an_end_is_cut, set_up, tear_down),
		cmocka_unit_test_setup_teardown(full_table_keeps_what_it_has, set_up, tear_down),
		cmocka_unit_test_setup_teardown(idle_task_is_not_kept, set_up, tear_down),
		cmocka_unit_test_setup_teardown(forgetting_loses_no_other_thread, set_up,
						tear_down),
	};
	return run_unit_tests(tests, NULL, NULL);
}
