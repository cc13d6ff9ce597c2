/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/activity/cpu_occupants.h"

#include <errno.h>
#include <stdlib.h>

#include "analyzer/util/span.h"

/* A thread runs within so many intervals after it wanted a CPU, or the CPU that it had is taken
 * for the wanted one. */
#define RUNS_WITHIN 3

/* The first span that ends after @time_ns. */
static size_t find_span(const struct cpu_span *spans, size_t count, uint64_t time_ns)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (spans[middle].end_ns <= time_ns)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct cpu_occupant add_up_thread(const struct history *history, struct thread *thread,
					 const struct cpu_span *spans, size_t span_count)
{
	struct history_cursor cursor =
		history_walk(history, thread, spans[0].start_ns, spans[span_count - 1].end_ns);
	struct cpu_occupant occupant = { .thread = thread };
	const struct history_interval *interval;
	uint64_t from_ns, to_ns;

	while ((interval = history_next(&cursor, &from_ns, &to_ns))) {
		if (interval->state != THREAD_RUNNING)
			continue;
		for (size_t i = find_span(spans, span_count, from_ns);
		     i < span_count && spans[i].start_ns < to_ns; i++) {
			if (spans[i].cpu != interval->cpu)
				continue;
			occupant.ran_ns +=
				earlier(spans[i].end_ns, to_ns) - later(spans[i].start_ns, from_ns);
			occupant.times += interval->merged ? interval->merged : 1;
		}
	}
	return occupant;
}

/* Into its place among the first; the last one falls out where there is no room. */
static size_t insert_occupant(struct cpu_occupant *occupants, size_t count, size_t room,
			      const struct cpu_occupant *occupant)
{
	size_t at = count;

	if (!occupant->ran_ns || (count == room && occupant->ran_ns <= occupants[count - 1].ran_ns))
		return count;
	if (count < room)
		count++;
	else
		at--;
	for (; at && occupants[at - 1].ran_ns < occupant->ran_ns; at--)
		occupants[at] = occupants[at - 1];
	occupants[at] = *occupant;
	return count;
}

size_t cpu_occupants_find(const struct history *history, const struct threads *threads,
			  const struct cpu_span *spans, size_t span_count,
			  struct cpu_occupant *ret_occupants, size_t room)
{
	size_t count = 0;

	for (size_t i = 0; i < threads_count(threads) && span_count && room; i++) {
		struct thread *thread = threads_at(threads, i);
		struct cpu_occupant occupant;

		if (thread->idle_task)
			continue;
		occupant = add_up_thread(history, thread, spans, span_count);
		count = insert_occupant(ret_occupants, count, room, &occupant);
	}
	return count;
}

static uint32_t find_wanted_cpu(const struct history_interval *intervals, size_t count, size_t at)
{
	for (size_t i = at + 1; i < count && i < at + RUNS_WITHIN; i++)
		if (intervals[i].state == THREAD_RUNNING)
			return intervals[i].cpu;
	return intervals[at].cpu;
}

int cpu_wanted_find(const struct history *history, const struct thread *thread, uint64_t start_ns,
		    uint64_t end_ns, struct cpu_span **ret_spans, size_t *ret_count)
{
	const struct history_interval *intervals;
	size_t count = history_intervals(history, thread, &intervals), wanted = 0, first, last;
	struct cpu_span *spans;

	first = last = history_at(history, thread, start_ns);
	while (last < count && intervals[last].start_ns < end_ns)
		last++;
	spans = calloc(last - first + 1, sizeof(*spans));
	if (!spans)
		return -ENOMEM;
	for (size_t i = first; i < last; i++)
		if (intervals[i].state == THREAD_RUNNABLE)
			spans[wanted++] = (struct cpu_span){
				later(intervals[i].start_ns, start_ns),
				earlier(intervals[i].end_ns, end_ns),
				find_wanted_cpu(intervals, count, i),
			};
	*ret_spans = spans;
	*ret_count = wanted;
	return 0;
}
