/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The holders of file locks that others wait for, from /proc/locks.
 *
 * Reading it takes no mmap_lock. But meanwhile no process of the host can take a file lock, and the
 * reader waits for those that are taking one. So it is read only where a thread waits for such a
 * lock.
 */
#ifndef RECORDER_PROC_PROC_LOCKS_H
#define RECORDER_PROC_PROC_LOCKS_H

#include <stdbool.h>
#include <stdio.h>

struct ft_event;
struct kallsyms;
struct target;

/* Whether the thread of this FT_EVENT_STATE waits for a file lock. */
bool proc_locks_waits(const struct ft_event *event);

/**
 * proc_locks_read() - a note for each process that waits for a lock, see capture/filelock.h.
 *
 * @locks: /proc/locks.
 * @visit: gets each note, all with the same time, borrowed during the call.
 *
 * Return: 0 or what @visit returned other than that, which ends it.
 */
int proc_locks_read(FILE *locks, int (*visit)(void *context, const struct ft_event *event),
		    void *context);

/**
 * proc_locks_look() - these notes, and the states of the threads of the processes that hold the
 * locks.
 *
 * @target:   the states of its threads are known already.
 * @kallsyms: as for proc_task_visit().
 */
void proc_locks_look(const struct target *target, const struct kallsyms *kallsyms,
		     int (*visit)(void *context, const struct ft_event *event), void *context);

#endif
