/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The chain behind a wait, on made-up freezes whose every event is known.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/analysis.h"
#include "analyzer/explain/explain.h"
#include "analyzer/report/report.h"
#include "tests/unit/support/scene.h"
#include "tests/unit/support/unit_test.h"

#define MS   SCENE_MS
#define US   SCENE_US
#define LOCK 0xffff888012345678ull

static const struct ft_task holder = { 100, 100, "holder" };
static const struct ft_task waiter = { 101, 100, "waiter" };
static const struct ft_task queued = { 102, 100, "queued" };
static const struct ft_task disk = { 900, 900, "diskd" };

#define FUSE_FLUSH                                                                                 \
	SLEEP "request_wait_answer < __fuse_simple_request < fuse_release < __fput < __vm_munmap " \
	      "< "                                                                                 \
	      "__x64_sys_munmap < do_syscall_64"
#define FUSE_ANSWER "try_to_wake_up < __wake_up < fuse_request_end < fuse_dev_do_write < vfs_write"
#define TIMER	   "try_to_wake_up < hrtimer_wakeup < __hrtimer_run_queues < hrtimer_interrupt"
#define FUTEX	   SLEEP "futex_do_wait < __futex_wait < futex_wait < do_futex < __x64_sys_futex"
#define FUTEX_WAKE "try_to_wake_up < wake_up_q < futex_wake < do_futex < __x64_sys_futex"

struct result {
	struct scene *scene;
	struct source *source;
	struct model *model;
	struct observations *observations;
	struct explanation *explanation;
	char *message;
	int error;
};

static struct result explain_wait(struct scene *scene, uint64_t end_ns, const char *what)
{
	const struct analysis_options options = { 0 };
	struct result result = { .scene = scene };
	const char *path = scene_write(scene, "100", end_ns);
	struct wait_spec moment;

	assert_int_equal(wait_spec_parse(what, &moment), 0);
	assert_int_equal(source_open(path, &result.source, &result.message), 0);
	assert_int_equal(analysis_run(result.source, path, &options, &result.model,
				      &result.observations),
			 0);
	result.error = explain_run(result.observations, result.model, &moment, &result.explanation,
				   &result.message);
	return result;
}

static void free_result(struct result *result)
{
	explanation_free(result->explanation);
	observations_free(result->observations);
	free(result->observations);
	model_free(result->model);
	source_close(result->source);
	scene_destroy(result->scene);
	free(result->message);
}

static char *text_of(const struct result *result)
{
	const struct report_options options = { .width = 80 };
	char *text = NULL;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);

	assert_non_null(out);
	assert_int_equal(report_renderer("text")->explanation(result->explanation, result->model,
							      &options, out),
			 0);
	assert_int_equal(fclose(out), 0);
	return text;
}

/* The waiter asks for the lock at 1000 ms; the holder, on CPU 0 until then, waits for a file
 * system in user space from 1100 to 1900 ms, in munmap(), and lets the lock go at 2000. */
static void lock_behind_a_slow_file_system(struct scene *scene)
{
	scene_switch(scene, 0, 500 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &holder);
	scene_switch(scene, 1, 999 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &waiter);
	scene_lock_begin(scene, 1, 1000 * MS - 10 * US, &waiter, LOCK, FT_LOCK_WRITE);
	scene_switch(scene, 1, 1000 * MS, &waiter, FT_STATE_DISK, WAIT_MUNMAP, &scene_idle);
	scene_sample(scene, 0, 1050 * MS, &holder,
		     "clear_page_erms < __vm_munmap < __x64_sys_munmap");
	scene_switch(scene, 0, 1100 * MS, &holder, FT_STATE_SLEEPING, FUSE_FLUSH, &disk);
	scene_switch(scene, 0, 1101 * MS, &disk, FT_STATE_SLEEPING, NANOSLEEP, &scene_idle);
	scene_waking(scene, 0, 1890 * MS, &scene_idle, TIMER, &disk);
	scene_switch(scene, 0, 1891 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &disk);
	scene_waking(scene, 0, 1900 * MS, &disk, FUSE_ANSWER, &holder);
	scene_switch(scene, 0, 1901 * MS, &disk, FT_STATE_SLEEPING, NANOSLEEP, &holder);
	scene_waking(scene, 0, 2000 * MS, &holder, RELEASE_MUNMAP, &waiter);
	scene_switch(scene, 1, 2001 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &waiter);
	scene_switch(scene, 1, 2100 * MS, &waiter, FT_STATE_SLEEPING, NANOSLEEP, &scene_idle);
	scene_switch(scene, 0, 2100 * MS, &holder, FT_STATE_SLEEPING, NANOSLEEP, &scene_idle);
}

