/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/activity/history.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/locks/futex_wakes.h"
#include "analyzer/trace/per_thread.h"
#include "analyzer/util/span.h"

/* The finest resolution, once the bound is hit: what is shorter matters to no report. */
#define RESOLUTION_LEAST_NS 16384u

/* A coarser one than this is said in the report. */
#define COARSE_NS 1000000u

/* Short intervals of so many kinds are told apart within one resolution. */
#define CROWD_KINDS 8u

#define SAMPLES_MAX (1u << 20)
#define CPUS_MAX 65536u /* beyond any Linux; a CPU above it is damage and passed over */

/* The lock wait of an interval, as kept. */
struct kept_lock_wait {
	const struct lock *lock;
	uint32_t number;
	uint32_t first_charge, charge_count;
	enum lock_mode mode;
};

/* Short intervals of one thread that are alike. */
struct crowd_kind {
	struct history_interval longest; /* speaks for all of them */
	uint64_t longest_ns, sum_ns;
	const struct lock *lock; /* NULL: no wait for a lock */
	struct history_charge charge; /* the longest; owner NULL: charged to nobody */
	uint32_t number;
	enum lock_mode mode;
};

/* Short intervals of one thread, one after the other. */
struct crowd {
	uint64_t start_ns, end_ns; /* equal: it is empty */
	struct crowd_kind kinds[CROWD_KINDS];
	size_t kind_count;
};

struct thread_entry {
	struct history_interval *intervals;
	size_t count, room;
	struct history_sample *samples;
	size_t sample_count, sample_room;
	struct history_event *events;
	size_t event_count, event_room;
	struct crowd crowd;
};

/* What intervals refer to by number. */
struct arena {
	struct kept_lock_wait *waits;
	size_t wait_count, wait_room;
	struct history_charge *charges;
	size_t charge_count, charge_room;
};

struct history {
	struct stack_infos *stack_infos;
	const struct threads *threads;
	uint64_t start_ns, end_ns;
	uint64_t resolution_ns;
	struct per_thread entries; /* struct thread_entry */
	struct arena arena;
	size_t interval_room; /* of all threads */
	size_t sample_count, event_count;
	bool compacting, full, events_cut;
	struct history_charge *pending; /* of the interval that is closed next, the latest first */
	size_t pending_count, pending_room;
	uint64_t *idle_since_ns; /* by CPU; 0: it is not idle, or that is not known */
	size_t cpu_count;
};

int history_create(struct stack_infos *stack_infos, const struct threads *threads,
		   uint64_t start_ns, uint64_t end_ns, struct history **ret_history)
{
	struct history *history = calloc(1, sizeof(*history));

	if (!history)
		return -ENOMEM;
	history->stack_infos = stack_infos;
	history->threads = threads;
	history->start_ns = start_ns;
	history->end_ns = end_ns;
	history->entries.entry_bytes = sizeof(struct thread_entry);
	*ret_history = history;
	return 0;
}

void history_destroy(struct history *history)
{
	if (!history)
		return;
	for (size_t i = 0; i < per_thread_count(&history->entries); i++) {
		struct thread_entry *entry = per_thread_at(&history->entries, i);

		if (!entry)
			continue;
		free(entry->intervals);
		free(entry->samples);
		free(entry->events);
	}
	per_thread_free(&history->entries);
	free(history->arena.waits);
	free(history->arena.charges);
	free(history->pending);
	free(history->idle_since_ns);
	free(history);
}

/* Room for one more element of an array that doubles. */
static int grow_array(void **array, size_t count, size_t *room, size_t least, size_t element_bytes)
{
	size_t larger = *room ? *room * 2 : least;
	void *moved;

	if (count < *room)
		return 0;
	moved = reallocarray(*array, larger, element_bytes);
	if (!moved)
		return -ENOMEM;
	*array = moved;
	*room = larger;
	return 0;
}

size_t history_bytes(const struct history *history)
{
	return history->interval_room * sizeof(struct history_interval) +
	       history->arena.wait_room * sizeof(struct kept_lock_wait) +
	       history->arena.charge_room * sizeof(struct history_charge);
}

static int append_interval(struct history *history, struct thread_entry *entry,
			   const struct history_interval *interval)
{
	size_t before = entry->room;

	if (grow_array((void **)&entry->intervals, entry->count, &entry->room, 16,
		       sizeof(*interval)))
		return -ENOMEM;
	history->interval_room += entry->room - before;
	entry->intervals[entry->count++] = *interval;
	return 0;
}

