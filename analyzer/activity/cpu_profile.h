/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where one thread's CPU samples of one span of time are: in the kernel or not,
 * and in which functions.
 */
#ifndef ANALYZER_ACTIVITY_CPU_PROFILE_H
#define ANALYZER_ACTIVITY_CPU_PROFILE_H

#include <stddef.h>
#include <stdint.h>

#include "analyzer/activity/history.h"

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

/* Of @thread's CPU samples from @start_ns to @end_ns. Free with cpu_profile_free(). Return: 0 or
 * -ENOMEM. */
int cpu_profile_read(const struct history *history, const struct stack_table *stacks,
		     const struct thread *thread, uint64_t start_ns, uint64_t end_ns,
		     struct cpu_profile *ret_profile);
void cpu_profile_free(struct cpu_profile *profile);

#endif
