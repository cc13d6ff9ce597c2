/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --blocked N --for T: a trigger when N threads of the target have been in a wait that cannot be
 * idle for T at the same time: in an uninterruptible sleep, stopped, traced, frozen, or in a sleep
 * whose function says so. And one when the target as a whole stands still (sleeper_watch.h).
 */
#ifndef RECORDER_TRIGGER_BLOCKED_TRIGGER_H
#define RECORDER_TRIGGER_BLOCKED_TRIGGER_H

#include <stdint.h>

#include "recorder/record/blocked_threads.h"
#include "recorder/proc/target.h"
#include "recorder/trigger/sleeper_watch.h"
#include "recorder/trigger/trigger_queue.h"

/* The caller fills it in and owns it. */
struct blocked_trigger {
	const struct blocked_threads *blocked;
	const struct target *target;
	struct trigger_queue *triggers;
	uint32_t threads;		/* N */
	uint64_t for_ns;		/* T */
	struct sleeper_watch *sleepers;	/* NULL: sleeping threads are not looked at */
	bool fired;			/* a trigger was posted and its condition still holds; at first false */
	bool fired_still;		/* likewise of the standstill */
};

/**
 * blocked_trigger_look() - post a trigger if the condition holds and did not at the last call.
 *
 * @drained_ns: events up to then have reached @blocked, so a thread blocked then was really blocked.
 */
void blocked_trigger_look(struct blocked_trigger *trigger, uint64_t drained_ns);

#endif
