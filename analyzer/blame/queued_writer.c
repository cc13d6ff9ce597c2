/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/blame/queued_writer.h"

#include <errno.h>
#include <stdlib.h>

#include "analyzer/util/array.h"
#include "analyzer/util/span.h"

#define WAITS_MAX 4096u
#define SHORT_NS  1000000u
/* As in lock_tracker.c: woken, it lost the lock to another and sleeps again. */
#define SAME_WAIT_NS	5000000u
#define BEHIND_LEAST_NS 10000000u

int queued_writer_add(struct writer_queue *queue, struct thread *thread, enum lock_mode mode,
		      uint64_t start_ns, uint64_t end_ns)
{
	if (end_ns - start_ns < SHORT_NS || mode == LOCK_MODE_NONE || queue->count == WAITS_MAX)
		return 0;
	if (array_grow(queue->waits, queue->count, queue->room))
		return -ENOMEM;
	queue->waits[queue->count++] = (struct queue_wait){ thread, mode, start_ns, end_ns };
	return 0;
}

void queued_writer_free(struct writer_queue *queue)
{
	free(queue->waits);
	*queue = (struct writer_queue){ 0 };
}

static int compare_start(const void *left, const void *right)
{
	const struct queue_wait *a = left, *b = right;

	if (a->thread != b->thread)
		return a->thread->index < b->thread->index ? -1 : 1;
	return (a->start_ns > b->start_ns) - (a->start_ns < b->start_ns);
}

static void join_sleeps(struct writer_queue *queue)
{
	size_t kept = 0;

	for (size_t i = 0; i < queue->count; i++) {
		const struct queue_wait *wait = &queue->waits[i];
		struct queue_wait *last = kept ? &queue->waits[kept - 1] : NULL;

		if (last && last->thread == wait->thread && last->mode == wait->mode &&
		    wait->start_ns <= last->end_ns + SAME_WAIT_NS)
			last->end_ns = wait->end_ns;
		else
			queue->waits[kept++] = *wait;
	}
	queue->count = kept;
}

static struct queued_writer measure_writer(const struct writer_queue *queue,
					   const struct queue_wait *writer, uint64_t from_ns,
					   uint64_t to_ns)
{
	struct queued_writer behind = { .writer = writer->thread, .since_ns = writer->start_ns };
	uint64_t until_ns = earlier(writer->end_ns, to_ns);
	const struct thread *last = NULL;

	for (size_t i = 0; i < queue->count; i++) {
		const struct queue_wait *wait = &queue->waits[i];
		uint64_t end_ns = earlier(wait->end_ns, until_ns);

		if (wait->mode != LOCK_MODE_READ || wait->start_ns < writer->start_ns ||
		    wait->start_ns < from_ns || end_ns <= wait->start_ns)
			continue;
		behind.behind_ns += end_ns - wait->start_ns;
		behind.readers += wait->thread != last;
		last = wait->thread;
	}
	return behind;
}

struct queued_writer queued_writer_find(struct writer_queue *queue, uint64_t from_ns,
					uint64_t to_ns)
{
	struct queued_writer best = { .writer = NULL };

	if (queue->count)
		qsort(queue->waits, queue->count, sizeof(*queue->waits), compare_start);
	join_sleeps(queue);
	for (size_t i = 0; i < queue->count; i++) {
		const struct queue_wait *wait = &queue->waits[i];
		struct queued_writer writer;

		if (wait->mode != LOCK_MODE_WRITE || wait->end_ns <= from_ns ||
		    wait->start_ns >= to_ns)
			continue;
		writer = measure_writer(queue, wait, from_ns, to_ns);
		if (writer.behind_ns >= BEHIND_LEAST_NS && writer.behind_ns > best.behind_ns)
			best = writer;
	}
	return best;
}
