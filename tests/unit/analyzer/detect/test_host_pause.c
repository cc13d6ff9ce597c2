/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A host that stood still, and hosts that were only quiet.
 */
#include <string.h>

#include "analyzer/detect/thresholds.h"
#include "tests/unit/support/scene.h"
#include "tests/unit/support/unit_test.h"

#define MS SCENE_MS
#define US SCENE_US

#define POLL                                                                                 \
	"__schedule < schedule < schedule_hrtimeout_range < do_sys_poll < __x64_sys_poll < " \
	"do_syscall_64"
#define MUTEX \
	"__schedule < schedule < __mutex_lock_slowpath < mutex_lock < rtnl_lock < do_syscall_64"

static const struct ft_task drain = { 701, 700, "ft-drain" };
static const struct ft_task worker = { 101, 100, "worker" }, waiter = { 102, 100, "waiter" };

/* The recorder's thread, on CPU 1. */
static void drain_rings(struct scene *scene, uint64_t from_ms, uint64_t to_ms)
{
	for (uint64_t at_ms = from_ms; at_ms < to_ms; at_ms += 250) {
		scene_switch(scene, 1, at_ms * MS, &scene_idle, FT_STATE_RUNNING, NULL, &drain);
		scene_switch(scene, 1, at_ms * MS + 50 * US, &drain, FT_STATE_SLEEPING, POLL,
			     &scene_idle);
	}
}

/* A thread of the target, on CPU 0, from 100 ms on; sampled but for the time between. */
static void run_worker(struct scene *scene, uint64_t paused_ms, uint64_t resumed_ms)
{
	scene_switch(scene, 0, 100 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &worker);
	for (uint64_t at_ms = 120; at_ms < 4000; at_ms += 20)
		if (at_ms < paused_ms || at_ms >= resumed_ms)
			scene_sample(scene, 0, at_ms * MS, &worker, " | work < main");
}

static struct scene_result analyze_scene(struct scene *scene)
{
	scene_recorder(scene, drain.tgid);
	return scene_analyze(scene, "100", 4000 * MS);
}

static void paused_host_is_found_by_the_samples_and_wakings_that_are_missing(void **state)
{
	struct scene *scene = scene_create(2);
	const struct model_finding *finding;
	struct scene_result result;

	(void)state;
	drain_rings(scene, 10, 1900);
	drain_rings(scene, 3000, 4000);
	run_worker(scene, 1920, 3000);
	result = analyze_scene(scene);
	assert_true(result.model->stall.found);
	assert_int_equal(result.model->stall.start_ns, 1900 * MS);
	assert_int_equal(result.model->stall.end_ns, 3000 * MS);
	assert_int_equal(result.model->finding_count, 1);
	finding = &result.model->findings[0];
	assert_int_equal(finding->kind, FINDING_HOST_PAUSED);
	assert_int_equal(finding->grade, GRADE_STRONG);
	assert_int_equal(finding->blocked_ns, 1100 * MS);
	assert_int_equal(finding->victim_count, 1);
	assert_int_equal(finding->victims[0], 101);
	assert_false(finding->has_culprit);
	assert_non_null(strstr(finding->summary, "stood still for 1.10 s"));
	assert_non_null(strstr(finding->evidence[1], "CPU 0 ran thread 101 (worker)"));
	assert_non_null(strstr(finding->evidence[2], "250 ms"));
	scene_done(&result, scene);
}

static void short_pause_is_found_by_the_samples_alone_and_only_plausible(void **state)
{
	struct scene *scene = scene_create(2);
	struct scene_result result;

	(void)state;
	drain_rings(scene, 10, 1900);
	drain_rings(scene, 2160, 4000);
	run_worker(scene, 1920, 2150);
	result = analyze_scene(scene);
	assert_int_equal(result.model->findings[0].kind, FINDING_HOST_PAUSED);
	assert_int_equal(result.model->findings[0].grade, GRADE_PLAUSIBLE);
	assert_int_equal(result.model->findings[0].evidence_count, 2);
	scene_done(&result, scene);
}

static void quiet_host_is_not_a_paused_one(void **state)
{
	struct scene *scene = scene_create(2);
	struct scene_result result;

	(void)state;
	drain_rings(scene, 10, 4000);
	scene_switch(scene, 0, 50 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &worker);
	scene_switch(scene, 0, 51 * MS, &worker, FT_STATE_SLEEPING, POLL, &scene_idle);
	result = analyze_scene(scene);
	assert_int_equal(result.model->findings[0].kind, FINDING_NO_STALL);
	scene_done(&result, scene);
}

