/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/detect/slow_producer_profile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/locks/replay.h"

struct watch {
	struct conduct *conducts;
	size_t count;
	struct stack_infos *stackfacts;
	const struct lock_tracker *locks;
};

static int by_start(const void *left, const void *right)
{
	const struct long_wait *a = left, *b = right;

	return (a->start_ns > b->start_ns) - (a->start_ns < b->start_ns);
}

int conduct_spans(struct conduct *conduct, struct long_wait *waits, size_t count)
{
	struct stall_span *last = NULL;

	conduct->spans = calloc(count + 1, sizeof(*conduct->spans));
	if (!conduct->spans)
		return -ENOMEM;
	qsort(waits, count, sizeof(*waits), by_start);
	for (size_t i = 0; i < count; i++) {
		if (last && waits[i].start_ns <= last->end_ns) {
			if (waits[i].end_ns > last->end_ns)
				last->end_ns = waits[i].end_ns;
			continue;
		}
		last = &conduct->spans[conduct->span_count++];
		*last = (struct stall_span){ waits[i].start_ns, waits[i].end_ns };
	}
	return 0;
}

static bool meanwhile(const struct slow_producer *feeder, uint64_t time_ns)
{
	return time_ns > feeder->longest.start_ns && time_ns < feeder->longest.end_ns;
}

static int stack_seen(struct watch *watch, struct conduct *conduct, const struct event *event)
{
	const struct stack_info *fact;

	if (event->stack_id == STACK_NONE || !meanwhile(&conduct->feeder, event->raw.time_ns))
		return 0;
	fact = stack_infos_get(watch->stackfacts, event->stack_id);
	if (!fact)
		return -ENOMEM;
	conduct->stacks++;
	conduct->end_stacks += !strcmp(fact->operation, "exit");
	return 0;
}

/* How much of a time somebody waited for it. */
static uint64_t waited_for(const struct conduct *conduct, uint64_t start_ns, uint64_t end_ns)
{
	size_t low = 0, high = conduct->span_count;
	uint64_t ns = 0;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (conduct->spans[middle].end_ns <= start_ns)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < conduct->span_count && conduct->spans[low].start_ns < end_ns; low++) {
		const struct stall_span *span = &conduct->spans[low];

		ns += (span->end_ns < end_ns ? span->end_ns : end_ns) -
		      (span->start_ns > start_ns ? span->start_ns : start_ns);
	}
	return ns;
}

static int woken(struct watch *watch, struct conduct *conduct, const struct event *event)
{
	const struct stack_info *fact = stack_infos_get(watch->stackfacts, event->stack_id);
	struct slow_producer *feeder = &conduct->feeder;
	uint64_t time_ns = event->raw.time_ns;

	if (!fact)
		return -ENOMEM;
	if (event->raw.waking.in_interrupt && !fact->own_softirq)
		return 0;
	feeder->usual_wakeups += !waited_for(conduct, time_ns, time_ns + 1);
	feeder->wakeups += meanwhile(feeder, time_ns);
	return 0;
}

static int watch_event(void *context, const struct event *event)
{
	struct watch *watch = context;

	for (size_t i = 0; i < watch->count; i++) {
		struct conduct *conduct = &watch->conducts[i];
		struct slow_producer *feeder = &conduct->feeder;

		if (event->thread != feeder->thread)
			continue;
		if (cpu_profiler_event(conduct->profiler, event))
			return -ENOMEM;
		if (event->raw.kind == FT_EVENT_SAMPLE || event->raw.kind == FT_EVENT_SWITCH) {
			if (stack_seen(watch, conduct, event))
				return -ENOMEM;
		} else if (event->raw.kind == FT_EVENT_WAKING && woken(watch, conduct, event)) {
			return -ENOMEM;
		}
	}
	return 0;
}

static uint64_t overlap(const struct fed_wait *wait, uint64_t start_ns, uint64_t end_ns)
{
	uint64_t from_ns = start_ns > wait->start_ns ? start_ns : wait->start_ns;
	uint64_t to_ns = end_ns < wait->end_ns ? end_ns : wait->end_ns;

	return to_ns > from_ns ? to_ns - from_ns : 0;
}

