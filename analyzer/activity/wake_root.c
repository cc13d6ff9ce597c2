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

struct wake_root wake_root_find(const struct history *history, struct stack_infos *stack_infos,
				const struct thread *thread, const struct history_interval *wait)
{
	const uint64_t start_ns = wait->start_ns, end_ns = wait->end_ns;
	struct wake_root root = { .end = WAKE_UNSEEN, .stack_id = STACK_NONE };
	struct wake_root before = root;

	for (root.links = 1; root.links <= LINKS_MAX; root.links++) {
		root.at_ns = wait->end_ns;
		root.end = wake_root_end(history, stack_infos, wait);
		/* Whose time limit ended its own wait slept, whatever call it did that with. */
		if (root.end == WAKE_TIMER && before.thread)
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
		before = root;
		root.thread = NULL;
	}
	root.end = WAKE_UNSEEN;
	root.thread = NULL;
	return root;
}
