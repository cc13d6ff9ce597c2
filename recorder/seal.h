/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of a capture: user stacks unwound, names found, facts told, end mark set.
 */
#ifndef RECORDER_SEAL_H
#define RECORDER_SEAL_H

#include <stdbool.h>
#include <stdint.h>

#include "capture/facts.h"
#include "capture/writer.h"
#include "recorder/dumps.h"
#include "recorder/kallsyms.h"
#include "recorder/mappings.h"
#include "recorder/ownlog.h"
#include "recorder/seen.h"

struct seal {
	struct ft_writer *writer;
	struct ownlog *ownlog;
	struct seen *seen;
	struct mappings *mappings;
	struct dumps *dumps;
	const struct kallsyms *kallsyms;	/* may be NULL */
	struct ft_facts *facts;			/* but for FT_FACT_EVENT_COUNT and FT_FACT_SYSCALLS */
	uint64_t events;			/* recorded by the drain thread */
	bool disk_full;				/* writing has failed already: make room first */
};

/**
 * seal_capture() - complete the capture.
 *
 * Where the disk is full, the last segments of events make room for the names, without which the
 * others are worth little.
 *
 * @ret_cut_segments: how many did.
 *
 * Return: 0, or the errno of what could not be written; the file ends at a segment's end all the same.
 */
int seal_capture(const struct seal *seal, uint32_t *ret_cut_segments);

/* Is @error one that making room helps against? */
bool seal_is_full(int error);

#endif
