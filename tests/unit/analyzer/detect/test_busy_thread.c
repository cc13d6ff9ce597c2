/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The whole analyzer on made-up freezes in which no lock is to blame: a process
 * that was stopped, a thread that ran or slept while a probe waited for it.
 */
#include <stdio.h>
#include <string.h>

#include "analyzer/analysis.h"
#include "tests/unit/support/scene.h"
#include "tests/unit/support/unit_test.h"

#define MS SCENE_MS
#define US SCENE_US

static const struct ft_task server = { 100, 100, "server" };
static const struct ft_task helper = { 101, 100, "helper" };
static const struct ft_task admin = { 900, 900, "admin" };
static const struct ft_task ticker = { 901, 901, "ticker" };

#define POLL	  SLEEP "schedule_hrtimeout_range < ep_poll < do_epoll_wait < __x64_sys_epoll_wait < do_syscall_64"
#define STOPPED	  SLEEP "do_signal_stop < get_signal < arch_do_signal_or_restart < do_syscall_64"
#define SIGNAL                                                                                     \
	"try_to_wake_up < signal_wake_up_state < complete_signal < __send_signal_locked < "       \
	"do_send_sig_info < kill_something_info < __x64_sys_kill < do_syscall_64"
#define LATE "127.0.0.1:6379 slower than 200 ms for 2.0 s"

/* On CPU 0, woken each 100 ms, works for 50 us, then sleeps in @stack. */
static void serves(struct scene *scene, const struct ft_task *task, uint64_t from_ms,
		   uint64_t to_ms, const char *stack)
{
	for (uint64_t at_ms = from_ms; at_ms < to_ms; at_ms += 100) {
		scene_waking(scene, 0, at_ms * MS, &scene_idle, "", task);
		scene_switch(scene, 0, at_ms * MS + 5 * US, &scene_idle, FT_STATE_RUNNING, NULL, task);
		scene_switch(scene, 0, at_ms * MS + 55 * US, task, FT_STATE_SLEEPING, stack,
			     &scene_idle);
	}
}

/* On CPU 0; preempted once by another for 100 ms. The other CPU goes on. */
static void computes(struct scene *scene, const struct ft_task *task, uint64_t from_ms,
		     uint64_t to_ms)
{
	scene_waking(scene, 0, from_ms * MS, &scene_idle, "", task);
	scene_switch(scene, 0, from_ms * MS + 5 * US, &scene_idle, FT_STATE_RUNNING, NULL, task);
	for (uint64_t at_ms = from_ms + 10; at_ms < from_ms + 1000; at_ms += 10)
		scene_sample(scene, 0, at_ms * MS, task,
			     at_ms % 50 ? " | luaV_execute < evalCommand < main"
					: "clear_page_erms < exc_page_fault | luaV_execute < main");
	for (uint64_t at_ms = from_ms; at_ms < to_ms; at_ms += 100) {
		scene_switch(scene, 1, at_ms * MS, &scene_idle, FT_STATE_RUNNING, NULL, &ticker);
		scene_switch(scene, 1, at_ms * MS + 5 * US, &ticker, FT_STATE_SLEEPING, POLL,
			     &scene_idle);
	}
	scene_switch(scene, 0, (from_ms + 1000) * MS, task, FT_STATE_PREEMPTED, "", &admin);
	scene_switch(scene, 0, (from_ms + 1100) * MS, &admin, FT_STATE_RUNNING, "", task);
	scene_switch(scene, 0, to_ms * MS, task, FT_STATE_SLEEPING, POLL, &scene_idle);
}

