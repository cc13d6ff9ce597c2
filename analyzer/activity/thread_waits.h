/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one thread did in one span of time: how long it was in each state, where its CPU samples
 * are, and its most telling waits, each with whom it is charged to.
 */
#ifndef ANALYZER_ACTIVITY_THREAD_WAITS_H
#define ANALYZER_ACTIVITY_THREAD_WAITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyzer/activity/cpu_profile.h"
#include "analyzer/activity/history.h"

struct observations;

#define THREAD_WAITS_MAX 3
#define THREAD_WAIT_PIECES_MAX 12

/* One sleep, several sleeps for the same lock, or one time without a CPU. */
struct thread_wait {
	struct thread *thread;
	enum thread_state state;	/* BLOCKED or RUNNABLE */
	enum wait_class class;
	enum wait_direction direction;
	const char *detail;		/* NULL */
	const char *operation;		/* "" */
	uint64_t start_ns, end_ns;
	uint64_t waited_ns;		/* of it in @state: all of it where it is one sleep */
	uint32_t sleeps;
	unsigned int flags;		/* INTERVAL_*, of all its sleeps */
	uint32_t stack_id;		/* of its first sleep */
	struct thread *waker;		/* who ended it; NULL: not seen */
	uint32_t waker_stack_id;
	bool waker_in_interrupt;
	uint64_t ran_ns;		/* when it ran again; 0: not seen */
	uint32_t cpu;			/* where it ran again, or had run; FT_NO_CPU */
	bool is_lock;
	uint64_t lock_address;		/* 0: not known */
	int32_t lock_tgid;
	struct history_charge pieces[THREAD_WAIT_PIECES_MAX];	/* in order of time; the longest */
	size_t piece_count;
	uint64_t left_out_ns;		/* charged to somebody in the pieces left out, */
	uint32_t left_out;		/* so many */
	uint64_t overlap_ns;		/* of it within the span */
};

struct thread_waits_query {
	struct thread *thread;
	uint64_t start_ns, end_ns;
	/* Which waits to keep: those of the greatest rank, none of rank 0. NULL: by overlap_ns.
	 * It is asked about every wait of the thread, also outside of the span. */
	uint64_t (*rank)(void *context, const struct thread_wait *wait);
	void *context;
};

struct thread_waits {
	uint64_t state_ns[THREAD_STATES];	/* within the span */
	uint32_t intervals;			/* of any state, within it */
	struct thread_wait waits[THREAD_WAITS_MAX];	/* highest rank first */
	size_t wait_count;
	uint64_t waits_seen;			/* with a rank, those that were not kept included */
	struct cpu_profile profile;		/* CPU samples within the span */
};

/* Return: 0 or -ENOMEM. Free with cpu_profile_free(&ret_waits->profile). */
int thread_waits_find(const struct history *history, const struct stack_table *stacks,
		      struct stack_infos *stack_infos, const struct thread_waits_query *query,
		      struct thread_waits *ret_waits);

/* In the finest history that holds the span and the waits in it whole. */
int thread_waits_find_finest(const struct observations *observations,
			     const struct thread_waits_query *query,
			     struct thread_waits *ret_waits);

#endif