static void explain_follows_the_chain_from_the_lock_to_the_timer(void **state)
{
	struct scene *scene = scene_create(2);
	const struct explanation *explanation;
	struct result result;

	(void)state;
	lock_behind_a_slow_file_system(scene);
	result = explain_wait(scene, 3000 * MS, "101");

	assert_int_equal(result.error, 0);
	explanation = result.explanation;
	assert_int_equal(explanation->choice, EXPLAIN_OF_FINDING);
	assert_int_equal(explanation->wait_count, 3);
	assert_int_equal(explanation->actor_count, 2);

	assert_int_equal(explanation->waits[0].thread->tid, 101);
	assert_int_equal(explanation->waits[0].class, WAIT_LOCK_MMAP);
	assert_int_equal(explanation->waits[0].start_ns, 1000 * MS);
	assert_int_equal(explanation->waits[0].end_ns, 2000 * MS);
	assert_int_equal(explanation->waits[0].lock_address, LOCK);
	assert_int_equal(explanation->waits[0].piece_count, 1);
	assert_int_equal(explanation->waits[0].pieces[0].grade, GRADE_STRONG);

	assert_int_equal(explanation->actors[0].thread->tid, 100);
	assert_int_equal(explanation->actors[0].role, EXPLAIN_HOLDER);
	assert_int_equal(explanation->actors[0].grade, GRADE_STRONG);
	assert_int_equal(explanation->actors[0].state_ns[THREAD_BLOCKED], 800 * MS);
	assert_int_equal(explanation->actors[0].state_ns[THREAD_RUNNABLE], 1 * MS);
	assert_int_equal(explanation->actors[0].state_ns[THREAD_RUNNING], 199 * MS);
	assert_int_equal(explanation->actors[0].profile.samples, 1);
	assert_int_equal(explanation->actors[0].root, EXPLAIN_GOES_ON);

	assert_int_equal(explanation->waits[1].actor, 0);
	assert_int_equal(explanation->waits[1].class, WAIT_IO_FUSE);
	assert_int_equal(explanation->waits[1].within_ns, 800 * MS);
	assert_int_equal(explanation->actors[1].wait, 1);
	assert_int_equal(explanation->actors[1].thread->tid, 900);
	assert_int_equal(explanation->actors[1].role, EXPLAIN_WAKER);
	assert_int_equal(explanation->actors[1].grade, GRADE_EXACT);

	assert_int_equal(explanation->waits[2].actor, 1);
	assert_int_equal(explanation->waits[2].class, WAIT_SLEEP);
	assert_int_equal(explanation->waits[2].root, EXPLAIN_TIMER);
	free_result(&result);
}

static void explain_shows_each_event_that_bears_on_the_wait(void **state)
{
	static const enum excerpt_kind kinds[] = { EXCERPT_GETS_CPU, EXCERPT_LOCK_BEGIN, EXCERPT_LEAVES_CPU,
						 EXCERPT_WOKEN, EXCERPT_GETS_CPU };
	static const uint64_t times_ns[] = { 999 * MS, 1000 * MS - 10 * US, 1000 * MS, 2000 * MS,
					     2001 * MS };
	static const uint32_t cpus[] = { 1, 1, 1, 0, 1 };
	struct scene *scene = scene_create(2);
	const struct explain_excerpt *trail;
	struct result result;
	char *text;

	(void)state;
	lock_behind_a_slow_file_system(scene);
	result = explain_wait(scene, 3000 * MS, "101");

	assert_int_equal(result.error, 0);
	trail = &result.explanation->waits[0].excerpt;
	assert_int_equal(trail->count, 5);
	assert_int_equal(trail->left_out, 0);
	for (size_t i = 0; i < trail->count; i++) {
		assert_int_equal(trail->events[i].kind, kinds[i]);
		assert_int_equal(trail->events[i].at_ns, times_ns[i]);
		assert_int_equal(trail->events[i].cpu, cpus[i]);
	}
	assert_int_equal(trail->events[3].other->tid, 100);
	assert_true(trail->events[3].stack.count > 3);

	text = text_of(&result);
	assert_non_null(strstr(text, "+1.000000  cpu 1      leaves the CPU"));
	assert_non_null(strstr(text, "+2.000000  cpu 0      is woken by 100 (holder)"));
	assert_non_null(strstr(
		text,
		"1.00 s of it held by 100 (holder), +1.000000 to +2.000000 s; grade: strong"));
	assert_non_null(strstr(text, "root: a timer ended the wait"));
	free(text);
	free_result(&result);
}

