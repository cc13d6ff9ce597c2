/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/activity/wait_stats.h"

#include <errno.h>
#include <stdlib.h>

#include "analyzer/trace/per_thread.h"
#include "analyzer/activity/lock_bursts.h"
#include "analyzer/util/array.h"
#include "analyzer/util/hash.h"

/* A lock held for less within a wait made nobody wait long. */
#define LONG_HOLD_NS 10000000u

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

struct hold_seen {
	struct thread *thread;
	uint64_t ns;
};

struct thread_sums {
	struct thread_wait_stats sums;
	bool waited;
	uint32_t recent[RECENT_PLACES]; /* places of its latest kinds of wait */
	unsigned int recent_count, next_recent;
	size_t last_place; /* of its last wait, in stats->waits */
	bool pending; /* last_wait may go on */
	uint32_t last_number; /* of last_wait, see lock_tracker_wait_number() */
	struct long_wait last_wait;
	struct hold_seen holder; /* of the longest hold in last_wait ... */
	struct hold_seen charged; /* ... and in the sleep that is about to close */
	struct lock_burst burst; /* of waits for one lock; last_wait is not in it yet */
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
	struct long_wait *long_waits;
	size_t long_count, long_room;
	struct long_wait longest;
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
	free(stats->long_waits);
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

static int keep_long_wait(struct wait_stats *stats, const struct long_wait *wait)
{
	if (wait->blocked_ns < stats->options.long_ns)
		return 0;
	if (array_grow(stats->long_waits, stats->long_count, stats->long_room))
		return -ENOMEM;
	stats->long_waits[stats->long_count++] = *wait;
	return 0;
}

static int flush_wait(struct wait_stats *stats, struct thread_sums *entry)
{
	const struct long_wait *wait = &entry->last_wait;
	struct long_wait ended;

	if (!entry->pending)
		return 0;
	entry->pending = false;
	if (wait->blocked_ns > stats->longest.blocked_ns)
		stats->longest = *wait;
	if (!wait->lock || entry->holder.ns < LONG_HOLD_NS)
		return keep_long_wait(stats, wait);
	if (!lock_burst_add(&entry->burst, wait, entry->holder.thread, &ended))
		return 0;
	return keep_long_wait(stats, &ended);
}

static int flush_burst(struct wait_stats *stats, struct thread_sums *entry)
{
	struct long_wait ended;

	return lock_burst_end(&entry->burst, &ended) ? keep_long_wait(stats, &ended) : 0;
}

/* Whether somebody may have missed the thread while it waited. */
static bool is_hurting(const struct wait_stats *stats, const struct interval *interval,
		       enum wait_class class)
{
	const unsigned int all_along = INTERVAL_BEGAN_BEFORE | INTERVAL_STILL_OPEN;

	if (class == WAIT_STOPPED && stats->options.whole_host)
		return (interval->flags & all_along) != all_along;
	return !wait_class_idle(class);
}

static struct long_wait make_wait(const struct interval *interval, enum wait_class class,
				  const struct lock *lock)
{
	return (struct long_wait){
		.thread = interval->thread,
		.class = class,
		.lock = lock,
		.stack_id = interval->stack_id,
		.start_ns = interval->start_ns,
		.end_ns = interval->end_ns,
		.blocked_ns = interval->end_ns - interval->start_ns,
		.flags = interval->flags,
	};
}

/* A thread that wants a CPU and gets none, for this one time. */
static int note_runnable_wait(struct wait_stats *stats, const struct interval *interval,
			      enum wait_class class)
{
	uint64_t length_ns = interval->end_ns - interval->start_ns;
	struct long_wait wait;

