/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deadlocks that end before the recording does: one of the threads gives up, or is killed.
 */
#include <linux/futex.h>
#include <string.h>

#include "analyzer/detect/thresholds.h"
#include "tests/unit/support/scene.h"
#include "tests/unit/support/unit_test.h"

#define MS SCENE_MS
#define US SCENE_US

#define LOCK	   0x55d22ffdd4c0ull
#define OTHER_LOCK 0x55d22ffdd500ull
#define POLL	   SLEEP "do_poll < do_sys_poll < __x64_sys_poll < do_syscall_64"
#define KILL                                                                                \
	"try_to_wake_up < signal_wake_up_state < complete_signal < __send_signal_locked < " \
	"do_send_sig_info < kill_pid_info < __x64_sys_kill < do_syscall_64"
#define OWNER_DIED                                                                           \
	"try_to_wake_up < wake_up_q < futex_wake < handle_futex_death < exit_robust_list < " \
	"futex_exit_release < do_exit < do_group_exit"

static const struct ft_task first = { 101, 100, "first" }, second = { 102, 100, "second" },
			    third = { 103, 100, "third" }, other = { 104, 100, "other" },
			    killer = { 900, 900, "killer" };

/* On CPU 1 @task runs, wants what is at @address, and sleeps from @at_ns on. */
static void waits_for(struct scene *scene, uint64_t at_ns, const struct ft_task *task,
		      uint64_t address)
{
	scene_switch(scene, 1, at_ns - 10 * US, &scene_idle, FT_STATE_RUNNING, NULL, task);
	scene_futex(scene, 1, at_ns - 2 * US, task, address, FUTEX_WAIT_PRIVATE, 2);
	scene_switch(scene, 1, at_ns, task, FT_STATE_SLEEPING, WAIT_FUTEX, &scene_idle);
}

/* On CPU 1 @task goes on at @at_ns, for a moment. */
static void goes_on(struct scene *scene, uint64_t at_ns, const struct ft_task *task)
{
	scene_switch(scene, 1, at_ns, &scene_idle, FT_STATE_RUNNING, NULL, task);
	scene_switch(scene, 1, at_ns + 10 * US, task, FT_STATE_SLEEPING, POLL, &scene_idle);
}

/* One waits for what the other two, who wait for it, may have. */
static void lock_up(struct scene *scene)
{
	waits_for(scene, 100 * MS, &second, LOCK);
	waits_for(scene, 101 * MS, &first, OTHER_LOCK);
	waits_for(scene, 102 * MS, &third, LOCK);
}

/* It goes on at @at_ns, and lets the others go on, one after the other. */
static void lets_go(struct scene *scene, uint64_t at_ns)
{
	scene_switch(scene, 1, at_ns, &scene_idle, FT_STATE_RUNNING, NULL, &first);
	scene_waking(scene, 1, at_ns + 10 * US, &first, WAKE, &second);
	scene_switch(scene, 1, at_ns + 20 * US, &first, FT_STATE_SLEEPING, POLL, &second);
	scene_waking(scene, 1, at_ns + 30 * US, &second, WAKE, &third);
	scene_switch(scene, 1, at_ns + 40 * US, &second, FT_STATE_SLEEPING, POLL, &scene_idle);
	goes_on(scene, at_ns + 50 * US, &third);
}

static enum finding_kind conclude_kind(struct scene *scene, uint64_t end_ns)
{
	struct scene_result result = scene_analyze(scene, "100", end_ns);
	enum finding_kind kind = result.model->findings[0].kind;

	scene_done(&result, scene);
	return kind;
}

static void one_who_gives_up_ends_a_deadlock_of_a_second(void **state)
{
	(void)state;
	for (uint64_t less = 0; less < 2; less++) {
		uint64_t end_ns = 101 * MS + DEADLOCK_STILL_NS - less;
		struct scene *scene = scene_create(2);

		lock_up(scene);
		scene_waking(scene, 1, end_ns, &scene_idle, "", &first);
		lets_go(scene, end_ns + 10 * US);
		assert_int_equal(conclude_kind(scene, 3000 * MS),
				 less ? FINDING_FUTEX_CONVOY : FINDING_DEADLOCK);
	}
}

