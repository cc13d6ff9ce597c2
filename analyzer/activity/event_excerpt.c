/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/activity/event_excerpt.h"

#include <errno.h>
#include <stdlib.h>

#include "analyzer/locks/futex_wakes.h"

/* How it came to the span: its way onto the CPU and what it did there last. */
enum { LEAD_CPU, LEAD_CALL, LEAD_SAMPLE, LEAD_LOCK, LEAD_HELD, LEADS };

#define FIRST_EVENTS 6
#define LAST_EVENTS  6

/* A call that was entered longer ago than this has nothing to do with the span. */
#define LEAD_CALL_NS 1000000000u

struct event_excerpt {
	struct event_excerpt_options options;
	bool has_lead[LEADS];
	struct event_excerpt_event lead[LEADS];
	struct event_excerpt_event first[FIRST_EVENTS];
	struct event_excerpt_event last[LAST_EVENTS]; /* a ring */
	uint64_t count; /* events within the span */
	uint64_t acquired_at; /* which of them it has the lock since */
	struct event_excerpt_event acquired;
	bool over;
};

_Static_assert(LEADS + FIRST_EVENTS + 1 + LAST_EVENTS <= TRAIL_EVENTS_MAX, "no room for all");

int event_excerpt_create(const struct event_excerpt_options *options,
			 struct event_excerpt **ret_trail)
{
	struct event_excerpt *trail = calloc(1, sizeof(*trail));

	if (!trail)
		return -ENOMEM;
	trail->options = *options;
	*ret_trail = trail;
	return 0;
}

void event_excerpt_destroy(struct event_excerpt *trail)
{
	free(trail);
}

static bool translate_call(const struct ft_event *raw, struct event_excerpt_event *event)
{
	event->kind = TRAIL_CALL;
	event->call = raw->call.call;
	event->wakes = futex_wakes_call(raw);
	if (raw->call.call == FT_CALL_FUTEX)
		event->address = raw->call.args[0];
	else
		event->bytes = raw->call.args[raw->call.call == FT_CALL_MREMAP ? 2 : 1];
	return true;
}

static bool translate_hold(const struct ft_event *raw, struct event_excerpt_event *event)
{
	uint32_t flags = raw->lock_hold.flags;

	event->kind = flags & FT_HOLD_ACQUIRED ? TRAIL_LOCK_ACQUIRED : TRAIL_LOCK_RELEASED;
	event->address = raw->lock_hold.address;
	event->lock_flags = (flags & FT_HOLD_READ ? FT_LOCK_READ : 0) |
			    (flags & FT_HOLD_WRITE ? FT_LOCK_WRITE : 0);
	return true;
}

/* What the thread itself does. */
static bool translate_own(const struct event *event, struct event_excerpt_event *ret_event)
{
	const struct ft_event *raw = &event->raw;

	switch (raw->kind) {
	case FT_EVENT_SWITCH:
		ret_event->kind = TRAIL_LEAVES_CPU;
		ret_event->state = raw->switch_.prev_state;
		return true;
	case FT_EVENT_LOCK_BEGIN:
		ret_event->kind = TRAIL_LOCK_BEGIN;
		ret_event->address = raw->lock_begin.address;
		ret_event->lock_flags = raw->lock_begin.flags;
		return true;
	case FT_EVENT_LOCK_HOLD:
		return translate_hold(raw, ret_event);
	case FT_EVENT_CALL:
		return translate_call(raw, ret_event);
	case FT_EVENT_SAMPLE:
		ret_event->kind = TRAIL_SAMPLE;
		return true;
	case FT_EVENT_STATE:
		ret_event->kind = TRAIL_SNAPSHOT;
		ret_event->state = raw->state.state;
		return true;
	default:
		return false;
	}
}

static bool translate(const struct event_excerpt_options *options, const struct event *event,
		      struct event_excerpt_event *ret_event)
{
	*ret_event = (struct event_excerpt_event){
		.at_ns = event->raw.time_ns,
		.cpu = event->raw.cpu,
		.stack_id = event->stack_id,
	};
	if (event->other == options->thread && event->raw.kind == FT_EVENT_SWITCH) {
		ret_event->kind = TRAIL_GETS_CPU;
		ret_event->stack_id = STACK_NONE; /* it is that of the one before it */
		return true;
	}
	if (event->raw.kind == FT_EVENT_WAKING) {
		ret_event->in_interrupt = event->raw.waking.in_interrupt;
		ret_event->kind = event->other == options->thread ? TRAIL_WOKEN : TRAIL_WAKES;
		ret_event->other = ret_event->kind == TRAIL_WOKEN ? event->thread : event->other;
		return ret_event->kind == TRAIL_WOKEN ||
		       (event->thread == options->thread && !ret_event->in_interrupt &&
			(event->other == options->wakes || event->raw.time_ns == options->end_ns));
	}
	return event->thread == options->thread && translate_own(event, ret_event);
}

static bool is_held(const struct event_excerpt *trail, const struct event_excerpt_event *event)
{
	return !trail->options.held || event->address == trail->options.held;
}

static void lead_set(struct event_excerpt *trail, unsigned int lead,
		     const struct event_excerpt_event *event)
{
	trail->lead[lead] = *event;
	trail->has_lead[lead] = true;
}