	if (length_ns <= stats->longest.blocked_ns && length_ns < stats->options.long_ns)
		return 0;
	wait = make_wait(interval, class, NULL);
	if (wait.blocked_ns > stats->longest.blocked_ns)
		stats->longest = wait;
	return keep_long_wait(stats, &wait);
}

/* Keep the wait open for more: a lock's waiter may sleep several times. */
static int extend_wait(struct wait_stats *stats, struct thread_sums *entry,
		       const struct interval *interval, enum wait_class class)
{
	struct long_wait *wait = &entry->last_wait;
	const struct lock *lock = NULL;
	struct hold_seen charged = entry->charged;
	uint32_t number = 0;

	entry->charged = (struct hold_seen){ 0 };
	if (wait_class_lock(class)) {
		lock = lock_tracker_awaited(stats->locks, interval->thread);
		number = lock_tracker_wait_number(stats->locks, interval->thread);
	}
	if (entry->pending && lock && wait->lock == lock && entry->last_number == number) {
		wait->end_ns = interval->end_ns;
		wait->blocked_ns += interval->end_ns - interval->start_ns;
		wait->flags |= interval->flags;
		if (charged.ns > entry->holder.ns)
			entry->holder = charged;
		return 0;
	}
	if (flush_wait(stats, entry))
		return -ENOMEM;
	if (!is_hurting(stats, interval, class))
		return 0;
	entry->pending = true;
	entry->holder = charged;
	entry->last_number = number;
	*wait = make_wait(interval, class, lock);
	return 0;
}

static int add_blocked(struct wait_stats *stats, struct thread_sums *entry,
		       const struct interval *interval, const struct stack_info *info, bool counts)
{
	uint64_t length_ns = interval->end_ns - interval->start_ns;
	enum wait_class class = lock_tracker_class(
		stats->locks, interval, stack_info_reason(info, interval->prev_state)->class);
	struct wait_key key = { .class = class, .stack_id = interval->stack_id };
	struct wait_class_stats *wait;
	bool unusual;
	size_t place;

	entry->sums.class_ns[class] += length_ns;
	if (wait_baseline_closed(stats->baseline, interval, class, info,
				 counts && (class == WAIT_IO_FUSE ||
					    !is_hurting(stats, interval, class)),
				 &unusual))
		return -ENOMEM;
	if (!counts)
		return 0;
	key.unusual = unusual;
	if (find_place(stats, entry, interval->thread, &key, &place))
		return -ENOMEM;
	wait = &stats->waits[place];
	wait->blocked_ns += length_ns;
	wait->count++;
	if (length_ns > wait->max_ns)
		wait->max_ns = length_ns;
	entry->last_place = place;
	entry->waited = true;
	return extend_wait(stats, entry, interval, class);
}

static int add_runnable(struct wait_stats *stats, struct thread_sums *entry,
			const struct interval *interval, const struct stack_info *info, bool counts)
{
	uint64_t length_ns = interval->end_ns - interval->start_ns;
	bool preempted = interval->flags & INTERVAL_PREEMPTED;
	enum wait_class class = preempted ? info->preempted.class : WAIT_CPU_RUNQUEUE;
	const struct wait_key key = { .class = class, .stack_id = interval->stack_id };
	struct wait_class_stats *wait;
	size_t place = entry->last_place;

	entry->sums.class_ns[class] += length_ns;
	if (!counts)
		return 0;
	if (note_runnable_wait(stats, interval, class))
		return -ENOMEM;
	if (!preempted && entry->waited) {
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
	if (entry && end_ns - start_ns > entry->charged.ns)
		entry->charged = (struct hold_seen){ owner, end_ns - start_ns };
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

int wait_stats_finish(struct wait_stats *stats)
{
	for (size_t i = 0; i < per_thread_count(&stats->threads); i++) {
		struct thread_sums *entry = per_thread_at(&stats->threads, i);

		if (entry && (flush_wait(stats, entry) || flush_burst(stats, entry)))
			return -ENOMEM;
	}
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

size_t wait_stats_long_waits(const struct wait_stats *stats, const struct long_wait **ret_waits)
{
	*ret_waits = stats->long_waits;
	return stats->long_count;
}

const struct long_wait *wait_stats_longest(const struct wait_stats *stats)
{
	return stats->longest.blocked_ns ? &stats->longest : NULL;
}
