/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/suspect.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/pass.h"

/* A lock with less than this share of the lost time is left to the tables. */
#define SUSPECT_PERCENT 10u

/* A process has one mmap_lock; its address may become known only later in a reading. */
static bool same_lock(const struct suspect *suspect, const struct lock *lock)
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
	const struct suspect *a = left, *b = right;

	return (a->wait_ns < b->wait_ns) - (a->wait_ns > b->wait_ns);
}

/* Locks with long waits are few; those past the room for them are the least. */
static struct suspect *suspect_of(struct suspect *suspects, size_t *count, const struct lock *lock)
{
	struct suspect *least = suspects;

	for (size_t i = 0; i < *count; i++) {
		if (same_lock(&suspects[i], lock))
			return &suspects[i];
		if (suspects[i].wait_ns < least->wait_ns)
			least = &suspects[i];
	}
	if (*count < SUSPECTS_MAX * 4)
		least = &suspects[(*count)++];
	*least = (struct suspect){
		.class = lock->class,
		.address = lock->address,
		.tgid = lock->tgid,
	};
	return least;
}

size_t suspects_find(const struct long_wait *waits, size_t count, const struct stall *stall,
		     struct suspect *suspects)
{
	struct suspect found[SUSPECTS_MAX * 4];
	uint64_t longest_ns[SUSPECTS_MAX * 4] = { 0 };
	uint64_t total_ns = 0;
	size_t found_count = 0, kept = 0;

