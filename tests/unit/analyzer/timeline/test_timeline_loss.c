/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a thread's timeline makes of events that are missing: lost by a CPU, as the recording
 * says, or gone without a word.
 */
#include "tests/unit/support/timeline_bench.h"
#include "tests/unit/support/unit_test.h"

#define START BENCH_START
#define END BENCH_END
#define DONE BENCH_DONE

static void timeline_ends_a_block_at_switch_in_where_the_waking_was_lost(void **state)
{
	struct bench *bench = *state;

	bench_switch(bench, 2000, 0, 5, FT_STATE_SLEEPING, 0);
	bench_switch(bench, 3500, 0, 0, FT_STATE_RUNNING, 5);
	bench_finish(bench);
	assert_null(bench_expect(bench, 5, (struct expected[]){
		{ THREAD_RUNNING, START, 2000, INTERVAL_BEGAN_BEFORE },
		{ THREAD_BLOCKED, 2000, 3500, INTERVAL_WAKER_LOST },
		{ THREAD_RUNNING, 3500, END, INTERVAL_STILL_OPEN }, DONE })->waker);
}

static void timeline_treats_a_broken_chain_of_switches_as_a_gap(void **state)
{
	struct bench *bench = *state;

	bench_switch(bench, 2000, 0, 0, FT_STATE_RUNNING, 5);
	bench_event(bench, FT_EVENT_SAMPLE, 2300, 0, 5);
	bench_switch(bench, 3000, 0, 6, FT_STATE_SLEEPING, 0);
	bench_finish(bench);
	bench_expect(bench, 5, (struct expected[]){
		{ THREAD_UNKNOWN, START, 2000, 0 },
		{ THREAD_RUNNING, 2000, 2300, INTERVAL_END_LOST },
		{ THREAD_UNKNOWN, 2300, END, INTERVAL_STILL_OPEN }, DONE });
	bench_expect(bench, 6, (struct expected[]){
		{ THREAD_UNKNOWN, START, 3000, 0 },
		{ THREAD_BLOCKED, 3000, END, INTERVAL_STILL_OPEN }, DONE });
}

static void timeline_treats_a_thread_running_in_two_places_as_a_gap(void **state)
{
	struct bench *bench = *state;

	bench_switch(bench, 2000, 0, 0, FT_STATE_RUNNING, 5);
	bench_switch(bench, 3000, 1, 0, FT_STATE_RUNNING, 5);
	bench_finish(bench);
	bench_expect(bench, 5, (struct expected[]){
		{ THREAD_UNKNOWN, START, 2000, 0 },
		{ THREAD_UNKNOWN, 2000, 3000, 0 },
		{ THREAD_RUNNING, 3000, END, INTERVAL_STILL_OPEN }, DONE });
}

static void timeline_does_not_know_what_the_running_thread_did_in_a_loss(void **state)
{
	struct bench *bench = *state;

	bench_switch(bench, 2000, 0, 0, FT_STATE_RUNNING, 5);
	bench_loss(bench, 0, 3000, 4000);
	bench_switch(bench, 5000, 0, 5, FT_STATE_SLEEPING, 0);
	bench_finish(bench);
	bench_expect(bench, 5, (struct expected[]){
		{ THREAD_UNKNOWN, START, 2000, 0 },
		{ THREAD_RUNNING, 2000, 3000, INTERVAL_END_LOST },
		{ THREAD_UNKNOWN, 3000, 4000, 0 },
		{ THREAD_RUNNING, 4000, 5000, INTERVAL_START_LOST },
		{ THREAD_BLOCKED, 5000, END, INTERVAL_STILL_OPEN }, DONE });
}

static void timeline_keeps_the_other_cpus_threads_through_a_loss(void **state)
{
	struct bench *bench = *state;

	bench_switch(bench, 2000, 1, 0, FT_STATE_RUNNING, 5);
	bench_loss(bench, 0, 3000, 4000);
	bench_switch(bench, 5000, 1, 5, FT_STATE_SLEEPING, 0);
	bench_finish(bench);
	bench_expect(bench, 5, (struct expected[]){
		{ THREAD_UNKNOWN, START, 2000, 0 },
		{ THREAD_RUNNING, 2000, 5000, 0 },
		{ THREAD_BLOCKED, 5000, END, INTERVAL_STILL_OPEN }, DONE });
}

