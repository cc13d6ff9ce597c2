/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The corner cases of a thread's timeline, each on a handful of events, of which none is
 * missing.
 */
#include <errno.h>

#include "analyzer/timeline/thread_state_private.h"
#include "tests/unit/support/timeline_bench.h"
#include "tests/unit/support/unit_test.h"

#define START BENCH_START
#define END BENCH_END
#define DONE BENCH_DONE

/* The interval that @thread is in; NULL: it was never seen, or is gone. */
static const struct interval *find_current(const struct bench *bench, const struct thread *thread)
{
	const struct thread_slot *slot = per_thread_find(&bench->timeline->slots, thread);

	return slot && slot->current.thread && !slot->done ? &slot->current : NULL;
}

static void timeline_follows_a_thread_that_blocks_and_is_woken(void **state)
{
	struct bench *bench = *state;
	const struct interval *blocked;

	bench_switch(bench, 2000, 0, 5, FT_STATE_DISK, 0);
	bench_waking(bench, 3000, 1, 6, 5);
	bench_switch(bench, 3500, 0, 0, FT_STATE_RUNNING, 5);
	bench_finish(bench);
	blocked = bench_expect(bench, 5, (struct expected[]){
		{ THREAD_RUNNING, START, 2000, INTERVAL_BEGAN_BEFORE },
		{ THREAD_BLOCKED, 2000, 3000, 0 },
		{ THREAD_RUNNABLE, 3000, 3500, 0 },
		{ THREAD_RUNNING, 3500, END, INTERVAL_STILL_OPEN }, DONE });
	assert_int_equal(blocked->prev_state, FT_STATE_DISK);
	assert_int_equal(blocked->stack_id, 105);
	assert_ptr_equal(blocked->waker, bench_thread(bench, 6));
	assert_int_equal(blocked->waker_stack_id, 206);
	assert_int_equal(bench->opened_count, 1);
	assert_int_equal(bench->opened[0].start_ns, 2000);
}

static void timeline_gives_idle_tasks_no_intervals(void **state)
{
	struct bench *bench = *state;

	bench_switch(bench, 2000, 0, 5, FT_STATE_SLEEPING, 0);
	bench_finish(bench);
	assert_null(find_current(bench, bench_thread(bench, 0)));
	for (size_t i = 0; i < bench->closed_count; i++)
		assert_int_equal(bench->closed[i].thread->tid, 5);
}

static void timeline_leaves_the_past_of_a_thread_first_seen_switched_in_unknown(void **state)
{
	struct bench *bench = *state;

	bench_switch(bench, 2000, 0, 0, FT_STATE_RUNNING, 5);
	bench_finish(bench);
	bench_expect(bench, 5, (struct expected[]){
		{ THREAD_UNKNOWN, START, 2000, 0 },
		{ THREAD_RUNNING, 2000, END, INTERVAL_STILL_OPEN }, DONE });
}

static void timeline_says_runnable_before_switch_in_where_a_snapshot_said_R(void **state)
{
	struct bench *bench = *state;

	bench_snapshot(bench, 1100, 5, FT_STATE_RUNNING);
	bench_switch(bench, 2000, 0, 0, FT_STATE_RUNNING, 5);
	bench_finish(bench);
	bench_expect(bench, 5, (struct expected[]){
		{ THREAD_RUNNABLE, START, 2000, INTERVAL_BEGAN_BEFORE },
		{ THREAD_RUNNING, 2000, END, INTERVAL_STILL_OPEN }, DONE });
}

static void timeline_says_blocked_since_before_of_a_thread_first_seen_woken(void **state)
{
	struct bench *bench = *state;
	const struct interval *blocked;

	bench_waking(bench, 3000, 1, 6, 5);
	bench_switch(bench, 3500, 0, 0, FT_STATE_RUNNING, 5);
	bench_finish(bench);
	blocked = bench_expect(bench, 5, (struct expected[]){
		{ THREAD_BLOCKED, START, 3000, INTERVAL_BEGAN_BEFORE },
		{ THREAD_RUNNABLE, 3000, 3500, 0 },
		{ THREAD_RUNNING, 3500, END, INTERVAL_STILL_OPEN }, DONE });
	assert_ptr_equal(blocked->waker, bench_thread(bench, 6));
	assert_int_equal(bench->opened_count, 1);
}

