/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What /proc/locks said of locks of files, held against who waits.
 */
#include <string.h>

#include "tests/unit/support/scene.h"
#include "tests/unit/support/unit_test.h"

#define MS SCENE_MS

#define FLOCK \
	"__schedule < schedule < locks_lock_inode_wait < __do_sys_flock < __x64_sys_flock < do_syscall_64"
#define PAUSE \
	"__schedule < schedule < do_nanosleep < hrtimer_nanosleep < __x64_sys_nanosleep < do_syscall_64"

static const struct ft_task left = { 100, 100, "left" }, right = { 200, 200, "right" };
static const struct ft_task client = { 300, 300, "client" }, thread = { 201, 200, "thread" };

/* From @at_ms on. */
static void block_task(struct scene *scene, uint64_t at_ms, const struct ft_task *task)
{
	scene_switch(scene, 0, at_ms * MS, &scene_idle, FT_STATE_RUNNING, NULL, task);
	scene_switch(scene, 0, (at_ms + 1) * MS, task, FT_STATE_SLEEPING, FLOCK, &scene_idle);
}

static void list_locks(struct scene *scene, const char *text)
{
	scene_note(scene, 1, 3900 * MS, text);
}

/* AB-BA, and one behind it. */
static void lock_up(struct scene *scene)
{
	block_task(scene, 500, &left);
	block_task(scene, 600, &right);
	block_task(scene, 700, &client);
	list_locks(scene, "file lock: flock 08:01:5 wanted by 100, held by 200");
	list_locks(scene, "file lock: flock 08:01:6 wanted by 200, held by 100");
	list_locks(scene, "file lock: flock 08:01:6 wanted by 300, held by 100");
}

static void processes_that_wait_for_each_others_files_are_a_deadlock(void **state)
{
	struct scene *scene = scene_create(2);
	const struct model_finding *finding;
	struct scene_result result;

	(void)state;
	lock_up(scene);
	result = scene_analyze(scene, "100,200,300", 4000 * MS);
	finding = &result.model->findings[0];
	assert_int_equal(finding->kind, FINDING_DEADLOCK);
	assert_int_equal(finding->grade, GRADE_STRONG);
	assert_int_equal(result.model->finding_count, 1);
	assert_int_equal(finding->victim_count, 3);
	assert_int_equal(finding->lock.class, WAIT_LOCK_FILE);
	assert_true(finding->culprit.tid == 100 || finding->culprit.tid == 200);
	assert_non_null(strstr(finding->summary, "2 threads wait in a circle"));
	assert_non_null(strstr(finding->summary, "3 threads are stuck with them for 2 locks"));
	assert_non_null(strstr(finding->evidence[0], "the lock of file 08:01:"));
	assert_non_null(strstr(finding->evidence[3], "inherited"));
	assert_int_equal(result.model->coverage.note_count, 0); /* told better elsewhere */
	scene_done(&result, scene);
}

/* One in it; one who waits for it. */
static void circle_is_found_from_one_process_alone(void **state)
{
	static const struct {
		const char *target;
		size_t victims;
	} tries[] = { { "100", 2 }, { "300", 3 } };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct scene *scene = scene_create(2);
		struct scene_result result;

		lock_up(scene);
		result = scene_analyze(scene, tries[i].target, 4000 * MS);
		assert_int_equal(result.model->findings[0].kind, FINDING_DEADLOCK);
		assert_int_equal(result.model->findings[0].victim_count, tries[i].victims);
		scene_done(&result, scene);
	}
}

