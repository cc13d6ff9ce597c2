/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a capture cannot say.
 */
#include <string.h>

#include "analyzer/detect/thresholds.h"
#include "tests/unit/support/scene.h"
#include "tests/unit/support/unit_test.h"

#define MS SCENE_MS

#define MUTEX SLEEP "__mutex_lock_slowpath < mutex_lock < rtnl_lock < do_syscall_64"

static bool cannot_say(const struct model *model, const char *part)
{
	for (size_t i = 0; i < model->coverage.cannot_say_count; i++)
		if (strstr(model->coverage.cannot_say[i], part))
			return true;
	return false;
}

/* The kernel names a lock's owner in its log after two minutes; a wait of half of that is one to
 * look there for. */
static void log_that_could_not_be_read_is_missed_after_a_minute(void **state)
{
	(void)state;
	for (uint64_t less = 0; less < 2; less++) {
		struct scene *scene = scene_create(2);
		struct scene_result result;

		scene_kernel_log(scene, "not permitted");
		scene_switch(scene, 0, 500 * MS, &scene_idle, FT_STATE_RUNNING, NULL,
			     &scene_workers[0]);
		scene_switch(scene, 0, 1000 * MS, &scene_workers[0], FT_STATE_DISK, MUTEX,
			     &scene_idle);
		result = scene_analyze(scene, "100", 1000 * MS + HUNG_NS - less);
		assert_int_equal(result.model->findings[0].kind, FINDING_KERNEL_LOCK_CONVOY);
		assert_int_equal(cannot_say(result.model, "in its log"), !less);
		scene_done(&result, scene);
	}
}

/* The one thread is observed for 4 s, and its CPU's events are lost for a part of that. */
static void half_of_the_time_not_known_leaves_no_verdict(void **state)
{
	(void)state;
	for (uint64_t more = 0; more < 2; more++) {
		uint64_t lost_ns = 4000 * MS * VERDICT_UNKNOWN_PERCENT / 100 + more;
		struct scene *scene = scene_create(1);
		struct scene_result result;

		scene_switch(scene, 0, 0, &scene_idle, FT_STATE_RUNNING, SLEEP "x",
			     &scene_workers[0]);
		scene_lost(scene, 0, 1000 * MS, 1000 * MS + lost_ns, 5);
		scene_sample(scene, 0, 1000 * MS + lost_ns, &scene_workers[0], " | work < main");
		scene_sample(scene, 0, 4000 * MS, &scene_workers[0], " | work < main");
		result = scene_analyze(scene, "100", 4000 * MS);
		assert_int_equal(result.model->coverage.unknown_ns, lost_ns);
		assert_int_equal(!!result.model->no_verdict, more);
		scene_done(&result, scene);
	}
}

/* Two threads wait two seconds for a lock, interruptibly. */
static struct scene_result analyze_lock_wait(struct scene *scene)
{
	for (size_t i = 0; i < 2; i++) {
		const struct ft_task *worker = &scene_workers[i];
		uint32_t cpu = (uint32_t)i;

		scene_switch(scene, cpu, 500 * MS, &scene_idle, FT_STATE_RUNNING, NULL, worker);
		scene_switch(scene, cpu, 1000 * MS, worker, FT_STATE_SLEEPING,
			     SLEEP "request_wait_answer < fuse_simple_request < do_syscall_64",
			     &scene_idle);
		scene_waking(scene, cpu, 3000 * MS, &scene_idle, "", worker);
		scene_switch(scene, cpu, 3001 * MS, &scene_idle, FT_STATE_RUNNING, NULL, worker);
	}
	return scene_analyze(scene, "100", 4000 * MS);
}

static void capture_without_names_of_the_kernel_has_no_verdict(void **state)
{
	(void)state;
	for (int unnamed = 0; unnamed < 2; unnamed++) {
		struct scene *scene = scene_create(2);
		struct scene_result result;

		scene_sample(scene, 0, 600 * MS, &scene_workers[0], " | work < main");
		if (unnamed)
			scene_unnamed(scene);
		result = analyze_lock_wait(scene);
		assert_int_equal(result.model->stall.found, !unnamed);
		assert_int_equal(!!result.model->no_verdict, unnamed);
		assert_int_equal(result.model->finding_count, !unnamed);
		assert_int_equal(cannot_say(result.model, "no names"), unnamed);
		scene_done(&result, scene);
	}
}

static void capture_without_names_still_tells_of_stopped_threads(void **state)
{
	struct scene *scene = scene_create(1);
	struct scene_result result;

	(void)state;
	scene_unnamed(scene);
	scene_switch(scene, 0, 500 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &scene_workers[0]);
	scene_switch(scene, 0, 1000 * MS, &scene_workers[0], FT_STATE_STOPPED,
		     SLEEP "do_signal_stop < get_signal < do_syscall_64", &scene_idle);
	scene_waking(scene, 0, 3000 * MS, &scene_idle, "", &scene_workers[0]);
	scene_switch(scene, 0, 3001 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &scene_workers[0]);
	result = scene_analyze(scene, "100", 4000 * MS);
	assert_true(result.model->stall.found);
	assert_int_equal(result.model->findings[0].kind, FINDING_PROCESS_STOPPED);
	scene_done(&result, scene);
}

UNIT_TESTS(coverage)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(log_that_could_not_be_read_is_missed_after_a_minute),
		cmocka_unit_test(half_of_the_time_not_known_leaves_no_verdict),
		cmocka_unit_test(capture_without_names_of_the_kernel_has_no_verdict),
		cmocka_unit_test(capture_without_names_still_tells_of_stopped_threads),
	};

	return run_unit_tests(tests, NULL, NULL);
}
