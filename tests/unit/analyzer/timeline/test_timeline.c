/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The corner cases of a thread's timeline, each on a handful of events.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/timeline/thread_state_private.h"
#include "tests/unit/support/unit_test.h"

#define START 1000
#define END 9000
#define RECORDED_MAX 64

/* A timeline being fed, and what came out of it. */
struct bench {
	struct threads *threads;
	struct timeline *timeline;
	struct interval closed[RECORDED_MAX], opened[RECORDED_MAX];
	size_t closed_count, opened_count;
	int refuse;
};

/* The interval that @thread is in; NULL: it was never seen, or is gone. */
static const struct interval *find_current(const struct bench *bench, const struct thread *thread)
{
	const struct thread_slot *slot = per_thread_find(&bench->timeline->slots, thread);

	return slot && slot->current.thread && !slot->done ? &slot->current : NULL;
}

static int record_closed(void *context, const struct interval *interval)
{
	struct bench *bench = context;

	assert_true(bench->closed_count < RECORDED_MAX);
	bench->closed[bench->closed_count++] = *interval;
	return bench->refuse;
}

static int record_opened(void *context, const struct interval *interval)
{
	struct bench *bench = context;

	assert_true(bench->opened_count < RECORDED_MAX);
	assert_int_equal(interval->state, THREAD_BLOCKED);
	bench->opened[bench->opened_count++] = *interval;
	return 0;
}

static int set_up(void **state)
{
	struct bench *bench = calloc(1, sizeof(*bench));
	struct timeline_sink sink = { record_opened, record_closed, bench };

	assert_non_null(bench);
	assert_int_equal(threads_create(&bench->threads), 0);
	assert_int_equal(timeline_create(&sink, START, &bench->timeline), 0);
	*state = bench;
	return 0;
}

static int tear_down(void **state)
{
	struct bench *bench = *state;

	timeline_destroy(bench->timeline);
	threads_destroy(bench->threads);
	free(bench);
	return 0;
}

static struct thread *get_thread(struct bench *bench, int32_t tid)
{
	struct ft_task task = { .tid = tid, .tgid = tid };
	struct thread *found = threads_get(bench->threads, &task, 0);

	assert_non_null(found);
	return found;
}

static int feed_event(struct bench *bench, struct event event)
{
	return timeline_event(bench->timeline, &event);
}

static void feed_switch(struct bench *bench, uint64_t time_ns, uint32_t cpu, int32_t prev,
			enum ft_task_state state, int32_t next)
{
	struct event event = {
		.raw = { .kind = FT_EVENT_SWITCH, .cpu = cpu, .time_ns = time_ns,
			 .switch_ = { .prev_state = state } },
		.thread = get_thread(bench, prev),
		.stack_id = state == FT_STATE_RUNNING ? STACK_NONE : 100 + prev,
	};

	event.other = get_thread(bench, next);
	if (state == FT_STATE_DEAD)
		threads_died(event.thread, time_ns);
	assert_int_equal(feed_event(bench, event), 0);
}

static void feed_waking(struct bench *bench, uint64_t time_ns, uint32_t cpu, int32_t waker,
			int32_t wakee)
{
	assert_int_equal(feed_event(bench, (struct event){
		.raw = { .kind = FT_EVENT_WAKING, .cpu = cpu, .time_ns = time_ns },
		.thread = get_thread(bench, waker), .other = get_thread(bench, wakee),
		.stack_id = 200 + waker }), 0);
}

static void feed_loss(struct bench *bench, uint32_t cpu, uint64_t start_ns, uint64_t end_ns)
{
	assert_int_equal(feed_event(bench, (struct event){
		.raw = { .kind = FT_EVENT_LOST, .cpu = cpu, .time_ns = end_ns,
			 .lost = { .start_ns = start_ns, .records = 7 } } }), 0);
}

static void feed_snapshot(struct bench *bench, uint64_t time_ns, int32_t tid,
			  enum ft_task_state state)
{
	assert_int_equal(feed_event(bench, (struct event){
		.raw = { .kind = FT_EVENT_STATE, .cpu = FT_NO_CPU, .time_ns = time_ns,
			 .state = { .state = state } },
		.thread = get_thread(bench, tid), .stack_id = 300 + tid }), 0);
}

static void event_of(struct bench *bench, enum ft_event_kind kind, uint64_t time_ns, uint32_t cpu,
		     int32_t tid)
{
	assert_int_equal(feed_event(bench, (struct event){
		.raw = { .kind = kind, .cpu = cpu, .time_ns = time_ns },
		.thread = get_thread(bench, tid) }), 0);
}

static void feed_fork(struct bench *bench, uint64_t time_ns, uint32_t cpu, int32_t parent,
		      int32_t child)
{
	struct ft_task task = { .tid = child, .tgid = parent };
	struct event event = {
		.raw = { .kind = FT_EVENT_FORK, .cpu = cpu, .time_ns = time_ns },
		.thread = get_thread(bench, parent),
	};

	event.other = threads_born(bench->threads, &task, time_ns);
	assert_non_null(event.other);
	assert_int_equal(feed_event(bench, event), 0);
}

