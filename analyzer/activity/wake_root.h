/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who stands at the root of the wake-ups that ended a wait: the waker, or the waker of a waker that waited likewise,
 * and so on.
 */
#ifndef ANALYZER_ACTIVITY_WAKE_ROOT_H
#define ANALYZER_ACTIVITY_WAKE_ROOT_H

#include <stdint.h>

#include "analyzer/activity/history.h"

enum wake_end {
	WAKE_UNSEEN,	/* who woke it was not recorded, or the chain is a circle */
	WAKE_OPEN,	/* nobody, until the recording ended */
	WAKE_TIMER,	/* its own time limit; a waker that its own one ended is a THREAD, which slept */
	WAKE_OUTSIDE,	/* an interrupt: a device, the network */
	WAKE_THREAD
};

struct wake_root {
	enum wake_end end;
	struct thread *thread;	/* THREAD; else NULL */
	uint32_t stack_id;	/* where it woke the first of the chain */
	uint32_t links;		/* threads from the waiter to the root; 1: the waker itself */
	uint64_t at_ns;		/* when the chain began; UNSEEN, OPEN: when the last known wait ended */
};

/* @wait: a blocked interval of @thread in @history. */
struct wake_root wake_root_find(const struct history *history, struct stack_infos *stack_infos,
				const struct thread *thread, const struct history_interval *wait);

/* What ended @wait: WAKE_THREAD where a thread did by its own work. */
enum wake_end wake_root_end(const struct history *history, struct stack_infos *stack_infos,
			    const struct history_interval *wait);

/* The blocked interval of @thread that covers half or more of the time from @start_ns to @end_ns; NULL. */
const struct history_interval *wake_root_wait_meanwhile(const struct history *history,
							const struct thread *thread,
							uint64_t start_ns, uint64_t end_ns);

#endif
