/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finishing a capture on a disk that may be full: own events, names, facts and the end mark are
 * worth more than the events farthest from the trigger.
 */
#ifndef RECORDER_WRITE_CAPTURE_FINISH_H
#define RECORDER_WRITE_CAPTURE_FINISH_H

#include <stdbool.h>
#include <stdint.h>

#include "capture/facts.h"
#include "capture/symbols.h"
#include "capture/writer.h"
#include "recorder/buffer/recorder_events.h"
#include "recorder/buffer/segment_ring.h"

struct capture_finish_parts {
	struct ft_writer *file;
	struct recorder_events *own_events;
	const struct ft_symbols *symbols;
	const struct ft_facts *facts;
	bool disk_full;		/* a write has failed already: make room first */
};

/**
 * capture_finish() - complete the capture.
 *
 * If the disk is full, the last segments of events make room for the names, without which the
 * others are worth little.
 *
 * @ret_cut_segments: how many segments made room.
 *
 * Return: 0, or the negative errno of the first write that failed; the file ends at the end of a
 * segment in any case.
 */
int capture_finish(const struct capture_finish_parts *parts, uint32_t *ret_cut_segments);

/* Is @error one that more room would cure? */
bool capture_finish_is_full(int error);

/* The oldest part of a history, left out for want of room on the disk. */
struct skipped_history {
	uint64_t free_bytes;	/* on the disk at that time */
	bool scarce;		/* there may be room for deflated segments only */
	uint64_t segments;	/* 0: the whole history fits */
	uint64_t duration_ns;
};

/**
 * capture_finish_skip_history() - leave out the part of the history that will not fit on the disk.
 *
 * The part around the trigger, which comes last, is worth most. @cursor moves on to the oldest
 * segment from which everything is expected to fit.
 *
 * @fd:      the empty file.
 * @buffer:  as long as a slot.
 * @more_ns: so long recording goes on, at the rate of the history. At least half of the room is for the
 *           history.
 */
void capture_finish_skip_history(int fd, const struct segment_ring *slots, void *buffer,
				 uint64_t more_ns, struct segment_ring_cursor *cursor,
				 struct skipped_history *ret_skipped);

#endif
