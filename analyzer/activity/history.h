/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every thread of the host did, from the start of the recording to its end: the answer to all
 * questions about the past. One replay fills it; detectors, chains of waits and explanations only
 * ask.
 *
 * Bounded: where HISTORY_BYTES_MAX would not hold all intervals, those shorter than
 * history_resolution_ns() are put together, by thread, with what is alike of them (state, class or
 * CPU, lock and owner) in one sum; the resolution doubles until all is within the bound. The order
 * within one resolution is lost. Sums by state stay right, and so do those by what is alike, unless
 * a thread has more than four kinds of intervals within one resolution.
 */
#ifndef ANALYZER_ACTIVITY_HISTORY_H
#define ANALYZER_ACTIVITY_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyzer/locks/lock_tracker.h"
#include "analyzer/timeline/stack_info.h"
#include "analyzer/timeline/timeline.h"
#include "analyzer/trace/source.h"

#define HISTORY_BYTES_MAX (96u << 20)	/* of intervals, with the lock waits in them */
#define HISTORY_EVENTS_MAX (1u << 19)	/* of single events, 48 bytes each; where there are more, the older ones go */

/* One interval of a thread, or several short ones that are alike. */
struct history_interval {
	uint64_t start_ns, end_ns;
	uint32_t waker;		/* BLOCKED: index of the thread whose waking ended it, see history_waker(); HISTORY_NOBODY */
	uint32_t stack_id;	/* as in struct interval */
	uint32_t waker_stack_id, waker_cpu; /* BLOCKED: of that waking */
	uint32_t cpu;		/* as in struct interval */
	uint32_t lock_wait;	/* see history_lock_wait() */
	uint32_t merged;	/* so many short intervals, the time is their sum; 0: it is one interval */
	uint8_t flags;		/* INTERVAL_* */
	uint8_t state;		/* enum thread_state */
	uint8_t class;		/* enum wait_class: BLOCKED, and RUNNABLE (cpu.*, or what it was preempted in) */
	uint8_t prev_state : 4;	/* enum ft_task_state: as in struct interval */
	uint8_t direction : 3;	/* enum wait_direction: BLOCKED, RUNNABLE */
	bool waker_in_interrupt : 1;
};

#define HISTORY_NOBODY UINT32_MAX

/* A part of a wait for a lock during which one thread held it. */
struct history_charge {
	struct thread *owner;	/* NULL: several, each for a moment */
	uint64_t start_ns, end_ns;
	enum grade grade;
};

/* What a blocked interval was for, where that was a lock. */
struct history_lock_wait {
	const struct lock *lock;
	uint32_t number;	/* of the thread's waits for locks: sleeps with the same number are one wait */
	enum lock_mode mode;	/* how it wanted the lock; NONE: not known */
	const struct history_charge *charges; /* in order of time */
	size_t charge_count;
};

/* What else was seen of a thread, for the excerpt of events around a wait. */
struct history_event {
	uint64_t at_ns;
	uint32_t cpu, stack_id;
	uint8_t kind;		/* enum ft_event_kind: LOCK_BEGIN, LOCK_HOLD, CALL, STATE */
	uint8_t state;		/* STATE: enum ft_task_state */
	uint8_t call;		/* CALL: enum ft_call */
	bool wakes;		/* CALL of futex(2): see futex_wakes_call() */
	uint32_t flags;		/* LOCK_BEGIN: FT_LOCK_*; LOCK_HOLD: FT_HOLD_* */
	uint64_t address;	/* of the lock, the futex */
	uint64_t bytes;		/* CALL */
};

struct history_sample {
	uint64_t time_ns;
	uint32_t stack_id;
};

struct history;

/**
 * history_create() - an empty history of the recording from @start_ns to @end_ns, or of a part of
 * it.
 *
 * What is outside of the span is left out, and what reaches into it is cut. @stack_infos and
 * @threads are borrowed.
 *
 * Return: 0 or -ENOMEM.
 */
int history_create(struct stack_infos *stack_infos, const struct threads *threads, uint64_t start_ns,
		   uint64_t end_ns, struct history **ret_history);
void history_destroy(struct history *history);

/* Before filling it: about so many intervals are to come. Where they cannot all be kept, short ones are put together
 * from the start. */
