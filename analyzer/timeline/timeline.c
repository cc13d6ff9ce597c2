/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What each thread was at each moment, rebuilt from switches and wakings.
 *
 * A timeline keeps, for each CPU, who runs there, as far as no event of it is missing; and for each
 * thread the interval it is in. An event says in which state its thread must have been just before.
 * Where the thread was in another one, records are missing: the time in doubt becomes unknown, from
 * the first moment on at which something can have been lost.
 */
#include "analyzer/timeline/timeline.h"

#include <errno.h>
#include <stdlib.h>

#include "analyzer/timeline/thread_state_private.h"
#include "analyzer/timeline/thread_switch_private.h"
#include "analyzer/trace/source.h"

#define IN_A_SWITCH_NS 1000000u

int timeline_create(const struct timeline_sink *sink, uint64_t start_ns,
		    struct timeline **ret_timeline)
{
	struct timeline *timeline = calloc(1, sizeof(*timeline));

	if (!timeline)
		return -ENOMEM;
	timeline->sink = *sink;
	timeline->slots.entry_bytes = sizeof(struct thread_slot);
	timeline->start_ns = start_ns;
	timeline->now_ns = start_ns;
	*ret_timeline = timeline;
	return 0;
}

void timeline_samples(struct timeline *timeline, uint64_t within_ns)
{
	timeline->sampled_within_ns = within_ns;
}

void timeline_destroy(struct timeline *timeline)
{
	if (!timeline)
		return;
	lost_spans_free(&timeline->losses);
	per_thread_free(&timeline->slots);
	free(timeline->cpus);
	free(timeline);
}

/* Switches. */

/* Another thread than we thought ran on this CPU: switches are missing that nobody counted. */
static int evict_occupant(struct timeline *timeline, struct cpu *cpu, uint64_t time_ns)
{
	struct thread_slot *slot;
	int error = thread_state_of(timeline, cpu->occupant, &slot);

	timeline->contradictions += timeline->observing && !cpu->occupant->silent;
	if (!error && slot && slot->current.state == THREAD_RUNNING)
		error = thread_state_lose_running(timeline, slot);
	cpu->occupant = NULL;
	cpu->hole = false;
	cpu->known_from_ns = time_ns;
	return error;
}

/* The thread of @event runs on the CPU, and no switch told how it came there. */
static int find_running(struct timeline *timeline, struct cpu *cpu, const struct event *event,
			uint64_t time_ns)
{
	struct arrival arrival = missing_switches_arrival(timeline, cpu, time_ns);
	int error = cpu->occupant ? evict_occupant(timeline, cpu, time_ns) : 0;
	struct thread_slot *slot;

	if (!error)
		error = thread_state_of(timeline, event->thread, &slot);
	if (!error && slot)
		error = thread_switch_found_running(timeline, slot, event->raw.cpu, arrival,
						    time_ns);
	cpu->occupant = event->thread;
	return error;
}

static int handle_switch(struct timeline *timeline, struct cpu *cpu, const struct event *event,
			 uint64_t time_ns)
{
	struct thread_slot *slot;
	int error = 0;

	if (event->thread == event->other)
		return 0;
	if (cpu->occupant != event->thread)
		error = find_running(timeline, cpu, event, time_ns);
	if (!error)
		error = thread_state_of(timeline, event->thread, &slot);
	if (!error && slot)
		error = thread_switch_out(timeline, slot, event, time_ns);
	cpu->occupant = event->other;
	cpu->left = event->thread;
	cpu->switched_ns = time_ns;
	if (!error)
		error = thread_state_of(timeline, event->other, &slot);
	if (!error && slot)
		error = thread_switch_in(timeline, slot, event->raw.cpu, time_ns);
	return error;
}

/* Wakings. */

static int wake_blocked(struct timeline *timeline, struct thread_slot *slot,
			const struct event *event, uint64_t time_ns)
{
	unsigned int flags = 0;
	/* A timer that ends a sleep does not prove that it is the same sleep. */
	int error = thread_state_doubt_blocked(timeline, slot, time_ns,
					       event->raw.waking.in_interrupt ? 4 : 2);

	if (error || slot->current.state != THREAD_BLOCKED)
		return error;
	flags = thread_state_loss_flags(timeline, slot, time_ns);
	slot->current.waker = event->thread;
	slot->current.waker_stack_id = event->stack_id;
	slot->current.waker_cpu = event->raw.cpu;
	slot->current.waker_in_interrupt = event->raw.waking.in_interrupt;
	return thread_state_move(timeline, slot, THREAD_RUNNABLE, time_ns, flags);
}

