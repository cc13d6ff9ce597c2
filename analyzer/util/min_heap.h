/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A binary heap that tells which of many sorted streams is next.
 */
#ifndef ANALYZER_MERGE_H
#define ANALYZER_MERGE_H

#include <stddef.h>
#include <stdint.h>

/* The head of a stream. Order: time_ns, then rank, then stream. */
struct merge_head {
	uint64_t time_ns;
	uint32_t rank;
	uint32_t stream;
};

struct merge;

/* Room for @capacity heads. Return: 0 or -ENOMEM. */
int merge_create(size_t capacity, struct merge **ret_merge);
void merge_destroy(struct merge *merge);

void merge_clear(struct merge *merge);

/* At most one head a stream, and no more than the capacity. O(log streams). */
void merge_push(struct merge *merge, struct merge_head head);

/* The least head, borrowed until the next change; NULL where there is none. */
const struct merge_head *merge_first(const struct merge *merge);

/* The first stream has a new head. O(1) where it stays first, else O(log streams). */
void merge_replace_first(struct merge *merge, struct merge_head head);

/* The first stream is at its end. */
void merge_drop_first(struct merge *merge);

#endif
