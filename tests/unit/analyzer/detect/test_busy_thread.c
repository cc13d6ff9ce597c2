/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The whole analyzer on made-up freezes in which no lock is to blame: a thread that ran or slept
 * while a probe waited for it.
 */
#include <stdio.h>
#include <string.h>

#include "analyzer/analysis.h"
#include "analyzer/detect/thresholds.h"
#include "tests/unit/support/scene.h"
#include "tests/unit/support/unit_test.h"

#define MS SCENE_MS
#define US SCENE_US

static const struct ft_task server = { 100, 100, "server" };
static const struct ft_task helper = { 101, 100, "helper" };
static const struct ft_task admin = { 900, 900, "admin" };
static const struct ft_task ticker = { 901, 901, "ticker" };

#define POLL	  SLEEP "schedule_hrtimeout_range < ep_poll < do_epoll_wait < __x64_sys_epoll_wait < do_syscall_64"
#define DISK	  SLEEP "io_schedule < folio_wait_bit_common < filemap_fault < __do_fault"
#define LATE "127.0.0.1:6379 slower than 200 ms for 2.0 s"

/* On CPU 0; preempted once by another for 100 ms. The other CPU goes on. */
static void occupy_cpu(struct scene *scene, const struct ft_task *task, uint64_t from_ms,
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
	scene_serves(scene, &server, 0, 2000, POLL);
	occupy_cpu(scene, &server, 2000, 5000);
	scene_serves(scene, &server, 5100, 7000, POLL);
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
	scene_serves(scene, &server, 0, 2000, POLL);
	scene_waking(scene, 0, 2000 * MS, &scene_idle, "", &server);
	scene_switch(scene, 0, 2001 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &server);
	scene_switch(scene, 0, 3000 * MS, &server, FT_STATE_DISK,
		     DISK, &scene_idle);
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

		scene_serves(scene, &server, 0, 2000, POLL);
		occupy_cpu(scene, &server, 2000, 5000);
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
	scene_serves(scene, &server, 0, 1000, POLL);
	occupy_cpu(scene, &server, 1000, 12000);
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
	scene_serves(scene, &server, 0, 7000, POLL);
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
	scene_serves(scene, &server, 0, 2000, POLL);
	scene_serves(scene, &server, 2000, 2001, NANOSLEEP);
	scene_serves(scene, &server, 5000, 7000, POLL);
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
	scene_serves(scene, &server, 0, 3000, POLL);
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
	scene_serves(scene, &server, 7100, 12000, POLL);
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
	scene_serves(scene, &server, 0, 1, NANOSLEEP);
	scene_serves(scene, &server, 3000, 3001, NANOSLEEP);
	scene_serves(scene, &server, 6000, 6001, NANOSLEEP);
	scene_trigger(scene, "probe-cmd", LATE, 5500 * MS);
	result = scene_analyze(scene, "100", 7000 * MS);
	assert_int_equal(result.model->findings[0].kind, FINDING_NO_STALL);
	scene_done(&result, scene);
}

/* The server serves, then on CPU 0 from @from_ns to @to_ns runs in turns; somebody waits from 2400
 * ms to 4400 ms. */
struct turns {
	uint64_t from_ns, to_ns;
	uint64_t run_ns, off_ns;	/* each time; off 0: it runs all the while */
	enum ft_task_state off_state;	/* PREEMPTED by another one, or asleep in @off_stack */
	const char *off_stack;
	bool real_time;			/* it is a real-time thread, whose time has a limit */
	uint64_t stall_ns;		/* --stall; 0: as it is without */
};

static struct scene_result run_in_turns(struct scene *scene, const struct turns *turns, const char *since)
{
	uint64_t at_ns = turns->from_ns;

	if (turns->real_time)
		scene_scheduling(scene, 1, 0, &server, 1, 5, 0, "0-1", "/");
	for (uint64_t at_ms = 0; at_ms < 7000; at_ms += 50) {
		scene_switch(scene, 1, at_ms * MS, &scene_idle, FT_STATE_RUNNING, NULL, &ticker);
		scene_switch(scene, 1, at_ms * MS + 5 * US, &ticker, FT_STATE_SLEEPING, POLL,
			     &scene_idle);
	}
	scene_serves(scene, &server, 0, turns->from_ns / MS, POLL);
	scene_switch(scene, 0, at_ns, &scene_idle, FT_STATE_RUNNING, NULL, &server);
	while (turns->off_ns && at_ns + turns->run_ns + turns->off_ns <= turns->to_ns) {
		const struct ft_task *next =
			turns->off_state == FT_STATE_PREEMPTED ? &admin : &scene_idle;

		at_ns += turns->run_ns;
		scene_switch(scene, 0, at_ns, &server, turns->off_state, turns->off_stack, next);
		at_ns += turns->off_ns;
		scene_switch(scene, 0, at_ns, next, FT_STATE_RUNNING, NULL, &server);
	}
	scene_switch(scene, 0, turns->to_ns, &server, FT_STATE_SLEEPING, POLL, &scene_idle);
	scene_trigger(scene, "probe-tcp", since, 4400 * MS);
	return scene_analyze_stall(scene, "100", 7000 * MS, turns->stall_ns);
}

