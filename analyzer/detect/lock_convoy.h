/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a finding about a lock says of it beside who held it: its evidence, and what to do.
 */
#ifndef ANALYZER_DETECT_LOCK_CONVOY_H
#define ANALYZER_DETECT_LOCK_CONVOY_H

#include <stdbool.h>
#include <stdint.h>

#include "analyzer/detect/finding.h"
#include "analyzer/detect/lock_convoy_finding.h"

/* All return 0 or -ENOMEM unless their type says otherwise. @call: the allocation behind the hold; NULL. */
int lock_convoy_evidence(const struct detect_context *context, const struct contended_lock *suspect,
		    const struct large_call *call, const struct model *model,
		    struct model_finding *finding);

/* @grows: the calls grow as of a table that doubles. @lossy: events are missing from the capture. */
int lock_convoy_advice(const struct contended_lock *suspect, const struct large_call *call, bool grows, bool lossy,
		  struct model_finding *finding);

uint64_t lock_convoy_stall_ns(const struct model *model);

/* Not one hold made the stall but many, none of them half as long as it. */
bool lock_convoy_held_again_and_again(const struct contended_lock *suspect, const struct model *model);

#endif
