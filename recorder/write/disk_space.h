/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much of a history there is room for on the disk: where it is not all, the time around
 * the trigger, which comes last, is worth most.
 */
#ifndef RECORDER_WRITE_DISK_SPACE_H
#define RECORDER_WRITE_DISK_SPACE_H

#include <stdbool.h>
#include <stdint.h>

#include "recorder/buffer/segment_ring.h"

/* Of a history, its oldest part. */
struct room_left_out {
	uint64_t free_bytes;	/* that there were */
	bool scarce;		/* there is room for what is deflated only */
	uint64_t segments;	/* 0: all of it will fit */
	uint64_t duration_ns;
};

/**
 * disk_space_find() - move @cursor on to the oldest segment from which on all is expected to fit on the disk.
 *
 * @fd:      the empty file.
 * @buffer:  a slot long.
 * @more_ns: for so long recording goes on, as it did in the history. Of the room half at least
 *           is the history's.
 */
void disk_space_find(int fd, const struct segment_ring *slots, void *buffer, uint64_t more_ns,
	       struct segment_ring_cursor *cursor, struct room_left_out *ret_left_out);

#endif
