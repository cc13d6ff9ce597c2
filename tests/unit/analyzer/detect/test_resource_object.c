/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The object that threads waited at, and the process at its other end, in a finding.
 */
#include <string.h>

#include "analyzer/detect/thresholds.h"
#include "tests/unit/support/scene.h"
#include "tests/unit/support/unit_test.h"

#define MS SCENE_MS
#define US SCENE_US

/* What the recorder reads in /proc is in a stream of its own. */
#define PROC 2

#define WRITE SLEEP "anon_pipe_write < vfs_write < ksys_write < __x64_sys_write < do_syscall_64"
#define NAP   SLEEP "do_nanosleep < hrtimer_nanosleep < __x64_sys_clock_nanosleep < do_syscall_64"

static const struct ft_task reader = { 400, 400, "logship" };
static const struct ft_task reader_thread = { 401, 400, "rotate" };
static const struct ft_task second = { 500, 500, "tee" };

static void block_worker(struct scene *scene, uint32_t i, uint64_t from_ms)
{
	scene_switch(scene, 0, from_ms * MS - 5 * US, &scene_idle, FT_STATE_RUNNING, NULL,
		     &scene_workers[i]);
	scene_switch(scene, 0, from_ms * MS, &scene_workers[i], FT_STATE_SLEEPING, WRITE,
		     &scene_idle);
}

static void see_object(struct scene *scene, uint64_t at_ms, uint32_t i, const char *name)
{
	scene_object(scene, PROC, at_ms * MS, &scene_workers[i], FT_OBJECT_PIPE, name, 1);
	scene_peer(scene, PROC, at_ms * MS, &scene_workers[i], &reader, 0);
}

/* Two workers block at 500 and 510 ms; nobody lets them go on. */
static struct scene *begin_scene(void)
{
	struct scene *scene = scene_create(3);

	scene_switch(scene, 1, 10 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &scene_idle);
	block_worker(scene, 0, 500);
	block_worker(scene, 1, 510);
	return scene;
}

static struct scene_result end_scene(struct scene *scene)
{
	scene_switch(scene, 0, 2990 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &second);
	return scene_analyze(scene, "100", 3000 * MS);
}

static void reader_is_the_culprit_though_it_woke_nobody(void **state)
{
	struct scene *scene = begin_scene();
	const struct model_finding *finding;
	struct scene_result result;

	(void)state;
	see_object(scene, 800, 0, "pipe:[8123]");
	see_object(scene, 801, 1, "pipe:[8123]");
	scene_state(scene, PROC, 802 * MS, &reader, FT_STATE_STOPPED, NULL);
	result = end_scene(scene);
	finding = &result.model->findings[0];
	assert_int_equal(finding->kind, FINDING_BACKPRESSURE_STALL);
	assert_int_equal(finding->grade, GRADE_PLAUSIBLE);
	assert_true(finding->has_culprit);
	assert_int_equal(finding->culprit.tid, 400);
	assert_non_null(strstr(finding->summary, "at pipe:[8123] (stdout)"));
	assert_non_null(strstr(finding->summary, "Process 400 (logship), which alone has its other "
						 "end, was stopped for 2.50 s"));
	assert_true(scene_has_evidence(finding, "2 threads were seen to wait at pipe:[8123]"));
	scene_done(&result, scene);
}

static void of_several_readers_none_is_the_culprit(void **state)
{
	struct scene *scene = begin_scene();
	const struct model_finding *finding;
	struct scene_result result;

	(void)state;
	scene_object(scene, PROC, 800 * MS, &scene_workers[0], FT_OBJECT_PIPE, "pipe:[8123]", 2);
	scene_peer(scene, PROC, 800 * MS, &scene_workers[0], &reader, 0);
	scene_peer(scene, PROC, 800 * MS, &scene_workers[0], &second, 0);
	result = end_scene(scene);
	finding = &result.model->findings[0];
	assert_int_equal(finding->kind, FINDING_BACKPRESSURE_STALL);
	assert_false(finding->has_culprit);
	assert_true(scene_has_evidence(finding, "one of 2 processes: 400 (logship), 500 (tee) has"));
	scene_done(&result, scene);
}