static void busy_thread_is_named_where_a_probe_waited_for_it(void **state)
{
	struct scene *scene = scene_create(2);
	const struct model_finding *finding;
	struct scene_result result;

	(void)state;
	serves(scene, &server, 0, 2000, POLL);
	computes(scene, &server, 2000, 5000);
	serves(scene, &server, 5100, 7000, POLL);
	scene_trigger(scene, "probe-tcp", LATE, 4400 * MS);
	result = scene_analyze(scene, "100", 7000 * MS);

	assert_true(result.model->stall.found);
	assert_int_equal(result.model->stall.start_ns, 2000 * MS);
	assert_int_equal(result.model->stall.end_ns, 5000 * MS);
	assert_int_equal(result.model->stall.threads_blocked_max, 0);
	assert_int_equal(result.model->finding_count, 1);
	finding = &result.model->findings[0];
	assert_int_equal(finding->kind, FINDING_BUSY_THREAD);
	assert_int_equal(finding->grade, GRADE_STRONG);
	assert_int_equal(finding->culprit.tid, 100);
	assert_int_equal(finding->culprit.hold_ns, 3000 * MS);
	assert_int_equal(finding->culprit.running_ns, 2900 * MS - 5 * US);
	assert_int_equal(finding->culprit.runnable_ns, 100 * MS + 5 * US);
	assert_int_equal(finding->culprit.samples, 99);
	assert_int_equal(finding->culprit.samples_in_stack, 80);
	assert_string_equal(finding->culprit.user_stack.frames[0].symbol, "luaV_execute");
	assert_non_null(strstr(finding->evidence[2], "80.8 % of 99 CPU samples"));
	assert_non_null(strstr(finding->evidence[2], "luaV_execute 80.8 %"));
	assert_int_equal(finding->blocked_ns, 2000 * MS);
	scene_done(&result, scene);
}

/* As where events of a CPU are missing for a moment, or a page has to come from the disk. */
static void busy_thread_is_still_one_after_a_short_pause(void **state)
{
	struct scene *scene = scene_create(2);
	struct scene_result result;

	(void)state;
	serves(scene, &server, 0, 2000, POLL);
	scene_waking(scene, 0, 2000 * MS, &scene_idle, "", &server);
	scene_switch(scene, 0, 2001 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &server);
	scene_switch(scene, 0, 3000 * MS, &server, FT_STATE_DISK,
		     SLEEP "io_schedule < folio_wait_bit_common < filemap_fault < __do_fault", &scene_idle);
	scene_waking(scene, 0, 3020 * MS, &scene_idle, "", &server);
	scene_switch(scene, 0, 3021 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &server);
	scene_lost(scene, 0, 4000 * MS, 4010 * MS, 3);
	scene_sample(scene, 0, 4011 * MS, &server, " | work < main");
	scene_switch(scene, 0, 5000 * MS, &server, FT_STATE_SLEEPING, POLL, &scene_idle);
	scene_trigger(scene, "probe-tcp", LATE, 4400 * MS);
	result = scene_analyze(scene, "100", 7000 * MS);
	assert_int_equal(result.model->findings[0].kind, FINDING_BUSY_THREAD);
	assert_int_equal(result.model->stall.start_ns, 2000 * MS);
	assert_int_equal(result.model->stall.end_ns, 5000 * MS);
	scene_done(&result, scene);
}

static void busy_thread_is_no_finding_where_nobody_waited(void **state)
{
	static const char *const sources[] = { "capture", "signal", "psi" };

	(void)state;
	for (size_t i = 0; i < sizeof(sources) / sizeof(*sources); i++) {
		struct scene *scene = scene_create(2);
		struct scene_result result;

		serves(scene, &server, 0, 2000, POLL);
		computes(scene, &server, 2000, 5000);
		scene_trigger(scene, sources[i], LATE, 4400 * MS);
		result = scene_analyze(scene, "100", 7000 * MS);
		assert_false(result.model->stall.found);
		assert_int_equal(result.model->findings[0].kind, FINDING_NO_STALL);
		scene_done(&result, scene);
	}
}

static void busy_thread_that_was_busy_long_before_is_only_plausible(void **state)
{
	struct scene *scene = scene_create(2);
	struct scene_result result;

	(void)state;
	serves(scene, &server, 0, 1000, POLL);
	computes(scene, &server, 1000, 12000);
	scene_trigger(scene, "probe-tcp", LATE, 11000 * MS);
	result = scene_analyze(scene, "100", 13000 * MS);
	assert_int_equal(result.model->findings[0].kind, FINDING_BUSY_THREAD);
	assert_int_equal(result.model->findings[0].grade, GRADE_PLAUSIBLE);
	scene_done(&result, scene);
}

static void thread_that_waited_in_the_meantime_was_not_busy(void **state)
{
	struct scene *scene = scene_create(2);
	struct scene_result result;

	(void)state;
	serves(scene, &server, 0, 7000, POLL);
	scene_trigger(scene, "probe-tcp", LATE, 4400 * MS);
	result = scene_analyze(scene, "100", 7000 * MS);
	assert_false(result.model->stall.found);
	assert_int_equal(result.model->findings[0].kind, FINDING_NO_STALL);
	scene_done(&result, scene);
}

