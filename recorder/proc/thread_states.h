/* SPDX-License-Identifier: Apache-2.0 */
/*
 * States of the target's threads, and by which rules they and others get a CPU. They are read by a
 * thread that can be left behind: reading /proc/PID/task/TID/stack may wait for a task that is in
 * the middle of execve().
 */
#ifndef RECORDER_PROC_THREAD_STATES_H
#define RECORDER_PROC_THREAD_STATES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ft_task;
struct kallsyms;
struct recorder_events;
struct target;
struct thread_states;

/* What is to be read. */
struct thread_states_options {
	const struct target *target;	/* NULL: none */
	const struct kallsyms *kallsyms; /* may be NULL; in place until thread_states_stuck() is 0 */
	const struct ft_task *cpu_users; /* of these only by which rules they get a CPU */
	size_t cpu_user_count;
};

/* Start a thread that reads. Return: NULL where that cannot be, or too many are stuck already. */
struct thread_states *thread_states_start(const struct thread_states_options *options);

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
