/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/detect/run_queue.h"

#include <errno.h>
#include <stdlib.h>

#include "analyzer/util/array.h"

/* From @time_ns on so many threads were queued, and so much had been lost by then. */
struct run_queue_step {
	uint64_t time_ns;
	int64_t queued; /* first as a change: 1 or -1 */
	uint64_t lost_ns;
};

static int append_step(struct run_queue *queue, uint64_t time_ns, int64_t change)
{
	if (array_grow(queue->steps, queue->count, queue->room))
		return -ENOMEM;
	queue->steps[queue->count++] =
		(struct run_queue_step){ .time_ns = time_ns, .queued = change };
	return 0;
}

int run_queue_add(struct run_queue *queue, uint64_t from_ns, uint64_t to_ns)
{
	int r = append_step(queue, from_ns, 1);

	return r ? r : append_step(queue, to_ns, -1);
}

static int compare_time(const void *left, const void *right)
{
	const struct run_queue_step *a = left, *b = right;

	return (a->time_ns > b->time_ns) - (a->time_ns < b->time_ns);
}

void run_queue_finish(struct run_queue *queue)
{
	uint64_t lost_ns = 0;
	int64_t queued = 0;

	if (queue->count)
		qsort(queue->steps, queue->count, sizeof(*queue->steps), compare_time);
	for (size_t i = 0; i < queue->count; i++) {
		struct run_queue_step *step = &queue->steps[i];

		if (i)
			lost_ns += (uint64_t)queued * (step->time_ns - step[-1].time_ns);
		queued += step->queued;
		step->queued = queued;
		step->lost_ns = lost_ns;
	}
}

static uint64_t lost_until(const struct run_queue *queue, uint64_t time_ns)
{
	size_t low = 0, high = queue->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (queue->steps[middle].time_ns <= time_ns)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low)
		return 0;
	return queue->steps[low - 1].lost_ns +
	       (uint64_t)queue->steps[low - 1].queued * (time_ns - queue->steps[low - 1].time_ns);
}

uint64_t run_queue_lost(const struct run_queue *queue, uint64_t from_ns, uint64_t to_ns)
{
	return lost_until(queue, to_ns) - lost_until(queue, from_ns);
}

void run_queue_free(struct run_queue *queue)
{
	free(queue->steps);
	*queue = (struct run_queue){ 0 };
}