/* As a task at whose beginning and end there is no stack: what each pause was for is not known. */
static void thread_that_paused_again_and_again_was_not_busy(void **state)
{
	struct scene *scene = scene_create(2);
	struct scene_result result;

	(void)state;
	scene_switch(scene, 1, 1 * MS, &helper, FT_STATE_SLEEPING, POLL, &scene_idle);
	for (uint64_t at_ms = 0; at_ms < 7000; at_ms += 10) {
		scene_waking(scene, 0, at_ms * MS, &scene_idle, "", &server);
		scene_switch(scene, 0, at_ms * MS + 5 * US, &scene_idle, FT_STATE_RUNNING, NULL,
			     &server);
		scene_switch(scene, 0, at_ms * MS + 5 * MS, &server, FT_STATE_SLEEPING, "",
			     &scene_idle);
	}
	scene_trigger(scene, "probe-tcp", LATE, 4400 * MS);
	result = scene_analyze(scene, "100", 7000 * MS);
	assert_int_equal(result.model->findings[0].kind, FINDING_NO_STALL);
	scene_done(&result, scene);
}

/* Its own switches are missing: what others did to it must not become a wait of 2 s. */
static void thread_whose_own_events_are_missing_is_unknown_between(void **state)
{
	struct scene *scene = scene_create(2);
	const struct model_thread *thread = NULL;
	struct scene_result result;

	(void)state;
	for (uint64_t i = 0; i < 20; i++) {
		scene_switch(scene, 1, (10 + i) * MS, &admin, FT_STATE_SLEEPING, POLL, &helper);
		scene_switch(scene, 1, (10 + i) * MS + 500 * US, &scene_idle, FT_STATE_RUNNING, NULL,
			     &admin);
	}
	scene_waking(scene, 0, 1000 * MS, &server, "", &helper);
	scene_switch(scene, 1, 3000 * MS, &admin, FT_STATE_SLEEPING, POLL, &helper);
	scene_switch(scene, 1, 3001 * MS, &admin, FT_STATE_SLEEPING, POLL, &scene_idle);
	result = scene_analyze(scene, "100", 4000 * MS);
	for (size_t i = 0; i < result.model->thread_count; i++)
		if (result.model->threads[i].tid == 101)
			thread = &result.model->threads[i];
	assert_non_null(thread);
	assert_false(result.model->stall.found);
	assert_int_equal(thread->runnable_ns, 0);
	assert_int_equal(thread->blocked_ns, 0);
	assert_int_equal(thread->running_ns + thread->unknown_ns, 4000 * MS);
	assert_non_null(strstr(result.model->coverage.cannot_say[0], "101 (helper)"));
	scene_done(&result, scene);
}

/* The switch to it, from the idle task, is missing; CPU samples show it all the same. */
static void thread_that_is_sampled_on_an_idle_cpu_runs_there(void **state)
{
	struct scene *scene = scene_create(2);
	const struct model_thread *thread = NULL;
	struct scene_result result;

	(void)state;
	scene_switch(scene, 1, 10 * MS, &helper, FT_STATE_SLEEPING, POLL, &scene_idle);
	/* of the one that is just leaving: it does not run */
	scene_sample(scene, 1, 10 * MS + 2 * US, &helper, " | main");
	for (uint64_t at_ms = 1000; at_ms <= 2000; at_ms += 20)
		scene_sample(scene, 1, at_ms * MS, &server, " | main");
	scene_switch(scene, 1, 2000 * MS + 5 * US, &server, FT_STATE_SLEEPING, POLL, &scene_idle);
	result = scene_analyze(scene, "100", 4000 * MS);
	for (size_t i = 0; i < result.model->thread_count; i++) {
		thread = &result.model->threads[i];
		assert_int_equal(thread->running_ns, thread->tid == 100 ? 1000 * MS + 5 * US : 10 * MS);
	}
	assert_non_null(thread);
	scene_done(&result, scene);
}

static void thread_that_slept_through_a_probes_failures_is_a_plausible_slow_producer(void **state)
{
	struct scene *scene = scene_create(2);
	const struct model_finding *finding;
	struct scene_result result;

	(void)state;
	serves(scene, &server, 0, 2000, POLL);
	serves(scene, &server, 2000, 2001, NANOSLEEP);
	serves(scene, &server, 5000, 7000, POLL);
	scene_trigger(scene, "probe-cmd", LATE, 4400 * MS);
	result = scene_analyze(scene, "100", 7000 * MS);

	assert_int_equal(result.model->stall.start_ns, 2000 * MS + 55 * US);
	assert_int_equal(result.model->stall.end_ns, 5000 * MS);
	finding = &result.model->findings[0];
	assert_int_equal(finding->kind, FINDING_SLOW_PRODUCER);
	assert_int_equal(finding->grade, GRADE_PLAUSIBLE);
	assert_int_equal(finding->culprit.tid, 100);
	assert_string_equal(finding->culprit.stack.frames[2].symbol, "do_nanosleep");
	assert_non_null(strstr(finding->summary, "sleep"));
	assert_non_null(strstr(finding->summary, "clock_nanosleep"));
	scene_done(&result, scene);
}

