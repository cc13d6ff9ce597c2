/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/activity/event_excerpt.h"

#include <stdlib.h>

#include "analyzer/util/span.h"

/* What led to the span: how the thread got its CPU, and what it did there last. */
enum lead { LEAD_CPU, LEAD_CALL, LEAD_SAMPLE, LEAD_LOCK, LEAD_HELD, LEADS };

#define FIRST_EVENTS 6
#define LAST_EVENTS  6

/* A call that was entered longer ago than this has nothing to do with the span. */
#define LEAD_CALL_NS 1000000000u

_Static_assert(LEADS + FIRST_EVENTS + 1 + LAST_EVENTS <= EXCERPT_EVENTS_MAX, "no room for all");

/* Events in order of time, merged from what the history keeps of several kinds. */
enum event_origin { FROM_EDGES, FROM_EVENTS, FROM_SAMPLE, FROM_WAKES, ORIGINS };

#define NO_MORE UINT64_MAX

struct events_walk {
	const struct history *history;
	const struct threads *threads;
	const struct event_excerpt_query *query;
	const struct history_interval *interval, *intervals_end;
	bool at_end; /* the next edge is the end of the interval */
	const struct history_event *event, *events_end;
	const struct history_interval *woken, *woken_end; /* of query->wakes */
	bool end_is_read; /* who was woken at query->end_ns was looked for */
	struct excerpt_event next[ORIGINS]; /* at_ns NO_MORE: none is left */
};

/* Edges of intervals. */

static bool begins_with_switch_in(const struct history_interval *interval)
{
	return interval->state == THREAD_RUNNING &&
	       !(interval->flags & (INTERVAL_START_LOST | INTERVAL_BEGAN_BEFORE));
}

static bool begins_with_switch_out(const struct history_interval *interval)
{
	if (interval->state == THREAD_RUNNABLE)
		return interval->flags & INTERVAL_PREEMPTED;
	return interval->state == THREAD_BLOCKED &&
	       !(interval->flags & (INTERVAL_START_LOST | INTERVAL_BEGAN_BEFORE));
}

/* Return: whether the start of @interval tells of an event. */
static bool read_start(const struct history_interval *interval, struct excerpt_event *ret_event)
{
	*ret_event = (struct excerpt_event){
		.at_ns = interval->start_ns,
		.cpu = interval->cpu,
		.stack_id = STACK_NONE,
		.merged = interval->merged,
	};
	if (interval->state == THREAD_RUNNING) {
		ret_event->kind = begins_with_switch_in(interval) ? EXCERPT_GETS_CPU
								  : EXCERPT_HAS_RUN;
		return true;
	}
	ret_event->kind = EXCERPT_LEAVES_CPU;
	ret_event->state = interval->prev_state;
	ret_event->stack_id = interval->stack_id;
	return begins_with_switch_out(interval);
}

/* The thread left the CPU as nothing else tells: for good, or for a sleep of which too little is known. */
static bool ends_with_switch_out(const struct events_walk *walk,
				 const struct history_interval *interval)
{
	if (interval->state != THREAD_RUNNING ||
	    interval->flags & (INTERVAL_END_LOST | INTERVAL_STILL_OPEN))
		return false;
	if (interval + 1 == walk->intervals_end)
		return walk->query->thread->exited;
	return interval[1].state == THREAD_UNKNOWN;
}

/* Return: whether the end of @interval tells of an event that the start of the next one does not. */
static bool read_end(const struct events_walk *walk, const struct history_interval *interval,
		     struct excerpt_event *ret_event)
{
	struct excerpt_event event = {
		.at_ns = interval->end_ns,
		.merged = interval->merged,
	};

	if (interval->state == THREAD_BLOCKED) {
		event.kind = EXCERPT_WOKEN;
		event.cpu = interval->waker_cpu;
		event.other = history_waker(walk->history, interval);
		event.stack_id = interval->waker_stack_id;
		event.in_interrupt = interval->waker_in_interrupt;
	} else {
		event.kind = EXCERPT_LEAVES_CPU;
		event.cpu = interval->cpu;
		event.stack_id = STACK_NONE;
		event.state = interval + 1 == walk->intervals_end ? FT_STATE_DEAD : FT_STATE_OTHER;
	}
	*ret_event = event;
	return event.other || ends_with_switch_out(walk, interval);
}

