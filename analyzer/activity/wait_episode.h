/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waits of one thread that follow each other so closely that they are one.
 *
 * A lock that one thread takes again and again, each time for long, freezes the others as one hold of the same length
 * would: between two waits they hardly get on. A lock that many want, and get in turn, does not: so a wait for a lock
 * belongs to an episode only if the lock was held long in it, and always by the same thread. Other waits are cut into
 * slices by the kernel's own design, as reclaim and throttling are: those in one operation belong together.
 */
#ifndef ANALYZER_ACTIVITY_WAIT_EPISODE_H
#define ANALYZER_ACTIVITY_WAIT_EPISODE_H

#include <stdbool.h>
#include <stdint.h>

#include "analyzer/locks/lock_tracker.h"
#include "analyzer/timeline/wait_class.h"

/* A wait of a thread that hurts. */
struct long_wait {
	struct thread *thread;
	enum wait_class class;
	const struct lock *lock;	/* NULL where the class is no lock */
	enum wait_direction direction;
	uint32_t stack_id;
	uint64_t start_ns, end_ns;
	uint64_t blocked_ns;		/* <= end_ns - start_ns */
	unsigned int flags;		/* INTERVAL_* of its first and last sleep */
};

/* All zero: no episode yet. */
struct wait_episode {
	bool open;
	const void *what;
	const struct thread *holder;
	struct long_wait so_far;	/* up to where most was waited for what was not */
	struct long_wait since;		/* the waits after that; blocked_ns 0: none */
	uint64_t last_end_ns;
	int64_t score_ns, best_ns;
};

/* The next wait of a thread. */
struct episode_wait {
	const struct long_wait *wait;
	const void *what;		/* the lock, or the operation: waits for the same belong together; NULL: it stands alone */
	const struct thread *holder;	/* of a lock: who had it longest meanwhile */
	uint64_t queued_ns;		/* since the wait before: the thread wanted a CPU, and did not get on */
};

/**
 * wait_episode_add() - the next wait of a thread.
 *
 * Return: whether an episode ended before it, which is then in *ret_ended. An episode may be a single wait.
 */
bool wait_episode_add(struct wait_episode *episode, const struct episode_wait *next, struct long_wait *ret_ended);

/* No more waits. Return: whether an episode was open, which is then in *ret_ended. */
bool wait_episode_end(struct wait_episode *episode, struct long_wait *ret_ended);

#endif
