/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A timeline being fed by hand, and what came out of it. A thread is its number, 0 the idle
 * task. Every failure ends the test.
 */
#ifndef TESTS_UNIT_SUPPORT_TIMELINE_BENCH_H
#define TESTS_UNIT_SUPPORT_TIMELINE_BENCH_H

#include <stddef.h>
#include <stdint.h>

#include "analyzer/timeline/timeline.h"

#define BENCH_START 1000
#define BENCH_END 9000
#define BENCH_INTERVALS_MAX 64

struct bench {
	struct threads *threads;
	struct timeline *timeline;
	struct interval closed[BENCH_INTERVALS_MAX], opened[BENCH_INTERVALS_MAX];
	size_t closed_count, opened_count;
	int refuse; /* what the timeline is told when it has closed an interval */
};

/* Of each test. */
int bench_set_up(void **state);
int bench_tear_down(void **state);

struct thread *bench_thread(struct bench *bench, int32_t tid);

/* Returns what timeline_event() does. */
int bench_feed(struct bench *bench, struct event event);

/* Stacks: 100 + tid of who is switched out and no longer runs, 200 + tid of a waker, 300 + tid of a
 * snapshot. */
void bench_switch(struct bench *bench, uint64_t time_ns, uint32_t cpu, int32_t prev,
		  enum ft_task_state state, int32_t next);
void bench_waking(struct bench *bench, uint64_t time_ns, uint32_t cpu, int32_t waker,
		  int32_t wakee);
void bench_loss(struct bench *bench, uint32_t cpu, uint64_t start_ns, uint64_t end_ns);
void bench_snapshot(struct bench *bench, uint64_t time_ns, int32_t tid, enum ft_task_state state);
void bench_event(struct bench *bench, enum ft_event_kind kind, uint64_t time_ns, uint32_t cpu,
		 int32_t tid);
void bench_fork(struct bench *bench, uint64_t time_ns, uint32_t cpu, int32_t parent,
		int32_t child);

void bench_finish(struct bench *bench);

/* What the timeline should have said of a thread; ends with BENCH_DONE. */
struct expected {
	int state;
	uint64_t start_ns, end_ns;
	unsigned int flags;
};
#define BENCH_DONE { .state = -1 }

/* The thread's last BLOCKED interval, after a comparison of all. */
const struct interval *bench_expect(struct bench *bench, int32_t tid,
				    const struct expected *expected);
const struct interval *bench_expect_of(struct bench *bench, const struct thread *of,
				       const struct expected *expected);

#endif