static bool read_edge(struct events_walk *walk, struct excerpt_event *ret_event)
{
	while (walk->interval < walk->intervals_end) {
		const struct history_interval *interval = walk->interval;
		bool at_end = walk->at_end;

		walk->at_end = !at_end;
		walk->interval += at_end;
		if (at_end ? read_end(walk, interval, ret_event) : read_start(interval, ret_event))
			return true;
	}
	return false;
}

/* Other events. */

static void read_hold(const struct history_event *kept, struct excerpt_event *event)
{
	event->kind = kept->flags & FT_HOLD_ACQUIRED ? EXCERPT_LOCK_ACQUIRED
						     : EXCERPT_LOCK_RELEASED;
	event->lock_flags = (kept->flags & FT_HOLD_READ ? FT_LOCK_READ : 0) |
			    (kept->flags & FT_HOLD_WRITE ? FT_LOCK_WRITE : 0);
}

static bool read_event(struct events_walk *walk, struct excerpt_event *ret_event)
{
	const struct history_event *kept = walk->event;

	if (kept == walk->events_end)
		return false;
	walk->event++;
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
static uint32_t cpu_at(const struct history *history, const struct thread *thread, uint64_t time_ns)
{
	const struct history_interval *intervals;
	size_t count = history_intervals(history, thread, &intervals);
	size_t at = history_at(history, thread, time_ns);

	return at < count ? intervals[at].cpu : FT_NO_CPU;
}

/* The last CPU sample before the span. Those within it are the profile's business. */
static bool read_last_sample(const struct events_walk *walk, struct excerpt_event *ret_event)
{
	const struct thread *thread = walk->query->thread;
	const struct history_sample *samples;
	size_t low = 0, high = history_samples(walk->history, thread, &samples);

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (samples[middle].time_ns < walk->query->start_ns)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low)
		return false;
	*ret_event = (struct excerpt_event){
		.at_ns = samples[low - 1].time_ns,
		.kind = EXCERPT_SAMPLE,
		.cpu = cpu_at(walk->history, thread, samples[low - 1].time_ns),
		.stack_id = samples[low - 1].stack_id,
	};
	return true;
}

/* Wakings by the thread. */

static bool read_waking(const struct events_walk *walk, const struct thread *woken,
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
	       interval->waker == walk->query->thread->index;
}

/* The first interval of @thread that ends at @time_ns or later. */
static size_t interval_ending_at(const struct history *history, const struct thread *thread,
				 uint64_t time_ns)
{
	return history_at(history, thread, time_ns ? time_ns - 1 : 0);
}

/* Anybody may be woken by what ends the span: the release of the lock wakes who waited longest. */
static bool read_waking_at_end(const struct events_walk *walk, struct excerpt_event *ret_event)
{
	const uint64_t end_ns = walk->query->end_ns;

	for (size_t i = 0; i < threads_count(walk->threads); i++) {
		const struct thread *thread = threads_at(walk->threads, i);
		const struct history_interval *intervals;
		size_t count = history_intervals(walk->history, thread, &intervals);
		size_t at = interval_ending_at(walk->history, thread, end_ns);

		if (at < count && intervals[at].end_ns == end_ns &&
		    read_waking(walk, thread, &intervals[at], ret_event))
			return true;
	}
	return false;
}

static bool read_wakes(struct events_walk *walk, struct excerpt_event *ret_event)
{
	const struct event_excerpt_query *query = walk->query;

	while (walk->woken < walk->woken_end && walk->woken->end_ns < query->end_ns)
		if (read_waking(walk, query->wakes, walk->woken++, ret_event))
			return true;
	if (!query->wakes || walk->end_is_read)
		return false;
	walk->end_is_read = true;
	return read_waking_at_end(walk, ret_event);
}

/* The walk. */

static void read_ahead(struct events_walk *walk, enum event_origin origin)
{
	struct excerpt_event *event = &walk->next[origin];
	bool found = false;

	switch (origin) {
	case FROM_EDGES:
		found = read_edge(walk, event);
		break;
	case FROM_EVENTS:
		found = read_event(walk, event);
		break;
	case FROM_WAKES:
		found = read_wakes(walk, event);
		break;
	default: /* there is one sample */
		break;
	}
	if (!found)
		event->at_ns = NO_MORE;
}

/*
 * The first interval that matters: of what came before a switch-in the lead has only calls and locks, and those
 * are no intervals.
 */
static size_t find_first_interval(const struct history_interval *intervals, size_t count, size_t at,
				  uint64_t start_ns)
{
	while (at && (at == count || intervals[at].start_ns >= start_ns ||
		      !begins_with_switch_in(&intervals[at])))
		at--;
	return at;
}

