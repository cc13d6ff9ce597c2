/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who holds the locks of files that others wait for, from /proc/locks.
 *
 * Reading it takes no mmap_lock, but it keeps every process of the host from taking a lock of a file for as long as it
 * takes, and waits for those that are at it. So it is read only where somebody waits for such a lock.
 */
#ifndef RECORDER_PROC_PROC_LOCKS_H
#define RECORDER_PROC_PROC_LOCKS_H

#include <stdbool.h>
#include <stdio.h>

#include "capture/event.h"
#include "recorder/symbols/kallsyms.h"
#include "recorder/proc/target.h"

/* Whether a thread in this state (FT_EVENT_STATE) waits for the lock of a file. */
bool proc_locks_waits(const struct ft_event *event);

/**
 * proc_locks_read() - a note for each process that waits for one, see capture/filelock.h.
 *
 * @locks: /proc/locks.
 * @visit: gets each note, all with the same time, borrowed during the call.
 *
 * Return: 0 or what @visit returned other than that, which ends it.
 */
int proc_locks_read(FILE *locks, int (*visit)(void *context, const struct ft_event *event),
		   void *context);

/**
 * proc_locks_look() - those notes, and what the threads of the processes are doing that hold the locks.
 *
 * @target: whose threads are known; @kallsyms: as proc_threads_threads() has it.
 */
void proc_locks_look(const struct target *target, const struct kallsyms *kallsyms,
		    int (*visit)(void *context, const struct ft_event *event), void *context);

#endif
