/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Findings about a lock that was held for too long, in parts: who held it, why that took so long,
 * the evidence for it, and what to do.
 */
#ifndef ANALYZER_DETECT_LOCK_CONVOY_H
#define ANALYZER_DETECT_LOCK_CONVOY_H

#include "analyzer/blame/contended_lock.h"
#include "analyzer/detect/detectors.h"

/* What a detector finds that finds locks: a struct contended_lock, examined. See struct
 * detector. */
void lock_convoy_report(const struct detect_context *in, const void *found,
			struct model_finding *finding);
void lock_convoy_free(void *found);

/* Of @finding, which has its culprit and its victims already: why, links, pivot, outsiders. */
void lock_convoy_cause(const struct detect_context *context, const struct contended_lock *contended,
		       struct model_finding *finding);
/* The lines of evidence for it. */
void lock_convoy_tell_cause(const struct detect_context *context, const struct contended_lock *contended,
			    struct model_finding *finding);

/* @call: the allocation behind the hold; NULL. */
void lock_convoy_evidence(const struct detect_context *context, const struct contended_lock *contended,
			  const struct large_call *call, struct model_finding *finding);

/* @grows: the calls grow as of a table that doubles. */
void lock_convoy_advice(const struct model *model, const struct contended_lock *contended,
			const struct large_call *call, bool grows, struct model_finding *finding);

/* Not one hold made the stall but many, none of them half as long as it. */
bool lock_convoy_held_again_and_again(const struct contended_lock *contended, const struct model *model);

#endif
