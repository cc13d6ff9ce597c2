/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A binary heap that tells which of many sorted streams is next.
 */
#include "analyzer/util/min_heap.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

struct merge {
	size_t count, capacity;
	struct min_heap_head heads[];
};

int min_heap_create(size_t capacity, struct merge **ret_merge)
{
	struct merge *merge;

	if (capacity > (SIZE_MAX - sizeof(*merge)) / sizeof(merge->heads[0]))
		return -ENOMEM;
	merge = malloc(sizeof(*merge) + capacity * sizeof(merge->heads[0]));
	if (!merge)
		return -ENOMEM;
	merge->count = 0;
	merge->capacity = capacity;
	*ret_merge = merge;
	return 0;
}

void min_heap_destroy(struct merge *merge)
{
	free(merge);
}

void min_heap_clear(struct merge *merge)
{
	merge->count = 0;
}

static inline bool before(const struct min_heap_head *a, const struct min_heap_head *b)
{
	if (a->time_ns != b->time_ns)
		return a->time_ns < b->time_ns;
	if (a->rank != b->rank)
		return a->rank < b->rank;
	return a->stream < b->stream;
}

/* Put @head into the hole at @at, moving smaller children up until it fits. */
static void sift_down(struct merge *merge, size_t at, struct min_heap_head head)
{
	for (;;) {
		size_t child = 2 * at + 1;

		if (child >= merge->count)
			break;
		if (child + 1 < merge->count &&
		    before(&merge->heads[child + 1], &merge->heads[child]))
			child++;
		if (!before(&merge->heads[child], &head))
			break;
		merge->heads[at] = merge->heads[child];
		at = child;
	}
	merge->heads[at] = head;
}

void min_heap_push(struct merge *merge, struct min_heap_head head)
{
	size_t at = merge->count;

	assert(merge->count < merge->capacity);
	merge->count++;
	while (at > 0 && before(&head, &merge->heads[(at - 1) / 2])) {
		merge->heads[at] = merge->heads[(at - 1) / 2];
		at = (at - 1) / 2;
	}
	merge->heads[at] = head;
}

const struct min_heap_head *min_heap_first(const struct merge *merge)
{
	return merge->count ? &merge->heads[0] : NULL;
}

void min_heap_replace_first(struct merge *merge, struct min_heap_head head)
{
	assert(merge->count > 0);
	sift_down(merge, 0, head);
}

void min_heap_drop_first(struct merge *merge)
{
	assert(merge->count > 0);
	merge->count--;
	if (merge->count)
		sift_down(merge, 0, merge->heads[merge->count]);
}
