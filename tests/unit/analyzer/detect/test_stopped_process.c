/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processes that were stopped: by whom, and who let them go on.
 */
#include <string.h>

#include "analyzer/detect/thresholds.h"
#include "tests/unit/support/scene.h"
#include "tests/unit/support/unit_test.h"

#define MS SCENE_MS
#define US SCENE_US

static const struct ft_task server = { 100, 100, "server" };
static const struct ft_task helper = { 101, 100, "helper" };
static const struct ft_task admin = { 900, 900, "admin" };

#define POLL                                                                                 \
	SLEEP "schedule_hrtimeout_range < ep_poll < do_epoll_wait < __x64_sys_epoll_wait < " \
	      "do_syscall_64"
#define STOPPED SLEEP "do_signal_stop < get_signal < arch_do_signal_or_restart < do_syscall_64"
#define DISK	SLEEP "io_schedule < folio_wait_bit_common < filemap_fault < __do_fault"
#define SIGNAL                                                                              \
	"try_to_wake_up < signal_wake_up_state < complete_signal < __send_signal_locked < " \
	"do_send_sig_info < kill_something_info < __x64_sys_kill < do_syscall_64"

/* @sender stops both threads at 2000 ms, lets them go on at 5000 ms. */
static void is_stopped(struct scene *scene, const char *waker_stack)
{
	scene_serves(scene, &server, 0, 2000, POLL);
	scene_switch(scene, 1, 1000 * MS, &helper, FT_STATE_SLEEPING, POLL, &scene_idle);
	scene_switch(scene, 1, 1999 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &admin);
	scene_waking(scene, 1, 2000 * MS, &admin, waker_stack, &server);
	scene_switch(scene, 0, 2000 * MS + 5 * US, &scene_idle, FT_STATE_RUNNING, NULL, &server);
	scene_waking(scene, 0, 2000 * MS + 6 * US, &server,
		     "try_to_wake_up < signal_wake_up_state < do_signal_stop < get_signal",
		     &helper);
	scene_switch(scene, 0, 2000 * MS + 10 * US, &server, FT_STATE_STOPPED, STOPPED, &helper);
	scene_switch(scene, 0, 2000 * MS + 20 * US, &helper, FT_STATE_STOPPED, STOPPED,
		     &scene_idle);
	scene_waking(scene, 1, 5000 * MS, &admin, SIGNAL, &server);
	scene_waking(scene, 1, 5000 * MS + 1 * US, &admin, SIGNAL, &helper);
	scene_switch(scene, 0, 5000 * MS + 5 * US, &scene_idle, FT_STATE_RUNNING, NULL, &server);
	scene_switch(scene, 0, 5000 * MS + 10 * US, &server, FT_STATE_SLEEPING, POLL, &helper);
	scene_switch(scene, 0, 5000 * MS + 20 * US, &helper, FT_STATE_SLEEPING, POLL, &scene_idle);
}

static void process_stopped_says_who_stopped_it_and_who_let_it_go_on(void **state)
{
	struct scene *scene = scene_create(2);
	const struct model_finding *finding;
	struct scene_result result;

	(void)state;
	is_stopped(scene, SIGNAL);
	result = scene_analyze(scene, "100", 7000 * MS);

	assert_int_equal(result.model->stall.start_ns, 2000 * MS + 10 * US);
	assert_int_equal(result.model->stall.end_ns, 5000 * MS + 1 * US);
	assert_int_equal(result.model->stall.threads_blocked_max, 2);
	assert_int_equal(result.model->finding_count, 1);
	finding = &result.model->findings[0];
	assert_int_equal(finding->kind, FINDING_PROCESS_STOPPED);
	assert_int_equal(finding->grade, GRADE_EXACT);
	assert_int_equal(finding->victim_count, 2);
	assert_int_equal(finding->victims[0], 100);
	assert_int_equal(finding->victims_since_ns[0], 2000 * MS + 10 * US);
	assert_int_equal(finding->blocked_ns, 6000 * MS - 10 * US - 20 * US + 1 * US);
	assert_true(finding->has_culprit);
	assert_int_equal(finding->culprit.tid, 900);
	assert_non_null(strstr(finding->summary, "2 of its 2 threads"));
	assert_non_null(strstr(finding->evidence[1], "900 (admin)"));
	assert_non_null(strstr(finding->evidence[2], "900 (admin)"));
	scene_done(&result, scene);
}

static void process_stopped_names_who_woke_it_where_stacks_of_wakers_are_not_recorded(void **state)
{
	struct scene *scene = scene_create(2);
	const struct model_finding *finding;
	struct scene_result result;

	(void)state;
	is_stopped(scene, "");
	result = scene_analyze(scene, "100", 7000 * MS);
	finding = &result.model->findings[0];
	assert_int_equal(finding->kind, FINDING_PROCESS_STOPPED);
	assert_true(finding->has_culprit);
	assert_int_equal(finding->culprit.tid, 900);
	assert_non_null(strstr(finding->evidence[1], "did nothing but stop"));
	scene_done(&result, scene);
}

