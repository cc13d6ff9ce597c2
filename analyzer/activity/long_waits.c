/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/activity/long_waits.h"

#include <errno.h>
#include <stdlib.h>

#include "analyzer/util/array.h"
#include "analyzer/util/span.h"

/* A lock held for less within a wait made nobody wait long. */
#define LONG_HOLD_NS 10000000u

/* So many waits of a thread that are at least this part as long: it waits like that all along. */
#define STEADY_WAITS 4u
#define STEADY_PART  5u

/* A quota takes the CPU wherever its thread happens to be: such waits are in this operation. */
static const char cpu_limit[] = "";

void long_waits_free(struct long_waits *waits)
{
	free(waits->list);
	*waits = (struct long_waits){ 0 };
}

static int keep_wait(struct long_waits *waits, const struct long_wait *wait)
{
	if (wait->blocked_ns < waits->long_ns)
		return 0;
	if (array_grow(waits->list, waits->count, waits->room))
		return -ENOMEM;
	waits->list[waits->count++] = *wait;
	return 0;
}

static void note_longest(struct long_waits *waits, const struct long_wait *wait)
{
	if (wait->blocked_ns > waits->longest.blocked_ns && wait->direction != DIRECTION_GIVES)
		waits->longest = *wait;
}

int long_waits_end(struct long_waits *waits, struct thread_long_waits *own)
{
	struct episode_wait next = { .wait = &own->last, .queued_ns = own->queued_ns };
	struct long_wait ended;

	if (!own->pending)
		return 0;
	own->pending = false;
	note_longest(waits, &own->last);
	/* What else is waited for in the same operation, as for pages that reclaim took, is a part of it. */
	if (own->sliced || (own->episode.open && own->episode.what == own->operation))
		next.what = own->operation;
	/* Who waits with a time limit, and again, goes on waiting; so does the last time, when the lock is let go. */
	if (own->last.lock && (own->timed_out || (own->episode.open && own->episode.what == own->last.lock &&
						  !own->episode.holder)))
		next.what = own->last.lock;
	else if (own->last.lock && own->holder.thread && own->holder.ns >= LONG_HOLD_NS) {
		next.what = own->last.lock;
		next.holder = own->holder.thread;
	}
	return wait_episode_add(&own->episode, &next, &ended) ? keep_wait(waits, &ended) : 0;
}

static struct long_wait make_wait(const struct interval *interval, enum wait_class class,
				  enum wait_direction direction, const struct lock *lock)
{
	return (struct long_wait){
		.thread = interval->thread,
		.class = class,
		.lock = lock,
		.direction = direction,
		.stack_id = interval->stack_id,
		.start_ns = interval->start_ns,
		.end_ns = interval->end_ns,
		.blocked_ns = interval->end_ns - interval->start_ns,
		.flags = interval->flags,
	};
}

/* @runnable_ns: how long its thread was runnable in all, up to the end of @wait; @own_ns of it are a part of @wait. */
static int open_wait(struct long_waits *waits, struct thread_long_waits *own,
		     const struct long_wait *wait, const void *operation, bool sliced,
		     uint64_t runnable_ns, uint64_t own_ns)
{
	uint64_t queued_ns = runnable_ns - own_ns - own->runnable_ns;

	if (long_waits_end(waits, own))
		return -ENOMEM;
	own->pending = true;
	own->runnable_ns = runnable_ns;
	own->holder = (struct lock_hold_seen){ 0 };
	own->operation = operation;
	own->sliced = sliced;
	own->timed_out = false;
	own->last = *wait;
	own->queued_ns = queued_ns;
	return 0;
}

/* A quota or limit lets its threads run for a while in each of its periods. */
static bool is_slice_of_limit(const struct long_waits *waits, struct thread_long_waits *own,
			      const struct interval *interval, enum wait_class class,
			      const struct wait_reason *reason)
{
	if (!wait_class_cpu(class))
		return false;
	if (!own->limited_known) {
		own->limited_known = true;
		own->limited = scheduling_is_limited(waits->scheduling, interval->thread,
						     interval->start_ns);
	}
	return own->limited || (reason && reason->sliced);
}

