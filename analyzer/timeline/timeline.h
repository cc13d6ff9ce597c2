/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What each thread was at each moment: running, runnable, blocked or unknown.
 *
 * The law: for each thread, the lengths of its intervals add up to the time it was observed,
 * exactly; intervals of a thread follow each other without hole or overlap. From the start of the
 * recording, or its birth, to the end of the recording, or its exit: the final switch-out, or where
 * that was lost the start of the loss.
 *
 * Idle tasks have no intervals: that a CPU has nothing to do is no thread's state.
 */
#ifndef ANALYZER_TIMELINE_TIMELINE_H
#define ANALYZER_TIMELINE_TIMELINE_H

#include <stdbool.h>
#include <stdint.h>

#include "analyzer/trace/source.h"
#include "analyzer/trace/threads.h"

enum thread_state {
	THREAD_UNKNOWN,
	THREAD_RUNNING,
	THREAD_RUNNABLE,
	THREAD_BLOCKED,
	THREAD_STATES
};

/* interval.flags */
#define INTERVAL_BEGAN_BEFORE 0x01	/* it already was so when the recording began */
#define INTERVAL_STILL_OPEN 0x02	/* it still was so when the recording ended */
#define INTERVAL_START_LOST 0x04	/* the true start fell into lost events: start_ns is the latest possible one */
#define INTERVAL_END_LOST 0x08		/* the true end fell into lost events: end_ns is the earliest possible one */
#define INTERVAL_WAKER_LOST 0x10	/* BLOCKED and ended without its wake-up being seen */
#define INTERVAL_PREEMPTED 0x20		/* RUNNABLE because preempted, or yielded; stack_id tells where in the kernel */
#define INTERVAL_SPANS_LOSS 0x40	/* BLOCKED at both ends, but events were lost between, for a lesser part of it: it may have run there */
#define INTERVAL_DOUBTFUL 0x80		/* and for long enough that it may have slept anew there: with INTERVAL_SPANS_LOSS */

struct interval {
	struct thread *thread;
	enum thread_state state;
	uint64_t start_ns, end_ns;	/* end_ns >= start_ns; while open: end_ns == start_ns */
	unsigned int flags;
	uint32_t cpu;			/* RUNNING: where; else where it last ran, or FT_NO_CPU */
	uint32_t stack_id;		/* RUNNING: at the switch-out that ended it; BLOCKED, RUNNABLE: at that before it, or from a snapshot; STACK_NONE */
	enum ft_task_state prev_state;	/* of the same switch-out; BLOCKED: OTHER where that wrongly said running */
	/* BLOCKED, of the waking that ended it; NULL, STACK_NONE where not seen: */
	struct thread *waker;
	uint32_t waker_stack_id, waker_cpu;
	bool waker_in_interrupt;
};

struct timeline_sink {
	/* A thread began to block (interval->end_ns not yet known). Comes before closed for every
	 * BLOCKED interval, late where only a later event told that it was blocked, and once more
	 * where a snapshot tells the stack of one that had none. May be NULL. */
	int (*opened)(void *context, const struct interval *interval);
	/* An interval is over: every interval of every thread comes here, in order for each thread;
	 * length 0 is left out, except of what was opened. May come late: what a thread was
	 * can become clear only from its next event. */
	int (*closed)(void *context, const struct interval *interval);
	void *context;
};	/* what a sink returns other than 0 ends the analysis and is returned */

struct timeline;

/* @start_ns: of the recording. Events before it tell who runs on their CPU, no more. */
int timeline_create(const struct timeline_sink *sink, uint64_t start_ns, struct timeline **ret_timeline);
void timeline_destroy(struct timeline *timeline);

/* Every CPU that runs somebody is sampled at least once in @within_ns. Without this nothing is taken from there
 * being no sample. */
void timeline_samples(struct timeline *timeline, uint64_t within_ns);

/* Feed every event in order of source_next(). Return: 0, -ENOMEM, or what a sink returned. */
int timeline_event(struct timeline *timeline, const struct event *event);

/* Close all that is open at @end_ns. Threads that the table mentions but no event did are unknown
 * throughout. */
int timeline_finish(struct timeline *timeline, const struct threads *threads, uint64_t end_ns);

/* How often another thread left a CPU than the one that had come to it: switches are missing that nobody counted.
 * Those of silent threads apart, whose switches are known to be. */
uint64_t timeline_contradictions(const struct timeline *timeline);

#endif
