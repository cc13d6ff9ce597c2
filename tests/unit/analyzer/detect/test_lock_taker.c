/* SPDX-License-Identifier: Apache-2.0 */
/* Who holds a lock and waits at a full queue is only a link: whoever should have taken from it held up all. */
#include <string.h>

#include "analyzer/analysis.h"
#include "tests/unit/support/scene.h"
#include "tests/unit/support/unit_test.h"

#define MS SCENE_MS
#define US SCENE_US
#define LOCK 0xffff888011110000ull

#define WRITE                                                                                  \
	SLEEP "schedule_timeout < wait_woken < n_tty_write < file_tty_write < vfs_write < "    \
	      "ksys_write < __x64_sys_write < do_syscall_64"
#define WANT                                                                                   \
	SLEEP "schedule_preempt_disabled < __mutex_lock < tty_write_lock < file_tty_write < "  \
	      "vfs_write < ksys_write < __x64_sys_write < do_syscall_64"
#define LET_GO                                                                                 \
	"try_to_wake_up < wake_up_q < __mutex_unlock_slowpath < file_tty_write < vfs_write < " \
	"ksys_write < __x64_sys_write < do_syscall_64"
#define TAKE                                                                                   \
	"try_to_wake_up < __wake_up < tty_wakeup < pty_unthrottle < n_tty_read < tty_read < "  \
	"vfs_read < ksys_read < __x64_sys_read < do_syscall_64"

static const struct ft_task first = { 100, 100, "first" }, second = { 101, 100, "second" },
			    third = { 102, 100, "third" }, reader = { 200, 200, "reader" };

static void reader_of_a_terminal_holds_up_who_waits_for_the_writer(void **state)
{
	struct scene *scene = scene_create(4);
	struct scene_result result;
	const struct model_finding *finding;

	(void)state;
	/* The first has the lock from the second. */
	scene_lock_begin(scene, 0, 800 * MS - US, &first, LOCK, FT_LOCK_MUTEX);
	scene_switch(scene, 0, 800 * MS, &first, FT_STATE_SLEEPING, WANT, &scene_idle);
	scene_waking(scene, 1, 950 * MS, &second, LET_GO, &first);
	scene_switch(scene, 0, 950 * MS + 10 * US, &scene_idle, FT_STATE_RUNNING, NULL, &first);
	scene_switch(scene, 2, 900 * MS, &reader, FT_STATE_SLEEPING, NANOSLEEP, &scene_idle);
	scene_switch(scene, 0, 1000 * MS, &first, FT_STATE_SLEEPING, WRITE, &scene_idle);
	scene_lock_begin(scene, 1, 1001 * MS - US, &second, LOCK, FT_LOCK_MUTEX);
	scene_switch(scene, 1, 1001 * MS, &second, FT_STATE_SLEEPING, WANT, &scene_idle);
	scene_lock_begin(scene, 3, 1001 * MS - US, &third, LOCK, FT_LOCK_MUTEX);
	scene_switch(scene, 3, 1001 * MS, &third, FT_STATE_SLEEPING, WANT, &scene_idle);
	scene_waking(scene, 2, 2999 * MS, &scene_idle, "", &reader);
	scene_switch(scene, 2, 3000 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &reader);
	scene_waking(scene, 2, 3001 * MS, &reader, TAKE, &first);
	scene_switch(scene, 0, 3001 * MS + 10 * US, &scene_idle, FT_STATE_RUNNING, NULL, &first);
	scene_waking(scene, 0, 3001 * MS + 50 * US, &first, LET_GO, &second);
	scene_switch(scene, 1, 3001 * MS + 60 * US, &scene_idle, FT_STATE_RUNNING, NULL, &second);
	scene_waking(scene, 1, 3001 * MS + 70 * US, &second, LET_GO, &third);
	scene_switch(scene, 3, 3001 * MS + 80 * US, &scene_idle, FT_STATE_RUNNING, NULL, &third);
	scene_switch(scene, 1, 3100 * MS, &second, FT_STATE_SLEEPING, NANOSLEEP, &scene_idle);
	result = scene_analyze(scene, "100", 3200 * MS);

	assert_int_equal(model_verdict(result.model), VERDICT_FROZEN);
	finding = &result.model->findings[0];
	assert_int_equal(finding->kind, FINDING_KERNEL_LOCK_CONVOY);
	assert_true(finding->has_culprit);
	assert_int_equal(finding->culprit.tid, 200);
	/* What ended the writer's wait is a sign, and the lock is none. */
	assert_int_equal(finding->grade, GRADE_PLAUSIBLE);
	assert_int_equal(finding->victim_count, 3);
	assert_true(scene_has_evidence(finding, "waited 2.00 s (ipc.pipe) for thread 200 (reader)"));
	scene_done(&result, scene);
}

UNIT_TESTS(lock_taker)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reader_of_a_terminal_holds_up_who_waits_for_the_writer),
	};

	return run_unit_tests(tests, NULL, NULL);
}
