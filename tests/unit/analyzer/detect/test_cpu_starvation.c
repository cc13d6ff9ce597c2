/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads that wanted a CPU and got none: what ran instead of them.
 */
#include <string.h>

#include "analyzer/detect/thresholds.h"
#include "tests/unit/support/scene.h"
#include "tests/unit/support/unit_test.h"

#define MS SCENE_MS
#define US SCENE_US

static const struct ft_task hog = { 900, 900, "hog" }, others[] = {
	{ 901, 901, "a" },
	{ 902, 902, "b" },
	{ 903, 903, "c" },
	{ 904, 904, "d" },
};
static const struct ft_task threads_of_one[] = { { 911, 910, "x" }, { 912, 910, "y" } };

static void worker_runs(struct scene *scene, uint32_t i, uint64_t at_ms, const struct ft_task *prev,
			const struct ft_task *next)
{
	scene_switch(scene, 0, at_ms * MS, prev, FT_STATE_RUNNING, NULL, &scene_workers[i]);
	scene_switch(scene, 0, at_ms * MS + 10 * US, &scene_workers[i], FT_STATE_SLEEPING,
		     NANOSLEEP, next);
}

#define OTHER 0
#define FIFO 1

/* Workers 0 and 1 want CPU 0 from 1000 ms on; hog has it until 1800 ms. */
static struct scene_result hog_takes_the_cpu(struct scene *scene)
{
	worker_runs(scene, 0, 910, &scene_idle, &scene_idle);
	worker_runs(scene, 1, 920, &scene_idle, &scene_idle);
	scene_switch(scene, 0, 1000 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &hog);
	for (uint64_t at_ms = 1010; at_ms < 1800; at_ms += 20)
		scene_sample(scene, 0, at_ms * MS, &hog, " | burn < main");
	scene_waking(scene, 1, 1000 * MS, &scene_idle, NULL, &scene_workers[0]);
	scene_waking(scene, 1, 1001 * MS, &scene_idle, NULL, &scene_workers[1]);
	worker_runs(scene, 0, 1800, &hog, &scene_workers[1]);
	scene_switch(scene, 0, 1801 * MS, &scene_workers[1], FT_STATE_SLEEPING, NANOSLEEP,
		     &scene_idle);
	return scene_analyze(scene, "100", 3000 * MS);
}

static void starved_threads_name_the_one_that_had_their_cpu(void **state)
{
	struct scene *scene = scene_create(2);
	const struct model_finding *finding;
	struct scene_result result;

	(void)state;
	scene_scheduling(scene, 0, 1 * MS, &hog, FIFO, 10, 0, "0-1", "/");
	result = hog_takes_the_cpu(scene);
	assert_int_equal(result.model->finding_count, 1);
	finding = &result.model->findings[0];
	assert_int_equal(finding->kind, FINDING_CPU_STARVED);
	assert_int_equal(finding->grade, GRADE_STRONG);
	assert_int_equal(finding->blocked_ns, (800 + 799) * MS + 10 * US);
	assert_int_equal(finding->victim_count, 2);
	assert_int_equal(finding->victims[0], 101);
	assert_true(finding->has_culprit);
	assert_int_equal(finding->culprit.tid, 900);
	assert_int_equal(finding->culprit.hold_ns, 800 * MS);
	assert_int_equal(finding->culprit.running_ns, 800 * MS);
	assert_string_equal(finding->culprit.user_stack.frames[0].symbol, "burn");
	assert_non_null(strstr(finding->summary, "Thread 900 (hog) ran there instead for 99.9 %"));
	assert_non_null(strstr(finding->evidence[2], "800 ms in one go on CPU 0"));
	assert_non_null(strstr(finding->evidence[2], "as a real-time thread does"));
	assert_null(strstr(finding->evidence[2], "not read"));
	assert_non_null(strstr(finding->advice, "chrt"));
	scene_done(&result, scene);
}