/*
 * Kernels before 6.1 read the state late, when a racing waking may have set it
 * to running already: a thread that is runnable is never woken, so it did block.
 */
static int wake_yielded(struct timeline *timeline, struct thread_slot *slot,
			const struct event *event, uint64_t time_ns)
{
	int error;

	slot->current.state = THREAD_BLOCKED;
	slot->current.flags &= ~INTERVAL_PREEMPTED;
	slot->current.prev_state = FT_STATE_OTHER;
	error = thread_state_opened(timeline, slot);
	return error ? error : wake_blocked(timeline, slot, event, time_ns);
}

/*
 * Either it slept up to now, or it is running somewhere we do not know of and
 * was woken just before it would have slept. Its next event tells. The first
 * waking counts, unless it may be that of an earlier sleep.
 */
static void wake_unknown(struct timeline *timeline, struct thread_slot *slot,
			 const struct event *event, uint64_t time_ns)
{
	struct pending_waking *waking = &slot->waking;

	if (waking->set && !lost_spans_between(&timeline->losses, waking->time_ns, time_ns, NULL))
		return;
	*waking = (struct pending_waking){
		.set = true,
		.time_ns = time_ns,
		.waker = event->thread,
		.stack_id = event->stack_id,
		.cpu = event->raw.cpu,
		.in_interrupt = event->raw.waking.in_interrupt,
	};
}

static int handle_waking(struct timeline *timeline, const struct event *event, uint64_t time_ns)
{
	struct thread_slot *slot;
	int error;

	timeline->wakings_recorded = true;
	if (event->thread == event->other)
		return 0;
	error = thread_state_of(timeline, event->other, &slot);
	if (error || !slot)
		return error;
	slot->interrupt_cpu = event->raw.waking.in_interrupt ? event->raw.cpu : FT_NO_CPU;
	error = thread_state_doubt_runnable(timeline, slot, time_ns);
	if (error)
		return error;
	switch (slot->current.state) {
	case THREAD_BLOCKED:
		return wake_blocked(timeline, slot, event, time_ns);
	case THREAD_RUNNABLE:
		if (slot->current.flags & INTERVAL_PREEMPTED &&
		    slot->current.prev_state == FT_STATE_RUNNING)
			return wake_yielded(timeline, slot, event, time_ns);
		return 0;
	case THREAD_UNKNOWN:
		wake_unknown(timeline, slot, event, time_ns);
		return 0;
	default:
		return 0;
	}
}

/* Snapshots, forks and exits. */

static int handle_state_of_unknown(struct timeline *timeline, struct thread_slot *slot,
				   const struct event *event, uint64_t time_ns)
{
	enum ft_task_state state = event->raw.state.state;
	uint64_t since_ns = thread_state_unchanged_since(timeline, slot, time_ns);

	if (slot->waking.set)
		return 0;
	if (state == FT_STATE_DEAD) {
		/* a zombie that never did anything here was not observed */
		slot->done = slot->current.start_ns == timeline->start_ns;
		return 0;
	}
	if (!thread_state_blocks(state)) {
		slot->runnable_hint = true;
		slot->hint_ns = time_ns;
		return 0;
	}
	if (slot->runnable_hint && slot->hint_ns >= since_ns)
		return 0; /* contradictory: it cannot have changed unseen */
	return thread_state_move_to_blocked(timeline, slot, since_ns,
					    thread_state_start_flag(timeline, since_ns), state,
					    event->stack_id);
}

/* Deferred stacks come in snapshots, and so does what the first look at all threads saw. */
static int learn_stack(struct timeline *timeline, struct thread_slot *slot, uint32_t stack_id)
{
	if (slot->current.stack_id != STACK_NONE || stack_id == STACK_NONE)
		return 0;
	slot->current.stack_id = stack_id;
	return timeline->sink.opened ? timeline->sink.opened(timeline->sink.context, &slot->current)
				     : 0;
}

