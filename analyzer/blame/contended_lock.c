/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/blame/contended_lock.h"

#include <errno.h>
#include <stdlib.h>

#include "analyzer/util/array.h"
#include "analyzer/util/span.h"

/* A lock with less than this share of the lost time is left to the tables. */
#define CONTENDED_PERCENT 10u

/* Shorter holds are hand-offs: they are not counted. */
#define COUNTED_HOLD_NS 1000000u

/* Whether @lock, which may be NULL, is @contended. A process has one mmap_lock, whose address may
 * become known late. */
static bool is_same_lock(const struct contended_lock *contended, const struct lock *lock)
{
	if (!lock || contended->class != lock->class)
		return false;
	if (contended->class == WAIT_LOCK_MMAP || !contended->address)
		return contended->tgid == lock->tgid;
	if (contended->class == WAIT_LOCK_USER && contended->tgid != lock->tgid)
		return false;
	return contended->address == lock->address;
}

static int compare_wait(const void *left, const void *right)
{
	const struct contended_lock *a = left, *b = right;

	return (a->wait_ns < b->wait_ns) - (a->wait_ns > b->wait_ns);
}

/* Locks with long waits are few. Where there is no room, the one with the least waits goes. */
static struct contended_lock *get_contended(struct contended_lock *locks, size_t *count,
					    const struct lock *lock)
{
	struct contended_lock *least = locks;

	for (size_t i = 0; i < *count; i++) {
		if (is_same_lock(&locks[i], lock))
			return &locks[i];
		if (locks[i].wait_ns < least->wait_ns)
			least = &locks[i];
	}
	if (*count < CONTENDED_LOCKS_MAX * 4)
		least = &locks[(*count)++];
	*least = (struct contended_lock){
		.class = lock->class,
		.address = lock->address,
		.tgid = lock->tgid,
	};
	return least;
}

size_t contended_locks_find(const struct long_wait *waits, size_t count, const struct stall *stall,
			    struct contended_lock *ret_locks)
{
	struct contended_lock found[CONTENDED_LOCKS_MAX * 4];
	uint64_t longest_ns[CONTENDED_LOCKS_MAX * 4] = { 0 };
	uint64_t total_ns = 0;
	size_t found_count = 0, kept = 0;

	for (size_t i = 0; i < count; i++) {
		struct contended_lock *contended;

		if (waits[i].start_ns < stall->start_ns || waits[i].end_ns > stall->end_ns)
			continue;
		total_ns += waits[i].blocked_ns;
		if (!waits[i].lock)
			continue;
		contended = get_contended(found, &found_count, waits[i].lock);
		contended->wait_ns += waits[i].blocked_ns;
		if (waits[i].blocked_ns > longest_ns[contended - found]) {
			longest_ns[contended - found] = waits[i].blocked_ns;
			contended->wait_stack_id = waits[i].stack_id;
		}
	}
	qsort(found, found_count, sizeof(*found), compare_wait);
	for (size_t i = 0; i < found_count && kept < CONTENDED_LOCKS_MAX; i++) {
		if (!share_at_least(found[i].wait_ns, total_ns, CONTENDED_PERCENT))
			break;
		ret_locks[kept] = found[i];
		ret_locks[kept++].wait_ns = 0;
	}
	return kept;
}

/* A hold of some length, as one of its waiters saw it end. */
struct release {
	uint64_t time_ns;
	uint32_t owner; /* thread->index */
};

/* Waits of one thread that a time limit ended, one after the other: whoever lets it in at last held the lock. */
struct timed_out {
	uint64_t start_ns, ns;	/* ns 0: none */
};

/* The figures of one lock, while the waits in the stall are added up. */
struct figures {
	struct contended_lock *contended;
	struct victim_set victims, outsiders;
	uint64_t wait_ns, waits, nobody_ns;
	struct per_thread owners; /* struct lock_owner */
	struct release *releases; /* that ended charges of some length */
	size_t release_count, release_room;
	const struct lock *lock; /* the last one that was it; NULL: none was */
	struct timed_out timed_out; /* of the thread whose waits are added */
	bool in_slices; /* time of such waits is charged */
};

struct all_figures {
	struct figures figures[CONTENDED_LOCKS_MAX];
	size_t count;
	const struct observations *observations;
	const struct history *history;
	const struct stall *stall;
};

