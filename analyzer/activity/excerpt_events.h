/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The events of one thread, in order of time, read back from its history.
 *
 * The history keeps intervals, not switches and wakings: their edges are the events.
 */
#ifndef ANALYZER_ACTIVITY_EXCERPT_EVENTS_H
#define ANALYZER_ACTIVITY_EXCERPT_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyzer/activity/history.h"

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
	uint64_t held;			/* when it acquired this lock, however early; 0: any lock */
	const struct thread *wakes;	/* when it wakes this one, and whom at end_ns; NULL */
};

/* What the history keeps of events, several kinds of it. */
enum excerpt_origin { FROM_EDGES, FROM_EVENTS, FROM_SAMPLE, FROM_WAKES, EXCERPT_ORIGINS };

struct excerpt_events {
	const struct history *history;
	const struct threads *threads;
	const struct event_excerpt_query *query;
	const struct history_interval *intervals, *interval, *intervals_end;
	bool at_end;		/* the next edge is the end of the interval */
	const struct history_event *event, *events_end;
	const struct history_interval *woken, *woken_end; /* of query->wakes */
	bool end_is_read;	/* who was woken at query->end_ns was looked for */
	struct excerpt_event next[EXCERPT_ORIGINS];
};

/* From what can have led to the span up to the end of the recording. All is borrowed. */
void excerpt_events_begin(struct excerpt_events *events, const struct history *history,
			  const struct threads *threads, const struct event_excerpt_query *query);

/* False after the last event. Of CPU samples, only the last one before the span is an event. */
bool excerpt_events_next(struct excerpt_events *events, struct excerpt_event *ret_event);

/* For qsort(): by time. */
int excerpt_events_compare(const void *left, const void *right);

#endif
