/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process of the target that was stopped (SIGSTOP, a debugger, a frozen control group): which,
 * since when, and who did it as far as that was seen. The finding is process-stopped.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/activity/wake_root.h"
#include "analyzer/detect/detectors.h"
#include "analyzer/detect/finding.h"
#include "analyzer/detect/thresholds.h"
#include "analyzer/util/span.h"

struct stopped_process {
	int32_t tgid; /* 0: none was */
	const char *comm; /* of its main thread, else of the thread stopped longest; borrowed */
	const struct wait_words *words; /* how it was held back, and what to do */
	const struct thread *crasher; /* who dumps core; NULL */
	uint64_t crashed_ns;
	uint64_t start_ns, end_ns; /* of the first and last thread's stop */
	bool began_before, still_open, doubtful; /* doubtful: events were lost at an edge */
	struct victim *victims; /* its threads that were, most blocked first */
	size_t victim_count, thread_count; /* of how many that it had */
	uint64_t total_ns; /* of all waits that hurt in the stall, for comparison */
	uint64_t stopped_ns;
	struct thread *stopper; /* who woke one of them, to stop; NULL: not seen */
	uint32_t stopper_stack_id; /* STACK_NONE: not recorded; then it was the last to wake it */
	struct thread *waker; /* who let it go on; NULL: not seen */
};

/* In the stall a thread of @tgid was stopped. */
static bool is_stop(const struct detect_context *in, const struct long_wait *wait, int32_t tgid)
{
	return wait->class == WAIT_STOPPED && wait->thread->tgid == tgid &&
	       detect_in_stall(in->stall, wait->start_ns, wait->end_ns);
}

static uint64_t sum_stops(const struct detect_context *in, int32_t tgid)
{
	uint64_t ns = 0;

	for (size_t i = 0; i < in->wait_count; i++)
		if (is_stop(in, &in->waits[i], tgid))
			ns += in->waits[i].blocked_ns;
	return ns;
}

/* Processes with stopped threads are few. */
static void choose_process(const struct detect_context *in, struct stopped_process *stopped)
{
	for (size_t i = 0; i < in->wait_count; i++) {
		int32_t tgid = in->waits[i].thread->tgid;
		uint64_t ns = 0;

		if (detect_in_stall(in->stall, in->waits[i].start_ns, in->waits[i].end_ns))
			stopped->total_ns += in->waits[i].blocked_ns;
		if (tgid > 0 && tgid != stopped->tgid && is_stop(in, &in->waits[i], tgid))
			ns = sum_stops(in, tgid);
		if (ns <= stopped->stopped_ns)
			continue;
		stopped->stopped_ns = ns;
		stopped->tgid = tgid;
	}
}

/* The waker of one of the stopped threads, when all went on; HISTORY_NOBODY. */
static uint32_t find_thaw(const struct detect_context *in, const struct stopped_process *stopped)
{
	for (size_t i = 0; i < in->wait_count; i++) {
		const struct history_interval *stop =
			is_stop(in, &in->waits[i], stopped->tgid)
				? wake_root_wait_meanwhile(in->observations->history,
							   in->waits[i].thread, stopped->start_ns,
							   stopped->end_ns)
				: NULL;

		if (stop && stop->waker != HISTORY_NOBODY && !stop->waker_in_interrupt)
			return stop->waker;
	}
	return HISTORY_NOBODY;
}

/*
 * A freezer of control groups leaves threads that sleep where they are: no event tells that they stopped. Who thaws the
 * others lets them go on too, which their timers could not.
 */
static int add_frozen_sleepers(const struct detect_context *in, const struct stopped_process *stopped,
			       struct victim_set *victims)
{
	const struct threads *threads = source_threads(in->observations->source);
	uint32_t waker = find_thaw(in, stopped);
	int r = 0;

	for (size_t i = 0; i < threads_count(threads) && !r && waker != HISTORY_NOBODY; i++) {
		struct thread *thread = threads_at(threads, i);
		const struct history_interval *sleep =
			thread->tgid == stopped->tgid
				? wake_root_wait_meanwhile(in->observations->history, thread,
							   stopped->start_ns, stopped->end_ns)
				: NULL;

		if (sleep && sleep->direction == DIRECTION_SLEEPS && sleep->waker == waker &&
		    !sleep->waker_in_interrupt)
			r = victim_set_add(victims, thread, later(sleep->start_ns, stopped->start_ns),
					   sleep->end_ns);
	}
	return r;
}

