/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From examined suspects to findings that a stranger can read and check.
 */
#ifndef ANALYZER_DETECT_LOCK_CONVOY_FINDING_H
#define ANALYZER_DETECT_LOCK_CONVOY_FINDING_H

#include "analyzer/blame/contended_lock.h"
#include "analyzer/detect/detectors.h"


/**
 * lock_convoy_finding() - mmap-lock-convoy, futex-convoy or kernel-lock-convoy from @suspect.
 *
 * @model: its capture part is complete; gets the finding appended.
 *
 * Return: 0 or -ENOMEM.
 */
int lock_convoy_finding(const struct detect_context *context, const struct contended_lock *suspect,
		    struct model *model);

/* no-stall, from the model's stall part. Return: 0 or -ENOMEM. */
int no_stall_finding(struct model *model);

#endif
