/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who had a CPU: in one span of time, or while a thread wanted it.
 */
#ifndef ANALYZER_ACTIVITY_CPU_OCCUPANTS_H
#define ANALYZER_ACTIVITY_CPU_OCCUPANTS_H

#include <stddef.h>
#include <stdint.h>

#include "analyzer/activity/history.h"

struct cpu_occupant {
	struct thread *thread;
	uint64_t ran_ns;
	uint32_t times;
};

/* A time during which a CPU was wanted. */
struct cpu_span {
	uint64_t start_ns, end_ns;
	uint32_t cpu;
};

/**
 * cpu_occupants_find() - the threads that ran most on the CPUs of @spans, most first. Idle tasks
 * are left out.
 *
 * @spans: in order of time, without overlap.
 *
 * Return: how many, at most @room.
 */
size_t cpu_occupants_find(const struct history *history, const struct threads *threads,
			  const struct cpu_span *spans, size_t span_count,
			  struct cpu_occupant *ret_occupants, size_t room);

/**
 * cpu_wanted_find() - the times from @start_ns to @end_ns when @thread wanted a CPU, and which.
 *
 * A thread that is woken may be queued on another CPU than it was on: it is the one where it runs
 * next.
 *
 * @ret_spans: malloc'ed; never NULL on success.
 *
 * Return: 0 or -ENOMEM.
 */
int cpu_wanted_find(const struct history *history, const struct thread *thread, uint64_t start_ns,
		    uint64_t end_ns, struct cpu_span **ret_spans, size_t *ret_count);

#endif