/* OBJECT_PERCENT: the first worker is blocked for 2500 ms in all, the second from @second_ms on. */
static bool tells_object(uint64_t first_ms, uint64_t second_ms, uint64_t third_ms)
{
	struct scene *scene = scene_create(3);
	const uint64_t from_ms[] = { first_ms, second_ms, third_ms };
	static const char *const names[] = { "pipe:[1]", "pipe:[2]", "pipe:[3]" };
	struct scene_result result;

	scene_switch(scene, 1, 10 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &scene_idle);
	for (uint32_t i = 0; i < 3; i++)
		block_worker(scene, i, from_ms[i]);
	for (uint32_t i = 0; i < 3; i++)
		see_object(scene, 2700 + i, i, names[i]);
	result = end_scene(scene);
	bool told = strstr(result.model->findings[0].summary, "at pipe:[1]");
	scene_done(&result, scene);
	return told;
}

static void object_of_half_of_the_time_is_told(void **state)
{
	(void)state;
	assert_int_equal(OBJECT_PERCENT, 50);
	/* 2000 ms, and 990 and 900 ms; or 1100 and 1000 ms. */
	assert_true(tells_object(1000, 2010, 2100));
	assert_false(tells_object(1000, 1900, 2000));
}

/* PEER_RAN_PERCENT: another thread of the reader runs for @ran_ms of the 2500 ms. */
static int32_t find_culprit(uint64_t ran_ms)
{
	struct scene *scene = begin_scene();
	struct scene_result result;

	scene_switch(scene, 1, 600 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &reader_thread);
	scene_switch(scene, 1, (600 + ran_ms) * MS, &reader_thread, FT_STATE_SLEEPING, NAP,
		     &scene_idle);
	see_object(scene, 800, 0, "pipe:[8123]");
	scene_state(scene, PROC, 802 * MS, &reader, FT_STATE_SLEEPING, NAP);
	result = end_scene(scene);
	int32_t tid = result.model->findings[0].culprit.tid;
	scene_done(&result, scene);
	return tid;
}

static void thread_of_the_reader_that_ran_is_told(void **state)
{
	(void)state;
	assert_int_equal(PEER_RAN_PERCENT, 50);
	assert_int_equal(find_culprit(1300), 401);
	assert_int_equal(find_culprit(1200), 400);
}

/* The whole capture lies within the freeze. */
static bool is_stall(bool object_known)
{
	struct scene *scene = scene_create(3);
	struct scene_result result;

	for (uint32_t i = 0; i < 2; i++)
		scene_state(scene, PROC, 5 * MS + i, &scene_workers[i], FT_STATE_SLEEPING, WRITE);
	if (object_known) {
		see_object(scene, 800, 0, "pipe:[8123]");
		see_object(scene, 801, 1, "pipe:[8123]");
	}
	result = end_scene(scene);
	bool found = result.model->stall.found;
	if (found)
		assert_int_equal(result.model->findings[0].culprit.tid, 400);
	scene_done(&result, scene);
	return found;
}

static void wait_of_the_whole_capture_counts_where_its_other_end_is_known(void **state)
{
	(void)state;
	assert_true(is_stall(true));
	assert_false(is_stall(false));
}

UNIT_TESTS(resource_object)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reader_is_the_culprit_though_it_woke_nobody),
		cmocka_unit_test(of_several_readers_none_is_the_culprit),
		cmocka_unit_test(object_of_half_of_the_time_is_told),
		cmocka_unit_test(thread_of_the_reader_that_ran_is_told),
		cmocka_unit_test(wait_of_the_whole_capture_counts_where_its_other_end_is_known),
	};

	return run_unit_tests(tests, NULL, NULL);
}
