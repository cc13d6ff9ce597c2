/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/activity/wait_stats.h"

#include <errno.h>
#include <stdlib.h>

#include "analyzer/trace/per_thread.h"
#include "analyzer/util/array.h"
#include "analyzer/util/hash.h"
#include "analyzer/util/span.h"

/* A thread does a few things in turn: so many of their places are remembered. */
#define RECENT_PLACES 6u

struct wait_key {
	uint32_t class;
	uint32_t stack_id;
	uint32_t unusual;
};

struct wait_entry {
	struct wait_key key;
	size_t place; /* in stats->waits */
	UT_hash_handle hh;
};

struct thread_key {
	uint32_t place;
	uint32_t thread_index;
};

/* Set of (wait, thread) pairs, for counting the threads of a wait. */
struct pair_entry {
	struct thread_key key;
	UT_hash_handle hh;
};

struct thread_sums {
	struct thread_wait_stats sums;
	struct short_waits shorts;
	bool counted; /* its waits are in stats->waits */
	bool waited;
	uint32_t recent[RECENT_PLACES]; /* places of its latest kinds of wait */
	unsigned int recent_count, next_recent;
	size_t last_place; /* of its last wait, in stats->waits */
	struct thread_long_waits long_waits;
};

struct wait_stats {
	struct stack_infos *stack_infos;
	const struct lock_tracker *locks;
	struct wait_baseline *baseline;
	struct wait_stats_options options;
	struct per_thread threads; /* struct thread_sums */
	struct wait_entry *by_key;
	struct pair_entry *pairs;
	struct wait_class_stats *waits;
	size_t wait_count, wait_room;
	struct long_waits long_waits;
};

int wait_stats_create(struct stack_infos *stack_infos, const struct lock_tracker *locks,
		      struct wait_baseline *baseline, const struct wait_stats_options *options,
		      struct wait_stats **ret_stats)
{
	struct wait_stats *stats = calloc(1, sizeof(*stats));

	if (!stats)
		return -ENOMEM;
	stats->threads.entry_bytes = sizeof(struct thread_sums);
	stats->stack_infos = stack_infos;
	stats->locks = locks;
	stats->baseline = baseline;
	stats->options = *options;
	stats->long_waits.long_ns = options->long_ns;
	stats->long_waits.scheduling = options->scheduling;
	stats->long_waits.objects = options->objects;
	*ret_stats = stats;
	return 0;
}

void wait_stats_destroy(struct wait_stats *stats)
{
	if (!stats)
		return;
	hash_free(stats->by_key);
	hash_free(stats->pairs);
	per_thread_free(&stats->threads);
	free(stats->waits);
	long_waits_free(&stats->long_waits);
	free(stats);
}

static int append_class(struct wait_stats *stats, const struct wait_key *key, size_t *ret_place)
{
	struct wait_entry *entry;

	if (array_grow(stats->waits, stats->wait_count, stats->wait_room))
		return -ENOMEM;
	entry = calloc(1, sizeof(*entry));
	if (!entry)
		return -ENOMEM;
	entry->key = *key;
	entry->place = stats->wait_count;
	HASH_ADD(hh, stats->by_key, key, sizeof(entry->key), entry);
	stats->waits[stats->wait_count++] = (struct wait_class_stats){
		.class = (enum wait_class)key->class,
		.unusual = key->unusual,
		.stack_id = key->stack_id,
	};
	*ret_place = entry->place;
	return 0;
}

static int count_thread(struct wait_stats *stats, size_t place, const struct thread *thread)
{
	struct thread_key key = { .place = (uint32_t)place, .thread_index = thread->index };
	struct pair_entry *pair;

	HASH_FIND(hh, stats->pairs, &key, sizeof(key), pair);
	if (pair)
		return 0;
	pair = calloc(1, sizeof(*pair));
	if (!pair)
		return -ENOMEM;
	pair->key = key;
	HASH_ADD(hh, stats->pairs, key, sizeof(pair->key), pair);
	stats->waits[place].threads++;
	return 0;
}

/* The place of the wait in the table, with @thread counted among its threads. */
static int find_place(struct wait_stats *stats, struct thread_sums *entry,
		      const struct thread *thread, const struct wait_key *key, size_t *ret_place)
{
	struct wait_entry *found;

	for (unsigned int i = 0; i < entry->recent_count; i++) {
		const struct wait_class_stats *recent = &stats->waits[entry->recent[i]];

		if (recent->stack_id == key->stack_id && recent->class == key->class &&
		    recent->unusual == key->unusual) {
			*ret_place = entry->recent[i];
			return 0;
		}
	}
	HASH_FIND(hh, stats->by_key, key, sizeof(*key), found);
	if (found)
		*ret_place = found->place;
	else if (append_class(stats, key, ret_place))
		return -ENOMEM;
	if (entry->recent_count < RECENT_PLACES)
		entry->recent_count++;
	entry->recent[entry->next_recent++ % RECENT_PLACES] = (uint32_t)*ret_place;
	return count_thread(stats, *ret_place, thread);
}

