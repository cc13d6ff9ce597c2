/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "recorder/proc/target.h"
#include "recorder/trigger/sleep_kind.h"
#include "recorder/trigger/sleeper_watch.h"
#include "tests/unit/support/unit_test.h"

#define S  1000000000ull
#define MS 1000000ull

static const struct target target = { .tgids = { 100 }, .count = 1 };

/* What /proc says of the threads 101 to 103. */
static struct proc_task_wait said[3];
static size_t reads;

static int read_said(int32_t tgid, int32_t tid, struct proc_task_wait *ret_wait)
{
	reads++;
	if (tgid != 100 || tid < 101 || tid > 103)
		return -ESRCH;
	*ret_wait = said[tid - 101];
	return 0;
}

static void say(int32_t tid, enum ft_task_state state, const char *function)
{
	said[tid - 101].state = state;
	snprintf(said[tid - 101].function, sizeof(said->function), "%s", function);
}

struct world {
	struct blocked_threads *blocked;
	struct sleeper_watch *watch;
};

static struct world make_world(void)
{
	struct world world;

	assert_int_equal(blocked_threads_create(256, &world.blocked), 0);
	assert_int_equal(sleeper_watch_create(world.blocked, read_said, &world.watch), 0);
	for (int32_t tid = 101; tid <= 103; tid++)
		say(tid, FT_STATE_SLEEPING, "futex_do_wait");
	reads = 0;
	return world;
}

static void free_world(const struct world *world)
{
	sleeper_watch_destroy(world->watch);
	blocked_threads_destroy(world->blocked);
}

static void falls_asleep(const struct world *world, int32_t tid, int32_t tgid, uint64_t at_ns)
{
	static const struct ft_task idle = { .tid = 0 };
	const struct ft_task task = { .tid = tid, .tgid = tgid, .comm = "worker" };

	blocked_threads_event(world->blocked,
			      &(struct ft_event){ .kind = FT_EVENT_SWITCH,
						  .time_ns = at_ns,
						  .task = &task,
						  .switch_ = { &idle, FT_STATE_SLEEPING } });
}

/* Return: since when the thread in the first slot cannot go on. */
static uint64_t first_since(const struct world *world, char *ret_letter)
{
	struct blocked_thread thread;

	assert_true(blocked_threads_at(world->blocked, 0, &thread));
	return sleeper_watch_since(world->watch, 0, &thread, ret_letter);
}

static void sleep_is_known_by_the_function_that_it_is_in(void **state)
{
	(void)state;
	assert_int_equal(sleep_kind_of(&(struct proc_task_wait){ FT_STATE_SLEEPING, "get_signal" }),
			 SLEEP_HURTS);
	assert_int_equal(sleep_kind_of(&(struct proc_task_wait){ FT_STATE_SLEEPING,
								 "anon_pipe_write" }),
			 SLEEP_HURTS);
	assert_int_equal(sleep_kind_of(&(struct proc_task_wait){
				 FT_STATE_SLEEPING, "poll_schedule_timeout.constprop.0" }),
			 SLEEP_IDLE);
	assert_int_equal(sleep_kind_of(&(struct proc_task_wait){ FT_STATE_SLEEPING, "do_select2" }),
			 SLEEP_OPEN);
	assert_int_equal(sleep_kind_of(&(struct proc_task_wait){ FT_STATE_SLEEPING, "" }),
			 SLEEP_OPEN);
	assert_int_equal(sleep_kind_of(&(struct proc_task_wait){ FT_STATE_DISK, "ep_poll" }),
			 SLEEP_CHANGED);
	assert_int_equal(sleep_kind_of(&(struct proc_task_wait){ FT_STATE_RUNNING, "0" }),
			 SLEEP_IDLE);
}

static void sleeper_that_cannot_go_on_has_been_so_since_it_fell_asleep(void **state)
{
	struct world world = make_world();
	char letter;

	(void)state;
	say(101, FT_STATE_SLEEPING, "get_signal");
	falls_asleep(&world, 101, 100, 1 * S);
	sleeper_watch_look(world.watch, &target, 1 * S + 199 * MS);
	assert_int_equal(reads, 0);
	sleeper_watch_look(world.watch, &target, 1 * S + 200 * MS);
	assert_int_equal(first_since(&world, &letter), 1 * S);
	assert_int_equal(letter, 'S');
	/* it slept again since: what was read is of another sleep */
	falls_asleep(&world, 101, 100, 3 * S);
	assert_int_equal(first_since(&world, &letter), 0);
	free_world(&world);
}

