/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A binary heap that tells which of many sorted streams is next.
 */
#ifndef ANALYZER_UTIL_MIN_HEAP_H
#define ANALYZER_UTIL_MIN_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The head of a stream. Order: time_ns, then rank, then stream. */
struct min_heap_head {
	uint64_t time_ns;
	uint32_t rank;
	uint32_t stream;
};

static inline bool min_heap_before(const struct min_heap_head *a, const struct min_heap_head *b)
{
	if (a->time_ns != b->time_ns)
		return a->time_ns < b->time_ns;
	if (a->rank != b->rank)
		return a->rank < b->rank;
	return a->stream < b->stream;
}

struct min_heap;

/* Room for @capacity heads. Return: 0 or -ENOMEM. */
int min_heap_create(size_t capacity, struct min_heap **ret_heap);
void min_heap_destroy(struct min_heap *heap);

void min_heap_clear(struct min_heap *heap);

/* At most one head a stream, and no more than the capacity. O(log streams). */
void min_heap_push(struct min_heap *heap, struct min_heap_head head);

/* The least head; NULL where there is none. Borrowed until the next push or drop; a replacement
 * changes it. */
const struct min_heap_head *min_heap_first(const struct min_heap *heap);

/* The first stream has a new head. O(1) where it stays first, else O(log streams). */
void min_heap_replace_first(struct min_heap *heap, struct min_heap_head head);

/* The first stream is at its end. */
void min_heap_drop_first(struct min_heap *heap);

#endif