static void explain_finds_the_wait_of_a_time(void **state)
{
	struct scene *scene = scene_create(2);
	struct result result;

	(void)state;
	lock_behind_a_slow_file_system(scene);
	result = explain_wait(scene, 3000 * MS, "100:1.5");
	assert_int_equal(result.error, 0);
	assert_int_equal(result.explanation->choice, EXPLAIN_BY_TIME);
	assert_int_equal(result.explanation->waits[0].class, WAIT_IO_FUSE);
	assert_int_equal(result.explanation->waits[0].start_ns, 1100 * MS);
	free_result(&result);
}

static void explain_says_which_waits_are_near_where_there_is_none(void **state)
{
	struct scene *scene = scene_create(2);
	struct result result;

	(void)state;
	lock_behind_a_slow_file_system(scene);
	result = explain_wait(scene, 3000 * MS, "100:1.95");
	assert_int_equal(result.error, -ENOENT);
	assert_non_null(strstr(result.message, "it ran"));
	assert_non_null(strstr(result.message, "before begins at: 1.900000000 s"));
	assert_non_null(strstr(result.message, "after begins at: 2.100000000 s"));
	free_result(&result);
}

static void explain_of_a_thread_that_is_not_there_says_so(void **state)
{
	struct scene *scene = scene_create(2);
	struct result result;

	(void)state;
	lock_behind_a_slow_file_system(scene);
	result = explain_wait(scene, 3000 * MS, "4242");
	assert_int_equal(result.error, -ESRCH);
	assert_non_null(strstr(result.message, "no thread 4242"));
	free_result(&result);
}

static void explain_of_a_time_outside_the_capture_says_so(void **state)
{
	struct scene *scene = scene_create(2);
	struct result result;

	(void)state;
	lock_behind_a_slow_file_system(scene);
	result = explain_wait(scene, 3000 * MS, "100:3.1");
	assert_int_equal(result.error, -ENOENT);
	assert_non_null(strstr(result.message, "not in the capture"));
	free_result(&result);
}

static void explain_tells_losses_in_the_wait_and_lowers_the_grade(void **state)
{
	struct scene *scene = scene_create(3);
	struct result result;
	char *text;

	(void)state;
	lock_behind_a_slow_file_system(scene);
	scene_lost(scene, 2, 1200 * MS, 1300 * MS, 77);
	result = explain_wait(scene, 3000 * MS, "101");
	assert_int_equal(result.error, 0);
	assert_int_equal(result.explanation->waits[0].gaps, 1);
	assert_int_equal(result.explanation->waits[0].lost_events, 77);
	assert_int_equal(result.explanation->waits[0].pieces[0].grade, GRADE_PLAUSIBLE);
	text = text_of(&result);
	assert_non_null(strstr(text, "lost: 77 events in this time"));
	free(text);
	free_result(&result);
}

