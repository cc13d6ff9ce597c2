/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/activity/lock_bursts.h"

/* Time between two waits counts so many times against a burst: four fifths of it are waits. */
#define BETWEEN_WEIGHT 4

/* So much more time between waits than in them, and the burst ended where it was best. */
#define BETWEEN_MOST_NS 100000000ll

static void begin_burst(struct lock_burst *burst, const struct long_wait *wait,
			const struct thread *holder)
{
	*burst = (struct lock_burst){
		.open = true,
		.holder = holder,
		.so_far = *wait,
		.last_end_ns = wait->end_ns,
		.score_ns = (int64_t)wait->blocked_ns,
		.best_ns = (int64_t)wait->blocked_ns,
	};
}

static void join_wait(struct long_wait *wait, const struct long_wait *other)
{
	wait->end_ns = other->end_ns;
	wait->blocked_ns += other->blocked_ns;
	wait->flags |= other->flags;
}

bool lock_burst_end(struct lock_burst *burst, struct long_wait *ret_ended)
{
	if (!burst->open)
		return false;
	*ret_ended = burst->so_far;
	burst->open = false;
	return true;
}

/* The burst's score where @wait begins. */
static int64_t score_gap(const struct lock_burst *burst, const struct long_wait *wait)
{
	uint64_t between_ns = wait->start_ns - burst->last_end_ns;

	if (wait->start_ns < burst->last_end_ns)
		return burst->score_ns;
	if (between_ns > (uint64_t)BETWEEN_MOST_NS)
		return INT64_MIN;
	return burst->score_ns - BETWEEN_WEIGHT * (int64_t)between_ns;
}

bool lock_burst_add(struct lock_burst *burst, const struct long_wait *wait,
		    const struct thread *holder, struct long_wait *ret_ended)
{
	int64_t score_ns;
	bool ended;

	if (!burst->open) {
		begin_burst(burst, wait, holder);
		return false;
	}
	score_ns = score_gap(burst, wait);
	if (!holder || burst->holder != holder || burst->so_far.lock != wait->lock ||
	    score_ns <= 0 || score_ns < burst->best_ns - BETWEEN_WEIGHT * BETWEEN_MOST_NS) {
		ended = lock_burst_end(burst, ret_ended);
		begin_burst(burst, wait, holder);
		return ended;
	}
	if (!burst->since.blocked_ns)
		burst->since = *wait;
	else
		join_wait(&burst->since, wait);
	burst->last_end_ns = wait->end_ns;
	burst->score_ns = score_ns + (int64_t)wait->blocked_ns;
	if (burst->score_ns >= burst->best_ns) {
		burst->best_ns = burst->score_ns;
		join_wait(&burst->so_far, &burst->since);
		burst->since.blocked_ns = 0;
	}
	return false;
}
