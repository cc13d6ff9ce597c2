/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "recorder/record/blocked_threads.h"
#include "tests/unit/support/unit_test.h"

static const struct ft_task IDLE = { .tid = 0 };
static const struct ft_task A = { 10, 9, "alpha" };
static const struct ft_task B = { 11, 9, "beta" };

static int set_up(void **state)
{
	return blocked_threads_create(16, (struct blocked_threads **)state);
}

static int tear_down(void **state)
{
	blocked_threads_destroy(*state);
	return 0;
}

static void feed_switch(struct blocked_threads *sleepers, uint64_t time_ns,
			const struct ft_task *prev, enum ft_task_state state,
			const struct ft_task *next)
{
	blocked_threads_event(sleepers, &(struct ft_event){ .kind = FT_EVENT_SWITCH,
						     .time_ns = time_ns,
						     .task = prev,
						     .switch_ = { next, state } });
}

static void feed_waking(struct blocked_threads *sleepers, uint64_t time_ns,
			const struct ft_task *wakee)
{
	blocked_threads_event(sleepers, &(struct ft_event){ .kind = FT_EVENT_WAKING,
						     .time_ns = time_ns,
						     .task = &IDLE,
						     .waking = { .wakee = wakee } });
}

/* Its place; fails where @tid has none. */
static size_t find_thread(const struct blocked_threads *sleepers, int32_t tid, struct blocked_thread *ret_sleeper)
{
	for (size_t i = 0; i < blocked_threads_count(sleepers); i++)
		if (blocked_threads_at(sleepers, i, ret_sleeper) && ret_sleeper->tid == tid)
			return i;
	fail_msg("thread %d is not there", tid);
	return 0;
}

static void sleeper_is_blocked_from_its_switch_out_to_its_waking(void **state)
{
	struct blocked_threads *sleepers = *state;
	struct blocked_thread sleeper;
	feed_switch(sleepers, 100, &A, FT_STATE_DISK, &B);
	find_thread(sleepers, 10, &sleeper);
	assert_int_equal(sleeper.since_ns, 100);
	assert_int_equal(sleeper.state, FT_STATE_DISK);
	assert_int_equal(sleeper.tgid, 9);
	assert_string_equal(sleeper.comm, "alpha");
	find_thread(sleepers, 11, &sleeper);
	assert_int_equal(sleeper.since_ns, 0);
	feed_waking(sleepers, 200, &A);
	find_thread(sleepers, 10, &sleeper);
	assert_int_equal(sleeper.since_ns, 0);
}

static void sleeper_that_was_preempted_is_not_blocked(void **state)
{
	struct blocked_threads *sleepers = *state;
	struct blocked_thread sleeper;
	feed_switch(sleepers, 100, &A, FT_STATE_PREEMPTED, &B);
	find_thread(sleepers, 10, &sleeper);
	assert_int_equal(sleeper.since_ns, 0);
}

/* Another CPU's ring was emptied first. */
static void sleeper_woken_before_its_switch_out_is_heard_of_is_not_blocked(void **state)
{
	struct blocked_threads *sleepers = *state;
	struct blocked_thread sleeper;
	feed_waking(sleepers, 200, &A);
	feed_switch(sleepers, 100, &A, FT_STATE_SLEEPING, &IDLE);
	find_thread(sleepers, 10, &sleeper);
	assert_int_equal(sleeper.since_ns, 0);
}

static void sleeper_is_unchanged_only_while_nothing_happens_to_it(void **state)
{
	struct blocked_threads *sleepers = *state;
	struct blocked_thread before, after;
	feed_switch(sleepers, 100, &A, FT_STATE_SLEEPING, &B);
	size_t place = find_thread(sleepers, 10, &before);
	feed_switch(sleepers, 150, &B, FT_STATE_SLEEPING, &IDLE);
	assert_true(blocked_threads_unchanged(sleepers, place, &before));
	/* It slept again, at the same place: another sleep all the same. */
	feed_waking(sleepers, 200, &A);
	feed_switch(sleepers, 210, &IDLE, FT_STATE_RUNNING, &A);
	feed_switch(sleepers, 220, &A, FT_STATE_SLEEPING, &IDLE);
	find_thread(sleepers, 10, &after);
	assert_int_equal(after.state, before.state);
	assert_false(blocked_threads_unchanged(sleepers, place, &before));
}

/* Nothing tells that a contended lock was got at last; who waits for one does so uninterruptibly. */
static void sleeper_that_got_its_lock_without_a_sleep_waits_for_none(void **state)
{
	struct blocked_threads *sleepers = *state;
	struct blocked_thread sleeper;
	feed_switch(sleepers, 50, &IDLE, FT_STATE_RUNNING, &A);
	blocked_threads_event(sleepers, &(struct ft_event){
					 .kind = FT_EVENT_LOCK_BEGIN, .time_ns = 60, .task = &A });
	feed_switch(sleepers, 70, &A, FT_STATE_SLEEPING, &IDLE);
	find_thread(sleepers, 10, &sleeper);
	assert_false(sleeper.in_lock);
	assert_int_equal(blocked_threads_lock_waits(sleepers), 0);
}