static enum finding_kind kind_of_turns(const struct turns *turns)
{
	struct scene *scene = scene_create(2);
	struct scene_result result = run_in_turns(scene, turns, LATE);
	enum finding_kind kind = result.model->findings[0].kind;

	scene_done(&result, scene);
	return kind;
}

static void run_through_three_quarters_of_the_waiting_is_why_it_lasted(void **state)
{
	const uint64_t least_ns = 2000 * MS * BUSY_COVERS_PERCENT / 100;
	struct turns turns = { .from_ns = 4400 * MS - least_ns, .to_ns = 5000 * MS };

	(void)state;
	assert_int_equal(kind_of_turns(&turns), FINDING_BUSY_THREAD);
	turns.from_ns++;
	assert_int_equal(kind_of_turns(&turns), FINDING_NO_STALL);
}

static void thread_that_ran_for_less_than_a_tenth_was_starved_rather_than_busy(void **state)
{
	struct turns turns = {
		.from_ns = 2000 * MS,
		.to_ns = 5000 * MS,
		.run_ns = 100 * MS * BUSY_RAN_PERCENT / 100,
		.off_ns = 100 * MS - 100 * MS * BUSY_RAN_PERCENT / 100,
		.off_state = FT_STATE_PREEMPTED,
	};

	(void)state;
	assert_int_equal(kind_of_turns(&turns), FINDING_BUSY_THREAD);
	turns.run_ns--;
	turns.off_ns++;
	assert_int_not_equal(kind_of_turns(&turns), FINDING_BUSY_THREAD);
}

static void thread_that_a_limit_keeps_from_a_cpu_was_busy_from_half_on(void **state)
{
	struct turns turns = {
		.from_ns = 2000 * MS,
		.to_ns = 5000 * MS,
		.run_ns = 100 * MS * BUSY_LIMITED_PERCENT / 100,
		.off_ns = 100 * MS - 100 * MS * BUSY_LIMITED_PERCENT / 100,
		.off_state = FT_STATE_PREEMPTED,
		.real_time = true,
	};

	(void)state;
	assert_int_equal(kind_of_turns(&turns), FINDING_BUSY_THREAD);
	turns.run_ns--;
	turns.off_ns++;
	assert_int_not_equal(kind_of_turns(&turns), FINDING_BUSY_THREAD);
}

static void thread_that_paused_for_more_than_a_tenth_waited_for_something(void **state)
{
	struct turns turns = {
		.from_ns = 2000 * MS,
		.to_ns = 5000 * MS,
		.run_ns = 100 * MS - 100 * MS * BUSY_PAUSES_PERCENT / 100,
		.off_ns = 100 * MS * BUSY_PAUSES_PERCENT / 100,
		.off_state = FT_STATE_DISK,
		.off_stack = DISK,
	};

	(void)state;
	assert_int_equal(kind_of_turns(&turns), FINDING_BUSY_THREAD);
	turns.run_ns--;
	turns.off_ns++;
	assert_int_not_equal(kind_of_turns(&turns), FINDING_BUSY_THREAD);
}

static void wait_of_half_a_stall_ends_a_run(void **state)
{
	struct turns turns = {
		.from_ns = 2000 * MS,
		.to_ns = 5000 * MS,
		.run_ns = 1500 * MS,
		.off_ns = 200 * MS * PAUSE_STALL_PERCENT / 100 - 1,
		.off_state = FT_STATE_DISK,
		.off_stack = DISK,
	};

	(void)state;
	assert_int_equal(kind_of_turns(&turns), FINDING_BUSY_THREAD);
	turns.off_ns++;
	assert_int_not_equal(kind_of_turns(&turns), FINDING_BUSY_THREAD);
	/* what a stall is, --stall says */
	turns.stall_ns = 300 * MS;
	assert_int_equal(kind_of_turns(&turns), FINDING_BUSY_THREAD);
	turns.off_ns = turns.stall_ns * PAUSE_STALL_PERCENT / 100;
	assert_int_not_equal(kind_of_turns(&turns), FINDING_BUSY_THREAD);
}

