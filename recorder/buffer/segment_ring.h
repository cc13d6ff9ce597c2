/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Equal slots of shared memory, each holding one sealed segment: what lies
 * between the recording path and the disk. One thread puts and never waits: where
 * the reader falls behind, the newest segment overwrites the oldest.
 *
 * They may lie in a file that outlives the recorder: recorder/buffer/ring_map.h.
 */
#ifndef RECORDER_BUFFER_SEGMENT_RING_H
#define RECORDER_BUFFER_SEGMENT_RING_H

#include <stddef.h>
#include <stdint.h>

struct segment_ring;

/* How far one reader has come. Starts as { 0 }: at the oldest segment there is. */
struct segment_ring_cursor {
	uint64_t next;			/* number of the segment to read next */
	uint64_t events;		/* of the segments before it */
	uint64_t lost_segments, lost_events;	/* overwritten before they were read */
	uint64_t put_ns;		/* when the segment read last was put */
};

/**
 * segment_ring_create() - @count slots of @slot_bytes.
 *
 * Memory that a fork() does not copy on write.
 *
 * Return: 0, -EINVAL (no slots, or not a multiple of 8 bytes), -ENOMEM.
 */
int segment_ring_create(size_t slot_bytes, size_t count, struct segment_ring **ret_slots);

/**
 * segment_ring_create_in() - slots in @memory, which stays the caller's and in place.
 *
 * @memory: @count times @slot_bytes, shared, aligned to 8 bytes. Others may change it: segment_ring_get()
 *          counts what is no segment any more as lost.
 * @page:   of the ring file that it is in: what it says of the slots is kept up.
 *
 * Return: as segment_ring_create().
 */
int segment_ring_create_in(void *memory, size_t slot_bytes, size_t count, void *page,
		    struct segment_ring **ret_slots);
void segment_ring_destroy(struct segment_ring *slots);

size_t segment_ring_slot_bytes(const struct segment_ring *slots);
size_t segment_ring_count(const struct segment_ring *slots);
uint64_t segment_ring_put_count(const struct segment_ring *slots);	/* segments put so far */

/* From then on all that was put is there (if nobody changed the memory); 0: nothing was overwritten
 * yet. For a reader that keeps ahead of being overwritten: ask after its first segment_ring_get(). */
uint64_t segment_ring_since_ns(const struct segment_ring *slots);

/**
 * segment_ring_put() - copy in a sealed segment (at most a slot long) that holds @events.
 *
 * For one thread. Cost: the copy. @segment_bytes: at least 8.
 */
void segment_ring_put(struct segment_ring *slots, const void *segment, size_t segment_bytes, uint32_t events);

/**
 * segment_ring_get() - copy out the segment at @cursor, or the oldest one after it.
 *
 * @buffer: a slot long. For any number of threads, each with a cursor.
 *
 * Return: 1 (@ret_bytes of @buffer are a segment), 0 nothing more yet.
 */
int segment_ring_get(const struct segment_ring *slots, struct segment_ring_cursor *cursor, void *buffer,
	      size_t *ret_bytes);

#endif
