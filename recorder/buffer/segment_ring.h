/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ring of equal slots in shared memory, each with one sealed segment, between the recording path
 * and the disk. One thread puts and never waits: where the reader falls behind, the newest segment
 * overwrites the oldest.
 *
 * The slots may lie in a file that outlives the recorder: recorder/buffer/ring_map.h.
 */
#ifndef RECORDER_BUFFER_SEGMENT_RING_H
#define RECORDER_BUFFER_SEGMENT_RING_H

#include <stddef.h>
#include <stdint.h>

struct segment_ring;

/* The position of one reader. It starts as { 0 }, at the oldest segment. */
struct segment_ring_cursor {
	uint64_t next;			/* number of the segment to read next */
	uint64_t events;		/* of the segments before it */
	uint64_t lost_segments, lost_events;	/* overwritten before they were read */
	uint64_t put_ns;		/* when the segment read last was put */
};

/**
 * segment_ring_create() - @count slots of @slot_bytes.
 *
 * A fork() does not copy their memory on write.
 *
 * Return: 0, -EINVAL (no slots, or not a multiple of 8 bytes), -ENOMEM.
 */
int segment_ring_create(size_t slot_bytes, size_t count, struct segment_ring **ret_ring);

/**
 * segment_ring_create_in() - slots in @memory, which stays the caller's and in place.
 *
 * @memory: @count times @slot_bytes, shared, aligned to 8 bytes. Others may change it:
 *          segment_ring_get() counts what is no segment any more as lost.
 * @page:   of the ring file around it; what it says of the slots is kept up to date.
 *
 * Return: as segment_ring_create().
 */
int segment_ring_create_in(void *memory, size_t slot_bytes, size_t count, void *page,
			   struct segment_ring **ret_ring);
void segment_ring_destroy(struct segment_ring *ring);

size_t segment_ring_slot_bytes(const struct segment_ring *ring);
size_t segment_ring_count(const struct segment_ring *ring);
uint64_t segment_ring_put_count(const struct segment_ring *ring);	/* segments put so far */

/*
 * The time since when all that was put is there, if nobody changed the memory; 0 where nothing was
 * overwritten yet. A reader that keeps ahead of being overwritten asks after its first
 * segment_ring_get().
 */
uint64_t segment_ring_since_ns(const struct segment_ring *ring);

/**
 * segment_ring_put() - copy in a sealed segment of @events events.
 *
 * @segment_bytes: from 8 to a slot. For one thread. It costs the copy.
 */
void segment_ring_put(struct segment_ring *ring, const void *segment, size_t segment_bytes,
		      uint32_t events);

/**
 * segment_ring_get() - copy out the segment at @cursor, or the oldest one after it.
 *
 * @buffer: a slot long. For any number of threads, each with its own cursor.
 *
 * Return: 1 (@ret_bytes of @buffer are a segment), 0 nothing more yet.
 */
int segment_ring_get(const struct segment_ring *ring, struct segment_ring_cursor *cursor,
		     void *buffer, size_t *ret_bytes);

#endif
