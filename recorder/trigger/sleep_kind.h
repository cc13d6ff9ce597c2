/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an interruptible sleep (S) is for, by the function of the kernel that it is in: may it be
 * idle?
 */
#ifndef RECORDER_TRIGGER_SLEEP_KIND_H
#define RECORDER_TRIGGER_SLEEP_KIND_H

#include "recorder/proc/proc_task.h"

enum sleep_kind {
	SLEEP_OPEN,	/* it may be idle or not: a futex, an unknown function */
	SLEEP_IDLE,	/* for input from outside, for a child or a timer: it may have nothing to do */
	SLEEP_HURTS,	/* it cannot go on: frozen, or it waits for an answer or for room */
	SLEEP_CHANGED,	/* it was frozen where it slept: /proc has another state than its last event */
};

/* @wait: of a thread whose last event says that it sleeps. */
enum sleep_kind sleep_kind_of(const struct proc_task_wait *wait);

#endif