static void timeline_is_not_misled_by_a_first_waking_of_a_running_thread(void **state)
{
	struct bench *bench = *state;

	bench_waking(bench, 1500, 1, 6, 5);
	bench_switch(bench, 2000, 0, 5, FT_STATE_SLEEPING, 0);
	bench_finish(bench);
	bench_expect(bench, 5, (struct expected[]){
		{ THREAD_RUNNING, START, 2000, INTERVAL_BEGAN_BEFORE },
		{ THREAD_BLOCKED, 2000, END, INTERVAL_STILL_OPEN }, DONE });
}

static void timeline_uses_a_snapshot_for_the_time_before_the_first_event(void **state)
{
	struct bench *bench = *state;
	const struct interval *blocked;

	bench_snapshot(bench, 1100, 5, FT_STATE_DISK);
	assert_int_equal(find_current(bench, bench_thread(bench, 5))->state,
			 THREAD_BLOCKED);
	bench_waking(bench, 3000, 1, 6, 5);
	bench_switch(bench, 3500, 0, 0, FT_STATE_RUNNING, 5);
	bench_finish(bench);
	blocked = bench_expect(bench, 5, (struct expected[]){
		{ THREAD_BLOCKED, START, 3000, INTERVAL_BEGAN_BEFORE },
		{ THREAD_RUNNABLE, 3000, 3500, 0 },
		{ THREAD_RUNNING, 3500, END, INTERVAL_STILL_OPEN }, DONE });
	assert_int_equal(blocked->stack_id, 305);
	assert_int_equal(blocked->prev_state, FT_STATE_DISK);
}

static void timeline_says_blocked_throughout_of_a_thread_only_in_snapshots(void **state)
{
	struct bench *bench = *state;

	bench_snapshot(bench, 1100, 5, FT_STATE_SLEEPING);
	bench_snapshot(bench, 8900, 5, FT_STATE_SLEEPING);
	bench_finish(bench);
	bench_expect(bench, 5, (struct expected[]){
		{ THREAD_BLOCKED, START, END, INTERVAL_BEGAN_BEFORE | INTERVAL_STILL_OPEN },
		DONE });
}

static void timeline_does_not_guess_where_snapshots_disagree(void **state)
{
	struct bench *bench = *state;

	bench_snapshot(bench, 1100, 5, FT_STATE_RUNNING);
	bench_snapshot(bench, 8900, 5, FT_STATE_SLEEPING);
	bench_finish(bench);
	bench_expect(bench, 5, (struct expected[]){
		{ THREAD_UNKNOWN, START, END, INTERVAL_STILL_OPEN }, DONE });
}

static void timeline_takes_a_missing_stack_from_a_snapshot_while_blocked(void **state)
{
	struct bench *bench = *state;
	struct event event = {
		.raw = { .kind = FT_EVENT_SWITCH, .cpu = 0, .time_ns = 2000,
			 .switch_ = { .prev_state = FT_STATE_DISK } },
		.thread = bench_thread(bench, 5), .other = bench_thread(bench, 0),
		.stack_id = STACK_NONE,
	};

	assert_int_equal(bench_feed(bench, event), 0);
	bench_snapshot(bench, 4000, 5, FT_STATE_DISK);
	bench_finish(bench);
	assert_int_equal(bench_expect(bench, 5, (struct expected[]){
		{ THREAD_RUNNING, START, 2000, INTERVAL_BEGAN_BEFORE },
		{ THREAD_BLOCKED, 2000, END, INTERVAL_STILL_OPEN }, DONE })->stack_id, 305);
}

static void timeline_observes_no_zombie(void **state)
{
	struct bench *bench = *state;

	bench_snapshot(bench, 1100, 5, FT_STATE_DEAD);
	bench_finish(bench);
	assert_int_equal(bench->closed_count, 0);
}

static void timeline_says_unknown_of_a_thread_that_is_only_mentioned(void **state)
{
	struct bench *bench = *state;

	bench_thread(bench, 5);
	bench_finish(bench);
	bench_expect(bench, 5, (struct expected[]){
		{ THREAD_UNKNOWN, START, END, INTERVAL_STILL_OPEN }, DONE });
}

