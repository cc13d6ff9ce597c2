/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deferred ("lazy") stacks: the kernel stack of a thread that has been blocked for long is read
 * from /proc once. It counts only if the events show that the thread slept across the read.
 */
#ifndef RECORDER_RECORD_DEFERRED_STACKS_H
#define RECORDER_RECORD_DEFERRED_STACKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/event.h"
#include "recorder/symbols/kallsyms.h"
#include "recorder/record/blocked_threads.h"
#include "recorder/proc/target.h"

#define DEFERRED_THRESHOLD_NS 50000000

struct deferred_stacks;

struct deferred_stacks_options {
	const struct blocked_threads *blocked;
	const struct target *target;	/* its threads are read first */
	const struct kallsyms *kallsyms; /* NULL: no stacks; in place until deferred_stacks_stuck() is 0 */
	uint64_t threshold_ns;		/* 0: DEFERRED_THRESHOLD_NS */
	/* Called by deferred_stacks_look() with each FT_EVENT_STATE that counts; borrowed during the call. */
	void (*emit)(void *context, const struct ft_event *event);
	void *context;
};

struct deferred_stacks_status {
	uint64_t read, kept;
	uint64_t changed;		/* dropped, because an event changed the thread meanwhile */
	uint64_t left_behind;		/* readers that did not end in time */
};

/* Return: 0 or -ENOMEM. */
int deferred_stacks_create(const struct deferred_stacks_options *options,
			   struct deferred_stacks **ret_deferred);
void deferred_stacks_destroy(struct deferred_stacks *deferred);

/**
 * deferred_stacks_look() - read the stacks that became due, emit those that proved true.
 *
 * Never waits. Reading /proc/PID/task/TID/stack may block while the task is in execve(), so
 * another thread reads. A reader that is stuck is left behind; after several of them no more
 * stacks are read. Call it from one thread, several times within the threshold.
 *
 * @drained_ns: events up to then have reached options.blocked.
 */
void deferred_stacks_look(struct deferred_stacks *deferred, uint64_t drained_ns);

/* The same, but begin to read no others. */
void deferred_stacks_take(struct deferred_stacks *deferred, uint64_t drained_ns);

/* Were stacks read, or are they, that a later look may emit? */
bool deferred_stacks_reading(const struct deferred_stacks *deferred);

void deferred_stacks_status(const struct deferred_stacks *deferred,
			    struct deferred_stacks_status *ret_status);

/* How many readers of this process were left behind and have not ended yet. */
unsigned int deferred_stacks_stuck(void);

#endif
