/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What short waits were for, where the recorder took the stack of only some of them.
 *
 * With sampled stacks every 16th interruptible switch has one. Which one that is has nothing to do with
 * what it waits for, so the time of those that have none is shared out as the time of those that have one; but for
 * classes that the call before the wait tells: those are known without a stack.
 * Long waits take no part: the recorder reads their stacks from /proc.
 */
#ifndef ANALYZER_ACTIVITY_WAIT_ESTIMATE_H
#define ANALYZER_ACTIVITY_WAIT_ESTIMATE_H

#include <stdbool.h>
#include <stdint.h>

#include "analyzer/timeline/timeline.h"
#include "analyzer/timeline/wait_class.h"

/* Of how many waits, and how long in all. */
struct wait_sum {
	uint64_t ns, count;
};

/* The short interruptible waits of one thread. All zero: none yet. */
struct short_waits {
	struct wait_sum unseen;	/* those of which nothing tells what they were for */
	struct wait_sum seen[WAIT_CLASSES]; /* those with a stack */
	uint64_t told;		/* mask of classes that a call tells, too: without a stack as well */
};

/* Whether @interval, a blocked one, is a wait of which only a sample may have stacks. */
bool wait_estimate_counts(const struct interval *interval);

/* One more of those; @class: what its stack says, or the call that it waited in. */
void wait_estimate_note(struct short_waits *waits, const struct interval *interval, enum wait_class class);

/**
 * wait_estimate_make() - share out the waits without a stack.
 *
 * @ret_estimates: by class; adds up to waits->unseen.
 *
 * Return: false where too few waits were sampled to tell, or none is without a stack.
 */
bool wait_estimate_make(const struct short_waits *waits, struct wait_sum *ret_estimates);

/* @part of @whole, of @sum: an estimate that is rounded down. */
struct wait_sum wait_estimate_part(const struct wait_sum *sum, const struct wait_sum *part,
				   const struct wait_sum *whole);

#endif