static void timeline_does_not_trust_a_runnable_thread_through_a_loss(void **state)
{
	struct bench *bench = *state;

	bench_switch(bench, 2000, 1, 5, FT_STATE_PREEMPTED, 0);
	bench_loss(bench, 0, 3000, 4000);
	bench_switch(bench, 5000, 1, 0, FT_STATE_RUNNING, 5);
	bench_finish(bench);
	bench_expect(bench, 5, (struct expected[]){
		{ THREAD_RUNNING, START, 2000, INTERVAL_BEGAN_BEFORE },
		{ THREAD_RUNNABLE, 2000, 3000, INTERVAL_PREEMPTED | INTERVAL_END_LOST },
		{ THREAD_UNKNOWN, 3000, 4000, 0 },
		{ THREAD_RUNNABLE, 4000, 5000, INTERVAL_START_LOST },
		{ THREAD_RUNNING, 5000, END, INTERVAL_STILL_OPEN }, DONE });
}

static void timeline_keeps_a_block_that_spans_a_loss_and_says_so(void **state)
{
	struct bench *bench = *state;

	bench_switch(bench, 2000, 1, 5, FT_STATE_DISK, 0);
	bench_loss(bench, 0, 3000, 4000);
	bench_waking(bench, 5000, 1, 6, 5);
	bench_finish(bench);
	assert_ptr_equal(bench_expect(bench, 5, (struct expected[]){
		{ THREAD_RUNNING, START, 2000, INTERVAL_BEGAN_BEFORE },
		{ THREAD_BLOCKED, 2000, 5000, INTERVAL_SPANS_LOSS },
		{ THREAD_RUNNABLE, 5000, END, INTERVAL_STILL_OPEN }, DONE })->waker,
			 bench_thread(bench, 6));
}

static void timeline_keeps_block_open_when_switch_in_was_lost(void **state)
{
	struct bench *bench = *state;

	bench_switch(bench, 2000, 1, 5, FT_STATE_DISK, 0);
	bench_loss(bench, 0, 3000, 4000);
	bench_finish(bench);
	bench_expect(bench, 5, (struct expected[]){
		{ THREAD_RUNNING, START, 2000, INTERVAL_BEGAN_BEFORE },
		{ THREAD_BLOCKED, 2000, END, INTERVAL_STILL_OPEN | INTERVAL_SPANS_LOSS }, DONE });
}

static void timeline_ends_a_block_where_its_waking_can_have_been_lost(void **state)
{
	struct bench *bench = *state;

	bench_waking(bench, 1500, 1, 6, 7);
	bench_switch(bench, 2000, 1, 5, FT_STATE_DISK, 0);
	bench_loss(bench, 0, 3000, 4000);
	bench_switch(bench, 5000, 1, 0, FT_STATE_RUNNING, 5);
	bench_finish(bench);
	bench_expect(bench, 5, (struct expected[]){
		{ THREAD_UNKNOWN, START, 2000, 0 },
		{ THREAD_BLOCKED, 2000, 3000, INTERVAL_END_LOST | INTERVAL_WAKER_LOST },
		{ THREAD_UNKNOWN, 3000, 4000, 0 },
		{ THREAD_RUNNABLE, 4000, 5000, INTERVAL_START_LOST },
		{ THREAD_RUNNING, 5000, END, INTERVAL_STILL_OPEN }, DONE });
}

static void timeline_does_not_know_a_blocked_thread_that_is_switched_out_after_a_loss(void **state)
{
	struct bench *bench = *state;

	bench_switch(bench, 2000, 1, 5, FT_STATE_DISK, 0);
	bench_loss(bench, 0, 3000, 4000);
	bench_switch(bench, 5000, 0, 5, FT_STATE_SLEEPING, 0);
	bench_finish(bench);
	bench_expect(bench, 5, (struct expected[]){
		{ THREAD_RUNNING, START, 2000, INTERVAL_BEGAN_BEFORE },
		{ THREAD_BLOCKED, 2000, 3000, INTERVAL_END_LOST | INTERVAL_WAKER_LOST },
		{ THREAD_UNKNOWN, 3000, 4000, 0 },
		{ THREAD_RUNNING, 4000, 5000, INTERVAL_START_LOST },
		{ THREAD_BLOCKED, 5000, END, INTERVAL_STILL_OPEN }, DONE });
}

static void timeline_takes_any_event_as_proof_of_running_after_a_loss(void **state)
{
	struct bench *bench = *state;

	bench_loss(bench, 0, 3000, 4000);
	bench_event(bench, FT_EVENT_SAMPLE, 4500, 0, 5);
	bench_switch(bench, 5000, 0, 5, FT_STATE_SLEEPING, 0);
	bench_finish(bench);
	bench_expect(bench, 5, (struct expected[]){
		{ THREAD_UNKNOWN, START, 4000, 0 },
		{ THREAD_RUNNING, 4000, 5000, INTERVAL_START_LOST },
		{ THREAD_BLOCKED, 5000, END, INTERVAL_STILL_OPEN }, DONE });
}

