/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/activity/victims.h"

#include <errno.h>
#include <stdlib.h>

void victim_add(struct victim *victim, const struct victim *lost)
{
	victim->blocked_ns += lost->blocked_ns;
	if (lost->longest_ns <= victim->longest_ns)
		return;
	victim->longest_ns = lost->longest_ns;
	victim->since_ns = lost->since_ns;
}

int victim_set_join(struct victim_set *set, struct thread *thread, const struct victim *lost)
{
	struct victim *victim = per_thread_get(&set->by_thread, thread);

	if (!victim)
		return -ENOMEM;
	victim->thread = thread;
	victim_add(victim, lost);
	return 0;
}

int victim_set_add(struct victim_set *set, struct thread *thread, uint64_t from_ns, uint64_t to_ns)
{
	const struct victim lost = {
		.blocked_ns = to_ns - from_ns,
		.longest_ns = to_ns - from_ns,
		.since_ns = from_ns,
	};

	return victim_set_join(set, thread, &lost);
}

static int compare_blocked(const void *left, const void *right)
{
	const struct victim *a = left, *b = right;

	if (a->blocked_ns != b->blocked_ns)
		return a->blocked_ns < b->blocked_ns ? 1 : -1;
	return (a->thread->index > b->thread->index) - (a->thread->index < b->thread->index);
}

void victims_sort(struct victim *victims, size_t count)
{
	if (count)
		qsort(victims, count, sizeof(*victims), compare_blocked);
}

int victim_set_take(struct victim_set *set, uint64_t least_ns, struct victim **ret_victims,
		    size_t *ret_count, uint64_t *ret_lost_ns)
{
	struct victim *victims = calloc(per_thread_count(&set->by_thread) + 1, sizeof(*victims));
	uint64_t lost_ns = 0;
	size_t count = 0;

	if (!victims)
		return -ENOMEM;
	for (size_t i = 0; i < per_thread_count(&set->by_thread); i++) {
		const struct victim *victim = per_thread_at(&set->by_thread, i);

		if (!victim || !victim->thread || victim->blocked_ns < least_ns)
			continue;
		victims[count++] = *victim;
		lost_ns += victim->blocked_ns;
	}
	victims_sort(victims, count);
	victim_set_free(set);
	*ret_victims = victims;
	*ret_count = count;
	if (ret_lost_ns)
		*ret_lost_ns = lost_ns;
	return 0;
}

void victim_set_free(struct victim_set *set)
{
	per_thread_free(&set->by_thread);
}