/* Whether somebody may have missed the thread while it waited. */
static bool is_hurting(const struct wait_stats *stats, const struct interval *interval,
		       enum wait_direction direction)
{
	const unsigned int all_along = INTERVAL_BEGAN_BEFORE | INTERVAL_STILL_OPEN;

	if (direction == DIRECTION_PARKED && stats->options.whole_host)
		return (interval->flags & all_along) != all_along;
	return !wait_direction_idle(direction);
}

static int add_blocked(struct wait_stats *stats, struct thread_sums *entry,
		       const struct interval *interval, const struct stack_info *info, bool counts)
{
	uint64_t length_ns = interval->end_ns - interval->start_ns;
	enum wait_class class = lock_tracker_class(
		stats->locks, interval, stack_info_reason(info, interval->prev_state)->class);
	enum wait_direction direction = stack_info_direction(info, interval->prev_state, class);
	struct wait_key key = { .class = class, .stack_id = interval->stack_id };
	struct wait_class_stats *wait;
	bool unusual, is_short = wait_estimate_counts(interval);
	bool hurts = is_hurting(stats, interval, direction);
	size_t place;

	entry->sums.class_ns[class] += length_ns;
	if (hurts)
		entry->sums.hurt_ns += length_ns;
	if (is_short)
		wait_estimate_note(&entry->shorts, interval, class);
	if (wait_baseline_closed(stats->baseline, interval, class, info,
				 counts && (class == WAIT_IO_FUSE || !hurts), &unusual))
		return -ENOMEM;
	if (!counts)
		return 0;
	key.unusual = unusual;
	if (find_place(stats, entry, interval->thread, &key, &place))
		return -ENOMEM;
	wait = &stats->waits[place];
	wait->direction = direction;
	wait->blocked_ns += length_ns;
	wait->count++;
	if (length_ns > wait->max_ns)
		wait->max_ns = length_ns;
	if (is_short) {
		wait->sampled.ns += length_ns;
		wait->sampled.count++;
	}
	entry->last_place = place;
	entry->waited = entry->counted = true;
	if (!hurts)
		return long_waits_end(&stats->long_waits, &entry->long_waits);
	return long_waits_blocked(&stats->long_waits, &entry->long_waits, stats->locks, interval,
				  class, info, entry->sums.state_ns[THREAD_RUNNABLE]);
}

static int add_runnable(struct wait_stats *stats, struct thread_sums *entry,
			const struct interval *interval, const struct stack_info *info, bool counts)
{
	uint64_t length_ns = interval->end_ns - interval->start_ns;
	const struct wait_reason *reason =
		interval->flags & INTERVAL_PREEMPTED ? &info->preempted : NULL;
	enum wait_class class = reason ? reason->class : WAIT_CPU_RUNQUEUE;
	const struct wait_key key = { .class = class, .stack_id = interval->stack_id };
	struct wait_class_stats *wait;
	size_t place = entry->last_place;

	entry->sums.class_ns[class] += length_ns;
	if (class != WAIT_CPU_RUNQUEUE)
		entry->sums.hurt_ns += length_ns;
	if (!counts)
		return 0;
	if (long_waits_runnable(&stats->long_waits, &entry->long_waits, interval,
				reason ? info : NULL, entry->sums.state_ns[THREAD_RUNNABLE]))
		return -ENOMEM;
	if (!reason && entry->waited) {
		wait = &stats->waits[place];
		wait->runnable_ns += length_ns;
		wait->woken++;
		wait->woken_ns += length_ns;
		if (length_ns > wait->woken_max_ns)
			wait->woken_max_ns = length_ns;
		return 0;
	}
	if (find_place(stats, entry, interval->thread, &key, &place))
		return -ENOMEM;
	wait = &stats->waits[place];
	wait->direction = DIRECTION_NEEDS;
	wait->runnable_ns += length_ns;
	wait->count++;
	if (length_ns > wait->max_ns)
		wait->max_ns = length_ns;
	return 0;
}

void wait_stats_charged(void *context, const struct thread *waiter, struct thread *owner,
			uint64_t start_ns, uint64_t end_ns, enum grade grade)
{
	struct wait_stats *stats = context;
	struct thread_sums *entry = per_thread_get(&stats->threads, waiter);

	(void)grade;
	if (entry)
		long_waits_charged(&entry->long_waits, owner, end_ns - start_ns);
}

/* Not inlined: who only ran saves no registers. */
static __attribute__((noinline)) int add_waiting(struct wait_stats *stats,
						 struct thread_sums *entry,
						 const struct interval *interval)
{
	const struct stack_info *info = stack_infos_get(stats->stack_infos, interval->stack_id);
	bool counts = stats->options.counts(stats->options.context, interval->thread);

	if (!info)
		return -ENOMEM;
	if (interval->state == THREAD_BLOCKED)
		return add_blocked(stats, entry, interval, info, counts);
	return add_runnable(stats, entry, interval, info, counts);
}