/* Serves, sleeps for @usual_ms, then for 2 s, serves again, and someone calls much later. */
static struct scene_result told_late(struct scene *scene, uint64_t usual_ms)
{
	serves(scene, &server, 0, 3000, POLL);
	if (usual_ms) {
		scene_switch(scene, 0, 3000 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &server);
		scene_switch(scene, 0, 3001 * MS, &server, FT_STATE_SLEEPING, NANOSLEEP, &scene_idle);
		scene_waking(scene, 0, (3001 + usual_ms) * MS, &scene_idle, "", &server);
		scene_switch(scene, 0, (3001 + usual_ms) * MS + US, &scene_idle, FT_STATE_RUNNING, NULL,
			     &server);
		scene_switch(scene, 0, (3002 + usual_ms) * MS, &server, FT_STATE_SLEEPING, POLL,
			     &scene_idle);
	}
	scene_waking(scene, 0, 5000 * MS, &scene_idle, "", &server);
	scene_switch(scene, 0, 5000 * MS + US, &scene_idle, FT_STATE_RUNNING, NULL, &server);
	scene_switch(scene, 0, 5001 * MS, &server, FT_STATE_SLEEPING, NANOSLEEP, &scene_idle);
	scene_waking(scene, 0, 7000 * MS, &scene_idle, "", &server);
	scene_switch(scene, 0, 7000 * MS + US, &scene_idle, FT_STATE_RUNNING, NULL, &server);
	scene_switch(scene, 0, 7001 * MS, &server, FT_STATE_SLEEPING, POLL, &scene_idle);
	serves(scene, &server, 7100, 12000, POLL);
	scene_trigger(scene, "socket", "users complain", 11000 * MS);
	return scene_analyze(scene, "100", 12000 * MS);
}

static void thread_that_slept_some_time_before_someone_told_is_named(void **state)
{
	struct scene *scene = scene_create(1);
	struct scene_result result = told_late(scene, 0);
	const struct model_finding *finding = &result.model->findings[0];

	(void)state;
	assert_int_equal(finding->kind, FINDING_SLOW_PRODUCER);
	assert_int_equal(finding->grade, GRADE_PLAUSIBLE);
	assert_int_equal(finding->culprit.tid, 100);
	assert_int_equal(result.model->stall.start_ns, 5001 * MS);
	assert_int_equal(result.model->stall.end_ns, 7000 * MS);
	assert_non_null(strstr(finding->summary, "some time before"));
	scene_done(&result, scene);
}

static void thread_that_sleeps_now_and_then_is_not_named_for_one_some_time_before(void **state)
{
	struct scene *scene = scene_create(1);
	struct scene_result result = told_late(scene, 700);

	(void)state;
	assert_int_equal(result.model->findings[0].kind, FINDING_NO_STALL);
	assert_true(result.model->stall.unexplained);
	scene_done(&result, scene);
}

static void thread_that_always_sleeps_like_that_is_passed_over(void **state)
{
	struct scene *scene = scene_create(2);
	struct scene_result result;

	(void)state;
	serves(scene, &server, 0, 1, NANOSLEEP);
	serves(scene, &server, 3000, 3001, NANOSLEEP);
	serves(scene, &server, 6000, 6001, NANOSLEEP);
	scene_trigger(scene, "probe-cmd", LATE, 5500 * MS);
	result = scene_analyze(scene, "100", 7000 * MS);
	assert_int_equal(result.model->findings[0].kind, FINDING_NO_STALL);
	scene_done(&result, scene);
}

