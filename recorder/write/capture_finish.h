/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of a capture: own events, names, facts and the end mark are written,
 * on a full disk too.
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
	bool disk_full;		/* writing has failed already: make room first */
};

/**
 * capture_finish() - complete the capture.
 *
 * Where the disk is full, the last segments of events make room for the names, without which the
 * others are worth little.
 *
 * @ret_cut_segments: how many did.
 *
 * Return: 0, or the errno of what could not be written; the file ends at a segment's end all the same.
 */
int capture_finish(const struct capture_finish_parts *parts, uint32_t *ret_cut_segments);

/* Is @error one that making room helps against? */
bool capture_finish_is_full(int error);

/* Of a history, its oldest part. */
struct skipped_history {
	uint64_t free_bytes;	/* that there were */
	bool scarce;		/* there is room for what is deflated only */
	uint64_t segments;	/* 0: all of it will fit */
	uint64_t duration_ns;
};

/**
 * capture_finish_skip_history() - move @cursor on to the oldest segment from which on all is expected to fit on the disk.
 *
 * @fd:      the empty file.
 * @buffer:  a slot long.
 * @more_ns: for so long recording goes on, as it did in the history. Of the room half at least
 *           is the history's.
 */
void capture_finish_skip_history(int fd, const struct segment_ring *slots, void *buffer, uint64_t more_ns,
	       struct segment_ring_cursor *cursor, struct skipped_history *ret_skipped);

#endif
