/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The locks that the stall's waits were for, examined: within the stall, who
 * waited how long, who held it, and what the holder was doing.
 */
#ifndef ANALYZER_BLAME_CONTENDED_LOCK_H
#define ANALYZER_BLAME_CONTENDED_LOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyzer/activity/observations.h"
#include "analyzer/activity/victims.h"
#include "analyzer/activity/wait_stats.h"
#include "analyzer/blame/delay_breakdown.h"
#include "analyzer/blame/lock_turns.h"
#include "analyzer/activity/span_summary.h"
#include "analyzer/locks/ownership.h"
#include "analyzer/blame/queued_writer.h"
#include "analyzer/activity/stall.h"
#include "analyzer/trace/target.h"

#define CONTENDED_LOCKS_MAX 4
#define CONTENDED_LINKS_MAX 7

/* One that held what was waited for, and itself waited for a lock of the next one, or of the
 * owner. */
struct contended_lock_link {
	struct thread *thread;
	enum wait_class class;		/* of that lock */
	struct victim lost;		/* its own wait */
	uint64_t plausible_ns;		/* the part of it that no release proves */
};

struct contended_lock {
	enum wait_class class;		/* with address and tgid: which lock */
	uint64_t address;
	int32_t tgid;
	uint32_t wait_stack_id;		/* of its longest wait */
	uint64_t wait_ns, waits;	/* within the stall */
	struct victim *victims;		/* most blocked first */
	size_t victim_count;
	size_t indirect_count;		/* of them, those who waited only for locks of such as waited for this one */
	uint64_t indirect_ns;		/* lost to those locks */
	struct victim *outsiders;	/* likewise, of other processes than the target's */
	size_t outsider_count;
	bool has_owner;
	struct lock_owner holder;	/* the most blamed one within the stall */
	/* No owner, since more is charged to nobody than to any: that, and the best of them
	 * (thread may be NULL). */
	uint64_t nobody_ns;
	struct lock_owner candidate;
	const struct thread *gone;	/* no owner, and nobody let it go: who ended when they stopped; NULL */
	/* From the holder on; none: it is the owner itself. See lock_chain.h. */
	struct contended_lock_link links[CONTENDED_LINKS_MAX];
	size_t link_count;
	bool links_of_others;		/* they begin with another lock's holder, whose victims are in indirect_* */
	bool in_slices;			/* they waited with timeouts, again and again: see timed_lock.c */
	bool merged;			/* into another lock, that has the same owner: it has its victims too */
	struct lock_owner owner;	/* who is to blame; its longest is where all the waiting leads to */
	struct span_summary hold_summary;	/* of owner.longest */
	struct delay_breakdown hold_delays;	/* likewise */
	struct lock_turns turns;	/* of the owner: it did not hold the lock all that time */
	struct writer_queue queue;		/* who wanted it how */
	struct queued_writer queued_writer;	/* where readers held readers up */
	uint64_t lost_records;		/* in spans that overlap the stall or the hold ... */
	uint32_t gaps;			/* ... and how many such spans */
};

/**
 * contended_locks_find() - the locks with a tenth or more of the time lost in @stall to
 * waits for locks, most first; only their identity is filled in.
 *
 * @ret_locks: room for CONTENDED_LOCKS_MAX.
 *
 * Return: how many.
 */
size_t contended_locks_find(const struct long_wait *waits, size_t count, const struct stall *stall,
			    struct contended_lock *ret_locks);

/**
 * contended_locks_examine() - who waited for them in @stall, and who held them.
 *
 * What the owners did, and behind whom they waited, is for root_cause.h.
 *
 * Return: 0 or -ENOMEM. The victims are freed with contended_locks_free().
 */
int contended_locks_examine(struct contended_lock *locks, size_t count,
			    const struct observations *observations, const struct stall *stall);

/* @victim waited for a lock of one that waited for this. 0 or -ENOMEM. */
int contended_lock_add_indirect(struct contended_lock *contended, const struct victim *victim);
/* NULL: it is none. */
const struct victim *contended_lock_victim(const struct contended_lock *contended, const struct thread *thread);
/* Sort both lists, most blocked first, and take the owner out. */
void contended_lock_sort_victims(struct contended_lock *contended);
void contended_locks_free(struct contended_lock *locks, size_t count);

#endif