/* Of its longest hold only what its waiters saw of it in the stall. */
static void note_hold(struct lock_owner *owner, const struct history_charge *charge,
		      uint64_t from_ns, uint64_t to_ns)
{
	if (to_ns - from_ns <= owner->longest.end_ns - owner->longest.start_ns)
		return;
	owner->longest = (struct lock_hold){
		.start_ns = from_ns,
		.end_ns = to_ns,
		.exact = charge->grade == GRADE_EXACT,
		.stack_id = STACK_NONE,
	};
}

static int note_release(struct figures *figures, const struct history_charge *charge)
{
	if (charge->end_ns - charge->start_ns < COUNTED_HOLD_NS)
		return 0;
	if (array_grow(figures->releases, figures->release_count, figures->release_room))
		return -ENOMEM;
	figures->releases[figures->release_count++] =
		(struct release){ charge->end_ns, charge->owner->index };
	return 0;
}

static int add_charge(struct figures *figures, const struct history_charge *charge,
		      uint64_t from_ns, uint64_t to_ns)
{
	struct lock_owner *owner = per_thread_get(&figures->owners, charge->owner);

	if (!owner)
		return -ENOMEM;
	owner->thread = charge->owner;
	owner->blamed_ns += to_ns - from_ns;
	if (charge->grade == GRADE_PLAUSIBLE)
		owner->plausible_ns += to_ns - from_ns;
	if (charge->grade == GRADE_EXACT)
		owner->exact_ns += to_ns - from_ns;
	note_hold(owner, charge, from_ns, to_ns);
	return note_release(figures, charge);
}

/* What owners had in turns, each for a moment, is known, though not one by one: it is not
 * nobody's. */
static int add_charges(struct figures *figures, const struct history_lock_wait *wait,
		       uint64_t from_ns, uint64_t to_ns)
{
	uint64_t left_ns = to_ns - from_ns;

	for (size_t i = 0; i < wait->charge_count; i++) {
		const struct history_charge *charge = &wait->charges[i];
		uint64_t start_ns = charge->start_ns, end_ns = charge->end_ns;

		if (!span_clip(&start_ns, &end_ns, from_ns, to_ns))
			continue;
		left_ns -= end_ns - start_ns;
		if (charge->owner && add_charge(figures, charge, start_ns, end_ns))
			return -ENOMEM;
	}
	figures->nobody_ns += left_ns;
	return 0;
}

/* @interval, the next wait of its thread for this lock, was charged to @owner at its end; NULL: to nobody. */
static int add_timed_out(struct figures *figures, const struct history_interval *interval,
			 struct thread *owner, uint64_t from_ns, uint64_t to_ns)
{
	struct timed_out *timed_out = &figures->timed_out;
	struct history_charge charge = { .owner = owner, .grade = GRADE_PLAUSIBLE };
	struct lock_owner *entry;

	if (interval->waker_in_interrupt && !owner && !interval->merged) {
		if (!timed_out->ns)
			timed_out->start_ns = from_ns;
		timed_out->ns += to_ns - from_ns;
		return 0;
	}
	if (owner && timed_out->ns) {
		entry = per_thread_get(&figures->owners, owner);
		if (!entry)
			return -ENOMEM;
		entry->blamed_ns += timed_out->ns;
		entry->plausible_ns += timed_out->ns;
		figures->nobody_ns -= timed_out->ns;
		figures->in_slices = true;
		note_hold(entry, &charge, timed_out->start_ns, to_ns);
	}
	*timed_out = (struct timed_out){ 0, 0 };
	return 0;
}

static struct thread *find_last_owner(const struct history_lock_wait *wait)
{
	return wait->charge_count ? wait->charges[wait->charge_count - 1].owner : NULL;
}

/* Who waited for the lock, too, did not hold it: whoever let that one in is asked about next. */
#define HANDED_ON_MAX 64u

static struct thread *find_first_owner(const struct history *history, const struct figures *figures,
				       struct thread *owner, uint64_t end_ns)
{
	uint64_t start_ns = figures->timed_out.start_ns;

