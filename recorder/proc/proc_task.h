/* SPDX-License-Identifier: Apache-2.0 */
/*
 * States of the threads of a process, from the files of /proc that do not take mmap_lock: stat,
 * comm and schedstat, and for threads that are not running syscall, and stack or wchan.
 */
#ifndef RECORDER_PROC_PROC_TASK_H
#define RECORDER_PROC_PROC_TASK_H

#include <stdint.h>

#include "capture/event.h"

struct ft_event;
struct ft_task;
struct kallsyms;

/**
 * proc_task_visit() - an FT_EVENT_STATE for each thread of @tgid.
 *
 * @kallsyms: turns the names in /proc/PID/task/TID/stack and wchan back into addresses; may be
 *            NULL.
 * @visit:    gets each event (borrowed during the call; cpu FT_NO_CPU, time_ns just after
 *            the thread's stat was read). Returning other than 0 ends the walk and is returned.
 *
 * Return: 0, -ESRCH (no such process), or what @visit returned.
 */
int proc_task_visit(int32_t tgid, const struct kallsyms *kallsyms,
		       int (*visit)(void *context, const struct ft_event *event), void *context);

/**
 * proc_task_visit_one() - the same for the thread @tid of @tgid alone.
 *
 * Return: 0 or what @visit returned; -ESRCH (no such thread, or it went away meanwhile).
 */
int proc_task_visit_one(int32_t tgid, int32_t tid, const struct kallsyms *kallsyms,
			   int (*visit)(void *context, const struct ft_event *event),
			   void *context);

/* What a thread is doing, in short. */
struct proc_task_wait {
	enum ft_task_state state;
	char function[64];	/* of the kernel that it sleeps in; "" not known */
};

/* Of one thread, from stat and wchan alone, which wait for nobody. Return: 0 or -ESRCH. */
int proc_task_read_wait(int32_t tgid, int32_t tid, struct proc_task_wait *ret_wait);

/**
 * proc_task_visit_process_names() - tid, tgid and comm of every thread of process @tgid.
 *
 * Return: 0, -ESRCH (no such process), or what @visit returned.
 */
int proc_task_visit_process_names(int32_t tgid,
				  int (*visit)(void *context, const struct ft_task *task),
				  void *context);

/**
 * proc_task_visit_names() - tid, tgid and comm of every thread of the host (names only: stat and
 * comm).
 *
 * Return: 0, an errno of opening /proc, or what @visit returned.
 */
int proc_task_visit_names(int (*visit)(void *context, const struct ft_task *task),
			     void *context);

#endif
