/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A binary heap that tells which of many sorted streams is next.
 */
#include "analyzer/util/min_heap.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

struct min_heap {
	size_t count, capacity;
	struct min_heap_head heads[];
};

int min_heap_create(size_t capacity, struct min_heap **ret_heap)
{
	struct min_heap *heap;

	if (capacity > (SIZE_MAX - sizeof(*heap)) / sizeof(heap->heads[0]))
		return -ENOMEM;
	heap = malloc(sizeof(*heap) + capacity * sizeof(heap->heads[0]));
	if (!heap)
		return -ENOMEM;
	heap->count = 0;
	heap->capacity = capacity;
	*ret_heap = heap;
	return 0;
}

void min_heap_destroy(struct min_heap *heap)
{
	free(heap);
}

void min_heap_clear(struct min_heap *heap)
{
	heap->count = 0;
}

/* Put @head into the hole at @at, moving smaller children up until it fits. */
static void sift_down(struct min_heap *heap, size_t at, struct min_heap_head head)
{
	for (;;) {
		size_t child = 2 * at + 1;

		if (child >= heap->count)
			break;
		if (child + 1 < heap->count &&
		    min_heap_before(&heap->heads[child + 1], &heap->heads[child]))
			child++;
		if (!min_heap_before(&heap->heads[child], &head))
			break;
		heap->heads[at] = heap->heads[child];
		at = child;
	}
	heap->heads[at] = head;
}

void min_heap_push(struct min_heap *heap, struct min_heap_head head)
{
	size_t at = heap->count;

	assert(heap->count < heap->capacity);
	heap->count++;
	while (at > 0 && min_heap_before(&head, &heap->heads[(at - 1) / 2])) {
		heap->heads[at] = heap->heads[(at - 1) / 2];
		at = (at - 1) / 2;
	}
	heap->heads[at] = head;
}

const struct min_heap_head *min_heap_first(const struct min_heap *heap)
{
	return heap->count ? &heap->heads[0] : NULL;
}

void min_heap_replace_first(struct min_heap *heap, struct min_heap_head head)
{
	assert(heap->count > 0);
	sift_down(heap, 0, head);
}

void min_heap_drop_first(struct min_heap *heap)
{
	assert(heap->count > 0);
	heap->count--;
	if (heap->count)
		sift_down(heap, 0, heap->heads[heap->count]);
}
