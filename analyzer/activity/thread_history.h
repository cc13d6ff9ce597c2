/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What some threads did in one window of time, piece by piece, with who ended
 * each wait: what chains of waits are followed through.
 *
 * Bounded: pieces shorter than a small part of the window are put together, state by
 * state, so that their sums stay right and their order within that part is lost.
 */
#ifndef ANALYZER_ACTIVITY_THREAD_HISTORY_H
#define ANALYZER_ACTIVITY_THREAD_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyzer/locks/futex_locks.h"
#include "analyzer/activity/cpu_profile.h"
#include "analyzer/trace/source.h"
#include "analyzer/timeline/stack_info.h"
#include "analyzer/timeline/timeline.h"

/* What is known of who kept a blocked thread waiting. */
enum history_link {
	LINK_NONE,		/* nothing */
	LINK_OPEN,		/* nothing, as the recording ended first */
	LINK_INTERRUPT,		/* a device or a timer ended it */
	LINK_WAKER,		/* by woke it */
	LINK_OWNER,		/* by held the lock, as its release proves */
	LINK_OWNER_EXACT,	/* by held the lock, the kernel says */
	LINK_OWNER_PLAUSIBLE,	/* by may have held the lock */
	LINK_IN_TURNS,		/* many held the lock, each for a moment */
};

struct history_piece {
	uint64_t start_ns, end_ns;
	struct thread *by;	/* of WAKER, OWNER...; else NULL */
	uint32_t stack_id;	/* BLOCKED, RUNNABLE: where */
	uint32_t by_stack_id;	/* of by when it woke the thread; STACK_NONE where it was another */
	uint32_t cpu;		/* as in struct interval */
	enum thread_state state : 8;
	enum wait_class class : 8;	/* BLOCKED, RUNNABLE */
	enum history_link link : 8;	/* BLOCKED */
	bool interval_end : 1;	/* of the interval it is a piece of */
	bool all_along : 1;	/* it was so from the recording's start to its end */
};

/* By whose hold the wait is explained, however sure that is. */
bool history_of_owner(const struct history_piece *piece);

struct history_sample {
	uint64_t time_ns;
	uint32_t stack_id;
};

struct history;

/**
 * history_create() - a history of nobody.
 *
 * @futexes: borrowed; NULL: none is known to be a lock.
 * @counts: whose pieces are kept from the first reading on, beside those who are watched.
 *
 * Return: 0 or -ENOMEM.
 */
int history_create(struct stack_infos *stackfacts, const struct futex_locks *futexes, uint64_t start_ns, uint64_t end_ns,
		   bool (*counts)(void *context, const struct thread *thread), void *context,
		   struct history **ret_history);
void history_destroy(struct history *history);

/* The next reading keeps @thread too. 0 or -ENOMEM. */
int history_watch(struct history *history, struct thread *thread);

/* Whether a reading has brought its pieces. */
bool history_has(const struct history *history, const struct thread *thread);

/* Threads watched whose pieces are still to come. */
size_t history_missing(const struct history *history);

/**
 * history_read() - read @source once, and keep those who are not kept yet.
 *
 * @closed: sees each interval too, of any thread; NULL: nobody does.
 *
 * Return: 0, -ENOMEM, -EIO.
 */
int history_read(struct history *history, struct source *source,
		 int (*closed)(void *context, const struct interval *interval), void *context);

/* In order of time, without overlap; borrowed until the next reading. */
size_t history_pieces(const struct history *history, const struct thread *thread,
		      const struct history_piece **ret_pieces);
size_t history_samples(const struct history *history, const struct thread *thread,
		       const struct history_sample **ret_samples);

/* Of @thread's CPU samples from @start_ns to @end_ns. Free with cpu_profile_free(). Return: 0 or -ENOMEM. */
int history_profile(const struct history *history, const struct stack_table *stacks,
		    struct thread *thread, uint64_t start_ns, uint64_t end_ns,
		    struct cpu_profile *ret_profile);

/* The first of @thread's pieces that ends after @time_ns, an index of history_pieces(). */
size_t history_at(const struct history *history, const struct thread *thread, uint64_t time_ns);

#endif