static void begin_walk(struct events_walk *walk)
{
	const struct event_excerpt_query *query = walk->query;
	const struct history_interval *intervals;
	size_t count = history_intervals(walk->history, query->thread, &intervals);
	size_t at = history_at(walk->history, query->thread, query->start_ns);

	if (count) {
		walk->interval = intervals + find_first_interval(intervals, count, at,
								 query->start_ns);
		walk->intervals_end = intervals + count;
	}
	count = history_events(walk->history, query->thread, &walk->event);
	walk->events_end = count ? walk->event + count : NULL;
	count = query->wakes ? history_intervals(walk->history, query->wakes, &intervals) : 0;
	if (count) {
		at = interval_ending_at(walk->history, query->wakes, query->start_ns);
		walk->woken = intervals + at;
		walk->woken_end = intervals + count;
	}
	read_ahead(walk, FROM_EDGES);
	read_ahead(walk, FROM_EVENTS);
	read_ahead(walk, FROM_WAKES);
	if (!read_last_sample(walk, &walk->next[FROM_SAMPLE]))
		walk->next[FROM_SAMPLE].at_ns = NO_MORE;
}

/* At one moment a thread is woken, then switched in; then it does something; then it is switched out. */
static int order_of_kind(enum excerpt_kind kind)
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

static int compare_events(const void *left, const void *right)
{
	const struct excerpt_event *a = left, *b = right;

	if (a->at_ns != b->at_ns)
		return a->at_ns < b->at_ns ? -1 : 1;
	return order_of_kind(a->kind) - order_of_kind(b->kind);
}

static bool read_next_event(struct events_walk *walk, struct excerpt_event *ret_event)
{
	enum event_origin first = FROM_EDGES;

	for (enum event_origin i = FROM_EVENTS; i < ORIGINS; i++)
		if (compare_events(&walk->next[i], &walk->next[first]) < 0)
			first = i;
	*ret_event = walk->next[first];
	read_ahead(walk, first);
	return ret_event->at_ns != NO_MORE;
}

/* The selection. */

struct event_selection {
	const struct event_excerpt_query *query;
	bool has_lead[LEADS];
	struct excerpt_event lead[LEADS];
	struct excerpt_event first[FIRST_EVENTS];
	struct excerpt_event last[LAST_EVENTS]; /* a ring */
	uint64_t count; /* events within the span */
	uint64_t acquired_at; /* which of them says that it has the lock */
	struct excerpt_event acquired;
	uint64_t merged; /* so many more are put together in the events within the span, */
	uint64_t merged_at; /* from this one on */
};

static bool is_held(const struct event_selection *selection, const struct excerpt_event *event)
{
	return !selection->query->held || event->address == selection->query->held;
}

static void set_lead(struct event_selection *selection, enum lead lead,
		     const struct excerpt_event *event)
{
	selection->lead[lead] = *event;
	selection->has_lead[lead] = true;
}

static void note_lead(struct event_selection *selection, const struct excerpt_event *event)
{
	switch (event->kind) {
	case EXCERPT_GETS_CPU:
		set_lead(selection, LEAD_CPU, event);
		selection->has_lead[LEAD_SAMPLE] = selection->has_lead[LEAD_LOCK] = false;
		break;
	case EXCERPT_CALL:
		set_lead(selection, LEAD_CALL, event);
		break;
	case EXCERPT_SAMPLE:
		set_lead(selection, LEAD_SAMPLE, event);
		break;
	case EXCERPT_LOCK_BEGIN:
		set_lead(selection, LEAD_LOCK, event);
		break;
	case EXCERPT_LOCK_ACQUIRED:
		selection->has_lead[LEAD_LOCK] = false;
		if (is_held(selection, event))
			set_lead(selection, LEAD_HELD, event);
		break;
	case EXCERPT_LOCK_RELEASED:
		if (selection->lead[LEAD_HELD].address == event->address)
			selection->has_lead[LEAD_HELD] = false;
		break;
	case EXCERPT_LEAVES_CPU:
	case EXCERPT_HAS_RUN:
		selection->has_lead[LEAD_CPU] = false;
		break;
	default:
		break;
	}
}