	for (size_t i = 0; i < count; i++) {
		struct suspect *suspect;

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

/* First reading: who lost how much to which suspect. */
struct victims_watch {
	struct suspect *suspects;
	size_t count;
	const struct stall *stall;
	struct target *target;
	const struct locks *locks;
	struct stackfacts *stackfacts;
};

static struct victim *victim_of(struct suspect *suspect, struct thread *thread)
{
	struct victim *victims;

	for (size_t i = 0; i < suspect->victim_count; i++)
		if (suspect->victims[i].thread == thread)
			return &suspect->victims[i];
	victims = reallocarray(suspect->victims, suspect->victim_count + 1, sizeof(*victims));
	if (!victims)
		return NULL;
	suspect->victims = victims;
	victims[suspect->victim_count] = (struct victim){ .thread = thread };
	return &victims[suspect->victim_count++];
}

static int victims_closed(void *context, const struct interval *interval)
{
	struct victims_watch *watch = context;
	uint64_t from_ns = interval->start_ns, to_ns = interval->end_ns;
	const struct stack_fact *fact;
	const struct lock *lock;

	if (interval->state != THREAD_BLOCKED || !target_counts(watch->target, interval->thread))
		return 0;
	if (from_ns < watch->stall->start_ns)
		from_ns = watch->stall->start_ns;
	if (to_ns > watch->stall->end_ns)
		to_ns = watch->stall->end_ns;
	if (to_ns <= from_ns)
		return 0;
	fact = stackfacts_get(watch->stackfacts, interval->stack_id);
	if (!fact)
		return -ENOMEM;
	if (!wait_class_lock(stack_fact_reason(fact, interval->prev_state)->class))
		return 0;
	lock = locks_awaited(watch->locks, interval->thread);
	for (size_t i = 0; i < watch->count; i++) {
		struct victim *victim;

		if (!same_lock(&watch->suspects[i], lock))
			continue;
		victim = victim_of(&watch->suspects[i], interval->thread);
		if (!victim)
			return -ENOMEM;
		victim->blocked_ns += to_ns - from_ns;
		if (to_ns - from_ns > victim->longest_ns) {
			victim->longest_ns = to_ns - from_ns;
			victim->since_ns = from_ns;
		}
	}
	return 0;
}

static int by_blocked(const void *left, const void *right)
{
	const struct victim *a = left, *b = right;

	if (a->blocked_ns != b->blocked_ns)
		return a->blocked_ns < b->blocked_ns ? 1 : -1;
	return (a->thread->index > b->thread->index) - (a->thread->index < b->thread->index);
}

/* The owner may have waited for its own lock at another time: it is no victim of itself. */
static void victims_drop(struct suspect *suspect, const struct thread *thread)
{
	for (size_t i = 0; i < suspect->victim_count; i++) {
		if (suspect->victims[i].thread != thread)
			continue;
		suspect->wait_ns -= suspect->victims[i].blocked_ns;
		suspect->victims[i] = suspect->victims[--suspect->victim_count];
		return;
	}
}

/* The most blamed owner that is somebody. */
static void suspect_take(struct suspect *suspect, const struct lock *lock)
{
	suspect->wait_ns = lock->wait_ns;
	suspect->waits = lock->waits;
	for (size_t i = 0; i < lock->owner_count && !suspect->has_owner; i++) {
		if (!lock->owners[i].thread || !lock->owners[i].blamed_ns)
			continue;
		suspect->owner = lock->owners[i];
		suspect->has_owner = true;
	}
	victims_drop(suspect, suspect->owner.thread);
	if (suspect->victim_count)
		qsort(suspect->victims, suspect->victim_count, sizeof(*suspect->victims),
		      by_blocked);
}

/* The locks are given the stall's span, so that their figures are of the stall alone. */
static int read_victims(struct suspect *suspects, size_t count, struct source *source,
			struct stackfacts *stackfacts, const struct futexes *futexes,
			const struct stall *stall, struct target *target)
{
	const struct locks_options options = { stall->start_ns, stall->end_ns, target_counts,
					       target, futexes };
	struct victims_watch watch = { suspects, count, stall, target, NULL, stackfacts };
	struct pass *pass = NULL;
	int r;

	r = pass_create(source, stackfacts, &options, &pass);
	if (r)
		goto out;
	watch.locks = pass_locks(pass);
	r = pass_run(pass, &(struct pass_watcher){ .closed = victims_closed, .context = &watch });
	if (r)
		goto out;
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < locks_count(watch.locks); j++)
			if (same_lock(&suspects[i], locks_at(watch.locks, j)))
				suspect_take(&suspects[i], locks_at(watch.locks, j));
out:
	pass_destroy(pass);
	return r;
}

/* Second reading: what the owners did while they held it. */
struct holds_watch {
	struct hold *holds[SUSPECTS_MAX];
	struct suspect *suspects;
	size_t count;
};

static bool overlaps(const struct suspect *suspect, uint64_t start_ns, uint64_t end_ns)
{
	return start_ns < suspect->owner.longest.end_ns && end_ns > suspect->owner.longest.start_ns;
}

static int holds_event(void *context, const struct event *event)
{
	struct holds_watch *watch = context;

	for (size_t i = 0; i < watch->count; i++) {
		if (watch->holds[i] && hold_event(watch->holds[i], event))
			return -ENOMEM;
		if (event->raw.kind == FT_EVENT_LOST &&
		    overlaps(&watch->suspects[i], event->raw.lost.start_ns, event->raw.time_ns)) {
			watch->suspects[i].lost_records += event->raw.lost.records;
			watch->suspects[i].gaps++;
		}
	}
	return 0;
}

static int holds_closed(void *context, const struct interval *interval)
{
	struct holds_watch *watch = context;

	for (size_t i = 0; i < watch->count; i++)
		if (watch->holds[i] && hold_closed(watch->holds[i], interval))
			return -ENOMEM;
	return 0;
}

static int read_holds(struct suspect *suspects, size_t count, struct source *source,
		      struct stackfacts *stackfacts)
{
	const struct locks_options options = { 0 };
	struct holds_watch watch = { .suspects = suspects, .count = count };
	struct pass *pass = NULL;
	int r = 0;

