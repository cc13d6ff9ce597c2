/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/detect/slow_producer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/detect/thresholds.h"
#include "analyzer/util/span.h"

static int compare_start(const void *left, const void *right)
{
	const struct long_wait *a = left, *b = right;

	return (a->start_ns > b->start_ns) - (a->start_ns < b->start_ns);
}

int producer_profile_spans(struct producer_profile *profile, struct long_wait *waits, size_t count)
{
	struct stall_span *last = NULL;

	profile->spans = calloc(count + 1, sizeof(*profile->spans));
	if (!profile->spans)
		return -ENOMEM;
	qsort(waits, count, sizeof(*waits), compare_start);
	for (size_t i = 0; i < count; i++) {
		if (last && waits[i].start_ns <= last->end_ns) {
			last->end_ns = later(last->end_ns, waits[i].end_ns);
			continue;
		}
		last = &profile->spans[profile->span_count++];
		*last = (struct stall_span){ .start_ns = waits[i].start_ns,
					     .end_ns = waits[i].end_ns };
	}
	return 0;
}

static bool is_meanwhile(const struct slow_producer *producer, uint64_t time_ns)
{
	return time_ns > producer->longest.start_ns && time_ns < producer->longest.end_ns;
}

/* @times: so often was the producer seen there, at @time_ns. */
static int note_stack(const struct observations *observations, struct producer_profile *profile,
		      uint32_t stack_id, uint64_t time_ns, uint32_t times)
{
	const struct stack_info *info;

	if (stack_id == STACK_NONE || !is_meanwhile(&profile->producer, time_ns))
		return 0;
	info = stack_infos_get(observations->stack_infos, stack_id);
	if (!info)
		return -ENOMEM;
	profile->stacks += times;
	profile->end_stacks += strcmp(info->operation, "exit") ? 0 : times;
	return 0;
}

/* How much of a time somebody waited for it. */
static uint64_t sum_waited_ns(const struct producer_profile *profile, uint64_t start_ns,
			      uint64_t end_ns)
{
	size_t low = 0, high = profile->span_count;
	uint64_t ns = 0;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (profile->spans[middle].end_ns <= start_ns)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < profile->span_count && profile->spans[low].start_ns < end_ns; low++) {
		const struct stall_span *span = &profile->spans[low];

		ns += earlier(span->end_ns, end_ns) - later(span->start_ns, start_ns);
	}
	return ns;
}

static uint32_t count_merged(const struct history_interval *interval)
{
	return interval->merged ? interval->merged : 1;
}

/* @interval ended when somebody was woken: by the producer itself, and when? */
static int note_wakeup(const struct observations *observations, struct producer_profile *profile,
		       const struct history_interval *interval)
{
	struct slow_producer *producer = &profile->producer;
	const struct stack_info *info;

	if (interval->state != THREAD_BLOCKED || interval->waker != producer->thread->index)
		return 0;
	info = stack_infos_get(observations->stack_infos, interval->waker_stack_id);
	if (!info)
		return -ENOMEM;
	if (interval->waker_in_interrupt && !info->own_softirq)
		return 0;
	if (!sum_waited_ns(profile, interval->end_ns, interval->end_ns + 1))
		producer->usual_wakeups += count_merged(interval);
	if (is_meanwhile(producer, interval->end_ns))
		producer->wakeups += count_merged(interval);
	return 0;
}

static int note_wakeups(const struct observations *observations, struct producer_profile *profile)
{
	const struct threads *threads = source_threads(observations->source);
	int r = 0;

	for (size_t i = 0; i < threads_count(threads); i++) {
		const struct history_interval *intervals;
		size_t count = history_intervals(observations->history, threads_at(threads, i),
						 &intervals);

		for (size_t j = 0; j < count && !r; j++)
			r = note_wakeup(observations, profile, &intervals[j]);
	}
	return r;
}

/* How much of the time was while it was longest waited for. */
static uint64_t get_meanwhile_ns(const struct slow_producer *producer, uint64_t start_ns,
				 uint64_t end_ns)
{
	return span_overlap(start_ns, end_ns, producer->longest.start_ns, producer->longest.end_ns);
}

/* It waits for work, or the recording ends. */
static void end_run(struct producer_profile *profile)
{
	uint64_t start_ns = profile->run_start_ns, end_ns = profile->run_end_ns;
	struct slow_producer *producer = &profile->producer;

	producer->run_ns = later(producer->run_ns, get_meanwhile_ns(producer, start_ns, end_ns));
	/* Part of it may be the last of what those who wait had got. */
	if (sum_waited_ns(profile, start_ns, end_ns) * 100 <
	    (end_ns - start_ns) * PRODUCER_APART_PERCENT)
		producer->usual_run_ns = later(producer->usual_run_ns, end_ns - start_ns);
	profile->run_start_ns = profile->run_end_ns = 0;
}

static void extend_run(struct producer_profile *profile, const struct history_interval *interval)
{
	if (!profile->run_end_ns)
		profile->run_start_ns = interval->start_ns;
	profile->run_end_ns = interval->end_ns;
}

