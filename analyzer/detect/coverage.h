/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much of what happened the capture holds, and what it therefore cannot say.
 */
#ifndef ANALYZER_DETECT_COVERAGE_H
#define ANALYZER_DETECT_COVERAGE_H

#include <stdint.h>

#include "analyzer/model.h"
#include "analyzer/trace/source.h"
#include "analyzer/activity/observations.h"
#include "analyzer/trace/target.h"

struct coverage_context {
	const struct source *source;
	struct observations *observations;	/* its losses and notes become the model's */
	struct target *target;
	uint64_t start_ns;		/* of the recording, on the clock of the events */
	uint64_t stall_ns;		/* what counts as a stall */
};

/* Losses, and whether a verdict is possible at all (model->no_verdict); after capture was filled. 0
 * or -ENOMEM. */
int coverage_fill(const struct coverage_context *context, struct model *model);

/* Events are missing that nobody counted: then no finding is more than plausible. */
void coverage_lower_grades(const struct coverage_context *context, struct model *model);

/* The sentences of coverage.cannot_say; when all else is in the model. 0 or -ENOMEM. */
int coverage_cannot_say(const struct coverage_context *context, struct model *model);

#endif
