/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the threads of the target are doing now, looked at by a thread of its
 * own: /proc/PID/task/TID/stack may wait for a task that is in the middle of execve().
 */
#ifndef RECORDER_PROC_THREAD_STATES_H
#define RECORDER_PROC_THREAD_STATES_H

#include <stdbool.h>
#include <stdint.h>

#include "recorder/buffer/event_list.h"
#include "recorder/symbols/kallsyms.h"
#include "recorder/proc/target.h"

struct thread_states;

/**
 * thread_states_start() - begin to look.
 *
 * @kallsyms: may be NULL; in place until thread_states_stuck() is 0.
 *
 * Return: NULL where no thread can be started, or too many are stuck already.
 */
struct thread_states *thread_states_start(const struct target *target, const struct kallsyms *kallsyms);

/* What was seen so far, of @since_ns and later. @states may be NULL. */
void thread_states_copy(struct thread_states *states, uint64_t since_ns, struct recorder_events *ownlog);

/**
 * thread_states_finish() - hand over what was seen, and forget about @states (NULL is allowed).
 *
 * @wait_ms: for the rest. What takes longer is left to itself.
 * @ownlog:  NULL where nobody wants it.
 *
 * Return: whether that was all.
 */
bool thread_states_finish(struct thread_states *states, int wait_ms, struct recorder_events *ownlog);

/* Threads that look still. */
unsigned int thread_states_stuck(void);

#endif