static void finish_timeline(struct bench *bench)
{
	assert_int_equal(timeline_finish(bench->timeline, bench->threads, END), 0);
}

/* What the timeline should have said of a thread; ends with state -1. */
struct expected {
	int state;
	uint64_t start_ns, end_ns;
	unsigned int flags;
};
#define DONE { .state = -1 }

static const struct interval *expect_of(struct bench *bench, const struct thread *of,
					const struct expected *expected)
{
	const struct interval *last = NULL;

	for (size_t i = 0; i < bench->closed_count; i++) {
		const struct interval *interval = &bench->closed[i];

		if (interval->thread != of)
			continue;
		assert_int_equal(interval->state, expected->state);
		assert_int_equal(interval->start_ns, expected->start_ns);
		assert_int_equal(interval->end_ns, expected->end_ns);
		assert_int_equal(interval->flags, expected->flags);
		if (interval->state == THREAD_BLOCKED || !last)
			last = interval;
		expected++;
	}
	assert_int_equal(expected->state, -1);
	return last;
}

/* The thread's last BLOCKED interval, after a comparison of all. */
static const struct interval *expect_thread(struct bench *bench, int32_t tid,
					    const struct expected *expected)
{
	return expect_of(bench, threads_find(bench->threads, tid), expected);
}

static void timeline_follows_a_thread_that_blocks_and_is_woken(void **state)
{
	struct bench *bench = *state;
	const struct interval *blocked;

	feed_switch(bench, 2000, 0, 5, FT_STATE_DISK, 0);
	feed_waking(bench, 3000, 1, 6, 5);
	feed_switch(bench, 3500, 0, 0, FT_STATE_RUNNING, 5);
	finish_timeline(bench);
	blocked = expect_thread(bench, 5, (struct expected[]){
		{ THREAD_RUNNING, START, 2000, INTERVAL_BEGAN_BEFORE },
		{ THREAD_BLOCKED, 2000, 3000, 0 },
		{ THREAD_RUNNABLE, 3000, 3500, 0 },
		{ THREAD_RUNNING, 3500, END, INTERVAL_STILL_OPEN }, DONE });
	assert_int_equal(blocked->prev_state, FT_STATE_DISK);
	assert_int_equal(blocked->stack_id, 105);
	assert_ptr_equal(blocked->waker, get_thread(bench, 6));
	assert_int_equal(blocked->waker_stack_id, 206);
	assert_int_equal(bench->opened_count, 1);
	assert_int_equal(bench->opened[0].start_ns, 2000);
}

static void timeline_gives_idle_tasks_no_intervals(void **state)
{
	struct bench *bench = *state;

	feed_switch(bench, 2000, 0, 5, FT_STATE_SLEEPING, 0);
	finish_timeline(bench);
	assert_null(find_current(bench, get_thread(bench, 0)));
	for (size_t i = 0; i < bench->closed_count; i++)
		assert_int_equal(bench->closed[i].thread->tid, 5);
}

static void timeline_leaves_the_past_of_a_thread_first_seen_switched_in_unknown(void **state)
{
	struct bench *bench = *state;

	feed_switch(bench, 2000, 0, 0, FT_STATE_RUNNING, 5);
	finish_timeline(bench);
	expect_thread(bench, 5, (struct expected[]){
		{ THREAD_UNKNOWN, START, 2000, 0 },
		{ THREAD_RUNNING, 2000, END, INTERVAL_STILL_OPEN }, DONE });
}

static void timeline_says_runnable_before_switch_in_where_a_snapshot_said_R(void **state)
{
	struct bench *bench = *state;

	feed_snapshot(bench, 1100, 5, FT_STATE_RUNNING);
	feed_switch(bench, 2000, 0, 0, FT_STATE_RUNNING, 5);
	finish_timeline(bench);
	expect_thread(bench, 5, (struct expected[]){
		{ THREAD_RUNNABLE, START, 2000, INTERVAL_BEGAN_BEFORE },
		{ THREAD_RUNNING, 2000, END, INTERVAL_STILL_OPEN }, DONE });
}

static void timeline_says_blocked_since_before_of_a_thread_first_seen_woken(void **state)
{
	struct bench *bench = *state;
	const struct interval *blocked;

	feed_waking(bench, 3000, 1, 6, 5);
	feed_switch(bench, 3500, 0, 0, FT_STATE_RUNNING, 5);
	finish_timeline(bench);
	blocked = expect_thread(bench, 5, (struct expected[]){
		{ THREAD_BLOCKED, START, 3000, INTERVAL_BEGAN_BEFORE },
		{ THREAD_RUNNABLE, 3000, 3500, 0 },
		{ THREAD_RUNNING, 3500, END, INTERVAL_STILL_OPEN }, DONE });
	assert_ptr_equal(blocked->waker, get_thread(bench, 6));
	assert_int_equal(bench->opened_count, 1);
}

