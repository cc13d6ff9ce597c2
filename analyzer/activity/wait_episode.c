/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/activity/wait_episode.h"

#include "analyzer/util/span.h"

/* Time between two waits counts so many times against an episode: four fifths of it are waits. */
#define BETWEEN_WEIGHT 4

/* So much more time between waits than in them, and the episode ended where it was best. */
#define BETWEEN_MOST_NS 100000000ll

static void begin_episode(struct wait_episode *episode, const struct episode_wait *first)
{
	*episode = (struct wait_episode){
		.open = true,
		.what = first->what,
		.holder = first->holder,
		.so_far = *first->wait,
		.last_end_ns = first->wait->end_ns,
		.score_ns = (int64_t)first->wait->blocked_ns,
		.best_ns = (int64_t)first->wait->blocked_ns,
	};
}

static void join_wait(struct long_wait *wait, const struct long_wait *other)
{
	wait->end_ns = other->end_ns;
	wait->blocked_ns += other->blocked_ns;
	wait->flags |= other->flags;
}

bool wait_episode_end(struct wait_episode *episode, struct long_wait *ret_ended)
{
	if (!episode->open)
		return false;
	*ret_ended = episode->so_far;
	episode->open = false;
	return true;
}

/* The episode's score where @next begins. */
static int64_t score_gap(const struct wait_episode *episode, const struct episode_wait *next)
{
	uint64_t between_ns;

	if (next->wait->start_ns < episode->last_end_ns)
		return episode->score_ns;
	between_ns = next->wait->start_ns - episode->last_end_ns;
	between_ns -= earlier(next->queued_ns, between_ns);
	if (between_ns > (uint64_t)BETWEEN_MOST_NS)
		return INT64_MIN;
	return episode->score_ns - BETWEEN_WEIGHT * (int64_t)between_ns;
}

bool wait_episode_add(struct wait_episode *episode, const struct episode_wait *next,
		      struct long_wait *ret_ended)
{
	int64_t score_ns;
	bool ended;

	if (!episode->open) {
		begin_episode(episode, next);
		return false;
	}
	score_ns = score_gap(episode, next);
	if (!next->what || episode->what != next->what || episode->holder != next->holder ||
	    score_ns <= 0 || score_ns < episode->best_ns - BETWEEN_WEIGHT * BETWEEN_MOST_NS) {
		ended = wait_episode_end(episode, ret_ended);
		begin_episode(episode, next);
		return ended;
	}
	if (!episode->since.blocked_ns)
		episode->since = *next->wait;
	else
		join_wait(&episode->since, next->wait);
	episode->last_end_ns = next->wait->end_ns;
	episode->score_ns = score_ns + (int64_t)next->wait->blocked_ns;
	if (episode->score_ns >= episode->best_ns) {
		episode->best_ns = episode->score_ns;
		join_wait(&episode->so_far, &episode->since);
		episode->since.blocked_ns = 0;
	}
	return false;
}
