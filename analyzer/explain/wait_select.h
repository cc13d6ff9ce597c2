/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which wait of a thread is to be explained.
 */
#ifndef ANALYZER_EXPLAIN_WAIT_SELECT_H
#define ANALYZER_EXPLAIN_WAIT_SELECT_H

#include "analyzer/activity/thread_waits.h"
#include "analyzer/explain/explain.h"

struct wait_selection {
	struct thread_wait wait;
	enum explain_choice choice;
	uint64_t waits_seen;
	const struct model_culprit *culprit; /* EXPLAIN_OF_VICTIM: of the model; else NULL */
};

/* As explain_run(). */
int wait_select_find(const struct observations *observations, const struct model *model,
		     const struct wait_spec *spec, struct wait_selection *ret_selection,
		     char **ret_message);

#endif
