/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/activity/stack_sums.h"

#include <errno.h>
#include <stdlib.h>

#include "analyzer/util/hash.h"

static struct stack_sum *get_sum(struct stack_sum **sums, uint32_t stack_id)
{
	struct stack_sum *sum;

	HASH_FIND_INT(*sums, &stack_id, sum);
	if (sum)
		return sum;
	sum = calloc(1, sizeof(*sum));
	if (!sum)
		return NULL;
	sum->stack_id = stack_id;
	HASH_ADD_INT(*sums, stack_id, sum);
	return sum;
}

int stack_sums_add_samples(struct stack_sum **sums, const struct history *history,
			   const struct thread *thread, uint64_t start_ns, uint64_t end_ns)
{
	const struct history_sample *samples;
	size_t count = history_samples(history, thread, &samples);

	for (size_t i = 0; i < count; i++) {
		struct stack_sum *sum;

		if (samples[i].time_ns < start_ns || samples[i].time_ns > end_ns)
			continue;
		sum = get_sum(sums, samples[i].stack_id);
		if (!sum)
			return -ENOMEM;
		sum->samples++;
	}
	return 0;
}

int stack_sums_add_blocked(struct stack_sum **sums, const struct history *history,
			   const struct thread *thread, uint64_t start_ns, uint64_t end_ns)
{
	struct history_cursor cursor = history_walk(history, thread, start_ns, end_ns);
	const struct history_interval *interval;
	uint64_t from_ns, to_ns;

	while ((interval = history_next(&cursor, &from_ns, &to_ns))) {
		struct stack_sum *sum;

		if (interval->state != THREAD_BLOCKED)
			continue;
		sum = get_sum(sums, interval->stack_id);
		if (!sum)
			return -ENOMEM;
		sum->blocked_ns += to_ns - from_ns;
	}
	return 0;
}

void stack_sums_free(struct stack_sum **sums)
{
	hash_free(*sums);
}