int long_waits_runnable(struct long_waits *waits, struct thread_long_waits *own,
			const struct interval *interval, const struct stack_info *info,
			uint64_t runnable_ns)
{
	const struct wait_reason *reason = info ? &info->preempted : NULL;
	uint64_t length_ns = interval->end_ns - interval->start_ns;
	enum wait_class class = reason ? reason->class : WAIT_CPU_RUNQUEUE;
	bool limited = is_slice_of_limit(waits, own, interval, class, reason);
	bool sliced = limited || (reason && reason->sliced);
	struct long_wait wait;

	/* Most are shorter. */
	if (!sliced && length_ns <= waits->longest.blocked_ns && length_ns < waits->long_ns)
		return 0;
	wait = make_wait(interval, class, DIRECTION_NEEDS, NULL);
	if (sliced)
		return open_wait(waits, own, &wait, limited ? cpu_limit : info->operation, true,
				 runnable_ns, wait.blocked_ns);
	note_longest(waits, &wait);
	return keep_wait(waits, &wait);
}

/* A lock's waiter may sleep several times. */
int long_waits_blocked(struct long_waits *waits, struct thread_long_waits *own,
		       const struct lock_tracker *locks, const struct interval *interval,
		       enum wait_class class, const struct stack_info *info, uint64_t runnable_ns)
{
	const struct wait_reason *reason = stack_info_reason(info, interval->prev_state);
	struct lock_hold_seen charged = own->charged;
	const struct lock *lock = NULL;
	struct long_wait next;
	uint32_t number = 0;

	own->charged = (struct lock_hold_seen){ 0 };
	if (wait_class_lock(class)) {
		lock = lock_tracker_awaited(locks, interval->thread);
		number = lock_tracker_wait_number(locks, interval->thread);
	}
	if (own->pending && lock && own->last.lock == lock && own->last_number == number) {
		own->last.end_ns = interval->end_ns;
		own->last.blocked_ns += interval->end_ns - interval->start_ns;
		own->last.flags |= interval->flags;
		own->runnable_ns = runnable_ns;
		own->timed_out = interval->waker_in_interrupt;
		if (charged.ns > own->holder.ns)
			own->holder = charged;
		return 0;
	}
	next = make_wait(interval, class, stack_info_direction(info, interval->prev_state, class),
			 lock);
	if (open_wait(waits, own, &next, info->operation, reason->sliced, runnable_ns, 0))
		return -ENOMEM;
	own->holder = charged;
	own->last_number = number;
	own->timed_out = lock && interval->waker_in_interrupt;
	return 0;
}

void long_waits_charged(struct thread_long_waits *own, struct thread *owner, uint64_t ns)
{
	if (ns > own->charged.ns)
		own->charged = (struct lock_hold_seen){ owner, ns };
}

int long_waits_flush(struct long_waits *waits, struct thread_long_waits *own)
{
	struct long_wait ended;

	if (long_waits_end(waits, own))
		return -ENOMEM;
	return wait_episode_end(&own->episode, &ended) ? keep_wait(waits, &ended) : 0;
}

/* Those to hand something on last, by thread, the longest first. */
static int compare_given(const void *left, const void *right)
{
	const struct long_wait *a = left, *b = right;
	bool a_gives = a->direction == DIRECTION_GIVES, b_gives = b->direction == DIRECTION_GIVES;

	if (a_gives != b_gives)
		return a_gives - b_gives;
	if (a_gives && a->thread != b->thread)
		return a->thread->index < b->thread->index ? -1 : 1;
	if (a_gives && a->blocked_ns != b->blocked_ns)
		return a->blocked_ns < b->blocked_ns ? 1 : -1;
	return (a->start_ns > b->start_ns) - (a->start_ns < b->start_ns);
}