	for (unsigned int i = 0; owner && i < HANDED_ON_MAX; i++) {
		struct history_cursor cursor = history_walk(history, owner, start_ns, end_ns);
		const struct history_interval *interval;
		struct thread *before = NULL;
		uint64_t from_ns, to_ns, waited_ns = 0;
		struct history_lock_wait wait;

		while ((interval = history_next(&cursor, &from_ns, &to_ns))) {
			if (!history_lock_wait(history, interval, &wait) ||
			    !is_same_lock(figures->contended, wait.lock))
				continue;
			waited_ns += to_ns - from_ns;
			before = find_last_owner(&wait);
		}
		if (waited_ns * 2 < end_ns - start_ns)
			break;
		owner = before;
	}
	return owner;
}

/* Add one sleep for the lock, of which @from_ns to @to_ns is in the stall. */
static int add_wait(const struct all_figures *all, struct figures *figures, struct thread *thread,
		    const struct history_interval *interval, const struct history_lock_wait *wait,
		    bool counts, uint64_t from_ns, uint64_t to_ns)
{
	struct thread *owner = find_last_owner(wait);

	figures->lock = wait->lock;
	if (queued_writer_add(&figures->contended->queue, thread, wait->mode, interval->start_ns,
			      interval->end_ns))
		return -ENOMEM;
	if (!counts)
		return thread->tgid == all->observations->target->recorder_tgid
			       ? 0
			       : victim_set_add(&figures->outsiders, thread, from_ns, to_ns);
	figures->wait_ns += to_ns - from_ns;
	if (figures->timed_out.ns)
		owner = find_first_owner(all->history, figures, owner, to_ns);
	return victim_set_add(&figures->victims, thread, from_ns, to_ns) ||
			       add_charges(figures, wait, from_ns, to_ns) ||
			       add_timed_out(figures, interval, owner, from_ns, to_ns)
		       ? -ENOMEM
		       : 0;
}

static int add_thread(struct all_figures *all, struct thread *thread)
{
	struct history_cursor cursor =
		history_walk(all->history, thread, all->stall->start_ns, all->stall->end_ns);
	bool counts = target_counts(all->observations->target, thread);
	const struct history_interval *interval;
	struct history_lock_wait wait;
	uint64_t from_ns, to_ns;
	uint32_t last_number = 0;
	int r = 0;

	for (size_t i = 0; i < all->count; i++)
		all->figures[i].timed_out = (struct timed_out){ 0, 0 };
	while (!r && (interval = history_next(&cursor, &from_ns, &to_ns))) {
		if (!history_lock_wait(all->history, interval, &wait))
			continue;
		for (size_t i = 0; i < all->count && !r; i++) {
			struct figures *figures = &all->figures[i];

			if (!is_same_lock(figures->contended, wait.lock))
				continue;
			r = add_wait(all, figures, thread, interval, &wait, counts, from_ns, to_ns);
			if (counts && (interval->merged || wait.number != last_number))
				figures->waits += interval->merged ? interval->merged : 1;
			last_number = wait.number;
		}
	}
	return r;
}

/*
 * Where nothing tells one lock from another each waiter's time is charged to who woke it, and
 * nobody is said to have held it: the first one to let go wakes but one of many.
 */
static bool is_behind_enough_waits(const struct lock_owner *owner, const struct figures *figures)
{
	return owner->longest.end_ns == owner->longest.start_ns &&
	       share_at_least(owner->blamed_ns, figures->wait_ns, CONTENDED_PERCENT);
}

static bool is_more_blamed(const struct lock_owner *owner, const struct lock_owner *best)
{
	if (owner->blamed_ns != best->blamed_ns)
		return owner->blamed_ns > best->blamed_ns;
	return owner->thread->index < best->thread->index;
}

static struct lock_owner find_most_blamed(const struct figures *figures)
{
	struct lock_owner best = { .thread = NULL };

	for (size_t i = 0; i < per_thread_count(&figures->owners); i++) {
		const struct lock_owner *owner = per_thread_at(&figures->owners, i);

		if (owner && owner->thread && (!best.thread || is_more_blamed(owner, &best)))
			best = *owner;
	}
	return best;
}

/* The lock's record of its owner's longest hold says how that began and ended. Where that hold
 * is of another time, what the waiters of the stall saw of a hold is all there is. */