/* *@ret_number: what an interval refers to it by. */
static int append_lock_wait(struct arena *arena, const struct history_lock_wait *wait,
			    uint32_t *ret_number)
{
	size_t first = arena->charge_count;

	if (grow_array((void **)&arena->waits, arena->wait_count, &arena->wait_room, 64,
		       sizeof(*arena->waits)))
		return -ENOMEM;
	for (size_t i = 0; i < wait->charge_count; i++) {
		if (grow_array((void **)&arena->charges, arena->charge_count, &arena->charge_room,
			       64, sizeof(*arena->charges)))
			return -ENOMEM;
		arena->charges[arena->charge_count++] = wait->charges[i];
	}
	arena->waits[arena->wait_count++] = (struct kept_lock_wait){
		.lock = wait->lock,
		.number = wait->number,
		.mode = wait->mode,
		.first_charge = (uint32_t)first,
		.charge_count = (uint32_t)wait->charge_count,
	};
	*ret_number = (uint32_t)arena->wait_count;
	return 0;
}

static void read_lock_wait(const struct arena *arena, uint32_t number,
			   struct history_lock_wait *ret_wait)
{
	const struct kept_lock_wait *kept = &arena->waits[number - 1];

	*ret_wait = (struct history_lock_wait){
		.lock = kept->lock,
		.number = kept->number,
		.mode = kept->mode,
		.charges = arena->charges + kept->first_charge,
		.charge_count = kept->charge_count,
	};
}

/* The short intervals so far become one interval for each kind, one after the other. */
static int flush_crowd(struct history *history, struct thread_entry *entry)
{
	struct crowd *crowd = &entry->crowd;
	uint64_t at_ns = crowd->start_ns;
	int r = 0;

	for (size_t i = 0; i < crowd->kind_count && !r; i++) {
		struct crowd_kind *kind = &crowd->kinds[i];
		struct history_interval interval = kind->longest;

		interval.start_ns = at_ns;
		interval.end_ns = at_ns = at_ns + kind->sum_ns;
		interval.lock_wait = 0;
		if (kind->lock) {
			struct history_lock_wait wait = {
				.lock = kind->lock,
				.number = kind->number,
				.mode = kind->mode,
				.charges = &kind->charge,
				.charge_count = kind->charge.owner != NULL,
			};

			kind->charge.start_ns = interval.start_ns;
			kind->charge.end_ns = interval.end_ns;
			r = append_lock_wait(&history->arena, &wait, &interval.lock_wait);
		}
		if (!r)
			r = append_interval(history, entry, &interval);
	}
	crowd->kind_count = 0;
	crowd->start_ns = crowd->end_ns = 0;
	return r;
}

/* Whoever held the lock for most of the wait. */
static struct history_charge longest_charge(const struct history_lock_wait *wait)
{
	struct history_charge longest = { .owner = NULL };

	for (size_t i = 0; i < wait->charge_count; i++)
		if (wait->charges[i].end_ns - wait->charges[i].start_ns >
		    longest.end_ns - longest.start_ns)
			longest = wait->charges[i];
	return longest;
}

static bool is_alike(const struct crowd_kind *kind, const struct history_interval *interval,
		     const struct lock *lock, const struct thread *owner)
{
	if (kind->longest.state != interval->state)
		return false;
	if (interval->state == THREAD_RUNNING)
		return kind->longest.cpu == interval->cpu;
	return kind->longest.class == interval->class && kind->lock == lock &&
	       kind->charge.owner == owner;
}

/* The kind that @interval is of; past the room for them, the last one of its state. */
static struct crowd_kind *kind_of(struct crowd *crowd, const struct history_interval *interval,
				  const struct lock *lock, const struct history_charge *charge)
{
	struct crowd_kind *kind = crowd->kinds, *last = NULL;

	for (size_t i = 0; i < crowd->kind_count; i++, kind++) {
		if (is_alike(kind, interval, lock, charge->owner))
			return kind;
		if (kind->longest.state == interval->state)
			last = kind;
	}
	/* one is kept for each state */
	if (last && crowd->kind_count >= CROWD_KINDS - THREAD_STATES)
		return last;
	*kind = (struct crowd_kind){ .lock = lock, .charge = *charge };
	crowd->kind_count++;
	return kind;
}