	for (size_t i = 0; i < count && !r; i++) {
		const struct lock_owner *owner = &suspects[i].owner;

		if (suspects[i].has_owner)
			r = hold_create(source_stacks(source), stackfacts, owner->thread,
					owner->longest.start_ns, owner->longest.end_ns,
					&watch.holds[i]);
	}
	if (r)
		goto out;
	r = pass_create(source, stackfacts, &options, &pass);
	if (r)
		goto out;
	r = pass_run(pass, &(struct pass_watcher){ holds_event, holds_closed, &watch });
	for (size_t i = 0; i < count && !r; i++)
		if (watch.holds[i])
			r = hold_tell(watch.holds[i], &suspects[i].story);
out:
	for (size_t i = 0; i < count; i++)
		hold_destroy(watch.holds[i]);
	pass_destroy(pass);
	return r;
}

static bool has_victim(const struct suspect *suspect, const struct thread *thread)
{
	for (size_t i = 0; i < suspect->victim_count; i++)
		if (suspect->victims[i].thread == thread)
			return true;
	return false;
}

/* Which suspect kept the owner of @suspects[@at] waiting for most of its hold; @count: none did. */
static size_t behind(const struct suspect *suspects, size_t count, size_t at)
{
	const struct suspect *suspect = &suspects[at];
	const struct lock_hold *hold = &suspect->owner.longest;
	size_t found = 0;

	if (!suspect->has_owner ||
	    suspect->story.longest_blocked_ns * 2 < hold->end_ns - hold->start_ns)
		return count;
	while (found < count &&
	       (found == at || !has_victim(&suspects[found], suspect->owner.thread)))
		found++;
	return found;
}

/* Who waited for a lock whose owner was itself kept waiting by @root is held up by it too. 0 or -ENOMEM. */
static int add_indirect(struct suspect *root, const struct suspect *between)
{
	size_t direct = root->victim_count;

	for (size_t i = 0; i < between->victim_count; i++) {
		struct victim *victim;

		if (between->victims[i].thread == root->owner.thread)
			continue;
		victim = victim_of(root, between->victims[i].thread);
		if (!victim)
			return -ENOMEM;
		root->indirect_count += root->victim_count > direct;
		direct = root->victim_count;
		root->indirect_ns += between->victims[i].blocked_ns;
		victim->blocked_ns += between->victims[i].blocked_ns;
		if (between->victims[i].longest_ns > victim->longest_ns) {
			victim->longest_ns = between->victims[i].longest_ns;
			victim->since_ns = between->victims[i].since_ns;
		}
	}
	return 0;
}

/* Who held a lock, but waited for another all the while, is a victim itself: the root comes first. 0 or -ENOMEM. */
static int root_first(struct suspect *suspects, size_t count)
{
	size_t chain[SUSPECTS_MAX], length = 0, root = 0, next;
	struct suspect first;
	int r = 0;

	while (length < count && (next = behind(suspects, count, root)) < count) {
		suspects[root].behind_class = suspects[next].class;
		suspects[root].behind_address = suspects[next].address;
		chain[length++] = root;
		root = next;
	}
	if (!root || length == count) /* they wait in a circle: nobody is the root */
		return 0;
	for (size_t i = 0; i < length && !r; i++)
		r = add_indirect(&suspects[root], &suspects[chain[i]]);
	qsort(suspects[root].victims, suspects[root].victim_count, sizeof(struct victim),
	      by_blocked);
	first = suspects[root];
	memmove(suspects + 1, suspects, root * sizeof(*suspects));
	suspects[0] = first;
	return r;
}

int suspects_examine(struct suspect *suspects, size_t count, struct source *source,
		     struct stackfacts *stackfacts, const struct futexes *futexes,
		     const struct stall *stall, struct target *target)
{
	int r = read_victims(suspects, count, source, stackfacts, futexes, stall, target);

	if (!r)
		r = read_holds(suspects, count, source, stackfacts);
	if (!r)
		r = root_first(suspects, count);
	return r;
}

void suspects_free(struct suspect *suspects, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(suspects[i].victims);
}
