/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one thread did during one span of time: states, where its CPU samples are, where it was
 * blocked longest.
 */
#ifndef ANALYZER_ACTIVITY_SPAN_SUMMARY_H
#define ANALYZER_ACTIVITY_SPAN_SUMMARY_H

#include <stdint.h>

#include "analyzer/activity/history.h"

struct span_summary {
	uint64_t state_ns[THREAD_STATES]; /* adds up to the span, where the thread was observed */
	uint32_t samples;		/* CPU samples of it in the span */
	const char *under;		/* innermost kernel function that nearly all of them are under; NULL */
	uint32_t samples_under;
	uint32_t stack_id;		/* where it mostly was: sampled most often, or blocked longest */
	enum wait_class blocked_class;	/* where it was blocked longest */
	uint32_t blocked_stack_id;	/* STACK_NONE: was not blocked */
	uint64_t longest_blocked_ns;	/* there, in all */
	/* Its longest blocked interval, and how much of that is in the span; 0: none. */
	struct history_interval sleep;
	uint64_t sleep_ns;
};

/* Return: 0 or -ENOMEM. */
int span_summary_read(const struct history *history, const struct stack_table *stacks,
		      struct stack_infos *stack_infos, const struct thread *thread,
		      uint64_t start_ns, uint64_t end_ns, struct span_summary *ret_summary);

#endif