static void check_preempted(struct bench *bench, enum ft_task_state how, unsigned int flags)
{
	bench_switch(bench, 2000, 0, 5, how, 6);
	bench_switch(bench, 2500, 0, 6, FT_STATE_SLEEPING, 5);
	bench_finish(bench);
	bench_expect(bench, 5, (struct expected[]){
		{ THREAD_RUNNING, START, 2000, INTERVAL_BEGAN_BEFORE },
		{ THREAD_RUNNABLE, 2000, 2500, flags },
		{ THREAD_RUNNING, 2500, END, INTERVAL_STILL_OPEN }, DONE });
}

static void timeline_says_runnable_of_a_preempted_thread(void **state)
{
	check_preempted(*state, FT_STATE_PREEMPTED, INTERVAL_PREEMPTED);
}

static void timeline_says_runnable_of_a_yielding_thread(void **state)
{
	check_preempted(*state, FT_STATE_RUNNING, INTERVAL_PREEMPTED);
}

static void timeline_says_blocked_where_a_yielded_thread_is_woken(void **state)
{
	struct bench *bench = *state;
	const struct interval *blocked;

	bench_switch(bench, 2000, 0, 5, FT_STATE_RUNNING, 0);
	bench_waking(bench, 3000, 1, 6, 5);
	bench_finish(bench);
	blocked = bench_expect(bench, 5, (struct expected[]){
		{ THREAD_RUNNING, START, 2000, INTERVAL_BEGAN_BEFORE },
		{ THREAD_BLOCKED, 2000, 3000, 0 },
		{ THREAD_RUNNABLE, 3000, END, INTERVAL_STILL_OPEN }, DONE });
	assert_int_equal(blocked->prev_state, FT_STATE_OTHER);
	assert_int_equal(bench->opened_count, 1);
}

static void timeline_ignores_the_waking_of_a_preempted_thread(void **state)
{
	struct bench *bench = *state;

	bench_switch(bench, 2000, 0, 5, FT_STATE_PREEMPTED, 0);
	bench_waking(bench, 3000, 1, 6, 5);
	bench_finish(bench);
	bench_expect(bench, 5, (struct expected[]){
		{ THREAD_RUNNING, START, 2000, INTERVAL_BEGAN_BEFORE },
		{ THREAD_RUNNABLE, 2000, END, INTERVAL_PREEMPTED | INTERVAL_STILL_OPEN }, DONE });
}

static void timeline_ignores_wakings_of_the_running_and_of_oneself(void **state)
{
	struct bench *bench = *state;

	bench_switch(bench, 2000, 0, 0, FT_STATE_RUNNING, 5);
	bench_waking(bench, 2100, 1, 6, 5);
	bench_waking(bench, 2200, 0, 5, 5);
	bench_finish(bench);
	bench_expect(bench, 5, (struct expected[]){
		{ THREAD_UNKNOWN, START, 2000, 0 },
		{ THREAD_RUNNING, 2000, END, INTERVAL_STILL_OPEN }, DONE });
}

static void timeline_lets_the_first_waking_count(void **state)
{
	struct bench *bench = *state;

	bench_switch(bench, 2000, 0, 5, FT_STATE_SLEEPING, 0);
	bench_waking(bench, 3000, 1, 6, 5);
	bench_waking(bench, 3100, 1, 7, 5);
	bench_switch(bench, 3500, 0, 0, FT_STATE_RUNNING, 5);
	bench_finish(bench);
	assert_ptr_equal(bench_expect(bench, 5, (struct expected[]){
		{ THREAD_RUNNING, START, 2000, INTERVAL_BEGAN_BEFORE },
		{ THREAD_BLOCKED, 2000, 3000, 0 },
		{ THREAD_RUNNABLE, 3000, 3500, 0 },
		{ THREAD_RUNNING, 3500, END, INTERVAL_STILL_OPEN }, DONE })->waker,
			 bench_thread(bench, 6));
}

