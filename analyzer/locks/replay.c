/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/locks/replay.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/timeline/kernel_operation.h"
#include "capture/facts.h"

#define NS_A_SECOND	1000000000u
#define SAMPLE_HZ_LEAST 1 /* what is outside is damage */
#define SAMPLE_HZ_MOST	100000

struct replay {
	struct source *source;
	struct kernel_operations *operations;
	struct lock_tracker *locks;
	const struct replay_watcher *watcher;
	uint64_t contradictions;
};

int replay_create(struct source *source, struct stack_infos *stack_infos,
		  const struct lock_tracker_options *options, struct replay **ret_pass)
{
	struct replay *pass = calloc(1, sizeof(*pass));
	int r = -ENOMEM;

	if (!pass)
		return -ENOMEM;
	pass->source = source;
	r = kernel_operations_create(stack_infos, &pass->operations);
	if (r)
		goto out;
	r = lock_tracker_create(stack_infos, pass->operations, options, &pass->locks);
	if (r)
		goto out;
	lock_tracker_believe_log(pass->locks, source_threads(source));
	*ret_pass = pass;
	pass = NULL;
out:
	replay_destroy(pass);
	return r;
}

void replay_destroy(struct replay *pass)
{
	if (!pass)
		return;
	lock_tracker_destroy(pass->locks);
	kernel_operations_destroy(pass->operations);
	free(pass);
}

struct lock_tracker *replay_locks(const struct replay *pass)
{
	return pass->locks;
}

static int pass_opened(void *context, const struct interval *interval)
{
	struct replay *pass = context;

	return lock_tracker_opened(pass->locks, interval);
}

static int pass_closed(void *context, const struct interval *interval)
{
	struct replay *pass = context;
	int r = lock_tracker_closed(pass->locks, interval);

	if (!r && pass->watcher->closed)
		r = pass->watcher->closed(pass->watcher->context, interval);
	return r;
}

static int pass_events(struct replay *pass, struct timeline *timeline)
{
	const struct event *event;
	int r;

	while ((r = source_next(pass->source, &event)) > 0) {
		r = kernel_operations_event(pass->operations, event);
		if (!r)
			r = lock_tracker_event(pass->locks, event);
		if (!r && pass->watcher->event)
			r = pass->watcher->event(pass->watcher->context, event);
		if (!r)
			r = timeline_event(timeline, event);
		if (r)
			break;
	}
	return r;
}

uint64_t replay_contradictions(const struct replay *pass)
{
	return pass->contradictions;
}

/*
 * The clock ticks evenly, so of two samples one hits whoever ran from before the first to after the second. A count of
 * cycles takes longer on a CPU that has slowed down since its period was set.
 */
uint64_t replay_sampled_within_ns(const struct ft_facts *facts)
{
	const char *event = ft_facts_get(facts, FT_FACT_SAMPLE_EVENT);
	int64_t hz = ft_facts_number(facts, FT_FACT_SAMPLE_HZ, 0);

	if (!event || hz < SAMPLE_HZ_LEAST || hz > SAMPLE_HZ_MOST)
		return 0;
	return NS_A_SECOND / (uint64_t)hz * (strcmp(event, "cpu-clock") ? 5 : 2);
}

int replay_run(struct replay *pass, const struct replay_watcher *watcher)
{
	const struct timeline_sink sink = { pass_opened, pass_closed, pass };
	const struct threads *threads = source_threads(pass->source);
	struct timeline *timeline = NULL;
	int r;

	pass->watcher = watcher;
	source_rewind(pass->source);
	r = timeline_create(&sink, source_start_ns(pass->source), &timeline);
	if (r)
		goto out;
	timeline_samples(timeline, replay_sampled_within_ns(source_facts(pass->source)));
	r = pass_events(pass, timeline);
	if (r)
		goto out;
	r = lock_tracker_ending(pass->locks, threads, source_end_ns(pass->source));
	if (r)
		goto out;
	r = timeline_finish(timeline, threads, source_end_ns(pass->source));
	if (r)
		goto out;
	lock_tracker_finish(pass->locks);
	pass->contradictions = timeline_contradictions(timeline);
out:
	timeline_destroy(timeline);
	return r;
}

int replay_over(struct source *source, struct stack_infos *stack_infos,
		const struct replay_watcher *watcher)
{
	const struct lock_tracker_options options = { 0 };
	struct replay *pass = NULL;
	int r = replay_create(source, stack_infos, &options, &pass);

	if (!r)
		r = replay_run(pass, watcher);
	replay_destroy(pass);
	return r;
}