/* Of perf.data, say: there is no thread that would have to wake. */
static void silence_of_idle_cpus_without_a_recorder_says_nothing(void **state)
{
	struct scene *scene = scene_create(2);
	struct scene_result result;

	(void)state;
	for (uint64_t at_ms = 50; at_ms < 4000; at_ms += 1300) {
		scene_switch(scene, 0, at_ms * MS, &scene_idle, FT_STATE_RUNNING, NULL, &worker);
		scene_switch(scene, 0, (at_ms + 1) * MS, &worker, FT_STATE_SLEEPING, POLL,
			     &scene_idle);
	}
	result = scene_analyze(scene, "100", 4000 * MS);
	assert_int_equal(result.model->findings[0].kind, FINDING_NO_STALL);
	scene_done(&result, scene);
}

/* The kernel leaves all events of some threads out. */
static void thread_that_is_never_sampled_proves_nothing(void **state)
{
	struct scene *scene = scene_create(2);
	struct scene_result result;

	(void)state;
	drain_rings(scene, 10, 1900);
	drain_rings(scene, 2160, 4000);
	scene_switch(scene, 0, 100 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &worker);
	scene_switch(scene, 0, 3000 * MS, &worker, FT_STATE_SLEEPING, POLL, &scene_idle);
	result = analyze_scene(scene);
	assert_int_equal(result.model->findings[0].kind, FINDING_NO_STALL);
	scene_done(&result, scene);
}

/* Its switch-out is missing: another one is there afterwards. */
static void thread_that_is_gone_afterwards_proves_nothing(void **state)
{
	struct scene *scene = scene_create(2);
	struct scene_result result;

	(void)state;
	drain_rings(scene, 10, 1900);
	drain_rings(scene, 2160, 4000);
	run_worker(scene, 1920, 4000);
	scene_switch(scene, 0, 3000 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &waiter);
	result = analyze_scene(scene);
	assert_int_not_equal(result.model->findings[0].kind, FINDING_HOST_PAUSED);
	scene_done(&result, scene);
}

static void lost_events_are_no_pause(void **state)
{
	(void)state;
	for (uint64_t from_ms = 1850; from_ms <= 2500; from_ms += 650) {
		struct scene *scene = scene_create(2);
		struct scene_result result;

		drain_rings(scene, 10, 1900);
		scene_lost(scene, 1, (from_ms + 12) * MS, (from_ms + 400) * MS, 5);
		drain_rings(scene, 3000, 4000);
		run_worker(scene, 1920, 3000);
		result = analyze_scene(scene);
		assert_int_not_equal(result.model->findings[0].kind, FINDING_HOST_PAUSED);
		scene_done(&result, scene);
	}
}

/* What was waited for while nothing went on was waited for because of that. */
static void wait_through_a_pause_is_the_hosts(void **state)
{
	struct scene *scene = scene_create(3);
	struct scene_result result;

	(void)state;
	drain_rings(scene, 10, 1900);
	drain_rings(scene, 3000, 4000);
	run_worker(scene, 1920, 3000);
	scene_switch(scene, 2, 1800 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &waiter);
	scene_switch(scene, 2, 1850 * MS, &waiter, FT_STATE_DISK, MUTEX, &scene_idle);
	scene_waking(scene, 2, 3001 * MS, &scene_idle, NULL, &waiter);
	scene_switch(scene, 2, 3002 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &waiter);
	result = analyze_scene(scene);
	assert_int_equal(result.model->findings[0].kind, FINDING_HOST_PAUSED);
	assert_int_equal(result.model->stall.others, 0);
	scene_done(&result, scene);
}

/* The waiter wants CPU 0, and another thread of the process goes on, on CPU 2. */
static void one_cpu_pauses(struct scene *scene)
{
	static const struct ft_task other = { 103, 100, "other" };

	drain_rings(scene, 10, 4000);
	scene_switch(scene, 0, 50 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &waiter);
	scene_switch(scene, 0, 100 * MS, &waiter, FT_STATE_SLEEPING, POLL, &worker);
	for (uint64_t at_ms = 120; at_ms <= 3000; at_ms += 20)
		if (at_ms <= 1900 || at_ms >= 3000)
			scene_sample(scene, 0, at_ms * MS, &worker, " | work < main");
	scene_switch(scene, 0, 3001 * MS, &worker, FT_STATE_SLEEPING, POLL, &waiter);
	scene_switch(scene, 0, 3002 * MS, &waiter, FT_STATE_SLEEPING, POLL, &worker);
	for (uint64_t at_ms = 100; at_ms < 3900; at_ms += 20) {
		scene_switch(scene, 2, at_ms * MS, &scene_idle, FT_STATE_RUNNING, NULL, &other);
		if (at_ms == 2000)
			scene_waking(scene, 2, 2000 * MS, &other, NULL, &waiter);
		scene_switch(scene, 2, (at_ms + 1) * MS, &other, FT_STATE_SLEEPING, POLL,
			     &scene_idle);
	}
}