static void timeline_is_not_misled_by_an_event_in_the_middle_of_a_switch(void **state)
{
	struct bench *bench = *state;

	bench_switch(bench, 2000, 0, 5, FT_STATE_SLEEPING, 6);
	bench_event(bench, FT_EVENT_SAMPLE, 2001, 0, 5);
	bench_finish(bench);
	bench_expect(bench, 5, (struct expected[]){
		{ THREAD_RUNNING, START, 2000, INTERVAL_BEGAN_BEFORE },
		{ THREAD_BLOCKED, 2000, END, INTERVAL_STILL_OPEN }, DONE });
	bench_expect(bench, 6, (struct expected[]){
		{ THREAD_UNKNOWN, START, 2000, 0 },
		{ THREAD_RUNNING, 2000, END, INTERVAL_STILL_OPEN }, DONE });
}

static void timeline_lets_a_forked_child_be_runnable_from_birth(void **state)
{
	struct bench *bench = *state;

	bench_fork(bench, 2000, 0, 5, 6);
	bench_switch(bench, 2500, 1, 0, FT_STATE_RUNNING, 6);
	bench_finish(bench);
	bench_expect(bench, 6, (struct expected[]){
		{ THREAD_RUNNABLE, 2000, 2500, 0 },
		{ THREAD_RUNNING, 2500, END, INTERVAL_STILL_OPEN }, DONE });
	bench_expect(bench, 5, (struct expected[]){
		{ THREAD_RUNNING, START, END, INTERVAL_BEGAN_BEFORE | INTERVAL_STILL_OPEN },
		DONE });
}

static void timeline_ends_a_thread_at_its_final_switch_out(void **state)
{
	struct bench *bench = *state;

	bench_event(bench, FT_EVENT_EXIT, 1900, 0, 5);
	bench_switch(bench, 2000, 0, 5, FT_STATE_DEAD, 0);
	bench_finish(bench);
	bench_expect(bench, 5, (struct expected[]){
		{ THREAD_RUNNING, START, 2000, INTERVAL_BEGAN_BEFORE }, DONE });
	assert_null(find_current(bench, threads_find(bench->threads, 5)));
}

static void timeline_ends_a_thread_whose_tid_is_born_again(void **state)
{
	struct bench *bench = *state;
	const struct thread *former = bench_thread(bench, 5);

	bench_switch(bench, 2000, 0, 5, FT_STATE_SLEEPING, 7);
	bench_loss(bench, 1, 3000, 4000);
	bench_fork(bench, 5000, 0, 7, 5);
	bench_finish(bench);
	assert_ptr_not_equal(threads_find(bench->threads, 5), former);
	bench_expect_of(bench, former, (struct expected[]){
		{ THREAD_RUNNING, START, 2000, INTERVAL_BEGAN_BEFORE },
		{ THREAD_BLOCKED, 2000, 3000, INTERVAL_END_LOST | INTERVAL_WAKER_LOST },
		{ THREAD_UNKNOWN, 3000, 5000, 0 }, DONE });
	bench_expect(bench, 5, (struct expected[]){
		{ THREAD_RUNNABLE, 5000, END, INTERVAL_STILL_OPEN }, DONE });
}

/* Not all CPUs are heard of before the start: who sleeps may be awake elsewhere, who runs runs. */
static void timeline_keeps_from_before_the_start_only_who_runs(void **state)
{
	struct bench *bench = *state;

	bench_switch(bench, 500, 0, 5, FT_STATE_SLEEPING, 6);
	bench_switch(bench, 600, 1, 7, FT_STATE_PREEMPTED, 0);
	bench_switch(bench, 700, 0, 6, FT_STATE_SLEEPING, 8);
	assert_int_equal(bench->opened_count, 0);
	assert_int_equal(bench->closed_count, 0);
	bench_finish(bench);
	for (int32_t tid = 5; tid <= 7; tid++)
		bench_expect(bench, tid, (struct expected[]){
			{ THREAD_UNKNOWN, START, END, INTERVAL_STILL_OPEN }, DONE });
	bench_expect(bench, 8, (struct expected[]){
		{ THREAD_RUNNING, START, END, INTERVAL_BEGAN_BEFORE | INTERVAL_STILL_OPEN },
		DONE });
}