/* Nobody read its policy, or that is an ordinary one. */
static void real_time_is_a_guess_where_it_was_not_read(void **state)
{
	(void)state;
	for (int read = 0; read < 2; read++) {
		struct scene *scene = scene_create(2);
		const struct model_finding *finding;
		struct scene_result result;

		if (read)
			scene_scheduling(scene, 0, 1 * MS, &hog, OTHER, 0, 0, "0-1", "/");
		result = hog_takes_the_cpu(scene);
		finding = &result.model->findings[0];
		assert_int_equal(finding->grade, GRADE_PLAUSIBLE);
		assert_int_equal(finding->culprit.tid, 900);
		assert_true(!read ==
			    !!strstr(finding->evidence[2],
				     "as a real-time thread does; whether it is one was not read"));
		assert_true(!read == !!strstr(finding->evidence[2], "as a real-time thread"));
		scene_done(&result, scene);
	}
}

/* The same with nice 19, in a group without a quota, against nice 0. */
static void priorities_are_told_where_they_were_read(void **state)
{
	struct scene *scene = scene_create(2);
	const struct model_finding *finding;
	struct scene_result result;

	(void)state;
	scene_scheduling(scene, 0, 1 * MS, &hog, OTHER, 0, 0, "0-1", "/");
	scene_scheduling(scene, 0, 2 * MS, &scene_workers[0], OTHER, 0, 19, "0-1", "/g");
	scene_counter(scene, 0, 3 * MS, "cpu.max:quota", "/g", -1);
	result = hog_takes_the_cpu(scene);
	finding = &result.model->findings[0];
	assert_int_equal(finding->grade, GRADE_STRONG);
	assert_int_equal(finding->culprit.tid, 900);
	assert_non_null(strstr(finding->evidence[3],
			       "thread 101 (worker0) has policy SCHED_OTHER, nice 19, thread 900 "
			       "(hog) policy SCHED_OTHER, nice 0"));
	assert_non_null(strstr(finding->advice, "renice"));
	scene_done(&result, scene);
}

/* Worker 0 is a real-time thread, and ordinary ones run where it waits: its group has used up what it may use. */
static void real_time_threads_behind_ordinary_ones_are_throttled(void **state)
{
	static const struct ft_task compactor = { 120, 100, "compactor" };
	struct scene *scene = scene_create(2);
	const struct model_finding *finding;
	struct scene_result result;

	(void)state;
	scene_counter(scene, 0, 1 * MS, "cpu.rt_runtime_us", "/g", 200000);
	scene_counter(scene, 0, 1 * MS, "cpu.rt_period_us", "/g", 1000000);
	scene_scheduling(scene, 0, 1 * MS, &scene_workers[0], FIFO, 10, 0, "0-1", "/g/h");
	scene_scheduling(scene, 0, 1 * MS, &scene_workers[1], FIFO, 10, 0, "0-1", "/g/h");
	scene_scheduling(scene, 0, 1 * MS, &compactor, FIFO, 10, 0, "0-1", "/g/h");
	scene_scheduling(scene, 0, 1 * MS, &hog, OTHER, 0, 0, "0-1", "/");
	scene_switch(scene, 1, 800 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &compactor);
	scene_switch(scene, 1, 999 * MS, &compactor, FT_STATE_SLEEPING, NANOSLEEP, &scene_idle);
	result = hog_takes_the_cpu(scene);
	finding = &result.model->findings[0];
	assert_int_equal(finding->kind, FINDING_CPU_THROTTLED);
	assert_int_equal(finding->grade, GRADE_STRONG);
	assert_int_equal(finding->culprit.tid, 120);
	assert_non_null(strstr(finding->summary, "control group /g had used up its real-time CPU "
						 "time, 200 ms of each 1.00 s (cpu.rt_runtime_us)"));
	assert_non_null(strstr(finding->summary, "Thread 120 (compactor) used 99."));
	assert_null(strstr(finding->summary, "hog"));
	assert_non_null(strstr(finding->advice, "cpu.rt_runtime_us"));
	scene_done(&result, scene);
}

