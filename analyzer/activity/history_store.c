/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the intervals of a history are kept within its bound: short ones of a thread are put together
 * in a crowd, and the resolution, below which an interval is short, doubles until all is within
 * HISTORY_BYTES_MAX.
 */
#include "analyzer/activity/history_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/util/array.h"
#include "analyzer/util/span.h"

/* The finest resolution, once the bound is hit: what is shorter matters to no report. */
#define RESOLUTION_LEAST_NS 16384u

/* Where too many intervals are expected, it begins with this one: to find it by doubling would
 * take a while. */
#define RESOLUTION_EXPECTED_NS 131072u

/* A crowd is as long as so many times the resolution: it takes an interval for each kind, not for
 * each moment. */
#define CROWD_RESOLUTIONS 4u

/* n waiters in one queue have n * n owners before them: of more than so many those of a moment
 * are put together. */
#define CHARGES_MAX (1u << 18)

static int append_interval(struct history *history, struct thread_history *entry,
			   const struct history_interval *interval)
{
	if (entry->count == entry->room) {
		history->interval_room -= entry->room;
		if (array_grow(entry->intervals, entry->count, entry->room))
			return -ENOMEM;
		history->interval_room += entry->room;
		history->grown = true;
	}
	entry->intervals[entry->count++] = *interval;
	return 0;
}

/* *@ret_number: what an interval refers to it by. */
static int append_lock_wait(struct history *history, const struct history_lock_wait *wait,
			    uint32_t *ret_number)
{
	struct lock_wait_table *table = &history->lock_waits;
	size_t first = table->charge_count;

	history->grown = true;

	if (array_grow(table->waits, table->wait_count, table->wait_room))
		return -ENOMEM;
	for (size_t i = 0; i < wait->charge_count; i++) {
		if (array_grow(table->charges, table->charge_count, table->charge_room))
			return -ENOMEM;
		table->charges[table->charge_count++] = wait->charges[i];
	}
	table->waits[table->wait_count++] = (struct kept_lock_wait){
		.lock = wait->lock,
		.number = wait->number,
		.mode = wait->mode,
		.first_charge = (uint32_t)first,
		.charge_count = (uint32_t)wait->charge_count,
	};
	*ret_number = (uint32_t)table->wait_count;
	return 0;
}

void history_read_lock_wait(const struct lock_wait_table *table, uint32_t number,
			    struct history_lock_wait *ret_wait)
{
	const struct kept_lock_wait *kept = &table->waits[number - 1];

	*ret_wait = (struct history_lock_wait){
		.lock = kept->lock,
		.number = kept->number,
		.mode = kept->mode,
		.charges = table->charges + kept->first_charge,
		.charge_count = kept->charge_count,
	};
}

/* The short intervals so far become one interval for each kind, one after the other. */
static int flush_crowd(struct history *history, struct thread_history *entry)
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
			r = append_lock_wait(history, &wait, &interval.lock_wait);
		}
		if (!r)
			r = append_interval(history, entry, &interval);
	}
	crowd->kind_count = 0;
	crowd->start_ns = crowd->end_ns = 0;
	return r;
}

/* The charge of the thread that held the lock for most of the wait. */
static const struct history_charge *find_longest_charge(const struct history_lock_wait *wait)
{
	static const struct history_charge nobody = { .owner = NULL };
	const struct history_charge *longest = &nobody;

	for (size_t i = 0; i < wait->charge_count; i++)
		if (wait->charges[i].end_ns - wait->charges[i].start_ns >
		    longest->end_ns - longest->start_ns)
			longest = &wait->charges[i];
	return longest;
}

static bool matches_kind(const struct crowd_kind *kind, const struct history_interval *interval,
			 const struct lock *lock, const struct thread *owner)
{
	if (kind->longest.state != interval->state)
		return false;
	if (interval->state == THREAD_RUNNING)
		return kind->longest.cpu == interval->cpu;
	return kind->longest.class == interval->class &&
	       kind->longest.direction == interval->direction && kind->lock == lock &&
	       kind->charge.owner == owner;
}

/* The kind that @interval is of. Where there is no room for one more, the last one of its state
 * takes its time. */
static struct crowd_kind *find_kind(struct crowd *crowd, const struct history_interval *interval,
				    const struct lock *lock, const struct history_charge *charge)
{
	struct crowd_kind *kind = crowd->kinds, *last = NULL;

	for (size_t i = 0; i < crowd->kind_count; i++, kind++) {
		if (matches_kind(kind, interval, lock, charge->owner))
			return kind;
		if (kind->longest.state == interval->state)
			last = kind;
	}
	/* There must be room for one kind of each state. */
	if (last && crowd->kind_count >= CROWD_KINDS - THREAD_STATES)
		return last;
	*kind = (struct crowd_kind){ .lock = lock, .charge = *charge };
	crowd->kind_count++;
	return kind;
}

