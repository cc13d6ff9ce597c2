/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why were the holders slow, and what is at the root of all that was waited for.
 */
#ifndef ANALYZER_BLAME_ROOT_CAUSE_H
#define ANALYZER_BLAME_ROOT_CAUSE_H

#include <stddef.h>
#include <stdint.h>

#include "analyzer/model.h"
#include "analyzer/activity/stall.h"
#include "analyzer/blame/contended_lock.h"

struct root_cause_context {
	const struct observations *observations;
	const struct stall *stall;
	uint64_t long_ns;		/* a runnable thread without a CPU for so long is hurt */
};

/**
 * root_cause_examine() - fill in owner, links, hold_summary, hold_delays and losses of examined
 * @locks, and @model's blame.
 *
 * @model: its coverage is complete.
 *
 * Return: 0 or -ENOMEM.
 */
int root_cause_examine(const struct root_cause_context *context, struct contended_lock *locks, size_t count,
		   struct model *model);

#endif
