/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A reader of one of the kernel's perf rings.
 */
#ifndef RECORDER_PERF_PERF_RING_H
#define RECORDER_PERF_PERF_RING_H

#include <linux/perf_event.h>
#include <stddef.h>
#include <stdint.h>

#define PERF_RING_RECORD_BYTES_MAX 65536

struct perf_ring {
	struct perf_event_mmap_page *page;
	const uint8_t *data;
	size_t data_bytes;	/* a power of two */
	uint64_t head, tail;	/* of this visit: how far the kernel wrote, how far was read */
	uint8_t *wrapped;	/* PERF_RING_RECORD_BYTES_MAX, for wrapped records; rings may share it */
};

/* @data_bytes: power of two. The caller keeps the memory (in tests, memory of its own). */
void perf_ring_attach(struct perf_ring *ring, struct perf_event_mmap_page *page, const void *data,
		      size_t data_bytes, uint8_t *wrapped);

/* Begin a visit of what the kernel wrote so far. Return: bytes to read. */
size_t perf_ring_begin(struct perf_ring *ring);

/**
 * perf_ring_next() - the next record of this visit.
 *
 * Return: the record, whole and in one piece, valid until the next call on this ring or its
 * sharers, or until perf_ring_end(); NULL at the end of what perf_ring_begin() saw. A header of
 * impossible size ends the visit too. The rest is skipped, and *@ret_bad_bytes says how much it
 * was.
 */
const struct perf_event_header *perf_ring_next(struct perf_ring *ring, size_t *ret_bad_bytes);

/* Give the bytes that were read back to the kernel. */
void perf_ring_end(struct perf_ring *ring);

#endif