static int add_to_crowd(struct history *history, struct thread_history *entry,
			const struct history_interval *interval,
			const struct history_lock_wait *wait)
{
	uint64_t length_ns = interval->end_ns - interval->start_ns;
	const struct history_charge *charge = find_longest_charge(wait);
	struct crowd *crowd = &entry->crowd;
	struct crowd_kind *kind;
	uint32_t merged;

	if (crowd->kind_count && crowd->end_ns != interval->start_ns && flush_crowd(history, entry))
		return -ENOMEM;
	if (!crowd->kind_count)
		crowd->start_ns = interval->start_ns;
	crowd->end_ns = interval->end_ns;
	kind = find_kind(crowd, interval, wait->lock, charge);
	merged = kind->longest.merged + (interval->merged ? interval->merged : 1);
	if (length_ns >= kind->longest_ns &&
	    (!kind->sum_ns || matches_kind(kind, interval, wait->lock, charge->owner))) {
		kind->longest = *interval;
		kind->longest_ns = length_ns;
		kind->number = wait->number;
		kind->mode = wait->mode;
	}
	kind->longest.merged = merged;
	kind->sum_ns += length_ns;
	return crowd->end_ns - crowd->start_ns >= history->resolution_ns * CROWD_RESOLUTIONS
		       ? flush_crowd(history, entry)
		       : 0;
}

static int keep_alone(struct history *history, struct thread_history *entry,
		      const struct history_interval *interval,
		      const struct history_lock_wait *wait)
{
	struct history_interval kept = *interval;

	if (flush_crowd(history, entry))
		return -ENOMEM;
	kept.lock_wait = 0;
	if (wait->lock && append_lock_wait(history, wait, &kept.lock_wait))
		return -ENOMEM;
	return append_interval(history, entry, &kept);
}

int history_keep_interval(struct history *history, struct thread_history *entry,
			  const struct history_interval *interval,
			  const struct history_lock_wait *wait)
{
	return interval->end_ns - interval->start_ns < history->resolution_ns
		       ? add_to_crowd(history, entry, interval, wait)
		       : keep_alone(history, entry, interval, wait);
}

/* Keep the intervals of one thread anew, at the present resolution. */
static int compact_thread(struct history *history, struct thread_history *entry,
			  const struct lock_wait_table *old)
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
			history_read_lock_wait(old, intervals[i].lock_wait, &wait);
		r = history_keep_interval(history, entry, &intervals[i], &wait);
	}
	free(intervals);
	return r;
}

int history_finish(struct history *history)
{
	int r = 0;

	for (size_t i = 0; i < per_thread_count(&history->entries) && !r; i++) {
		struct thread_history *entry = per_thread_at(&history->entries, i);

		if (entry)
			r = flush_crowd(history, entry);
	}
	return r;
}

/* Double the resolution, and keep all intervals anew. What is in crowds refers to the old table,
 * too. */
static int compact_all(struct history *history)
{
	struct lock_wait_table old;
	int r = history_finish(history);

	if (r)
		return r;
	old = history->lock_waits;
	history->lock_waits = (struct lock_wait_table){ 0 };
	history->resolution_ns = later(history->resolution_ns * 2, RESOLUTION_LEAST_NS);
	for (size_t i = 0; i < per_thread_count(&history->entries) && !r; i++) {
		struct thread_history *entry = per_thread_at(&history->entries, i);

		if (entry)
			r = compact_thread(history, entry, &old);
	}
	free(old.waits);
	free(old.charges);
	return r;
}

/* Of one wait: owners in turns become one charge of nobody, in place. Return: how many are left. */
static size_t join_short_charges(struct history_charge *charges, size_t count, uint64_t short_ns)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		struct history_charge *last = kept ? &charges[kept - 1] : NULL;

		if (last && history_charges_in_turns(last, &charges[i], short_ns)) {
			last->end_ns = charges[i].end_ns;
			last->owner = NULL;
		} else {
			charges[kept++] = charges[i];
		}
	}
	return kept;
}

static void limit_charges(struct history *history)
{
	struct lock_wait_table *table = &history->lock_waits;

	while (table->charge_count > CHARGES_MAX &&
	       history->short_charge_ns < history->end_ns - history->start_ns) {
		size_t kept = 0;

		history->short_charge_ns = later(history->short_charge_ns * 2, RESOLUTION_LEAST_NS);
		for (size_t i = 0; i < table->wait_count; i++) {
			struct kept_lock_wait *wait = &table->waits[i];

			memmove(&table->charges[kept], &table->charges[wait->first_charge],
				wait->charge_count * sizeof(*table->charges));
			wait->first_charge = (uint32_t)kept;
			wait->charge_count = (uint32_t)join_short_charges(&table->charges[kept],
									  wait->charge_count,
									  history->short_charge_ns);
			kept += wait->charge_count;
		}
		table->charge_count = kept;
	}
}

void history_expect(struct history *history, uint64_t intervals)
{
	if (intervals > HISTORY_BYTES_MAX / sizeof(struct history_interval))
		history->resolution_ns = RESOLUTION_EXPECTED_NS;
}

int history_limit_bytes(struct history *history)
{
	int r = 0;

	history->grown = false;
	limit_charges(history);
	while (!r && !history->full && history_bytes(history) > HISTORY_BYTES_MAX) {
		r = compact_all(history);
		history->full = history->resolution_ns > history->end_ns - history->start_ns;
	}
	return r;
}