static int add_producer_interval(const struct observations *observations,
				 struct producer_profile *profile,
				 const struct history_interval *interval)
{
	struct slow_producer *producer = &profile->producer;
	uint64_t ns = get_meanwhile_ns(producer, interval->start_ns, interval->end_ns);
	enum wait_class class = (enum wait_class)interval->class;

	producer->usual_span_ns += interval->end_ns - interval->start_ns -
				   sum_waited_ns(profile, interval->start_ns, interval->end_ns);
	producer->state_ns[interval->state] += ns;
	if (interval->state == THREAD_RUNNING || interval->state == THREAD_RUNNABLE)
		extend_run(profile, interval);
	if ((interval->state == THREAD_BLOCKED || interval->state == THREAD_RUNNABLE) &&
	    note_stack(observations, profile, interval->stack_id, interval->start_ns,
		       count_merged(interval)))
		return -ENOMEM;
	if (interval->state != THREAD_BLOCKED)
		return 0;
	if (wait_direction_idle(interval->direction))
		end_run(profile);
	if (class == WAIT_SLEEP && !ns)
		producer->usual_sleeps += count_merged(interval);
	if (ns > producer->blocked_ns) {
		producer->blocked_ns = ns;
		producer->blocked_class = class;
		producer->blocked_direction = interval->direction;
		producer->blocked_stack_id = interval->stack_id;
	}
	return 0;
}

static int add_producer(const struct observations *observations, struct producer_profile *profile)
{
	const struct history *history = observations->history;
	const struct history_interval *intervals;
	const struct history_sample *samples;
	size_t count = history_intervals(history, profile->producer.thread, &intervals);
	int r = 0;

	for (size_t i = 0; i < count && !r; i++)
		r = add_producer_interval(observations, profile, &intervals[i]);
	count = history_samples(history, profile->producer.thread, &samples);
	for (size_t i = 0; i < count && !r; i++)
		r = note_stack(observations, profile, samples[i].stack_id, samples[i].time_ns, 1);
	end_run(profile);
	return r;
}

/* Who sleeps between what it asks for, asks by itself: it is no server that waits to be asked. */
static void count_victim_sleeps(const struct history *history, struct slow_producer *producer)
{
	const struct history_interval *intervals;
	size_t count = history_intervals(history, producer->longest.thread, &intervals);

	for (size_t i = 0; i < count; i++)
		if (intervals[i].state == THREAD_BLOCKED && intervals[i].class == WAIT_SLEEP)
			producer->victim_sleeps += count_merged(&intervals[i]);
}

int producer_profile_read(struct producer_profile *profile, const struct observations *observations)
{
	struct slow_producer *producer = &profile->producer;
	int r = add_producer(observations, profile);

	count_victim_sleeps(observations->history, producer);
	if (!r)
		r = note_wakeups(observations, profile);
	if (!r)
		r = cpu_profile_read(observations->history, source_stacks(observations->source),
				    producer->thread, producer->longest.start_ns,
				    producer->longest.end_ns, &producer->profile);
	return r;
}

/* A thread that works as always, and wakes others meanwhile, keeps nobody waiting. */
static bool stopped_producing(const struct slow_producer *producer)
{
	uint64_t span_ns = producer->longest.end_ns - producer->longest.start_ns;
	double usual = (double)producer->usual_wakeups / (double)(producer->usual_span_ns + 1);

	return producer->usual_wakeups &&
	       producer->run_ns / PRODUCER_TIMES_USUAL >= producer->usual_run_ns &&
	       (double)producer->wakeups * 100 <= usual * (double)span_ns * PRODUCER_WORKS_PERCENT;
}

/*
 * A producer that sleeps paces itself. One that is asked, by one that paces itself, and that sleeps
 * nowhere but in the time it was waited for, was not meant to.
 */
static bool slept_when_asked(const struct slow_producer *producer)
{
	uint64_t span_ns = producer->longest.end_ns - producer->longest.start_ns;

	return producer->blocked_class == WAIT_SLEEP &&
	       share_at_least(producer->blocked_ns, span_ns, PRODUCER_MOST_PERCENT) &&
	       !producer->usual_sleeps && producer->victim_sleeps >= PRODUCER_ASKS_LEAST &&
	       producer->longest.links == 1 && !producer->longest.early;
}

enum slow_producer_did producer_profile_conclude(const struct producer_profile *profile)
{
	const struct slow_producer *producer = &profile->producer;
	uint64_t span_ns = producer->longest.end_ns - producer->longest.start_ns;
	uint64_t ran_ns = producer->state_ns[THREAD_RUNNING] + producer->state_ns[THREAD_RUNNABLE];
	bool ran = share_at_least(ran_ns, span_ns, PRODUCER_MOST_PERCENT);

	if (profile->stacks >= PRODUCER_STACKS_LEAST &&
	    !share_at_least(producer->state_ns[THREAD_UNKNOWN], span_ns, PRODUCER_HALF_PERCENT) &&
	    share_at_least(profile->end_stacks, profile->stacks, PRODUCER_MOST_PERCENT))
		return PRODUCER_ENDED;
	if (producer->longest.class == WAIT_CHILD)
		return PRODUCER_IDLED; /* that a child works, and waits for what it needs, is its purpose */
	if (share_at_least(producer->blocked_ns, span_ns, PRODUCER_HALF_PERCENT) &&
	    !wait_direction_idle(producer->blocked_direction))
		return PRODUCER_WAITED;
	if (ran && share_at_least(producer->run_ns, span_ns, PRODUCER_MOST_PERCENT) &&
	    stopped_producing(producer))
		return PRODUCER_RAN;
	return slept_when_asked(producer) ? PRODUCER_SLEPT : PRODUCER_IDLED;
}