static int handle_state(struct timeline *timeline, const struct event *event, uint64_t time_ns)
{
	struct thread_slot *slot;
	int error = thread_state_of(timeline, event->thread, &slot);

	if (error || !slot)
		return error;
	error = thread_state_doubt_runnable(timeline, slot, time_ns);
	if (error)
		return error;
	if (slot->current.state == THREAD_UNKNOWN)
		return handle_state_of_unknown(timeline, slot, event, time_ns);
	if (slot->current.state == THREAD_BLOCKED && thread_state_blocks(event->raw.state.state))
		return learn_stack(timeline, slot, event->stack_id);
	return 0;
}

static int handle_fork(struct timeline *timeline, struct thread *child)
{
	struct thread_slot *slot;

	if (child->idle_task)
		return 0;
	slot = per_thread_get(&timeline->slots, child);
	if (!slot)
		return -ENOMEM;
	return slot->current.thread ? 0
				    : thread_state_begin(timeline, slot, child, THREAD_RUNNABLE);
}

static int handle_exit(struct timeline *timeline, struct thread *thread)
{
	struct thread_slot *slot;
	int error = thread_state_of(timeline, thread, &slot);

	if (!error && slot)
		slot->exiting = true;
	return error;
}

/* Who ran on @event's CPU is not known up to lost.time_ns, the moment the CPU is heard of again. */
static int handle_lost(struct timeline *timeline, struct cpu *cpu, const struct event *event)
{
	uint64_t start_ns = later(event->raw.lost.start_ns, cpu->last_ns);
	uint64_t end_ns = later(event->raw.time_ns, start_ns);
	struct thread_slot *slot;
	int error = 0;

	if (event->raw.time_ns >= timeline->start_ns)
		error = lost_spans_add(&timeline->losses, start_ns, end_ns);
	if (!error)
		error = thread_state_of(timeline, cpu->occupant, &slot);
	if (!error && slot && slot->current.state == THREAD_RUNNING)
		error = thread_state_move_to_unknown(timeline, slot, start_ns);
	cpu->occupant = NULL;
	cpu->hole = false;
	cpu->known_from_ns = end_ns;
	return error;
}

/*
 * The switch from an idle task to @thread can be missing, see prescan.c. In the middle of a switch,
 * though, an event may still name the thread that just left.
 */
static bool has_taken_over_unseen(const struct cpu *cpu, const struct thread *thread,
				  uint64_t time_ns)
{
	return cpu->occupant != thread && (cpu->occupant->idle_task || cpu->occupant->silent) &&
	       (cpu->left != thread || time_ns > cpu->switched_ns + IN_A_SWITCH_NS);
}

/* An event of a thread shows that it runs on this CPU. That is news only where no thread is
 * known to run there, or one whose switch-out may be missing. */
static int handle_any(struct timeline *timeline, struct cpu *cpu, const struct event *event,
		      uint64_t time_ns)
{
	if (cpu->occupant && !has_taken_over_unseen(cpu, event->thread, time_ns))
		return 0;
	if (!event->thread || event->raw.kind == FT_EVENT_STATE ||
	    event->raw.kind == FT_EVENT_UNWOUND || event->raw.kind == FT_EVENT_OBJECT ||
	    event->raw.kind == FT_EVENT_PEER)
		return 0;
	return find_running(timeline, cpu, event, time_ns);
}

static int handle_cpu_event(struct timeline *timeline, struct cpu *cpu, const struct event *event,
			    uint64_t time_ns)
{
	int error;

	if (cpu->hole || cpu->known_from_ns > time_ns) {
		cpu->known_from_ns = time_ns;
		cpu->hole = false;
	}
	if (missing_switches_possible(cpu))
		cpu->unheard_ns = time_ns;
	if (event->raw.kind == FT_EVENT_SWITCH)
		error = handle_switch(timeline, cpu, event, time_ns);
	else
		error = handle_any(timeline, cpu, event, time_ns);
	timeline->samples_seen = timeline->samples_seen || event->raw.kind == FT_EVENT_SAMPLE;
	cpu->last_ns = time_ns;
	return error;
}

/*
 * The recording proper begins. Before its start the events of some CPUs are there and those of
 * others are not: what they say is true of the CPU that a thread runs on, but a thread that slept
 * or waited may have done anything on another one.
 */