/* 5 blocks; another thread is sampled, and goes too; then 5 runs on the idle CPU though nobody saw it come. */
static void found_where_the_cpu_was_idle(struct bench *bench)
{
	bench_switch(bench, 2000, 0, 5, FT_STATE_SLEEPING, 6);
	bench_event(bench, FT_EVENT_SAMPLE, 2500, 0, 6);
	bench_switch(bench, 3000, 0, 6, FT_STATE_SLEEPING, 0);
	bench_event(bench, FT_EVENT_SAMPLE, 7000, 0, 5);
	bench_finish(bench);
}

static void timeline_knows_from_the_lack_of_samples_how_long_a_cpu_was_idle(void **state)
{
	struct bench *bench = *state;

	timeline_samples(bench->timeline, 400);
	found_where_the_cpu_was_idle(bench);
	bench_expect(bench, 5, (struct expected[]){
		{ THREAD_RUNNING, START, 2000, INTERVAL_BEGAN_BEFORE },
		{ THREAD_BLOCKED, 2000, 6600, INTERVAL_END_LOST | INTERVAL_WAKER_LOST },
		{ THREAD_UNKNOWN, 6600, 7000, 0 },
		{ THREAD_RUNNING, 7000, END, INTERVAL_STILL_OPEN | INTERVAL_START_LOST }, DONE });
}

static void timeline_takes_nothing_from_the_lack_of_samples_where_none_are_taken(void **state)
{
	struct bench *bench = *state;

	found_where_the_cpu_was_idle(bench);
	bench_expect(bench, 5, (struct expected[]){
		{ THREAD_RUNNING, START, 2000, INTERVAL_BEGAN_BEFORE },
		{ THREAD_BLOCKED, 2000, 3000, INTERVAL_END_LOST | INTERVAL_WAKER_LOST },
		{ THREAD_UNKNOWN, 3000, 7000, 0 },
		{ THREAD_RUNNING, 7000, END, INTERVAL_STILL_OPEN | INTERVAL_START_LOST }, DONE });
}

/* 5 sleeps on CPU 0, whose idle task is silent; 6 is found running there; then 5 follows it, and nothing says who woke it. */
static void comes_unwoken_after_another(struct bench *bench, uint32_t waker_cpu, bool in_interrupt)
{
	struct event woken = {
		.raw = { .kind = FT_EVENT_WAKING, .cpu = waker_cpu, .time_ns = 1500,
			 .waking = { .in_interrupt = in_interrupt } },
		.thread = bench_thread(bench, 7),
		.other = bench_thread(bench, 5),
		.stack_id = STACK_NONE,
	};

	bench_thread(bench, 0)->silent = true;
	bench_switch(bench, 1200, 0, 5, FT_STATE_SLEEPING, 6);
	bench_switch(bench, 1300, 1, 8, FT_STATE_SLEEPING, 7);
	assert_int_equal(bench_feed(bench, woken), 0);
	bench_switch(bench, 1600, 0, 6, FT_STATE_SLEEPING, 5);
	bench_switch(bench, 2000, 0, 5, FT_STATE_SLEEPING, 0);
	bench_event(bench, FT_EVENT_SAMPLE, 2500, 0, 6);
	bench_switch(bench, 7000, 0, 6, FT_STATE_SLEEPING, 5);
	bench_finish(bench);
}

static void timeline_knows_by_when_a_silent_idle_task_can_have_woken_a_thread(void **state)
{
	struct bench *bench = *state;

	comes_unwoken_after_another(bench, 0, true);
	bench_expect(bench, 5, (struct expected[]){
		{ THREAD_RUNNING, START, 1200, INTERVAL_BEGAN_BEFORE },
		{ THREAD_BLOCKED, 1200, 1500, 0 },
		{ THREAD_RUNNABLE, 1500, 1600, 0 },
		{ THREAD_RUNNING, 1600, 2000, 0 },
		{ THREAD_BLOCKED, 2000, 2500, INTERVAL_WAKER_LOST },
		{ THREAD_RUNNABLE, 2500, 7000, INTERVAL_START_LOST },
		{ THREAD_RUNNING, 7000, END, INTERVAL_STILL_OPEN }, DONE });
}

static void timeline_does_not_know_it_where_another_cpu_may_have_done_so(void **state)
{
	struct bench *bench = *state;

	bench_thread(bench, 7)->silent = true;
	comes_unwoken_after_another(bench, 1, true);
	bench_expect(bench, 5, (struct expected[]){
		{ THREAD_RUNNING, START, 1200, INTERVAL_BEGAN_BEFORE },
		{ THREAD_BLOCKED, 1200, 1500, 0 },
		{ THREAD_RUNNABLE, 1500, 1600, 0 },
		{ THREAD_RUNNING, 1600, 2000, 0 },
		{ THREAD_BLOCKED, 2000, 7000, INTERVAL_WAKER_LOST },
		{ THREAD_RUNNING, 7000, END, INTERVAL_STILL_OPEN }, DONE });
}