static int add_to_crowd(struct history *history, struct thread_entry *entry,
			const struct history_interval *interval,
			const struct history_lock_wait *wait)
{
	uint64_t length_ns = interval->end_ns - interval->start_ns;
	struct history_charge charge = longest_charge(wait);
	struct crowd *crowd = &entry->crowd;
	struct crowd_kind *kind;
	uint32_t merged;

	if (crowd->kind_count && crowd->end_ns != interval->start_ns &&
	    flush_crowd(history, entry))
		return -ENOMEM;
	if (!crowd->kind_count)
		crowd->start_ns = interval->start_ns;
	crowd->end_ns = interval->end_ns;
	kind = kind_of(crowd, interval, wait->lock, &charge);
	merged = kind->longest.merged + (interval->merged ? interval->merged : 1);
	if (length_ns >= kind->longest_ns) {
		kind->longest = *interval;
		kind->longest_ns = length_ns;
		kind->number = wait->number;
		kind->mode = wait->mode;
	}
	kind->longest.merged = merged;
	kind->sum_ns += length_ns;
	return crowd->end_ns - crowd->start_ns >= history->resolution_ns
		       ? flush_crowd(history, entry)
		       : 0;
}

/* @interval: its lock_wait is not set. @wait: lock NULL where it is for none. */
static int keep_interval(struct history *history, struct thread_entry *entry,
			 const struct history_interval *interval,
			 const struct history_lock_wait *wait)
{
	struct history_interval kept = *interval;

	if (interval->end_ns - interval->start_ns < history->resolution_ns)
		return add_to_crowd(history, entry, interval, wait);
	if (flush_crowd(history, entry))
		return -ENOMEM;
	kept.lock_wait = 0;
	if (wait->lock && append_lock_wait(&history->arena, wait, &kept.lock_wait))
		return -ENOMEM;
	return append_interval(history, entry, &kept);
}

/* All that one thread did, kept again at the present resolution. */
static int compact_thread(struct history *history, struct thread_entry *entry,
			  const struct arena *old)
{
	struct history_interval *intervals = entry->intervals;
	size_t count = entry->count;
	int r = 0;

	history->interval_room -= entry->room;
	entry->intervals = NULL;
	entry->count = entry->room = 0;
	for (size_t i = 0; i < count && !r; i++) {
		struct history_lock_wait wait = { .lock = NULL };

		if (intervals[i].lock_wait)
			read_lock_wait(old, intervals[i].lock_wait, &wait);
		r = keep_interval(history, entry, &intervals[i], &wait);
	}
	free(intervals);
	return r;
}

/* Twice as coarse: all that is kept is put together anew. */
static int compact_all(struct history *history)
{
	struct arena old = history->arena;
	int r = 0;

	history->arena = (struct arena){ NULL };
	history->resolution_ns = later(history->resolution_ns * 2, RESOLUTION_LEAST_NS);
	for (size_t i = 0; i < per_thread_count(&history->entries) && !r; i++) {
		struct thread_entry *entry = per_thread_at(&history->entries, i);

		if (entry)
			r = flush_crowd(history, entry);
		if (entry && !r)
			r = compact_thread(history, entry, &old);
	}
	free(old.waits);
	free(old.charges);
	return r;
}

/* Keep within the bound; where nothing helps any more, nothing more is kept. */
static int limit_bytes(struct history *history)
{
	int r = 0;

	while (!r && !history->full && history_bytes(history) > HISTORY_BYTES_MAX) {
		r = compact_all(history);
		history->full = history->resolution_ns > history->end_ns - history->start_ns;
	}
	return r;
}

/* Filling it. */

int history_charged(struct history *history, struct thread *owner, uint64_t start_ns,
		    uint64_t end_ns, enum grade grade)
{
	if (grow_array((void **)&history->pending, history->pending_count, &history->pending_room,
		       16, sizeof(*history->pending)))
		return -ENOMEM;
	history->pending[history->pending_count++] =
		(struct history_charge){ owner, start_ns, end_ns, grade };
	return 0;
}

static void order_charges(struct history *history)
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
	kept->waker_in_interrupt = interval->waker_in_interrupt;
	kept->waker_stack_id = interval->waker_stack_id;
	kept->waker_cpu = interval->waker_cpu;
	if (interval->waker)
		kept->waker = interval->waker->index;
	if (!wait_class_lock(reason->class))
		return 0;
	order_charges(history);
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
		.prev_state = interval->prev_state & 0x7f,
	};
	struct thread_entry *entry;
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
		r = keep_interval(history, entry, &kept, &wait);
	if (!r)
		r = limit_bytes(history);
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