static void one_cpu_that_stood_still_is_told_from_the_others(void **state)
{
	struct scene *scene = scene_create(3);
	const struct model_finding *finding;
	struct scene_result result;

	(void)state;
	one_cpu_pauses(scene);
	scene_sampled(scene);
	result = analyze_scene(scene);
	finding = &result.model->findings[0];
	assert_int_equal(finding->kind, FINDING_HOST_PAUSED);
	assert_int_equal(finding->grade, GRADE_PLAUSIBLE);
	assert_int_equal(result.model->stall.start_ns, 1900 * MS);
	assert_int_equal(result.model->stall.end_ns, 3000 * MS);
	assert_non_null(strstr(finding->summary,
			       "CPU 0 stood still for 1.10 s, in the middle of thread 101 (worker)"));
	assert_int_equal(finding->victim_count, 2);
	assert_int_equal(finding->victims[0], 101);
	assert_int_equal(finding->victims[1], 102);
	assert_int_equal(finding->blocked_ns, (1100 + 1000) * MS);
	scene_done(&result, scene);
}

static void one_cpu_that_nobody_said_is_sampled_proves_nothing(void **state)
{
	struct scene *scene = scene_create(3);
	struct scene_result result;

	(void)state;
	one_cpu_pauses(scene);
	result = analyze_scene(scene);
	assert_int_not_equal(result.model->findings[0].kind, FINDING_HOST_PAUSED);
	scene_done(&result, scene);
}

/* What that thread is to the target is not known. */
static void one_cpu_that_stood_still_under_a_strangers_thread_comes_last(void **state)
{
	struct scene *scene = scene_create(3);
	struct scene_result result;

	(void)state;
	one_cpu_pauses(scene);
	scene_sampled(scene);
	scene_recorder(scene, drain.tgid);
	scene_switch(scene, 2, 3901 * MS, &scene_idle, FT_STATE_RUNNING, NULL,
		     &(struct ft_task){ 900, 900, "stranger" });
	result = scene_analyze(scene, "900", 4000 * MS);
	assert_int_equal(result.model->findings[0].kind, FINDING_NO_STALL);
	scene_done(&result, scene);
}

static void pause_of_all_cpus_is_not_told_as_one_of_each(void **state)
{
	struct scene *scene = scene_create(2);
	struct scene_result result;

	(void)state;
	drain_rings(scene, 10, 1900);
	drain_rings(scene, 3000, 4000);
	run_worker(scene, 1900, 3000);
	scene_sampled(scene);
	result = analyze_scene(scene);
	assert_non_null(strstr(result.model->findings[0].summary, "The whole host"));
	assert_int_equal(result.model->findings[0].grade, GRADE_STRONG);
	scene_done(&result, scene);
}

/* What the capture was triggered for comes first. */
static void pause_long_before_the_trigger_does_not_hide_what_it_was_for(void **state)
{
	(void)state;
	for (int triggered = 0; triggered < 2; triggered++) {
		struct scene *scene = scene_create(3);
		struct scene_result result;

		drain_rings(scene, 10, 1000);
		drain_rings(scene, 2600, 17000);
		run_worker(scene, 1000, 2600);
		scene_switch(scene, 0, 4000 * MS, &worker, FT_STATE_SLEEPING, POLL, &scene_idle);
		scene_switch(scene, 2, 16000 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &waiter);
		scene_switch(scene, 2, 16001 * MS, &waiter, FT_STATE_DISK, MUTEX, &scene_idle);
		if (triggered)
			scene_trigger(scene, "blocked", "1 thread blocked for 500 ms", 16501 * MS);
		scene_recorder(scene, drain.tgid);
		result = scene_analyze(scene, "100", 17000 * MS);
		assert_int_equal(result.model->findings[0].kind,
				 triggered ? FINDING_KERNEL_LOCK_CONVOY : FINDING_HOST_PAUSED);
		scene_done(&result, scene);
	}
}

/* It seems to run for as long as somebody waits for an answer. */
static void thread_that_computes_does_not_hide_a_pause(void **state)
{
	struct scene *scene = scene_create(2);
	struct scene_result result;

	(void)state;
	drain_rings(scene, 10, 1900);
	drain_rings(scene, 3000, 4000);
	run_worker(scene, 1920, 3000);
	scene_trigger(scene, "socket", "nobody answered", 3500 * MS);
	result = analyze_scene(scene);
	assert_int_equal(result.model->findings[0].kind, FINDING_HOST_PAUSED);
	assert_int_equal(result.model->stall.end_ns, 3000 * MS);
	scene_done(&result, scene);
}

