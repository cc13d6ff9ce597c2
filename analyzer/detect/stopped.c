/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/detect/stopped_process.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/locks/replay.h"

/* Woken by a signal, a thread stops itself this soon, or later where it does not get a CPU. */
#define SIGNAL_TO_STOP_NS 1000000000ull

static bool within(const struct long_wait *wait, const struct stall *stall)
{
	return wait->start_ns >= stall->start_ns && wait->end_ns <= stall->end_ns;
}

static uint64_t stopped_ns_of(const struct long_wait *waits, size_t count,
			      const struct stall *stall, int32_t tgid)
{
	uint64_t ns = 0;

	for (size_t i = 0; i < count; i++)
		if (waits[i].class == WAIT_STOPPED && waits[i].thread->tgid == tgid &&
		    within(&waits[i], stall))
			ns += waits[i].blocked_ns;
	return ns;
}

/* Processes with stopped threads are few. */
static void find_process(const struct long_wait *waits, size_t count, const struct stall *stall,
			 struct stopped_process *stopped)
{
	for (size_t i = 0; i < count; i++) {
		uint64_t ns;

		if (!within(&waits[i], stall))
			continue;
		stopped->total_ns += waits[i].blocked_ns;
		if (waits[i].class != WAIT_STOPPED || waits[i].thread->tgid <= 0 ||
		    waits[i].thread->tgid == stopped->tgid)
			continue;
		ns = stopped_ns_of(waits, count, stall, waits[i].thread->tgid);
		if (ns <= stopped->stopped_ns)
			continue;
		stopped->stopped_ns = ns;
		stopped->tgid = waits[i].thread->tgid;
	}
}

static int fill_process(const struct long_wait *waits, size_t count, const struct stall *stall,
			struct stopped_process *stopped)
{
	stopped->start_ns = UINT64_MAX;
	stopped->victims = calloc(count, sizeof(*stopped->victims));
	if (!stopped->victims)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		const struct long_wait *wait = &waits[i];
		size_t at = 0;

		if (wait->class != WAIT_STOPPED || wait->thread->tgid != stopped->tgid ||
		    !within(wait, stall))
			continue;
		while (at < stopped->victim_count && stopped->victims[at].thread != wait->thread)
			at++;
		stopped->victim_count += at == stopped->victim_count;
		stopped->victims[at].thread = wait->thread;
		stopped->victims[at].blocked_ns += wait->blocked_ns;
		if (wait->blocked_ns > stopped->victims[at].longest_ns) {
			stopped->victims[at].longest_ns = wait->blocked_ns;
			stopped->victims[at].since_ns = wait->start_ns;
		}
		if (wait->start_ns < stopped->start_ns)
			stopped->start_ns = wait->start_ns;
		if (wait->end_ns > stopped->end_ns)
			stopped->end_ns = wait->end_ns;
		stopped->began_before |= !!(wait->flags & INTERVAL_BEGAN_BEFORE);
		stopped->still_open |= !!(wait->flags & INTERVAL_STILL_OPEN);
		stopped->doubtful |= !!(wait->flags & (INTERVAL_START_LOST | INTERVAL_END_LOST |
						       INTERVAL_SPANS_LOSS));
	}
	return 0;
}

static int by_blocked(const void *left, const void *right)
{
	const struct victim *a = left, *b = right;

	if (a->blocked_ns != b->blocked_ns)
		return a->blocked_ns < b->blocked_ns ? 1 : -1;
	return (a->thread->tid > b->thread->tid) - (a->thread->tid < b->thread->tid);
}

/* Who else was there, and the name that the process goes by. */
static void count_threads(const struct threads *threads, struct stopped_process *stopped)
{
	qsort(stopped->victims, stopped->victim_count, sizeof(*stopped->victims), by_blocked);
	stopped->comm = stopped->victims[0].thread->comm;
	for (size_t i = 0; i < threads_count(threads); i++) {
		const struct thread *thread = threads_at(threads, i);

		if (thread->tgid != stopped->tgid || thread->idle_task ||
		    thread->born_ns > stopped->start_ns ||
		    (thread->died_ns && thread->died_ns < stopped->start_ns))
			continue;
		stopped->thread_count++;
		if (thread->tid == thread->tgid)
			stopped->comm = thread->comm;
	}
}

struct watch {
	const struct stack_table *stacks;
	struct stack_infos *stackfacts;
	struct stopped_process *stopped;
};

