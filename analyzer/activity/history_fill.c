/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a history is filled: from the intervals and events of one replay.
 */
#include "analyzer/activity/history_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/locks/futex_wakes.h"
#include "analyzer/trace/source.h"
#include "analyzer/util/array.h"
#include "analyzer/util/span.h"

#define SAMPLES_MAX (1u << 20)

/* Not inlined: most events keep nothing, and save no registers. */
#define RARE __attribute__((noinline))

const uint64_t *history_short_charge_ns(const struct history *history)
{
	return &history->short_charge_ns;
}

int history_charged(struct history *history, struct thread *owner, uint64_t start_ns,
		    uint64_t end_ns, enum grade grade)
{
	if (array_grow(history->pending, history->pending_count, history->pending_room))
		return -ENOMEM;
	history->pending[history->pending_count++] =
		(struct history_charge){ owner, start_ns, end_ns, grade };
	return 0;
}

static void reverse_charges(struct history *history)
{
	struct history_charge *charges = history->pending;
	size_t count = history->pending_count;

	for (size_t i = 0; i < count / 2; i++) {
		struct history_charge charge = charges[i];

		charges[i] = charges[count - 1 - i];
		charges[count - 1 - i] = charge;
	}
}

static int fill_blocked(struct history *history, const struct lock_tracker *locks,
			const struct interval *interval, struct history_interval *kept,
			struct history_lock_wait *ret_wait)
{
	const struct stack_info *info = stack_infos_get(history->stack_infos, interval->stack_id);
	const struct wait_reason *reason;

	if (!info)
		return -ENOMEM;
	reason = stack_info_reason(info, interval->prev_state);
	kept->class = (uint8_t)lock_tracker_class(locks, interval, reason->class);
	kept->direction = stack_info_direction(info, interval->prev_state,
					       (enum wait_class)kept->class) & 0x7;
	kept->waker_in_interrupt = interval->waker_in_interrupt;
	kept->waker_stack_id = interval->waker_stack_id;
	kept->waker_cpu = interval->waker_cpu;
	if (interval->waker)
		kept->waker = interval->waker->index;
	if (!wait_class_lock((enum wait_class)kept->class))
		return 0;
	reverse_charges(history);
	*ret_wait = (struct history_lock_wait){
		.lock = lock_tracker_awaited(locks, interval->thread),
		.number = lock_tracker_wait_number(locks, interval->thread),
		.mode = reason->mode,
		.charges = history->pending,
		.charge_count = history->pending_count,
	};
	return 0;
}

static int fill_runnable(struct history *history, const struct interval *interval,
			 struct history_interval *kept)
{
	const struct stack_info *info;

	kept->class = WAIT_CPU_RUNQUEUE;
	kept->direction = DIRECTION_NEEDS;
	if (!(interval->flags & INTERVAL_PREEMPTED))
		return 0;
	info = stack_infos_get(history->stack_infos, interval->stack_id);
	if (!info)
		return -ENOMEM;
	kept->class = (uint8_t)info->preempted.class;
	return 0;
}

int history_closed(struct history *history, const struct lock_tracker *locks,
		   const struct interval *interval)
{
	struct history_lock_wait wait = { .lock = NULL };
	struct history_interval kept = {
		.start_ns = later(interval->start_ns, history->start_ns),
		.end_ns = earlier(interval->end_ns, history->end_ns),
		.waker = HISTORY_NOBODY,
		.stack_id = interval->stack_id,
		.cpu = interval->cpu,
		.flags = (uint8_t)interval->flags,
		.state = (uint8_t)interval->state,
		.prev_state = interval->prev_state & 0xf,
	};
	struct thread_history *entry;
	int r = 0;

	if (kept.end_ns <= kept.start_ns || history->full)
		goto out;
	if (kept.start_ns > interval->start_ns)
		kept.flags |= INTERVAL_BEGAN_BEFORE;
	entry = per_thread_get(&history->entries, interval->thread);
	if (!entry)
		return -ENOMEM;
	if (interval->state == THREAD_BLOCKED)
		r = fill_blocked(history, locks, interval, &kept, &wait);
	else if (interval->state == THREAD_RUNNABLE)
		r = fill_runnable(history, interval, &kept);
	if (!r)
		r = history_keep_interval(history, entry, &kept, &wait);
	if (!r && history->grown)
		r = history_limit_bytes(history);
out:
	history->pending_count = 0;
	return r;
}

/* Return: how many are left. */
static size_t drop_older_half(void *array, size_t count, size_t element_bytes)
{
	size_t left = count / 2;

	if (left)
		memmove(array, (char *)array + (count - left) * element_bytes,
			left * element_bytes);
	return left;
}

/* There is no room: drop what came first, as what came last is more likely to be needed. */
static void drop_old_points(struct history *history, bool samples)
{
	size_t left = 0;

	for (size_t i = 0; i < per_thread_count(&history->entries); i++) {
		struct thread_history *entry = per_thread_at(&history->entries, i);

		if (entry && samples)
			left += entry->sample_count = drop_older_half(
				entry->samples, entry->sample_count, sizeof(*entry->samples));
		else if (entry)
			left += entry->event_count = drop_older_half(
				entry->events, entry->event_count, sizeof(*entry->events));
	}
	*(samples ? &history->sample_count : &history->event_count) = left;
}

