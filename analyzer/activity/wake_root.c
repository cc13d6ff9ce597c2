/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/activity/wake_root.h"

/* Who queues for a lock of user space is woken by the one before: such a queue may be long. */
#define LINKS_MAX 256u

const struct history_interval *wake_root_wait_meanwhile(const struct history *history,
							const struct thread *thread,
							uint64_t start_ns, uint64_t end_ns)
{
	struct history_cursor cursor = history_walk(history, thread, start_ns, end_ns);
	const struct history_interval *interval;
	uint64_t from_ns, to_ns;

	while ((interval = history_next(&cursor, &from_ns, &to_ns)))
		if (interval->state == THREAD_BLOCKED && !interval->merged &&
		    (to_ns - from_ns) * 2 >= end_ns - start_ns)
			return interval;
	return NULL;
}

enum wake_end wake_root_end(const struct history *history, struct stack_infos *stack_infos,
			    const struct history_interval *wait)
{
	const struct thread *waker = history_waker(history, wait);
	const struct stack_info *info;

	if (wait->flags & INTERVAL_STILL_OPEN)
		return WAKE_OPEN;
	if (!waker)
		return WAKE_UNSEEN;
	if (!wait->waker_in_interrupt && !waker->idle_task)
		return WAKE_THREAD;
	info = stack_infos_get(stack_infos, wait->waker_stack_id);
	if (info && info->own_softirq && !waker->idle_task)
		return WAKE_THREAD;
	return (info && info->by_timer) || wait->direction == DIRECTION_SLEEPS ? WAKE_TIMER
									       : WAKE_OUTSIDE;
}

/* Wakings in an interrupt while one thread had the CPU; of fewer, or less of them, that may be chance. */
#define USUAL_LEAST   8u
#define USUAL_PERCENT 40u

/* Who has the CPU for longer at a time is the one that interrupts hit. */
#define ANSWER_NS 1000000u

/* Whether @thread, which had the CPU at @time_ns, had it for a moment only. */
static bool ran_shortly(const struct history *history, const struct thread *thread,
			uint64_t time_ns)
{
	const struct history_interval *intervals;
	size_t count = history_intervals(history, thread, &intervals);
	size_t at = history_at(history, thread, time_ns);

	return at < count && (intervals[at].merged || intervals[at].state != THREAD_RUNNING ||
			      intervals[at].end_ns - intervals[at].start_ns < ANSWER_NS);
}

/*
 * Who sends through the loopback device wakes the receiver in a softirq of his own. Where no stack tells that, it shows
 * in that he had the CPU, for a moment, again and again when @thread was woken in an interrupt.
 */
static bool is_usual_sender(const struct history *history, const struct thread *thread,
			    const struct history_interval *wait)
{
	const struct history_interval *intervals;
	size_t count = history_intervals(history, thread, &intervals);
	uint64_t all = 0, same = 0;

	for (size_t i = 0; i < count; i++) {
		uint64_t times = intervals[i].merged ? intervals[i].merged : 1;

		if (intervals[i].state != THREAD_BLOCKED || !intervals[i].waker_in_interrupt ||
		    intervals[i].direction != DIRECTION_TAKES ||
		    intervals[i].waker == HISTORY_NOBODY)
			continue;
		all += times;
		if (intervals[i].waker == wait->waker &&
		    ran_shortly(history, history_waker(history, wait), intervals[i].end_ns))
			same += times;
	}
	return same >= USUAL_LEAST && same * 100 >= all * USUAL_PERCENT;
}

static enum wake_end find_end(const struct history *history, struct stack_infos *stack_infos,
			      const struct thread *thread, const struct history_interval *wait)
{
	enum wake_end end = wake_root_end(history, stack_infos, wait);
	const struct thread *waker = history_waker(history, wait);

	return end == WAKE_OUTSIDE && wait->waker_stack_id == STACK_NONE && !waker->idle_task &&
			       is_usual_sender(history, thread, wait)
		       ? WAKE_THREAD
		       : end;
}

/* Whether both wait in the same place: then the one is no more than the other's fellow, whatever it does after that. */
static bool is_fellow(struct stack_infos *stack_infos, const struct history_interval *wait,
		      const struct history_interval *other)
{
	const struct stack_info *info = stack_infos_get(stack_infos, wait->stack_id);
	const struct stack_info *other_info = stack_infos_get(stack_infos, other->stack_id);

	return wait->class == other->class && info && other_info &&
	       info->operation_id == other_info->operation_id;
}

struct wake_root wake_root_find(const struct history *history, struct stack_infos *stack_infos,
				const struct thread *thread, const struct history_interval *wait)
{
	const uint64_t start_ns = wait->start_ns, end_ns = wait->end_ns;
	const struct history_interval *first = wait;
	const struct thread *waiter = thread;
	struct wake_root root = { .end = WAKE_UNSEEN, .stack_id = STACK_NONE };
	struct wake_root before = root;

	for (root.links = 1; root.links <= LINKS_MAX; root.links++) {
		root.at_ns = wait->end_ns;
		root.end = find_end(history, stack_infos, waiter, wait);
		/* Whose time limit ended a wait of its own slept, whatever call it did that with. */
		if (root.end == WAKE_TIMER && before.thread && !is_fellow(stack_infos, first, wait))
			return before;
		if (root.end != WAKE_THREAD)
			return root;
		root.thread = history_waker(history, wait);
		root.stack_id = wait->waker_stack_id;
		if (root.thread == thread)
			break;
		wait = wake_root_wait_meanwhile(history, root.thread, start_ns, end_ns);
		if (!wait || (wait->direction != DIRECTION_TAKES && wait->direction != DIRECTION_GIVES))
			return root;
		waiter = root.thread;
		before = root;
		root.thread = NULL;
	}
	root.end = WAKE_UNSEEN;
	root.thread = NULL;
	return root;
}
