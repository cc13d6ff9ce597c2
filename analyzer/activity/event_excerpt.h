/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The events that bear on one thread in one span of time, a bounded number of them: what led there, the first, the
 * last, and how the thread got a CPU again.
 *
 * The history keeps intervals, not switches and wakings: their edges are the events. Where it has put short
 * intervals together, one of them stands for all, and the others are among those left out.
 */
#ifndef ANALYZER_ACTIVITY_EVENT_EXCERPT_H
#define ANALYZER_ACTIVITY_EVENT_EXCERPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyzer/activity/history.h"

#define EXCERPT_EVENTS_MAX 18

enum excerpt_kind {
	EXCERPT_GETS_CPU,	/* switched in */
	EXCERPT_LEAVES_CPU,	/* switched out: state, stack */
	EXCERPT_WOKEN,		/* by other, whose stack it is */
	EXCERPT_WAKES,		/* other, out of its own stack */
	EXCERPT_LOCK_BEGIN,	/* address, lock_flags */
	EXCERPT_LOCK_ACQUIRED,	/* address, lock_flags */
	EXCERPT_LOCK_RELEASED,	/* likewise */
	EXCERPT_CALL,		/* call, bytes (futex: address, wakes), stack */
	EXCERPT_SAMPLE,		/* the last one before the span */
	EXCERPT_SNAPSHOT,	/* the recorder looked: state, stack */
	EXCERPT_HAS_RUN,	/* no event tells when it got the CPU, but by now it had */
};

struct excerpt_event {
	uint64_t at_ns;			/* clock of the events */
	enum excerpt_kind kind;
	uint32_t cpu;			/* or FT_NO_CPU */
	const struct thread *other;	/* NULL but for WOKEN and WAKES */
	uint32_t stack_id;
	uint32_t merged;		/* stands for so many; 0: for itself */
	bool in_interrupt;		/* WOKEN */
	enum ft_task_state state;
	uint64_t address;
	uint32_t lock_flags;		/* FT_LOCK_READ, FT_LOCK_WRITE */
	enum ft_call call;
	bool wakes;
	uint64_t bytes;
};

struct event_excerpt_query {
	const struct thread *thread;
	uint64_t start_ns, end_ns;
	bool until_it_runs;		/* go on behind end_ns up to its next time on a CPU */
	uint64_t held;			/* that it acquired this lock bears on the span, whenever it was; 0: any */
	const struct thread *wakes;	/* waking this one, and then anybody at end_ns, bears on it too; NULL */
};

struct event_excerpt {
	struct excerpt_event events[EXCERPT_EVENTS_MAX]; /* in order of time */
	size_t count;
	size_t gap;			/* so many of events come before those that were left out, ... */
	uint64_t left_out;		/* ... of which there are so many */
};

/* @threads: of the recording. */
void event_excerpt_find(const struct history *history, const struct threads *threads,
			const struct event_excerpt_query *query,
			struct event_excerpt *ret_excerpt);

#endif