static void listed_holder_is_named_although_it_let_nothing_go(void **state)
{
	struct scene *scene = scene_create(2);
	const struct model_finding *finding;
	struct scene_result result;

	(void)state;
	block_task(scene, 500, &left);
	scene_state(scene, 1, 3900 * MS, &right, FT_STATE_SLEEPING, PAUSE);
	list_locks(scene, "file lock: posix 08:01:5 wanted by 100, held by 200");
	result = scene_analyze(scene, "100", 4000 * MS);
	finding = &result.model->findings[0];
	assert_int_equal(finding->kind, FINDING_KERNEL_LOCK_CONVOY);
	assert_int_equal(finding->grade, GRADE_EXACT);
	assert_int_equal(finding->culprit.tid, 200);
	assert_int_equal(finding->culprit.hold_ns, 3499 * MS);
	assert_non_null(strstr(finding->evidence[0], "process 200"));
	assert_null(strstr(finding->evidence[0], "inherited"));
	/* The list is gone by now; the model has what it needs of it. */
	assert_non_null(strstr(result.model->locks[0].detail, "08:01:"));
	scene_done(&result, scene);
}

/* The list names processes. */
static void process_of_several_threads_gives_no_culprit(void **state)
{
	struct scene *scene = scene_create(2);
	const struct model_finding *finding;
	struct scene_result result;

	(void)state;
	block_task(scene, 500, &left);
	scene_state(scene, 1, 3900 * MS, &right, FT_STATE_SLEEPING, PAUSE);
	scene_state(scene, 1, 3900 * MS, &thread, FT_STATE_SLEEPING, PAUSE);
	list_locks(scene, "file lock: flock 08:01:5 wanted by 100, held by 200");
	result = scene_analyze(scene, "100", 4000 * MS);
	finding = &result.model->findings[0];
	assert_int_equal(finding->kind, FINDING_KERNEL_LOCK_CONVOY);
	assert_int_equal(finding->grade, GRADE_UNKNOWN);
	assert_false(finding->has_culprit);
	assert_non_null(strstr(finding->evidence[1], "not which of its threads"));
	scene_done(&result, scene);
}

/* Two threads of a process, two files: the list does not tell which thread waits for which. */
static void waits_that_cannot_be_told_apart_are_not(void **state)
{
	struct scene *scene = scene_create(2);
	struct scene_result result;

	(void)state;
	block_task(scene, 500, &right);
	block_task(scene, 600, &thread);
	scene_state(scene, 1, 3900 * MS, &left, FT_STATE_SLEEPING, PAUSE);
	list_locks(scene, "file lock: flock 08:01:5 wanted by 200, held by 100");
	list_locks(scene, "file lock: flock 08:01:6 wanted by 200, held by 300");
	result = scene_analyze(scene, "200", 4000 * MS);
	assert_int_equal(result.model->findings[0].kind, FINDING_KERNEL_LOCK_CONVOY);
	assert_false(result.model->findings[0].has_culprit);
	assert_true(result.model->locks[0].address == 0);
	scene_done(&result, scene);
}

/* It was listed in the wait before. */
static void list_says_nothing_of_a_later_wait(void **state)
{
	struct scene *scene = scene_create(2);
	struct scene_result result;

	(void)state;
	block_task(scene, 100, &left);
	scene_note(scene, 1, 300 * MS, "file lock: flock 08:01:5 wanted by 100, held by 200");
	scene_waking(scene, 0, 400 * MS, &scene_idle, NULL, &left);
	scene_switch(scene, 0, 401 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &left);
	scene_switch(scene, 0, 402 * MS, &left, FT_STATE_SLEEPING, FLOCK, &scene_idle);
	scene_state(scene, 1, 500 * MS, &right, FT_STATE_SLEEPING, PAUSE);
	result = scene_analyze(scene, "100", 4000 * MS);
	assert_false(result.model->findings[0].has_culprit);
	scene_done(&result, scene);
}

UNIT_TESTS(proc_locks)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(processes_that_wait_for_each_others_files_are_a_deadlock),
		cmocka_unit_test(circle_is_found_from_one_process_alone),
		cmocka_unit_test(listed_holder_is_named_although_it_let_nothing_go),
		cmocka_unit_test(process_of_several_threads_gives_no_culprit),
		cmocka_unit_test(waits_that_cannot_be_told_apart_are_not),
		cmocka_unit_test(list_says_nothing_of_a_later_wait),
	};

	return run_unit_tests(tests, NULL, NULL);
}
