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
 * Segment number n lies in slot n % count. A reader copies and then looks whether the slot still
 * has the number it had before: if not, the copy is torn and thrown away (a seqlock a slot).
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
	bool borrowed; /* memory is the caller's, and others may change it */
	uint8_t *page; /* of the ring file, or NULL */
	_Atomic uint64_t since_ns;
	struct slot *slots;
	_Atomic uint64_t put; /* segments put so far */
	uint64_t events; /* in them */
};

static int create(void *memory, size_t slot_bytes, size_t count, struct segment_ring **ret_slots)
{
	size_t bytes;
	if (!count || !slot_bytes || slot_bytes % 8 || slot_bytes > UINT32_MAX)
		return -EINVAL;
	if (__builtin_mul_overflow(slot_bytes, count, &bytes))
		return -ENOMEM;

	struct segment_ring *slots = calloc(1, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	slots->slot_bytes = slot_bytes;
	slots->count = count;
	slots->slots = calloc(count, sizeof(*slots->slots));
	slots->borrowed = memory;
	slots->memory = memory ? memory
			       : mmap(NULL, bytes, PROT_READ | PROT_WRITE,
				      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (slots->memory == MAP_FAILED)
		slots->memory = NULL;
	if (!slots->slots || !slots->memory) {
		segment_ring_destroy(slots);
		return -ENOMEM;
	}
	*ret_slots = slots;
	return 0;
}

int segment_ring_create(size_t slot_bytes, size_t count, struct segment_ring **ret_slots)
{
	return create(NULL, slot_bytes, count, ret_slots);
}

int segment_ring_create_in(void *memory, size_t slot_bytes, size_t count, void *page,
			   struct segment_ring **ret_slots)
{
	int error = create(memory, slot_bytes, count, ret_slots);
	if (!error)
		(*ret_slots)->page = page;
	return error;
}

void segment_ring_destroy(struct segment_ring *slots)
{
	if (!slots)
		return;
	if (slots->memory && !slots->borrowed)
		munmap(slots->memory, slots->slot_bytes * slots->count);
	free(slots->slots);
	free(slots);
}

size_t segment_ring_slot_bytes(const struct segment_ring *slots)
{
	return slots->slot_bytes;
}

size_t segment_ring_count(const struct segment_ring *slots)
{
	return slots->count;
}

uint64_t segment_ring_put_count(const struct segment_ring *slots)
{
	return atomic_load_explicit(&slots->put, memory_order_relaxed);
}

uint64_t segment_ring_since_ns(const struct segment_ring *slots)
{
	return atomic_load_explicit(&slots->since_ns, memory_order_acquire);
}

/* Its events are older than the moment it was put. */
static void overwrite(struct segment_ring *slots, const struct slot *slot)
{
	uint64_t put_ns = atomic_load_explicit(&slot->put_ns, memory_order_relaxed);
	atomic_store_explicit(&slots->since_ns, put_ns, memory_order_release);
	if (slots->page)
		ft_ringfile_set_since((uint64_t *)(slots->page + FT_RINGFILE_SINCE_AT), put_ns);
}

void segment_ring_put(struct segment_ring *slots, const void *segment, size_t segment_bytes,
		      uint32_t events)
{
	uint64_t number = atomic_load_explicit(&slots->put, memory_order_relaxed);
	struct slot *slot = &slots->slots[number % slots->count];

	if (number >= slots->count)
		overwrite(slots, slot);
	atomic_store_explicit(&slot->number, 0, memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
	ft_ringfile_put(slots->memory + (number % slots->count) * slots->slot_bytes, segment,
			segment_bytes);
	atomic_store_explicit(&slot->bytes, (uint32_t)segment_bytes, memory_order_relaxed);
	atomic_store_explicit(&slot->events, events, memory_order_relaxed);
	atomic_store_explicit(&slot->events_before, slots->events, memory_order_relaxed);
	atomic_store_explicit(&slot->put_ns, clock_now_ns(), memory_order_relaxed);
	atomic_store_explicit(&slot->number, number + 1, memory_order_release);
	slots->events += events;
	atomic_store_explicit(&slots->put, number + 1, memory_order_release);
	if (slots->page)
		ft_ringfile_set_put_count((uint64_t *)(slots->page + FT_RINGFILE_PUT_AT),
					  number + 1);
}

/* Memory that others can reach may hold anything. */
static bool is_whole(const struct segment_ring *slots, const void *buffer, uint32_t bytes)
{
	struct ft_segment segment;
	size_t used_bytes;
	return !slots->borrowed ||
	       (!ft_segment_decode(buffer, bytes, &segment, &used_bytes) && used_bytes == bytes);
}

int segment_ring_get(const struct segment_ring *slots, struct segment_ring_cursor *cursor,
		     void *buffer, size_t *ret_bytes)
{
	for (;;) {
		uint64_t put = atomic_load_explicit(&slots->put, memory_order_acquire);
		if (cursor->next == put)
			return 0;
		uint64_t number = cursor->next;
		if (put - number > slots->count)
			number = put - slots->count;

		const struct slot *slot = &slots->slots[number % slots->count];
		uint64_t seen = atomic_load_explicit(&slot->number, memory_order_acquire);
		if (seen != number + 1) {
			/* Overwritten since: look again from the oldest there is now. */
			uint64_t now = atomic_load_explicit(&slots->put, memory_order_acquire);
			if (now - number < slots->count)
				return 0;
			cursor->lost_segments += number + 1 - cursor->next;
			cursor->next = number + 1;
			continue;
		}
		uint32_t bytes = atomic_load_explicit(&slot->bytes, memory_order_relaxed);
		uint32_t events = atomic_load_explicit(&slot->events, memory_order_relaxed);
		uint64_t before = atomic_load_explicit(&slot->events_before, memory_order_relaxed);
		uint64_t put_ns = atomic_load_explicit(&slot->put_ns, memory_order_relaxed);
		memcpy(buffer, slots->memory + (number % slots->count) * slots->slot_bytes,
		       bytes <= slots->slot_bytes ? bytes : 0);
		atomic_thread_fence(memory_order_acquire);
		if (atomic_load_explicit(&slot->number, memory_order_relaxed) != seen)
			continue;

		cursor->lost_segments += number - cursor->next;
		cursor->lost_events += before - cursor->events;
		cursor->next = number + 1;
		cursor->events = before + events;
		cursor->put_ns = put_ns;
		if (!is_whole(slots, buffer, bytes)) {
			cursor->lost_segments++;
			cursor->lost_events += events;
			continue;
		}
		*ret_bytes = bytes;
		return 1;
	}
}
