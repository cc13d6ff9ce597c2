/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dumps of large calls -> FT_EVENT_UNWOUND, in a disposable child: the tables
 * it reads are on disks that may be stuck, in files that may be hostile.
 */
#ifndef RECORDER_UNWOUND_H
#define RECORDER_UNWOUND_H

#include "recorder/dumps.h"
#include "recorder/mappings.h"
#include "recorder/ownlog.h"

/**
 * unwound_add() - unwind what @dumps holds, add the stacks to @ownlog.
 *
 * What the child found before @deadline_ms is added; what is missing is told in a note.
 */
void unwound_add(const struct dumps *dumps, const struct mappings *mappings, int deadline_ms,
		 struct ownlog *ownlog);

#endif
