/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Equal slots of shared memory, each holding one sealed segment: what lies
 * between the recording path and the disk. One thread puts and never waits: where
 * the reader falls behind, the newest segment overwrites the oldest.
 *
 * They may lie in a file that outlives the recorder: recorder/buffer/ring_map.h.
 */
#ifndef RECORDER_SLOTS_H
#define RECORDER_SLOTS_H

#include <stddef.h>
#include <stdint.h>

struct slots;

/* How far one reader has come. Starts as { 0 }: at the oldest segment there is. */
struct slots_cursor {
	uint64_t next;			/* number of the segment to read next */
	uint64_t events;		/* of the segments before it */
	uint64_t lost_segments, lost_events;	/* overwritten before they were read */
	uint64_t put_ns;		/* when the segment read last was put */
};

/**
 * slots_create() - @count slots of @slot_bytes.
 *
 * Memory that a fork() does not copy on write.
 *
 * Return: 0, -EINVAL (no slots, or not a multiple of 8 bytes), -ENOMEM.
 */
int slots_create(size_t slot_bytes, size_t count, struct slots **ret_slots);

/**
 * slots_create_in() - slots in @memory, which stays the caller's and in place.
 *
 * @memory: @count times @slot_bytes, shared, aligned to 8 bytes. Others may change it: slots_get()
 *          counts what is no segment any more as lost.
 * @page:   of the ring file that it is in: what it says of the slots is kept up.
 *
 * Return: as slots_create().
 */
int slots_create_in(void *memory, size_t slot_bytes, size_t count, void *page,
		    struct slots **ret_slots);
void slots_destroy(struct slots *slots);

size_t slots_slot_bytes(const struct slots *slots);
size_t slots_count(const struct slots *slots);
uint64_t slots_put_count(const struct slots *slots);	/* segments put so far */

/* From then on all that was put is there (if nobody changed the memory); 0: nothing was overwritten
 * yet. For a reader that keeps ahead of being overwritten: ask after its first slots_get(). */
uint64_t slots_since_ns(const struct slots *slots);

/**
 * slots_put() - copy in a sealed segment (at most a slot long) that holds @events.
 *
 * For one thread. Cost: the copy. @segment_bytes: at least 8.
 */
void slots_put(struct slots *slots, const void *segment, size_t segment_bytes, uint32_t events);

/**
 * slots_get() - copy out the segment at @cursor, or the oldest one after it.
 *
 * @buffer: a slot long. For any number of threads, each with a cursor.
 *
 * Return: 1 (@ret_bytes of @buffer are a segment), 0 nothing more yet.
 */
int slots_get(const struct slots *slots, struct slots_cursor *cursor, void *buffer,
	      size_t *ret_bytes);

#endif
