/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lazy stacks: the stack of a thread that has been blocked for long, read from
 * /proc once, and kept only if the events show that it slept on across the read.
 */
#ifndef RECORDER_RECORD_DEFERRED_STACKS_H
#define RECORDER_RECORD_DEFERRED_STACKS_H

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
	const struct target *target;	/* its threads come first */
	const struct kallsyms *kallsyms; /* without it there are no stacks; in place until deferred_stacks_stuck() is 0 */
	uint64_t threshold_ns;		/* 0: DEFERRED_THRESHOLD_NS */
	/* Gets each FT_EVENT_STATE that counts, borrowed during the call, from the thread of deferred_stacks_look(). */
	void (*emit)(void *context, const struct ft_event *event);
	void *context;
};

struct deferred_stacks_status {
	uint64_t read, kept;
	uint64_t changed;		/* dropped: something happened to the thread meanwhile */
	uint64_t left_behind;		/* readings that did not end */
};

int deferred_stacks_create(const struct deferred_stacks_options *options, struct deferred_stacks **ret_deferred);	/* 0 or -ENOMEM */
void deferred_stacks_destroy(struct deferred_stacks *deferred);

/**
 * deferred_stacks_look() - read the stacks of those who became due, hand over what was read and is now known to be true.
 *
 * Never waits: /proc/PID/task/TID/stack may, for a task in the middle of execve(), so another thread reads,
 * and is left behind where it is stuck; several times, then no more stacks are read. From one thread, some
 * times within the threshold.
 *
 * @drained_ns: events until then have reached @sleepers.
 */
void deferred_stacks_look(struct deferred_stacks *deferred, uint64_t drained_ns);

void deferred_stacks_status(const struct deferred_stacks *deferred, struct deferred_stacks_status *ret_status);

/* Readings left behind that have not ended yet, of all there ever were. */
unsigned int deferred_stacks_stuck(void);

#endif
