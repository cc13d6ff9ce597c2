/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process of the target that was stopped (SIGSTOP, a debugger, a frozen
 * control group): which, since when, and who did it as far as that was seen.
 */
#ifndef ANALYZER_DETECT_STOPPED_PROCESS_H
#define ANALYZER_DETECT_STOPPED_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyzer/activity/observations.h"
#include "analyzer/activity/stall.h"
#include "analyzer/activity/victims.h"

struct stopped_process {
	int32_t tgid;		/* 0: none was */
	const char *comm;	/* of its main thread, else of the thread stopped longest; borrowed */
	const char *detail;	/* "traced", "freezer" ...; NULL: a signal */
	uint64_t start_ns, end_ns;	/* of the first and last thread's stop */
	bool began_before, still_open, doubtful;	/* doubtful: events were lost at an edge */
	struct victim *victims;	/* its threads that were, most blocked first */
	size_t victim_count, thread_count;	/* of how many that it had */
	uint64_t total_ns;	/* of all waits that hurt in the stall, for comparison */
	uint64_t stopped_ns;
	struct thread *stopper;	/* who woke one of them, to stop; NULL: not seen */
	uint32_t stopper_stack_id; /* STACK_NONE: not recorded; then it was the last to wake it */
	struct thread *waker;	/* who let it go on; NULL: not seen */
};

/* The process whose threads lost most time in @stall to being stopped. Return: 0 or -ENOMEM. Free with
 * stopped_process_free(). */
int stopped_process_find(const struct observations *observations, const struct stall *stall,
			 struct stopped_process *ret_stopped);
void stopped_process_free(struct stopped_process *stopped);

#endif
