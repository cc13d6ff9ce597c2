/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who waited for a contended lock, directly or behind one who did.
 */
#include "analyzer/blame/contended_lock.h"

#include <errno.h>
#include <stdlib.h>

/* Return: what @thread lost, which no longer counts. */
static uint64_t remove_victim(struct victim *list, size_t *count, const struct thread *thread)
{
	for (size_t i = 0; i < *count; i++) {
		uint64_t blocked_ns = list[i].blocked_ns;

		if (list[i].thread != thread)
			continue;
		list[i] = list[--*count];
		return blocked_ns;
	}
	return 0;
}

const struct victim *contended_lock_victim(const struct contended_lock *contended,
					   const struct thread *thread)
{
	for (size_t i = 0; i < contended->victim_count; i++)
		if (contended->victims[i].thread == thread)
			return &contended->victims[i];
	return NULL;
}

int contended_lock_add_indirect(struct contended_lock *contended, const struct victim *lost)
{
	struct victim *victims, *known = NULL;

	for (size_t i = 0; i < contended->victim_count && !known; i++)
		if (contended->victims[i].thread == lost->thread)
			known = &contended->victims[i];
	if (!known) {
		victims = reallocarray(contended->victims, contended->victim_count + 1,
				       sizeof(*victims));
		if (!victims)
			return -ENOMEM;
		contended->victims = victims;
		known = &victims[contended->victim_count++];
		*known = (struct victim){ .thread = lost->thread };
		contended->indirect_count++;
	}
	contended->indirect_ns += lost->blocked_ns;
	victim_add(known, lost);
	return 0;
}

/* The owner may have waited for the lock at another time: it is no victim of itself. */
void contended_lock_sort_victims(struct contended_lock *contended)
{
	contended->wait_ns -= remove_victim(contended->victims, &contended->victim_count,
					    contended->owner.thread);
	remove_victim(contended->outsiders, &contended->outsider_count, contended->owner.thread);
	victims_sort(contended->victims, contended->victim_count);
	victims_sort(contended->outsiders, contended->outsider_count);
}

void contended_locks_free(struct contended_lock *locks, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(locks[i].victims);
		free(locks[i].outsiders);
		queued_writer_free(&locks[i].queue);
		delay_breakdown_free(&locks[i].hold_delays);
	}
}
