/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/activity/cpu_occupants.h"

#include <errno.h>
#include <stdlib.h>

#include "analyzer/trace/per_thread.h"

struct cpu_share {
	uint32_t cpu;
	uint64_t start_ns, end_ns;
	struct per_thread occupants; /* struct cpu_occupant */
};

int cpu_share_create(uint32_t cpu, uint64_t start_ns, uint64_t end_ns, struct cpu_share **ret_share)
{
	struct cpu_share *share = calloc(1, sizeof(*share));

	if (!share)
		return -ENOMEM;
	share->cpu = cpu;
	share->start_ns = start_ns;
	share->end_ns = end_ns;
	share->occupants.entry_bytes = sizeof(struct cpu_occupant);
	*ret_share = share;
	return 0;
}

void cpu_share_destroy(struct cpu_share *share)
{
	if (!share)
		return;
	per_thread_free(&share->occupants);
	free(share);
}

int cpu_share_closed(struct cpu_share *share, const struct interval *interval)
{
	uint64_t from_ns = interval->start_ns, to_ns = interval->end_ns;
	struct cpu_occupant *occupant;

	if (interval->state != THREAD_RUNNING || interval->cpu != share->cpu)
		return 0;
	if (from_ns < share->start_ns)
		from_ns = share->start_ns;
	if (to_ns > share->end_ns)
		to_ns = share->end_ns;
	if (to_ns <= from_ns)
		return 0;
	occupant = per_thread_get(&share->occupants, interval->thread);
	if (!occupant)
		return -ENOMEM;
	occupant->thread = interval->thread;
	occupant->ran_ns += to_ns - from_ns;
	occupant->times++;
	return 0;
}

size_t cpu_share_tell(const struct cpu_share *share, struct cpu_occupant *ret_occupants,
		      size_t room)
{
	size_t count = 0;

	for (size_t i = 0; i < per_thread_count(&share->occupants); i++) {
		const struct cpu_occupant *occupant = per_thread_at(&share->occupants, i);
		size_t at = count;

		if (!occupant || !occupant->ran_ns ||
		    (count == room && occupant->ran_ns <= ret_occupants[at - 1].ran_ns))
			continue;
		if (count < room)
			count++;
		else
			at--;
		for (; at && ret_occupants[at - 1].ran_ns < occupant->ran_ns; at--)
			ret_occupants[at] = ret_occupants[at - 1];
		ret_occupants[at] = *occupant;
	}
	return count;
}