static void append_event(struct event_selection *selection, const struct excerpt_event *event)
{
	if (event->kind == EXCERPT_LOCK_ACQUIRED && is_held(selection, event)) {
		selection->acquired = *event;
		selection->acquired_at = selection->count;
	}
	if (event->merged > 1) {
		if (!selection->merged)
			selection->merged_at = selection->count;
		selection->merged += event->merged - 1;
	}
	if (selection->count < FIRST_EVENTS)
		selection->first[selection->count] = *event;
	else
		selection->last[(selection->count - FIRST_EVENTS) % LAST_EVENTS] = *event;
	selection->count++;
}

/*
 * The thread does something at the end of its wait or later, or is woken again: then it got the CPU, and that was
 * left out of the events. The next time it gets one is another matter.
 */
static bool has_run(const struct event_excerpt_query *query, const struct excerpt_event *event)
{
	if (!query->until_it_runs || event->at_ns < query->end_ns)
		return false;
	switch (event->kind) {
	case EXCERPT_GETS_CPU:
	case EXCERPT_SNAPSHOT:
		return false;
	case EXCERPT_WOKEN:
		return event->at_ns > query->end_ns;
	default:
		return true;
	}
}

/* Return: whether later events matter. */
static bool take_event(struct event_selection *selection, const struct excerpt_event *event)
{
	const struct event_excerpt_query *query = selection->query;

	if (has_run(query, event)) {
		append_event(selection,
			     &(struct excerpt_event){
				     .at_ns = event->at_ns,
				     .kind = EXCERPT_HAS_RUN,
				     .cpu = event->kind == EXCERPT_WOKEN ? FT_NO_CPU : event->cpu,
				     .stack_id = STACK_NONE,
			     });
		return false;
	}
	if (event->at_ns < query->start_ns)
		note_lead(selection, event);
	if (event->at_ns < query->start_ns || event->kind == EXCERPT_HAS_RUN)
		return true;
	if (event->at_ns <= query->end_ns) {
		append_event(selection, event);
		return !query->until_it_runs || event->kind != EXCERPT_GETS_CPU ||
		       event->at_ns < query->end_ns;
	}
	if (query->until_it_runs && event->kind == EXCERPT_GETS_CPU)
		append_event(selection, event);
	return query->until_it_runs && event->kind != EXCERPT_GETS_CPU;
}

static size_t copy_lead(const struct event_selection *selection, struct excerpt_event *events)
{
	const uint64_t start_ns = selection->query->start_ns;
	size_t count = 0;

	for (enum lead i = 0; i < LEADS; i++) {
		if (!selection->has_lead[i])
			continue;
		if (i == LEAD_CALL && start_ns - selection->lead[i].at_ns > LEAD_CALL_NS)
			continue;
		events[count++] = selection->lead[i];
	}
	qsort(events, count, sizeof(*events), compare_events);
	return count;
}

static void fill_excerpt(const struct event_selection *selection, struct event_excerpt *ret_excerpt)
{
	struct event_excerpt excerpt = { .left_out = selection->merged };
	const size_t lead_count = excerpt.count = copy_lead(selection, excerpt.events);
	uint64_t from = FIRST_EVENTS;

	for (uint64_t i = 0; i < selection->count && i < FIRST_EVENTS; i++)
		excerpt.events[excerpt.count++] = selection->first[i];
	excerpt.gap = excerpt.count;
	if (selection->count > FIRST_EVENTS + LAST_EVENTS)
		from = selection->count - LAST_EVENTS;
	else if (selection->merged)
		excerpt.gap = lead_count + earlier(selection->merged_at + 1, selection->count - 1);
	excerpt.left_out += from - FIRST_EVENTS;
	if (selection->acquired_at >= FIRST_EVENTS && selection->acquired_at < from) {
		excerpt.events[excerpt.count++] = selection->acquired;
		excerpt.gap = excerpt.count;
		excerpt.left_out--;
	}
	for (uint64_t i = from; i < selection->count; i++)
		excerpt.events[excerpt.count++] =
			selection->last[(i - FIRST_EVENTS) % LAST_EVENTS];
	*ret_excerpt = excerpt;
}

void event_excerpt_find(const struct history *history, const struct threads *threads,
			const struct event_excerpt_query *query, struct event_excerpt *ret_excerpt)
{
	struct events_walk walk = { .history = history, .threads = threads, .query = query };
	struct event_selection selection = { .query = query };
	struct excerpt_event event;

	begin_walk(&walk);
	while (read_next_event(&walk, &event) && take_event(&selection, &event))
		;
	fill_excerpt(&selection, ret_excerpt);
}