/* It waits for work, or the recording ends. */
static void run_end(struct conduct *conduct)
{
	uint64_t start_ns = conduct->run_start_ns, end_ns = conduct->run_end_ns;
	struct slow_producer *feeder = &conduct->feeder;
	uint64_t ns = overlap(&feeder->longest, start_ns, end_ns);

	if (ns > feeder->run_ns)
		feeder->run_ns = ns;
	/* Part of it may be the last of what those who wait had got. */
	if (waited_for(conduct, start_ns, end_ns) * 2 < end_ns - start_ns &&
	    end_ns - start_ns > feeder->usual_run_ns)
		feeder->usual_run_ns = end_ns - start_ns;
	conduct->run_start_ns = conduct->run_end_ns = 0;
}

static void run_extend(struct conduct *conduct, const struct interval *interval)
{
	if (!conduct->run_end_ns)
		conduct->run_start_ns = interval->start_ns;
	conduct->run_end_ns = interval->end_ns;
}

static int feeder_interval(struct watch *watch, struct conduct *conduct,
			   const struct interval *interval)
{
	struct slow_producer *feeder = &conduct->feeder;
	uint64_t ns = overlap(&feeder->longest, interval->start_ns, interval->end_ns);
	const struct stack_info *fact;
	enum wait_class class;

	conduct->observed_ns += interval->end_ns - interval->start_ns -
				waited_for(conduct, interval->start_ns, interval->end_ns);
	feeder->state_ns[interval->state] += ns;
	if (interval->state == THREAD_RUNNING || interval->state == THREAD_RUNNABLE) {
		run_extend(conduct, interval);
		return 0;
	}
	if (interval->state == THREAD_UNKNOWN)
		return 0;
	fact = stack_infos_get(watch->stackfacts, interval->stack_id);
	if (!fact)
		return -ENOMEM;
	class = lock_tracker_class(watch->locks, interval,
				   stack_info_reason(fact, interval->prev_state)->class);
	if (wait_class_idle(class))
		run_end(conduct);
	feeder->usual_sleeps += class == WAIT_SLEEP && !ns;
	if (ns > feeder->blocked_ns) {
		feeder->blocked_ns = ns;
		feeder->blocked_class = class;
		feeder->blocked_stack_id = interval->stack_id;
	}
	return 0;
}

/* Who sleeps between what it asks for, asks by itself: it is no server that waits to be asked. */
static int victim_interval(struct watch *watch, struct slow_producer *feeder,
			   const struct interval *interval)
{
	const struct stack_info *fact;

	if (interval->state != THREAD_BLOCKED)
		return 0;
	fact = stack_infos_get(watch->stackfacts, interval->stack_id);
	if (!fact)
		return -ENOMEM;
	feeder->victim_sleeps += stack_info_reason(fact, interval->prev_state)->class == WAIT_SLEEP;
	return 0;
}

static int watch_closed(void *context, const struct interval *interval)
{
	struct watch *watch = context;

	for (size_t i = 0; i < watch->count; i++) {
		struct slow_producer *feeder = &watch->conducts[i].feeder;

		if (feeder->thread == interval->thread &&
		    feeder_interval(watch, &watch->conducts[i], interval))
			return -ENOMEM;
		if (feeder->longest.thread == interval->thread &&
		    victim_interval(watch, feeder, interval))
			return -ENOMEM;
	}
	return 0;
}

int conduct_read(struct conduct *conducts, size_t count, struct source *source,
		 struct stack_infos *stackfacts)
{
	struct watch watch = { conducts, count, stackfacts, NULL };
	const struct lock_tracker_options options = { 0 };
	struct replay *pass = NULL;
	int r = 0;

	for (size_t i = 0; i < count && !r; i++) {
		struct conduct *conduct = &conducts[i];

		r = cpu_profiler_create(source_stacks(source), conduct->feeder.thread,
					conduct->feeder.longest.start_ns,
					conduct->feeder.longest.end_ns, &conduct->profiler);
	}
	if (!r)
		r = replay_create(source, stackfacts, &options, &pass);
	if (!r)
		watch.locks = replay_locks(pass);
	if (!r)
		r = replay_run(pass, &(struct replay_watcher){ watch_event, watch_closed, &watch });
	for (size_t i = 0; i < count && !r; i++)
		r = cpu_profiler_tell(conducts[i].profiler, &conducts[i].feeder.profile);
	for (size_t i = 0; i < count && !r; i++)
		run_end(&conducts[i]);
	replay_destroy(pass);
	return r;
}

void conduct_free(struct conduct *conduct)
{
	cpu_profiler_destroy(conduct->profiler);
	free(conduct->spans);
	slow_producer_free(&conduct->feeder);
}
