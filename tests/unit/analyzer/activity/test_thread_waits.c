/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waits of a thread, put together from the intervals of its history.
 */
#include "analyzer/activity/thread_waits.h"
#include "tests/unit/support/scene.h"
#include "tests/unit/support/unit_test.h"

#define MS   SCENE_MS
#define LOCK 0xffff888012345678ull

static const struct ft_task worker = { 100, 100, "worker" };
static const struct ft_task other = { 101, 100, "other" };

/* It is woken, loses the lock to another and sleeps again. */
static void thread_waits_are_one_where_it_sleeps_again_for_the_same_lock(void **state)
{
	struct scene *scene = scene_create(2);
	struct scene_observed observed;
	struct thread_waits_query query = { .start_ns = SCENE_START_NS + 100 * MS,
					    .end_ns = SCENE_START_NS + 300 * MS };
	struct thread_waits found;

	(void)state;
	scene_switch(scene, 0, 50 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &other);
	scene_switch(scene, 1, 90 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &worker);
	scene_lock_begin(scene, 1, 99 * MS, &worker, LOCK, FT_LOCK_WRITE);
	scene_switch(scene, 1, 100 * MS, &worker, FT_STATE_DISK, WAIT_MUNMAP, &scene_idle);
	scene_waking(scene, 0, 200 * MS, &other, RELEASE_MUNMAP, &worker);
	scene_switch(scene, 1, 201 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &worker);
	scene_switch(scene, 1, 202 * MS, &worker, FT_STATE_DISK, WAIT_MUNMAP, &scene_idle);
	scene_waking(scene, 0, 402 * MS, &other, RELEASE_MUNMAP, &worker);
	scene_switch(scene, 1, 403 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &worker);
	scene_switch(scene, 1, 410 * MS, &worker, FT_STATE_SLEEPING, NANOSLEEP, &scene_idle);
	scene_observe(scene, 500 * MS, &observed);
	query.thread = scene_observed_thread(&observed, &worker);
	assert_int_equal(thread_waits_find(observed.observations.history,
					   source_stacks(observed.source), observed.stack_infos,
					   &query, &found),
			 0);

	assert_int_equal(found.waits_seen, 2); /* and once it was ready to run */
	assert_int_equal(found.wait_count, 2);
	assert_int_equal(found.waits[0].class, WAIT_LOCK_MMAP);
	assert_int_equal(found.waits[0].sleeps, 2);
	assert_int_equal(found.waits[0].waited_ns, 300 * MS);
	assert_int_equal(found.waits[0].overlap_ns, 198 * MS);
	assert_int_equal(found.waits[0].ran_ns, SCENE_START_NS + 403 * MS);
	assert_true(found.waits[0].is_lock);
	assert_int_equal(found.waits[0].lock_address, LOCK);
	assert_ptr_equal(found.waits[0].waker, scene_observed_thread(&observed, &other));
	assert_true(found.waits[0].piece_count > 0);
	assert_ptr_equal(found.waits[0].pieces[0].owner, scene_observed_thread(&observed, &other));
	assert_int_equal(found.waits[1].state, THREAD_RUNNABLE);
	assert_int_equal(found.state_ns[THREAD_BLOCKED], 198 * MS);
	assert_int_equal(found.state_ns[THREAD_RUNNING], 1 * MS);
	assert_int_equal(found.state_ns[THREAD_RUNNABLE], 1 * MS);
	assert_int_equal(found.intervals, 4);
	cpu_profile_free(&found.profile);
	scene_observed_free(&observed);
}

UNIT_TESTS(thread_waits)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(thread_waits_are_one_where_it_sleeps_again_for_the_same_lock),
	};

	return run_unit_tests(tests, NULL, NULL);
}
