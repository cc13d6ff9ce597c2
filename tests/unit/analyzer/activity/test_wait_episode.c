/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many holds, none of them long, that are one stall together; and those that are none.
 */
#include <string.h>

#include "analyzer/activity/wait_episode.h"
#include "tests/unit/support/scene.h"
#include "tests/unit/support/unit_test.h"

#define MS SCENE_MS
#define US SCENE_US

static const struct thread holder, other;
static const struct lock lock, another_lock;

static struct long_wait wait_of(uint64_t start_ms, uint64_t end_ms)
{
	return (struct long_wait){
		.lock = &lock,
		.start_ns = start_ms * MS,
		.end_ns = end_ms * MS,
		.blocked_ns = (end_ms - start_ms) * MS,
	};
}

/* The next wait, for wait->lock. */
static bool add_wait(struct wait_episode *episode, const struct long_wait *wait,
		     const struct thread *had_it, struct long_wait *ret_ended)
{
	const struct episode_wait next = { .wait = wait, .what = wait->lock, .holder = had_it };

	return wait_episode_add(episode, &next, ret_ended);
}

/* Whether all of @count waits, at [start, end] ms, are one series of @holder. */
static bool one_series(const uint64_t (*waits)[2], size_t count, struct long_wait *ret_series)
{
	struct wait_episode series = { 0 };
	struct long_wait wait;
	bool one = true;

	for (size_t i = 0; i < count; i++) {
		wait = wait_of(waits[i][0], waits[i][1]);
		if (add_wait(&series, &wait, &holder, ret_series))
			one = false;
	}
	return wait_episode_end(&series, ret_series) && one;
}

static void waits_with_little_between_them_are_one_series(void **state)
{
	static const uint64_t waits[][2] = {
		{ 100, 200 }, { 205, 290 }, { 300, 310 }, { 312, 500 }
	};
	struct long_wait series;

	(void)state;
	assert_true(one_series(waits, 4, &series));
	assert_int_equal(series.start_ns, 100 * MS);
	assert_int_equal(series.end_ns, 500 * MS);
	assert_int_equal(series.blocked_ns, (100 + 85 + 10 + 188) * MS);
}

static void waits_with_as_much_between_them_are_not_one_series(void **state)
{
	static const uint64_t waits[][2] = { { 100, 200 }, { 260, 360 }, { 420, 520 } };
	struct long_wait series;

	(void)state;
	assert_false(one_series(waits, 3, &series));
	assert_int_equal(series.blocked_ns, 100 * MS);
}

/* A long stall does not reach out for the next short wait. */
static void series_ends_where_the_waits_became_rare(void **state)
{
	static const uint64_t waits[][2] = {
		{ 0, 1000 }, { 1030, 1040 }, { 1070, 1080 }, { 1130, 1140 }
	};
	struct long_wait series;
	struct wait_episode one = { 0 };
	struct long_wait wait;

	(void)state;
	assert_true(one_series(waits, 3, &series));
	assert_int_equal(series.start_ns, 0);
	assert_int_equal(series.end_ns, 1000 * MS);
	assert_int_equal(series.blocked_ns, 1000 * MS);
	assert_false(one_series(waits, 4, &series));
	wait = wait_of(0, 1000);
	assert_false(add_wait(&one, &wait, &holder, &series));
	wait = wait_of(1101, 2000);
	assert_true(add_wait(&one, &wait, &holder, &series));
	assert_int_equal(series.end_ns, 1000 * MS);
}

static void series_is_of_one_lock_and_one_holder(void **state)
{
	struct long_wait first = wait_of(0, 100), second = wait_of(101, 200), ended;

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct wait_episode series = { 0 };

		second.lock = i == 1 ? &another_lock : &lock;
		assert_false(add_wait(&series, &first, &holder, &ended));
		assert_int_equal(add_wait(&series, &second, i == 2 ? &other : &holder, &ended),
				 i > 0);
		if (i)
			assert_int_equal(ended.end_ns, first.end_ns);
	}
}