static void explain_goes_through_a_queue_to_the_one_at_its_head(void **state)
{
	struct scene *scene = scene_create(2);
	const struct explanation *explanation;
	struct result result;

	(void)state;
	/* Both wait for a futex whose address nobody recorded; the holder sleeps with it. */
	scene_switch(scene, 1, 990 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &queued);
	scene_switch(scene, 1, 1000 * MS, &queued, FT_STATE_SLEEPING, FUTEX, &waiter);
	scene_switch(scene, 1, 1001 * MS, &waiter, FT_STATE_SLEEPING, FUTEX, &scene_idle);
	scene_switch(scene, 0, 900 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &holder);
	scene_sample(scene, 0, 1500 * MS, &holder, " | compute < main");
	scene_waking(scene, 0, 2000 * MS, &holder, FUTEX_WAKE, &queued);
	scene_switch(scene, 1, 2000 * MS + 5 * US, &scene_idle, FT_STATE_RUNNING, NULL, &queued);
	scene_waking(scene, 1, 2000 * MS + 10 * US, &queued, FUTEX_WAKE, &waiter);
	scene_switch(scene, 1, 2000 * MS + 20 * US, &queued, FT_STATE_SLEEPING, NANOSLEEP, &waiter);
	scene_switch(scene, 1, 2100 * MS, &waiter, FT_STATE_SLEEPING, NANOSLEEP, &scene_idle);
	scene_switch(scene, 0, 2100 * MS, &holder, FT_STATE_SLEEPING, NANOSLEEP, &scene_idle);
	result = explain_wait(scene, 3000 * MS, "101:1.5");

	assert_int_equal(result.error, 0);
	explanation = result.explanation;
	assert_int_equal(explanation->actors[0].thread->tid, 102);
	assert_int_equal(explanation->waits[1].thread->tid, 102);
	assert_true(explanation->waits[1].hop);
	assert_int_equal(explanation->waits[1].depth, 0);
	assert_int_equal(explanation->actors[1].thread->tid, 100);
	assert_int_equal(explanation->actors[1].root, EXPLAIN_RUNNING);
	assert_int_equal(explanation->actors[1].profile.samples, 1);
	free_result(&result);
}

static void explain_of_a_wait_that_nobody_ended_ends_there(void **state)
{
	struct scene *scene = scene_create(2);
	struct result result;

	(void)state;
	scene_switch(scene, 1, 900 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &waiter);
	scene_switch(scene, 1, 1000 * MS, &waiter, FT_STATE_SLEEPING, FUSE_FLUSH, &scene_idle);
	result = explain_wait(scene, 3000 * MS, "101");
	assert_int_equal(result.error, 0);
	assert_true(result.explanation->waits[0].still_open);
	assert_int_equal(result.explanation->waits[0].root, EXPLAIN_STILL_OPEN);
	assert_int_equal(result.explanation->actor_count, 0);
	free_result(&result);
}

static void explain_tells_who_had_the_cpu_that_was_waited_for(void **state)
{
	struct scene *scene = scene_create(1);
	struct result result;

	(void)state;
	scene_switch(scene, 0, 900 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &waiter);
	scene_switch(scene, 0, 1000 * MS, &waiter, FT_STATE_PREEMPTED,
		     "__schedule < preempt_schedule_irq", &disk);
	scene_switch(scene, 0, 1800 * MS, &disk, FT_STATE_PREEMPTED,
		     "__schedule < preempt_schedule_irq", &waiter);
	scene_switch(scene, 0, 2100 * MS, &waiter, FT_STATE_SLEEPING, NANOSLEEP, &scene_idle);
	result = explain_wait(scene, 3000 * MS, "101");
	assert_int_equal(result.error, 0);
	assert_true(result.explanation->waits[0].for_cpu);
	assert_int_equal(result.explanation->waits[0].root, EXPLAIN_CPU);
	assert_int_equal(result.explanation->actor_count, 1);
	assert_int_equal(result.explanation->actors[0].role, EXPLAIN_OCCUPANT);
	assert_int_equal(result.explanation->actors[0].thread->tid, 900);
	assert_int_equal(result.explanation->actors[0].state_ns[THREAD_RUNNING], 800 * MS);
	assert_int_equal(result.explanation->waits[0].excerpt.count, 3);
	free_result(&result);
}

/* Later the holder sleeps for longer than anybody waited: that is not what is asked. */
static void explain_of_a_culprit_is_that_of_its_victim(void **state)
{
	struct scene *scene = scene_create(2);
	struct result result;
	char *text;

	(void)state;
	lock_behind_a_slow_file_system(scene);
	scene_waking(scene, 0, 5000 * MS, &scene_idle, TIMER, &holder);
	scene_switch(scene, 0, 5001 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &holder);
	result = explain_wait(scene, 6000 * MS, "100");
	assert_int_equal(result.error, 0);
	assert_int_equal(result.explanation->choice, EXPLAIN_OF_VICTIM);
	assert_int_equal(result.explanation->culprit_tid, 100);
	assert_int_equal(result.explanation->waits[0].thread->tid, 101);
	assert_int_equal(result.explanation->waits[0].start_ns, 1000 * MS);
	text = text_of(&result);
	assert_non_null(strstr(text, "that 100 (holder)"));
	free(text);
	free_result(&result);
}