static void report_says_who_gave_up_and_when(void **state)
{
	struct scene *scene = scene_create(2);
	const struct model_finding *finding;
	struct scene_result result;

	(void)state;
	lock_up(scene);
	scene_waking(scene, 1, 2101 * MS, &scene_idle, "", &first);
	lets_go(scene, 2102 * MS);
	result = scene_analyze(scene, "100", 3000 * MS);
	finding = &result.model->findings[0];
	assert_int_equal(finding->kind, FINDING_DEADLOCK);
	assert_int_equal(finding->grade, GRADE_PLAUSIBLE);
	assert_int_equal(finding->culprit.tid, 101);
	assert_int_equal(finding->victim_count, 3);
	assert_int_equal(result.model->finding_count, 1); /* and no convoy of the victims */
	assert_non_null(strstr(finding->summary, "until thread 101 (first) gave up after 2.00 s"));
	assert_true(scene_has_evidence(finding, "thread 101 (first) had it: it let it go later"));
	scene_done(&result, scene);
}

/* What it waited for with a time limit was no lock. */
static void holder_that_waits_for_something_else_is_in_no_deadlock(void **state)
{
	struct scene *scene = scene_create(2);

	(void)state;
	waits_for(scene, 100 * MS, &second, LOCK);
	scene_switch(scene, 1, 101 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &first);
	scene_switch(scene, 1, 102 * MS, &first, FT_STATE_SLEEPING, POLL, &scene_idle);
	waits_for(scene, 103 * MS, &third, LOCK);
	scene_waking(scene, 1, 2101 * MS, &scene_idle, "", &first);
	lets_go(scene, 2102 * MS);
	assert_int_equal(conclude_kind(scene, 3000 * MS), FINDING_FUTEX_CONVOY);
}

/* Its own wait ended by a release: somebody outside had what it wanted. */
static void chain_that_ends_by_a_release_is_no_deadlock(void **state)
{
	struct scene *scene = scene_create(2);

	(void)state;
	scene_switch(scene, 0, 50 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &other);
	scene_switch(scene, 0, 60 * MS, &other, FT_STATE_SLEEPING, NANOSLEEP, &scene_idle);
	lock_up(scene);
	scene_waking(scene, 0, 2100 * MS, &scene_idle, "", &other);
	scene_switch(scene, 0, 2100 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &other);
	scene_waking(scene, 0, 2101 * MS, &other, WAKE, &first);
	scene_switch(scene, 0, 2101 * MS + US, &other, FT_STATE_SLEEPING, POLL, &scene_idle);
	lets_go(scene, 2102 * MS);
	assert_int_equal(conclude_kind(scene, 3000 * MS), FINDING_FUTEX_CONVOY);
}

/* One lock is not two. */
static void long_hold_that_ends_is_no_deadlock(void **state)
{
	struct scene *scene = scene_create(2);

	(void)state;
	waits_for(scene, 100 * MS, &second, LOCK);
	scene_switch(scene, 1, 101 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &first);
	scene_switch(scene, 1, 102 * MS, &first, FT_STATE_SLEEPING, NANOSLEEP, &scene_idle);
	waits_for(scene, 103 * MS, &third, LOCK);
	scene_waking(scene, 1, 2101 * MS, &scene_idle, "", &first);
	lets_go(scene, 2102 * MS);
	assert_int_equal(conclude_kind(scene, 3000 * MS), FINDING_FUTEX_CONVOY);
}

/* It was woken by no release, and ended: soon enough for that to be why. */
static void one_who_is_killed_ends_a_deadlock(void **state)
{
	(void)state;
	for (uint64_t more = 0; more < 2; more++) {
		uint64_t died_ns = 2101 * MS + DEADLOCK_GONE_NS + more;
		struct scene *scene = scene_create(2);
		const struct model_finding *finding;
		struct scene_result result;

		scene_switch(scene, 0, 50 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &killer);
		lock_up(scene);
		scene_waking(scene, 0, 2101 * MS, &killer, KILL, &first);
		scene_switch(scene, 1, 2102 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &first);
		scene_waking(scene, 1, 2103 * MS, &first, OWNER_DIED, &second);
		scene_switch(scene, 0, 2103 * MS + US, &killer, FT_STATE_SLEEPING, POLL, &second);
		scene_waking(scene, 0, 2104 * MS, &second, WAKE, &third);
		scene_switch(scene, 0, 2105 * MS, &second, FT_STATE_SLEEPING, POLL, &third);
		scene_switch(scene, 0, 2106 * MS, &third, FT_STATE_SLEEPING, POLL, &scene_idle);
		scene_switch(scene, 1, died_ns, &first, FT_STATE_DEAD, "", &scene_idle);
		result = scene_analyze(scene, "100", 4000 * MS);
		finding = &result.model->findings[0];
		assert_int_equal(finding->kind, more ? FINDING_FUTEX_CONVOY : FINDING_DEADLOCK);
		assert_int_equal(!strstr(finding->summary, "until thread 101 (first) was killed"),
				 more);
		scene_done(&result, scene);
	}
}

