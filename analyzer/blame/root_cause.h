/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why were the holders slow, and what is at the root of all that was waited for:
 * the readings that answer this, one where all threads involved are the
 * target's, at most CHAINS_READINGS_MAX.
 */
#ifndef ANALYZER_BLAME_ROOT_CAUSE_H
#define ANALYZER_BLAME_ROOT_CAUSE_H

#include <stddef.h>
#include <stdint.h>

#include "analyzer/model.h"
#include "analyzer/trace/source.h"
#include "analyzer/timeline/stack_info.h"
#include "analyzer/activity/stall.h"
#include "analyzer/blame/contended_lock.h"
#include "analyzer/trace/target.h"

#define CHAINS_READINGS_MAX 3

struct root_cause_context {
	struct source *source;
	struct stack_infos *stackfacts;
	const struct futex_locks *futexes;
	struct target *target;
	const struct stall *stall;
	uint64_t long_ns;		/* a runnable thread without a CPU for so long is hurt */
	uint64_t start_ns;		/* of the capture */
};

/**
 * root_cause_examine() - fill in owner, links, story, because and losses of examined @suspects, and @model's blame.
 *
 * @model: its coverage is complete.
 *
 * Return: 0, -ENOMEM, -EIO.
 */
int root_cause_examine(const struct root_cause_context *context, struct contended_lock *suspects, size_t count,
		   struct model *model);

#endif
