/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The part of a finding that says why the holder was slow, and who else was
 * drawn into it.
 */
#ifndef ANALYZER_FINDINGS_WHY_H
#define ANALYZER_FINDINGS_WHY_H

#include "analyzer/detect/lock_convoy_finding.h"
#include "analyzer/model.h"
#include "analyzer/blame/contended_lock.h"

/* Of @finding, which has its culprit and its victims already: why, links, pivot, outsiders. 0 or -ENOMEM. */
int findings_why(const struct findings_context *context, const struct suspect *suspect,
		 struct model_finding *finding);

/* The lines of evidence for it. 0 or -ENOMEM. */
int findings_why_evidence(const struct suspect *suspect, const struct model *model,
			  struct model_finding *finding);

void findings_why_free(struct model_finding *finding);

#endif