/* There is no room: what came last is more likely to be asked about. */
static void drop_old_samples(struct history *history)
{
	history->sample_count = 0;
	for (size_t i = 0; i < per_thread_count(&history->entries); i++) {
		struct thread_entry *entry = per_thread_at(&history->entries, i);

		if (!entry)
			continue;
		entry->sample_count = drop_older_half(entry->samples, entry->sample_count,
						      sizeof(*entry->samples));
		history->sample_count += entry->sample_count;
	}
}

static void drop_old_events(struct history *history)
{
	history->events_cut = true;
	history->event_count = 0;
	for (size_t i = 0; i < per_thread_count(&history->entries); i++) {
		struct thread_entry *entry = per_thread_at(&history->entries, i);

		if (!entry)
			continue;
		entry->event_count = drop_older_half(entry->events, entry->event_count,
						     sizeof(*entry->events));
		history->event_count += entry->event_count;
	}
}

static int append_sample(struct history *history, const struct event *event)
{
	struct thread_entry *entry;

	if (event->stack_id == STACK_NONE || !event->thread)
		return 0;
	if (history->sample_count >= SAMPLES_MAX)
		drop_old_samples(history);
	entry = per_thread_get(&history->entries, event->thread);
	if (!entry || grow_array((void **)&entry->samples, entry->sample_count,
				 &entry->sample_room, 16, sizeof(*entry->samples)))
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

static int append_event(struct history *history, const struct event *event)
{
	const struct ft_event *raw = &event->raw;
	struct history_event kept = {
		.at_ns = raw->time_ns,
		.cpu = raw->cpu,
		.stack_id = event->stack_id,
		.kind = (uint8_t)raw->kind,
	};
	struct thread_entry *entry;

	if (!event->thread)
		return 0;
	if (history->event_count >= HISTORY_EVENTS_MAX)
		drop_old_events(history);
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
	if (!entry || grow_array((void **)&entry->events, entry->event_count, &entry->event_room,
				 16, sizeof(*entry->events)))
		return -ENOMEM;
	entry->events[entry->event_count++] = kept;
	history->event_count++;
	return 0;
}

static int grow_cpus(struct history *history, uint32_t cpu)
{
	size_t count = history->cpu_count ? history->cpu_count : 8;
	uint64_t *cpus;

	while (count <= cpu)
		count *= 2;
	cpus = reallocarray(history->idle_since_ns, count, sizeof(*cpus));
	if (!cpus)
		return -ENOMEM;
	memset(cpus + history->cpu_count, 0, (count - history->cpu_count) * sizeof(*cpus));
	history->idle_since_ns = cpus;
	history->cpu_count = count;
	return 0;
}

/* The idle task gives way: its CPU had nothing to do since it came. Between such times it was busy, or not heard of. */
static int keep_idle(struct history *history, const struct event *event, uint64_t since_ns)
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
	struct thread_entry *entry = per_thread_get(&history->entries, event->thread);

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
	if (busy.start_ns < busy.end_ns && keep_interval(history, entry, &busy, &none))
		return -ENOMEM;
	return keep_interval(history, entry, &interval, &none);
}

static int note_idle(struct history *history, const struct event *event)
{
	uint64_t since_ns;

	if (event->raw.cpu >= CPUS_MAX)
		return 0;
	if (event->raw.cpu >= history->cpu_count && grow_cpus(history, event->raw.cpu))
		return -ENOMEM;
	since_ns = history->idle_since_ns[event->raw.cpu];
	history->idle_since_ns[event->raw.cpu] = 0;
	if (event->raw.kind != FT_EVENT_SWITCH)
		return 0;
	if (event->other->idle_task && !event->other->silent)
		history->idle_since_ns[event->raw.cpu] = event->raw.time_ns;
	return since_ns && event->thread->idle_task ? keep_idle(history, event, since_ns) : 0;
}

