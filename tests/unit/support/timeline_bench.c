/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <stdlib.h>

#include "tests/unit/support/timeline_bench.h"
#include "tests/unit/support/unit_test.h"

static int record_closed(void *context, const struct interval *interval)
{
	struct bench *bench = context;

	assert_true(bench->closed_count < BENCH_INTERVALS_MAX);
	bench->closed[bench->closed_count++] = *interval;
	return bench->refuse;
}

static int record_opened(void *context, const struct interval *interval)
{
	struct bench *bench = context;

	assert_true(bench->opened_count < BENCH_INTERVALS_MAX);
	assert_int_equal(interval->state, THREAD_BLOCKED);
	bench->opened[bench->opened_count++] = *interval;
	return 0;
}

int bench_set_up(void **state)
{
	struct bench *bench = calloc(1, sizeof(*bench));
	struct timeline_sink sink = { record_opened, record_closed, bench };

	assert_non_null(bench);
	assert_int_equal(threads_create(&bench->threads), 0);
	assert_int_equal(timeline_create(&sink, BENCH_START, &bench->timeline), 0);
	*state = bench;
	return 0;
}

int bench_tear_down(void **state)
{
	struct bench *bench = *state;

	timeline_destroy(bench->timeline);
	threads_destroy(bench->threads);
	free(bench);
	return 0;
}

struct thread *bench_thread(struct bench *bench, int32_t tid)
{
	struct ft_task task = { .tid = tid, .tgid = tid };
	struct thread *found = threads_get(bench->threads, &task, 0);

	assert_non_null(found);
	return found;
}

int bench_feed(struct bench *bench, struct event event)
{
	return timeline_event(bench->timeline, &event);
}

void bench_switch(struct bench *bench, uint64_t time_ns, uint32_t cpu, int32_t prev,
		  enum ft_task_state state, int32_t next)
{
	struct event event = {
		.raw = { .kind = FT_EVENT_SWITCH, .cpu = cpu, .time_ns = time_ns,
			 .switch_ = { .prev_state = state } },
		.thread = bench_thread(bench, prev),
		.stack_id = state == FT_STATE_RUNNING ? STACK_NONE : 100 + prev,
	};

	event.other = bench_thread(bench, next);
	if (state == FT_STATE_DEAD)
		threads_died(event.thread, time_ns);
	assert_int_equal(bench_feed(bench, event), 0);
}

void bench_waking(struct bench *bench, uint64_t time_ns, uint32_t cpu, int32_t waker,
		  int32_t wakee)
{
	assert_int_equal(bench_feed(bench, (struct event){
		.raw = { .kind = FT_EVENT_WAKING, .cpu = cpu, .time_ns = time_ns },
		.thread = bench_thread(bench, waker), .other = bench_thread(bench, wakee),
		.stack_id = 200 + waker }), 0);
}

void bench_loss(struct bench *bench, uint32_t cpu, uint64_t start_ns, uint64_t end_ns)
{
	assert_int_equal(bench_feed(bench, (struct event){
		.raw = { .kind = FT_EVENT_LOST, .cpu = cpu, .time_ns = end_ns,
			 .lost = { .start_ns = start_ns, .records = 7 } } }), 0);
}

void bench_snapshot(struct bench *bench, uint64_t time_ns, int32_t tid,
		    enum ft_task_state state)
{
	assert_int_equal(bench_feed(bench, (struct event){
		.raw = { .kind = FT_EVENT_STATE, .cpu = FT_NO_CPU, .time_ns = time_ns,
			 .state = { .state = state } },
		.thread = bench_thread(bench, tid), .stack_id = 300 + tid }), 0);
}

void bench_event(struct bench *bench, enum ft_event_kind kind, uint64_t time_ns, uint32_t cpu,
		 int32_t tid)
{
	assert_int_equal(bench_feed(bench, (struct event){
		.raw = { .kind = kind, .cpu = cpu, .time_ns = time_ns },
		.thread = bench_thread(bench, tid) }), 0);
}

void bench_fork(struct bench *bench, uint64_t time_ns, uint32_t cpu, int32_t parent,
		int32_t child)
{
	struct ft_task task = { .tid = child, .tgid = parent };
	struct event event = {
		.raw = { .kind = FT_EVENT_FORK, .cpu = cpu, .time_ns = time_ns },
		.thread = bench_thread(bench, parent),
	};

	event.other = threads_born(bench->threads, &task, time_ns);
	assert_non_null(event.other);
	assert_int_equal(bench_feed(bench, event), 0);
}

void bench_finish(struct bench *bench)
{
	assert_int_equal(timeline_finish(bench->timeline, bench->threads, BENCH_END), 0);
}

const struct interval *bench_expect_of(struct bench *bench, const struct thread *of,
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

const struct interval *bench_expect(struct bench *bench, int32_t tid,
				    const struct expected *expected)
{
	return bench_expect_of(bench, threads_find(bench->threads, tid), expected);
}
