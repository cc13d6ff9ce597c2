/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/blame/contended_lock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/locks/replay.h"

/* A lock with less than this share of the lost time is left to the tables. */
#define SUSPECT_PERCENT 10u

/* A process has one mmap_lock; its address may become known only later in a reading. */
bool contended_lock_is(const struct contended_lock *suspect, const struct lock *lock)
{
	if (!lock || suspect->class != lock->class)
		return false;
	if (suspect->class == WAIT_LOCK_MMAP || !suspect->address)
		return suspect->tgid == lock->tgid;
	if (suspect->class == WAIT_LOCK_USER && suspect->tgid != lock->tgid)
		return false;
	return suspect->address == lock->address;
}

static int by_wait(const void *left, const void *right)
{
	const struct contended_lock *a = left, *b = right;

	return (a->wait_ns < b->wait_ns) - (a->wait_ns > b->wait_ns);
}

/* Locks with long waits are few; those past the room for them are the least. */
static struct contended_lock *suspect_of(struct contended_lock *suspects, size_t *count,
					 const struct lock *lock)
{
	struct contended_lock *least = suspects;

	for (size_t i = 0; i < *count; i++) {
		if (contended_lock_is(&suspects[i], lock))
			return &suspects[i];
		if (suspects[i].wait_ns < least->wait_ns)
			least = &suspects[i];
	}
	if (*count < SUSPECTS_MAX * 4)
		least = &suspects[(*count)++];
	*least = (struct contended_lock){
		.class = lock->class,
		.address = lock->address,
		.tgid = lock->tgid,
	};
	return least;
}

size_t contended_locks_find(const struct long_wait *waits, size_t count, const struct stall *stall,
			    struct contended_lock *suspects)
{
	struct contended_lock found[SUSPECTS_MAX * 4];
	uint64_t longest_ns[SUSPECTS_MAX * 4] = { 0 };
	uint64_t total_ns = 0;
	size_t found_count = 0, kept = 0;

	for (size_t i = 0; i < count; i++) {
		struct contended_lock *suspect;

		if (waits[i].start_ns < stall->start_ns || waits[i].end_ns > stall->end_ns)
			continue;
		total_ns += waits[i].blocked_ns;
		if (!waits[i].lock)
			continue;
		suspect = suspect_of(found, &found_count, waits[i].lock);
		suspect->wait_ns += waits[i].blocked_ns;
		if (waits[i].blocked_ns > longest_ns[suspect - found]) {
			longest_ns[suspect - found] = waits[i].blocked_ns;
			suspect->wait_stack_id = waits[i].stack_id;
		}
	}
	qsort(found, found_count, sizeof(*found), by_wait);
	for (size_t i = 0; i < found_count && kept < SUSPECTS_MAX; i++) {
		if (found[i].wait_ns * 100 < total_ns * SUSPECT_PERCENT)
			break;
		suspects[kept] = found[i];
		suspects[kept++].wait_ns = 0;
	}
	return kept;
}

/* The reading: who lost how much to which suspect. */
struct victims_watch {
	struct contended_lock *suspects;
	size_t count;
	const struct stall *stall;
	struct target *target;
	const struct lock_tracker *locks;
	struct stack_infos *stackfacts;
};

static struct victim *victim_of(struct victim **list, size_t *count, struct thread *thread)
{
	struct victim *victims;

	for (size_t i = 0; i < *count; i++)
		if ((*list)[i].thread == thread)
			return &(*list)[i];
	victims = reallocarray(*list, *count + 1, sizeof(*victims));
	if (!victims)
		return NULL;
	*list = victims;
	victims[*count] = (struct victim){ .thread = thread };
	return &victims[(*count)++];
}

static int suspect_note(struct contended_lock *suspect, const struct target *target,
			const struct interval *interval, enum lock_mode mode, bool counts,
			uint64_t from_ns, uint64_t to_ns)
{
	struct thread *thread = interval->thread;
	struct victim *victim;

	if (queued_writer_add(&suspect->queue, thread, mode, interval->start_ns, interval->end_ns))
		return -ENOMEM;
	if (!counts && thread->tgid == target->recorder_tgid)
		return 0;
	victim = counts ? victim_of(&suspect->victims, &suspect->victim_count, thread)
			: victim_of(&suspect->outsiders, &suspect->outsider_count, thread);
	if (!victim)
		return -ENOMEM;
	victim->blocked_ns += to_ns - from_ns;
	if (to_ns - from_ns > victim->longest_ns) {
		victim->longest_ns = to_ns - from_ns;
		victim->since_ns = from_ns;
	}
	return 0;
}

static int victims_closed(void *context, const struct interval *interval)
{
	struct victims_watch *watch = context;
	uint64_t from_ns = interval->start_ns, to_ns = interval->end_ns;
	const struct wait_reason *reason;
	const struct stack_info *fact;
	const struct lock *lock;
	int r = 0;

	if (interval->state != THREAD_BLOCKED)
		return 0;
	if (from_ns < watch->stall->start_ns)
		from_ns = watch->stall->start_ns;
	if (to_ns > watch->stall->end_ns)
		to_ns = watch->stall->end_ns;
	if (to_ns <= from_ns)
		return 0;
	fact = stack_infos_get(watch->stackfacts, interval->stack_id);
	if (!fact)
		return -ENOMEM;
	reason = stack_info_reason(fact, interval->prev_state);
	if (!wait_class_lock(reason->class))
		return 0;
	lock = lock_tracker_awaited(watch->locks, interval->thread);
	for (size_t i = 0; i < watch->count && !r; i++)
		if (contended_lock_is(&watch->suspects[i], lock))
			r = suspect_note(&watch->suspects[i], watch->target, interval, reason->mode,
					 target_counts(watch->target, interval->thread), from_ns,
					 to_ns);
	return r;
}