int history_event(struct history *history, const struct event *event)
{
	switch (event->raw.kind) {
	case FT_EVENT_SWITCH:
	case FT_EVENT_LOST:
		return note_idle(history, event);
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

int history_finish(struct history *history, const struct threads *threads)
{
	history->threads = threads;
	for (size_t i = 0; i < per_thread_count(&history->entries); i++) {
		struct thread_entry *entry = per_thread_at(&history->entries, i);

		if (entry && flush_crowd(history, entry))
			return -ENOMEM;
	}
	return 0;
}

/* Asking it. */

uint64_t history_resolution_ns(const struct history *history)
{
	return history->resolution_ns;
}

bool history_is_coarse(const struct history *history)
{
	return history->resolution_ns > COARSE_NS;
}

size_t history_intervals(const struct history *history, const struct thread *thread,
			 const struct history_interval **ret_intervals)
{
	const struct thread_entry *entry = per_thread_find(&history->entries, thread);

	*ret_intervals = entry ? entry->intervals : NULL;
	return entry ? entry->count : 0;
}

size_t history_at(const struct history *history, const struct thread *thread, uint64_t time_ns)
{
	const struct history_interval *intervals;
	size_t low = 0, high = history_intervals(history, thread, &intervals);

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (intervals[middle].end_ns <= time_ns)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct history_cursor history_walk(const struct history *history, const struct thread *thread,
				   uint64_t from_ns, uint64_t to_ns)
{
	const struct history_interval *intervals;
	size_t count = history_intervals(history, thread, &intervals);
	struct history_cursor cursor = { .from_ns = from_ns, .to_ns = to_ns };

	if (!count)
		return cursor;
	cursor.next = intervals + history_at(history, thread, from_ns);
	cursor.end = intervals + count;
	return cursor;
}

const struct history_interval *history_next(struct history_cursor *cursor, uint64_t *ret_from_ns,
					    uint64_t *ret_to_ns)
{
	const struct history_interval *interval = cursor->next;

	if (interval == cursor->end || interval->start_ns >= cursor->to_ns)
		return NULL;
	cursor->next++;
	*ret_from_ns = later(interval->start_ns, cursor->from_ns);
	*ret_to_ns = earlier(interval->end_ns, cursor->to_ns);
	return interval;
}

struct thread *history_waker(const struct history *history, const struct history_interval *interval)
{
	return interval->waker == HISTORY_NOBODY ? NULL
						 : threads_at(history->threads, interval->waker);
}

bool history_lock_wait(const struct history *history, const struct history_interval *interval,
		       struct history_lock_wait *ret_wait)
{
	if (!interval->lock_wait)
		return false;
	read_lock_wait(&history->arena, interval->lock_wait, ret_wait);
	return true;
}

size_t history_samples(const struct history *history, const struct thread *thread,
		       const struct history_sample **ret_samples)
{
	const struct thread_entry *entry = per_thread_find(&history->entries, thread);

	*ret_samples = entry ? entry->samples : NULL;
	return entry ? entry->sample_count : 0;
}

size_t history_events(const struct history *history, const struct thread *thread,
		      const struct history_event **ret_events)
{
	const struct thread_entry *entry = per_thread_find(&history->entries, thread);

	*ret_events = entry ? entry->events : NULL;
	return entry ? entry->event_count : 0;
}

bool history_events_complete(const struct history *history)
{
	return !history->events_cut;
}

int history_profile(const struct history *history, const struct stack_table *stacks,
		    struct thread *thread, uint64_t start_ns, uint64_t end_ns,
		    struct cpu_profile *ret_profile)
{
	const struct history_sample *samples;
	size_t count = history_samples(history, thread, &samples);
	struct cpu_profiler *profiler = NULL;
	int r = cpu_profiler_create(stacks, thread, start_ns, end_ns, &profiler);

	for (size_t i = 0; i < count && !r; i++)
		r = cpu_profiler_event(profiler,
				       &(struct event){ .raw = { .kind = FT_EVENT_SAMPLE,
								 .time_ns = samples[i].time_ns },
							.thread = thread,
							.stack_id = samples[i].stack_id });
	if (!r)
		r = cpu_profiler_tell(profiler, ret_profile);
	cpu_profiler_destroy(profiler);
	return r;
}

/* Pieces. */

bool history_of_owner(const struct history_piece *piece)
{
	return piece->link == LINK_OWNER || piece->link == LINK_OWNER_EXACT ||
	       piece->link == LINK_OWNER_PLAUSIBLE;
}

struct history_pieces history_walk_pieces(const struct history *history,
					  const struct thread *thread, uint64_t from_ns,
					  uint64_t to_ns, uint64_t short_ns)
{
	return (struct history_pieces){
		.history = history,
		.cursor = history_walk(history, thread, from_ns, to_ns),
		.short_ns = short_ns,
	};
}

static enum history_link link_of_charge(const struct history_charge *charge)
{
	if (!charge->owner)
		return LINK_IN_TURNS;
	switch (charge->grade) {
	case GRADE_EXACT:
		return LINK_OWNER_EXACT;
	case GRADE_STRONG:
		return LINK_OWNER;
	default:
		return LINK_OWNER_PLAUSIBLE;
	}
}

/* Of whom it is not known that they held a lock. */
static void fill_link(const struct history_pieces *pieces, struct history_piece *piece)
{
	const struct history_interval *interval = pieces->interval;
	struct thread *waker = history_waker(pieces->history, interval);

	if (interval->flags & INTERVAL_STILL_OPEN) {
		piece->link = LINK_OPEN;
	} else if (wait_class_lock((enum wait_class)interval->class)) {
		piece->link = LINK_NONE; /* who wakes a waiter of a lock need not have held it */
	} else if (interval->waker_in_interrupt || (waker && waker->idle_task)) {
		piece->link = LINK_INTERRUPT;
	} else if (waker) {
		piece->link = LINK_WAKER;
		piece->by = waker;
		piece->by_stack_id = interval->waker_stack_id;
	}
}

/* The next owner of the lock. Those that had it for a moment each, one after the other, are nobody. */
static bool next_charge(struct history_pieces *pieces, struct history_charge *ret_charge)
{
	const struct history_lock_wait *wait = &pieces->wait;
	struct history_charge charge;

	if (pieces->charge == wait->charge_count)
		return false;
	charge = wait->charges[pieces->charge++];
	while (pieces->charge < wait->charge_count) {
		const struct history_charge *next = &wait->charges[pieces->charge];

		if (next->start_ns != charge.end_ns ||
		    next->end_ns - next->start_ns >= pieces->short_ns ||
		    (charge.owner && charge.end_ns - charge.start_ns >= pieces->short_ns))
			break;
		charge.end_ns = next->end_ns;
		charge.owner = NULL;
		pieces->charge++;
	}
	*ret_charge = charge;
	return true;
}

static bool begin_interval(struct history_pieces *pieces)
{
	pieces->interval = history_next(&pieces->cursor, &pieces->at_ns, &pieces->to_ns);
	pieces->charge = 0;
	pieces->wait.charge_count = 0;
	if (pieces->interval)
		history_lock_wait(pieces->history, pieces->interval, &pieces->wait);
	return pieces->interval;
}

/* Cut off the next piece of the interval: up to a change of the lock's owner, or its end. */
static void cut_piece(struct history_pieces *pieces, struct history_piece *piece)
{
	const struct history_interval *interval = pieces->interval;
	size_t before = pieces->charge;
	struct history_charge charge;

	while (next_charge(pieces, &charge)) {
		if (charge.end_ns <= pieces->at_ns) {
			before = pieces->charge;
			continue;
		}
		if (charge.start_ns >= pieces->to_ns)
			break;
		if (charge.start_ns > pieces->at_ns) {
			pieces->charge = before;
			piece->end_ns = charge.start_ns;
			break;
		}
		piece->end_ns = earlier(charge.end_ns, pieces->to_ns);
		piece->by = charge.owner;
		piece->link = link_of_charge(&charge);
		break;
	}
	piece->interval_end = piece->end_ns == interval->end_ns;
	if (piece->by && piece->interval_end && history_of_owner(piece) &&
	    piece->by == history_waker(pieces->history, interval))
		piece->by_stack_id = interval->waker_stack_id;
}

bool history_next_piece(struct history_pieces *pieces, struct history_piece *ret_piece)
{
	const unsigned int all_along = INTERVAL_BEGAN_BEFORE | INTERVAL_STILL_OPEN;
	struct history_piece piece;

	if (!pieces->interval && !begin_interval(pieces))
		return false;
	piece = (struct history_piece){
		.start_ns = pieces->at_ns,
		.end_ns = pieces->to_ns,
		.stack_id = pieces->interval->stack_id,
		.by_stack_id = STACK_NONE,
		.cpu = pieces->interval->cpu,
		.state = pieces->interval->state,
		.class = pieces->interval->class,
		.all_along = (pieces->interval->flags & all_along) == all_along,
	};
	if (piece.state == THREAD_BLOCKED)
		fill_link(pieces, &piece);
	cut_piece(pieces, &piece);
	pieces->at_ns = piece.end_ns;
	if (pieces->at_ns >= pieces->to_ns)
		pieces->interval = NULL;
	*ret_piece = piece;
	return true;
}
