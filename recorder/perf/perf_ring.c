/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/perf/perf_ring.h"

#include <string.h>

void perf_ring_attach(struct perf_ring *ring, struct perf_event_mmap_page *page, const void *data,
		      size_t data_bytes, uint8_t *wrapped)
{
	*ring = (struct perf_ring){
		.page = page,
		.data = data,
		.data_bytes = data_bytes,
		.wrapped = wrapped,
	};
}

size_t perf_ring_begin(struct perf_ring *ring)
{
	/* Pairs with the kernel's barrier between writing records and moving data_head. */
	ring->head = __atomic_load_n(&ring->page->data_head, __ATOMIC_ACQUIRE);
	ring->tail = ring->page->data_tail;
	return (size_t)(ring->head - ring->tail);
}

const struct perf_event_header *perf_ring_next(struct perf_ring *ring, size_t *ret_bad_bytes)
{
	size_t left = (size_t)(ring->head - ring->tail);
	size_t at = (size_t)ring->tail & (ring->data_bytes - 1);
	struct perf_event_header header;

	*ret_bad_bytes = 0;
	if (!left)
		return NULL;
	/* Records have multiples of 8 bytes, so a header never wraps. */
	if (left < sizeof(header) || left > ring->data_bytes || at % 8)
		goto bad;
	memcpy(&header, ring->data + at, sizeof(header));
	if (header.size < sizeof(header) || header.size % 8 || header.size > left)
		goto bad;

	const uint8_t *record = ring->data + at;
	size_t first = ring->data_bytes - at;
	if (header.size > first) {
		memcpy(ring->wrapped, record, first);
		memcpy(ring->wrapped + first, ring->data, header.size - first);
		record = ring->wrapped;
	}
	ring->tail += header.size;
	return (const struct perf_event_header *)(const void *)record;
bad:
	*ret_bad_bytes = left;
	ring->tail = ring->head;
	return NULL;
}

void perf_ring_end(struct perf_ring *ring)
{
	/* The reads above end before the kernel may write here again. */
	__atomic_store_n(&ring->page->data_tail, ring->tail, __ATOMIC_RELEASE);
}