/* One that is not known to be ordinary, and gives way to nobody, may be a real-time thread. */
static void real_time_threads_behind_one_of_unknown_policy_are_starved(void **state)
{
	struct scene *scene = scene_create(2);
	struct scene_result result;

	(void)state;
	scene_scheduling(scene, 0, 1 * MS, &scene_workers[0], FIFO, 10, 0, "0-1", "/g/h");
	scene_scheduling(scene, 0, 1 * MS, &scene_workers[1], FIFO, 10, 0, "0-1", "/g/h");
	result = hog_takes_the_cpu(scene);
	assert_int_equal(result.model->findings[0].kind, FINDING_CPU_STARVED);
	assert_int_equal(result.model->findings[0].culprit.tid, 900);
	scene_done(&result, scene);
}

/* @count threads have the CPU in turn, 50 ms each; worker 0 wants it from 1000 ms to 2000 ms. */
static struct scene_result overload_cpu(struct scene *scene, const struct ft_task *tasks,
					size_t count)
{
	const struct ft_task *now = &scene_idle;

	worker_runs(scene, 0, 10, &scene_idle, &scene_idle);
	for (uint64_t turn = 0; turn < 20; turn++) {
		const struct ft_task *next = &tasks[turn % count];

		scene_switch(scene, 0, (1000 + turn * 50) * MS, now, FT_STATE_RUNNING, NULL, next);
		now = next;
	}
	scene_waking(scene, 1, 1000 * MS, &scene_idle, NULL, &scene_workers[0]);
	worker_runs(scene, 0, 2000, now, &tasks[0]);
	for (size_t i = 0; i < count; i++)
		scene_switch(scene, 0, (2001 + i) * MS, &tasks[i], FT_STATE_SLEEPING, NANOSLEEP,
			     i + 1 < count ? &tasks[i + 1] : &scene_idle);
	return scene_analyze(scene, "100", 3000 * MS);
}

static void overload_by_many_threads_has_no_single_culprit(void **state)
{
	struct scene *scene = scene_create(2);
	struct scene_result result = overload_cpu(scene, others, 4);
	const struct model_finding *finding = &result.model->findings[0];

	(void)state;
	assert_int_equal(finding->kind, FINDING_CPU_STARVED);
	assert_int_equal(finding->grade, GRADE_PLAUSIBLE);
	assert_int_equal(finding->blocked_ns, 1000 * MS);
	assert_false(finding->has_culprit);
	assert_non_null(strstr(finding->summary, "4 threads shared their CPUs"));
	assert_non_null(strstr(finding->evidence[1],
			       "thread 901 (a) 25.0 %, thread 902 (b) 25.0 %, "
			       "thread 903 (c) 25.0 % ..."));
	assert_int_equal(finding->evidence_count, 2);
	scene_done(&result, scene);
}

/* A service of several processes, each of one thread. */
static void overload_by_other_processes_of_the_target_names_nobody(void **state)
{
	static const struct ft_task siblings[] = { { 941, 941, "own" }, { 942, 942, "own" } };
	struct scene *scene = scene_create(2);
	struct scene_result result;

	(void)state;
	for (size_t i = 0; i < 2; i++)
		scene_fork(scene, 0, (1 + i) * MS, &scene_workers[0], &siblings[i]);
	result = overload_cpu(scene, siblings, 2);
	assert_int_equal(result.model->findings[0].kind, FINDING_CPU_STARVED);
	assert_null(strstr(result.model->findings[0].summary, "together"));
	scene_done(&result, scene);
}

/* CPU 1 has nothing to do, and the victim may not use it. */
static void jobs_of_one_name_are_added_up_and_the_mask_is_told(void **state)
{
	static const struct ft_task jobs[] = {
		{ 921, 921, "job" }, { 922, 922, "job" }, { 923, 923, "job" }
	};
	struct scene *scene = scene_create(2);
	const struct model_finding *finding;
	struct scene_result result;

	(void)state;
	scene_scheduling(scene, 0, 1 * MS, &scene_workers[0], OTHER, 0, 19, "0", "/");
	result = overload_cpu(scene, jobs, 3);
	finding = &result.model->findings[0];
	assert_int_equal(finding->kind, FINDING_CPU_STARVED);
	assert_int_equal(finding->grade, GRADE_STRONG);
	assert_int_equal(finding->culprit.tid, 921);
	assert_non_null(strstr(finding->summary,
			       "3 processes job together ran there instead for 100 %"));
	assert_non_null(strstr(finding->summary,
			       "They may use CPU 0 only, while CPU 1 had nothing to do for 100 %"));
	assert_non_null(strstr(finding->advice, "taskset"));
	scene_done(&result, scene);
}