/* Whether it is known which other process of this host has kept it waiting: one that is only slow takes something now
 * and then, and so ends the wait. */
static bool is_held_up(const struct long_waits *waits, const struct long_wait *wait)
{
	const struct wait_object *object =
		waits->objects ? wait_objects_find(waits->objects, wait->thread, wait->start_ns,
						   wait->end_ns)
			       : NULL;

	return object && object->peers[0] && object->peers[0]->tgid != wait->thread->tgid;
}

/*
 * Whether the wait at @at is like others of its thread, or there from the recording's start to its end. @first: the
 * longest of its thread, which those that come before @at in the list are as long as, or longer.
 */
static bool is_steady(const struct long_waits *waits, size_t first, size_t at)
{
	const unsigned int all_along = INTERVAL_BEGAN_BEFORE | INTERVAL_STILL_OPEN;
	const struct long_wait *wait = &waits->list[at];
	size_t like = first + STEADY_WAITS;

	if ((wait->flags & all_along) == all_along)
		return !is_held_up(waits, wait);
	if (at > like)
		return true;
	return like < waits->count && waits->list[like].thread == wait->thread &&
	       waits->list[like].blocked_ns * STEADY_PART >= wait->blocked_ns;
}

/* Keep those from @first on that are not steady. */
static void drop_steady(struct long_waits *waits, size_t first)
{
	const struct thread *thread = NULL;
	size_t kept = first, longest = first;

	/* In this order: whether a wait is steady is told by those behind it. */
	for (size_t i = first; i < waits->count; i++) {
		if (waits->list[i].thread != thread)
			longest = i;
		thread = waits->list[i].thread;
		if (!is_steady(waits, longest, i))
			waits->list[kept++] = waits->list[i];
	}
	waits->count = kept;
}

/* So many others are looked at: who has company has it soon. */
#define COMPANY_MOST 1000u

/* Whether another thread waits likewise for half of the time that @wait lasts. */
static bool has_company(const struct long_wait *list, size_t count, const struct long_wait *wait)
{
	for (size_t i = 0; i < count && i < COMPANY_MOST; i++)
		if (list[i].thread != wait->thread && list[i].class == wait->class &&
		    span_overlap(list[i].start_ns, list[i].end_ns, wait->start_ns, wait->end_ns) *
				    2 >=
			    wait->end_ns - wait->start_ns)
			return true;
	return false;
}

/* Where the receiver is at the other end of a network, one that is slow is no business of the service's. */
static int move_unsure(struct long_waits *waits, size_t first)
{
	size_t count = waits->count - first, kept = 0, unsure = 0;
	struct long_wait *given = waits->list + first, *doubtful = calloc(count + 1, sizeof(*given));

	if (!doubtful)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		if (given[i].class == WAIT_NET_SOCKET && !has_company(given, count, &given[i]))
			doubtful[unsure++] = given[i];
	for (size_t i = 0; i < count; i++)
		if (given[i].class != WAIT_NET_SOCKET || has_company(given, count, &given[i]))
			doubtful[unsure + kept++] = given[i];
	for (size_t i = 0; i < kept; i++)
		given[i] = doubtful[unsure + i];
	for (size_t i = 0; i < unsure; i++)
		given[kept + i] = doubtful[i];
	free(doubtful);
	waits->unsure_count = unsure;
	waits->gives_hurt = kept > 0;
	return 0;
}

int long_waits_finish(struct long_waits *waits)
{
	size_t first = 0;

	if (!waits->count)
		return 0;
	qsort(waits->list, waits->count, sizeof(*waits->list), compare_given);
	while (first < waits->count && waits->list[first].direction != DIRECTION_GIVES)
		first++;
	drop_steady(waits, first);
	if (waits->count > first && move_unsure(waits, first))
		return -ENOMEM;
	for (size_t i = first; i < waits->count - waits->unsure_count; i++)
		if (waits->list[i].blocked_ns > waits->longest.blocked_ns)
			waits->longest = waits->list[i];
	return 0;
}
