/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From each thread that waits to the one that it waits for, and on, until one is met again.
 */
#include "analyzer/detect/deadlock.h"

#include <errno.h>
#include <stdlib.h>

#include "analyzer/util/array.h"

const struct stuck_wait *deadlock_wait_of(const struct deadlock *deadlock,
					  const struct thread *thread)
{
	for (size_t i = 0; i < deadlock->count; i++)
		if (deadlock->waits[i].wait.thread == thread)
			return &deadlock->waits[i];
	return NULL;
}

static int append_wait(struct deadlock *deadlock, const struct stuck_wait *wait)
{
	if (array_grow(deadlock->waits, deadlock->count, deadlock->room))
		return -ENOMEM;
	deadlock->waits[deadlock->count++] = *wait;
	return 0;
}

/* The target's waits that hurt: all circles that matter go through one of them. */
static int append_starts(const struct stuck_moment *moment, struct deadlock *deadlock)
{
	const struct long_waits *all = wait_stats_long_waits(moment->observations->wait_stats);
	struct stuck_wait wait;

	for (size_t i = 0; i < all->count; i++) {
		const struct long_wait *start = &all->list[i];
		bool is_stuck = false;

		if (deadlock_wait_of(deadlock, start->thread))
			continue;
		if (stuck_wait_for_lock(moment, start)) {
			stuck_wait_read(moment, start, &wait);
			is_stuck = true;
		} else if (start->direction == DIRECTION_GIVES && start->end_ns >= moment->at_ns) {
			is_stuck = stuck_wait_find(moment, start->thread, &wait);
		}
		if (is_stuck && append_wait(deadlock, &wait))
			return -ENOMEM;
	}
	return 0;
}

static int append_thread(const struct stuck_moment *moment, struct thread *thread,
			 struct deadlock *deadlock)
{
	struct stuck_wait wait;

	if (deadlock_wait_of(deadlock, thread) || !stuck_wait_find(moment, thread, &wait))
		return 0;
	return append_wait(deadlock, &wait);
}

/* Those whom they wait for, if those wait as well; of the target or not. */
static int append_others(const struct stuck_moment *moment, struct deadlock *deadlock)
{
	size_t most = deadlock->count + DEADLOCK_OTHERS_MAX;

	for (size_t i = 0; i < deadlock->count && deadlock->count < most; i++)
		if (deadlock->waits[i].whom &&
		    append_thread(moment, deadlock->waits[i].whom, deadlock))
			return -ENOMEM;
	return 0;
}

/* Whether one of @tgid waits for a lock whose holder is not known: any of its threads may be that. */
static bool lacks_holder(const struct deadlock *deadlock, int32_t tgid)
{
	for (size_t i = 0; i < deadlock->count; i++)
		if (!deadlock->waits[i].whom && deadlock->waits[i].wait.thread->tgid == tgid)
			return true;
	return false;
}

/* Who waits for an answer of one of them, and may hold what that one wants. */
static int append_askers(const struct stuck_moment *moment, struct deadlock *deadlock)
{
	const struct threads *threads = source_threads(moment->observations->source);
	struct stuck_wait wait;

	for (size_t i = 0; i < threads_count(threads); i++) {
		struct thread *thread = threads_at(threads, i);

		if (lacks_holder(deadlock, thread->tgid) && !deadlock_wait_of(deadlock, thread) &&
		    stuck_wait_find(moment, thread, &wait) && wait.whom &&
		    deadlock_wait_of(deadlock, wait.whom) && append_wait(deadlock, &wait))
			return -ENOMEM;
	}
	return 0;
}

static void link_waits(struct deadlock *deadlock)
{
	for (size_t i = 0; i < deadlock->count; i++) {
		const struct stuck_wait *next =
			deadlock->waits[i].whom
				? deadlock_wait_of(deadlock, deadlock->waits[i].whom)
				: NULL;

		deadlock->waits[i].next = next ? (size_t)(next - deadlock->waits) : SIZE_MAX;
	}
}

/* Whether the one at @from waits, over others, for one who waits for the same lock as @wait. */
static bool leads_to(const struct deadlock *deadlock, size_t from, const struct stuck_wait *wait)
{
	size_t at = deadlock->waits[from].next;

	for (size_t steps = 0; at != SIZE_MAX && steps < deadlock->count; steps++) {
		if (stuck_wait_same_lock(&deadlock->waits[at], wait))
			return true;
		at = deadlock->waits[at].next;
	}
	return false;
}

/* Locks of user space are those of one process. */
static bool may_have_lock(const struct deadlock *deadlock, size_t i, const struct stuck_wait *wait)
{
	const struct stuck_wait *other = &deadlock->waits[i];

	return !stuck_wait_same_lock(other, wait) &&
	       (wait->wait.class == WAIT_LOCK_FILE ||
		other->wait.thread->tgid == wait->wait.thread->tgid) &&
	       leads_to(deadlock, i, wait);
}

/* Whether somebody waits for the one at @i: it has something that others want. */
static bool is_waited_for(const struct deadlock *deadlock, size_t i)
{
	for (size_t j = 0; j < deadlock->count; j++)
		if (deadlock->waits[j].next == i && deadlock->waits[j].link == STUCK_HOLDER)
			return true;
	return false;
}