int wait_stats_closed(struct wait_stats *stats, const struct interval *interval)
{
	struct thread_sums *entry = per_thread_get(&stats->threads, interval->thread);

	if (!entry)
		return -ENOMEM;
	entry->sums.state_ns[interval->state] += interval->end_ns - interval->start_ns;
	return interval->state == THREAD_BLOCKED || interval->state == THREAD_RUNNABLE
		       ? add_waiting(stats, entry, interval)
		       : 0;
}

/* What the table's waits get of what threads' short waits were estimated to be for. */
static void share_estimates(struct wait_stats *stats, const struct wait_sum *estimates)
{
	struct wait_sum sampled[WAIT_CLASSES] = { 0 };

	for (size_t i = 0; i < stats->wait_count; i++) {
		const struct wait_class_stats *wait = &stats->waits[i];

		if (wait->stack_id == STACK_NONE)
			continue;
		sampled[wait->class].ns += wait->sampled.ns;
		sampled[wait->class].count += wait->sampled.count;
	}
	for (size_t i = 0; i < stats->wait_count; i++) {
		struct wait_class_stats *wait = &stats->waits[i];

		if (wait->stack_id == STACK_NONE)
			continue;
		wait->estimated = wait_estimate_part(&estimates[wait->class], &wait->sampled,
						     &sampled[wait->class]);
		wait->blocked_ns += wait->estimated.ns;
		wait->count += wait->estimated.count;
	}
}

/* The waits without a stack of @taken are now among the others. */
static void take_unseen(struct wait_stats *stats, const struct wait_sum *taken)
{
	for (size_t i = 0; i < stats->wait_count; i++) {
		struct wait_class_stats *wait = &stats->waits[i];

		if (wait->stack_id != STACK_NONE || wait->class != WAIT_UNKNOWN)
			continue;
		wait->blocked_ns -= earlier(taken->ns, wait->blocked_ns);
		wait->count -= earlier(taken->count, wait->count);
	}
}

static void estimate_waits(struct wait_stats *stats)
{
	struct wait_sum all[WAIT_CLASSES] = { 0 }, taken = { 0, 0 }, estimates[WAIT_CLASSES];

	for (size_t i = 0; i < per_thread_count(&stats->threads); i++) {
		struct thread_sums *entry = per_thread_at(&stats->threads, i);

		if (!entry || !wait_estimate_make(&entry->shorts, estimates))
			continue;
		entry->sums.class_ns[WAIT_UNKNOWN] -= entry->shorts.unseen.ns;
		entry->sums.estimated_ns = entry->shorts.unseen.ns;
		for (enum wait_class class = 0; class < WAIT_CLASSES; class ++) {
			entry->sums.class_ns[class] += estimates[class].ns;
			if (!entry->counted)
				continue;
			all[class].ns += estimates[class].ns;
			all[class].count += estimates[class].count;
			taken.ns += estimates[class].ns;
			taken.count += estimates[class].count;
		}
	}
	if (!taken.count)
		return;
	take_unseen(stats, &taken);
	share_estimates(stats, all);
}

int wait_stats_finish(struct wait_stats *stats)
{
	for (size_t i = 0; i < per_thread_count(&stats->threads); i++) {
		struct thread_sums *entry = per_thread_at(&stats->threads, i);

		if (entry && long_waits_flush(&stats->long_waits, &entry->long_waits))
			return -ENOMEM;
	}
	if (long_waits_finish(&stats->long_waits))
		return -ENOMEM;
	estimate_waits(stats);
	wait_baseline_finish(stats->baseline);
	return 0;
}

const struct thread_wait_stats *wait_stats_thread(const struct wait_stats *stats,
						  const struct thread *thread)
{
	static const struct thread_wait_stats nothing;
	const struct thread_sums *entry = per_thread_find(&stats->threads, thread);

	return entry ? &entry->sums : &nothing;
}

size_t wait_stats_waits(const struct wait_stats *stats, const struct wait_class_stats **ret_waits)
{
	*ret_waits = stats->waits;
	return stats->wait_count;
}

int wait_stats_wait_threads(const struct wait_stats *stats,
			    int (*visit)(void *context, size_t place, uint32_t thread_index),
			    void *context)
{
	struct pair_entry *pair, *next;
	int r;

	HASH_ITER(hh, stats->pairs, pair, next)
	{
		r = visit(context, pair->key.place, pair->key.thread_index);
		if (r)
			return r;
	}
	return 0;
}

const struct long_waits *wait_stats_long_waits(const struct wait_stats *stats)
{
	return &stats->long_waits;
}
