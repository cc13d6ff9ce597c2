/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What each thread was at each moment, rebuilt from switches and wakings.
 *
 * Two kinds of memory: for each CPU who runs there, as far as its record has
 * no hole; for each thread the interval it is in. An event says what its
 * thread must have been just before. Where that is not what we have, records
 * are missing: the time in doubt becomes unknown, from the first moment on
 * at which something can have been lost.
 */
#include "analyzer/timeline.h"

#include <errno.h>
#include <stdlib.h>

#include "analyzer/losses.h"

#define CPUS_MAX 65536	/* beyond any Linux; a CPU above it is damage and passed over */

struct cpu {
	struct thread *occupant;	/* who runs here; NULL: not known */
	uint64_t last_ns;		/* of its last event */
	uint64_t known_from_ns;		/* since then no event of this CPU is missing */
	bool hole;			/* events are missing up to its next one */
};

/* A waking whose meaning only the thread's next event tells, see wake_unknown(). */
struct pending_waking {
	bool set;
	uint64_t time_ns;
	struct thread *waker;
	uint32_t stack_id;
	bool in_interrupt;
};

struct slot {
	struct interval current;	/* thread NULL: never seen */
	struct pending_waking waking;	/* only while UNKNOWN */
	bool runnable_hint;		/* while UNKNOWN: was runnable at hint_ns */
	bool exiting;			/* its exit was seen, its final switch-out not yet */
	bool done;
	uint64_t hint_ns;
};

struct timeline {
	struct timeline_sink sink;
	uint64_t start_ns;
	uint64_t now_ns;
	struct slot *slots;		/* by thread->index */
	size_t slot_count;
	struct cpu *cpus;
	size_t cpu_count;
	struct losses losses;
	bool wakings_recorded;
};

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

int timeline_create(const struct timeline_sink *sink, uint64_t start_ns,
		    struct timeline **ret_timeline)
{
	struct timeline *timeline = calloc(1, sizeof(*timeline));

	if (!timeline)
		return -ENOMEM;
	timeline->sink = *sink;
	timeline->start_ns = start_ns;
	timeline->now_ns = start_ns;
	*ret_timeline = timeline;
	return 0;
}

void timeline_destroy(struct timeline *timeline)
{
	if (!timeline)
		return;
	losses_free(&timeline->losses);
	free(timeline->slots);
	free(timeline->cpus);
	free(timeline);
}

/* Intervals. */

static int close_interval(struct timeline *timeline, struct slot *slot, uint64_t end_ns,
			  unsigned int flags)
{
	struct interval interval = slot->current;

	interval.end_ns = later(interval.start_ns, end_ns);
	interval.flags |= flags;
	if (interval.end_ns == interval.start_ns && interval.state != THREAD_BLOCKED)
		return 0;
	return timeline->sink.closed(timeline->sink.context, &interval);
}

