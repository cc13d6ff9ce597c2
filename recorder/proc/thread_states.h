/* SPDX-License-Identifier: Apache-2.0 */
/*
 * States of the target's threads, read by a thread that can be left behind: reading
 * /proc/PID/task/TID/stack may wait for a task that is in the middle of execve().
 */
#ifndef RECORDER_PROC_THREAD_STATES_H
#define RECORDER_PROC_THREAD_STATES_H

#include <stdbool.h>
#include <stdint.h>

struct kallsyms;
struct recorder_events;
struct target;
struct thread_states;

/**
 * thread_states_start() - start a thread that reads the states.
 *
 * @kallsyms: may be NULL; in place until thread_states_stuck() is 0.
 *
 * Return: NULL where no thread can be started, or too many are stuck already.
 */
struct thread_states *thread_states_start(const struct target *target,
					  const struct kallsyms *kallsyms);

/* Copy what was read so far, of @since_ns and later. @states may be NULL. */
void thread_states_copy(struct thread_states *states, uint64_t since_ns,
			struct recorder_events *events);

/**
 * thread_states_finish() - copy what was read, and free or leave @states (may be NULL).
 *
 * @wait_ms: how long to wait for the rest. A thread that takes longer is left behind.
 * @events:  may be NULL.
 *
 * Return: whether everything was read.
 */
bool thread_states_finish(struct thread_states *states, int wait_ms,
			  struct recorder_events *events);

/* How many threads still read. */
unsigned int thread_states_stuck(void);

#endif
