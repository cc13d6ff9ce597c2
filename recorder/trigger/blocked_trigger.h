/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --blocked N --for T: a trigger when so many threads of the target have been
 * in an uninterruptible sleep, or stopped, for so long at the same time.
 */
#ifndef RECORDER_TRIGGER_BLOCKED_TRIGGER_H
#define RECORDER_TRIGGER_BLOCKED_TRIGGER_H

#include <stdint.h>

#include "recorder/record/blocked_threads.h"
#include "recorder/proc/target.h"
#include "recorder/trigger/trigger_queue.h"

/* All of it the caller's while the watch is in use. */
struct blocked_trigger {
	const struct blocked_threads *blocked;
	const struct target *target;
	struct trigger_queue *triggers;
	uint32_t threads;		/* so many */
	uint64_t for_ns;		/* so long */
	bool fired;			/* at first false */
};

/**
 * blocked_trigger_look() - post a trigger where it is so; again only after it was not so in between.
 *
 * @drained_ns: events until then have reached the sleepers: what is blocked then, is for sure.
 */
void blocked_trigger_look(struct blocked_trigger *trigger, uint64_t drained_ns);

#endif
