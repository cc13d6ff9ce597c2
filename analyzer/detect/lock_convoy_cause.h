/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The part of a finding that says why the holder was slow, and who else was
 * drawn into it.
 */
#ifndef ANALYZER_DETECT_LOCK_CONVOY_CAUSE_H
#define ANALYZER_DETECT_LOCK_CONVOY_CAUSE_H

#include "analyzer/detect/lock_convoy_finding.h"
#include "analyzer/model.h"
#include "analyzer/blame/contended_lock.h"

/* Of @finding, which has its culprit and its victims already: why, links, pivot, outsiders. 0 or -ENOMEM. */
int lock_convoy_cause(const struct detect_context *context, const struct contended_lock *suspect,
		 struct model_finding *finding);

/* The lines of evidence for it. 0 or -ENOMEM. */
int lock_convoy_cause_evidence(const struct contended_lock *suspect, const struct model *model,
			  struct model_finding *finding);

#endif
