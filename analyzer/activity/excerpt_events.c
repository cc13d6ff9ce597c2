/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/activity/excerpt_events.h"

#define NO_MORE UINT64_MAX

/*
 * Edges of intervals: a RUNNING one begins with a switch-in and ends with a switch-out, a BLOCKED
 * one ends with a waking, where none of these was lost. Where a RUNNING interval was too short to
 * be one, its neighbours tell.
 */

static bool begins_with_switch_in(const struct history_interval *interval)
{
	return interval->state == THREAD_RUNNING &&
	       !(interval->flags & (INTERVAL_START_LOST | INTERVAL_BEGAN_BEFORE));
}

static bool end_is_seen(const struct history_interval *interval)
{
	return !(interval->flags & (INTERVAL_END_LOST | INTERVAL_STILL_OPEN));
}

static bool ends_with_switch_out(const struct history_interval *interval)
{
	return interval->state == THREAD_RUNNING && end_is_seen(interval);
}

/* A switch-out that no RUNNING interval tells. */
static bool begins_with_switch_out(const struct excerpt_events *events,
				   const struct history_interval *interval)
{
	if (interval->merged ||
	    (interval > events->intervals && ends_with_switch_out(interval - 1)))
		return false;
	if (interval->state == THREAD_RUNNABLE)
		return interval->flags & INTERVAL_PREEMPTED;
	return interval->state == THREAD_BLOCKED &&
	       !(interval->flags & (INTERVAL_START_LOST | INTERVAL_BEGAN_BEFORE));
}

/* It was seen to run, for no length of time, between two times of which nothing is known. */
static bool begins_with_glimpse(const struct excerpt_events *events,
				const struct history_interval *interval)
{
	return interval->state == THREAD_UNKNOWN && interval > events->intervals &&
	       interval[-1].state == THREAD_UNKNOWN;
}

/* A switch-in that no RUNNING interval tells: the recording ended at once. */
static bool ends_with_switch_in(const struct excerpt_events *events,
				const struct history_interval *interval)
{
	return interval->state == THREAD_RUNNABLE && end_is_seen(interval) && !interval->merged &&
	       (interval + 1 == events->intervals_end || interval[1].state != THREAD_RUNNING);
}

/* Return: whether the start of @interval tells of an event. */
static bool read_start(const struct excerpt_events *events, const struct history_interval *interval,
		       struct excerpt_event *ret_event)
{
	*ret_event = (struct excerpt_event){
		.at_ns = interval->start_ns,
		.kind = EXCERPT_HAS_RUN,
		.cpu = interval->cpu,
		.stack_id = STACK_NONE,
		.merged = interval->merged,
	};
	if (begins_with_switch_in(interval))
		ret_event->kind = EXCERPT_GETS_CPU;
	if (interval->state == THREAD_RUNNING)
		return true;
	if (begins_with_switch_out(events, interval)) {
		ret_event->kind = EXCERPT_LEAVES_CPU;
		ret_event->state = interval->prev_state;
		ret_event->stack_id = interval->stack_id;
		return true;
	}
	return begins_with_glimpse(events, interval);
}

/* Return: whether the end of @interval tells of an event. */
static bool read_end(const struct excerpt_events *events, const struct history_interval *interval,
		     struct excerpt_event *ret_event)
{
	*ret_event = (struct excerpt_event){
		.at_ns = interval->end_ns,
		.kind = EXCERPT_GETS_CPU,
		.cpu = FT_NO_CPU,
		.stack_id = STACK_NONE,
		.merged = interval->merged,
	};
	if (interval->state == THREAD_BLOCKED) {
		ret_event->kind = EXCERPT_WOKEN;
		ret_event->cpu = interval->waker_cpu;
		ret_event->other = history_waker(events->history, interval);
		ret_event->stack_id = interval->waker_stack_id;
		ret_event->in_interrupt = interval->waker_in_interrupt;
		return ret_event->other;
	}
	if (ends_with_switch_out(interval)) {
		ret_event->kind = EXCERPT_LEAVES_CPU;
		ret_event->cpu = interval->cpu;
		ret_event->stack_id = interval->stack_id;
		ret_event->state = interval->prev_state;
		return true;
	}
	return ends_with_switch_in(events, interval);
}

