/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/stall.h"

#include <errno.h>
#include <stdlib.h>

#include "analyzer/timeline.h"

#define SAME_STALL_GAP_NS 100000000u

static int by_start(const void *left, const void *right)
{
	const struct long_wait *a = left, *b = right;

	if (a->start_ns != b->start_ns)
		return a->start_ns < b->start_ns ? -1 : 1;
	return (a->end_ns > b->end_ns) - (a->end_ns < b->end_ns);
}

static int by_time(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

	return (a > b) - (a < b);
}

/* Most of the @count waits open at one time. 0 on lack of memory, which @ret_error tells. */
static uint32_t overlap_max(const struct long_wait *waits, size_t count, int *ret_error)
{
	uint64_t *starts = calloc(count, sizeof(*starts));
	uint64_t *ends = calloc(count, sizeof(*ends));
	uint32_t open = 0, max = 0;

	*ret_error = starts && ends ? 0 : -ENOMEM;
	if (*ret_error)
		goto out;
	for (size_t i = 0; i < count; i++) {
		starts[i] = waits[i].start_ns;
		ends[i] = waits[i].end_ns;
	}
	qsort(starts, count, sizeof(*starts), by_time);
	qsort(ends, count, sizeof(*ends), by_time);
	for (size_t start = 0, end = 0; start < count; start++) {
		open++;
		for (; end < count && ends[end] <= starts[start]; end++)
			open--;
		if (open > max)
			max = open;
	}
out:
	free(starts);
	free(ends);
	return max;
}

/* Number of waits, from the first of @waits, that make one stall. */
static size_t cluster(const struct long_wait *waits, size_t count, struct stall *ret_stall,
		      uint64_t *ret_lost_ns)
{
	struct stall stall = { .found = true, .start_ns = waits[0].start_ns };
	uint64_t lost_ns = 0;
	size_t i;

	for (i = 0; i < count; i++) {
		if (i && waits[i].start_ns > stall.end_ns + SAME_STALL_GAP_NS)
			break;
		if (waits[i].end_ns > stall.end_ns)
			stall.end_ns = waits[i].end_ns;
		lost_ns += waits[i].blocked_ns;
		stall.began_before |= !!(waits[i].flags & INTERVAL_BEGAN_BEFORE);
		stall.still_open |= !!(waits[i].flags & INTERVAL_STILL_OPEN);
	}
	*ret_stall = stall;
	*ret_lost_ns = lost_ns;
	return i;
}

/* Which stall is the worst one, and the others beside it. */
static int worst_of(const struct long_wait *sorted, size_t count, struct stall *ret_stall)
{
	struct stall worst = { .found = false }, stall;
	struct stall_span spans[STALL_OTHERS_MAX + 1];
	uint64_t worst_ns = 0, lost_ns;
	uint32_t stalls = 0;
	size_t used, kept = 0;
	int r = 0;

	for (size_t i = 0; i < count; i += used) {
		used = cluster(sorted + i, count - i, &stall, &lost_ns);
		if (stalls < STALL_OTHERS_MAX + 1)
			spans[stalls] = (struct stall_span){ stall.start_ns, stall.end_ns };
		stalls++;
		if (lost_ns <= worst_ns)
			continue;
		stall.threads_max = overlap_max(sorted + i, used, &r);
		if (r)
			return r;
		worst = stall;
		worst_ns = lost_ns;
	}
	for (size_t i = 0; i < stalls && i < STALL_OTHERS_MAX + 1 && kept < STALL_OTHERS_MAX; i++)
		if (spans[i].start_ns != worst.start_ns)
			worst.other[kept++] = spans[i];
	worst.others = stalls ? stalls - 1 : 0;
	*ret_stall = worst;
	return 0;
}

static bool for_cpu(const struct long_wait *wait)
{
	return wait->class == WAIT_CPU_RUNQUEUE || wait->class == WAIT_CPU_THROTTLED;
}

int stall_find(const struct long_wait *waits, size_t count, struct stall *ret_stall)
{
	struct long_wait *sorted = calloc(count + 1, sizeof(*sorted));
	size_t kept = 0;
	int r;

	if (!sorted)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		if (!for_cpu(&waits[i]))
			sorted[kept++] = waits[i];
	for (size_t i = 0; !kept && i < count; i++)
		sorted[i] = waits[i];
	if (!kept)
		kept = count;
	qsort(sorted, kept, sizeof(*sorted), by_start);
	r = worst_of(sorted, kept, ret_stall);
	free(sorted);
	return r;
}

uint64_t stall_lost_ns(const struct stall *stall, const struct long_wait *waits, size_t count)
{
	uint64_t lost_ns = 0;

	for (size_t i = 0; i < count; i++)
		if (!for_cpu(&waits[i]) && waits[i].start_ns >= stall->start_ns &&
		    waits[i].end_ns <= stall->end_ns)
			lost_ns += waits[i].blocked_ns;
	return lost_ns;
}

void stall_replace(struct stall *stall, const struct stall *worst)
{
	const struct stall_span span = { stall->start_ns, stall->end_ns };
	struct stall replaced = *worst;
	uint32_t from = 0, to = 0, known = stall->others;
	bool left = stall->found && (worst->start_ns >= stall->end_ns || worst->end_ns <= stall->start_ns);
	bool apart = left;

	if (known > STALL_OTHERS_MAX)
		known = STALL_OTHERS_MAX;
	while (to < STALL_OTHERS_MAX && (left || from < known)) {
		if (left && (from == known || span.start_ns < stall->other[from].start_ns)) {
			replaced.other[to++] = span;
			left = false;
		} else {
			replaced.other[to++] = stall->other[from++];
		}
	}
	replaced.others = stall->others + apart;
	*stall = replaced;
}
