/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/activity/lock_bursts.h"

/* Time between two waits counts so many times against a series: four fifths of it are waits. */
#define BETWEEN_WEIGHT 4

/* So much more time between waits than in them, and the series ended where it was best. */
#define BETWEEN_MOST_NS 100000000ll

static void series_begin(struct lock_burst *series, const struct long_wait *wait,
			 const struct thread *holder)
{
	*series = (struct lock_burst){
		.open = true,
		.holder = holder,
		.so_far = *wait,
		.last_end_ns = wait->end_ns,
		.score_ns = (int64_t)wait->blocked_ns,
		.best_ns = (int64_t)wait->blocked_ns,
	};
}

static void wait_join(struct long_wait *wait, const struct long_wait *other)
{
	wait->end_ns = other->end_ns;
	wait->blocked_ns += other->blocked_ns;
	wait->flags |= other->flags;
}

bool lock_burst_end(struct lock_burst *series, struct long_wait *ret_ended)
{
	if (!series->open)
		return false;
	*ret_ended = series->so_far;
	series->open = false;
	return true;
}

/* The series' score where @wait begins. */
static int64_t score_at(const struct lock_burst *series, const struct long_wait *wait)
{
	uint64_t between_ns = wait->start_ns - series->last_end_ns;

	if (wait->start_ns < series->last_end_ns)
		return series->score_ns;
	if (between_ns > (uint64_t)BETWEEN_MOST_NS)
		return INT64_MIN;
	return series->score_ns - BETWEEN_WEIGHT * (int64_t)between_ns;
}

bool lock_burst_add(struct lock_burst *series, const struct long_wait *wait,
		    const struct thread *holder, struct long_wait *ret_ended)
{
	int64_t score_ns;
	bool ended;

	if (!series->open) {
		series_begin(series, wait, holder);
		return false;
	}
	score_ns = score_at(series, wait);
	if (!holder || series->holder != holder || series->so_far.lock != wait->lock ||
	    score_ns <= 0 || score_ns < series->best_ns - BETWEEN_WEIGHT * BETWEEN_MOST_NS) {
		ended = lock_burst_end(series, ret_ended);
		series_begin(series, wait, holder);
		return ended;
	}
	if (!series->since.blocked_ns)
		series->since = *wait;
	else
		wait_join(&series->since, wait);
	series->last_end_ns = wait->end_ns;
	series->score_ns = score_ns + (int64_t)wait->blocked_ns;
	if (series->score_ns >= series->best_ns) {
		series->best_ns = series->score_ns;
		wait_join(&series->so_far, &series->since);
		series->since.blocked_ns = 0;
	}
	return false;
}