static void sleeper_that_is_frozen_where_it_sleeps_is_so_since_that_was_seen(void **state)
{
	struct world world = make_world();
	char letter;

	(void)state;
	falls_asleep(&world, 101, 100, 1 * S);
	sleeper_watch_look(world.watch, &target, 2 * S);
	assert_int_equal(first_since(&world, &letter), 0);
	say(101, FT_STATE_DISK, "do_syscall_64");
	sleeper_watch_look(world.watch, &target, 5 * S);
	sleeper_watch_look(world.watch, &target, 6 * S);
	assert_int_equal(first_since(&world, &letter), 5 * S);
	assert_int_equal(letter, 'D');
	say(101, FT_STATE_SLEEPING, "futex_do_wait");
	sleeper_watch_look(world.watch, &target, 7 * S);
	assert_int_equal(first_since(&world, &letter), 0);
	free_world(&world);
}

static void few_threads_are_looked_at_in_one_go_and_all_in_turn(void **state)
{
	struct world world = make_world();

	(void)state;
	for (int32_t tid = 200; tid < 300; tid++)
		falls_asleep(&world, tid, 100, 1 * S);
	falls_asleep(&world, 400, 400, 1 * S); /* not of the target */
	sleeper_watch_look(world.watch, &target, 2 * S);
	assert_in_range(reads, 1, 99);
	size_t once = reads;
	for (size_t rounds = 1; rounds < 100 / once; rounds++)
		sleeper_watch_look(world.watch, &target, 2 * S);
	assert_int_equal(reads, 100 / once * once);
	free_world(&world);
}

/* All of the target's threads switch each @every_ns, up to @until_ns. */
static void works(const struct world *world, uint64_t until_ns, uint64_t every_ns)
{
	for (uint64_t at_ns = 1 * S; at_ns <= until_ns; at_ns += every_ns) {
		for (int32_t tid = 101; tid <= 103; tid++)
			falls_asleep(world, tid, 100, at_ns);
		sleeper_watch_look(world->watch, &target, at_ns);
	}
}

static uint64_t still_ns(const struct world *world, uint64_t at_ns)
{
	sleeper_watch_look(world->watch, &target, at_ns);
	return sleeper_watch_still_ns(world->watch, &target, 2 * S, at_ns);
}

static void target_stands_still_when_it_was_steady_and_nobody_waits_for_input(void **state)
{
	struct world world = make_world();

	(void)state;
	works(&world, 1 * S + SLEEPER_STEADY_NS, 100 * MS);
	assert_int_equal(still_ns(&world, 13 * S - 1), 0);
	assert_int_equal(still_ns(&world, 13 * S), 1 * S + SLEEPER_STEADY_NS);
	falls_asleep(&world, 102, 100, 14 * S);
	assert_int_equal(still_ns(&world, 15 * S), 0);
	free_world(&world);
}

static void target_is_idle_where_a_thread_waits_for_input(void **state)
{
	struct world world = make_world();

	(void)state;
	works(&world, 20 * S, 100 * MS);
	say(103, FT_STATE_SLEEPING, "do_epoll_wait");
	assert_int_equal(still_ns(&world, 60 * S), 0);
	free_world(&world);
}

static void target_that_seldom_works_does_not_stand_still(void **state)
{
	struct world world = make_world();

	(void)state;
	works(&world, 40 * S, SLEEPER_GAP_NS + 100 * MS);
	assert_int_equal(still_ns(&world, 60 * S), 0);
	free_world(&world);
	/* nor one that was steady for less than ten seconds */
	world = make_world();
	works(&world, SLEEPER_STEADY_NS + 900 * MS, 100 * MS);
	assert_int_equal(still_ns(&world, 60 * S), 0);
	free_world(&world);
}

static void target_of_the_whole_host_does_not_stand_still(void **state)
{
	const struct target host = { .count = 0 };
	struct world world = make_world();

	(void)state;
	works(&world, 20 * S, 100 * MS);
	assert_int_equal(sleeper_watch_still_ns(world.watch, &host, 2 * S, 60 * S), 0);
	free_world(&world);
}

UNIT_TESTS(sleeper_watch)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sleep_is_known_by_the_function_that_it_is_in),
		cmocka_unit_test(sleeper_that_cannot_go_on_has_been_so_since_it_fell_asleep),
		cmocka_unit_test(sleeper_that_is_frozen_where_it_sleeps_is_so_since_that_was_seen),
		cmocka_unit_test(few_threads_are_looked_at_in_one_go_and_all_in_turn),
		cmocka_unit_test(target_stands_still_when_it_was_steady_and_nobody_waits_for_input),
		cmocka_unit_test(target_is_idle_where_a_thread_waits_for_input),
		cmocka_unit_test(target_that_seldom_works_does_not_stand_still),
		cmocka_unit_test(target_of_the_whole_host_does_not_stand_still),
	};

	return run_unit_tests(tests, NULL, NULL);
}
