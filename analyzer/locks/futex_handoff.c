/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/locks/futex_handoff.h"

#include <errno.h>
#include <stdlib.h>

#define LONG_NS 200000000u

/* They are so many times as long as any other wait there. */
#define TIMES_OTHERS 5u

/* A lock passes through the hands of all who waited within this share of the time they waited. */
#define END_PERCENT 10u

/* Who waits in slices takes the lock that goes with it in between. */
#define AWAY_NS 10000000u

/* Waits that were not long, from which on it is not usual that some are. */
#define OTHERS_LEAST 20u

static int stood_append(struct futex_handoff *at, const struct handoff_wait *stood)
{
	struct handoff_wait *list;

	if (stood->end_ns - stood->start_ns < LONG_NS) {
		at->others++;
		if (stood->end_ns - stood->start_ns > at->others_longest_ns)
			at->others_longest_ns = stood->end_ns - stood->start_ns;
		return 0;
	}
	if (at->count == HANDOFF_WAITS_MAX) {
		at->more = true;
		return 0;
	}
	list = reallocarray(at->stood, at->count + 1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	at->stood = list;
	list[at->count++] = *stood;
	return 0;
}

static int stander_ends(struct handoff_waiter *stander, struct thread *waker, uint64_t time_ns)
{
	struct futex_handoff *at = stander->at;

	stander->at = NULL;
	stander->stood.end_ns = stander->away_ns ? stander->away_ns : time_ns;
	stander->stood.waker = waker;
	stander->stood.handed = waker && at->woken == waker;
	if (waker)
		at->woken = stander->stood.thread;
	return stood_append(at, &stander->stood);
}

int futex_handoff_wait(struct futex_handoff *standstill, struct per_thread *standers,
		       struct thread *thread, uint64_t time_ns, bool began_before)
{
	struct handoff_waiter *stander = per_thread_get(standers, thread);

	if (!stander)
		return -ENOMEM;
	if (stander->at && stander->away_ns && time_ns - stander->away_ns > AWAY_NS &&
	    stander_ends(stander, NULL, time_ns))
		return -ENOMEM;
	if (stander->at == standstill) {
		stander->away_ns = 0;
		stander->stood.in_slices = stander->stood.in_slices || !began_before;
		return 0;
	}
	if (stander->at && stander->stood.in_slices) {
		stander->away_ns = stander->away_ns ? stander->away_ns : time_ns;
		return 0;
	}
	if (stander->at && stander_ends(stander, NULL, time_ns))
		return -ENOMEM;
	*stander = (struct handoff_waiter){
		.at = standstill,
		.stood = { .thread = thread, .start_ns = time_ns, .began_before = began_before },
	};
	return 0;
}

int futex_handoff_woken(struct futex_handoff *standstill, struct per_thread *standers,
			const struct event *waking)
{
	struct handoff_waiter *stander = per_thread_find(standers, waking->other);

	if (!stander || stander->at != standstill)
		return 0;
	stander->stood.waker_stack_id = waking->stack_id;
	return stander_ends(stander, waking->thread, waking->raw.time_ns);
}

int futex_handoff_left(struct per_thread *standers, const struct thread *thread, uint64_t time_ns)
{
	struct handoff_waiter *stander = per_thread_find(standers, thread);

	return stander && stander->at ? stander_ends(stander, NULL, time_ns) : 0;
}

void futex_handoff_stays(struct per_thread *standers, const struct thread *thread)
{
	struct handoff_waiter *stander = per_thread_find(standers, thread);

	if (stander && stander->at)
		stander->at->still = true;
}

static const struct handoff_wait *stood_by(const struct futex_handoff *standstill,
					   const struct thread *thread)
{
	for (size_t i = 0; i < standstill->count; i++)
		if (standstill->stood[i].thread == thread)
			return &standstill->stood[i];
	return NULL;
}

static uint64_t length_of(const struct handoff_wait *stood)
{
	return stood->end_ns - stood->start_ns;
}

/* All stood there once, at the same time, longer than anybody else, and left together when one who had not was done. */
static bool like_a_lock(const struct futex_handoff *standstill)
{
	const struct handoff_wait *list = standstill->stood, *first = list;
	uint64_t last_start_ns = 0, last_end_ns = 0, longest_ns = 0;

	for (const struct handoff_wait *stood = list; stood < list + standstill->count; stood++) {
		if (!stood->waker || stood_by(standstill, stood->thread) != stood ||
		    length_of(stood) < standstill->others_longest_ns * TIMES_OTHERS)
			return false;
		if (stood->start_ns > last_start_ns)
			last_start_ns = stood->start_ns;
		if (stood->end_ns < first->end_ns)
			first = stood;
		if (stood->end_ns > last_end_ns)
			last_end_ns = stood->end_ns;
		if (length_of(stood) > longest_ns)
			longest_ns = length_of(stood);
	}
	return last_start_ns < first->end_ns && !stood_by(standstill, first->waker) &&
	       (last_end_ns - first->end_ns) * 100 <= longest_ns * END_PERCENT;
}

/* Threads that stood still while @longest did, for most of that. */
static size_t together(const struct futex_handoff *standstill, const struct handoff_wait *longest)
{
	size_t count = 0;

	for (const struct handoff_wait *stood = standstill->stood;
	     stood < standstill->stood + standstill->count; stood++) {
		uint64_t from_ns =
			stood->start_ns > longest->start_ns ? stood->start_ns : longest->start_ns;
		uint64_t to_ns = stood->end_ns < longest->end_ns ? stood->end_ns : longest->end_ns;

		count += to_ns > from_ns && (to_ns - from_ns) * 2 >= length_of(longest);
	}
	return count;
}

/* The first of them to be woken, if by somebody who had not stood there. */
static const struct handoff_wait *first_of(const struct futex_handoff *standstill,
					   const struct handoff_wait *longest)
{
	const struct handoff_wait *first = NULL;

	for (const struct handoff_wait *stood = standstill->stood;
	     stood < standstill->stood + standstill->count; stood++)
		if (stood->waker && stood->end_ns > longest->start_ns &&
		    (!first || stood->end_ns < first->end_ns))
			first = stood;
	return first && !stood_by(standstill, first->waker) ? first : NULL;
}

struct handoff_stall futex_handoff_judge(const struct futex_handoff *standstill)
{
	const struct handoff_wait *list = standstill->stood, *longest = list, *first;
	struct handoff_stall still = { .kind = HANDOFF_NONE };
	bool handed = false, in_slices = false;

	if (standstill->count < 2 || standstill->more || standstill->still)
		return still;
	for (const struct handoff_wait *stood = list; stood < list + standstill->count; stood++) {
		if (stood->began_before)
			return still;
		longest = length_of(stood) > length_of(longest) ? stood : longest;
		handed = handed || stood->handed;
		in_slices = in_slices || stood->in_slices;
	}
	still.longest = *longest;
	still.threads = together(standstill, longest);
	first = first_of(standstill, longest);
	if (first) {
		still.waker = first->waker;
		still.first = *first;
	}
	if (like_a_lock(standstill))
		still.kind = !handed				  ? HANDOFF_DOUBT
			     : !in_slices			  ? HANDOFF_LOCK
			     : standstill->others >= OTHERS_LEAST ? HANDOFF_TIMED
								  : HANDOFF_DOUBT;
	else if (in_slices && still.threads > 1 && standstill->count <= still.threads * 3 &&
		 standstill->others >= OTHERS_LEAST)
		still.kind = HANDOFF_DOUBT;
	return still;
}

void futex_handoff_free(struct futex_handoff *standstill)
{
	free(standstill->stood);
	*standstill = (struct futex_handoff){ 0 };
}