static bool sends_signal(const struct stack_table *stacks, uint32_t stack_id)
{
	const struct frame *frames = NULL;
	size_t count = stack_table_frames(stacks, stack_id, &frames);

	for (size_t i = 0; i < count; i++)
		if (frames[i].kernel && frames[i].symbol &&
		    (!strcmp(frames[i].symbol, "signal_wake_up_state") ||
		     !strcmp(frames[i].symbol, "complete_signal")))
			return true;
	return false;
}

/* Woken by this, did the process stop? Where wakers' stacks are not recorded: the thread did not sleep again
 * before it stopped, see watch_event(). It wakes the others, to make them stop too, and they may be the first. */
static bool made_it_stop(const struct watch *watch, const struct event *event)
{
	const struct stopped_process *stopped = watch->stopped;

	if (event->raw.time_ns > stopped->start_ns ||
	    event->raw.time_ns + SIGNAL_TO_STOP_NS < stopped->start_ns)
		return false;
	if (event->stack_id == STACK_NONE)
		return true;
	return sends_signal(watch->stacks, event->stack_id);
}

static int watch_event(void *context, const struct event *event)
{
	struct watch *watch = context;
	struct stopped_process *stopped = watch->stopped;
	uint64_t at_ns = event->raw.time_ns;

	if (event->raw.kind == FT_EVENT_SWITCH && event->thread == stopped->woken &&
	    event->raw.switch_.prev_state != FT_STATE_PREEMPTED &&
	    event->raw.switch_.prev_state != FT_STATE_RUNNING) {
		if (event->raw.switch_.prev_state != FT_STATE_STOPPED)
			stopped->stopper = NULL;
		stopped->woken = NULL;
	}
	if (event->raw.kind != FT_EVENT_WAKING || !event->other ||
	    event->other->tgid != stopped->tgid || !event->thread ||
	    event->thread->tgid == stopped->tgid || event->thread->idle_task ||
	    event->raw.waking.in_interrupt)
		return 0;
	if (made_it_stop(watch, event)) {
		stopped->stopper = event->thread;
		stopped->woken = event->other;
		stopped->stopper_stack_id = event->stack_id;
	}
	/* A stopped thread is woken by nothing but a signal. */
	if (at_ns > stopped->start_ns && at_ns <= stopped->end_ns)
		stopped->waker = event->thread;
	return 0;
}

/* What kind of a stop it was. */
static int watch_closed(void *context, const struct interval *interval)
{
	struct watch *watch = context;
	struct stopped_process *stopped = watch->stopped;
	const struct wait_reason *reason;
	const struct stack_info *fact;

	if (interval->state != THREAD_BLOCKED || interval->thread->tgid != stopped->tgid ||
	    interval->start_ns < stopped->start_ns || interval->end_ns > stopped->end_ns)
		return 0;
	fact = stack_infos_get(watch->stackfacts, interval->stack_id);
	if (!fact)
		return -ENOMEM;
	reason = stack_info_reason(fact, interval->prev_state);
	if (reason->class == WAIT_STOPPED)
		stopped->detail = reason->detail;
	return 0;
}

int stopped_process_find(struct source *source, struct stack_infos *stackfacts,
			 struct target *target, const struct long_wait *waits, size_t count,
			 const struct stall *stall, struct stopped_process *ret_stopped)
{
	const struct lock_tracker_options options = { 0, UINT64_MAX, target_counts, target, NULL };
	struct stopped_process stopped = { .tgid = 0 };
	struct watch watch = { source_stacks(source), stackfacts, &stopped };
	struct replay *pass = NULL;
	int r = 0;

	find_process(waits, count, stall, &stopped);
	if (!stopped.tgid)
		goto out;
	r = fill_process(waits, count, stall, &stopped);
	if (r)
		goto out;
	count_threads(source_threads(source), &stopped);
	r = replay_create(source, stackfacts, &options, &pass);
	if (r)
		goto out;
	r = replay_run(pass, &(struct replay_watcher){ watch_event, watch_closed, &watch });
out:
	replay_destroy(pass);
	if (r)
		stopped_process_free(&stopped);
	else
		*ret_stopped = stopped;
	return r;
}

void stopped_process_free(struct stopped_process *stopped)
{
	free(stopped->victims);
	*stopped = (struct stopped_process){ 0 };
}