static void timeline_uses_a_later_snapshot_of_a_thread_lost_in_a_gap(void **state)
{
	struct bench *bench = *state;

	bench_switch(bench, 2000, 0, 0, FT_STATE_RUNNING, 5);
	bench_loss(bench, 0, 3000, 4000);
	bench_snapshot(bench, 8900, 5, FT_STATE_DISK);
	bench_finish(bench);
	bench_expect(bench, 5, (struct expected[]){
		{ THREAD_UNKNOWN, START, 2000, 0 },
		{ THREAD_RUNNING, 2000, 3000, INTERVAL_END_LOST },
		{ THREAD_UNKNOWN, 3000, 4000, 0 },
		{ THREAD_BLOCKED, 4000, END, INTERVAL_START_LOST | INTERVAL_STILL_OPEN },
		DONE });
}

static void timeline_ends_an_exiting_thread_where_its_final_switch_out_was_lost(void **state)
{
	struct bench *bench = *state;

	bench_event(bench, FT_EVENT_EXIT, 1900, 0, 5);
	bench_loss(bench, 0, 1950, 4000);
	bench_switch(bench, 5000, 0, 0, FT_STATE_RUNNING, 6);
	bench_finish(bench);
	bench_expect(bench, 5, (struct expected[]){
		{ THREAD_RUNNING, START, 1950, INTERVAL_BEGAN_BEFORE | INTERVAL_END_LOST },
		DONE });
}

static void timeline_doubts_a_cpu_whose_loss_spans_the_start(void **state)
{
	struct bench *bench = *state;

	bench_switch(bench, 400, 0, 5, FT_STATE_SLEEPING, 6);
	bench_switch(bench, 400, 1, 7, FT_STATE_SLEEPING, 8);
	bench_loss(bench, 0, 500, 3000);
	bench_loss(bench, 1, 500, 600);
	bench_switch(bench, 700, 1, 9, FT_STATE_SLEEPING, 8);
	bench_event(bench, FT_EVENT_SAMPLE, 3000, 0, 6);
	bench_finish(bench);
	bench_expect(bench, 6, (struct expected[]){
		{ THREAD_UNKNOWN, START, 3000, 0 },
		{ THREAD_RUNNING, 3000, END, INTERVAL_START_LOST | INTERVAL_STILL_OPEN }, DONE });
	bench_expect(bench, 8, (struct expected[]){
		{ THREAD_RUNNING, START, END, INTERVAL_BEGAN_BEFORE | INTERVAL_STILL_OPEN },
		DONE });
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, bench_set_up, bench_tear_down)

UNIT_TESTS(timeline_loss)
{
	const struct CMUnitTest tests[] = {
		CASE(timeline_ends_a_block_at_switch_in_where_the_waking_was_lost),
		CASE(timeline_treats_a_broken_chain_of_switches_as_a_gap),
		CASE(timeline_treats_a_thread_running_in_two_places_as_a_gap),
		CASE(timeline_does_not_know_what_the_running_thread_did_in_a_loss),
		CASE(timeline_keeps_the_other_cpus_threads_through_a_loss),
		CASE(timeline_does_not_trust_a_runnable_thread_through_a_loss),
		CASE(timeline_keeps_a_block_that_spans_a_loss_and_says_so),
		CASE(timeline_keeps_block_open_when_switch_in_was_lost),
		CASE(timeline_ends_a_block_where_its_waking_can_have_been_lost),
		CASE(timeline_does_not_know_a_blocked_thread_that_is_switched_out_after_a_loss),
		CASE(timeline_takes_any_event_as_proof_of_running_after_a_loss),
		CASE(timeline_knows_from_the_lack_of_samples_how_long_a_cpu_was_idle),
		CASE(timeline_takes_nothing_from_the_lack_of_samples_where_none_are_taken),
		CASE(timeline_knows_by_when_a_silent_idle_task_can_have_woken_a_thread),
		CASE(timeline_does_not_know_it_where_another_cpu_may_have_done_so),
		CASE(timeline_uses_a_later_snapshot_of_a_thread_lost_in_a_gap),
		CASE(timeline_ends_an_exiting_thread_where_its_final_switch_out_was_lost),
		CASE(timeline_doubts_a_cpu_whose_loss_spans_the_start),
	};

	return run_unit_tests(tests, NULL, NULL);
}
