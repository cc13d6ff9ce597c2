/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records in one mode until it is told to end, writing nothing: to measure what
 * recording costs those who are recorded.
 *
 *	bench_modes full|blocks|lazy|timing & taskset -c 1 perf bench sched pipe -l 400000
 */
#include "config.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "recorder/base/clock.h"
#include "recorder/perf/perf_events.h"
#include "recorder/perf/tracefs.h"
#include "recorder/record/drain.h"

#define RING_BYTES (8u << 20)
#define SLOT_BYTES (64u << 10)

int main(int argc, char **argv)
{
	static const char *const NAMES[TIER_MODES] = { "full", "blocks", "sampled", "lazy", "timing" };
	struct tracefs tracefs;
	struct event_plan *plan;
	struct event_plan_error plan_error;
	struct perf_events *counters;
	struct perf_events_failure failure;
	struct blocked_threads *sleepers;
	struct task_table *tasks;
	struct segment_ring *slots;
	struct stack_dumps *dumps;
	struct drain *drain;
	int realtime_error, lock_error, signal_number, mode = 0;
	sigset_t set;

	while (argc == 2 && mode < TIER_MODES && strcmp(argv[1], NAMES[mode]))
		mode++;
	if (argc != 2 || mode == TIER_MODES) {
		fprintf(stderr, "usage: bench_modes full|blocks|lazy|timing\n");
		return 2;
	}
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (tracefs_open(&tracefs) ||
	    event_plan_create(&TRACEPOINT_TIER, &tracefs, RING_BYTES / 4, &plan, &plan_error) ||
	    perf_events_open(plan, RING_BYTES, &counters, &failure) ||
	    perf_events_set_mode(counters, (enum tier_mode)mode) || task_table_create(65536, &tasks) ||
	    blocked_threads_create(65536, &sleepers) || segment_ring_create(SLOT_BYTES, 1024, &slots) ||
	    stack_dumps_create(&dumps) || drain_create(plan, counters, tasks, slots, dumps, &drain)) {
		fprintf(stderr, "bench_modes: cannot record here\n");
		return 1;
	}
	drain_keep_blocked_threads(drain, sleepers);
	if (drain_start(drain, &realtime_error, &lock_error))
		return 1;
	perf_events_enable(counters);
	puts("recording");
	fflush(stdout);
	sigwait(&set, &signal_number);
	perf_events_disable(counters);
	drain_stop(drain, clock_now_ns());
	const struct drain_counts *counts = drain_counts(drain);
	fprintf(stderr, "%llu events, %llu lost, %.1f ns of the drain each\n",
		(unsigned long long)counts->events, (unsigned long long)counts->lost,
		counts->events ? (double)counts->cpu_ns / (double)counts->events : 0);
	return 0;
}