static RARE int append_sample(struct history *history, const struct event *event)
{
	struct thread_history *entry;

	if (event->stack_id == STACK_NONE || !event->thread)
		return 0;
	if (history->sample_count >= SAMPLES_MAX)
		drop_old_points(history, true);
	entry = per_thread_get(&history->entries, event->thread);
	if (!entry || array_grow(entry->samples, entry->sample_count, entry->sample_room))
		return -ENOMEM;
	entry->samples[entry->sample_count++] =
		(struct history_sample){ event->raw.time_ns, event->stack_id };
	history->sample_count++;
	return 0;
}

static void fill_call(const struct ft_event *raw, struct history_event *event)
{
	event->call = (uint8_t)raw->call.call;
	event->wakes = futex_wakes_call(raw);
	if (raw->call.call == FT_CALL_FUTEX)
		event->address = raw->call.args[0];
	else
		event->bytes = raw->call.args[raw->call.call == FT_CALL_MREMAP ? 2 : 1];
}

static RARE int append_event(struct history *history, const struct event *event)
{
	const struct ft_event *raw = &event->raw;
	struct history_event kept = {
		.at_ns = raw->time_ns,
		.cpu = raw->cpu,
		.stack_id = event->stack_id,
		.kind = (uint8_t)raw->kind,
	};
	struct thread_history *entry;

	if (!event->thread)
		return 0;
	if (history->event_count >= HISTORY_EVENTS_MAX)
		drop_old_points(history, false);
	switch (raw->kind) {
	case FT_EVENT_LOCK_BEGIN:
		kept.address = raw->lock_begin.address;
		kept.flags = raw->lock_begin.flags;
		break;
	case FT_EVENT_LOCK_HOLD:
		kept.address = raw->lock_hold.address;
		kept.flags = raw->lock_hold.flags;
		break;
	case FT_EVENT_CALL:
		fill_call(raw, &kept);
		break;
	default:
		kept.state = (uint8_t)raw->state.state;
		break;
	}
	entry = per_thread_get(&history->entries, event->thread);
	if (!entry || array_grow(entry->events, entry->event_count, entry->event_room))
		return -ENOMEM;
	entry->events[entry->event_count++] = kept;
	history->event_count++;
	return 0;
}

/* The idle task is switched out: its CPU had nothing to do since it was switched in. Before, the
 * CPU was busy or unknown. */
static RARE int keep_idle_time(struct history *history, const struct event *event,
			       uint64_t since_ns)
{
	const struct history_lock_wait none = { .lock = NULL };
	struct history_interval interval = {
		.start_ns = later(since_ns, history->start_ns),
		.end_ns = earlier(event->raw.time_ns, history->end_ns),
		.waker = HISTORY_NOBODY,
		.cpu = event->raw.cpu,
		.state = THREAD_RUNNING,
	};
	struct history_interval busy = interval;
	struct thread_history *entry = per_thread_get(&history->entries, event->thread);

	if (!entry)
		return -ENOMEM;
	if (interval.end_ns <= interval.start_ns || history->full)
		return 0;
	busy.state = THREAD_UNKNOWN;
	busy.end_ns = interval.start_ns;
	busy.start_ns = history->start_ns;
	if (entry->crowd.kind_count)
		busy.start_ns = entry->crowd.end_ns;
	else if (entry->count)
		busy.start_ns = entry->intervals[entry->count - 1].end_ns;
	if (busy.start_ns < busy.end_ns && history_keep_interval(history, entry, &busy, &none))
		return -ENOMEM;
	return history_keep_interval(history, entry, &interval, &none);
}

static int note_idle_task(struct history *history, const struct event *event)
{
	uint64_t since_ns;

	if (event->raw.cpu >= SOURCE_CPUS_MAX)
		return 0;
	if (array_reach(history->idle_since_ns, history->cpu_count, event->raw.cpu))
		return -ENOMEM;
	since_ns = history->idle_since_ns[event->raw.cpu];
	history->idle_since_ns[event->raw.cpu] = 0;
	if (event->raw.kind != FT_EVENT_SWITCH)
		return 0;
	if (event->other->idle_task && !event->other->silent)
		history->idle_since_ns[event->raw.cpu] = event->raw.time_ns;
	return since_ns && event->thread->idle_task ? keep_idle_time(history, event, since_ns) : 0;
}

int history_event(struct history *history, const struct event *event)
{
	switch (event->raw.kind) {
	case FT_EVENT_SWITCH:
	case FT_EVENT_LOST:
		return note_idle_task(history, event);
	case FT_EVENT_SAMPLE:
		return append_sample(history, event);
	case FT_EVENT_LOCK_BEGIN:
	case FT_EVENT_LOCK_HOLD:
	case FT_EVENT_CALL:
	case FT_EVENT_STATE:
		return append_event(history, event);
	default:
		return 0;
	}
}
