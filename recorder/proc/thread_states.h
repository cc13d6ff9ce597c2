/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the threads of the target are doing now, looked at by a thread of its
 * own: /proc/PID/task/TID/stack may wait for a task that is in the middle of execve().
 */
#ifndef RECORDER_STATES_H
#define RECORDER_STATES_H

#include <stdbool.h>
#include <stdint.h>

#include "recorder/buffer/event_list.h"
#include "recorder/symbols/kallsyms.h"
#include "recorder/proc/target.h"

struct states;

/**
 * states_start() - begin to look.
 *
 * @kallsyms: may be NULL; in place until states_stuck() is 0.
 *
 * Return: NULL where no thread can be started, or too many are stuck already.
 */
struct states *states_start(const struct target *target, const struct kallsyms *kallsyms);

/* What was seen so far, of @since_ns and later. @states may be NULL. */
void states_copy(struct states *states, uint64_t since_ns, struct ownlog *ownlog);

/**
 * states_finish() - hand over what was seen, and forget about @states (NULL is allowed).
 *
 * @wait_ms: for the rest. What takes longer is left to itself.
 * @ownlog:  NULL where nobody wants it.
 *
 * Return: whether that was all.
 */
bool states_finish(struct states *states, int wait_ms, struct ownlog *ownlog);

/* Threads that look still. */
unsigned int states_stuck(void);

#endif
