/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of struct ownership, for ownership.c and ownership_charge.c.
 */
#ifndef ANALYZER_LOCKS_OWNERSHIP_PRIVATE_H
#define ANALYZER_LOCKS_OWNERSHIP_PRIVATE_H

#include "analyzer/locks/hold_list.h"
#include "analyzer/locks/ownership.h"
#include "analyzer/trace/per_thread.h"

/* The owner that the kernel's log named. */
struct named {
	const struct thread *thread;
	uint64_t start_ns, time_ns;	/* of its hold, as far as known, and of the line */
	bool start_exact;
};

struct open_wait {
	const struct thread *waiter;
	uint64_t start_ns;
};

/* Places count from 1; 0: none. */
struct member {
	uint32_t wait_place;	/* of its open wait */
	uint32_t owner_place;
};

struct ownership {
	struct ownership_watcher watcher;
	bool ambiguous;
	uint64_t last_release_ns;
	uint64_t contended_since_ns;	/* somebody has waited without pause since then */
	struct named named;		/* the last one; stale where something was released since */
	struct open_wait *waits;
	size_t wait_count, wait_room;
	struct hold_list holds;		/* since the oldest open wait at least */
	size_t prune_at;
	struct per_thread members;	/* struct member */
	uint32_t nobody_place;		/* of the owner that is nobody */
	struct lock_owner *owners;
	size_t owner_count, owner_room;
};

/* The entry of @thread, NULL for nobody, made if need be. NULL on lack of memory. */
struct lock_owner *ownership_owner(struct ownership *ownership, struct thread *thread);

/* Charge each hold for the waits that span it wholly: before holds are dropped, and before owners are asked
 * for. 0 or -ENOMEM. */
int ownership_settle(struct ownership *ownership);

/* Tell the watcher of a wait, and if it @counts charge it. 0 or -ENOMEM. */
int ownership_charge(struct ownership *ownership, const struct thread *waiter, uint64_t from_ns,
		     uint64_t to_ns, bool counts);

#endif
