/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The interval each thread is in, and how it gives way to the next.
 */
#include "analyzer/timeline/thread_state_private.h"

#include <errno.h>
#include <stdlib.h>

/* Sleeps that are shorter than this matter to no report; while a CPU is away for seconds there
 * are many of them. */
#define DOUBTFUL_LOSS_NS 30000000u

int thread_state_close(struct timeline *timeline, struct thread_slot *slot, uint64_t end_ns,
		       unsigned int flags)
{
	struct interval *interval = &slot->current;

	interval->end_ns = later(interval->start_ns, end_ns);
	interval->flags |= flags;
	if (!timeline->observing ||
	    (interval->end_ns == interval->start_ns && interval->state != THREAD_BLOCKED))
		return 0;
	return timeline->sink.closed(timeline->sink.context, interval);
}

int thread_state_move(struct timeline *timeline, struct thread_slot *slot, enum thread_state state,
		      uint64_t at_ns, unsigned int closing_flags)
{
	struct interval *current = &slot->current;
	int error = thread_state_close(timeline, slot, at_ns, closing_flags);

	if (error)
		return error;
	/* nothing is known of it but when others gave way to it */
	if (current->thread->silent && state != THREAD_RUNNING)
		state = THREAD_UNKNOWN;
	current->state = state;
	current->start_ns = current->end_ns = later(current->start_ns, at_ns);
	current->flags = 0;
	current->waker = NULL;
	current->waker_stack_id = STACK_NONE;
	current->waker_in_interrupt = false;
	if (state == THREAD_UNKNOWN || state == THREAD_RUNNING) {
		current->stack_id = STACK_NONE;
		current->prev_state = FT_STATE_RUNNING;
	}
	slot->waking.set = false;
	slot->runnable_hint = false;
	return 0;
}

int thread_state_opened(struct timeline *timeline, const struct thread_slot *slot)
{
	if (!timeline->sink.opened || !timeline->observing)
		return 0;
	return timeline->sink.opened(timeline->sink.context, &slot->current);
}

int thread_state_move_to_blocked(struct timeline *timeline, struct thread_slot *slot,
				 uint64_t at_ns, unsigned int flags, enum ft_task_state state,
				 uint32_t stack_id)
{
	int error = thread_state_move(timeline, slot, THREAD_BLOCKED, at_ns, 0);

	if (error || slot->current.state != THREAD_BLOCKED)
		return error;
	slot->current.flags = flags;
	slot->current.prev_state = state;
	slot->current.stack_id = stack_id;
	return thread_state_opened(timeline, slot);
}

unsigned int thread_state_start_flag(const struct timeline *timeline, uint64_t at_ns)
{
	return at_ns == timeline->start_ns ? INTERVAL_BEGAN_BEFORE : INTERVAL_START_LOST;
}

uint64_t thread_state_unchanged_since(const struct timeline *timeline,
				      const struct thread_slot *slot, uint64_t time_ns)
{
	return earlier(time_ns, later(slot->current.start_ns,
				      lost_spans_clear_since(&timeline->losses, time_ns)));
}

int thread_state_move_to_unknown(struct timeline *timeline, struct thread_slot *slot,
				 uint64_t at_ns)
{
	unsigned int flags = INTERVAL_END_LOST;

	if (slot->current.state == THREAD_BLOCKED)
		flags |= INTERVAL_WAKER_LOST;
	return thread_state_move(timeline, slot, THREAD_UNKNOWN, at_ns, flags);
}

int thread_state_doubt_runnable(struct timeline *timeline, struct thread_slot *slot,
				uint64_t time_ns)
{
	uint64_t lost_ns;
	int error;

	if (slot->current.state != THREAD_RUNNABLE ||
	    lost_spans_none_since(&timeline->losses, slot->current.start_ns) ||
	    !lost_spans_between(&timeline->losses, slot->current.start_ns, time_ns, &lost_ns))
		return 0;
	error = thread_state_move_to_unknown(timeline, slot, lost_ns);
	slot->runnable_hint = true;
	slot->hint_ns = lost_ns;
	return error;
}