/* Names of a pool differ in a number. */
static void threads_of_a_pool_are_added_up(void **state)
{
	static const struct ft_task pool[] = {
		{ 931, 930, "pool-1" }, { 932, 930, "pool-2" }, { 933, 930, "pool-33" },
	};
	struct scene *scene = scene_create(2);
	struct scene_result result = overload_cpu(scene, pool, 3);

	(void)state;
	assert_non_null(strstr(result.model->findings[0].summary,
			       "3 threads pool* of process 930 together ran there"));
	assert_int_equal(result.model->findings[0].grade, GRADE_PLAUSIBLE);
	scene_done(&result, scene);
}

static void overload_by_threads_of_one_process_names_it(void **state)
{
	struct scene *scene = scene_create(2);
	struct scene_result result = overload_cpu(scene, threads_of_one, 2);
	const struct model_finding *finding = &result.model->findings[0];

	(void)state;
	assert_int_equal(finding->kind, FINDING_CPU_STARVED);
	assert_true(finding->has_culprit);
	assert_int_equal(finding->culprit.tgid, 910);
	scene_done(&result, scene);
}

/* Its own threads are more than its CPU can do: no other's fault. */
static void overload_by_the_target_itself_names_nobody(void **state)
{
	struct scene *scene = scene_create(2);
	struct scene_result result = overload_cpu(scene, scene_workers + 1, 3);
	const struct model_finding *finding = &result.model->findings[0];

	(void)state;
	assert_int_equal(finding->kind, FINDING_CPU_STARVED);
	assert_false(finding->has_culprit);
	scene_done(&result, scene);
}

/* The CPU does nothing, and the thread that wants it does not get it. */
static void wait_for_a_cpu_that_is_idle_is_plausibly_a_quota(void **state)
{
	struct scene *scene = scene_create(2);
	const struct model_finding *finding;
	struct scene_result result;

	(void)state;
	scene_switch(scene, 0, 10 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &scene_workers[0]);
	scene_switch(scene, 0, 1000 * MS, &scene_workers[0], FT_STATE_RUNNING, NULL, &others[0]);
	scene_switch(scene, 0, 1010 * MS, &others[0], FT_STATE_SLEEPING, NANOSLEEP, &scene_idle);
	scene_switch(scene, 0, 1400 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &scene_workers[0]);
	result = scene_analyze(scene, "100", 3000 * MS);
	finding = &result.model->findings[0];
	assert_int_equal(finding->kind, FINDING_CPU_THROTTLED);
	assert_int_equal(finding->grade, GRADE_PLAUSIBLE);
	assert_int_equal(finding->blocked_ns, 400 * MS);
	assert_false(finding->has_culprit);
	assert_non_null(strstr(finding->summary, "nothing to do for 97.5 %"));
	scene_done(&result, scene);
}

/* Linux 6.18 stops a thread whose quota is used up on its way back to user space; others may run
 * meanwhile. */
