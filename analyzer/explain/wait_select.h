/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which wait of a thread is to be explained.
 */
#ifndef ANALYZER_CHOSEN_H
#define ANALYZER_CHOSEN_H

#include "analyzer/activity/thread_waits.h"
#include "analyzer/explain/explain.h"

struct chosen {
	struct deed_wait wait;
	enum explain_choice choice;
	uint64_t waits_seen;
	const struct model_culprit *culprit; /* EXPLAIN_OF_VICTIM: of the model; else NULL */
};

/* As explain_run(). Reads the source once. */
int chosen_find(struct source *source, struct stackfacts *stackfacts, const struct model *model,
		const struct moment *moment, struct chosen *ret_chosen, char **ret_message);

#endif
