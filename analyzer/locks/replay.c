/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/locks/replay.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/timeline/kernel_operation.h"
#include "capture/facts.h"

#define NS_A_SECOND 1000000000u
#define SAMPLE_HZ_LEAST 1 /* what is outside is damage */
#define SAMPLE_HZ_MOST 100000

struct pass {
	struct source *source;
	struct operations *operations;
	struct locks *locks;
	const struct pass_watcher *watcher;
	uint64_t contradictions;
};

int pass_create(struct source *source, struct stackfacts *stackfacts,
		const struct locks_options *options, struct pass **ret_pass)
{
	struct pass *pass = calloc(1, sizeof(*pass));
	int r = -ENOMEM;

	if (!pass)
		return -ENOMEM;
	pass->source = source;
	r = operations_create(stackfacts, &pass->operations);
	if (r)
		goto out;
	r = locks_create(stackfacts, pass->operations, options, &pass->locks);
	if (r)
		goto out;
	locks_believe_log(pass->locks, source_threads(source));
	*ret_pass = pass;
	pass = NULL;
out:
	pass_destroy(pass);
	return r;
}

void pass_destroy(struct pass *pass)
{
	if (!pass)
		return;
	locks_destroy(pass->locks);
	operations_destroy(pass->operations);
	free(pass);
}

struct locks *pass_locks(const struct pass *pass)
{
	return pass->locks;
}

static int pass_opened(void *context, const struct interval *interval)
{
	struct pass *pass = context;

	return locks_opened(pass->locks, interval);
}

static int pass_closed(void *context, const struct interval *interval)
{
	struct pass *pass = context;
	int r = locks_closed(pass->locks, interval);

	if (!r && pass->watcher->closed)
		r = pass->watcher->closed(pass->watcher->context, interval);
	return r;
}

static int pass_events(struct pass *pass, struct timeline *timeline)
{
	struct event event;
	int r;

	while ((r = source_next(pass->source, &event)) > 0) {
		r = operations_event(pass->operations, &event);
		if (!r)
			r = locks_event(pass->locks, &event);
		if (!r && pass->watcher->event)
			r = pass->watcher->event(pass->watcher->context, &event);
		if (!r)
			r = timeline_event(timeline, &event);
		if (r)
			break;
	}
	return r;
}

uint64_t pass_contradictions(const struct pass *pass)
{
	return pass->contradictions;
}

/*
 * The clock ticks evenly, so of two samples one hits whoever ran from before the first to after the second. A count of
 * cycles takes longer on a CPU that has slowed down since its period was set.
 */
uint64_t pass_sampled_within_ns(const struct ft_facts *facts)
{
	const char *event = ft_facts_get(facts, FT_FACT_SAMPLE_EVENT);
	int64_t hz = ft_facts_number(facts, FT_FACT_SAMPLE_HZ, 0);

	if (!event || hz < SAMPLE_HZ_LEAST || hz > SAMPLE_HZ_MOST)
		return 0;
	return NS_A_SECOND / (uint64_t)hz * (strcmp(event, "cpu-clock") ? 5 : 2);
}

int pass_run(struct pass *pass, const struct pass_watcher *watcher)
{
	const struct timeline_sink sink = { pass_opened, pass_closed, pass };
	const struct threads *threads = source_threads(pass->source);
	struct timeline *timeline = NULL;
	int r;

	pass->watcher = watcher;
	r = source_rewind(pass->source);
	if (r)
		goto out;
	r = timeline_create(&sink, source_start_ns(pass->source), &timeline);
	if (r)
		goto out;
	timeline_samples(timeline, pass_sampled_within_ns(source_facts(pass->source)));
	r = pass_events(pass, timeline);
	if (r)
		goto out;
	r = locks_ending(pass->locks, threads, source_end_ns(pass->source));
	if (r)
		goto out;
	r = timeline_finish(timeline, threads, source_end_ns(pass->source));
	if (r)
		goto out;
	locks_finish(pass->locks);
	pass->contradictions = timeline_contradictions(timeline);
out:
	timeline_destroy(timeline);
	return r;
}

int pass_over(struct source *source, struct stackfacts *stackfacts,
	      const struct pass_watcher *watcher)
{
	const struct locks_options options = { 0 };
	struct pass *pass = NULL;
	int r = pass_create(source, stackfacts, &options, &pass);

	if (!r)
		r = pass_run(pass, watcher);
	pass_destroy(pass);
	return r;
}
