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
 * The thread does something at the end of its wait or later, or is woken again: then it got the
 * CPU, and that was left out of the events. The next time it gets one is another matter.
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
	qsort(events, count, sizeof(*events), excerpt_events_compare);
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
		excerpt.events[excerpt.count++] = selection->last[(i - FIRST_EVENTS) % LAST_EVENTS];
	*ret_excerpt = excerpt;
}

void event_excerpt_find(const struct history *history, const struct threads *threads,
			const struct event_excerpt_query *query, struct event_excerpt *ret_excerpt)
{
	struct event_selection selection = { .query = query };
	struct excerpt_events events;
	struct excerpt_event event;

	excerpt_events_begin(&events, history, threads, query);
	while (excerpt_events_next(&events, &event) && take_event(&selection, &event))
		;
	fill_excerpt(&selection, ret_excerpt);
}
