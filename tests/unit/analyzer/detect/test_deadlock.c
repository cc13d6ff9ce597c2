/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads that wait for each other's locks: how long nothing must have moved, and what another
 * thread may have held.
 */
#include <linux/futex.h>

#include "analyzer/detect/thresholds.h"
#include "tests/unit/support/scene.h"
#include "tests/unit/support/unit_test.h"

#define MS SCENE_MS
#define US SCENE_US

#define LOCK	   0x55d22ffdd4c0ull
#define OTHER_LOCK 0x55d22ffdd500ull
#define DISK	   SLEEP "io_schedule < folio_wait_bit_common < filemap_fault < __do_fault"
#define POLL	   SLEEP "do_poll < do_sys_poll < __x64_sys_poll < do_syscall_64"

static const struct ft_task first = { 101, 100, "first" }, second = { 102, 100, "second" },
			    third = { 103, 100, "third" }, other = { 104, 100, "other" };

/* On CPU 1 @task runs, wants what is at @address, and sleeps from @at_ns on. */
static void waits_for(struct scene *scene, uint64_t at_ns, const struct ft_task *task,
		      uint64_t address)
{
	scene_switch(scene, 1, at_ns - 10 * US, &scene_idle, FT_STATE_RUNNING, NULL, task);
	scene_futex(scene, 1, at_ns - 2 * US, task, address, FUTEX_WAIT_PRIVATE, 2);
	scene_switch(scene, 1, at_ns, task, FT_STATE_SLEEPING, WAIT_FUTEX, &scene_idle);
}

/* Nothing moves from 101 ms on: each of the two locks is waited for. */
static void lock_up(struct scene *scene)
{
	waits_for(scene, 100 * MS, &first, LOCK);
	waits_for(scene, 101 * MS, &second, OTHER_LOCK);
	waits_for(scene, 102 * MS, &third, LOCK);
}

static enum finding_kind conclude_kind(struct scene *scene, uint64_t end_ns)
{
	struct scene_result result = scene_analyze(scene, "100", end_ns);
	enum finding_kind kind = result.model->findings[0].kind;

	scene_done(&result, scene);
	return kind;
}

static void standstill_of_a_second_is_a_deadlock(void **state)
{
	(void)state;
	for (uint64_t less = 0; less < 2; less++) {
		struct scene *scene = scene_create(2);

		lock_up(scene);
		assert_int_equal(conclude_kind(scene, 101 * MS + DEADLOCK_STILL_NS - less),
				 less ? FINDING_FUTEX_CONVOY : FINDING_DEADLOCK);
	}
}

static void thread_that_was_active_for_more_than_a_tenth_may_hold_a_lock(void **state)
{
	(void)state;
	for (uint64_t more = 0; more < 2; more++) {
		uint64_t active_ns = 2000 * MS * OTHER_ACTIVE_PERCENT / 100 + more;
		struct scene *scene = scene_create(2);

		scene_switch(scene, 0, 50 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &other);
		scene_switch(scene, 0, 60 * MS, &other, FT_STATE_SLEEPING, POLL, &scene_idle);
		lock_up(scene);
		scene_switch(scene, 0, 500 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &other);
		scene_switch(scene, 0, 500 * MS + active_ns, &other, FT_STATE_SLEEPING, POLL,
			     &scene_idle);
		assert_int_equal(conclude_kind(scene, 2101 * MS),
				 more ? FINDING_FUTEX_CONVOY : FINDING_DEADLOCK);
	}
}

static void thread_of_which_more_than_half_is_not_known_may_hold_a_lock(void **state)
{
	(void)state;
	for (uint64_t more = 0; more < 2; more++) {
		uint64_t unknown_ns = 2000 * MS * OTHER_UNKNOWN_PERCENT / 100 + more;
		struct scene *scene = scene_create(2);

		/* nothing is seen of it before */
		lock_up(scene);
		scene_switch(scene, 0, 101 * MS + unknown_ns, &scene_idle, FT_STATE_RUNNING, NULL,
			     &other);
		scene_switch(scene, 0, 102 * MS + unknown_ns, &other, FT_STATE_SLEEPING, POLL,
			     &scene_idle);
		assert_int_equal(conclude_kind(scene, 2101 * MS),
				 more ? FINDING_FUTEX_CONVOY : FINDING_DEADLOCK);
	}
}

/* It has had the lock before, and sleeps now as one may that holds it. */
static void thread_that_held_a_lock_and_slept_for_more_than_half_may_hold_it(void **state)
{
	(void)state;
	for (uint64_t more = 0; more < 2; more++) {
		uint64_t asleep_ns = 2000 * MS * OTHER_ASLEEP_PERCENT / 100 + more;
		struct scene *scene = scene_create(2);

		scene_switch(scene, 0, 10 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &other);
		waits_for(scene, 20 * MS, &first, LOCK);
		scene_waking(scene, 0, 40 * MS, &other, WAKE, &first);
		scene_switch(scene, 1, 41 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &first);
		scene_switch(scene, 1, 42 * MS, &first, FT_STATE_SLEEPING, POLL, &scene_idle);
		lock_up(scene);
		scene_switch(scene, 0, 101 * MS, &other, FT_STATE_SLEEPING, NANOSLEEP, &scene_idle);
		scene_waking(scene, 0, 101 * MS + asleep_ns, &scene_idle, "", &other);
		scene_switch(scene, 0, 101 * MS + asleep_ns, &scene_idle, FT_STATE_RUNNING, NULL,
			     &other);
		scene_switch(scene, 0, 102 * MS + asleep_ns, &other, FT_STATE_SLEEPING, POLL,
			     &scene_idle);
		assert_int_equal(conclude_kind(scene, 2101 * MS),
				 more ? FINDING_FUTEX_CONVOY : FINDING_DEADLOCK);
	}
}

UNIT_TESTS(deadlock)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(standstill_of_a_second_is_a_deadlock),
		cmocka_unit_test(thread_of_which_more_than_half_is_not_known_may_hold_a_lock),
		cmocka_unit_test(thread_that_held_a_lock_and_slept_for_more_than_half_may_hold_it),
		cmocka_unit_test(thread_that_was_active_for_more_than_a_tenth_may_hold_a_lock),
	};

	return run_unit_tests(tests, NULL, NULL);
}
