/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recording the running kernel without a recorder: the parts of one, for a
 * test that looks at them from inside.
 */
#ifndef TESTS_LIVE_KERNEL_H
#define TESTS_LIVE_KERNEL_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "capture/event.h"
#include "recorder/perf/perf_events.h"
#include "recorder/perf/tracefs.h"
#include "recorder/record/drain.h"

#define KERNEL_SLOT_BYTES (64u << 10)

struct kernel {
	struct tracefs tracefs;
	struct event_plan *plan;
	struct perf_events *counters;	/* not enabled */
	struct task_table *tasks;
	struct segment_ring *slots;
	struct stack_dumps *dumps;
	struct drain *drain;		/* not started */
};

/* What a test's main() returns: of @test, or 77 where this kernel does not let us record. */
int kernel_test(size_t slot_count, int (*test)(struct kernel *kernel));

/* Say that it failed. Return: 1. */
int kernel_failed(const char *what, int error);

/* Say why it cannot be tried here. Return: 77. */
int kernel_skipped(const char *why);

/* Every event that the ring of segments holds, in the order of each CPU. Return: 0 or a negative
 * errno, -ENOBUFS where segments were overwritten. */
int kernel_read_events(const struct kernel *kernel,
		       void (*visit)(void *context, const struct ft_event *event), void *context);

/* Two processes that wake each other over pipes until killed, on one CPU if @cpu is not negative; they end where
 * that is not allowed. */
pid_t kernel_start_pair(int cpu, const char *name);
void kernel_kill(pid_t pid);

#endif