/* The thread that was woken makes the others stop: on another CPU, one of them is first. */
static void process_stopped_names_who_woke_the_second_thread_to_stop(void **state)
{
	struct scene *scene = scene_create(2);
	struct scene_result result;

	(void)state;
	scene_serves(scene, &server, 0, 2000, POLL);
	scene_switch(scene, 1, 1000 * MS, &helper, FT_STATE_SLEEPING, POLL, &scene_idle);
	scene_switch(scene, 1, 1999 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &admin);
	scene_waking(scene, 1, 2000 * MS, &admin, "", &server);
	scene_switch(scene, 1, 2000 * MS + 2 * US, &admin, FT_STATE_SLEEPING, POLL, &scene_idle);
	scene_switch(scene, 0, 2000 * MS + 5 * US, &scene_idle, FT_STATE_RUNNING, NULL, &server);
	scene_waking(scene, 0, 2000 * MS + 6 * US, &server, "", &helper);
	scene_switch(scene, 1, 2000 * MS + 8 * US, &scene_idle, FT_STATE_RUNNING, NULL, &helper);
	scene_switch(scene, 1, 2000 * MS + 10 * US, &helper, FT_STATE_STOPPED, STOPPED,
		     &scene_idle);
	scene_switch(scene, 0, 2000 * MS + 20 * US, &server, FT_STATE_STOPPED, STOPPED,
		     &scene_idle);
	result = scene_analyze(scene, "100", 7000 * MS);
	assert_int_equal(result.model->findings[0].kind, FINDING_PROCESS_STOPPED);
	assert_true(result.model->findings[0].has_culprit);
	assert_int_equal(result.model->findings[0].culprit.tid, 900);
	scene_done(&result, scene);
}

static void process_stopped_does_not_accuse_who_woke_it_for_something_else(void **state)
{
	static const char *const stacks[] = {
		"", "try_to_wake_up < sock_def_readable < unix_stream_sendmsg"
	};

	(void)state;
	for (size_t i = 0; i < sizeof(stacks) / sizeof(*stacks); i++) {
		struct scene *scene = scene_create(2);
		struct scene_result result;

		scene_switch(scene, 1, 900 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &admin);
		scene_waking(scene, 1, 1000 * MS, &admin, stacks[i], &server);
		scene_switch(scene, 0, 1001 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &server);
		scene_switch(scene, 0, 1002 * MS, &server, i ? FT_STATE_STOPPED : FT_STATE_SLEEPING,
			     i ? STOPPED : POLL, &scene_idle);
		if (!i) {
			scene_waking(scene, 0, 1500 * MS, &scene_idle, "", &server);
			scene_switch(scene, 0, 1501 * MS, &scene_idle, FT_STATE_RUNNING, NULL,
				     &server);
			scene_switch(scene, 0, 1502 * MS, &server, FT_STATE_STOPPED, STOPPED,
				     &scene_idle);
		}
		result = scene_analyze(scene, "100", 4000 * MS);
		assert_int_equal(result.model->findings[0].kind, FINDING_PROCESS_STOPPED);
		assert_false(result.model->findings[0].has_culprit);
		scene_done(&result, scene);
	}
}

static void process_stopped_needs_no_trigger_and_no_sender(void **state)
{
	struct scene *scene = scene_create(2);
	const struct model_finding *finding;
	struct scene_result result;

	(void)state;
	scene_serves(scene, &server, 0, 1000, POLL);
	scene_waking(scene, 0, 1000 * MS, &scene_idle, "", &server);
	scene_switch(scene, 0, 1001 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &server);
	scene_switch(scene, 0, 1002 * MS, &server, FT_STATE_STOPPED, STOPPED, &scene_idle);
	result = scene_analyze(scene, "100", 4000 * MS);

	assert_true(result.model->stall.still_open);
	finding = &result.model->findings[0];
	assert_int_equal(finding->kind, FINDING_PROCESS_STOPPED);
	assert_false(finding->has_culprit);
	assert_non_null(strstr(finding->summary, "at least 3.00 s"));
	assert_non_null(strstr(finding->evidence[1], "not seen"));
	scene_done(&result, scene);
}

/* As the recorder's first look at all threads tells. */
static void process_stopped_all_along_is_a_finding_only_if_it_is_the_target(void **state)
{
	(void)state;
	for (int host = 0; host < 2; host++) {
		struct scene *scene = scene_create(2);
		struct scene_result result;

		scene_state(scene, 0, 1 * US, &server, FT_STATE_STOPPED, STOPPED);
		result = scene_analyze(scene, host ? "host" : "100", 4000 * MS);
		assert_int_equal(result.model->findings[0].kind,
				 host ? FINDING_NO_STALL : FINDING_PROCESS_STOPPED);
		scene_done(&result, scene);
	}
}