/* @sender stops both threads at 2000 ms, lets them go on at 5000 ms. */
static void is_stopped(struct scene *scene, const char *waker_stack)
{
	serves(scene, &server, 0, 2000, POLL);
	scene_switch(scene, 1, 1000 * MS, &helper, FT_STATE_SLEEPING, POLL, &scene_idle);
	scene_switch(scene, 1, 1999 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &admin);
	scene_waking(scene, 1, 2000 * MS, &admin, waker_stack, &server);
	scene_switch(scene, 0, 2000 * MS + 5 * US, &scene_idle, FT_STATE_RUNNING, NULL, &server);
	scene_waking(scene, 0, 2000 * MS + 6 * US, &server,
		     "try_to_wake_up < signal_wake_up_state < do_signal_stop < get_signal", &helper);
	scene_switch(scene, 0, 2000 * MS + 10 * US, &server, FT_STATE_STOPPED, STOPPED, &helper);
	scene_switch(scene, 0, 2000 * MS + 20 * US, &helper, FT_STATE_STOPPED, STOPPED, &scene_idle);
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
	serves(scene, &server, 0, 2000, POLL);
	scene_switch(scene, 1, 1000 * MS, &helper, FT_STATE_SLEEPING, POLL, &scene_idle);
	scene_switch(scene, 1, 1999 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &admin);
	scene_waking(scene, 1, 2000 * MS, &admin, "", &server);
	scene_switch(scene, 1, 2000 * MS + 2 * US, &admin, FT_STATE_SLEEPING, POLL, &scene_idle);
	scene_switch(scene, 0, 2000 * MS + 5 * US, &scene_idle, FT_STATE_RUNNING, NULL, &server);
	scene_waking(scene, 0, 2000 * MS + 6 * US, &server, "", &helper);
	scene_switch(scene, 1, 2000 * MS + 8 * US, &scene_idle, FT_STATE_RUNNING, NULL, &helper);
	scene_switch(scene, 1, 2000 * MS + 10 * US, &helper, FT_STATE_STOPPED, STOPPED, &scene_idle);
	scene_switch(scene, 0, 2000 * MS + 20 * US, &server, FT_STATE_STOPPED, STOPPED, &scene_idle);
	result = scene_analyze(scene, "100", 7000 * MS);
	assert_int_equal(result.model->findings[0].kind, FINDING_PROCESS_STOPPED);
	assert_true(result.model->findings[0].has_culprit);
	assert_int_equal(result.model->findings[0].culprit.tid, 900);
	scene_done(&result, scene);
}

static void process_stopped_does_not_accuse_who_woke_it_for_something_else(void **state)
{
	static const char *const stacks[] = { "", "try_to_wake_up < sock_def_readable < unix_stream_sendmsg" };

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
			scene_switch(scene, 0, 1501 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &server);
			scene_switch(scene, 0, 1502 * MS, &server, FT_STATE_STOPPED, STOPPED, &scene_idle);
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
	serves(scene, &server, 0, 1000, POLL);
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

UNIT_TESTS(busy_thread)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(busy_thread_is_named_where_a_probe_waited_for_it),
		cmocka_unit_test(busy_thread_is_still_one_after_a_short_pause),
		cmocka_unit_test(busy_thread_is_no_finding_where_nobody_waited),
		cmocka_unit_test(busy_thread_that_was_busy_long_before_is_only_plausible),
		cmocka_unit_test(thread_that_waited_in_the_meantime_was_not_busy),
		cmocka_unit_test(thread_that_paused_again_and_again_was_not_busy),
		cmocka_unit_test(thread_whose_own_events_are_missing_is_unknown_between),
		cmocka_unit_test(thread_that_is_sampled_on_an_idle_cpu_runs_there),
		cmocka_unit_test(
			thread_that_slept_through_a_probes_failures_is_a_plausible_slow_producer),
		cmocka_unit_test(thread_that_slept_some_time_before_someone_told_is_named),
		cmocka_unit_test(thread_that_sleeps_now_and_then_is_not_named_for_one_some_time_before),
		cmocka_unit_test(thread_that_always_sleeps_like_that_is_passed_over),
		cmocka_unit_test(process_stopped_says_who_stopped_it_and_who_let_it_go_on),
		cmocka_unit_test(
			process_stopped_names_who_woke_it_where_stacks_of_wakers_are_not_recorded),
		cmocka_unit_test(process_stopped_names_who_woke_the_second_thread_to_stop),
		cmocka_unit_test(process_stopped_does_not_accuse_who_woke_it_for_something_else),
		cmocka_unit_test(process_stopped_needs_no_trigger_and_no_sender),
		cmocka_unit_test(process_stopped_all_along_is_a_finding_only_if_it_is_the_target),
	};

	return run_unit_tests(tests, NULL, NULL);
}