static void explain_of_a_culprit_at_a_time_is_of_its_own_wait(void **state)
{
	struct scene *scene = scene_create(2);
	struct result result;

	(void)state;
	lock_behind_a_slow_file_system(scene);
	result = explain_wait(scene, 3000 * MS, "100:1.5");
	assert_int_equal(result.error, 0);
	assert_int_equal(result.explanation->choice, EXPLAIN_BY_TIME);
	assert_int_equal(result.explanation->waits[0].thread->tid, 100);
	assert_int_equal(result.explanation->waits[0].start_ns, 1100 * MS);
	free_result(&result);
}

static void explain_of_a_victim_is_of_its_wait_in_the_stall(void **state)
{
	struct scene *scene = scene_create(2);
	struct result result;

	(void)state;
	lock_behind_a_slow_file_system(scene);
	scene_waking(scene, 1, 900000 * MS, &scene_idle, TIMER, &waiter);
	scene_switch(scene, 1, 900001 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &waiter);
	result = explain_wait(scene, 901000 * MS, "101");
	assert_int_equal(result.error, 0);
	assert_int_equal(result.explanation->choice, EXPLAIN_OF_FINDING);
	assert_int_equal(result.explanation->waits[0].start_ns, 1000 * MS);
	free_result(&result);
}

/* The kernel leaves out the switches from the idle task. */
static void explain_takes_no_later_switch_in_for_the_end_of_a_wait(void **state)
{
	struct scene *scene = scene_create(2);
	const struct explain_excerpt *trail;
	struct result result;

	(void)state;
	scene_switch(scene, 1, 900 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &waiter);
	scene_switch(scene, 1, 1000 * MS, &waiter, FT_STATE_SLEEPING, FUSE_FLUSH, &scene_idle);
	scene_switch(scene, 0, 1900 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &disk);
	scene_waking(scene, 0, 2000 * MS, &disk, FUSE_ANSWER, &waiter);
	scene_switch(scene, 0, 2000 * MS + 10 * US, &disk, FT_STATE_SLEEPING, NANOSLEEP,
		     &scene_idle);
	scene_switch(scene, 1, 2010 * MS, &waiter, FT_STATE_SLEEPING, NANOSLEEP, &scene_idle);
	scene_waking(scene, 1, 2400 * MS, &scene_idle, TIMER, &waiter);
	scene_switch(scene, 1, 2401 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &waiter);
	result = explain_wait(scene, 3000 * MS, "101");

	assert_int_equal(result.error, 0);
	trail = &result.explanation->waits[0].excerpt;
	assert_int_equal(trail->count, 4);
	assert_int_equal(trail->events[2].kind, EXCERPT_WOKEN);
	assert_int_equal(trail->events[3].kind, EXCERPT_HAS_RUN);
	assert_in_range(trail->events[3].at_ns, 2000 * MS, 2010 * MS);
	assert_false(result.explanation->waits[0].end_inferred);
	free_result(&result);
}

static void explain_says_where_no_event_tells_the_end_of_a_wait(void **state)
{
	struct scene *scene = scene_create(2);
	const struct explain_excerpt *trail;
	struct result result;
	char *text;

	(void)state;
	scene_switch(scene, 1, 900 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &waiter);
	scene_switch(scene, 1, 1000 * MS, &waiter, FT_STATE_SLEEPING, NANOSLEEP, &scene_idle);
	scene_switch(scene, 1, 1900 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &disk);
	scene_switch(scene, 1, 1950 * MS, &disk, FT_STATE_SLEEPING, NANOSLEEP, &scene_idle);
	scene_waking(scene, 1, 2000 * MS, &waiter, FUSE_ANSWER, &disk);
	scene_switch(scene, 1, 2010 * MS, &waiter, FT_STATE_SLEEPING, NANOSLEEP, &scene_idle);
	scene_waking(scene, 1, 2400 * MS, &scene_idle, TIMER, &waiter);
	scene_switch(scene, 1, 2401 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &waiter);
	result = explain_wait(scene, 3000 * MS, "101:1.5");

	assert_int_equal(result.error, 0);
	trail = &result.explanation->waits[0].excerpt;
	assert_int_equal(trail->events[trail->count - 1].kind, EXCERPT_HAS_RUN);
	assert_in_range(trail->events[trail->count - 1].at_ns, 1950 * MS, 2000 * MS);
	assert_true(result.explanation->waits[0].end_inferred);
	text = text_of(&result);
	assert_non_null(strstr(text, "it is inferred"));
	/* The millisecond that was asked for is no part of the explanation. */
	assert_null(strstr(text, "1 ms of it"));
	free(text);
	free_result(&result);
}