static void short_pause_does_not_hide_a_thread_that_computes_for_long(void **state)
{
	struct scene *scene = scene_create(2);
	struct scene_result result;

	(void)state;
	drain_rings(scene, 10, 1900);
	drain_rings(scene, 2160, 4000);
	run_worker(scene, 1920, 2150);
	scene_trigger(scene, "probe-tcp", "port 80 slower than 200 ms for 2.0 s", 3500 * MS);
	result = analyze_scene(scene);
	assert_int_equal(result.model->findings[0].kind, FINDING_BUSY_THREAD);
	scene_done(&result, scene);
}

/* Somebody waits from 1500 ms to 3500 ms, and from 1900 ms on the host is paused for a part of
 * that. */
static void thread_seems_to_run_through_a_pause_of_half_of_the_waiting(void **state)
{
	uint64_t least_ns = 2000 * MS * PAUSE_COVERS_PERCENT / 100;

	(void)state;
	for (uint64_t less = 0; less < 2; less++) {
		struct scene *scene = scene_create(2);
		struct scene_result result;

		drain_rings(scene, 10, 1900);
		drain_rings(scene, 1900 + least_ns / MS + 1, 4000);
		scene_switch(scene, 0, 100 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &worker);
		for (uint64_t at_ms = 120; at_ms <= 1900; at_ms += 20)
			scene_sample(scene, 0, at_ms * MS, &worker, " | work < main");
		for (uint64_t at_ns = 1900 * MS + least_ns - less; at_ns < 4000 * MS; at_ns += 20 * MS)
			scene_sample(scene, 0, at_ns, &worker, " | work < main");
		scene_trigger(scene, "probe-tcp", "port 80 slower than 200 ms for 2.0 s", 3500 * MS);
		result = analyze_scene(scene);
		assert_int_equal(result.model->findings[0].kind,
				 less ? FINDING_BUSY_THREAD : FINDING_HOST_PAUSED);
		scene_done(&result, scene);
	}
}

/* CPU 0 pauses for two seconds; for a part of that CPU 1 does so, too. */
static void pause_of_a_cpu_that_is_more_than_half_of_all_cpus_is_theirs(void **state)
{
	(void)state;
	for (uint64_t more = 0; more < 2; more++) {
		uint64_t all_ns = 2000 * MS * PAUSE_OF_ALL_PERCENT / 100 + more;
		struct scene *scene = scene_create(2);
		struct scene_result result;

		drain_rings(scene, 10, 1900);
		scene_switch(scene, 1, 1900 * MS + all_ns, &scene_idle, FT_STATE_RUNNING, NULL, &drain);
		scene_switch(scene, 1, 1901 * MS + all_ns, &drain, FT_STATE_SLEEPING, POLL,
			     &scene_idle);
		drain_rings(scene, 3100, 4000);
		run_worker(scene, 1901, 3900);
		scene_sampled(scene);
		result = analyze_scene(scene);
		assert_int_equal(result.model->findings[0].kind, FINDING_HOST_PAUSED);
		assert_int_equal(!!strstr(result.model->findings[0].summary, "The whole host"), more);
		scene_done(&result, scene);
	}
}

UNIT_TESTS(host_pause)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paused_host_is_found_by_the_samples_and_wakings_that_are_missing),
		cmocka_unit_test(short_pause_is_found_by_the_samples_alone_and_only_plausible),
		cmocka_unit_test(quiet_host_is_not_a_paused_one),
		cmocka_unit_test(silence_of_idle_cpus_without_a_recorder_says_nothing),
		cmocka_unit_test(thread_that_is_never_sampled_proves_nothing),
		cmocka_unit_test(thread_that_is_gone_afterwards_proves_nothing),
		cmocka_unit_test(lost_events_are_no_pause),
		cmocka_unit_test(wait_through_a_pause_is_the_hosts),
		cmocka_unit_test(one_cpu_that_stood_still_is_told_from_the_others),
		cmocka_unit_test(one_cpu_that_nobody_said_is_sampled_proves_nothing),
		cmocka_unit_test(one_cpu_that_stood_still_under_a_strangers_thread_comes_last),
		cmocka_unit_test(pause_of_all_cpus_is_not_told_as_one_of_each),
		cmocka_unit_test(pause_long_before_the_trigger_does_not_hide_what_it_was_for),
		cmocka_unit_test(thread_that_computes_does_not_hide_a_pause),
		cmocka_unit_test(thread_seems_to_run_through_a_pause_of_half_of_the_waiting),
		cmocka_unit_test(pause_of_a_cpu_that_is_more_than_half_of_all_cpus_is_theirs),
		cmocka_unit_test(short_pause_does_not_hide_a_thread_that_computes_for_long),
	};

	return run_unit_tests(tests, NULL, NULL);
}
