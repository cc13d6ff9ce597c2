/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The system calls in which a thread waits at an object that the first argument names.
 */
#ifndef RECORDER_PROC_WAIT_CALL_H
#define RECORDER_PROC_WAIT_CALL_H

#include <stdbool.h>
#include <stdint.h>

enum wait_call {
	WAIT_CALL_NONE,		/* none of them */
	WAIT_CALL_READS,	/* a descriptor, to take something out */
	WAIT_CALL_WRITES,	/* a descriptor, to hand something on */
	WAIT_CALL_CHANGES,	/* a descriptor, neither */
	WAIT_CALL_RECEIVES,	/* a message queue */
	WAIT_CALL_SENDS,	/* a message queue */
	WAIT_CALL_SEMAPHORES,	/* a set of semaphores */
	WAIT_CALL_OPENS		/* none that may be read: the path is in the caller's memory */
};

/* @number: of this architecture, as in /proc/PID/task/TID/syscall. */
enum wait_call wait_call_find(int64_t number);

/* Whether the first argument of @call is a descriptor. */
bool wait_call_has_descriptor(enum wait_call call);

#endif
