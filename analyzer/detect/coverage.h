/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much of what happened the capture holds, and what it therefore cannot say.
 */
#ifndef ANALYZER_DETECT_COVERAGE_H
#define ANALYZER_DETECT_COVERAGE_H

#include "analyzer/detect/detectors.h"

/* Losses, and whether a verdict is possible at all (model->no_verdict); after capture was filled.
 * Notes and extras of @prescan become the model's. 0 or -ENOMEM. */
int coverage_fill(const struct detect_context *in, struct prescan *prescan);

/* Events are missing that nobody counted: then no finding is more than plausible. */
void coverage_lower_grades(const struct detect_context *in);

/* The sentences of coverage.cannot_say; when all else is in the model. 0 or -ENOMEM. */
int coverage_cannot_say(const struct detect_context *in);

#endif
