/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a history is kept: what the files that fill, bound and ask it share.
 */
#ifndef ANALYZER_ACTIVITY_HISTORY_PRIVATE_H
#define ANALYZER_ACTIVITY_HISTORY_PRIVATE_H

#include "analyzer/activity/history.h"

#include "analyzer/trace/per_thread.h"

/* A crowd keeps short intervals of so many kinds apart. */
#define CROWD_KINDS 8u

/* The lock wait of an interval, as kept. */
struct kept_lock_wait {
	const struct lock *lock;
	uint32_t number;
	uint32_t first_charge, charge_count;
	enum lock_mode mode;
};

/* Short intervals of one thread that are alike. */
struct crowd_kind {
	struct history_interval longest; /* speaks for all of them */
	uint64_t longest_ns, sum_ns;
	const struct lock *lock; /* NULL: no wait for a lock */
	struct history_charge charge; /* the longest; owner NULL: charged to nobody */
	uint32_t number;
	enum lock_mode mode;
};

/* Short intervals of one thread, one after the other. */
struct crowd {
	uint64_t start_ns, end_ns; /* equal: it is empty */
	struct crowd_kind kinds[CROWD_KINDS];
	size_t kind_count;
};

struct thread_history {
	struct history_interval *intervals;
	size_t count, room;
	struct history_sample *samples;
	size_t sample_count, sample_room;
	struct history_event *events;
	size_t event_count, event_room;
	struct crowd crowd;
};

/* What intervals refer to by number. */
struct lock_wait_table {
	struct kept_lock_wait *waits;
	size_t wait_count, wait_room;
	struct history_charge *charges;
	size_t charge_count, charge_room;
};

struct history {
	struct stack_infos *stack_infos;
	const struct threads *threads;
	uint64_t start_ns, end_ns;
	uint64_t resolution_ns;
	uint64_t short_charge_ns; /* owners of a lock for less, one after the other, are put together */
	struct per_thread entries; /* struct thread_history */
	struct lock_wait_table lock_waits;
	size_t interval_room; /* of all threads */
	size_t sample_count, event_count;
	bool full;
	bool grown; /* since history_limit_bytes() was called last */
	struct history_charge *pending; /* of the interval that is closed next, the latest first */
	size_t pending_count, pending_room;
	uint64_t *idle_since_ns; /* by CPU; 0: it is not idle, or that is not known */
	size_t cpu_count;
};

/* Whether two owners of a lock had it in turns, each for a moment, with no more than a moment from
 * one to the next, as it takes to wake up: they are put together, without a name. */
static inline bool history_charges_in_turns(const struct history_charge *charge,
					    const struct history_charge *next, uint64_t short_ns)
{
	return next->start_ns < charge->end_ns + short_ns &&
	       (!charge->owner || charge->end_ns - charge->start_ns < short_ns) &&
	       (!next->owner || next->end_ns - next->start_ns < short_ns);
}

/* @interval: its lock_wait is not set. @wait: lock NULL where it is for none. 0 or -ENOMEM, as
 * are the next ones. */
int history_keep_interval(struct history *history, struct thread_history *entry,
			  const struct history_interval *interval,
			  const struct history_lock_wait *wait);
/* Keep within the bound; where nothing helps any more, nothing more is kept. */
int history_limit_bytes(struct history *history);

/* @number: the lock_wait of an interval, not 0. */
void history_read_lock_wait(const struct lock_wait_table *table, uint32_t number,
			    struct history_lock_wait *ret_wait);

#endif