static void fill_longest_hold(const struct figures *figures, const struct stall *stall,
			      struct lock_owner *owner)
{
	for (size_t i = 0; figures->lock && i < figures->lock->owner_count; i++) {
		const struct lock_owner *recorded = &figures->lock->owners[i];

		if (recorded->thread != owner->thread)
			continue;
		owner->named_ns = recorded->named_ns;
		/* An empty hold: such locks cannot be told from each other, so nobody is said to
		 * have held this one. */
		if (recorded->longest.end_ns == recorded->longest.start_ns ||
		    (recorded->longest.end_ns - recorded->longest.start_ns >=
			     owner->longest.end_ns - owner->longest.start_ns &&
		     recorded->longest.end_ns >= stall->start_ns &&
		     recorded->longest.start_ns <= stall->end_ns))
			owner->longest = recorded->longest;
		return;
	}
}

static int compare_release(const void *left, const void *right)
{
	const struct release *a = left, *b = right;

	if (a->owner != b->owner)
		return a->owner < b->owner ? -1 : 1;
	return (a->time_ns > b->time_ns) - (a->time_ns < b->time_ns);
}

/* What many waiters saw end at one time is one hold: the next one ends as much later as it is
 * long. */
static uint32_t count_holds(struct figures *figures, const struct thread *owner)
{
	const struct release *last = NULL;
	uint32_t holds = 0;

	if (figures->release_count)
		qsort(figures->releases, figures->release_count, sizeof(*figures->releases),
		      compare_release);
	for (size_t i = 0; i < figures->release_count; i++) {
		const struct release *release = &figures->releases[i];

		if (release->owner != owner->index)
			continue;
		holds += !last || release->time_ns >= last->time_ns + COUNTED_HOLD_NS;
		last = release;
	}
	return holds;
}

/* The most blamed owner that is somebody; none where more of the time is nobody's than that
 * one's. */
static int conclude_lock(struct figures *figures, const struct stall *stall)
{
	struct contended_lock *contended = figures->contended;
	struct lock_owner best = find_most_blamed(figures);

	if (victim_set_take(&figures->victims, 0, &contended->victims, &contended->victim_count,
			    NULL) ||
	    victim_set_take(&figures->outsiders, 0, &contended->outsiders,
			    &contended->outsider_count, NULL))
		return -ENOMEM;
	contended->wait_ns = figures->wait_ns;
	contended->waits = figures->waits;
	contended->in_slices = figures->in_slices;
	if (best.thread) {
		fill_longest_hold(figures, stall, &best);
		best.holds = count_holds(figures, best.thread);
	}
	contended->has_owner = best.thread && (best.blamed_ns >= figures->nobody_ns ||
					       is_behind_enough_waits(&best, figures));
	if (contended->has_owner) {
		contended->holder = contended->owner = best;
	} else {
		contended->nobody_ns = figures->nobody_ns;
		contended->candidate = best;
	}
	contended_lock_sort_victims(contended);
	if (contended->has_owner && contended->owner.longest.released_read)
		contended->queued_writer =
			queued_writer_find(&contended->queue, contended->owner.longest.start_ns,
					   contended->owner.longest.end_ns);
	return 0;
}

int contended_locks_examine(struct contended_lock *locks, size_t count,
			    const struct observations *observations, const struct stall *stall)
{
	const struct threads *threads = source_threads(observations->source);
	struct all_figures all = {
		.count = count,
		.observations = observations,
		.history = observations_history(observations, stall->start_ns, stall->end_ns),
		.stall = stall,
	};
	int r = 0;

	for (size_t i = 0; i < count; i++)
		all.figures[i] = (struct figures){
			.contended = &locks[i],
			.victims = VICTIM_SET,
			.outsiders = VICTIM_SET,
			.owners.entry_bytes = sizeof(struct lock_owner),
		};
	for (size_t i = 0; i < threads_count(threads) && !r; i++)
		r = add_thread(&all, threads_at(threads, i));
	for (size_t i = 0; i < count && !r; i++)
		r = conclude_lock(&all.figures[i], stall);
	for (size_t i = 0; i < count; i++) {
		victim_set_free(&all.figures[i].victims);
		victim_set_free(&all.figures[i].outsiders);
		per_thread_free(&all.figures[i].owners);
		free(all.figures[i].releases);
	}
	return r;
}