static bool read_edge(struct excerpt_events *events, struct excerpt_event *ret_event)
{
	while (events->interval < events->intervals_end) {
		const struct history_interval *interval = events->interval;
		bool at_end = events->at_end;

		events->at_end = !at_end;
		events->interval += at_end;
		if (at_end ? read_end(events, interval, ret_event)
			   : read_start(events, interval, ret_event))
			return true;
	}
	return false;
}

/* Other events. */

static void read_hold(const struct history_event *kept, struct excerpt_event *event)
{
	event->kind =
		kept->flags & FT_HOLD_ACQUIRED ? EXCERPT_LOCK_ACQUIRED : EXCERPT_LOCK_RELEASED;
	event->lock_flags = (kept->flags & FT_HOLD_READ ? FT_LOCK_READ : 0) |
			    (kept->flags & FT_HOLD_WRITE ? FT_LOCK_WRITE : 0);
}

static bool read_event(struct excerpt_events *events, struct excerpt_event *ret_event)
{
	const struct history_event *kept = events->event;

	if (kept == events->events_end)
		return false;
	events->event++;
	*ret_event = (struct excerpt_event){
		.at_ns = kept->at_ns,
		.cpu = kept->cpu,
		.stack_id = kept->stack_id,
		.address = kept->address,
	};
	switch (kept->kind) {
	case FT_EVENT_LOCK_BEGIN:
		ret_event->kind = EXCERPT_LOCK_BEGIN;
		ret_event->lock_flags = kept->flags;
		break;
	case FT_EVENT_LOCK_HOLD:
		read_hold(kept, ret_event);
		break;
	case FT_EVENT_CALL:
		ret_event->kind = EXCERPT_CALL;
		ret_event->call = kept->call;
		ret_event->wakes = kept->wakes;
		ret_event->bytes = kept->bytes;
		break;
	default:
		ret_event->kind = EXCERPT_SNAPSHOT;
		ret_event->state = kept->state;
		break;
	}
	return true;
}

/* Where the thread ran at @time_ns, or had run last. */
static uint32_t find_cpu_at(const struct history *history, const struct thread *thread,
			    uint64_t time_ns)
{
	const struct history_interval *intervals;
	size_t count = history_intervals(history, thread, &intervals);
	size_t at = history_at(history, thread, time_ns);

	return at < count ? intervals[at].cpu : FT_NO_CPU;
}

/* The last CPU sample before the span. Those within it are the profile's business. */
static bool read_last_sample(const struct excerpt_events *events, struct excerpt_event *ret_event)
{
	const struct thread *thread = events->query->thread;
	const struct history_sample *samples;
	size_t low = 0, high = history_samples(events->history, thread, &samples);

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (samples[middle].time_ns < events->query->start_ns)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low)
		return false;
	*ret_event = (struct excerpt_event){
		.at_ns = samples[low - 1].time_ns,
		.kind = EXCERPT_SAMPLE,
		.cpu = find_cpu_at(events->history, thread, samples[low - 1].time_ns),
		.stack_id = samples[low - 1].stack_id,
	};
	return true;
}

/* Wakings by the thread. */

static bool read_waking(const struct excerpt_events *events, const struct thread *woken,
			const struct history_interval *interval, struct excerpt_event *ret_event)
{
	*ret_event = (struct excerpt_event){
		.at_ns = interval->end_ns,
		.kind = EXCERPT_WAKES,
		.cpu = interval->waker_cpu,
		.other = woken,
		.stack_id = interval->waker_stack_id,
		.merged = interval->merged,
	};
	return interval->state == THREAD_BLOCKED && !interval->waker_in_interrupt &&
	       interval->waker == events->query->thread->index;
}

/* The first interval of @thread that ends at @time_ns or later. */
static size_t find_interval_ending_at(const struct history *history, const struct thread *thread,
				      uint64_t time_ns)
{
	return history_at(history, thread, time_ns ? time_ns - 1 : 0);
}

