/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where one thread's CPU samples of one span of time are: in the kernel or not,
 * and in which functions.
 */
#ifndef ANALYZER_ACTIVITY_CPU_PROFILE_H
#define ANALYZER_ACTIVITY_CPU_PROFILE_H

#include <stddef.h>
#include <stdint.h>

#include "analyzer/trace/source.h"

#define PROFILE_TOP 3

struct cpu_profile_place {
	char *name;		/* of the innermost function */
	uint32_t samples;
};

struct cpu_profile {
	uint32_t samples, kernel_samples;
	uint32_t stack_id;	/* sampled most often; STACK_NONE: no sample has a stack */
	struct cpu_profile_place top[PROFILE_TOP];	/* most samples first */
	size_t top_count;
};

struct cpu_profiler;

int cpu_profiler_create(const struct stack_table *stacks, const struct thread *thread, uint64_t start_ns,
		    uint64_t end_ns, struct cpu_profiler **ret_profiler);	/* 0 or -ENOMEM */
void cpu_profiler_destroy(struct cpu_profiler *profiler);

/* Feed every event. 0 or -ENOMEM. */
int cpu_profiler_event(struct cpu_profiler *profiler, const struct event *event);

/* Return: 0 or -ENOMEM. Free with cpu_profile_free(). */
int cpu_profiler_read(const struct cpu_profiler *profiler, struct cpu_profile *ret_profile);
void cpu_profile_free(struct cpu_profile *profile);

#endif
