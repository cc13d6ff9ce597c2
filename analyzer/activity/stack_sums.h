/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where one thread was in one span of time: its CPU samples and its blocked time, summed by stack.
 */
#ifndef ANALYZER_ACTIVITY_STACK_SUMS_H
#define ANALYZER_ACTIVITY_STACK_SUMS_H

#include <uthash.h>

#include "analyzer/activity/history.h"

struct stack_sum {
	uint32_t stack_id, samples;
	uint64_t blocked_ns;
	UT_hash_handle hh;
};

/* Both add to *@sums, a hash table by stack_id, NULL at first. Return: 0 or -ENOMEM. */
int stack_sums_add_samples(struct stack_sum **sums, const struct history *history,
			   const struct thread *thread, uint64_t start_ns, uint64_t end_ns);
int stack_sums_add_blocked(struct stack_sum **sums, const struct history *history,
			   const struct thread *thread, uint64_t start_ns, uint64_t end_ns);
void stack_sums_free(struct stack_sum **sums);

#endif