/* Reclaim in one call: a thread that only wants a CPU between its slices does not get on. */
static void slices_are_one_wait_where_the_thread_only_queued_between_them(void **state)
{
	const char *const mmap_name = "mmap";

	(void)state;
	for (int queued = 0; queued < 2; queued++) {
		struct wait_episode episode = { 0 };
		struct long_wait first = wait_of(0, 100), second = wait_of(190, 290), ended;
		const struct episode_wait slices[] = {
			{ .wait = &first, .what = mmap_name },
			{ .wait = &second, .what = mmap_name, .queued_ns = queued ? 89 * MS : 0 },
		};

		first.lock = second.lock = NULL;
		assert_false(wait_episode_add(&episode, &slices[0], &ended));
		assert_int_equal(wait_episode_add(&episode, &slices[1], &ended), !queued);
		assert_true(wait_episode_end(&episode, &ended));
		assert_int_equal(ended.blocked_ns, (queued ? 200 : 100) * MS);
	}
}

static void waits_for_nothing_in_particular_stand_alone(void **state)
{
	struct long_wait wait = wait_of(0, 100), ended;
	const struct episode_wait alone = { .wait = &wait };
	struct wait_episode episode = { 0 };

	(void)state;
	assert_false(wait_episode_add(&episode, &alone, &ended));
	assert_true(wait_episode_add(&episode, &alone, &ended));
}

/* The whole analyzer. */

#define RELEASE_MREMAP                                                                         \
	"try_to_wake_up < wake_up_q < rwsem_wake < up_write < do_mremap < __x64_sys_mremap < " \
	"do_syscall_64"

#define MOVER	(&scene_resizer)
#define WORKERS 3

/* From @at_ns on, on CPU 1 + i, a worker comes, finds the lock taken and sleeps. */
static void wants_it(struct scene *scene, uint64_t at_ns, uint32_t i)
{
	const struct ft_task *worker = &scene_workers[i];

	scene_waking(scene, 1 + i, at_ns, &scene_idle, NULL, worker);
	scene_switch(scene, 1 + i, at_ns + 10 * US, &scene_idle, FT_STATE_RUNNING, NULL, worker);
	scene_lock_begin(scene, 1 + i, at_ns + 20 * US, worker, SCENE_LOCK, FT_LOCK_WRITE);
	scene_switch(scene, 1 + i, at_ns + 30 * US, worker, FT_STATE_DISK, WAIT_MUNMAP,
		     &scene_idle);
}

/* A worker that was woken gets the lock and, after @held_ns, wakes the next one, if any, and sleeps. */
static void gets_it(struct scene *scene, uint64_t at_ns, uint32_t i, uint64_t held_ns,
		    const struct ft_task *next)
{
	const struct ft_task *worker = &scene_workers[i];

	scene_switch(scene, 1 + i, at_ns + 5 * US, &scene_idle, FT_STATE_RUNNING, NULL, worker);
	if (next)
		scene_waking(scene, 1 + i, at_ns + held_ns, worker, RELEASE_MUNMAP, next);
	scene_switch(scene, 1 + i, at_ns + held_ns + 5 * US, worker, FT_STATE_SLEEPING, NANOSLEEP,
		     &scene_idle);
}

/* The mover moves ten times, for 90 ms each, and the workers get through in between. */
static void moves_again_and_again(struct scene *scene, uint64_t pause_ms)
{
	scene_switch(scene, 0, 500 * MS, &scene_idle, FT_STATE_RUNNING, NULL, MOVER);
	for (uint64_t round = 0; round < 10; round++) {
		uint64_t at_ns = (1000 + round * (90 + pause_ms)) * MS;

		scene_call(scene, 0, at_ns, MOVER, FT_CALL_MREMAP, 16ull << 30,
			   "__x64_sys_mremap < do_syscall_64 | mremap < move < main");
		for (uint32_t i = 0; i < WORKERS; i++)
			wants_it(scene, at_ns + 1 * MS, i);
		scene_waking(scene, 0, at_ns + 90 * MS, MOVER, RELEASE_MREMAP, &scene_workers[0]);
		for (uint32_t i = 0; i < WORKERS; i++)
			gets_it(scene, at_ns + 90 * MS + i * 30 * US, i, 30 * US,
				i + 1 < WORKERS ? &scene_workers[i + 1] : NULL);
	}
}

