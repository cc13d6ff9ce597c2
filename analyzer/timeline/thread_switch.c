/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/timeline/thread_switch_private.h"

int thread_switch_resolve_unknown(struct timeline *timeline, struct thread_slot *slot,
				  uint64_t time_ns)
{
	const struct pending_waking waking = slot->waking;
	uint64_t since_ns;
	int error;

	if (waking.set && !lost_spans_between(&timeline->losses, waking.time_ns, time_ns, NULL)) {
		since_ns = thread_state_unchanged_since(timeline, slot, waking.time_ns);
		if (slot->runnable_hint && slot->hint_ns >= since_ns)
			since_ns = waking.time_ns; /* contradictory: its sleep began unseen */
		if (since_ns < waking.time_ns) {
			error = thread_state_move_to_blocked(timeline, slot, since_ns,
							     thread_state_start_flag(timeline,
										     since_ns),
							     FT_STATE_OTHER, STACK_NONE);
			if (error)
				return error;
			slot->current.waker = waking.waker;
			slot->current.waker_stack_id = waking.stack_id;
			slot->current.waker_cpu = waking.cpu;
			slot->current.waker_in_interrupt = waking.in_interrupt;
		}
		return thread_state_move(timeline, slot, THREAD_RUNNABLE, waking.time_ns, 0);
	}
	if (slot->runnable_hint) {
		/* any waking since would have been seen, so it did not sleep */
		since_ns = thread_state_unchanged_since(timeline, slot, time_ns);
		error = thread_state_move(timeline, slot, THREAD_RUNNABLE, since_ns, 0);
		slot->current.flags = thread_state_start_flag(timeline, since_ns);
		return error;
	}
	return 0;
}

static int leave_blocked_unwoken(struct timeline *timeline, struct thread_slot *slot,
				 uint64_t time_ns)
{
	uint64_t lost_ns, woken_ns;
	int error;

	if (!lost_spans_between(&timeline->losses, slot->current.start_ns, time_ns, &lost_ns)) {
		woken_ns = missing_switches_latest_waking(timeline, slot, time_ns);
		if (woken_ns <= slot->current.start_ns || woken_ns >= time_ns)
			return thread_state_move(timeline, slot, THREAD_RUNNABLE, time_ns,
						 INTERVAL_WAKER_LOST);
		error = thread_state_move(timeline, slot, THREAD_RUNNABLE, woken_ns,
					  INTERVAL_WAKER_LOST);
		slot->current.flags |= INTERVAL_START_LOST;
		return error;
	}
	error = thread_state_move_to_unknown(timeline, slot, lost_ns);
	slot->runnable_hint = timeline->wakings_recorded;
	slot->hint_ns = lost_ns;
	return error;
}

int thread_switch_in(struct timeline *timeline, struct thread_slot *slot, uint32_t cpu,
		     uint64_t time_ns)
{
	int error = 0;

	switch (slot->current.state) {
	case THREAD_RUNNING:
		error = thread_state_lose_running(timeline, slot);
		break;
	case THREAD_RUNNABLE:
		error = thread_state_doubt_runnable(timeline, slot, time_ns);
		break;
	case THREAD_BLOCKED:
		error = leave_blocked_unwoken(timeline, slot, time_ns);
		break;
	default:
		break;
	}
	if (!error && slot->current.state == THREAD_UNKNOWN)
		error = thread_switch_resolve_unknown(timeline, slot, time_ns);
	if (!error)
		error = thread_state_move(timeline, slot, THREAD_RUNNING, time_ns, 0);
	slot->current.cpu = cpu;
	return error;
}

int thread_switch_found_running(struct timeline *timeline, struct thread_slot *slot,
				uint32_t number, struct arrival arrival, uint64_t time_ns)
{
	const struct cpu *cpu = &timeline->cpus[number];
	uint64_t known_ns = cpu->known_from_ns, start_ns, since_ns;
	int error = 0;

	if (arrival.from_silent_idle && slot->current.state != THREAD_RUNNABLE && !slot->waking.set)
		slot->interrupt_cpu = number; /* who woke it is as silent */
	if (slot->current.state == THREAD_RUNNING)
		error = thread_state_lose_running(timeline, slot);
	if (error)
		return error;
	start_ns = slot->current.start_ns;
	if (slot->current.state != THREAD_UNKNOWN) {
		uint64_t end_ns = earlier(arrival.earliest_ns, time_ns);

		lost_spans_between(&timeline->losses, start_ns, time_ns, &end_ns);
		error = thread_state_move_to_unknown(timeline, slot, end_ns);
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
	error = thread_state_move(timeline, slot, THREAD_RUNNING, since_ns, 0);
	slot->current.flags = thread_state_start_flag(timeline, since_ns);
	slot->current.cpu = number;
	return error;
}

int thread_switch_out(struct timeline *timeline, struct thread_slot *slot,
		      const struct event *event, uint64_t time_ns)
{
	enum ft_task_state state = event->raw.switch_.prev_state;
	int error;

	if (slot->current.state == THREAD_RUNNING) {
		slot->current.prev_state = state;
		slot->current.stack_id = event->stack_id;
	}
	if (state == FT_STATE_DEAD) {
		slot->done = true;
		return thread_state_close(timeline, slot, time_ns, 0);
	}
	if (thread_state_blocks(state))
		return thread_state_move_to_blocked(timeline, slot, time_ns, 0, state,
						    event->stack_id);
	error = thread_state_move(timeline, slot, THREAD_RUNNABLE, time_ns, 0);
	if (error || slot->current.state != THREAD_RUNNABLE)
		return error;
	slot->current.flags = INTERVAL_PREEMPTED;
	slot->current.prev_state = state;
	slot->current.stack_id = event->stack_id;
	return error;
}