static void before_span(struct event_excerpt *trail, const struct event_excerpt_event *event)
{
	switch (event->kind) {
	case TRAIL_GETS_CPU:
		lead_set(trail, LEAD_CPU, event);
		trail->has_lead[LEAD_SAMPLE] = trail->has_lead[LEAD_LOCK] = false;
		break;
	case TRAIL_CALL:
		lead_set(trail, LEAD_CALL, event);
		break;
	case TRAIL_SAMPLE:
		lead_set(trail, LEAD_SAMPLE, event);
		break;
	case TRAIL_LOCK_BEGIN:
		lead_set(trail, LEAD_LOCK, event);
		break;
	case TRAIL_LOCK_ACQUIRED:
		trail->has_lead[LEAD_LOCK] = false;
		if (is_held(trail, event))
			lead_set(trail, LEAD_HELD, event);
		break;
	case TRAIL_LOCK_RELEASED:
		if (trail->lead[LEAD_HELD].address == event->address)
			trail->has_lead[LEAD_HELD] = false;
		break;
	case TRAIL_LEAVES_CPU:
		trail->has_lead[LEAD_CPU] = false;
		break;
	default:
		break;
	}
}

static void append(struct event_excerpt *trail, const struct event_excerpt_event *event)
{
	if (event->kind == TRAIL_LOCK_ACQUIRED && is_held(trail, event)) {
		trail->acquired = *event;
		trail->acquired_at = trail->count;
	}
	if (trail->count < FIRST_EVENTS)
		trail->first[trail->count] = *event;
	else
		trail->last[(trail->count - FIRST_EVENTS) % LAST_EVENTS] = *event;
	trail->count++;
}

/*
 * The thread does something at the end of its wait or later, or is woken again: then it got the
 * CPU, and that was left out of the events. The next time it gets one is another matter.
 */
static bool has_run(const struct event_excerpt *trail, const struct event *event)
{
	const struct ft_event *raw = &event->raw;

	if (!trail->options.until_it_runs || raw->time_ns < trail->options.end_ns ||
	    raw->cpu == FT_NO_CPU)
		return false;
	if (event->thread == trail->options.thread)
		return raw->kind != FT_EVENT_STATE && raw->kind != FT_EVENT_UNWOUND;
	return raw->kind == FT_EVENT_WAKING && raw->time_ns > trail->options.end_ns;
}

static void end_unseen(struct event_excerpt *trail, const struct event *event)
{
	const struct event_excerpt_options *options = &trail->options;
	struct event_excerpt_event ran = {
		.at_ns = event->raw.time_ns,
		.kind = TRAIL_HAS_RUN,
		.cpu = event->thread == options->thread ? event->raw.cpu : FT_NO_CPU,
		.stack_id = STACK_NONE,
	};

	if (options->ran_ns >= options->end_ns && options->ran_ns < ran.at_ns)
		ran.at_ns = options->ran_ns;
	append(trail, &ran);
	trail->over = true;
}

void event_excerpt_event(struct event_excerpt *trail, const struct event *event)
{
	struct event_excerpt_event own;

	if (trail->over ||
	    (event->thread != trail->options.thread && event->other != trail->options.thread))
		return;
	if (has_run(trail, event)) {
		end_unseen(trail, event);
		return;
	}
	if (!translate(&trail->options, event, &own))
		return;
	if (own.at_ns < trail->options.start_ns) {
		before_span(trail, &own);
	} else if (own.at_ns <= trail->options.end_ns) {
		/* CPU samples are the profile's business. */
		if (own.kind != TRAIL_SAMPLE)
			append(trail, &own);
		trail->over = trail->options.until_it_runs && own.kind == TRAIL_GETS_CPU &&
			      own.at_ns == trail->options.end_ns;
	} else if (!trail->options.until_it_runs) {
		trail->over = true;
	} else if (own.kind == TRAIL_GETS_CPU) {
		append(trail, &own);
		trail->over = true;
	}
}

static int by_time(const void *left, const void *right)
{
	const struct event_excerpt_event *a = left, *b = right;

	return (a->at_ns > b->at_ns) - (a->at_ns < b->at_ns);
}

static size_t tell_lead(const struct event_excerpt *trail, struct event_excerpt_event *events)
{
	size_t count = 0;

	for (unsigned int i = 0; i < LEADS; i++) {
		if (!trail->has_lead[i])
			continue;
		if (i == LEAD_CALL && trail->options.start_ns - trail->lead[i].at_ns > LEAD_CALL_NS)
			continue;
		events[count++] = trail->lead[i];
	}
	qsort(events, count, sizeof(*events), by_time);
	return count;
}

size_t event_excerpt_tell(const struct event_excerpt *trail, struct event_excerpt_event *ret_events,
			  size_t *ret_gap, uint64_t *ret_left_out)
{
	size_t count = tell_lead(trail, ret_events);
	uint64_t from = FIRST_EVENTS;

	*ret_left_out = 0;
	for (uint64_t i = 0; i < trail->count && i < FIRST_EVENTS; i++)
		ret_events[count++] = trail->first[i];
	*ret_gap = count;
	if (trail->count > FIRST_EVENTS + LAST_EVENTS)
		from = trail->count - LAST_EVENTS;
	*ret_left_out = from - FIRST_EVENTS;
	if (trail->acquired_at >= FIRST_EVENTS && trail->acquired_at < from) {
		ret_events[count++] = trail->acquired;
		*ret_gap = count;
		--*ret_left_out;
	}
	for (uint64_t i = from; i < trail->count; i++)
		ret_events[count++] = trail->last[(i - FIRST_EVENTS) % LAST_EVENTS];
	return count;
}
