/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/activity/observations.h"

#include <errno.h>
#include <stdlib.h>

#include "analyzer/util/span.h"

/* What one replay fills. */
struct filling {
	struct history *history;
	const struct lock_tracker *locks;
	struct wait_stats *wait_stats; /* NULL, as is the next one: it is the replay for one span */
	struct wait_objects *objects;
	int error;
};

static int fill_from_event(void *context, const struct event *event)
{
	const struct filling *filling = context;

	if (filling->objects && wait_objects_event(filling->objects, event))
		return -ENOMEM;
	return history_event(filling->history, event);
}

static int fill_from_interval(void *context, const struct interval *interval)
{
	const struct filling *filling = context;
	int r = filling->error;

	if (!r)
		r = history_closed(filling->history, filling->locks, interval);
	if (!r && filling->wait_stats)
		r = wait_stats_closed(filling->wait_stats, interval);
	return r;
}

static void fill_from_charge(void *context, const struct thread *waiter, struct thread *owner,
			     uint64_t start_ns, uint64_t end_ns, enum grade grade)
{
	struct filling *filling = context;

	/* A thread does not wait for itself: who held the lock is not known. */
	if (owner != waiter && history_charged(filling->history, owner, start_ns, end_ns, grade))
		filling->error = -ENOMEM;
}

static void fill_from_longest_charge(void *context, const struct thread *waiter,
				     struct thread *owner, uint64_t start_ns, uint64_t end_ns,
				     enum grade grade)
{
	const struct filling *filling = context;

	if (filling->wait_stats)
		wait_stats_charged(filling->wait_stats, waiter, owner, start_ns, end_ns, grade);
}

static int run_replay(struct replay *replay, struct filling *filling)
{
	int r;

	lock_tracker_watch(replay_locks(replay),
			   &(struct ownership_watcher){
				   .charged = fill_from_charge,
				   .longest = fill_from_longest_charge,
				   .short_ns = history_short_charge_ns(filling->history),
				   .context = filling,
			   });
	r = replay_run(replay,
		       &(struct replay_watcher){ fill_from_event, fill_from_interval, filling });
	if (!r)
		r = filling->error;
	return r ? r : history_finish(filling->history);
}

static int create_replay(struct observations *observations, struct replay **ret_replay)
{
	const struct lock_tracker_options locks = { 0, UINT64_MAX, target_counts,
						    observations->target,
						    observations->prescan.futexes };

	return replay_create(observations->source, observations->stack_infos, &locks, ret_replay);
}

static int create_sums(struct observations *observations, uint64_t long_ns)
{
	const struct wait_stats_options sums = { long_ns, target_counts, observations->target,
						 observations->prescan.scheduling,
						 !observations->target->count,
						 &observations->objects };
	int r = create_replay(observations, &observations->replay);

	if (r)
		return r;
	observations->locks = replay_locks(observations->replay);
	r = wait_baseline_create(observations->stack_infos, long_ns, &observations->baseline);
	if (r)
		return r;
	r = wait_stats_create(observations->stack_infos, observations->locks,
			      observations->baseline, &sums, &observations->wait_stats);
	if (r)
		return r;
	return history_create(observations->stack_infos, source_threads(observations->source),
			      observations->start_ns, observations->end_ns, &observations->history);
}

static int replay_all(struct observations *observations, uint64_t long_ns)
{
	int r = create_sums(observations, long_ns);

	if (r)
		return r;
	/* Between two switches a thread sleeps, waits for a CPU and runs. */
	history_expect(observations->history, observations->prescan.switches * 3);
	r = run_replay(observations->replay,
		       &(struct filling){ observations->history, observations->locks,
					  observations->wait_stats, &observations->objects, 0 });
	if (r)
		return r;
	wait_objects_finish(&observations->objects);
	observations->contradictions = replay_contradictions(observations->replay);
	return wait_stats_finish(observations->wait_stats);
}

int observations_make(struct source *source, struct stack_infos *stack_infos, const int32_t *tgids,
		      size_t tgid_count, uint64_t long_ns, struct observations *ret_observations)
{
	struct observations *observations = ret_observations;
	int r;

	*observations = (struct observations){
		.source = source,
		.stack_infos = stack_infos,
		.target = calloc(1, sizeof(*observations->target)),
		.decodings = 2,
	};
	if (!observations->target)
		return -ENOMEM;
	r = target_choose(observations->target, source_facts(source), tgids, tgid_count);
	if (!r)
		r = prescan_run(source, stack_infos, observations->target, &observations->prescan);
	if (r)
		return r;
	observations->start_ns = source_start_ns(source);
	observations->end_ns = source_end_ns(source);
	return replay_all(observations, long_ns);
}

void observations_free(struct observations *observations)
{
	history_destroy(observations->span_history);
	replay_destroy(observations->span_replay);
	history_destroy(observations->history);
	wait_objects_free(&observations->objects);
	wait_stats_destroy(observations->wait_stats);
	wait_baseline_destroy(observations->baseline);
	replay_destroy(observations->replay);
	prescan_free(&observations->prescan);
	if (observations->target)
		target_free(observations->target);
	free(observations->target);
	*observations = (struct observations){ .source = NULL };
}

int observations_refine(struct observations *observations, uint64_t start_ns, uint64_t end_ns)
{
	int r;

	if (observations->span_history || !history_is_coarse(observations->history))
		return 0;
	start_ns = start_ns > OBSERVATIONS_AROUND_NS ? start_ns - OBSERVATIONS_AROUND_NS : 0;
	end_ns += OBSERVATIONS_AROUND_NS;
	span_clip(&start_ns, &end_ns, observations->start_ns, observations->end_ns);
	observations->span_start_ns = start_ns;
	observations->span_end_ns = end_ns;
	observations->decodings++;
	r = create_replay(observations, &observations->span_replay);
	if (!r)
		r = history_create(observations->stack_infos, source_threads(observations->source),
				   start_ns, end_ns, &observations->span_history);
	return r ? r
		 : run_replay(observations->span_replay,
			      &(struct filling){ observations->span_history,
						 replay_locks(observations->span_replay), NULL,
						 NULL, 0 });
}

const struct history *observations_history(const struct observations *observations,
					   uint64_t start_ns, uint64_t end_ns)
{
	if (observations->span_history && start_ns >= observations->span_start_ns &&
	    end_ns <= observations->span_end_ns)
		return observations->span_history;
	return observations->history;
}
