/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A binary heap that tells which of many sorted streams is next.
 */
#ifndef ANALYZER_UTIL_MIN_HEAP_H
#define ANALYZER_UTIL_MIN_HEAP_H

#include <stddef.h>
#include <stdint.h>

/* The head of a stream. Order: time_ns, then rank, then stream. */
struct min_heap_head {
	uint64_t time_ns;
	uint32_t rank;
	uint32_t stream;
};

struct merge;

/* Room for @capacity heads. Return: 0 or -ENOMEM. */
int min_heap_create(size_t capacity, struct merge **ret_merge);
void min_heap_destroy(struct merge *merge);

void min_heap_clear(struct merge *merge);

/* At most one head a stream, and no more than the capacity. O(log streams). */
void min_heap_push(struct merge *merge, struct min_heap_head head);

/* The least head, borrowed until the next change; NULL where there is none. */
const struct min_heap_head *min_heap_first(const struct merge *merge);

/* The first stream has a new head. O(1) where it stays first, else O(log streams). */
void min_heap_replace_first(struct merge *merge, struct min_heap_head head);

/* The first stream is at its end. */
void min_heap_drop_first(struct merge *merge);

#endif
