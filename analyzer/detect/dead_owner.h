/* SPDX-License-Identifier: Apache-2.0 */
/* Who ended when others began to wait for ever: it may have had what they wait for. */
#ifndef ANALYZER_DETECT_DEAD_OWNER_H
#define ANALYZER_DETECT_DEAD_OWNER_H

#include <stdbool.h>
#include <stddef.h>

#include "analyzer/activity/observations.h"
#include "analyzer/activity/victims.h"

/**
 * dead_owner_find() - a thread that ended about when others stopped.
 *
 * It is of the same process as the first of @victims, or of the target, or of another process with that name; and it
 * and the others had let each other go on before, as those do who share a lock.
 *
 * @victims: who wait, most time lost first; at least one.
 * @of_lock: they are known to wait for a lock: then the only one that ended will do, too, if it never had to wait.
 * @ret_gone: the last of them; NULL: there is none.
 *
 * Return: 0 or -ENOMEM.
 */
int dead_owner_find(const struct observations *observations, const struct victim *victims, size_t victim_count,
		    bool of_lock, const struct thread **ret_gone);

#endif
