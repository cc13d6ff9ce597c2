/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dumps of large calls -> FT_EVENT_UNWOUND, in a disposable child: the tables
 * it reads are on disks that may be stuck, in files that may be hostile.
 */
#ifndef RECORDER_RECORD_STACK_UNWINDER_H
#define RECORDER_RECORD_STACK_UNWINDER_H

#include "recorder/record/stack_dumps.h"
#include "recorder/symbols/mappings.h"
#include "recorder/buffer/recorder_events.h"

/**
 * stack_unwinder_take() - take what @dumps holds of calls up to @until_ns and unwind it.
 *
 * @visit: gets each FT_EVENT_UNWOUND that the child found before @deadline_ms, borrowed during the call.
 *
 * Return: 0, -ENOMEM, or why some are missing, as helper_process_run().
 */
int stack_unwinder_take(struct stack_dumps *dumps, uint64_t until_ns, const struct mappings *mappings,
		 int deadline_ms, int (*visit)(void *context, const struct ft_event *event),
		 void *context);

/* Say what is missing. @error: of stack_unwinder_take(). */
void stack_unwinder_note(int error, uint64_t dropped, struct recorder_events *ownlog);

#endif