static void timeline_is_not_misled_by_a_first_waking_of_a_running_thread(void **state)
{
	struct bench *bench = *state;

	feed_waking(bench, 1500, 1, 6, 5);
	feed_switch(bench, 2000, 0, 5, FT_STATE_SLEEPING, 0);
	finish_timeline(bench);
	expect_thread(bench, 5, (struct expected[]){
		{ THREAD_RUNNING, START, 2000, INTERVAL_BEGAN_BEFORE },
		{ THREAD_BLOCKED, 2000, END, INTERVAL_STILL_OPEN }, DONE });
}

static void timeline_uses_a_snapshot_for_the_time_before_the_first_event(void **state)
{
	struct bench *bench = *state;
	const struct interval *blocked;

	feed_snapshot(bench, 1100, 5, FT_STATE_DISK);
	assert_int_equal(find_current(bench, get_thread(bench, 5))->state,
			 THREAD_BLOCKED);
	feed_waking(bench, 3000, 1, 6, 5);
	feed_switch(bench, 3500, 0, 0, FT_STATE_RUNNING, 5);
	finish_timeline(bench);
	blocked = expect_thread(bench, 5, (struct expected[]){
		{ THREAD_BLOCKED, START, 3000, INTERVAL_BEGAN_BEFORE },
		{ THREAD_RUNNABLE, 3000, 3500, 0 },
		{ THREAD_RUNNING, 3500, END, INTERVAL_STILL_OPEN }, DONE });
	assert_int_equal(blocked->stack_id, 305);
	assert_int_equal(blocked->prev_state, FT_STATE_DISK);
}

static void timeline_says_blocked_throughout_of_a_thread_only_in_snapshots(void **state)
{
	struct bench *bench = *state;

	feed_snapshot(bench, 1100, 5, FT_STATE_SLEEPING);
	feed_snapshot(bench, 8900, 5, FT_STATE_SLEEPING);
	finish_timeline(bench);
	expect_thread(bench, 5, (struct expected[]){
		{ THREAD_BLOCKED, START, END, INTERVAL_BEGAN_BEFORE | INTERVAL_STILL_OPEN },
		DONE });
}

static void timeline_does_not_guess_where_snapshots_disagree(void **state)
{
	struct bench *bench = *state;

	feed_snapshot(bench, 1100, 5, FT_STATE_RUNNING);
	feed_snapshot(bench, 8900, 5, FT_STATE_SLEEPING);
	finish_timeline(bench);
	expect_thread(bench, 5, (struct expected[]){
		{ THREAD_UNKNOWN, START, END, INTERVAL_STILL_OPEN }, DONE });
}

static void timeline_takes_a_missing_stack_from_a_snapshot_while_blocked(void **state)
{
	struct bench *bench = *state;
	struct event event = {
		.raw = { .kind = FT_EVENT_SWITCH, .cpu = 0, .time_ns = 2000,
			 .switch_ = { .prev_state = FT_STATE_DISK } },
		.thread = get_thread(bench, 5), .other = get_thread(bench, 0),
		.stack_id = STACK_NONE,
	};

	assert_int_equal(feed_event(bench, event), 0);
	feed_snapshot(bench, 4000, 5, FT_STATE_DISK);
	finish_timeline(bench);
	assert_int_equal(expect_thread(bench, 5, (struct expected[]){
		{ THREAD_RUNNING, START, 2000, INTERVAL_BEGAN_BEFORE },
		{ THREAD_BLOCKED, 2000, END, INTERVAL_STILL_OPEN }, DONE })->stack_id, 305);
}

static void timeline_observes_no_zombie(void **state)
{
	struct bench *bench = *state;

	feed_snapshot(bench, 1100, 5, FT_STATE_DEAD);
	finish_timeline(bench);
	assert_int_equal(bench->closed_count, 0);
}

static void timeline_says_unknown_of_a_thread_that_is_only_mentioned(void **state)
{
	struct bench *bench = *state;

	get_thread(bench, 5);
	finish_timeline(bench);
	expect_thread(bench, 5, (struct expected[]){
		{ THREAD_UNKNOWN, START, END, INTERVAL_STILL_OPEN }, DONE });
}

