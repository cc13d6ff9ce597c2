/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/locks/replay.h"

#include <errno.h>
#include <stdlib.h>

#include "analyzer/locks/prescan.h"
#include "analyzer/timeline/kernel_operation.h"

struct replay {
	struct source *source;
	struct kernel_operations *operations;
	struct lock_tracker *locks;
	const struct replay_watcher *watcher;
	uint64_t contradictions;
};

int replay_create(struct source *source, struct stack_infos *stack_infos,
		  const struct lock_tracker_options *options, struct replay **ret_replay)
{
	struct replay *replay = calloc(1, sizeof(*replay));
	int r = -ENOMEM;

	if (!replay)
		return -ENOMEM;
	replay->source = source;
	r = kernel_operations_create(stack_infos, &replay->operations);
	if (r)
		goto out;
	r = lock_tracker_create(stack_infos, replay->operations, options, &replay->locks);
	if (r)
		goto out;
	lock_tracker_believe_log(replay->locks, source_threads(source));
	*ret_replay = replay;
	replay = NULL;
out:
	replay_destroy(replay);
	return r;
}

void replay_destroy(struct replay *replay)
{
	if (!replay)
		return;
	lock_tracker_destroy(replay->locks);
	kernel_operations_destroy(replay->operations);
	free(replay);
}

struct lock_tracker *replay_locks(const struct replay *replay)
{
	return replay->locks;
}

static int feed_opened(void *context, const struct interval *interval)
{
	struct replay *replay = context;

	return lock_tracker_opened(replay->locks, interval);
}

static int feed_closed(void *context, const struct interval *interval)
{
	struct replay *replay = context;
	int r = lock_tracker_closed(replay->locks, interval);

	if (!r && replay->watcher->closed)
		r = replay->watcher->closed(replay->watcher->context, interval);
	return r;
}

static int feed_events(struct replay *replay, struct timeline *timeline)
{
	const struct event *event;
	int r;

	while ((r = source_next(replay->source, &event)) > 0) {
		r = kernel_operations_event(replay->operations, event);
		if (!r)
			r = lock_tracker_event(replay->locks, event);
		if (!r && replay->watcher->event)
			r = replay->watcher->event(replay->watcher->context, event);
		if (!r)
			r = timeline_event(timeline, event);
		if (r)
			break;
	}
	return r;
}

uint64_t replay_contradictions(const struct replay *replay)
{
	return replay->contradictions;
}

int replay_run(struct replay *replay, const struct replay_watcher *watcher)
{
	const struct timeline_sink sink = { feed_opened, feed_closed, replay };
	const struct threads *threads = source_threads(replay->source);
	struct timeline *timeline = NULL;
	int r;

	replay->watcher = watcher;
	source_rewind(replay->source);
	r = timeline_create(&sink, source_start_ns(replay->source), &timeline);
	if (r)
		goto out;
	timeline_samples(timeline, prescan_sampled_within_ns(source_facts(replay->source)));
	r = feed_events(replay, timeline);
	if (r)
		goto out;
	r = lock_tracker_ending(replay->locks, threads, source_end_ns(replay->source));
	if (r)
		goto out;
	r = timeline_finish(timeline, threads, source_end_ns(replay->source));
	if (r)
		goto out;
	lock_tracker_finish(replay->locks);
	replay->contradictions = timeline_contradictions(timeline);
out:
	timeline_destroy(timeline);
	return r;
}