static int observe_from_start(struct timeline *timeline)
{
	for (size_t i = 0; i < per_thread_count(&timeline->slots); i++) {
		struct thread_slot *slot = per_thread_at(&timeline->slots, i);
		int error = 0;

		if (!slot || !slot->current.thread || slot->done)
			continue;
		if (slot->current.state == THREAD_RUNNING)
			slot->current.flags |= INTERVAL_BEGAN_BEFORE;
		else
			error = thread_state_move(timeline, slot, THREAD_UNKNOWN,
						  timeline->start_ns, 0);
		if (error)
			return error;
	}
	timeline->observing = true;
	return 0;
}

static bool is_of_recording(const struct timeline *timeline, const struct event *event)
{
	if (event->raw.kind == FT_EVENT_LOST)
		return event->raw.lost.start_ns >= timeline->start_ns;
	return event->raw.time_ns >= timeline->start_ns;
}

int timeline_event(struct timeline *timeline, const struct event *event)
{
	struct cpu *cpu = NULL;
	uint64_t time_ns;
	int error = 0;

	if (event->raw.cpu < SOURCE_CPUS_MAX) {
		cpu = thread_state_cpu_at(timeline, event->raw.cpu);
		if (!cpu)
			return -ENOMEM;
	} else if (event->raw.cpu != FT_NO_CPU) {
		return 0;
	}
	if (!timeline->observing && is_of_recording(timeline, event))
		error = observe_from_start(timeline);
	if (error)
		return error;
	if (event->raw.kind == FT_EVENT_LOST)
		return cpu ? handle_lost(timeline, cpu, event) : 0;
	time_ns = timeline->now_ns = later(timeline->now_ns, event->raw.time_ns);
	if (cpu)
		error = handle_cpu_event(timeline, cpu, event, time_ns);
	if (error)
		return error;
	switch (event->raw.kind) {
	case FT_EVENT_WAKING:
		return handle_waking(timeline, event, time_ns);
	case FT_EVENT_STATE:
		return handle_state(timeline, event, time_ns);
	case FT_EVENT_FORK:
		return handle_fork(timeline, event->other);
	case FT_EVENT_EXIT:
		return handle_exit(timeline, event->thread);
	default:
		return 0;
	}
}

/* The end. */

static bool is_every_cpu_known(const struct timeline *timeline)
{
	for (size_t i = 0; i < timeline->cpu_count; i++) {
		const struct cpu *cpu = &timeline->cpus[i];

		if (!cpu->occupant && cpu->last_ns > timeline->start_ns)
			return false;
	}
	return true;
}

static int finish_slot(struct timeline *timeline, struct thread_slot *slot, uint64_t end_ns,
		       bool cpus_known)
{
	unsigned int flags = INTERVAL_STILL_OPEN;
	int error = thread_state_doubt_runnable(timeline, slot, end_ns);

	/* a thread that runs on no CPU slept before it was woken */
	if (!error && slot->current.state == THREAD_UNKNOWN && slot->waking.set && cpus_known) {
		slot->runnable_hint = false;
		error = thread_switch_resolve_unknown(timeline, slot, end_ns);
	}
	if (!error && slot->current.state == THREAD_BLOCKED)
		error = thread_state_doubt_blocked(timeline, slot, end_ns, 2);
	if (error)
		return error;
	slot->done = true;
	if (slot->exiting && slot->current.state == THREAD_UNKNOWN)
		return 0;
	if (slot->current.state == THREAD_BLOCKED)
		flags |= thread_state_loss_flags(timeline, slot, end_ns);
	return thread_state_close(timeline, slot, end_ns, flags);
}

int timeline_finish(struct timeline *timeline, const struct threads *threads, uint64_t end_ns)
{
	bool cpus_known = is_every_cpu_known(timeline);

	if (!timeline->observing) {
		int error = observe_from_start(timeline);

		if (error)
			return error;
	}
	end_ns = timeline->now_ns = later(timeline->now_ns, end_ns);
	for (size_t i = 0; i < threads_count(threads); i++) {
		struct thread *thread = threads_at(threads, i);
		struct thread_slot *slot;
		int error = thread_state_of(timeline, thread, &slot);

		if (!error && slot && thread->exited)
			error = thread_state_close_vanished(
				timeline, slot,
				earlier(end_ns, later(timeline->start_ns, thread->died_ns)));
		else if (!error && slot)
			error = finish_slot(timeline, slot, end_ns, cpus_known);
		if (error)
			return error;
	}
	return 0;
}

uint64_t timeline_contradictions(const struct timeline *timeline)
{
	return timeline->contradictions;
}