static void check_preempted(struct bench *bench, enum ft_task_state how, unsigned int flags)
{
	feed_switch(bench, 2000, 0, 5, how, 6);
	feed_switch(bench, 2500, 0, 6, FT_STATE_SLEEPING, 5);
	finish_timeline(bench);
	expect_thread(bench, 5, (struct expected[]){
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

	feed_switch(bench, 2000, 0, 5, FT_STATE_RUNNING, 0);
	feed_waking(bench, 3000, 1, 6, 5);
	finish_timeline(bench);
	blocked = expect_thread(bench, 5, (struct expected[]){
		{ THREAD_RUNNING, START, 2000, INTERVAL_BEGAN_BEFORE },
		{ THREAD_BLOCKED, 2000, 3000, 0 },
		{ THREAD_RUNNABLE, 3000, END, INTERVAL_STILL_OPEN }, DONE });
	assert_int_equal(blocked->prev_state, FT_STATE_OTHER);
	assert_int_equal(bench->opened_count, 1);
}

static void timeline_ignores_the_waking_of_a_preempted_thread(void **state)
{
	struct bench *bench = *state;

	feed_switch(bench, 2000, 0, 5, FT_STATE_PREEMPTED, 0);
	feed_waking(bench, 3000, 1, 6, 5);
	finish_timeline(bench);
	expect_thread(bench, 5, (struct expected[]){
		{ THREAD_RUNNING, START, 2000, INTERVAL_BEGAN_BEFORE },
		{ THREAD_RUNNABLE, 2000, END, INTERVAL_PREEMPTED | INTERVAL_STILL_OPEN }, DONE });
}

static void timeline_ignores_wakings_of_the_running_and_of_oneself(void **state)
{
	struct bench *bench = *state;

	feed_switch(bench, 2000, 0, 0, FT_STATE_RUNNING, 5);
	feed_waking(bench, 2100, 1, 6, 5);
	feed_waking(bench, 2200, 0, 5, 5);
	finish_timeline(bench);
	expect_thread(bench, 5, (struct expected[]){
		{ THREAD_UNKNOWN, START, 2000, 0 },
		{ THREAD_RUNNING, 2000, END, INTERVAL_STILL_OPEN }, DONE });
}

static void timeline_lets_the_first_waking_count(void **state)
{
	struct bench *bench = *state;

	feed_switch(bench, 2000, 0, 5, FT_STATE_SLEEPING, 0);
	feed_waking(bench, 3000, 1, 6, 5);
	feed_waking(bench, 3100, 1, 7, 5);
	feed_switch(bench, 3500, 0, 0, FT_STATE_RUNNING, 5);
	finish_timeline(bench);
	assert_ptr_equal(expect_thread(bench, 5, (struct expected[]){
		{ THREAD_RUNNING, START, 2000, INTERVAL_BEGAN_BEFORE },
		{ THREAD_BLOCKED, 2000, 3000, 0 },
		{ THREAD_RUNNABLE, 3000, 3500, 0 },
		{ THREAD_RUNNING, 3500, END, INTERVAL_STILL_OPEN }, DONE })->waker,
			 get_thread(bench, 6));
}

static void timeline_ends_a_block_at_switch_in_where_the_waking_was_lost(void **state)
{
	struct bench *bench = *state;

	feed_switch(bench, 2000, 0, 5, FT_STATE_SLEEPING, 0);
	feed_switch(bench, 3500, 0, 0, FT_STATE_RUNNING, 5);
	finish_timeline(bench);
	assert_null(expect_thread(bench, 5, (struct expected[]){
		{ THREAD_RUNNING, START, 2000, INTERVAL_BEGAN_BEFORE },
		{ THREAD_BLOCKED, 2000, 3500, INTERVAL_WAKER_LOST },
		{ THREAD_RUNNING, 3500, END, INTERVAL_STILL_OPEN }, DONE })->waker);
}

static void timeline_treats_a_broken_chain_of_switches_as_a_gap(void **state)
{
	struct bench *bench = *state;

	feed_switch(bench, 2000, 0, 0, FT_STATE_RUNNING, 5);
	event_of(bench, FT_EVENT_SAMPLE, 2300, 0, 5);
	feed_switch(bench, 3000, 0, 6, FT_STATE_SLEEPING, 0);
	finish_timeline(bench);
	expect_thread(bench, 5, (struct expected[]){
		{ THREAD_UNKNOWN, START, 2000, 0 },
		{ THREAD_RUNNING, 2000, 2300, INTERVAL_END_LOST },
		{ THREAD_UNKNOWN, 2300, END, INTERVAL_STILL_OPEN }, DONE });
	expect_thread(bench, 6, (struct expected[]){
		{ THREAD_UNKNOWN, START, 3000, 0 },
		{ THREAD_BLOCKED, 3000, END, INTERVAL_STILL_OPEN }, DONE });
}

static void timeline_treats_a_thread_running_in_two_places_as_a_gap(void **state)
{
	struct bench *bench = *state;

	feed_switch(bench, 2000, 0, 0, FT_STATE_RUNNING, 5);
	feed_switch(bench, 3000, 1, 0, FT_STATE_RUNNING, 5);
	finish_timeline(bench);
	expect_thread(bench, 5, (struct expected[]){
		{ THREAD_UNKNOWN, START, 2000, 0 },
		{ THREAD_UNKNOWN, 2000, 3000, 0 },
		{ THREAD_RUNNING, 3000, END, INTERVAL_STILL_OPEN }, DONE });
}

static void timeline_does_not_know_what_the_running_thread_did_in_a_loss(void **state)
{
	struct bench *bench = *state;

	feed_switch(bench, 2000, 0, 0, FT_STATE_RUNNING, 5);
	feed_loss(bench, 0, 3000, 4000);
	feed_switch(bench, 5000, 0, 5, FT_STATE_SLEEPING, 0);
	finish_timeline(bench);
	expect_thread(bench, 5, (struct expected[]){
		{ THREAD_UNKNOWN, START, 2000, 0 },
		{ THREAD_RUNNING, 2000, 3000, INTERVAL_END_LOST },
		{ THREAD_UNKNOWN, 3000, 4000, 0 },
		{ THREAD_RUNNING, 4000, 5000, INTERVAL_START_LOST },
		{ THREAD_BLOCKED, 5000, END, INTERVAL_STILL_OPEN }, DONE });
}

static void timeline_keeps_the_other_cpus_threads_through_a_loss(void **state)
{
	struct bench *bench = *state;

	feed_switch(bench, 2000, 1, 0, FT_STATE_RUNNING, 5);
	feed_loss(bench, 0, 3000, 4000);
	feed_switch(bench, 5000, 1, 5, FT_STATE_SLEEPING, 0);
	finish_timeline(bench);
	expect_thread(bench, 5, (struct expected[]){
		{ THREAD_UNKNOWN, START, 2000, 0 },
		{ THREAD_RUNNING, 2000, 5000, 0 },
		{ THREAD_BLOCKED, 5000, END, INTERVAL_STILL_OPEN }, DONE });
}

static void timeline_does_not_trust_a_runnable_thread_through_a_loss(void **state)
{
	struct bench *bench = *state;

	feed_switch(bench, 2000, 1, 5, FT_STATE_PREEMPTED, 0);
	feed_loss(bench, 0, 3000, 4000);
	feed_switch(bench, 5000, 1, 0, FT_STATE_RUNNING, 5);
	finish_timeline(bench);
	expect_thread(bench, 5, (struct expected[]){
		{ THREAD_RUNNING, START, 2000, INTERVAL_BEGAN_BEFORE },
		{ THREAD_RUNNABLE, 2000, 3000, INTERVAL_PREEMPTED | INTERVAL_END_LOST },
		{ THREAD_UNKNOWN, 3000, 4000, 0 },
		{ THREAD_RUNNABLE, 4000, 5000, INTERVAL_START_LOST },
		{ THREAD_RUNNING, 5000, END, INTERVAL_STILL_OPEN }, DONE });
}

static void timeline_keeps_a_block_that_spans_a_loss_and_says_so(void **state)
{
	struct bench *bench = *state;

	feed_switch(bench, 2000, 1, 5, FT_STATE_DISK, 0);
	feed_loss(bench, 0, 3000, 4000);
	feed_waking(bench, 5000, 1, 6, 5);
	finish_timeline(bench);
	assert_ptr_equal(expect_thread(bench, 5, (struct expected[]){
		{ THREAD_RUNNING, START, 2000, INTERVAL_BEGAN_BEFORE },
		{ THREAD_BLOCKED, 2000, 5000, INTERVAL_SPANS_LOSS },
		{ THREAD_RUNNABLE, 5000, END, INTERVAL_STILL_OPEN }, DONE })->waker,
			 get_thread(bench, 6));
}

static void timeline_keeps_block_open_when_switch_in_was_lost(void **state)
{
	struct bench *bench = *state;

	feed_switch(bench, 2000, 1, 5, FT_STATE_DISK, 0);
	feed_loss(bench, 0, 3000, 4000);
	finish_timeline(bench);
	expect_thread(bench, 5, (struct expected[]){
		{ THREAD_RUNNING, START, 2000, INTERVAL_BEGAN_BEFORE },
		{ THREAD_BLOCKED, 2000, END, INTERVAL_STILL_OPEN | INTERVAL_SPANS_LOSS }, DONE });
}

static void timeline_ends_a_block_where_its_waking_can_have_been_lost(void **state)
{
	struct bench *bench = *state;

	feed_waking(bench, 1500, 1, 6, 7);
	feed_switch(bench, 2000, 1, 5, FT_STATE_DISK, 0);
	feed_loss(bench, 0, 3000, 4000);
	feed_switch(bench, 5000, 1, 0, FT_STATE_RUNNING, 5);
	finish_timeline(bench);
	expect_thread(bench, 5, (struct expected[]){
		{ THREAD_UNKNOWN, START, 2000, 0 },
		{ THREAD_BLOCKED, 2000, 3000, INTERVAL_END_LOST | INTERVAL_WAKER_LOST },
		{ THREAD_UNKNOWN, 3000, 4000, 0 },
		{ THREAD_RUNNABLE, 4000, 5000, INTERVAL_START_LOST },
		{ THREAD_RUNNING, 5000, END, INTERVAL_STILL_OPEN }, DONE });
}

static void timeline_does_not_know_a_blocked_thread_that_is_switched_out_after_a_loss(void **state)
{
	struct bench *bench = *state;

	feed_switch(bench, 2000, 1, 5, FT_STATE_DISK, 0);
	feed_loss(bench, 0, 3000, 4000);
	feed_switch(bench, 5000, 0, 5, FT_STATE_SLEEPING, 0);
	finish_timeline(bench);
	expect_thread(bench, 5, (struct expected[]){
		{ THREAD_RUNNING, START, 2000, INTERVAL_BEGAN_BEFORE },
		{ THREAD_BLOCKED, 2000, 3000, INTERVAL_END_LOST | INTERVAL_WAKER_LOST },
		{ THREAD_UNKNOWN, 3000, 4000, 0 },
		{ THREAD_RUNNING, 4000, 5000, INTERVAL_START_LOST },
		{ THREAD_BLOCKED, 5000, END, INTERVAL_STILL_OPEN }, DONE });
}

static void timeline_takes_any_event_as_proof_of_running_after_a_loss(void **state)
{
	struct bench *bench = *state;

	feed_loss(bench, 0, 3000, 4000);
	event_of(bench, FT_EVENT_SAMPLE, 4500, 0, 5);
	feed_switch(bench, 5000, 0, 5, FT_STATE_SLEEPING, 0);
	finish_timeline(bench);
	expect_thread(bench, 5, (struct expected[]){
		{ THREAD_UNKNOWN, START, 4000, 0 },
		{ THREAD_RUNNING, 4000, 5000, INTERVAL_START_LOST },
		{ THREAD_BLOCKED, 5000, END, INTERVAL_STILL_OPEN }, DONE });
}

static void timeline_is_not_misled_by_an_event_in_the_middle_of_a_switch(void **state)
{
	struct bench *bench = *state;

	feed_switch(bench, 2000, 0, 5, FT_STATE_SLEEPING, 6);
	event_of(bench, FT_EVENT_SAMPLE, 2001, 0, 5);
	finish_timeline(bench);
	expect_thread(bench, 5, (struct expected[]){
		{ THREAD_RUNNING, START, 2000, INTERVAL_BEGAN_BEFORE },
		{ THREAD_BLOCKED, 2000, END, INTERVAL_STILL_OPEN }, DONE });
	expect_thread(bench, 6, (struct expected[]){
		{ THREAD_UNKNOWN, START, 2000, 0 },
		{ THREAD_RUNNING, 2000, END, INTERVAL_STILL_OPEN }, DONE });
}

/* 5 blocks; another thread is sampled, and goes too; then 5 runs on the idle CPU though nobody saw it come. */
static void found_where_the_cpu_was_idle(struct bench *bench)
{
	feed_switch(bench, 2000, 0, 5, FT_STATE_SLEEPING, 6);
	event_of(bench, FT_EVENT_SAMPLE, 2500, 0, 6);
	feed_switch(bench, 3000, 0, 6, FT_STATE_SLEEPING, 0);
	event_of(bench, FT_EVENT_SAMPLE, 7000, 0, 5);
	finish_timeline(bench);
}

static void timeline_knows_from_the_lack_of_samples_how_long_a_cpu_was_idle(void **state)
{
	struct bench *bench = *state;

	timeline_samples(bench->timeline, 400);
	found_where_the_cpu_was_idle(bench);
	expect_thread(bench, 5, (struct expected[]){
		{ THREAD_RUNNING, START, 2000, INTERVAL_BEGAN_BEFORE },
		{ THREAD_BLOCKED, 2000, 6600, INTERVAL_END_LOST | INTERVAL_WAKER_LOST },
		{ THREAD_UNKNOWN, 6600, 7000, 0 },
		{ THREAD_RUNNING, 7000, END, INTERVAL_STILL_OPEN | INTERVAL_START_LOST }, DONE });
}

static void timeline_takes_nothing_from_the_lack_of_samples_where_none_are_taken(void **state)
{
	struct bench *bench = *state;

	found_where_the_cpu_was_idle(bench);
	expect_thread(bench, 5, (struct expected[]){
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
		.thread = get_thread(bench, 7),
		.other = get_thread(bench, 5),
		.stack_id = STACK_NONE,
	};

	get_thread(bench, 0)->silent = true;
	feed_switch(bench, 1200, 0, 5, FT_STATE_SLEEPING, 6);
	feed_switch(bench, 1300, 1, 8, FT_STATE_SLEEPING, 7);
	assert_int_equal(feed_event(bench, woken), 0);
	feed_switch(bench, 1600, 0, 6, FT_STATE_SLEEPING, 5);
	feed_switch(bench, 2000, 0, 5, FT_STATE_SLEEPING, 0);
	event_of(bench, FT_EVENT_SAMPLE, 2500, 0, 6);
	feed_switch(bench, 7000, 0, 6, FT_STATE_SLEEPING, 5);
	finish_timeline(bench);
}

static void timeline_knows_by_when_a_silent_idle_task_can_have_woken_a_thread(void **state)
{
	struct bench *bench = *state;

	comes_unwoken_after_another(bench, 0, true);
	expect_thread(bench, 5, (struct expected[]){
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

	get_thread(bench, 7)->silent = true;
	comes_unwoken_after_another(bench, 1, true);
	expect_thread(bench, 5, (struct expected[]){
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

	feed_switch(bench, 2000, 0, 0, FT_STATE_RUNNING, 5);
	feed_loss(bench, 0, 3000, 4000);
	feed_snapshot(bench, 8900, 5, FT_STATE_DISK);
	finish_timeline(bench);
	expect_thread(bench, 5, (struct expected[]){
		{ THREAD_UNKNOWN, START, 2000, 0 },
		{ THREAD_RUNNING, 2000, 3000, INTERVAL_END_LOST },
		{ THREAD_UNKNOWN, 3000, 4000, 0 },
		{ THREAD_BLOCKED, 4000, END, INTERVAL_START_LOST | INTERVAL_STILL_OPEN },
		DONE });
}

static void timeline_lets_a_forked_child_be_runnable_from_birth(void **state)
{
	struct bench *bench = *state;

	feed_fork(bench, 2000, 0, 5, 6);
	feed_switch(bench, 2500, 1, 0, FT_STATE_RUNNING, 6);
	finish_timeline(bench);
	expect_thread(bench, 6, (struct expected[]){
		{ THREAD_RUNNABLE, 2000, 2500, 0 },
		{ THREAD_RUNNING, 2500, END, INTERVAL_STILL_OPEN }, DONE });
	expect_thread(bench, 5, (struct expected[]){
		{ THREAD_RUNNING, START, END, INTERVAL_BEGAN_BEFORE | INTERVAL_STILL_OPEN },
		DONE });
}

static void timeline_ends_a_thread_at_its_final_switch_out(void **state)
{
	struct bench *bench = *state;

	event_of(bench, FT_EVENT_EXIT, 1900, 0, 5);
	feed_switch(bench, 2000, 0, 5, FT_STATE_DEAD, 0);
	finish_timeline(bench);
	expect_thread(bench, 5, (struct expected[]){
		{ THREAD_RUNNING, START, 2000, INTERVAL_BEGAN_BEFORE }, DONE });
	assert_null(find_current(bench, threads_find(bench->threads, 5)));
}

static void timeline_ends_an_exiting_thread_where_its_final_switch_out_was_lost(void **state)
{
	struct bench *bench = *state;

	event_of(bench, FT_EVENT_EXIT, 1900, 0, 5);
	feed_loss(bench, 0, 1950, 4000);
	feed_switch(bench, 5000, 0, 0, FT_STATE_RUNNING, 6);
	finish_timeline(bench);
	expect_thread(bench, 5, (struct expected[]){
		{ THREAD_RUNNING, START, 1950, INTERVAL_BEGAN_BEFORE | INTERVAL_END_LOST },
		DONE });
}

static void timeline_ends_a_thread_whose_tid_is_born_again(void **state)
{
	struct bench *bench = *state;
	const struct thread *former = get_thread(bench, 5);

	feed_switch(bench, 2000, 0, 5, FT_STATE_SLEEPING, 7);
	feed_loss(bench, 1, 3000, 4000);
	feed_fork(bench, 5000, 0, 7, 5);
	finish_timeline(bench);
	assert_ptr_not_equal(threads_find(bench->threads, 5), former);
	expect_of(bench, former, (struct expected[]){
		{ THREAD_RUNNING, START, 2000, INTERVAL_BEGAN_BEFORE },
		{ THREAD_BLOCKED, 2000, 3000, INTERVAL_END_LOST | INTERVAL_WAKER_LOST },
		{ THREAD_UNKNOWN, 3000, 5000, 0 }, DONE });
	expect_thread(bench, 5, (struct expected[]){
		{ THREAD_RUNNABLE, 5000, END, INTERVAL_STILL_OPEN }, DONE });
}

/* Not all CPUs are heard of before the start: who sleeps may be awake elsewhere, who runs runs. */
static void timeline_keeps_from_before_the_start_only_who_runs(void **state)
{
	struct bench *bench = *state;

	feed_switch(bench, 500, 0, 5, FT_STATE_SLEEPING, 6);
	feed_switch(bench, 600, 1, 7, FT_STATE_PREEMPTED, 0);
	feed_switch(bench, 700, 0, 6, FT_STATE_SLEEPING, 8);
	assert_int_equal(bench->opened_count, 0);
	assert_int_equal(bench->closed_count, 0);
	finish_timeline(bench);
	for (int32_t tid = 5; tid <= 7; tid++)
		expect_thread(bench, tid, (struct expected[]){
			{ THREAD_UNKNOWN, START, END, INTERVAL_STILL_OPEN }, DONE });
	expect_thread(bench, 8, (struct expected[]){
		{ THREAD_RUNNING, START, END, INTERVAL_BEGAN_BEFORE | INTERVAL_STILL_OPEN },
		DONE });
}

static void timeline_says_blocked_since_before_of_a_thread_that_slept_before_the_start(void **state)
{
	struct bench *bench = *state;
	const struct interval *blocked;

	feed_switch(bench, 500, 0, 5, FT_STATE_DISK, 6);
	feed_waking(bench, 2000, 0, 6, 5);
	feed_switch(bench, 2100, 0, 6, FT_STATE_SLEEPING, 5);
	finish_timeline(bench);
	blocked = expect_thread(bench, 5, (struct expected[]){
		{ THREAD_BLOCKED, START, 2000, INTERVAL_BEGAN_BEFORE },
		{ THREAD_RUNNABLE, 2000, 2100, 0 },
		{ THREAD_RUNNING, 2100, END, INTERVAL_STILL_OPEN }, DONE });
	assert_int_equal(blocked->stack_id, STACK_NONE);
	assert_int_equal(bench->opened_count, 2);
}

static void timeline_does_not_observe_who_died_before_the_start(void **state)
{
	struct bench *bench = *state;

	feed_switch(bench, 500, 0, 5, FT_STATE_DEAD, 0);
	finish_timeline(bench);
	expect_thread(bench, 5, (struct expected[]){ DONE });
}

static void timeline_doubts_a_cpu_whose_loss_spans_the_start(void **state)
{
	struct bench *bench = *state;

	feed_switch(bench, 400, 0, 5, FT_STATE_SLEEPING, 6);
	feed_switch(bench, 400, 1, 7, FT_STATE_SLEEPING, 8);
	feed_loss(bench, 0, 500, 3000);
	feed_loss(bench, 1, 500, 600);
	feed_switch(bench, 700, 1, 9, FT_STATE_SLEEPING, 8);
	event_of(bench, FT_EVENT_SAMPLE, 3000, 0, 6);
	finish_timeline(bench);
	expect_thread(bench, 6, (struct expected[]){
		{ THREAD_UNKNOWN, START, 3000, 0 },
		{ THREAD_RUNNING, 3000, END, INTERVAL_START_LOST | INTERVAL_STILL_OPEN }, DONE });
	expect_thread(bench, 8, (struct expected[]){
		{ THREAD_RUNNING, START, END, INTERVAL_BEGAN_BEFORE | INTERVAL_STILL_OPEN },
		DONE });
}

static void timeline_passes_over_an_impossible_cpu(void **state)
{
	struct bench *bench = *state;

	feed_switch(bench, 2000, 70000, 5, FT_STATE_SLEEPING, 6);
	feed_loss(bench, 0xfffffffe, 2000, 3000);
	finish_timeline(bench);
	expect_thread(bench, 5, (struct expected[]){
		{ THREAD_UNKNOWN, START, END, INTERVAL_STILL_OPEN }, DONE });
}

static void timeline_gives_back_what_the_sink_returned(void **state)
{
	struct bench *bench = *state;

	bench->refuse = -EIO;
	assert_int_equal(feed_event(bench, (struct event){
		.raw = { .kind = FT_EVENT_SWITCH, .time_ns = 2000,
			 .switch_ = { .prev_state = FT_STATE_SLEEPING } },
		.thread = get_thread(bench, 5), .other = get_thread(bench, 0) }), -EIO);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

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
		CASE(timeline_is_not_misled_by_an_event_in_the_middle_of_a_switch),
		CASE(timeline_knows_from_the_lack_of_samples_how_long_a_cpu_was_idle),
		CASE(timeline_takes_nothing_from_the_lack_of_samples_where_none_are_taken),
		CASE(timeline_knows_by_when_a_silent_idle_task_can_have_woken_a_thread),
		CASE(timeline_does_not_know_it_where_another_cpu_may_have_done_so),
		CASE(timeline_uses_a_later_snapshot_of_a_thread_lost_in_a_gap),
		CASE(timeline_lets_a_forked_child_be_runnable_from_birth),
		CASE(timeline_ends_a_thread_at_its_final_switch_out),
		CASE(timeline_ends_an_exiting_thread_where_its_final_switch_out_was_lost),
		CASE(timeline_ends_a_thread_whose_tid_is_born_again),
		CASE(timeline_keeps_from_before_the_start_only_who_runs),
		CASE(timeline_says_blocked_since_before_of_a_thread_that_slept_before_the_start),
		CASE(timeline_does_not_observe_who_died_before_the_start),
		CASE(timeline_doubts_a_cpu_whose_loss_spans_the_start),
		CASE(timeline_passes_over_an_impossible_cpu),
		CASE(timeline_gives_back_what_the_sink_returned),
	};

	return run_unit_tests(tests, NULL, NULL);
}
