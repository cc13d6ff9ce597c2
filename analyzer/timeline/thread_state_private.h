/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of a timeline: the interval each thread is in, who runs on each
 * CPU, and how one interval gives way to the next.
 */
#ifndef ANALYZER_TIMELINE_THREAD_STATE_PRIVATE_H
#define ANALYZER_TIMELINE_THREAD_STATE_PRIVATE_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyzer/trace/lost_spans.h"
#include "analyzer/trace/per_thread.h"
#include "analyzer/timeline/timeline.h"
#include "analyzer/util/span.h"

struct cpu {
	struct thread *occupant;	/* who runs here; NULL: not known */
	struct thread *left;		/* who gave way to the occupant, ... */
	uint64_t switched_ns;		/* ... when */
	uint64_t last_ns;		/* of its last event */
	uint64_t known_from_ns;		/* since then no event of this CPU is missing */
	uint64_t unheard_ns;		/* up to then a thread whose events are left out may have run here */
	bool hole;			/* events are missing up to its next one */
};

/* A waking whose meaning only the thread's next event tells, see timeline.c's wake_unknown(). */
struct pending_waking {
	bool set;
	uint64_t time_ns;
	struct thread *waker;
	uint32_t stack_id, cpu;
	bool in_interrupt;
};

struct thread_slot {
	struct interval current;	/* thread NULL: never seen */
	struct pending_waking waking;	/* only while UNKNOWN */
	bool runnable_hint;		/* while UNKNOWN: was runnable at hint_ns */
	bool exiting;			/* its exit was seen, its final switch-out not yet */
	bool done;
	uint64_t hint_ns;
	uint32_t interrupt_cpu;		/* its last waking came from an interrupt of this CPU; else FT_NO_CPU */
};

struct timeline {
	struct timeline_sink sink;
	uint64_t start_ns;
	uint64_t now_ns;
	bool observing;			/* an event of the recording proper has come */
	struct per_thread slots;	/* struct thread_slot */
	struct cpu *cpus;
	size_t cpu_count;
	struct lost_spans losses;
	bool wakings_recorded;
	bool samples_seen;
	uint64_t sampled_within_ns; /* see timeline_samples(); 0: not known */
	uint64_t contradictions; /* see timeline_contradictions() */
};

/* Whether a thread that is switched out in @state sleeps. */
static inline bool thread_state_blocks(enum ft_task_state state)
{
	return state != FT_STATE_RUNNING && state != FT_STATE_PREEMPTED && state != FT_STATE_DEAD;
}

/* All that follow return 0, -ENOMEM or what a sink returned, unless their type says otherwise. */

/* Give the current interval, its end at @end_ns, to the sink. */
int thread_state_close(struct timeline *timeline, struct thread_slot *slot, uint64_t end_ns, unsigned int flags);

/* Close the current interval at @at_ns, @closing_flags added, and begin the next there. */
int thread_state_move(struct timeline *timeline, struct thread_slot *slot, enum thread_state state,
	      uint64_t at_ns, unsigned int closing_flags);
int thread_state_move_to_blocked(struct timeline *timeline, struct thread_slot *slot, uint64_t at_ns,
			 unsigned int flags, enum ft_task_state state, uint32_t stack_id);

/* What came after @at_ns was lost. */
int thread_state_move_to_unknown(struct timeline *timeline, struct thread_slot *slot, uint64_t at_ns);

/* Flag for an interval that begins at @at_ns because nothing before it is known. */
unsigned int thread_state_start_flag(const struct timeline *timeline, uint64_t at_ns);

/* Tell the sink that the current interval, BLOCKED, began. */
int thread_state_opened(struct timeline *timeline, const struct thread_slot *slot);

/* Since when, up to @time_ns, a thread that shows no event in its current interval cannot have
 * changed its state. */
uint64_t thread_state_unchanged_since(const struct timeline *timeline, const struct thread_slot *slot,
			      uint64_t time_ns);

/* A runnable thread may have run, and done anything, on a CPU whose events were lost since. */
int thread_state_doubt_runnable(struct timeline *timeline, struct thread_slot *slot, uint64_t time_ns);

/*
 * It is BLOCKED, and is known to be so at @time_ns. Where more than one @part-th of that time was
 * lost, what it did from the first loss on is unknown, and from the last one on it was blocked
 * nobody knows where.
 */
int thread_state_doubt_blocked(struct timeline *timeline, struct thread_slot *slot, uint64_t time_ns,
		       unsigned int part);

/* Flags of an interval, BLOCKED, for what was lost in it up to @time_ns. */
unsigned int thread_state_loss_flags(const struct timeline *timeline, const struct thread_slot *slot,
			     uint64_t time_ns);

/* The running thread's switch-out was not recorded: it ran at least up to its CPU's last event. */
int thread_state_lose_running(struct timeline *timeline, struct thread_slot *slot);

/* The thread is gone and its end was lost. */
int thread_state_close_vanished(struct timeline *timeline, struct thread_slot *slot, uint64_t end_ns);

/* A CPU that was not heard of before. NULL on lack of memory. */
struct cpu *thread_state_add_cpu(struct timeline *timeline, uint32_t number);

/* NULL on lack of memory. */
static inline struct cpu *thread_state_cpu_at(struct timeline *timeline, uint32_t number)
{
	return number < timeline->cpu_count ? &timeline->cpus[number]
					    : thread_state_add_cpu(timeline, number);
}

/* @slot, never used, becomes that of @thread; a former thread of its tid ends. */
int thread_state_begin(struct timeline *timeline, struct thread_slot *slot, struct thread *thread,
	       enum thread_state state);

/* The thread's slot, begun as UNKNOWN where it is new; NULL for idle tasks and for the dead. */
static inline int thread_state_of(struct timeline *timeline, struct thread *thread,
				  struct thread_slot **ret_slot)
{
	struct thread_slot *slot;
	int error = 0;

	*ret_slot = NULL;
	if (!thread || thread->idle_task)
		return 0;
	slot = per_thread_get(&timeline->slots, thread);
	if (!slot)
		return -ENOMEM;
	if (!slot->current.thread)
		error = thread_state_begin(timeline, slot, thread, THREAD_UNKNOWN);
	if (!slot->done)
		*ret_slot = slot;
	return error;
}

#endif
