/* SPDX-License-Identifier: Apache-2.0 */
/* Who ended when others began to wait for ever: it may have had what they wait for. */
#ifndef ANALYZER_DETECT_DEAD_OWNER_H
#define ANALYZER_DETECT_DEAD_OWNER_H

#include "analyzer/activity/observations.h"

/**
 * dead_owner_find() - a thread that ended about when others stopped.
 *
 * It is of the same process as @waiter, or of the target, or of another process with that name.
 *
 * @from_ns, @to_ns: when the first one, and the one who waited longest, stopped.
 *
 * Return: the last of them; NULL: there is none.
 */
const struct thread *dead_owner_find(const struct observations *observations, const struct thread *waiter,
				     uint64_t from_ns, uint64_t to_ns);

#endif
