/* SPDX-License-Identifier: Apache-2.0 */
/*
 * By which rules threads get a CPU: policy, priority, the CPUs that they may use, their control
 * group and what limits it. Nothing of this takes mmap_lock.
 */
#ifndef RECORDER_PROC_THREAD_SCHEDULING_H
#define RECORDER_PROC_THREAD_SCHEDULING_H

#include <stddef.h>

struct ft_event;
struct ft_task;
struct target;

/**
 * thread_scheduling_visit() - an FT_EVENT_SCHEDULING for each thread of the target, and of @tasks,
 * that is still there; then the FT_EVENT_COUNTERs of their control groups and of those above.
 *
 * @target: NULL: of @tasks alone. Of a target of very many threads only the first ones are read.
 * @visit:  gets each event, borrowed during the call. Returning other than 0 ends the walk and is
 *          returned.
 *
 * Return: 0, -ENOMEM or what @visit returned.
 */
int thread_scheduling_visit(const struct target *target, const struct ft_task *tasks, size_t count,
			    int (*visit)(void *context, const struct ft_event *event),
			    void *context);

#endif