int thread_state_doubt_blocked(struct timeline *timeline, struct thread_slot *slot,
			       uint64_t time_ns, unsigned int part)
{
	const struct lost_spans *losses = &timeline->losses;
	uint64_t start_ns = slot->current.start_ns, first_ns, lost_ns;
	int error;

	if (lost_spans_none_since(losses, start_ns))
		return 0;
	lost_ns = lost_spans_within_ns(losses, start_ns, time_ns);
	if (lost_ns < DOUBTFUL_LOSS_NS || lost_ns * part < time_ns - start_ns ||
	    !lost_spans_between(losses, start_ns, time_ns, &first_ns))
		return 0;
	error = thread_state_move_to_unknown(timeline, slot, first_ns);
	if (error)
		return error;
	return thread_state_move_to_blocked(timeline, slot, lost_spans_clear_since(losses, time_ns),
					    INTERVAL_START_LOST, FT_STATE_OTHER, STACK_NONE);
}

unsigned int thread_state_loss_flags(const struct timeline *timeline,
				     const struct thread_slot *slot, uint64_t time_ns)
{
	const struct lost_spans *losses = &timeline->losses;
	uint64_t start_ns = slot->current.start_ns;

	if (lost_spans_none_since(losses, start_ns) ||
	    !lost_spans_between(losses, start_ns, time_ns, NULL))
		return 0;
	return lost_spans_within_ns(losses, start_ns, time_ns) < DOUBTFUL_LOSS_NS
		       ? INTERVAL_SPANS_LOSS
		       : INTERVAL_SPANS_LOSS | INTERVAL_DOUBTFUL;
}

int thread_state_lose_running(struct timeline *timeline, struct thread_slot *slot)
{
	struct cpu *cpu = &timeline->cpus[slot->current.cpu];

	cpu->occupant = NULL;
	cpu->hole = true;
	return thread_state_move_to_unknown(timeline, slot, cpu->last_ns);
}

struct cpu *thread_state_add_cpu(struct timeline *timeline, uint32_t number)
{
	size_t count = timeline->cpu_count ? timeline->cpu_count : 8;
	struct cpu *cpus;

	while (count <= number)
		count *= 2;
	cpus = realloc(timeline->cpus, count * sizeof(*cpus));
	if (!cpus)
		return NULL;
	for (size_t i = timeline->cpu_count; i < count; i++)
		cpus[i] = (struct cpu){ .last_ns = timeline->start_ns,
					.known_from_ns = timeline->start_ns };
	timeline->cpus = cpus;
	timeline->cpu_count = count;
	return &cpus[number];
}

int thread_state_close_vanished(struct timeline *timeline, struct thread_slot *slot,
				uint64_t end_ns)
{
	uint64_t lost_ns;
	int error;

	slot->done = true;
	if (slot->current.state == THREAD_RUNNING) {
		error = thread_state_lose_running(timeline, slot);
		if (error)
			return error;
	} else if (slot->current.state != THREAD_UNKNOWN) {
		if (!lost_spans_between(&timeline->losses, slot->current.start_ns, end_ns,
					&lost_ns))
			lost_ns = end_ns;
		error = thread_state_move_to_unknown(timeline, slot, lost_ns);
		if (error)
			return error;
	}
	/* it was seen exiting and then never again: what was lost is its end, not its doings */
	if (slot->exiting)
		return 0;
	return thread_state_close(timeline, slot, end_ns, 0);
}

int thread_state_begin(struct timeline *timeline, struct thread_slot *slot, struct thread *thread,
		       enum thread_state state)
{
	const struct thread *former = thread->former;
	struct thread_slot *old;

	slot->current = (struct interval){
		.thread = thread,
		.state = thread->silent ? THREAD_UNKNOWN : state,
		.start_ns = earlier(timeline->now_ns, later(timeline->start_ns, thread->born_ns)),
		.cpu = FT_NO_CPU,
	};
	slot->current.end_ns = slot->current.start_ns;
	slot->interrupt_cpu = FT_NO_CPU;
	old = former ? per_thread_find(&timeline->slots, former) : NULL;
	if (old && old->current.thread && !old->done)
		return thread_state_close_vanished(timeline, old, slot->current.start_ns);
	return 0;
}
