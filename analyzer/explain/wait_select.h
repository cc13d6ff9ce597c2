/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which wait of a thread is to be explained.
 */
#ifndef ANALYZER_EXPLAIN_WAIT_SELECT_H
#define ANALYZER_EXPLAIN_WAIT_SELECT_H

#include "analyzer/activity/thread_waits.h"
#include "analyzer/explain/explain.h"

struct wait_selection {
	struct deed_wait wait;
	enum explain_choice choice;
	uint64_t waits_seen;
	const struct model_culprit *culprit; /* EXPLAIN_OF_VICTIM: of the model; else NULL */
};

/* As explain_run(). Reads the source once. */
int wait_select_find(struct source *source, struct stack_infos *stackfacts, const struct model *model,
		const struct wait_spec *moment, struct wait_selection *ret_chosen, char **ret_message);

#endif