static void run_that_began_long_before_the_waiting_is_only_plausible(void **state)
{
	(void)state;
	for (uint64_t more = 0; more < 2; more++) {
		const struct turns turns = { .from_ns = 4000 * MS - BUSY_QUESTION_NS - more,
					     .to_ns = 5000 * MS };
		struct scene *scene = scene_create(2);
		struct scene_result result =
			run_in_turns(scene, &turns, "127.0.0.1:6379 slower than 200 ms for 0.4 s");

		assert_int_equal(result.model->findings[0].kind, FINDING_BUSY_THREAD);
		assert_int_equal(result.model->findings[0].grade, more ? GRADE_PLAUSIBLE : GRADE_STRONG);
		scene_done(&result, scene);
	}
}

/* It sleeps for @usual_ns, serves @questions times, sleeps for 3 s, and somebody waits at the end
 * of that. */
static enum finding_kind sleep_twice(uint64_t usual_ns, uint64_t questions, const char *source,
				     const char *reason)
{
	struct scene *scene = scene_create(1);
	struct scene_result result;
	enum finding_kind kind;

	scene_switch(scene, 0, 1 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &server);
	scene_switch(scene, 0, 2 * MS, &server, FT_STATE_SLEEPING, NANOSLEEP, &scene_idle);
	scene_waking(scene, 0, 2 * MS + usual_ns, &scene_idle, "", &server);
	scene_switch(scene, 0, 3 * MS + usual_ns, &scene_idle, FT_STATE_RUNNING, NULL, &server);
	scene_switch(scene, 0, 4 * MS + usual_ns, &server, FT_STATE_SLEEPING, POLL, &scene_idle);
	scene_serves(scene, &server, 3000, 3000 + (questions - 2) * 100, POLL);
	scene_waking(scene, 0, 6999 * MS, &scene_idle, "", &server);
	scene_switch(scene, 0, 6999 * MS + US, &scene_idle, FT_STATE_RUNNING, NULL, &server);
	scene_switch(scene, 0, 7000 * MS, &server, FT_STATE_SLEEPING, NANOSLEEP, &scene_idle);
	scene_waking(scene, 0, 10000 * MS, &scene_idle, "", &server);
	scene_switch(scene, 0, 10001 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &server);
	scene_switch(scene, 0, 10002 * MS, &server, FT_STATE_SLEEPING, POLL, &scene_idle);
	scene_trigger(scene, source, reason, source[0] == 's' ? 13000 * MS : 9900 * MS);
	result = scene_analyze(scene, "100", 14000 * MS);
	kind = result.model->findings[0].kind;
	scene_done(&result, scene);
	return kind;
}

static void sleep_twice_as_long_as_any_other_is_not_the_usual_one(void **state)
{
	uint64_t usual_ns = 3000 * MS / BUSY_SLEEP_TIMES;

	(void)state;
	assert_int_equal(sleep_twice(usual_ns - 1, 30, "probe-cmd", LATE), FINDING_SLOW_PRODUCER);
	assert_int_equal(sleep_twice(usual_ns, 30, "probe-cmd", LATE), FINDING_NO_STALL);
}

/* Nobody says since when. */
static void sleep_five_times_as_long_as_all_else_is_named_some_time_before(void **state)
{
	uint64_t usual_ns = 3000 * MS / BUSY_TIMES_USUAL;

	(void)state;
	assert_int_equal(sleep_twice(usual_ns, 30, "socket", "users complain"), FINDING_SLOW_PRODUCER);
	assert_int_equal(sleep_twice(usual_ns + 1, 30, "socket", "users complain"), FINDING_NO_STALL);
}

static void thread_that_waited_for_twenty_questions_serves(void **state)
{
	(void)state;
	assert_int_equal(sleep_twice(MS, BUSY_SERVES_LEAST, "socket", "users complain"),
			 FINDING_SLOW_PRODUCER);
	assert_int_equal(sleep_twice(MS, BUSY_SERVES_LEAST - 1, "socket", "users complain"),
			 FINDING_NO_STALL);
}

UNIT_TESTS(busy_thread)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(busy_thread_is_named_where_a_probe_waited_for_it),
		cmocka_unit_test(busy_thread_is_still_one_after_a_short_pause),
		cmocka_unit_test(run_through_three_quarters_of_the_waiting_is_why_it_lasted),
		cmocka_unit_test(thread_that_ran_for_less_than_a_tenth_was_starved_rather_than_busy),
		cmocka_unit_test(thread_that_a_limit_keeps_from_a_cpu_was_busy_from_half_on),
		cmocka_unit_test(thread_that_paused_for_more_than_a_tenth_waited_for_something),
		cmocka_unit_test(wait_of_half_a_stall_ends_a_run),
		cmocka_unit_test(run_that_began_long_before_the_waiting_is_only_plausible),
		cmocka_unit_test(sleep_twice_as_long_as_any_other_is_not_the_usual_one),
		cmocka_unit_test(sleep_five_times_as_long_as_all_else_is_named_some_time_before),
		cmocka_unit_test(thread_that_waited_for_twenty_questions_serves),
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
	};

	return run_unit_tests(tests, NULL, NULL);
}