/* Close the current interval at @at_ns, @closing_flags added, and begin the next there. */
static int move(struct timeline *timeline, struct slot *slot, enum thread_state state,
		uint64_t at_ns, unsigned int closing_flags)
{
	struct interval *current = &slot->current;
	int error = close_interval(timeline, slot, at_ns, closing_flags);

	if (error)
		return error;
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

static int move_to_blocked(struct timeline *timeline, struct slot *slot, uint64_t at_ns,
			   unsigned int flags, enum ft_task_state state, uint32_t stack_id)
{
	int error = move(timeline, slot, THREAD_BLOCKED, at_ns, 0);

	if (error)
		return error;
	slot->current.flags = flags;
	slot->current.prev_state = state;
	slot->current.stack_id = stack_id;
	if (!timeline->sink.opened)
		return 0;
	return timeline->sink.opened(timeline->sink.context, &slot->current);
}

/* Flag for an interval that begins at @at_ns because nothing before it is known. */
static unsigned int start_flag(const struct timeline *timeline, uint64_t at_ns)
{
	return at_ns == timeline->start_ns ? INTERVAL_BEGAN_BEFORE : INTERVAL_START_LOST;
}

/* Since when, up to @time_ns, a thread that shows no event in its current
 * interval cannot have changed its state. */
static uint64_t unchanged_since(const struct timeline *timeline, const struct slot *slot,
				uint64_t time_ns)
{
	return earlier(time_ns, later(slot->current.start_ns,
				      losses_clear_since(&timeline->losses, time_ns)));
}

static int move_to_unknown(struct timeline *timeline, struct slot *slot, uint64_t at_ns)
{
	unsigned int flags = INTERVAL_END_LOST;

	if (slot->current.state == THREAD_BLOCKED)
		flags |= INTERVAL_WAKER_LOST;
	return move(timeline, slot, THREAD_UNKNOWN, at_ns, flags);
}

/* A runnable thread may have run, and done anything, on a CPU whose events were lost since. */
static int doubt_runnable(struct timeline *timeline, struct slot *slot, uint64_t time_ns)
{
	uint64_t lost_ns;
	int error;

	if (slot->current.state != THREAD_RUNNABLE ||
	    !losses_between(&timeline->losses, slot->current.start_ns, time_ns, &lost_ns))
		return 0;
	error = move_to_unknown(timeline, slot, lost_ns);
	slot->runnable_hint = true;
	slot->hint_ns = lost_ns;
	return error;
}

/* The running thread's switch-out was not recorded: it ran at least up to its CPU's last event. */
static int lose_running(struct timeline *timeline, struct slot *slot)
{
	struct cpu *cpu = &timeline->cpus[slot->current.cpu];

	cpu->occupant = NULL;
	cpu->hole = true;
	return move_to_unknown(timeline, slot, cpu->last_ns);
}

/* Look-up. */

static struct cpu *cpu_at(struct timeline *timeline, uint32_t number)
{
	size_t count = timeline->cpu_count ? timeline->cpu_count : 8;
	struct cpu *cpus;

	if (number < timeline->cpu_count)
		return &timeline->cpus[number];
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

static int slots_grow(struct timeline *timeline, size_t index)
{
	size_t count = timeline->slot_count ? timeline->slot_count : 64;
	struct slot *slots;

	while (count <= index)
		count *= 2;
	slots = realloc(timeline->slots, count * sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	for (size_t i = timeline->slot_count; i < count; i++)
		slots[i] = (struct slot){ 0 };
	timeline->slots = slots;
	timeline->slot_count = count;
	return 0;
}

/* The thread is gone and its end was lost. */
static int close_vanished(struct timeline *timeline, struct slot *slot, uint64_t end_ns)
{
	uint64_t lost_ns;
	int error;

	slot->done = true;
	if (slot->current.state == THREAD_RUNNING) {
		error = lose_running(timeline, slot);
		if (error)
			return error;
	} else if (slot->current.state != THREAD_UNKNOWN) {
		if (!losses_between(&timeline->losses, slot->current.start_ns, end_ns, &lost_ns))
			lost_ns = end_ns;
		error = move_to_unknown(timeline, slot, lost_ns);
		if (error)
			return error;
	}
	/* it was seen exiting and then never again: what was lost is its end, not its doings */
	if (slot->exiting)
		return 0;
	return close_interval(timeline, slot, end_ns, 0);
}

static int slot_begin(struct timeline *timeline, struct slot *slot, struct thread *thread,
		      enum thread_state state)
{
	struct thread *former = thread->former;

	slot->current = (struct interval){
		.thread = thread,
		.state = state,
		.start_ns = earlier(timeline->now_ns, later(timeline->start_ns, thread->born_ns)),
		.cpu = FT_NO_CPU,
	};
	slot->current.end_ns = slot->current.start_ns;
	if (former && former->index < timeline->slot_count) {
		struct slot *old = &timeline->slots[former->index];

		if (old->current.thread && !old->done)
			return close_vanished(timeline, old, slot->current.start_ns);
	}
	return 0;
}

/* The thread's slot, begun as UNKNOWN where it is new; NULL for idle tasks and for the dead. */
static int slot_of(struct timeline *timeline, struct thread *thread, struct slot **ret_slot)
{
	struct slot *slot;
	int error = 0;

	*ret_slot = NULL;
	if (!thread || thread->idle_task)
		return 0;
	if (thread->index >= timeline->slot_count) {
		error = slots_grow(timeline, thread->index);
		if (error)
			return error;
	}
	slot = &timeline->slots[thread->index];
	if (!slot->current.thread)
		error = slot_begin(timeline, slot, thread, THREAD_UNKNOWN);
	if (!slot->done)
		*ret_slot = slot;
	return error;
}

/* Switches. */

/* It is switched in: an unknown past becomes as clear as what did not happen in it allows. */
static int clear_up_unknown(struct timeline *timeline, struct slot *slot, uint64_t time_ns)
{
	const struct pending_waking waking = slot->waking;
	uint64_t since_ns;
	int error;

	if (waking.set && !losses_between(&timeline->losses, waking.time_ns, time_ns, NULL)) {
		since_ns = unchanged_since(timeline, slot, waking.time_ns);
		if (slot->runnable_hint && slot->hint_ns >= since_ns)
			since_ns = waking.time_ns;	/* contradictory: its sleep began unseen */
		if (since_ns < waking.time_ns) {
			error = move_to_blocked(timeline, slot, since_ns,
						start_flag(timeline, since_ns), FT_STATE_OTHER,
						STACK_NONE);
			if (error)
				return error;
			slot->current.waker = waking.waker;
			slot->current.waker_stack_id = waking.stack_id;
			slot->current.waker_in_interrupt = waking.in_interrupt;
		}
		return move(timeline, slot, THREAD_RUNNABLE, waking.time_ns, 0);
	}
	if (slot->runnable_hint) {
		/* any waking since would have been seen, so it did not sleep */
		since_ns = unchanged_since(timeline, slot, time_ns);
		error = move(timeline, slot, THREAD_RUNNABLE, since_ns, 0);
		slot->current.flags = start_flag(timeline, since_ns);
		return error;
	}
	return 0;
}

static int leave_blocked_unwoken(struct timeline *timeline, struct slot *slot, uint64_t time_ns)
{
	uint64_t lost_ns;
	int error;

	if (!losses_between(&timeline->losses, slot->current.start_ns, time_ns, &lost_ns))
		return move(timeline, slot, THREAD_RUNNABLE, time_ns, INTERVAL_WAKER_LOST);
	error = move_to_unknown(timeline, slot, lost_ns);
	slot->runnable_hint = timeline->wakings_recorded;
	slot->hint_ns = lost_ns;
	return error;
}

static int switch_in(struct timeline *timeline, struct slot *slot, uint32_t cpu, uint64_t time_ns)
{
	int error = 0;

	switch (slot->current.state) {
	case THREAD_RUNNING:
		error = lose_running(timeline, slot);
		break;
	case THREAD_RUNNABLE:
		error = doubt_runnable(timeline, slot, time_ns);
		break;
	case THREAD_BLOCKED:
		error = leave_blocked_unwoken(timeline, slot, time_ns);
		break;
	default:
		break;
	}
	if (!error && slot->current.state == THREAD_UNKNOWN)
		error = clear_up_unknown(timeline, slot, time_ns);
	if (!error)
		error = move(timeline, slot, THREAD_RUNNING, time_ns, 0);
	slot->current.cpu = cpu;
	return error;
}

/* An event shows the thread running on a CPU where we did not know it: since when? */
static int found_running(struct timeline *timeline, struct slot *slot, uint32_t number,
			 uint64_t time_ns)
{
	const struct cpu *cpu = &timeline->cpus[number];
	uint64_t known_ns = cpu->known_from_ns, start_ns, since_ns;
	int error = 0;

	if (slot->current.state == THREAD_RUNNING)
		error = lose_running(timeline, slot);
	if (error)
		return error;
	start_ns = slot->current.start_ns;
	if (slot->current.state != THREAD_UNKNOWN) {
		uint64_t end_ns = earlier(cpu->last_ns, time_ns);

		losses_between(&timeline->losses, start_ns, time_ns, &end_ns);
		error = move_to_unknown(timeline, slot, end_ns);
		if (error)
			return error;
	}
	/*
	 * This CPU saw no switch since known_ns, so the thread ran there all
	 * the time since; unless it was seen elsewhere later than that, which
	 * is a loss that nobody recorded.
	 */
	since_ns = start_ns <= known_ns && slot->current.start_ns <= known_ns ? known_ns : time_ns;
	since_ns = earlier(since_ns, time_ns);
	error = move(timeline, slot, THREAD_RUNNING, since_ns, 0);
	slot->current.flags = start_flag(timeline, since_ns);
	slot->current.cpu = number;
	return error;
}

static bool state_blocks(enum ft_task_state state)
{
	return state != FT_STATE_RUNNING && state != FT_STATE_PREEMPTED && state != FT_STATE_DEAD;
}

static int switch_out(struct timeline *timeline, struct slot *slot, const struct event *event,
		      uint64_t time_ns)
{
	enum ft_task_state state = event->raw.switch_.prev_state;
	int error;

	if (state == FT_STATE_DEAD) {
		slot->done = true;
		return close_interval(timeline, slot, time_ns, 0);
	}
	if (state_blocks(state))
		return move_to_blocked(timeline, slot, time_ns, 0, state, event->stack_id);
	error = move(timeline, slot, THREAD_RUNNABLE, time_ns, 0);
	slot->current.flags = INTERVAL_PREEMPTED;
	slot->current.prev_state = state;
	slot->current.stack_id = event->stack_id;
	return error;
}

/* Another thread than we thought ran on this CPU: switches are missing that nobody counted. */
static int evict(struct timeline *timeline, struct cpu *cpu, uint64_t time_ns)
{
	struct slot *slot;
	int error = slot_of(timeline, cpu->occupant, &slot);

	if (!error && slot && slot->current.state == THREAD_RUNNING)
		error = lose_running(timeline, slot);
	cpu->occupant = NULL;
	cpu->hole = false;
	cpu->known_from_ns = time_ns;
	return error;
}

static int on_switch(struct timeline *timeline, struct cpu *cpu, const struct event *event,
		     uint64_t time_ns)
{
	struct slot *slot;
	int error = 0;

	if (event->thread == event->other)
		return 0;
	if (cpu->occupant && cpu->occupant != event->thread)
		error = evict(timeline, cpu, time_ns);
	if (!error)
		error = slot_of(timeline, event->thread, &slot);
	if (!error && slot && cpu->occupant != event->thread)
		error = found_running(timeline, slot, event->raw.cpu, time_ns);
	if (!error && slot)
		error = switch_out(timeline, slot, event, time_ns);
	cpu->occupant = event->other;
	if (!error)
		error = slot_of(timeline, event->other, &slot);
	if (!error && slot)
		error = switch_in(timeline, slot, event->raw.cpu, time_ns);
	return error;
}

/* Wakings. */

static int wake_blocked(struct timeline *timeline, struct slot *slot, const struct event *event,
			uint64_t time_ns)
{
	unsigned int flags = 0;

	if (losses_between(&timeline->losses, slot->current.start_ns, time_ns, NULL))
		flags = INTERVAL_SPANS_LOSS;
	slot->current.waker = event->thread;
	slot->current.waker_stack_id = event->stack_id;
	slot->current.waker_in_interrupt = event->raw.waking.in_interrupt;
	return move(timeline, slot, THREAD_RUNNABLE, time_ns, flags);
}

/*
 * Kernels before 6.1 read the state late, when a racing waking may have set it
 * to running already: a thread that is runnable is never woken, so it did block.
 */
static int wake_yielded(struct timeline *timeline, struct slot *slot, const struct event *event,
			uint64_t time_ns)
{
	int error = 0;

	slot->current.state = THREAD_BLOCKED;
	slot->current.flags &= ~INTERVAL_PREEMPTED;
	slot->current.prev_state = FT_STATE_OTHER;
	if (timeline->sink.opened)
		error = timeline->sink.opened(timeline->sink.context, &slot->current);
	return error ? error : wake_blocked(timeline, slot, event, time_ns);
}

/*
 * Either it slept up to now, or it is running somewhere we do not know of and
 * was woken just before it would have slept. Its next event tells. The first
 * waking counts, unless it may be that of an earlier sleep.
 */
static void wake_unknown(struct timeline *timeline, struct slot *slot, const struct event *event,
			 uint64_t time_ns)
{
	struct pending_waking *waking = &slot->waking;

	if (waking->set && !losses_between(&timeline->losses, waking->time_ns, time_ns, NULL))
		return;
	*waking = (struct pending_waking){
		.set = true,
		.time_ns = time_ns,
		.waker = event->thread,
		.stack_id = event->stack_id,
		.in_interrupt = event->raw.waking.in_interrupt,
	};
}

static int on_waking(struct timeline *timeline, const struct event *event, uint64_t time_ns)
{
	struct slot *slot;
	int error;

	timeline->wakings_recorded = true;
	if (event->thread == event->other)
		return 0;
	error = slot_of(timeline, event->other, &slot);
	if (error || !slot)
		return error;
	error = doubt_runnable(timeline, slot, time_ns);
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

/* What else is told about threads. */

static int on_state_of_unknown(struct timeline *timeline, struct slot *slot,
			       const struct event *event, uint64_t time_ns)
{
	enum ft_task_state state = event->raw.state.state;
	uint64_t since_ns = unchanged_since(timeline, slot, time_ns);

	if (slot->waking.set)
		return 0;
	if (state == FT_STATE_DEAD) {
		/* a zombie that never did anything here was not observed */
		slot->done = slot->current.start_ns == timeline->start_ns;
		return 0;
	}
	if (!state_blocks(state)) {
		slot->runnable_hint = true;
		slot->hint_ns = time_ns;
		return 0;
	}
	if (slot->runnable_hint && slot->hint_ns >= since_ns)
		return 0;	/* contradictory: it cannot have changed unseen */
	return move_to_blocked(timeline, slot, since_ns, start_flag(timeline, since_ns), state,
			       event->stack_id);
}

static int on_state(struct timeline *timeline, const struct event *event, uint64_t time_ns)
{
	struct slot *slot;
	int error = slot_of(timeline, event->thread, &slot);

	if (error || !slot)
		return error;
	error = doubt_runnable(timeline, slot, time_ns);
	if (error)
		return error;
	if (slot->current.state == THREAD_UNKNOWN)
		return on_state_of_unknown(timeline, slot, event, time_ns);
	if (slot->current.state == THREAD_BLOCKED && slot->current.stack_id == STACK_NONE &&
	    state_blocks(event->raw.state.state))
		slot->current.stack_id = event->stack_id;
	return 0;
}

static int on_fork(struct timeline *timeline, struct thread *child)
{
	size_t index = child->index;
	int error = 0;

	if (child->idle_task)
		return 0;
	if (index >= timeline->slot_count)
		error = slots_grow(timeline, index);
	if (error || timeline->slots[index].current.thread)
		return error;
	return slot_begin(timeline, &timeline->slots[index], child, THREAD_RUNNABLE);
}

static int on_exit_seen(struct timeline *timeline, struct thread *thread)
{
	struct slot *slot;
	int error = slot_of(timeline, thread, &slot);

	if (!error && slot)
		slot->exiting = true;
	return error;
}

/* Who ran on @event's CPU is not known up to lost.time_ns, the moment the CPU is heard of again. */
static int on_lost(struct timeline *timeline, struct cpu *cpu, const struct event *event)
{
	uint64_t start_ns = later(event->raw.lost.start_ns, cpu->last_ns);
	uint64_t end_ns = later(event->raw.time_ns, start_ns);
	struct slot *slot;
	int error = losses_add(&timeline->losses, start_ns, end_ns);

	if (!error)
		error = slot_of(timeline, cpu->occupant, &slot);
	if (!error && slot && slot->current.state == THREAD_RUNNING)
		error = move_to_unknown(timeline, slot, start_ns);
	cpu->occupant = NULL;
	cpu->hole = false;
	cpu->known_from_ns = end_ns;
	return error;
}

/* Whatever a thread does shows that it runs where it does it. That is news only where nobody is
 * known to run: in the middle of a switch, an event may still name the thread that just left. */
static int on_any(struct timeline *timeline, struct cpu *cpu, const struct event *event,
		  uint64_t time_ns)
{
	struct slot *slot;
	int error;

	if (cpu->occupant || !event->thread || event->raw.kind == FT_EVENT_STATE ||
	    event->raw.kind == FT_EVENT_UNWOUND)
		return 0;
	error = slot_of(timeline, event->thread, &slot);
	if (!error && slot)
		error = found_running(timeline, slot, event->raw.cpu, time_ns);
	cpu->occupant = event->thread;
	return error;
}

static int on_cpu_event(struct timeline *timeline, struct cpu *cpu, const struct event *event,
			uint64_t time_ns)
{
	int error;

	if (cpu->hole || cpu->known_from_ns > time_ns) {
		cpu->known_from_ns = time_ns;
		cpu->hole = false;
	}
	if (event->raw.kind == FT_EVENT_SWITCH)
		error = on_switch(timeline, cpu, event, time_ns);
	else
		error = on_any(timeline, cpu, event, time_ns);
	cpu->last_ns = time_ns;
	return error;
}

int timeline_event(struct timeline *timeline, const struct event *event)
{
	struct cpu *cpu = NULL;
	uint64_t time_ns;
	int error = 0;

	if (event->raw.cpu < CPUS_MAX) {
		cpu = cpu_at(timeline, event->raw.cpu);
		if (!cpu)
			return -ENOMEM;
	} else if (event->raw.cpu != FT_NO_CPU) {
		return 0;
	}
	if (event->raw.kind == FT_EVENT_LOST)
		return cpu ? on_lost(timeline, cpu, event) : 0;
	time_ns = timeline->now_ns = later(timeline->now_ns, event->raw.time_ns);
	if (cpu)
		error = on_cpu_event(timeline, cpu, event, time_ns);
	if (error)
		return error;
	switch (event->raw.kind) {
	case FT_EVENT_WAKING:
		return on_waking(timeline, event, time_ns);
	case FT_EVENT_STATE:
		return on_state(timeline, event, time_ns);
	case FT_EVENT_FORK:
		return on_fork(timeline, event->other);
	case FT_EVENT_EXIT:
		return on_exit_seen(timeline, event->thread);
	default:
		return 0;
	}
}

/* The end. */

static bool every_cpu_known(const struct timeline *timeline)
{
	for (size_t i = 0; i < timeline->cpu_count; i++) {
		const struct cpu *cpu = &timeline->cpus[i];

		if (!cpu->occupant && cpu->last_ns > timeline->start_ns)
			return false;
	}
	return true;
}

static int finish_slot(struct timeline *timeline, struct slot *slot, uint64_t end_ns,
		       bool cpus_known)
{
	unsigned int flags = INTERVAL_STILL_OPEN;
	int error = doubt_runnable(timeline, slot, end_ns);

	/* a thread that runs on no CPU slept before it was woken */
	if (!error && slot->current.state == THREAD_UNKNOWN && slot->waking.set && cpus_known) {
		slot->runnable_hint = false;
		error = clear_up_unknown(timeline, slot, end_ns);
	}
	if (error)
		return error;
	slot->done = true;
	if (slot->exiting && slot->current.state == THREAD_UNKNOWN)
		return 0;
	if (slot->current.state == THREAD_BLOCKED &&
	    losses_between(&timeline->losses, slot->current.start_ns, end_ns, NULL))
		flags |= INTERVAL_SPANS_LOSS;
	return close_interval(timeline, slot, end_ns, flags);
}

int timeline_finish(struct timeline *timeline, const struct threads *threads, uint64_t end_ns)
{
	bool cpus_known = every_cpu_known(timeline);

	end_ns = timeline->now_ns = later(timeline->now_ns, end_ns);
	for (size_t i = 0; i < threads_count(threads); i++) {
		struct thread *thread = threads_at(threads, i);
		struct slot *slot;
		int error = slot_of(timeline, thread, &slot);

		if (!error && slot && thread->exited)
			error = close_vanished(timeline, slot,
					       earlier(end_ns, later(timeline->start_ns,
								     thread->died_ns)));
		else if (!error && slot)
			error = finish_slot(timeline, slot, end_ns, cpus_known);
		if (error)
			return error;
	}
	return 0;
}

const struct interval *timeline_current(const struct timeline *timeline,
					const struct thread *thread)
{
	const struct slot *slot;

	if (thread->index >= timeline->slot_count)
		return NULL;
	slot = &timeline->slots[thread->index];
	return slot->current.thread && !slot->done ? &slot->current : NULL;
}
