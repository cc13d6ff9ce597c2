/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "recorder/trigger/blocked_trigger.h"
#include "tests/unit/support/unit_test.h"

#define S 1000000000ull

struct world {
	struct blocked_threads *sleepers;
	struct trigger_queue *triggers;
	struct target target;
	struct blocked_trigger blocked;
	struct trigger trigger;
};

static int set_up(void **state)
{
	struct world *world = calloc(1, sizeof(*world));
	*state = world;
	if (!world || blocked_threads_create(64, &world->sleepers) || trigger_queue_create(&world->triggers))
		return -1;
	world->target = (struct target){ .tgids = { 100 }, .count = 1 };
	world->blocked = (struct blocked_trigger){ .blocked = world->sleepers,
					   .target = &world->target,
					   .triggers = world->triggers,
					   .threads = 2,
					   .for_ns = S };
	return 0;
}

static int tear_down(void **state)
{
	struct world *world = *state;
	blocked_threads_destroy(world->sleepers);
	trigger_queue_destroy(world->triggers);
	free(world);
	return 0;
}

static void block_thread(struct world *world, int32_t tid, int32_t tgid, enum ft_task_state state,
			 uint64_t time_ns)
{
	static const struct ft_task IDLE = { .tid = 0 };
	struct ft_task task = { .tid = tid, .tgid = tgid };
	snprintf(task.comm, sizeof(task.comm), "worker\n%u", (uint16_t)tid);
	blocked_threads_event(world->sleepers, &(struct ft_event){ .kind = FT_EVENT_SWITCH,
							    .time_ns = time_ns,
							    .task = &task,
							    .switch_ = { &IDLE, state } });
}

static void wake_thread(struct world *world, int32_t tid, uint64_t time_ns)
{
	static const struct ft_task IDLE = { .tid = 0 };
	struct ft_task task = { .tid = tid, .tgid = 100, .comm = "woken" };
	blocked_threads_event(world->sleepers, &(struct ft_event){ .kind = FT_EVENT_WAKING,
							    .time_ns = time_ns,
							    .task = &IDLE,
							    .waking = { .wakee = &task } });
}

static bool is_triggered(struct world *world, uint64_t drained_ns)
{
	blocked_trigger_look(&world->blocked, drained_ns);
	return trigger_queue_take(world->triggers, &world->trigger);
}

static void blocked_threads_trigger_once_and_are_named(void **state)
{
	struct world *world = *state;
	block_thread(world, 101, 100, FT_STATE_DISK, 1 * S);
	block_thread(world, 102, 100, FT_STATE_STOPPED, 2 * S);
	assert_false(is_triggered(world, 3 * S - 1));
	assert_true(is_triggered(world, 3 * S));
	assert_string_equal(world->trigger.source, "blocked");
	assert_string_equal(world->trigger.reason,
			    "2 threads blocked for 1.0 s or more: 101 worker?101 (D 2.0 s), "
			    "102 worker?102 (T 1.0 s)");
	assert_int_equal(world->trigger.time_ns, 3 * S);
	assert_false(is_triggered(world, 4 * S));
}

static void blocked_threads_trigger_again_only_after_a_pause(void **state)
{
	struct world *world = *state;
	block_thread(world, 101, 100, FT_STATE_DISK, 1 * S);
	block_thread(world, 102, 100, FT_STATE_DISK, 1 * S);
	assert_true(is_triggered(world, 2 * S));
	wake_thread(world, 102, 3 * S);
	assert_false(is_triggered(world, 4 * S));
	block_thread(world, 102, 100, FT_STATE_DISK, 5 * S);
	assert_false(is_triggered(world, 5 * S + 1));
	assert_true(is_triggered(world, 6 * S));
}

static void threads_that_sleep_or_are_not_of_the_target_do_not_count(void **state)
{
	struct world *world = *state;
	block_thread(world, 101, 100, FT_STATE_DISK, 1 * S);
	block_thread(world, 102, 100, FT_STATE_SLEEPING, 1 * S);
	block_thread(world, 103, 100, FT_STATE_IDLE, 1 * S);
	block_thread(world, 201, 200, FT_STATE_DISK, 1 * S);
	assert_false(is_triggered(world, 9 * S));
	world->target.count = 0; /* the whole host */
	assert_true(is_triggered(world, 9 * S));
}

static void threads_blocked_one_after_the_other_do_not_count(void **state)
{
	struct world *world = *state;
	block_thread(world, 101, 100, FT_STATE_DISK, 1 * S);
	wake_thread(world, 101, 3 * S);
	block_thread(world, 102, 100, FT_STATE_DISK, 3 * S);
	assert_false(is_triggered(world, 5 * S));
}

static void the_five_blocked_longest_are_named(void **state)
{
	struct world *world = *state;
	for (int32_t i = 0; i < 20; i++)
		block_thread(world, 101 + i, 100, FT_STATE_DISK, (uint64_t)(30 - i) * S);
	assert_true(is_triggered(world, 31 * S));
	assert_memory_equal(world->trigger.reason, "20 threads ", 11);
	for (int32_t i = 0; i < 20; i++) {
		char name[16];
		snprintf(name, sizeof(name), " %d worker", 101 + i);
		assert_int_equal(strstr(world->trigger.reason, name) != NULL, i >= 15);
	}
	assert_non_null(strstr(world->trigger.reason, " and more"));
}

UNIT_TESTS(blocked_trigger)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(blocked_threads_trigger_once_and_are_named, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(blocked_threads_trigger_again_only_after_a_pause,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			threads_that_sleep_or_are_not_of_the_target_do_not_count, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(threads_blocked_one_after_the_other_do_not_count,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_five_blocked_longest_are_named, set_up,
						tear_down),
	};
	return run_unit_tests(tests, NULL, NULL);
}