/* Anybody may be woken by what ends the span: the release of the lock wakes who waited longest. */
static bool read_waking_at_end(const struct excerpt_events *events, struct excerpt_event *ret_event)
{
	const uint64_t end_ns = events->query->end_ns;

	for (size_t i = 0; i < threads_count(events->threads); i++) {
		const struct thread *thread = threads_at(events->threads, i);
		const struct history_interval *intervals;
		size_t count = history_intervals(events->history, thread, &intervals);
		size_t at = find_interval_ending_at(events->history, thread, end_ns);

		if (at < count && intervals[at].end_ns == end_ns &&
		    read_waking(events, thread, &intervals[at], ret_event))
			return true;
	}
	return false;
}

static bool read_wakes(struct excerpt_events *events, struct excerpt_event *ret_event)
{
	const struct event_excerpt_query *query = events->query;

	while (events->woken < events->woken_end && events->woken->end_ns < query->end_ns)
		if (read_waking(events, query->wakes, events->woken++, ret_event))
			return true;
	if (!query->wakes || events->end_is_read)
		return false;
	events->end_is_read = true;
	return read_waking_at_end(events, ret_event);
}

/* The events. */

static void read_ahead(struct excerpt_events *events, enum excerpt_origin origin)
{
	struct excerpt_event *event = &events->next[origin];
	bool found = false;

	switch (origin) {
	case FROM_EDGES:
		found = read_edge(events, event);
		break;
	case FROM_EVENTS:
		found = read_event(events, event);
		break;
	case FROM_WAKES:
		found = read_wakes(events, event);
		break;
	default: /* there is one sample */
		break;
	}
	if (!found)
		event->at_ns = NO_MORE;
}

/*
 * The first interval that matters: of what came before a switch-in the lead has only calls and
 * locks, and those are no intervals.
 */
static size_t find_first_interval(const struct history_interval *intervals, size_t count, size_t at,
				  uint64_t start_ns)
{
	while (at && (at == count || intervals[at].start_ns >= start_ns ||
		      !begins_with_switch_in(&intervals[at])))
		at--;
	return at;
}

void excerpt_events_begin(struct excerpt_events *events, const struct history *history,
			  const struct threads *threads, const struct event_excerpt_query *query)
{
	const struct history_interval *intervals;
	size_t count = history_intervals(history, query->thread, &intervals);
	size_t at = history_at(history, query->thread, query->start_ns);

	*events = (struct excerpt_events){ .history = history, .threads = threads, .query = query };
	if (count) {
		events->intervals = intervals;
		events->interval =
			intervals + find_first_interval(intervals, count, at, query->start_ns);
		events->intervals_end = intervals + count;
	}
	count = history_events(history, query->thread, &events->event);
	events->events_end = count ? events->event + count : NULL;
	count = query->wakes ? history_intervals(history, query->wakes, &intervals) : 0;
	if (count) {
		at = find_interval_ending_at(history, query->wakes, query->start_ns);
		events->woken = intervals + at;
		events->woken_end = intervals + count;
	}
	read_ahead(events, FROM_EDGES);
	read_ahead(events, FROM_EVENTS);
	read_ahead(events, FROM_WAKES);
	if (!read_last_sample(events, &events->next[FROM_SAMPLE]))
		events->next[FROM_SAMPLE].at_ns = NO_MORE;
}

/* At one moment a thread is woken, then switched in; then it does something; then it is switched
 * out. */
static int rank_kind(enum excerpt_kind kind)
{
	switch (kind) {
	case EXCERPT_WOKEN:
		return 0;
	case EXCERPT_GETS_CPU:
	case EXCERPT_HAS_RUN:
		return 1;
	case EXCERPT_LEAVES_CPU:
		return 3;
	default:
		return 2;
	}
}

int excerpt_events_compare(const void *left, const void *right)
{
	const struct excerpt_event *a = left, *b = right;

	if (a->at_ns != b->at_ns)
		return a->at_ns < b->at_ns ? -1 : 1;
	return rank_kind(a->kind) - rank_kind(b->kind);
}

bool excerpt_events_next(struct excerpt_events *events, struct excerpt_event *ret_event)
{
	enum excerpt_origin first = FROM_EDGES;

	for (enum excerpt_origin i = FROM_EVENTS; i < EXCERPT_ORIGINS; i++)
		if (excerpt_events_compare(&events->next[i], &events->next[first]) < 0)
			first = i;
	*ret_event = events->next[first];
	read_ahead(events, first);
	return ret_event->at_ns != NO_MORE;
}
