/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an explanation shows of a wait, made from what was found about it on the clock of the
 * events.
 */
#ifndef ANALYZER_EXPLAIN_EXPLAIN_VIEW_H
#define ANALYZER_EXPLAIN_EXPLAIN_VIEW_H

#include "analyzer/explain/explain.h"

struct explain_context {
	const struct observations *observations;
	const struct model *model;
	const struct stack_table *stacks;
};

void explain_fill_wait(const struct explain_context *context, const struct thread_wait *observed,
		       struct explain_wait *ret_wait);

/* The events that @query asks for. Return: 0 or -ENOMEM. */
int explain_fill_excerpt(const struct explain_context *context,
			 const struct event_excerpt_query *query,
			 struct explain_excerpt *ret_excerpt);

/* Where the chain ends with this wait. EXPLAIN_GOES_ON: it goes on with the waker. */
enum explain_root explain_root_of(const struct explain_context *context,
				  const struct explain_wait *wait);

struct model_stack explain_stack(const struct explain_context *context, uint32_t stack_id);

#endif
