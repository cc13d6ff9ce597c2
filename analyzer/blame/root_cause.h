/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why were the holders slow, and what is at the root of all that was waited for:
 * the readings that answer this, one where all threads involved are the
 * target's, at most CHAINS_READINGS_MAX.
 */
#ifndef ANALYZER_CHAINS_H
#define ANALYZER_CHAINS_H

#include <stddef.h>
#include <stdint.h>

#include "analyzer/model.h"
#include "analyzer/trace/source.h"
#include "analyzer/timeline/stack_info.h"
#include "analyzer/activity/stall.h"
#include "analyzer/blame/contended_lock.h"
#include "analyzer/trace/target.h"

#define CHAINS_READINGS_MAX 3

struct chains_context {
	struct source *source;
	struct stackfacts *stackfacts;
	const struct futexes *futexes;
	struct target *target;
	const struct stall *stall;
	uint64_t long_ns;		/* a runnable thread without a CPU for so long is hurt */
	uint64_t start_ns;		/* of the capture */
};

/**
 * chains_examine() - fill in owner, links, story, because and losses of examined @suspects, and @model's blame.
 *
 * @model: its coverage is complete.
 *
 * Return: 0, -ENOMEM, -EIO.
 */
int chains_examine(const struct chains_context *context, struct suspect *suspects, size_t count,
		   struct model *model);

#endif