static void wait_that_begins_in_task_work_is_a_quota_whoever_runs_meanwhile(void **state)
{
	(void)state;
	for (int idle = 0; idle < 2; idle++) {
		struct scene *scene = scene_create(2);
		const struct model_finding *finding;
		struct scene_result result;

		scene_switch(scene, 0, 10 * MS, &scene_idle, FT_STATE_RUNNING, NULL,
			     &scene_workers[0]);
		scene_switch(
			scene, 0, 1000 * MS, &scene_workers[0], FT_STATE_PREEMPTED,
			"__schedule < __cond_resched < task_work_run < exit_to_user_mode_loop < "
			"do_syscall_64",
			idle ? &scene_idle : &others[0]);
		scene_switch(scene, 0, 1400 * MS, idle ? &scene_idle : &others[0], FT_STATE_RUNNING,
			     NULL, &scene_workers[0]);
		result = scene_analyze(scene, "100", 3000 * MS);
		finding = &result.model->findings[0];
		assert_int_equal(finding->kind, FINDING_CPU_THROTTLED);
		assert_int_equal(finding->grade, idle ? GRADE_STRONG : GRADE_PLAUSIBLE);
		assert_false(finding->has_culprit);
		assert_non_null(strstr(finding->summary, "quota had run out for 100 %"));
		scene_done(&result, scene);
	}
}

/* Worker 0 wants CPU 0 for a second; worker 1 wants CPU 1 @times times meanwhile, each time for
 * @wait_ns. */
static size_t count_victims(uint64_t times, uint64_t wait_ns)
{
	struct scene *scene = scene_create(2);
	struct scene_result result;
	uint64_t at_ns = 1100 * MS;
	size_t victims;

	worker_runs(scene, 0, 10, &scene_idle, &scene_idle);
	scene_switch(scene, 0, 1000 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &hog);
	scene_waking(scene, 1, 1000 * MS, &scene_idle, NULL, &scene_workers[0]);
	scene_switch(scene, 1, 1050 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &scene_workers[1]);
	for (uint64_t i = 0; i < times; i++, at_ns += wait_ns + MS) {
		scene_switch(scene, 1, at_ns, &scene_workers[1], FT_STATE_RUNNING, NULL,
			     &others[0]);
		scene_switch(scene, 1, at_ns + wait_ns, &others[0], FT_STATE_RUNNING, NULL,
			     &scene_workers[1]);
	}
	scene_switch(scene, 1, 1900 * MS, &scene_workers[1], FT_STATE_SLEEPING, NANOSLEEP,
		     &scene_idle);
	worker_runs(scene, 0, 2000, &hog, &scene_idle);
	result = scene_analyze(scene, "100", 3000 * MS);
	assert_int_equal(result.model->findings[0].kind, FINDING_CPU_STARVED);
	victims = result.model->findings[0].victim_count;
	scene_done(&result, scene);
	return victims;
}

static void who_lost_a_quarter_of_the_stall_is_a_victim(void **state)
{
	uint64_t least_ns = 1000 * MS * STARVED_VICTIM_PERCENT / 100;

	(void)state;
	assert_int_equal(count_victims(1, least_ns), 2);
	assert_int_equal(count_victims(1, least_ns - 1), 1);
}

static void short_waits_for_a_cpu_are_how_cpus_are_shared(void **state)
{
	(void)state;
	assert_int_equal(count_victims(50, STARVED_WAIT_NS), 2);
	assert_int_equal(count_victims(50, STARVED_WAIT_NS - 1), 1);
}

/* Linux before 6.18 lets another thread run, and shows no sign: but counts. */
static void quota_is_known_by_what_the_kernel_counts(void **state)
{
	struct scene *scene = scene_create(2);
	const struct model_finding *finding;
	struct scene_result result;

	(void)state;
	for (uint32_t i = 0; i < 2; i++)
		scene_scheduling(scene, 0, 1 * MS, &scene_workers[i], OTHER, 0, 0, "0-1", "/g");
	scene_counter(scene, 0, 1 * MS, "cpu.cfs_quota_us", "/g", 50000);
	scene_counter(scene, 0, 1 * MS, "cpu.cfs_period_us", "/g", 100000);
	scene_counter(scene, 0, 1 * MS, "cpu.stat:nr_periods", "/g", 100);
	scene_counter(scene, 0, 1 * MS, "cpu.stat:nr_throttled", "/g", 7);
	scene_counter(scene, 0, 1 * MS, "cpu.stat:throttled_time", "/g", 0);
	scene_counter(scene, 1, 1 * MS, "cpu.stat:nr_periods", "/g", 130);
	scene_counter(scene, 1, 1 * MS, "cpu.stat:nr_throttled", "/g", 16);
	scene_counter(scene, 1, 1 * MS, "cpu.stat:throttled_time", "/g", 700 * MS);
	result = hog_takes_the_cpu(scene);
	finding = &result.model->findings[0];
	assert_int_equal(finding->kind, FINDING_CPU_THROTTLED);
	assert_false(finding->has_culprit);
	assert_non_null(strstr(finding->summary, "control group /g: 50 ms of each 100 ms"));
	assert_non_null(strstr(finding->summary, "2 threads worker* of process 100 together used"));
	assert_non_null(strstr(finding->evidence[1], "ran out in 9 of the 30 periods"));
	assert_non_null(strstr(finding->advice, "cpu.cfs_quota_us"));
	scene_done(&result, scene);
}