void history_expect(struct history *history, uint64_t intervals);

/* Filling it: each event in order; each charge of the wait that is closed next (the latest first, as ownership reports
 * them); each interval, after lock_tracker_closed(). 0 or -ENOMEM. */
int history_event(struct history *history, const struct event *event);
int history_charged(struct history *history, struct thread *owner, uint64_t start_ns, uint64_t end_ns,
		    enum grade grade);
/* For ownership_watcher.short_ns: owners that had a lock for less may come put together, as
 * nobody's. */
const uint64_t *history_short_charge_ns(const struct history *history);
int history_closed(struct history *history, const struct lock_tracker *locks, const struct interval *interval);
int history_finish(struct history *history); /* what was put together becomes intervals */

/* Intervals shorter than this are put together. 0: none are. */
uint64_t history_resolution_ns(const struct history *history);
/* Whether it is coarser than a millisecond: HISTORY_BYTES_MAX was hit. */
bool history_is_coarse(const struct history *history);
size_t history_bytes(const struct history *history);

/* What a thread did, in order of time, without overlap; an idle task RUNS while its CPU has
 * nothing to do. Borrowed. */
size_t history_intervals(const struct history *history, const struct thread *thread,
			 const struct history_interval **ret_intervals);

/* The first of @thread's intervals that ends after @time_ns, as an index of history_intervals(). */
size_t history_at(const struct history *history, const struct thread *thread, uint64_t time_ns);

/* A walk over the intervals of one thread that overlap a span. */
struct history_cursor {
	const struct history_interval *next, *end;
	uint64_t from_ns, to_ns;
};
struct history_cursor history_walk(const struct history *history, const struct thread *thread,
				   uint64_t from_ns, uint64_t to_ns);
/* The next interval, NULL after the last. *@ret_from_ns, *@ret_to_ns: the part of it within the
 * span. */
const struct history_interval *history_next(struct history_cursor *cursor, uint64_t *ret_from_ns,
					    uint64_t *ret_to_ns);

/* Who ended a blocked interval; NULL where not seen. */
struct thread *history_waker(const struct history *history, const struct history_interval *interval);

/* False where the interval is no wait for a lock. */
bool history_lock_wait(const struct history *history, const struct history_interval *interval,
		       struct history_lock_wait *ret_wait);

size_t history_samples(const struct history *history, const struct thread *thread,
		       const struct history_sample **ret_samples);
/* In order of time. */
size_t history_events(const struct history *history, const struct thread *thread,
		      const struct history_event **ret_events);

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

/* A part of an interval with one answer to "who kept it waiting". */
struct history_piece {
	uint64_t start_ns, end_ns;	/* within the span asked for */
	struct thread *by;	/* of WAKER, OWNER...; else NULL */
	uint32_t stack_id;	/* BLOCKED, RUNNABLE: where */
	uint32_t by_stack_id;	/* of by when it woke the thread; STACK_NONE where it was another */
	uint32_t cpu;		/* as in struct interval */
	enum thread_state state : 8;
	enum wait_class class : 8;	/* BLOCKED, RUNNABLE */
	enum wait_direction direction : 8;
	enum history_link link : 8;	/* BLOCKED */
	bool interval_end : 1;	/* of the interval it is a piece of */
	bool all_along : 1;	/* it was so from the recording's start to its end */
};

/* Whether by held the lock that was waited for, however sure that is. */
bool history_names_owner(const struct history_piece *piece);

/* A walk over the pieces: waits for locks are cut where the owner changes. */
struct history_pieces {
	const struct history *history;
	struct history_cursor cursor;
	const struct history_interval *interval;	/* that is being cut; NULL */
	struct history_lock_wait wait;
	size_t charge;		/* the next one */
	uint64_t at_ns, to_ns, short_ns;
};
/* @short_ns: owners that had the lock for less than that, one after the other, had it IN_TURNS. */
struct history_pieces history_walk_pieces(const struct history *history, const struct thread *thread,
					  uint64_t from_ns, uint64_t to_ns, uint64_t short_ns);
bool history_next_piece(struct history_pieces *pieces, struct history_piece *ret_piece);

#endif