static int fill_process(const struct detect_context *in, struct stopped_process *stopped)
{
	struct victim_set victims = VICTIM_SET;
	int r = 0;

	stopped->start_ns = UINT64_MAX;
	for (size_t i = 0; i < in->wait_count && !r; i++) {
		const struct long_wait *wait = &in->waits[i];
		const struct victim lost = { wait->thread, wait->blocked_ns, wait->blocked_ns,
					     wait->start_ns };

		if (!is_stop(in, wait, stopped->tgid))
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
		r = add_frozen_sleepers(in, stopped, &victims);
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

/* Whether one of @names, which end with NULL, is in the stack. */
static bool has_frame(const struct stack_table *stacks, uint32_t stack_id, const char *const *names)
{
	const struct frame *frames = NULL;
	size_t count = stack_table_frames(stacks, stack_id, &frames);

	for (size_t i = 0; i < count; i++)
		for (const char *const *name = names; *name; name++)
			if (frames[i].kernel && frames[i].symbol && !strcmp(frames[i].symbol, *name))
				return true;
	return false;
}

static bool sends_signal(const struct stack_table *stacks, uint32_t stack_id)
{
	static const char *const names[] = { "signal_wake_up_state", "complete_signal", NULL };

	return has_frame(stacks, stack_id, names);
}

/* The thread that writes the core: the others only wait for it. */
static void find_crasher(const struct observations *observations, const struct thread *thread,
			 struct stopped_process *stopped)
{
	static const char *const names[] = { "coredump_wait", "do_coredump", "vfs_coredump",
					     "elf_core_dump", NULL };
	struct history_cursor cursor = history_walk(
		observations->history, thread,
		stopped->start_ns - earlier(SIGNAL_TO_STOP_NS, stopped->start_ns), stopped->end_ns);
	const struct history_interval *interval;
	uint64_t from_ns, to_ns;

	while (!stopped->crasher && (interval = history_next(&cursor, &from_ns, &to_ns))) {
		if ((interval->state != THREAD_BLOCKED && interval->state != THREAD_RUNNABLE) ||
		    !has_frame(source_stacks(observations->source), interval->stack_id, names))
			continue;
		stopped->crasher = thread;
		stopped->crashed_ns = from_ns;
	}
}

/*
 * Woken by this, did the process stop? Where wakers' stacks are not recorded: the thread did not
 * sleep again before it stopped. It wakes the others, to make them stop too, and they may be the
 * first.
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
	struct history_cursor cursor =
		history_walk(observations->history, thread, stopped->start_ns, stopped->end_ns);
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
		stopped->words = reason->words;
		*last_ns = interval->end_ns;
	}
	return 0;
}

static int read_threads(const struct observations *observations, struct stopped_process *stopped)
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
		find_crasher(observations, thread, stopped);
		r = read_detail(observations, thread, stopped, &last_ns);
	}
	return r;
}

static void fill_summary(const struct stopped_process *stopped, struct model_finding *finding)
{
	const struct thread *crasher = stopped->crasher;
	char who[80] = "";

	if (crasher)
		snprintf(who, sizeof(who), " (thread %" PRId32 ", %.15s)", crasher->tid,
			 crasher->comm);
	finding_text(&finding->summary,
		     "Process %" PRId32 " (%s) %s%s for %s%s: %zu of its %zu threads stood still. "
		     "It could not answer anybody meanwhile.",
		     stopped->tgid, stopped->comm, stopped->words->wanted, who,
		     stopped->still_open || stopped->began_before ? "at least " : "",
		     human_duration(stopped->end_ns - stopped->start_ns).text,
		     stopped->victim_count, stopped->thread_count);
}

static void fill_evidence(const struct detect_context *context,
			  const struct stopped_process *stopped, struct model_finding *finding)
{
	finding_evidence(finding, "the kernel recorded its threads as stopped from %s to %s",
			 detect_time_text(context, stopped->start_ns).text,
			 detect_time_text(context, stopped->end_ns).text);

	if (stopped->stopper)
		finding_evidence(finding, "thread %" PRId32 " (%s) woke it %s",
				 stopped->stopper->tid, stopped->stopper->comm,
				 stopped->stopper_stack_id != STACK_NONE
					 ? "with a signal right before"
					 : "right before, and it did nothing but stop");
	else if (!stopped->crasher)
		finding_evidence(finding, "who stopped it was not seen");
	if (stopped->crasher)
		finding_evidence(finding, "thread %" PRId32 " (%s) began to dump core at %s",
				 stopped->crasher->tid, stopped->crasher->comm,
				 detect_time_text(context, stopped->crashed_ns).text);
	if (stopped->waker)
		finding_evidence(finding, "thread %" PRId32 " (%s) let it go on",
				 stopped->waker->tid, stopped->waker->comm);
}

static int find_stopped_process(struct detect_context *in, struct candidates *out)
{
	struct candidate *candidate = candidate_append(in, out);
	struct stopped_process *stopped;
	int r;

	if (!candidate)
		return -ENOMEM;
	stopped = candidate->found;
	stopped->words = wait_class_words(WAIT_STOPPED);
	choose_process(in, stopped);
	if (!share_at_least(stopped->stopped_ns, stopped->total_ns, STOPPED_PERCENT))
		return 0;
	candidate->lost_ns = stopped->stopped_ns;
	r = fill_process(in, stopped);
	if (r)
		return r;
	count_threads(source_threads(in->observations->source), stopped);
	return read_threads(in->observations, stopped);
}

static void report_stopped_process(const struct detect_context *in, const void *found,
				   struct model_finding *finding)
{
	const struct stopped_process *stopped = found;

	finding->kind = FINDING_PROCESS_STOPPED;
	finding->grade = stopped->doubtful ? GRADE_STRONG : GRADE_EXACT;
	if (stopped->crasher)
		finding_culprit(in, stopped->crasher, 0, 0, NULL, STACK_NONE, finding);
	else if (stopped->stopper)
		finding_culprit(in, stopped->stopper, 0, 0, NULL, stopped->stopper_stack_id,
				finding);
	finding_victims(in, stopped->victims, stopped->victim_count, finding);
	fill_summary(stopped, finding);
	fill_evidence(in, stopped, finding);
	finding_text(&finding->advice, "%s", stopped->words->advice);
}

static void free_stopped_process(void *found)
{
	free(((struct stopped_process *)found)->victims);
}

const struct detector stopped_process_detector = {
	.found_bytes = sizeof(struct stopped_process),
	.evidence = EVIDENCE_STANDSTILL,
	.of_waits = true,
	.beside = true,
	.find = find_stopped_process,
	.report = report_stopped_process,
	.free = free_stopped_process,
};
