/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/detect/stopped_process.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/util/span.h"

/* Woken by a signal, a thread stops itself this soon, or later where it does not get a CPU. */
#define SIGNAL_TO_STOP_NS 1000000000ull

static bool is_within(const struct long_wait *wait, const struct stall *stall)
{
	return wait->start_ns >= stall->start_ns && wait->end_ns <= stall->end_ns;
}

static uint64_t stopped_ns_of(const struct long_wait *waits, size_t count,
			      const struct stall *stall, int32_t tgid)
{
	uint64_t ns = 0;

	for (size_t i = 0; i < count; i++)
		if (waits[i].class == WAIT_STOPPED && waits[i].thread->tgid == tgid &&
		    is_within(&waits[i], stall))
			ns += waits[i].blocked_ns;
	return ns;
}

/* Processes with stopped threads are few. */
static void find_process(const struct long_wait *waits, size_t count, const struct stall *stall,
			 struct stopped_process *stopped)
{
	for (size_t i = 0; i < count; i++) {
		uint64_t ns;

		if (!is_within(&waits[i], stall))
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
	struct victim_set victims = VICTIM_SET;
	int r = 0;

	stopped->start_ns = UINT64_MAX;
	for (size_t i = 0; i < count && !r; i++) {
		const struct long_wait *wait = &waits[i];
		const struct victim lost = { wait->thread, wait->blocked_ns, wait->blocked_ns,
					     wait->start_ns };

		if (wait->class != WAIT_STOPPED || wait->thread->tgid != stopped->tgid ||
		    !is_within(wait, stall))
			continue;
		r = victim_set_join(&victims, wait->thread, &lost);
		stopped->start_ns = earlier(stopped->start_ns, wait->start_ns);
		stopped->end_ns = later(stopped->end_ns, wait->end_ns);
		stopped->began_before |= !!(wait->flags & INTERVAL_BEGAN_BEFORE);
		stopped->still_open |= !!(wait->flags & INTERVAL_STILL_OPEN);
		stopped->doubtful |= !!(wait->flags & (INTERVAL_START_LOST | INTERVAL_END_LOST |
						       INTERVAL_SPANS_LOSS));
	}
	if (!r)
		r = victim_set_take(&victims, 0, &stopped->victims, &stopped->victim_count, NULL);
	victim_set_free(&victims);
	return r;
}

/* Who else was there, and the name that the process goes by. */
static void count_threads(const struct threads *threads, struct stopped_process *stopped)
{
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

/*
 * Woken by this, did the process stop? Where wakers' stacks are not recorded: the thread did not sleep again before it
 * stopped. It wakes the others, to make them stop too, and they may be the first.
 */
static bool made_it_stop(const struct observations *observations,
			 const struct stopped_process *stopped,
			 const struct history_interval *interval,
			 const struct history_interval *next_sleep)
{
	if (interval->end_ns > stopped->start_ns ||
	    interval->end_ns + SIGNAL_TO_STOP_NS < stopped->start_ns ||
	    (next_sleep && next_sleep->prev_state != FT_STATE_STOPPED))
		return false;
	return interval->waker_stack_id == STACK_NONE ||
	       sends_signal(source_stacks(observations->source), interval->waker_stack_id);
}

/* One of another process woke the thread by what it did itself; NULL. */
static struct thread *outside_waker(const struct history *history,
				    const struct stopped_process *stopped,
				    const struct history_interval *interval)
{
	struct thread *waker = history_waker(history, interval);

	return waker && waker->tgid != stopped->tgid && !waker->idle_task &&
			       !interval->waker_in_interrupt
		       ? waker
		       : NULL;
}

/* Who stopped the process, and who let it go on, as far as this thread's waits tell. */
struct stop_edges {
	uint64_t stopped_ns, resumed_ns; /* when they did; 0: not seen */
};

static void read_edges(const struct observations *observations, const struct thread *thread,
		       struct stopped_process *stopped, struct stop_edges *edges)
{
	const struct history_interval *intervals, *next_sleep = NULL;
	size_t count = history_intervals(observations->history, thread, &intervals);

	for (size_t i = count; i-- > 0;) {
		const struct history_interval *interval = &intervals[i];
		struct thread *waker;

		if (interval->state != THREAD_BLOCKED)
			continue;
		waker = outside_waker(observations->history, stopped, interval);
		/* A stopped thread is woken by nothing but a signal. */
		if (waker && interval->end_ns > stopped->start_ns &&
		    interval->end_ns <= stopped->end_ns && interval->end_ns > edges->resumed_ns) {
			edges->resumed_ns = interval->end_ns;
			stopped->waker = waker;
		}
		if (waker && interval->end_ns > edges->stopped_ns &&
		    made_it_stop(observations, stopped, interval, next_sleep)) {
			edges->stopped_ns = interval->end_ns;
			stopped->stopper = waker;
			stopped->stopper_stack_id = interval->waker_stack_id;
		}
		next_sleep = interval;
	}
}

/* What kind of a stop it was: as the thread that was stopped last says. */
static int read_detail(const struct observations *observations, const struct thread *thread,
		       struct stopped_process *stopped, uint64_t *last_ns)
{
	struct history_cursor cursor = history_walk(observations->history, thread,
						    stopped->start_ns, stopped->end_ns);
	const struct history_interval *interval;
	uint64_t from_ns, to_ns;

	while ((interval = history_next(&cursor, &from_ns, &to_ns))) {
		const struct wait_reason *reason;
		const struct stack_info *info;

		if (interval->state != THREAD_BLOCKED || interval->end_ns > stopped->end_ns ||
		    interval->start_ns < stopped->start_ns || interval->end_ns < *last_ns)
			continue;
		info = stack_infos_get(observations->stack_infos, interval->stack_id);
		if (!info)
			return -ENOMEM;
		reason = stack_info_reason(info, interval->prev_state);
		if (reason->class != WAIT_STOPPED)
			continue;
		stopped->detail = reason->detail;
		*last_ns = interval->end_ns;
	}
	return 0;
}

static int read_process(const struct observations *observations, struct stopped_process *stopped)
{
	const struct threads *threads = source_threads(observations->source);
	struct stop_edges edges = { 0 };
	uint64_t last_ns = 0;
	int r = 0;

	for (size_t i = 0; i < threads_count(threads) && !r; i++) {
		const struct thread *thread = threads_at(threads, i);

		if (thread->tgid != stopped->tgid)
			continue;
		read_edges(observations, thread, stopped, &edges);
		r = read_detail(observations, thread, stopped, &last_ns);
	}
	return r;
}

int stopped_process_find(const struct observations *observations, const struct stall *stall,
			 struct stopped_process *ret_stopped)
{
	struct stopped_process stopped = { .tgid = 0 };
	const struct long_wait *waits;
	size_t count = wait_stats_long_waits(observations->wait_stats, &waits);
	int r = 0;

	find_process(waits, count, stall, &stopped);
	if (stopped.tgid)
		r = fill_process(waits, count, stall, &stopped);
	if (!r && stopped.tgid) {
		count_threads(source_threads(observations->source), &stopped);
		r = read_process(observations, &stopped);
	}
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