static void holds_one_after_the_other_are_one_stall(void **state)
{
	struct scene *scene = scene_create(1 + WORKERS);
	const struct model_finding *finding;
	struct scene_result result;

	(void)state;
	moves_again_and_again(scene, 5);
	result = scene_analyze(scene, "100", 4000 * MS);
	assert_true(result.model->stall.found);
	assert_int_equal(result.model->stall.start_ns, 1001 * MS + 30 * US);
	assert_int_equal(result.model->stall.end_ns, (1000 + 9 * 95 + 90) * MS + 60 * US);
	assert_int_equal(result.model->stall.threads_blocked_max, WORKERS);
	finding = &result.model->findings[0];
	assert_int_equal(finding->kind, FINDING_MMAP_LOCK_CONVOY);
	assert_int_equal(finding->grade, GRADE_STRONG);
	assert_int_equal(finding->culprit.tid, MOVER->tid);
	assert_int_equal(finding->culprit.hold_ns, 90 * MS);
	assert_int_equal(finding->victim_count, WORKERS);
	assert_int_equal(finding->blocked_ns, 10 * (3 * (89 * MS - 30 * US) + 90 * US));
	assert_string_equal(finding->allocation.syscall, "mremap");
	assert_non_null(strstr(finding->summary, "held mmap_lock 10 times, the longest for 90 ms"));
	assert_non_null(strstr(finding->evidence[1], "10 times for more than 1 ms"));
	scene_done(&result, scene);
}

static void holds_with_time_between_them_are_no_stall(void **state)
{
	struct scene *scene = scene_create(1 + WORKERS);
	struct scene_result result;

	(void)state;
	moves_again_and_again(scene, 40);
	result = scene_analyze(scene, "100", 4000 * MS);
	assert_false(result.model->stall.found);
	assert_int_equal(result.model->findings[0].kind, FINDING_NO_STALL);
	scene_done(&result, scene);
}

/* Each waits nine tenths of its time and gets on all the same. */
static void lock_that_goes_from_hand_to_hand_is_no_stall(void **state)
{
	struct scene *scene = scene_create(1 + WORKERS);
	struct scene_result result;

	(void)state;
	for (uint32_t i = 0; i < WORKERS; i++)
		wants_it(scene, 900 * MS + i * US, i);
	scene_switch(scene, 0, 500 * MS, &scene_idle, FT_STATE_RUNNING, NULL, MOVER);
	scene_waking(scene, 0, 1000 * MS, MOVER, RELEASE_MREMAP, &scene_workers[0]);
	for (uint64_t turn = 0; turn < 60; turn++) {
		uint32_t i = (uint32_t)(turn % WORKERS);

		gets_it(scene, (1000 + turn * 50) * MS, i, 50 * MS,
			&scene_workers[(i + 1) % WORKERS]);
		wants_it(scene, (1000 + (turn + 1) * 50) * MS + 10 * US, i);
	}
	result = scene_analyze(scene, "100", 4000 * MS);
	assert_int_equal(result.model->findings[0].kind, FINDING_NO_STALL);
	scene_done(&result, scene);
}

UNIT_TESTS(wait_episode)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(waits_with_little_between_them_are_one_series),
		cmocka_unit_test(waits_with_as_much_between_them_are_not_one_series),
		cmocka_unit_test(series_ends_where_the_waits_became_rare),
		cmocka_unit_test(series_is_of_one_lock_and_one_holder),
		cmocka_unit_test(slices_are_one_wait_where_the_thread_only_queued_between_them),
		cmocka_unit_test(waits_for_nothing_in_particular_stand_alone),
		cmocka_unit_test(holds_one_after_the_other_are_one_stall),
		cmocka_unit_test(holds_with_time_between_them_are_no_stall),
		cmocka_unit_test(lock_that_goes_from_hand_to_hand_is_no_stall),
	};

	return run_unit_tests(tests, NULL, NULL);
}
