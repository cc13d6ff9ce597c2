/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The events that bear on one thread in one span of time, a bounded number of
 * them: what led there, the first, the last, and how it got the CPU back.
 */
#ifndef ANALYZER_ACTIVITY_EVENT_EXCERPT_H
#define ANALYZER_ACTIVITY_EVENT_EXCERPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyzer/trace/source.h"

#define TRAIL_EVENTS_MAX 18

enum excerpt_kind {
	TRAIL_GETS_CPU,		/* switched in */
	TRAIL_LEAVES_CPU,	/* switched out: state, stack */
	TRAIL_WOKEN,		/* by other, whose stack it is */
	TRAIL_WAKES,		/* other, out of its own stack */
	TRAIL_LOCK_BEGIN,	/* address, lock_flags */
	TRAIL_LOCK_ACQUIRED,	/* address, lock_flags */
	TRAIL_LOCK_RELEASED,	/* likewise */
	TRAIL_CALL,		/* call, bytes (futex: address, wakes), stack */
	TRAIL_SAMPLE,		/* the last one before the span */
	TRAIL_SNAPSHOT,		/* the recorder looked: state, stack */
	TRAIL_HAS_RUN,		/* no event tells when it got the CPU, but by now it had */
};

struct event_excerpt_event {
	uint64_t at_ns;			/* clock of the events */
	enum excerpt_kind kind;
	uint32_t cpu;			/* or FT_NO_CPU */
	const struct thread *other;	/* NULL but for WOKEN and WAKES */
	uint32_t stack_id;
	bool in_interrupt;		/* WOKEN */
	enum ft_task_state state;
	uint64_t address;
	uint32_t lock_flags;		/* FT_LOCK_READ, FT_LOCK_WRITE */
	enum ft_call call;
	bool wakes;
	uint64_t bytes;
};

struct event_excerpt_options {
	const struct thread *thread;
	uint64_t start_ns, end_ns;
	bool until_it_runs;		/* go on behind end_ns up to its next time on a CPU, */
	uint64_t ran_ns;		/* which began then, as the timeline has it; 0: it does not know */
	uint64_t held;			/* that it acquired this lock bears on the span, whenever it was; 0: any */
	const struct thread *wakes;	/* waking this one, or anybody at end_ns, bears on it too; may be NULL */
};

struct event_excerpt;

int event_excerpt_create(const struct event_excerpt_options *options, struct event_excerpt **ret_trail);	/* 0 or -ENOMEM */
void event_excerpt_destroy(struct event_excerpt *trail);

/* Feed every event, in order. */
void event_excerpt_event(struct event_excerpt *trail, const struct event *event);

/**
 * event_excerpt_tell() - what was kept, in order of time.
 *
 * @ret_events:     room for TRAIL_EVENTS_MAX.
 * @ret_gap:        so many of @ret_events come before the events that were left out, ...
 * @ret_left_out:   ... of which there are so many.
 *
 * Return: how many.
 */
size_t event_excerpt_tell(const struct event_excerpt *trail, struct event_excerpt_event *ret_events, size_t *ret_gap,
		  uint64_t *ret_left_out);

#endif