#define THROTTLED                                                                          \
	"__schedule < __cond_resched < task_work_run < exit_to_user_mode_loop < do_syscall_64"

/* Worker 0 gets the CPU for @run_ms of each 100 ms, from 1000 to 2000 ms. */
static bool quota_freezes(uint64_t run_ms)
{
	struct scene *scene = scene_create(2);
	struct scene_result result;
	bool found;

	scene_switch(scene, 0, 990 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &scene_workers[0]);
	for (uint64_t at_ms = 1000; at_ms < 2000; at_ms += 100) {
		scene_switch(scene, 0, at_ms * MS, &scene_workers[0], FT_STATE_PREEMPTED, THROTTLED,
			     &scene_idle);
		scene_switch(scene, 0, (at_ms + 100 - run_ms) * MS, &scene_idle, FT_STATE_RUNNING,
			     NULL, &scene_workers[0]);
	}
	scene_switch(scene, 0, 2000 * MS, &scene_workers[0], FT_STATE_SLEEPING, NANOSLEEP,
		     &scene_idle);
	result = scene_analyze(scene, "100", 3000 * MS);
	found = result.model->stall.found;
	if (found) {
		assert_int_equal(result.model->findings[0].kind, FINDING_CPU_THROTTLED);
		assert_true(result.model->findings[0].blocked_ns > 800 * MS);
	}
	scene_done(&result, scene);
	return found;
}

/* No wait for a quota is longer than its period. */
static void waits_for_a_quota_are_one_where_they_take_most_of_the_time(void **state)
{
	(void)state;
	assert_true(quota_freezes(15));
	assert_false(quota_freezes(50));
}

UNIT_TESTS(cpu_starvation)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(starved_threads_name_the_one_that_had_their_cpu),
		cmocka_unit_test(real_time_is_a_guess_where_it_was_not_read),
		cmocka_unit_test(priorities_are_told_where_they_were_read),
		cmocka_unit_test(real_time_threads_behind_ordinary_ones_are_throttled),
		cmocka_unit_test(real_time_threads_behind_one_of_unknown_policy_are_starved),
		cmocka_unit_test(jobs_of_one_name_are_added_up_and_the_mask_is_told),
		cmocka_unit_test(threads_of_a_pool_are_added_up),
		cmocka_unit_test(overload_by_other_processes_of_the_target_names_nobody),
		cmocka_unit_test(waits_for_a_quota_are_one_where_they_take_most_of_the_time),
		cmocka_unit_test(quota_is_known_by_what_the_kernel_counts),
		cmocka_unit_test(overload_by_many_threads_has_no_single_culprit),
		cmocka_unit_test(overload_by_threads_of_one_process_names_it),
		cmocka_unit_test(overload_by_the_target_itself_names_nobody),
		cmocka_unit_test(wait_for_a_cpu_that_is_idle_is_plausibly_a_quota),
		cmocka_unit_test(who_lost_a_quarter_of_the_stall_is_a_victim),
		cmocka_unit_test(short_waits_for_a_cpu_are_how_cpus_are_shared),
		cmocka_unit_test(wait_that_begins_in_task_work_is_a_quota_whoever_runs_meanwhile),
	};

	return run_unit_tests(tests, NULL, NULL);
}