/* The kernel tells of holds: the acquire that counts is shown, whatever came in between. */
static void explain_shows_when_the_lock_was_acquired(void **state)
{
	struct scene *scene = scene_create(2);
	const struct explain_excerpt *trail;
	bool acquired = false;
	struct result result;

	(void)state;
	scene_switch(scene, 0, 500 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &holder);
	scene_lock_hold(scene, 0, 800 * MS, &holder, LOCK, FT_HOLD_ACQUIRED | FT_HOLD_WRITE);
	for (uint64_t i = 0; i < 20; i++) {
		scene_switch(scene, 0, (810 + 50 * i) * MS, &holder, FT_STATE_PREEMPTED,
			     "__schedule < preempt_schedule_irq", &disk);
		scene_switch(scene, 0, (811 + 50 * i) * MS, &disk, FT_STATE_PREEMPTED,
			     "__schedule < preempt_schedule_irq", &holder);
		if (i != 4)
			continue;
		scene_switch(scene, 1, 1011 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &waiter);
		scene_lock_begin(scene, 1, 1012 * MS, &waiter, LOCK, FT_LOCK_WRITE);
		scene_switch(scene, 1, 1013 * MS, &waiter, FT_STATE_DISK, WAIT_MUNMAP, &scene_idle);
	}
	scene_lock_hold(scene, 0, 2000 * MS - 5 * US, &holder, LOCK, FT_HOLD_WRITE);
	scene_waking(scene, 0, 2000 * MS, &holder, RELEASE_MUNMAP, &waiter);
	scene_switch(scene, 1, 2001 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &waiter);
	result = explain_wait(scene, 3000 * MS, "101");

	assert_int_equal(result.error, 0);
	assert_int_equal(result.explanation->actors[0].thread->tid, 100);
	trail = &result.explanation->actors[0].excerpt;
	for (size_t i = 0; i < trail->count; i++)
		acquired = acquired || (trail->events[i].kind == EXCERPT_LOCK_ACQUIRED &&
					trail->events[i].at_ns == 800 * MS);
	assert_true(acquired);
	/* Finding, blame and explanation are of one mind. */
	assert_int_equal(result.model->findings[0].grade, GRADE_EXACT);
	assert_int_equal(result.model->blame[0].tid, 100);
	assert_int_equal(result.model->blame[0].grade, GRADE_EXACT);
	assert_int_equal(result.explanation->actors[0].grade, GRADE_EXACT);
	free_result(&result);
}

UNIT_TESTS(explain)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(explain_follows_the_chain_from_the_lock_to_the_timer),
		cmocka_unit_test(explain_shows_each_event_that_bears_on_the_wait),
		cmocka_unit_test(explain_finds_the_wait_of_a_time),
		cmocka_unit_test(explain_says_which_waits_are_near_where_there_is_none),
		cmocka_unit_test(explain_of_a_thread_that_is_not_there_says_so),
		cmocka_unit_test(explain_of_a_time_outside_the_capture_says_so),
		cmocka_unit_test(explain_tells_losses_in_the_wait_and_lowers_the_grade),
		cmocka_unit_test(explain_goes_through_a_queue_to_the_one_at_its_head),
		cmocka_unit_test(explain_of_a_wait_that_nobody_ended_ends_there),
		cmocka_unit_test(explain_tells_who_had_the_cpu_that_was_waited_for),
		cmocka_unit_test(explain_of_a_culprit_is_that_of_its_victim),
		cmocka_unit_test(explain_of_a_culprit_at_a_time_is_of_its_own_wait),
		cmocka_unit_test(explain_of_a_victim_is_of_its_wait_in_the_stall),
		cmocka_unit_test(explain_takes_no_later_switch_in_for_the_end_of_a_wait),
		cmocka_unit_test(explain_says_where_no_event_tells_the_end_of_a_wait),
		cmocka_unit_test(explain_shows_when_the_lock_was_acquired),
	};

	return run_unit_tests(tests, NULL, NULL);
}
