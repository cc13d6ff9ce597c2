/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where one thread's CPU samples of one span of time are: in the kernel or not,
 * and in which functions.
 */
#ifndef ANALYZER_PROFILE_H
#define ANALYZER_PROFILE_H

#include <stddef.h>
#include <stdint.h>

#include "analyzer/trace/source.h"

#define PROFILE_TOP 3

struct profile_place {
	char *name;		/* of the innermost function */
	uint32_t samples;
};

struct profile {
	uint32_t samples, kernel_samples;
	uint32_t stack_id;	/* sampled most often; STACK_NONE: no sample has a stack */
	struct profile_place top[PROFILE_TOP];	/* most samples first */
	size_t top_count;
};

struct profiler;

int profiler_create(const struct stacks *stacks, const struct thread *thread, uint64_t start_ns,
		    uint64_t end_ns, struct profiler **ret_profiler);	/* 0 or -ENOMEM */
void profiler_destroy(struct profiler *profiler);

/* Feed every event. 0 or -ENOMEM. */
int profiler_event(struct profiler *profiler, const struct event *event);

/* Return: 0 or -ENOMEM. Free with profile_free(). */
int profiler_tell(const struct profiler *profiler, struct profile *ret_profile);
void profile_free(struct profile *profile);

#endif
