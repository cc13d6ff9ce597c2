/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sampled stacks on the running kernel: of two processes that take turns on a CPU, one wait in
 * TIER_STACK_PERIOD has a stack, of either of them, and no switch is missing or there twice. So the
 * kernel records the stack before the switch that is recorded each time.
 */
#include "config.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "recorder/base/clock.h"
#include "tests/live/kernel.h"

#define SLOTS	     1024
#define SWITCHES     20000 /* of the two; with so many the share is close to what is meant */
#define ROUND_NS     20000000
#define DEADLINE_NS  60000000000ull
#define NAME	     "ft-pingpong"

struct seen {
	uint32_t cpu;
	int32_t running; /* of ours; 0: another, or not known */
	int32_t tids[2];
	uint64_t waits[2], stacks[2]; /* of each */
	uint64_t broken, lost;
};

static void count_wait(struct seen *seen, const struct ft_event *event)
{
	int which = seen->tids[0] == event->task->tid || !seen->tids[0] ? 0 : 1;

	seen->tids[which] = event->task->tid;
	seen->waits[which]++;
	seen->stacks[which] += event->stack != NULL;
}

static void look_at(void *context, const struct ft_event *event)
{
	struct seen *seen = context;

	if (event->cpu != seen->cpu)
		return;
	if (event->kind == FT_EVENT_LOST) {
		seen->lost += event->lost.records;
		seen->running = 0;
	}
	if (event->kind != FT_EVENT_SWITCH)
		return;
	if (seen->running && seen->running != event->task->tid)
		seen->broken++;
	if (!strcmp(event->task->comm, NAME) && event->switch_.prev_state == FT_STATE_SLEEPING)
		count_wait(seen, event);
	seen->running =
		strcmp(event->switch_.next->comm, NAME) ? 0 : event->switch_.next->tid;
}

/* Others on the CPU sleep, too: the share of each of the two may be a little more or less. */
static bool is_one_in_period(uint64_t stacks, uint64_t waits)
{
	return stacks * TIER_STACK_PERIOD * 2 > waits && stacks * TIER_STACK_PERIOD < waits * 2;
}

static int judge(const struct kernel *kernel, struct seen *seen)
{
	int error = kernel_read_events(kernel, look_at, seen);

	if (error)
		return kernel_failed("the segments cannot be read", error);
	for (int i = 0; i < 2; i++)
		printf("%d: %llu waits, %llu with a stack\n", seen->tids[i],
		       (unsigned long long)seen->waits[i], (unsigned long long)seen->stacks[i]);
	if (seen->broken || seen->lost)
		return kernel_failed("switches are missing, or there twice", EBADMSG);
	if (!is_one_in_period(seen->stacks[0], seen->waits[0]) ||
	    !is_one_in_period(seen->stacks[1], seen->waits[1]))
		return kernel_failed("not one wait in the period has a stack", 0);
	return 0;
}

static int record(struct kernel *kernel)
{
	struct perf_events *counters = kernel->counters;
	struct seen seen = { .cpu = counters->cpus[0].cpu };
	int realtime_error, lock_error;
	uint64_t deadline_ns = clock_now_ns() + DEADLINE_NS;

	int error = drain_start(kernel->drain, &realtime_error, &lock_error);
	if (error)
		return kernel_failed("no thread", error);
	pid_t pair = kernel_start_pair((int)seen.cpu, NAME);
	error = perf_events_set_mode(counters, MODE_SAMPLED);
	perf_events_enable(counters);
	while (!error && drain_counts(kernel->drain)->blocking < SWITCHES &&
	       clock_now_ns() < deadline_ns)
		clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){ .tv_nsec = ROUND_NS },
				NULL);
	perf_events_disable(counters);
	drain_stop(kernel->drain, clock_now_ns());
	kernel_kill(pair);
	return error ? kernel_failed("the mode could not be set", error) : judge(kernel, &seen);
}

int main(void)
{
	return kernel_test(SLOTS, record);
}