/* Who gives up is a victim, and those two who wait for each other go on doing so. */
static void victim_that_gives_up_ends_no_deadlock(void **state)
{
	struct scene *scene = scene_create(2);
	const struct model_finding *finding;
	struct scene_result result;

	(void)state;
	waits_for(scene, 100 * MS, &second, LOCK);
	waits_for(scene, 101 * MS, &first, OTHER_LOCK);
	waits_for(scene, 102 * MS, &third, LOCK);
	waits_for(scene, 103 * MS, &other, OTHER_LOCK);
	scene_waking(scene, 1, 1900 * MS, &scene_idle, "", &third);
	goes_on(scene, 1901 * MS, &third);
	result = scene_analyze(scene, "100", 3000 * MS);
	finding = &result.model->findings[0];
	assert_int_equal(finding->kind, FINDING_DEADLOCK);
	assert_non_null(strstr(finding->summary, "until the recording ended"));
	scene_done(&result, scene);
}

/* Robust locks that two processes share name their owners: also to the one who is killed. */
static void circle_of_two_processes_is_sure_after_a_kill(void **state)
{
	static const struct ft_task left = { 100, 100, "left" }, right = { 200, 200, "right" };
	struct scene *scene = scene_create(2);
	const struct model_finding *finding;
	struct scene_result result;

	(void)state;
	scene_switch(scene, 0, 50 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &killer);
	scene_switch(scene, 1, 99 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &left);
	scene_futex(scene, 1, 100 * MS - US, &left, OTHER_LOCK, FUTEX_WAIT, FUTEX_WAITERS | 200);
	scene_switch(scene, 1, 100 * MS, &left, FT_STATE_SLEEPING, WAIT_FUTEX, &right);
	scene_futex(scene, 1, 101 * MS - US, &right, LOCK, FUTEX_WAIT, FUTEX_WAITERS | 100);
	scene_switch(scene, 1, 101 * MS, &right, FT_STATE_SLEEPING, WAIT_FUTEX, &scene_idle);
	scene_waking(scene, 0, 2101 * MS, &killer, KILL, &left);
	scene_switch(scene, 1, 2102 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &left);
	scene_waking(scene, 1, 2103 * MS, &left, OWNER_DIED, &right);
	scene_switch(scene, 1, 2104 * MS, &left, FT_STATE_DEAD, "", &right);
	scene_switch(scene, 1, 2105 * MS, &right, FT_STATE_SLEEPING, POLL, &scene_idle);
	result = scene_analyze(scene, "100,200", 3000 * MS);
	finding = &result.model->findings[0];
	assert_int_equal(finding->kind, FINDING_DEADLOCK);
	assert_int_equal(finding->grade, GRADE_STRONG);
	assert_int_equal(finding->victim_count, 2);
	assert_non_null(strstr(finding->summary, "until process 100 (left) was killed"));
	scene_done(&result, scene);
}

UNIT_TESTS(deadlock_end)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chain_that_ends_by_a_release_is_no_deadlock),
		cmocka_unit_test(circle_of_two_processes_is_sure_after_a_kill),
		cmocka_unit_test(holder_that_waits_for_something_else_is_in_no_deadlock),
		cmocka_unit_test(long_hold_that_ends_is_no_deadlock),
		cmocka_unit_test(one_who_gives_up_ends_a_deadlock_of_a_second),
		cmocka_unit_test(one_who_is_killed_ends_a_deadlock),
		cmocka_unit_test(report_says_who_gave_up_and_when),
		cmocka_unit_test(victim_that_gives_up_ends_no_deadlock),
	};

	return run_unit_tests(tests, NULL, NULL);
}
