/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/locks/futex_handoff.h"

#include <errno.h>
#include <stdlib.h>

#define LONG_NS 200000000u

/* A long wait of a lock is so many times as long as any short wait there. */
#define TIMES_OTHERS 5u

/* All waiters of a lock get it within this share of the longest wait. */
#define END_PERCENT 10u

/* A thread that waits in slices takes the lock of its condition variable between two of them, for so long at most. */
#define AWAY_NS 10000000u

/* So many short waits make it unusual that some are long. */
#define OTHERS_LEAST 20u

static int append_wait(struct futex_handoff *at, const struct handoff_wait *wait)
{
	struct handoff_wait *list;

	if (wait->end_ns - wait->start_ns < LONG_NS) {
		at->others++;
		if (wait->end_ns - wait->start_ns > at->others_longest_ns)
			at->others_longest_ns = wait->end_ns - wait->start_ns;
		return 0;
	}
	if (at->count == HANDOFF_WAITS_MAX) {
		at->more = true;
		return 0;
	}
	list = reallocarray(at->waits, at->count + 1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	at->waits = list;
	list[at->count++] = *wait;
	return 0;
}

static int end_wait(struct handoff_waiter *waiter, struct thread *waker, uint64_t time_ns)
{
	struct futex_handoff *at = waiter->at;

	waiter->at = NULL;
	waiter->wait.end_ns = waiter->away_ns ? waiter->away_ns : time_ns;
	waiter->wait.waker = waker;
	waiter->wait.handed = waker && at->woken == waker;
	if (waker)
		at->woken = waiter->wait.thread;
	return append_wait(at, &waiter->wait);
}

int futex_handoff_wait(struct futex_handoff *handoff, struct per_thread *waiters,
		       struct thread *thread, uint64_t time_ns, bool began_before)
{
	struct handoff_waiter *waiter = per_thread_get(waiters, thread);

	if (!waiter)
		return -ENOMEM;
	if (waiter->at && waiter->away_ns && time_ns - waiter->away_ns > AWAY_NS &&
	    end_wait(waiter, NULL, time_ns))
		return -ENOMEM;
	if (waiter->at == handoff) {
		waiter->away_ns = 0;
		waiter->wait.in_slices = waiter->wait.in_slices || !began_before;
		return 0;
	}
	if (waiter->at && waiter->wait.in_slices) {
		waiter->away_ns = waiter->away_ns ? waiter->away_ns : time_ns;
		return 0;
	}
	if (waiter->at && end_wait(waiter, NULL, time_ns))
		return -ENOMEM;
	*waiter = (struct handoff_waiter){
		.at = handoff,
		.wait = { .thread = thread, .start_ns = time_ns, .began_before = began_before },
	};
	return 0;
}

int futex_handoff_woken(struct futex_handoff *handoff, struct per_thread *waiters,
			const struct event *waking)
{
	struct handoff_waiter *waiter = per_thread_find(waiters, waking->other);

	if (!waiter || waiter->at != handoff)
		return 0;
	waiter->wait.waker_stack_id = waking->stack_id;
	return end_wait(waiter, waking->thread, waking->raw.time_ns);
}

int futex_handoff_left(struct per_thread *waiters, const struct thread *thread, uint64_t time_ns)
{
	struct handoff_waiter *waiter = per_thread_find(waiters, thread);

	return waiter && waiter->at ? end_wait(waiter, NULL, time_ns) : 0;
}

void futex_handoff_stays(struct per_thread *waiters, const struct thread *thread)
{
	struct handoff_waiter *waiter = per_thread_find(waiters, thread);

	if (waiter && waiter->at)
		waiter->at->still = true;
}

static const struct handoff_wait *find_wait(const struct futex_handoff *handoff,
					    const struct thread *thread)
{
	for (size_t i = 0; i < handoff->count; i++)
		if (handoff->waits[i].thread == thread)
			return &handoff->waits[i];
	return NULL;
}

static uint64_t wait_length(const struct handoff_wait *wait)
{
	return wait->end_ns - wait->start_ns;
}

/*
 * Whether each thread waited once, all at the same time and longer than any other, and all left in a row
 * after a thread that had not waited was done.
 */
static bool is_like_lock(const struct futex_handoff *handoff)
{
	const struct handoff_wait *list = handoff->waits, *first = list;
	uint64_t last_start_ns = 0, last_end_ns = 0, longest_ns = 0;

	for (const struct handoff_wait *wait = list; wait < list + handoff->count; wait++) {
		if (!wait->waker || find_wait(handoff, wait->thread) != wait ||
		    wait_length(wait) < handoff->others_longest_ns * TIMES_OTHERS)
			return false;
		if (wait->start_ns > last_start_ns)
			last_start_ns = wait->start_ns;
		if (wait->end_ns < first->end_ns)
			first = wait;
		if (wait->end_ns > last_end_ns)
			last_end_ns = wait->end_ns;
		if (wait_length(wait) > longest_ns)
			longest_ns = wait_length(wait);
	}
	return last_start_ns < first->end_ns && !find_wait(handoff, first->waker) &&
	       (last_end_ns - first->end_ns) * 100 <= longest_ns * END_PERCENT;
}

/* Number of threads that waited during most of @longest. */
static size_t count_together(const struct futex_handoff *handoff,
			     const struct handoff_wait *longest)
{
	size_t count = 0;

	for (const struct handoff_wait *wait = handoff->waits;
	     wait < handoff->waits + handoff->count; wait++) {
		uint64_t from_ns =
			wait->start_ns > longest->start_ns ? wait->start_ns : longest->start_ns;
		uint64_t to_ns = wait->end_ns < longest->end_ns ? wait->end_ns : longest->end_ns;

		count += to_ns > from_ns && (to_ns - from_ns) * 2 >= wait_length(longest);
	}
	return count;
}

/* The first wait that was ended, if by a thread that had not waited there. */
static const struct handoff_wait *find_first_woken(const struct futex_handoff *handoff,
						   const struct handoff_wait *longest)
{
	const struct handoff_wait *first = NULL;

	for (const struct handoff_wait *wait = handoff->waits;
	     wait < handoff->waits + handoff->count; wait++)
		if (wait->waker && wait->end_ns > longest->start_ns &&
		    (!first || wait->end_ns < first->end_ns))
			first = wait;
	return first && !find_wait(handoff, first->waker) ? first : NULL;
}

struct handoff_stall futex_handoff_judge(const struct futex_handoff *handoff)
{
	const struct handoff_wait *list = handoff->waits, *longest = list, *first;
	struct handoff_stall still = { .kind = HANDOFF_NONE };
	bool handed = false, in_slices = false;

	if (handoff->count < 2 || handoff->more || handoff->still)
		return still;
	for (const struct handoff_wait *wait = list; wait < list + handoff->count; wait++) {
		if (wait->began_before)
			return still;
		longest = wait_length(wait) > wait_length(longest) ? wait : longest;
		handed = handed || wait->handed;
		in_slices = in_slices || wait->in_slices;
	}
	still.longest = *longest;
	still.threads = count_together(handoff, longest);
	first = find_first_woken(handoff, longest);
	if (first) {
		still.waker = first->waker;
		still.first = *first;
	}
	if (is_like_lock(handoff))
		still.kind = !handed			       ? HANDOFF_DOUBT
			     : !in_slices		       ? HANDOFF_LOCK
			     : handoff->others >= OTHERS_LEAST ? HANDOFF_TIMED
							       : HANDOFF_DOUBT;
	else if (in_slices && still.threads > 1 && handoff->count <= still.threads * 3 &&
		 handoff->others >= OTHERS_LEAST)
		still.kind = HANDOFF_DOUBT;
	return still;
}

void futex_handoff_free(struct futex_handoff *handoff)
{
	free(handoff->waits);
	*handoff = (struct futex_handoff){ 0 };
}
