/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/blame/lock_turns.h"

#include "analyzer/util/span.h"

/* Fewer rounds in one hold may be a loop inside of it. */
#define ROUNDS_LEAST 8u

/* At other times it sleeps at least half as often. */
#define RATE_PART 2u

/* How often a thread waited for others, or slept, in a span. */
struct rounds {
	uint64_t count, observed_ns, longest_ns;
};

static void count_rounds(const struct history *history, const struct thread *thread,
			 uint64_t start_ns, uint64_t end_ns, struct rounds *rounds)
{
	struct history_cursor cursor = history_walk(history, thread, start_ns, end_ns);
	const struct history_interval *interval;
	uint64_t from_ns, to_ns, since_ns = start_ns;

	while ((interval = history_next(&cursor, &from_ns, &to_ns))) {
		if (interval->state != THREAD_UNKNOWN)
			rounds->observed_ns += to_ns - from_ns;
		if (interval->state != THREAD_BLOCKED || !wait_direction_idle(interval->direction))
			continue;
		rounds->count += interval->merged ? interval->merged : 1;
		if (!interval->merged)
			rounds->longest_ns = later(rounds->longest_ns, to_ns - since_ns);
		since_ns = to_ns;
	}
}

struct lock_turns lock_turns_find(const struct observations *observations,
				  const struct lock_owner *owner, const struct lock *lock)
{
	const struct lock_hold *hold = &owner->longest;
	struct rounds inside = { 0 }, outside = { 0 };
	struct lock_turns turns = { .found = false };

	count_rounds(observations->history, owner->thread, hold->start_ns, hold->end_ns, &inside);
	if (inside.count < ROUNDS_LEAST)
		return turns;
	count_rounds(observations->history, owner->thread, observations->start_ns, hold->start_ns,
		     &outside);
	count_rounds(observations->history, owner->thread, hold->end_ns, observations->end_ns,
		     &outside);
	if (!outside.observed_ns || !inside.observed_ns ||
	    (double)outside.count * RATE_PART / (double)outside.observed_ns <
		    (double)inside.count / (double)inside.observed_ns)
		return turns;
	turns.found = true;
	turns.sleeps = inside.count;
	turns.longest_ns = inside.longest_ns;
	for (size_t i = 0; lock && i < lock->owner_count; i++)
		if (lock->owners[i].thread && lock->owners[i].thread != owner->thread &&
		    turns.other_count < LOCK_TURNS_OTHERS)
			turns.others[turns.other_count++] = lock->owners[i].thread;
	return turns;
}
