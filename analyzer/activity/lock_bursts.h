/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waits of one thread for one lock that follow each other so closely that they are one stall.
 *
 * A lock that one thread takes again and again, each time for long, freezes the others as one hold
 * of the same length would: between two waits they hardly get on. A lock that many
 * want, and get in turn, does not: so a wait belongs to a burst only if the lock was held long
 * in it, and always by the same thread.
 */
#ifndef ANALYZER_ACTIVITY_LOCK_BURSTS_H
#define ANALYZER_ACTIVITY_LOCK_BURSTS_H

#include <stdbool.h>
#include <stdint.h>

#include "analyzer/activity/wait_stats.h"

/* All zero: no burst yet. */
struct lock_burst {
	bool open;
	const struct thread *holder;
	struct long_wait so_far;	/* up to where most was waited for what was not */
	struct long_wait since;		/* the waits after that; blocked_ns 0: none */
	uint64_t last_end_ns;
	int64_t score_ns, best_ns;
};

/**
 * lock_burst_add() - the next wait of a thread, for a lock.
 *
 * @holder: of the longest hold in it; NULL: not known, or no hold was long.
 *
 * Return: whether a burst ended before @wait, which is then in *ret_ended. A burst may be a single wait.
 */
bool lock_burst_add(struct lock_burst *burst, const struct long_wait *wait, const struct thread *holder,
		struct long_wait *ret_ended);

/* No more waits. Return: whether a burst was open, which is then in *ret_ended. */
bool lock_burst_end(struct lock_burst *burst, struct long_wait *ret_ended);

#endif
