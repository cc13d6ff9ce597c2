/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/activity/observations.h"

#include <errno.h>
#include <stdlib.h>

#include "analyzer/util/span.h"

struct main_replay {
	struct observations *observations;
	int error;
};

static int fill_from_event(void *context, const struct event *event)
{
	const struct main_replay *replay = context;

	return history_event(replay->observations->history, event);
}

static int fill_from_interval(void *context, const struct interval *interval)
{
	const struct main_replay *replay = context;
	const struct observations *observations = replay->observations;
	int r = replay->error;

	if (!r)
		r = history_closed(observations->history, observations->locks, interval);
	return r ? r : wait_stats_closed(observations->wait_stats, interval);
}

static void fill_from_charge(void *context, const struct thread *waiter, struct thread *owner,
			     uint64_t start_ns, uint64_t end_ns, enum grade grade)
{
	struct main_replay *replay = context;

	/* It did not wait for itself: whoever it was is not known. */
	if (owner != waiter &&
	    history_charged(replay->observations->history, owner, start_ns, end_ns, grade))
		replay->error = -ENOMEM;
}

static void fill_from_longest_charge(void *context, const struct thread *waiter,
				     struct thread *owner, uint64_t start_ns, uint64_t end_ns,
				     enum grade grade)
{
	const struct main_replay *replay = context;

	wait_stats_charged(replay->observations->wait_stats, waiter, owner, start_ns, end_ns,
			   grade);
}

static int create_consumers(struct observations *observations, uint64_t long_ns)
{
	const struct lock_tracker_options locks = { 0, UINT64_MAX, target_counts,
						    observations->target,
						    observations->prescan.futexes };
	const struct wait_stats_options sums = { long_ns, target_counts, observations->target,
						 !observations->target->count };
	int r;

	r = replay_create(observations->source, observations->stack_infos, &locks,
			  &observations->replay);
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
	struct main_replay replay = { observations, 0 };
	int r = create_consumers(observations, long_ns);

	if (r)
		return r;
	/* Between two switches a thread sleeps, waits for a CPU and runs. */
	history_expect(observations->history, observations->prescan.switches * 3);
	lock_tracker_watch(observations->locks,
			   &(struct ownership_watcher){
				   .charged = fill_from_charge,
				   .longest = fill_from_longest_charge,
				   .short_ns = history_short_charge_ns(observations->history),
				   .context = &replay,
			   });
	r = replay_run(observations->replay,
		       &(struct replay_watcher){ fill_from_event, fill_from_interval, &replay });
	if (!r)
		r = replay.error;
	if (r)
		return r;
	observations->contradictions = replay_contradictions(observations->replay);
	r = history_finish(observations->history, source_threads(observations->source));
	return r ? r : wait_stats_finish(observations->wait_stats);
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
	wait_stats_destroy(observations->wait_stats);
	wait_baseline_destroy(observations->baseline);
	replay_destroy(observations->replay);
	prescan_free(&observations->prescan);
	if (observations->target)
		target_free(observations->target);
	free(observations->target);
	*observations = (struct observations){ .source = NULL };
}

/* The third decoding: the history of a span, and nothing else. */

struct span_replay {
	struct observations *observations;
	const struct lock_tracker *locks;
	int error;
};

static int fill_span_from_event(void *context, const struct event *event)
{
	const struct span_replay *replay = context;

	return history_event(replay->observations->span_history, event);
}

static int fill_span_from_interval(void *context, const struct interval *interval)
{
	const struct span_replay *replay = context;

	return replay->error ? replay->error
			     : history_closed(replay->observations->span_history, replay->locks,
					      interval);
}

static void fill_span_from_charge(void *context, const struct thread *waiter, struct thread *owner,
				  uint64_t start_ns, uint64_t end_ns, enum grade grade)
{
	struct span_replay *replay = context;

	if (owner != waiter &&
	    history_charged(replay->observations->span_history, owner, start_ns, end_ns, grade))
		replay->error = -ENOMEM;
}

int observations_refine(struct observations *observations, uint64_t start_ns, uint64_t end_ns)
{
	const struct lock_tracker_options locks = { 0, UINT64_MAX, target_counts,
						    observations->target,
						    observations->prescan.futexes };
	struct span_replay replay = { observations, NULL, 0 };
	int r;

	if (observations->span_history || !history_is_coarse(observations->history))
		return 0;
	start_ns = start_ns > OBSERVATIONS_AROUND_NS ? start_ns - OBSERVATIONS_AROUND_NS : 0;
	end_ns += OBSERVATIONS_AROUND_NS;
	observations->span_start_ns = start_ns = later(start_ns, observations->start_ns);
	observations->span_end_ns = end_ns = earlier(end_ns, observations->end_ns);
	observations->decodings++;
	r = replay_create(observations->source, observations->stack_infos, &locks,
			  &observations->span_replay);
	if (!r)
		r = history_create(observations->stack_infos, source_threads(observations->source),
				   start_ns, end_ns, &observations->span_history);
	if (r)
		return r;
	replay.locks = replay_locks(observations->span_replay);
	lock_tracker_watch(replay_locks(observations->span_replay),
			   &(struct ownership_watcher){
				   .charged = fill_span_from_charge,
				   .short_ns = history_short_charge_ns(observations->span_history),
				   .context = &replay,
			   });
	r = replay_run(observations->span_replay,
		       &(struct replay_watcher){ fill_span_from_event, fill_span_from_interval,
						 &replay });
	if (!r)
		r = replay.error;
	return r ? r
		 : history_finish(observations->span_history, source_threads(observations->source));
}

const struct history *observations_history(const struct observations *observations,
					   uint64_t start_ns, uint64_t end_ns)
{
	if (observations->span_history && start_ns >= observations->span_start_ns &&
	    end_ns <= observations->span_end_ns)
		return observations->span_history;
	return observations->history;
}