static void sleeper_waits_for_a_lock_until_it_runs_again(void **state)
{
	struct blocked_threads *sleepers = *state;
	struct blocked_thread sleeper;
	feed_switch(sleepers, 50, &IDLE, FT_STATE_RUNNING, &A);
	blocked_threads_event(sleepers, &(struct ft_event){
					 .kind = FT_EVENT_LOCK_BEGIN, .time_ns = 60, .task = &A });
	feed_switch(sleepers, 70, &A, FT_STATE_DISK, &IDLE);
	find_thread(sleepers, 10, &sleeper);
	assert_true(sleeper.in_lock);
	assert_int_equal(blocked_threads_lock_waits(sleepers), 1);
	assert_true(blocked_threads_wait_since(sleepers, 69));
	assert_false(blocked_threads_wait_since(sleepers, 70));
	feed_waking(sleepers, 80, &A);
	assert_false(blocked_threads_wait_since(sleepers, 69));
	feed_switch(sleepers, 90, &IDLE, FT_STATE_RUNNING, &A);
	find_thread(sleepers, 10, &sleeper);
	assert_false(sleeper.in_lock);
}

/* What is read of another CPU only then was before. */
static void sleeper_waits_for_a_lock_whatever_it_did_before_elsewhere(void **state)
{
	struct blocked_threads *sleepers = *state;
	struct blocked_thread sleeper;
	feed_switch(sleepers, 50, &IDLE, FT_STATE_RUNNING, &A);
	blocked_threads_event(sleepers, &(struct ft_event){
					 .kind = FT_EVENT_LOCK_BEGIN, .time_ns = 60, .task = &A });
	feed_switch(sleepers, 70, &A, FT_STATE_DISK, &IDLE);
	feed_switch(sleepers, 20, &IDLE, FT_STATE_RUNNING, &A);
	feed_switch(sleepers, 30, &A, FT_STATE_SLEEPING, &IDLE);
	find_thread(sleepers, 10, &sleeper);
	assert_true(sleeper.in_lock);
	assert_int_equal(sleeper.since_ns, 70);
}

static void sleeper_that_died_makes_room(void **state)
{
	struct blocked_threads *sleepers = *state;
	struct blocked_thread sleeper;
	for (int32_t tid = 1; tid <= 1000; tid++) {
		struct ft_task task = { .tid = tid, .tgid = tid, .comm = "short" };
		feed_switch(sleepers, (uint64_t)tid * 10, &task, FT_STATE_SLEEPING, &IDLE);
		find_thread(sleepers, tid, &sleeper);
		feed_switch(sleepers, (uint64_t)tid * 10 + 5, &task, FT_STATE_DEAD, &IDLE);
	}
	assert_true(blocked_threads_count(sleepers) <= 16);
}

static void sleepers_of_a_full_table_are_passed_over(void **state)
{
	struct blocked_threads *sleepers = *state;
	struct blocked_thread sleeper;
	for (int32_t tid = 1; tid <= 100; tid++) {
		struct ft_task task = { .tid = tid, .tgid = tid };
		feed_switch(sleepers, 10, &task, FT_STATE_SLEEPING, &IDLE);
	}
	assert_int_equal(blocked_threads_count(sleepers), 16);
	find_thread(sleepers, 1, &sleeper);
	find_thread(sleepers, 16, &sleeper);
}

/* What a reader gets is one state or the other, never a mixture. */
static _Atomic bool stop_writing;

static void *write_on(void *context)
{
	for (uint64_t i = 1; !stop_writing; i++) {
		struct ft_task task = { .tid = 10, .tgid = 9 };
		memset(task.comm, i % 2 ? 'x' : 'y', sizeof(task.comm) - 1);
		feed_switch(context, i, &task, i % 2 ? FT_STATE_DISK : FT_STATE_STOPPED, &IDLE);
	}
	return NULL;
}

static void sleeper_is_read_in_one_piece(void **state)
{
	struct blocked_threads *sleepers = *state;
	struct blocked_thread sleeper;
	unsigned int read = 0;
	pthread_t writer;
	stop_writing = false;
	assert_int_equal(pthread_create(&writer, NULL, write_on, sleepers), 0);
	while (read < 100000) {
		if (!blocked_threads_count(sleepers) || !blocked_threads_at(sleepers, 0, &sleeper) ||
		    !sleeper.since_ns)
			continue;
		read++;
		char letter = sleeper.since_ns % 2 ? 'x' : 'y';
		assert_int_equal(sleeper.comm[0], letter);
		assert_int_equal(sleeper.comm[14], letter);
		assert_int_equal(sleeper.state,
				 sleeper.since_ns % 2 ? FT_STATE_DISK : FT_STATE_STOPPED);
	}
	stop_writing = true;
	pthread_join(writer, NULL);
}

UNIT_TESTS(blocked_threads)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			sleeper_is_blocked_from_its_switch_out_to_its_waking, set_up, tear_down),
		cmocka_unit_test_setup_teardown(sleeper_that_was_preempted_is_not_blocked, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(
			sleeper_woken_before_its_switch_out_is_heard_of_is_not_blocked, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			sleeper_is_unchanged_only_while_nothing_happens_to_it, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			sleeper_that_got_its_lock_without_a_sleep_waits_for_none, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(sleeper_waits_for_a_lock_until_it_runs_again,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			sleeper_waits_for_a_lock_whatever_it_did_before_elsewhere, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(sleeper_that_died_makes_room, set_up, tear_down),
		cmocka_unit_test_setup_teardown(sleepers_of_a_full_table_are_passed_over, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(sleeper_is_read_in_one_piece, set_up, tear_down),
	};
	return run_unit_tests(tests, NULL, NULL);
}