static void timeline_says_blocked_since_before_of_a_thread_that_slept_before_the_start(void **state)
{
	struct bench *bench = *state;
	const struct interval *blocked;

	bench_switch(bench, 500, 0, 5, FT_STATE_DISK, 6);
	bench_waking(bench, 2000, 0, 6, 5);
	bench_switch(bench, 2100, 0, 6, FT_STATE_SLEEPING, 5);
	bench_finish(bench);
	blocked = bench_expect(bench, 5, (struct expected[]){
		{ THREAD_BLOCKED, START, 2000, INTERVAL_BEGAN_BEFORE },
		{ THREAD_RUNNABLE, 2000, 2100, 0 },
		{ THREAD_RUNNING, 2100, END, INTERVAL_STILL_OPEN }, DONE });
	assert_int_equal(blocked->stack_id, STACK_NONE);
	assert_int_equal(bench->opened_count, 2);
}

static void timeline_does_not_observe_who_died_before_the_start(void **state)
{
	struct bench *bench = *state;

	bench_switch(bench, 500, 0, 5, FT_STATE_DEAD, 0);
	bench_finish(bench);
	bench_expect(bench, 5, (struct expected[]){ DONE });
}

static void timeline_passes_over_an_impossible_cpu(void **state)
{
	struct bench *bench = *state;

	bench_switch(bench, 2000, 70000, 5, FT_STATE_SLEEPING, 6);
	bench_loss(bench, 0xfffffffe, 2000, 3000);
	bench_finish(bench);
	bench_expect(bench, 5, (struct expected[]){
		{ THREAD_UNKNOWN, START, END, INTERVAL_STILL_OPEN }, DONE });
}

static void timeline_gives_back_what_the_sink_returned(void **state)
{
	struct bench *bench = *state;

	bench->refuse = -EIO;
	assert_int_equal(bench_feed(bench, (struct event){
		.raw = { .kind = FT_EVENT_SWITCH, .time_ns = 2000,
			 .switch_ = { .prev_state = FT_STATE_SLEEPING } },
		.thread = bench_thread(bench, 5), .other = bench_thread(bench, 0) }), -EIO);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, bench_set_up, bench_tear_down)

UNIT_TESTS(timeline)
{
	const struct CMUnitTest tests[] = {
		CASE(timeline_follows_a_thread_that_blocks_and_is_woken),
		CASE(timeline_gives_idle_tasks_no_intervals),
		CASE(timeline_leaves_the_past_of_a_thread_first_seen_switched_in_unknown),
		CASE(timeline_says_runnable_before_switch_in_where_a_snapshot_said_R),
		CASE(timeline_says_blocked_since_before_of_a_thread_first_seen_woken),
		CASE(timeline_is_not_misled_by_a_first_waking_of_a_running_thread),
		CASE(timeline_uses_a_snapshot_for_the_time_before_the_first_event),
		CASE(timeline_says_blocked_throughout_of_a_thread_only_in_snapshots),
		CASE(timeline_does_not_guess_where_snapshots_disagree),
		CASE(timeline_takes_a_missing_stack_from_a_snapshot_while_blocked),
		CASE(timeline_observes_no_zombie),
		CASE(timeline_says_unknown_of_a_thread_that_is_only_mentioned),
		CASE(timeline_says_runnable_of_a_preempted_thread),
		CASE(timeline_says_runnable_of_a_yielding_thread),
		CASE(timeline_says_blocked_where_a_yielded_thread_is_woken),
		CASE(timeline_ignores_the_waking_of_a_preempted_thread),
		CASE(timeline_ignores_wakings_of_the_running_and_of_oneself),
		CASE(timeline_lets_the_first_waking_count),
		CASE(timeline_is_not_misled_by_an_event_in_the_middle_of_a_switch),
		CASE(timeline_lets_a_forked_child_be_runnable_from_birth),
		CASE(timeline_ends_a_thread_at_its_final_switch_out),
		CASE(timeline_ends_a_thread_whose_tid_is_born_again),
		CASE(timeline_keeps_from_before_the_start_only_who_runs),
		CASE(timeline_says_blocked_since_before_of_a_thread_that_slept_before_the_start),
		CASE(timeline_does_not_observe_who_died_before_the_start),
		CASE(timeline_passes_over_an_impossible_cpu),
		CASE(timeline_gives_back_what_the_sink_returned),
	};

	return run_unit_tests(tests, NULL, NULL);
}
