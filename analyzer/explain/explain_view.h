/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From what was found about a wait, on the clock of the events, to what is
 * shown of it.
 */
#ifndef ANALYZER_EXPLAIN_EXPLAIN_VIEW_H
#define ANALYZER_EXPLAIN_EXPLAIN_VIEW_H

#include "analyzer/explain/explain.h"

struct explain_context {
	const struct stack_table *stacks;
	struct stack_infos *stackfacts;
	const struct model *model;
};

void explain_fill_wait(const struct explain_context *context, const struct deed_wait *deed,
		       struct explain_wait *ret_wait);

/* Return: 0 or -ENOMEM. */
int explain_fill_trail(const struct explain_context *context, const struct event_excerpt *trail,
		       struct explain_trail *ret_trail);

/* Where the chain ends with this wait; EXPLAIN_GOES_ON: with its waker, a thread, it goes on. */
enum explain_root explain_root_of(const struct explain_context *context,
				  const struct explain_wait *wait);

struct model_stack explain_stack(const struct explain_context *context, uint32_t stack_id);

#endif
