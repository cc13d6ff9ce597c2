/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/buffer/segment_ring.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "capture/ringfile.h"
#include "capture/segment.h"
#include "recorder/base/clock.h"

/*
 * Segment number n lies in slot n % count. Each slot is a seqlock: a reader copies the segment and
 * drops the copy as torn if the slot's number has changed meanwhile.
 */
struct slot {
	_Atomic uint64_t number; /* of its segment, plus 1; 0: none, or being written */
	_Atomic uint64_t events_before; /* of all segments before this one */
	_Atomic uint64_t put_ns; /* when */
	_Atomic uint32_t events;
	_Atomic uint32_t bytes;
};

struct segment_ring {
	size_t slot_bytes, count;
	uint8_t *memory;
	bool borrowed; /* the memory is the caller's, and others may change it */
	uint8_t *page; /* of the ring file, or NULL */
	_Atomic uint64_t since_ns;
	struct slot *slots;
	_Atomic uint64_t put; /* segments put so far */
	uint64_t events; /* in them */
};

static int create_ring(void *memory, size_t slot_bytes, size_t count,
		       struct segment_ring **ret_ring)
{
	size_t bytes;
	if (!count || !slot_bytes || slot_bytes % 8 || slot_bytes > UINT32_MAX)
		return -EINVAL;
	if (__builtin_mul_overflow(slot_bytes, count, &bytes))
		return -ENOMEM;

	struct segment_ring *ring = calloc(1, sizeof(*ring));
	if (!ring)
		return -ENOMEM;
	ring->slot_bytes = slot_bytes;
	ring->count = count;
	ring->slots = calloc(count, sizeof(*ring->slots));
	ring->borrowed = memory;
	ring->memory = memory ? memory
			      : mmap(NULL, bytes, PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (ring->memory == MAP_FAILED)
		ring->memory = NULL;
	if (!ring->slots || !ring->memory) {
		segment_ring_destroy(ring);
		return -ENOMEM;
	}
	*ret_ring = ring;
	return 0;
}

int segment_ring_create(size_t slot_bytes, size_t count, struct segment_ring **ret_ring)
{
	return create_ring(NULL, slot_bytes, count, ret_ring);
}

int segment_ring_create_in(void *memory, size_t slot_bytes, size_t count, void *page,
			   struct segment_ring **ret_ring)
{
	int error = create_ring(memory, slot_bytes, count, ret_ring);
	if (!error)
		(*ret_ring)->page = page;
	return error;
}

void segment_ring_destroy(struct segment_ring *ring)
{
	if (!ring)
		return;
	if (ring->memory && !ring->borrowed)
		munmap(ring->memory, ring->slot_bytes * ring->count);
	free(ring->slots);
	free(ring);
}

size_t segment_ring_slot_bytes(const struct segment_ring *ring)
{
	return ring->slot_bytes;
}

size_t segment_ring_count(const struct segment_ring *ring)
{
	return ring->count;
}

uint64_t segment_ring_put_count(const struct segment_ring *ring)
{
	return atomic_load_explicit(&ring->put, memory_order_relaxed);
}

uint64_t segment_ring_since_ns(const struct segment_ring *ring)
{
	return atomic_load_explicit(&ring->since_ns, memory_order_acquire);
}

/* The events of the overwritten segment are older than the time when it was put. */
static void note_overwritten(struct segment_ring *ring, const struct slot *slot)
{
	uint64_t put_ns = atomic_load_explicit(&slot->put_ns, memory_order_relaxed);
	atomic_store_explicit(&ring->since_ns, put_ns, memory_order_release);
	if (ring->page)
		ft_ringfile_set_since((uint64_t *)(ring->page + FT_RINGFILE_SINCE_AT), put_ns);
}

void segment_ring_put(struct segment_ring *ring, const void *segment, size_t segment_bytes,
		      uint32_t events)
{
	uint64_t number = atomic_load_explicit(&ring->put, memory_order_relaxed);
	struct slot *slot = &ring->slots[number % ring->count];

	if (number >= ring->count)
		note_overwritten(ring, slot);
	atomic_store_explicit(&slot->number, 0, memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
	ft_ringfile_put(ring->memory + (number % ring->count) * ring->slot_bytes, segment,
			segment_bytes);
	atomic_store_explicit(&slot->bytes, (uint32_t)segment_bytes, memory_order_relaxed);
	atomic_store_explicit(&slot->events, events, memory_order_relaxed);
	atomic_store_explicit(&slot->events_before, ring->events, memory_order_relaxed);
	atomic_store_explicit(&slot->put_ns, clock_now_ns(), memory_order_relaxed);
	atomic_store_explicit(&slot->number, number + 1, memory_order_release);
	ring->events += events;
	atomic_store_explicit(&ring->put, number + 1, memory_order_release);
	if (ring->page)
		ft_ringfile_set_put_count((uint64_t *)(ring->page + FT_RINGFILE_PUT_AT),
					  number + 1);
}

/* Memory that others can write to may hold anything. */
static bool is_whole(const struct segment_ring *ring, const void *buffer, uint32_t bytes)
{
	struct ft_segment segment;
	size_t used_bytes;
	return !ring->borrowed ||
	       (!ft_segment_decode(buffer, bytes, &segment, &used_bytes) && used_bytes == bytes);
}

int segment_ring_get(const struct segment_ring *ring, struct segment_ring_cursor *cursor,
		     void *buffer, size_t *ret_bytes)
{
	for (;;) {
		uint64_t put = atomic_load_explicit(&ring->put, memory_order_acquire);
		if (cursor->next == put)
			return 0;
		uint64_t number = cursor->next;
		if (put - number > ring->count)
			number = put - ring->count;

		const struct slot *slot = &ring->slots[number % ring->count];
		uint64_t seen = atomic_load_explicit(&slot->number, memory_order_acquire);
		if (seen != number + 1) {
			/* It was overwritten: start again from the oldest there is now. */
			uint64_t now = atomic_load_explicit(&ring->put, memory_order_acquire);
			if (now - number < ring->count)
				return 0;
			cursor->lost_segments += number + 1 - cursor->next;
			cursor->next = number + 1;
			continue;
		}
		uint32_t bytes = atomic_load_explicit(&slot->bytes, memory_order_relaxed);
		uint32_t events = atomic_load_explicit(&slot->events, memory_order_relaxed);
		uint64_t before = atomic_load_explicit(&slot->events_before, memory_order_relaxed);
		uint64_t put_ns = atomic_load_explicit(&slot->put_ns, memory_order_relaxed);
		memcpy(buffer, ring->memory + (number % ring->count) * ring->slot_bytes,
		       bytes <= ring->slot_bytes ? bytes : 0);
		atomic_thread_fence(memory_order_acquire);
		if (atomic_load_explicit(&slot->number, memory_order_relaxed) != seen)
			continue;

		cursor->lost_segments += number - cursor->next;
		cursor->lost_events += before - cursor->events;
		cursor->next = number + 1;
		cursor->events = before + events;
		cursor->put_ns = put_ns;
		if (!is_whole(ring, buffer, bytes)) {
			cursor->lost_segments++;
			cursor->lost_events += events;
			continue;
		}
		*ret_bytes = bytes;
		return 1;
	}
}
