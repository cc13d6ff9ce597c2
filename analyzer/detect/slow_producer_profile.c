/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/detect/slow_producer_profile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/util/span.h"

static int compare_start(const void *left, const void *right)
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
	qsort(waits, count, sizeof(*waits), compare_start);
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

static bool is_meanwhile(const struct slow_producer *feeder, uint64_t time_ns)
{
	return time_ns > feeder->longest.start_ns && time_ns < feeder->longest.end_ns;
}

/* @times: so often was the feeder seen there, at @time_ns. */
static int note_stack(const struct observations *observations, struct conduct *conduct,
		      uint32_t stack_id, uint64_t time_ns, uint32_t times)
{
	const struct stack_info *info;

	if (stack_id == STACK_NONE || !is_meanwhile(&conduct->feeder, time_ns))
		return 0;
	info = stack_infos_get(observations->stack_infos, stack_id);
	if (!info)
		return -ENOMEM;
	conduct->stacks += times;
	conduct->end_stacks += strcmp(info->operation, "exit") ? 0 : times;
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

		ns += earlier(span->end_ns, end_ns) - later(span->start_ns, start_ns);
	}
	return ns;
}

static uint32_t times_of(const struct history_interval *interval)
{
	return interval->merged ? interval->merged : 1;
}

/* @interval ended when somebody was woken: by the feeder itself, and when? */
static int note_wakeup(const struct observations *observations, struct conduct *conduct,
		       const struct history_interval *interval)
{
	struct slow_producer *feeder = &conduct->feeder;
	const struct stack_info *info;

	if (interval->state != THREAD_BLOCKED || interval->waker != feeder->thread->index)
		return 0;
	info = stack_infos_get(observations->stack_infos, interval->waker_stack_id);
	if (!info)
		return -ENOMEM;
	if (interval->waker_in_interrupt && !info->own_softirq)
		return 0;
	if (!waited_for(conduct, interval->end_ns, interval->end_ns + 1))
		feeder->usual_wakeups += times_of(interval);
	if (is_meanwhile(feeder, interval->end_ns))
		feeder->wakeups += times_of(interval);
	return 0;
}

static int note_wakeups(const struct observations *observations, struct conduct *conduct)
{
	const struct threads *threads = source_threads(observations->source);
	int r = 0;

	for (size_t i = 0; i < threads_count(threads); i++) {
		const struct history_interval *intervals;
		size_t count = history_intervals(observations->history, threads_at(threads, i),
						 &intervals);

		for (size_t j = 0; j < count && !r; j++)
			r = note_wakeup(observations, conduct, &intervals[j]);
	}
	return r;
}

static uint64_t overlap_ns(const struct producer_wait *wait, uint64_t start_ns, uint64_t end_ns)
{
	uint64_t from_ns = start_ns > wait->start_ns ? start_ns : wait->start_ns;
	uint64_t to_ns = end_ns < wait->end_ns ? end_ns : wait->end_ns;

	return to_ns > from_ns ? to_ns - from_ns : 0;
}

/* It waits for work, or the recording ends. */
static void end_run(struct conduct *conduct)
{
	uint64_t start_ns = conduct->run_start_ns, end_ns = conduct->run_end_ns;
	struct slow_producer *feeder = &conduct->feeder;
	uint64_t ns = overlap_ns(&feeder->longest, start_ns, end_ns);

	if (ns > feeder->run_ns)
		feeder->run_ns = ns;
	/* Part of it may be the last of what those who wait had got. */
	if (waited_for(conduct, start_ns, end_ns) * 2 < end_ns - start_ns &&
	    end_ns - start_ns > feeder->usual_run_ns)
		feeder->usual_run_ns = end_ns - start_ns;
	conduct->run_start_ns = conduct->run_end_ns = 0;
}

static void extend_run(struct conduct *conduct, const struct history_interval *interval)
{
	if (!conduct->run_end_ns)
		conduct->run_start_ns = interval->start_ns;
	conduct->run_end_ns = interval->end_ns;
}

static int add_feeder_interval(const struct observations *observations, struct conduct *conduct,
			       const struct history_interval *interval)
{
	struct slow_producer *feeder = &conduct->feeder;
	uint64_t ns = overlap_ns(&feeder->longest, interval->start_ns, interval->end_ns);
	enum wait_class class = (enum wait_class)interval->class;

	conduct->observed_ns += interval->end_ns - interval->start_ns -
				waited_for(conduct, interval->start_ns, interval->end_ns);
	feeder->state_ns[interval->state] += ns;
	if (interval->state == THREAD_RUNNING || interval->state == THREAD_RUNNABLE)
		extend_run(conduct, interval);
	if ((interval->state == THREAD_BLOCKED || interval->state == THREAD_RUNNABLE) &&
	    note_stack(observations, conduct, interval->stack_id, interval->start_ns,
		       times_of(interval)))
		return -ENOMEM;
	if (interval->state != THREAD_BLOCKED)
		return 0;
	if (wait_class_idle(class))
		end_run(conduct);
	if (class == WAIT_SLEEP && !ns)
		feeder->usual_sleeps += times_of(interval);
	if (ns > feeder->blocked_ns) {
		feeder->blocked_ns = ns;
		feeder->blocked_class = class;
		feeder->blocked_stack_id = interval->stack_id;
	}
	return 0;
}

static int add_feeder(const struct observations *observations, struct conduct *conduct)
{
	const struct history *history = observations->history;
	const struct history_interval *intervals;
	const struct history_sample *samples;
	size_t count = history_intervals(history, conduct->feeder.thread, &intervals);
	int r = 0;

	for (size_t i = 0; i < count && !r; i++)
		r = add_feeder_interval(observations, conduct, &intervals[i]);
	count = history_samples(history, conduct->feeder.thread, &samples);
	for (size_t i = 0; i < count && !r; i++)
		r = note_stack(observations, conduct, samples[i].stack_id, samples[i].time_ns, 1);
	end_run(conduct);
	return r;
}

/* Who sleeps between what it asks for, asks by itself: it is no server that waits to be asked. */
static void count_victim_sleeps(const struct history *history, struct slow_producer *feeder)
{
	const struct history_interval *intervals;
	size_t count = history_intervals(history, feeder->longest.thread, &intervals);

	for (size_t i = 0; i < count; i++)
		if (intervals[i].state == THREAD_BLOCKED && intervals[i].class == WAIT_SLEEP)
			feeder->victim_sleeps += times_of(&intervals[i]);
}

int conduct_read(struct conduct *conduct, const struct observations *observations)
{
	struct slow_producer *feeder = &conduct->feeder;
	int r = add_feeder(observations, conduct);

	count_victim_sleeps(observations->history, feeder);
	if (!r)
		r = note_wakeups(observations, conduct);
	if (!r)
		r = cpu_profile_read(observations->history, source_stacks(observations->source),
				    feeder->thread, feeder->longest.start_ns,
				    feeder->longest.end_ns, &feeder->profile);
	return r;
}

void conduct_free(struct conduct *conduct)
{
	free(conduct->spans);
	slow_producer_free(&conduct->feeder);
}
