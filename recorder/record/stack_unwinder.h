/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dumps of large calls -> FT_EVENT_UNWOUND, in a disposable child: the tables
 * it reads are on disks that may be stuck, in files that may be hostile.
 */
#ifndef RECORDER_UNWOUND_H
#define RECORDER_UNWOUND_H

#include "recorder/record/stack_dumps.h"
#include "recorder/symbols/mappings.h"
#include "recorder/buffer/recorder_events.h"

/**
 * unwound_take() - take what @dumps holds of calls up to @until_ns and unwind it.
 *
 * @visit: gets each FT_EVENT_UNWOUND that the child found before @deadline_ms, borrowed during the call.
 *
 * Return: 0, -ENOMEM, or why some are missing, as child_run().
 */
int unwound_take(struct dumps *dumps, uint64_t until_ns, const struct mappings *mappings,
		 int deadline_ms, int (*visit)(void *context, const struct ft_event *event),
		 void *context);

/* Say what is missing. @error: of unwound_take(). */
void unwound_note(int error, uint64_t dropped, struct ownlog *ownlog);

#endif
