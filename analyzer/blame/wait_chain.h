/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A wait followed to its root: who held or woke the waiter, what that one did
 * meanwhile, and where it waited itself, for whom, and so on.
 *
 * Bounded: never outside of the time of the original wait, at most
 * CHAIN_DEPTH_MAX threads deep, no thread twice in one chain.
 */
#ifndef ANALYZER_BLAME_WAIT_CHAIN_H
#define ANALYZER_BLAME_WAIT_CHAIN_H

#include <stdint.h>

#include "analyzer/activity/history.h"
#include "analyzer/model.h"

#define CHAIN_DEPTH_MAX 8

enum root_kind {
	ROOT_RUNNING,	/* the thread ran */
	ROOT_NO_CPU,	/* it wanted to */
	ROOT_THROTTLED,
	ROOT_DEVICE,	/* it waited for a disk, a network file system ... */
	ROOT_MEMORY,	/* for the kernel to find memory */
	ROOT_TIMER,	/* it slept until a time */
	ROOT_OUTSIDE,	/* for an interrupt: the network, a terminal, a time */
	ROOT_STOPPED,
	ROOT_IN_TURNS,	/* for a lock that many had in turn, each for a moment */
	ROOT_CYCLE,	/* for a lock of a thread that waits for it */
	ROOT_UNKNOWN
};

/* One piece of a wait, at its root. */
struct wait_chain_root {
	enum root_kind kind;
	struct thread *thread;		/* at the end of the chain */
	unsigned int depth;		/* hand-overs from the waiter to thread; 0: it is the waiter */
	enum wait_class class;		/* of thread's wait; WAIT_UNKNOWN where it ran */
	uint32_t stack_id;		/* of thread's wait */
	uint64_t start_ns, end_ns;
	enum grade grade;		/* of the chain; EXACT: the kernel named who held the lock, and that one is thread */
};

struct wait_chain_walk {
	const struct history *history;
	uint64_t short_ns;		/* owners of a lock that had it for less, one after the other, are nobody */
	struct stack_infos *stack_infos;
	/* Each moment of the wait comes once. What it returns other than 0 ends the walk. */
	int (*root)(void *context, const struct wait_chain_root *root);
	void *context;
	uint64_t steps_left;		/* what is cut off when they are used up is unknown */
};

/* What was behind one piece of @thread's time. Return: 0, -ENOMEM or what root returned. */
int wait_chain_follow_piece(struct wait_chain_walk *walk, struct thread *thread,
			    const struct history_piece *piece);

#endif