/* The only one of them who may have the lock that @wait is for; of several the only one who has
 * another one. SIZE_MAX: it cannot be told. */
static size_t find_likely_holder(const struct deadlock *deadlock, const struct stuck_wait *wait)
{
	size_t found = SIZE_MAX, holder = SIZE_MAX, count = 0, holders = 0;

	for (size_t i = 0; i < deadlock->count; i++) {
		if (!may_have_lock(deadlock, i, wait))
			continue;
		found = i;
		count++;
		if (!is_waited_for(deadlock, i))
			continue;
		holder = i;
		holders++;
	}
	if (count == 1)
		return found;
	return holders == 1 ? holder : SIZE_MAX;
}

/* An uncontended lock is taken without an event. */
static void infer_holders(struct deadlock *deadlock)
{
	for (size_t i = 0; i < deadlock->count; i++) {
		struct stuck_wait *wait = &deadlock->waits[i];
		size_t likely, j = 0;

		if (wait->whom || !stuck_wait_locked(wait))
			continue;
		while (j < i && !stuck_wait_same_lock(&deadlock->waits[j], wait))
			j++;
		if (j < i) { /* as for the first one who waits for it */
			likely = deadlock->waits[j].link == STUCK_LIKELY ? deadlock->waits[j].next
									 : SIZE_MAX;
		} else {
			likely = find_likely_holder(deadlock, wait);
		}
		if (likely == SIZE_MAX)
			continue;
		wait->whom = deadlock->waits[likely].wait.thread;
		wait->link = STUCK_LIKELY;
		wait->next = likely;
	}
}

int deadlock_collect(const struct observations *observations, const struct stuck_readers *readers,
		     struct deadlock *deadlock)
{
	const struct stuck_moment moment = {
		.observations = observations,
		.readers = readers,
		.at_ns = deadlock->end_ns,
		.open = deadlock->ended.how == DEADLOCK_OPEN,
	};

	if (append_starts(&moment, deadlock) || append_others(&moment, deadlock) ||
	    append_askers(&moment, deadlock))
		return -ENOMEM;
	/* Who ended it is in it, whoever led there. */
	if (deadlock->ended.by && append_thread(&moment, deadlock->ended.by, deadlock))
		return -ENOMEM;
	link_waits(deadlock);
	infer_holders(deadlock);
	return 0;
}

/* How many waits it is from the one at @start back to itself; 0: it is in no circle. Where none is
 * for a lock, and none to hand something on, it is a conversation. */
static size_t circle_length(const struct deadlock *deadlock, size_t start)
{
	bool hurts = false;
	size_t at = start;

	for (size_t steps = 1; steps <= deadlock->count && at != SIZE_MAX; steps++) {
		const struct stuck_wait *wait = &deadlock->waits[at];

		hurts |= stuck_wait_locked(wait) || wait->wait.direction == DIRECTION_GIVES;
		at = wait->next;
		if (at == start)
			return hurts ? steps : 0;
	}
	return 0;
}

/* A circle has no first one: the same is told first whatever the recording began with. */
static size_t least_of_circle(const struct deadlock *deadlock, size_t at)
{
	size_t least = at;

	for (size_t i = 0; i < deadlock->in_cycle; i++) {
		at = deadlock->waits[at].next;
		if (deadlock->waits[at].wait.thread->tid < deadlock->waits[least].wait.thread->tid)
			least = at;
	}
	return least;
}

static bool leads_into(const struct deadlock *deadlock, size_t at, size_t into)
{
	for (size_t steps = 0; at != SIZE_MAX && steps <= deadlock->count; steps++) {
		if (at == into)
			return true;
		at = deadlock->waits[at].next;
	}
	return false;
}

/* The circle first, then those who wait for one of it, or for one of those; nobody else. */
static int keep_circle(struct deadlock *deadlock, size_t start)
{
	struct deadlock kept = { .waits = NULL };
	size_t at = start;

	for (size_t i = 0; i < deadlock->in_cycle; i++) {
		if (append_wait(&kept, &deadlock->waits[at]))
			goto fail;
		at = deadlock->waits[at].next;
	}
	for (size_t i = 0; i < deadlock->count; i++)
		if (leads_into(deadlock, i, start) &&
		    !deadlock_wait_of(&kept, deadlock->waits[i].wait.thread) &&
		    append_wait(&kept, &deadlock->waits[i]))
			goto fail;
	free(deadlock->waits);
	deadlock->waits = kept.waits;
	deadlock->count = kept.count;
	deadlock->room = kept.room;
	link_waits(deadlock);
	return 0;
fail:
	free(kept.waits);
	return -ENOMEM;
}

int deadlock_find_circle(struct deadlock *deadlock)
{
	for (size_t i = 0; i < deadlock->count && !deadlock->in_cycle; i++) {
		deadlock->in_cycle = circle_length(deadlock, i);
		if (deadlock->in_cycle)
			return keep_circle(deadlock, least_of_circle(deadlock, i));
	}
	return 0;
}