static int by_blocked(const void *left, const void *right)
{
	const struct victim *a = left, *b = right;

	if (a->blocked_ns != b->blocked_ns)
		return a->blocked_ns < b->blocked_ns ? 1 : -1;
	return (a->thread->index > b->thread->index) - (a->thread->index < b->thread->index);
}

/* Return: what @thread lost, which no longer counts. */
static uint64_t list_drop(struct victim *list, size_t *count, const struct thread *thread)
{
	for (size_t i = 0; i < *count; i++) {
		uint64_t blocked_ns = list[i].blocked_ns;

		if (list[i].thread != thread)
			continue;
		list[i] = list[--*count];
		return blocked_ns;
	}
	return 0;
}

static void list_sort(struct victim *list, size_t count)
{
	if (count)
		qsort(list, count, sizeof(*list), by_blocked);
}

const struct victim *contended_lock_victim(const struct contended_lock *suspect,
					   const struct thread *thread)
{
	for (size_t i = 0; i < suspect->victim_count; i++)
		if (suspect->victims[i].thread == thread)
			return &suspect->victims[i];
	return NULL;
}

int contended_lock_add_indirect(struct contended_lock *suspect, const struct victim *victim)
{
	size_t before = suspect->victim_count;
	struct victim *known = victim_of(&suspect->victims, &suspect->victim_count, victim->thread);

	if (!known)
		return -ENOMEM;
	suspect->indirect_count += suspect->victim_count - before;
	suspect->indirect_ns += victim->blocked_ns;
	known->blocked_ns += victim->blocked_ns;
	if (victim->longest_ns > known->longest_ns) {
		known->longest_ns = victim->longest_ns;
		known->since_ns = victim->since_ns;
	}
	return 0;
}

/* The owner may have waited for the lock at another time: it is no victim of itself. */
void contended_lock_sort_victims(struct contended_lock *suspect)
{
	suspect->wait_ns -=
		list_drop(suspect->victims, &suspect->victim_count, suspect->owner.thread);
	list_drop(suspect->outsiders, &suspect->outsider_count, suspect->owner.thread);
	list_sort(suspect->victims, suspect->victim_count);
	list_sort(suspect->outsiders, suspect->outsider_count);
}

/*
 * Where nothing tells one lock from another each waiter's time is charged to who woke it, and nobody is said to have held
 * it: the first one to let go wakes but one of many.
 */
static bool ends_enough(const struct lock_owner *owner, const struct lock *lock)
{
	return owner->longest.end_ns == owner->longest.start_ns &&
	       owner->blamed_ns * 100 >= lock->wait_ns * SUSPECT_PERCENT;
}

/* The most blamed owner that is somebody; none where more of the time is nobody's than that one's. */
static void suspect_take(struct contended_lock *suspect, const struct lock *lock)
{
	const struct lock_owner *best = NULL;
	uint64_t nobody_ns = 0;

	suspect->wait_ns = lock->wait_ns;
	suspect->waits = lock->waits;
	for (size_t i = 0; i < lock->owner_count; i++) {
		if (!lock->owners[i].thread)
			nobody_ns += lock->owners[i].blamed_ns;
		else if (!best && lock->owners[i].blamed_ns)
			best = &lock->owners[i];
	}
	suspect->has_owner = best && (best->blamed_ns >= nobody_ns || ends_enough(best, lock));
	if (suspect->has_owner) {
		suspect->holder = suspect->owner = *best;
	} else {
		suspect->nobody_ns = nobody_ns;
		if (best)
			suspect->candidate = *best;
	}
	contended_lock_sort_victims(suspect);
	if (suspect->has_owner && suspect->owner.longest.released_read)
		suspect->pivot =
			queued_writer_pivot(&suspect->queue, suspect->owner.longest.start_ns,
					    suspect->owner.longest.end_ns);
}

/* The locks are given the stall's span, so that their figures are of the stall alone. */
int contended_locks_examine(struct contended_lock *suspects, size_t count, struct source *source,
			    struct stack_infos *stackfacts, const struct futex_locks *futexes,
			    const struct stall *stall, struct target *target)
{
	const struct lock_tracker_options options = { stall->start_ns, stall->end_ns, target_counts,
						      target, futexes };
	struct victims_watch watch = { suspects, count, stall, target, NULL, stackfacts };
	struct replay *pass = NULL;
	int r;

	r = replay_create(source, stackfacts, &options, &pass);
	if (r)
		goto out;
	watch.locks = replay_locks(pass);
	r = replay_run(pass,
		       &(struct replay_watcher){ .closed = victims_closed, .context = &watch });
	if (r)
		goto out;
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < lock_tracker_count(watch.locks); j++)
			if (contended_lock_is(&suspects[i], lock_tracker_at(watch.locks, j)))
				suspect_take(&suspects[i], lock_tracker_at(watch.locks, j));
out:
	replay_destroy(pass);
	return r;
}

void contended_locks_free(struct contended_lock *suspects, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(suspects[i].victims);
		free(suspects[i].outsiders);
		queued_writer_free(&suspects[i].queue);
		delay_breakdown_free(&suspects[i].because);
	}
}