/* The helper waits for a disk for @disk_ns, and the server is stopped for a part of that. */
static void process_stopped_for_a_tenth_of_the_lost_time_is_told(void **state)
{
	(void)state;
	for (uint64_t less = 0; less < 2; less++) {
		uint64_t stopped_ns = 3000 * MS * STOPPED_PERCENT / 100 - less;
		uint64_t disk_ns = 3000 * MS - stopped_ns;
		struct scene *scene = scene_create(2);
		struct scene_result result;

		scene_switch(scene, 1, 990 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &helper);
		scene_switch(scene, 1, 1000 * MS, &helper, FT_STATE_DISK, DISK, &scene_idle);
		scene_switch(scene, 0, 1090 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &server);
		scene_switch(scene, 0, 1100 * MS, &server, FT_STATE_STOPPED, STOPPED, &scene_idle);
		scene_waking(scene, 0, 1100 * MS + stopped_ns, &scene_idle, SIGNAL, &server);
		scene_switch(scene, 0, 1101 * MS + stopped_ns, &scene_idle, FT_STATE_RUNNING, NULL,
			     &server);
		scene_waking(scene, 1, 1000 * MS + disk_ns, &scene_idle, "", &helper);
		scene_switch(scene, 1, 1001 * MS + disk_ns, &scene_idle, FT_STATE_RUNNING, NULL,
			     &helper);
		result = scene_analyze(scene, "100", 5000 * MS);
		assert_int_equal(result.model->findings[0].kind, FINDING_IO_STALL);
		assert_int_equal(result.model->finding_count, less ? 1 : 2);
		scene_done(&result, scene);
	}
}

/* It gets a CPU late. */
static void process_that_stops_long_after_a_signal_was_stopped_by_another(void **state)
{
	(void)state;
	for (uint64_t more = 0; more < 2; more++) {
		struct scene *scene = scene_create(2);
		struct scene_result result;

		scene_serves(scene, &server, 0, 1000, POLL);
		scene_switch(scene, 1, 900 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &admin);
		scene_waking(scene, 1, 1000 * MS, &admin, SIGNAL, &server);
		scene_switch(scene, 0, 1001 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &server);
		scene_switch(scene, 0, 1000 * MS + SIGNAL_TO_STOP_NS + more, &server,
			     FT_STATE_STOPPED, STOPPED, &scene_idle);
		result = scene_analyze(scene, "100", 4000 * MS);
		assert_int_equal(result.model->findings[0].kind, FINDING_PROCESS_STOPPED);
		assert_int_equal(result.model->findings[0].has_culprit, !more);
		scene_done(&result, scene);
	}
}

/* A freezer leaves the helper in its sleep, and whoever thaws the server lets it go on too. A timer would be none of it. */
static void thread_that_sleeps_is_frozen_with_the_others(void **state)
{
	(void)state;
	for (uint32_t timer = 0; timer < 2; timer++) {
		struct scene *scene = scene_create(3);
		struct scene_result result;

		scene_switch(scene, 2, 800 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &admin);
		scene_switch(scene, 1, 990 * MS, &helper, FT_STATE_SLEEPING, NANOSLEEP, &scene_idle);
		scene_switch(scene, 0, 1000 * MS, &server, FT_STATE_STOPPED, STOPPED, &scene_idle);
		scene_waking(scene, 2, 3000 * MS, &admin, SIGNAL, &server);
		if (!timer)
			scene_waking(scene, 2, 3000 * MS + 10, &admin, SIGNAL, &helper);
		else
			scene_waking(scene, 1, 3000 * MS, &scene_idle, "", &helper);
		scene_switch(scene, 0, 3001 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &server);
		scene_switch(scene, 1, 3001 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &helper);
		result = scene_analyze(scene, "100", 4000 * MS);
		assert_int_equal(result.model->findings[0].kind, FINDING_PROCESS_STOPPED);
		assert_int_equal(result.model->findings[0].victim_count, timer ? 1 : 2);
		scene_done(&result, scene);
	}
}

UNIT_TESTS(stopped_process)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(process_stopped_says_who_stopped_it_and_who_let_it_go_on),
		cmocka_unit_test(
			process_stopped_names_who_woke_it_where_stacks_of_wakers_are_not_recorded),
		cmocka_unit_test(process_stopped_names_who_woke_the_second_thread_to_stop),
		cmocka_unit_test(process_stopped_does_not_accuse_who_woke_it_for_something_else),
		cmocka_unit_test(process_stopped_needs_no_trigger_and_no_sender),
		cmocka_unit_test(process_stopped_all_along_is_a_finding_only_if_it_is_the_target),
		cmocka_unit_test(process_stopped_for_a_tenth_of_the_lost_time_is_told),
		cmocka_unit_test(thread_that_sleeps_is_frozen_with_the_others),
		cmocka_unit_test(process_that_stops_long_after_a_signal_was_stopped_by_another),
	};

	return run_unit_tests(tests, NULL, NULL);
}
