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

struct seal {
	struct ft_writer *writer;
	struct recorder_events *ownlog;
	const struct ft_symbols *symbols;
	const struct ft_facts *facts;
	bool disk_full;		/* writing has failed already: make room first */
};

/**
 * capture_finish_capture() - complete the capture.
 *
 * Where the disk is full, the last segments of events make room for the names, without which the
 * others are worth little.
 *
 * @ret_cut_segments: how many did.
 *
 * Return: 0, or the errno of what could not be written; the file ends at a segment's end all the same.
 */
int capture_finish_capture(const struct seal *seal, uint32_t *ret_cut_segments);

/* Is @error one that making room helps against? */
bool capture_finish_is_full(int error);

#endif
