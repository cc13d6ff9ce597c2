/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/locks/ownership.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Above this many holds the ones that no open wait can reach are dropped. */
#define HOLDS_PRUNE 4096u

/* Shorter holds are hand-offs: they are not counted. */
#define COUNTED_HOLD_NS 1000000u

struct hold {
	struct thread *thread;
	uint64_t start_ns, end_ns;
	bool plausible, exact;
	bool counted;
};

/* Whom the kernel's log named as the owner. */
struct named {
	const struct thread *thread;
	uint64_t start_ns, time_ns;	/* of its hold, as far as known, and of the line */
	bool start_exact;
};

struct open_wait {
	const struct thread *waiter;
	uint64_t start_ns;
};

struct ownership {
	struct ownership_watcher watcher;
	bool ambiguous;
	uint64_t last_release_ns;
	uint64_t contended_since_ns;	/* somebody has waited without pause since then */
	struct named named;		/* the last one; stale where something was released since */
	struct open_wait *waits;
	size_t wait_count, wait_room;
	struct hold *holds;		/* by end_ns; since the oldest open wait at least */
	size_t hold_count, hold_room, prune_at;
	struct lock_owner *owners;
	size_t owner_count, owner_room;
};

int ownership_create(bool ambiguous, struct ownership **ret_ownership)
{
	struct ownership *ownership = calloc(1, sizeof(*ownership));

	if (!ownership)
		return -ENOMEM;
	ownership->ambiguous = ambiguous;
	ownership->prune_at = HOLDS_PRUNE;
	*ret_ownership = ownership;
	return 0;
}

void ownership_destroy(struct ownership *ownership)
{
	if (!ownership)
		return;
	free(ownership->waits);
	free(ownership->holds);
	free(ownership->owners);
	free(ownership);
}

void ownership_watch(struct ownership *ownership, const struct ownership_watcher *watcher)
{
	ownership->watcher = *watcher;
}

/* Room for one more element; doubles. */
static int grow(void **array, size_t count, size_t *room, size_t element_bytes)
{
	size_t larger = *room ? *room * 2 : 8;
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

bool ownership_ambiguous(const struct ownership *ownership)
{
	return ownership->ambiguous;
}

uint64_t ownership_released_ns(const struct ownership *ownership)
{
	return ownership->last_release_ns;
}

size_t ownership_waiting(const struct ownership *ownership)
{
	return ownership->wait_count;
}

uint64_t ownership_contended_since_ns(const struct ownership *ownership)
{
	return ownership->contended_since_ns;
}

int ownership_wait_opened(struct ownership *ownership, const struct thread *waiter, uint64_t time_ns)
{
	if (grow((void **)&ownership->waits, ownership->wait_count, &ownership->wait_room,
		 sizeof(*ownership->waits)))
		return -ENOMEM;
	/* It may be told late. */
	if (!ownership->wait_count || time_ns < ownership->contended_since_ns)
		ownership->contended_since_ns = time_ns;
	ownership->waits[ownership->wait_count++] =
		(struct open_wait){ .waiter = waiter, .start_ns = time_ns };
	return 0;
}

static void holds_prune(struct ownership *ownership)
{
	uint64_t oldest_ns = UINT64_MAX;
	size_t kept = 0;

	for (size_t i = 0; i < ownership->wait_count; i++)
		if (ownership->waits[i].start_ns < oldest_ns)
			oldest_ns = ownership->waits[i].start_ns;
	for (size_t i = 0; i < ownership->hold_count; i++)
		if (ownership->holds[i].end_ns > oldest_ns)
			ownership->holds[kept++] = ownership->holds[i];
	ownership->hold_count = kept;
	ownership->prune_at = kept * 2 > HOLDS_PRUNE ? kept * 2 : HOLDS_PRUNE;
}

static int hold_append(struct ownership *ownership, const struct hold *hold)
{
	struct hold *last;

	if (ownership->hold_count) {
		last = &ownership->holds[ownership->hold_count - 1];
		if (last->thread == hold->thread && last->end_ns == hold->start_ns &&
		    last->plausible == hold->plausible && last->exact == hold->exact) {
			last->end_ns = hold->end_ns;
			return 0;
		}
	}
	if (ownership->hold_count >= ownership->prune_at)
		holds_prune(ownership);
	if (grow((void **)&ownership->holds, ownership->hold_count, &ownership->hold_room,
		 sizeof(*ownership->holds)))
		return -ENOMEM;
	ownership->holds[ownership->hold_count++] = *hold;
	return 0;
}

/* Few threads ever own one lock: a list is enough. NULL on lack of memory. */
static struct lock_owner *owner_of(struct ownership *ownership, struct thread *thread)
{
	for (size_t i = 0; i < ownership->owner_count; i++)
		if (ownership->owners[i].thread == thread)
			return &ownership->owners[i];
	if (grow((void **)&ownership->owners, ownership->owner_count, &ownership->owner_room,
		 sizeof(*ownership->owners)))
		return NULL;
	ownership->owners[ownership->owner_count] = (struct lock_owner){ .thread = thread };
	return &ownership->owners[ownership->owner_count++];
}

static int owner_note_hold(struct ownership *ownership, const struct lock_release *release,
			   const struct lock_hold *hold)
{
	struct lock_owner *owner = owner_of(ownership, release->thread);

	if (!owner)
		return -ENOMEM;
	if (release->named_ns)
		owner->named_ns = release->named_ns;
	if (hold->end_ns - hold->start_ns >= owner->longest.end_ns - owner->longest.start_ns)
		owner->longest = *hold;
	return 0;
}

/*
 * A claim reaches back to the release before it, but not to a time when its
 * thread was seen elsewhere. The hold that is reported begins no
 * earlier than somebody's waiting proves, unless the entry itself was seen.
 */
static int claim(struct ownership *ownership, const struct lock_release *release, bool still_open)
{
	const struct named *named = &ownership->named;
	uint64_t start_ns = ownership->last_release_ns, from_ns;
	bool exact = false, goes_on;
	struct lock_hold longest;
	struct hold hold;

	if (release->since_ns >= start_ns) {
		start_ns = release->since_ns;
		exact = release->since_exact;
	}
	if (start_ns > release->time_ns)
		start_ns = release->time_ns;
	from_ns = start_ns;
	goes_on = named->thread == release->thread && named->time_ns >= start_ns;
	/* When another was named, this one did not hold it. */
	if (named->thread && named->time_ns > start_ns && named->time_ns <= release->time_ns) {
		from_ns = named->time_ns;
		start_ns = goes_on ? named->start_ns : from_ns;
		exact = goes_on && named->start_exact;
	}
	hold = (struct hold){
		.thread = release->thread,
		.start_ns = from_ns,
		.end_ns = release->time_ns,
		.plausible = (still_open && !release->exact && !goes_on) || release->plausible,
		.exact = release->exact,
		.counted = goes_on,
	};
	longest = (struct lock_hold){
		.start_ns = start_ns,
		.end_ns = release->time_ns,
		.start_exact = exact,
		.still_open = still_open,
		.released_read = release->read,
		.mode_known = release->mode_known,
		.exact = release->exact && !release->named_ns, /* at both ends */
		.by_call = release->by_call,
		.stack_id = release->stack_id,
		.first_woken = release->woken,
	};
	if (!exact && ownership->wait_count && ownership->contended_since_ns > longest.start_ns &&
	    ownership->contended_since_ns <= longest.end_ns)
		longest.start_ns = ownership->contended_since_ns;
	if (hold_append(ownership, &hold))
		return -ENOMEM;
	return owner_note_hold(ownership, release, &longest);
}

int ownership_released(struct ownership *ownership, const struct lock_release *release)
{
	int r = 0;

	if (ownership->ambiguous)
		ownership->hold_count = 0;
	if (ownership->ambiguous)
		r = hold_append(ownership, &(struct hold){ .thread = release->thread,
							   .start_ns = release->since_ns,
							   .end_ns = release->time_ns,
							   .plausible = true });
	else
		r = claim(ownership, release, false);
	ownership->last_release_ns = release->time_ns;
	return r;
}

int ownership_woken(struct ownership *ownership, const struct lock_release *release)
{
	struct lock_owner *owner;
	struct hold *last;

	if (!ownership->hold_count)
		return 0;
	last = &ownership->holds[ownership->hold_count - 1];
	if (last->thread != release->thread || last->end_ns != ownership->last_release_ns)
		return 0;
	owner = owner_of(ownership, release->thread);
	if (!owner)
		return -ENOMEM;
	if (owner->longest.end_ns == last->end_ns) {
		owner->longest.end_ns = release->time_ns;
		if (!owner->longest.mode_known)
			owner->longest.released_read = release->read;
		owner->longest.stack_id = release->stack_id;
		if (!owner->longest.first_woken)
			owner->longest.first_woken = release->woken;
	}
	last->end_ns = ownership->last_release_ns = release->time_ns;
	return 0;
}

int ownership_named(struct ownership *ownership, const struct lock_release *holder)
{
	const struct named before = ownership->named;
	uint64_t start_ns = ownership->last_release_ns;
	bool start_exact = false;

	if (ownership->ambiguous)
		return 0;
	if (claim(ownership, holder, false))
		return -ENOMEM;
	if (holder->since_ns >= start_ns) {
		start_ns = holder->since_ns;
		start_exact = holder->since_exact;
	}
	if (before.thread == holder->thread && before.time_ns >= start_ns) {
		start_ns = before.start_ns;
		start_exact = before.start_exact;
	}
	ownership->named = (struct named){ holder->thread, start_ns, holder->time_ns, start_exact };
	return 0;
}

int ownership_named_alone(struct ownership *ownership, const struct lock_release *holder,
			  uint64_t start_ns, uint64_t end_ns)
{
	const struct lock_hold longest = {
		.start_ns = holder->since_ns > start_ns ? holder->since_ns : start_ns,
		.end_ns = end_ns,
		.start_exact = holder->since_exact && holder->since_ns > start_ns,
		.still_open = true,
		.released_read = holder->read,
		.stack_id = holder->stack_id,
	};
	struct hold hold = {
		.thread = holder->thread,
		.start_ns = holder->since_ns,
		.end_ns = holder->time_ns,
		.exact = holder->exact,
		.plausible = holder->plausible,
	};

	if (!ownership->ambiguous || longest.start_ns > end_ns)
		return 0;
	if (owner_note_hold(ownership, holder, &longest))
		return -ENOMEM;
	ownership->hold_count = 0;
	if (hold.end_ns > hold.start_ns && hold_append(ownership, &hold))
		return -ENOMEM;
	/* Of what came after the line nothing is known. */
	if (hold.start_ns < hold.end_ns)
		hold.start_ns = hold.end_ns;
	hold.end_ns = end_ns;
	hold.exact = false;
	hold.plausible = hold.counted = true;
	return hold.end_ns > hold.start_ns ? hold_append(ownership, &hold) : 0;
}

int ownership_held_at_end(struct ownership *ownership, const struct lock_release *holder)
{
	if (ownership->ambiguous)
		return 0;
	return claim(ownership, holder, true);
}

static int charge(struct ownership *ownership, const struct hold *hold, uint64_t blamed_ns)
{
	struct lock_owner *owner;

	if (!blamed_ns)
		return 0;
	owner = owner_of(ownership, hold->thread);
	if (!owner)
		return -ENOMEM;
	owner->blamed_ns += blamed_ns;
	if (hold->plausible)
		owner->plausible_ns += blamed_ns;
	if (hold->exact)
		owner->exact_ns += blamed_ns;
	return 0;
}

static int count_hold(struct ownership *ownership, struct hold *hold)
{
	struct lock_owner *owner;

	if (hold->counted || hold->end_ns - hold->start_ns < COUNTED_HOLD_NS)
		return 0;
	owner = owner_of(ownership, hold->thread);
	if (!owner)
		return -ENOMEM;
	hold->counted = true;
	owner->holds++;
	return 0;
}

static enum grade hold_grade(const struct hold *hold)
{
	if (hold->plausible)
		return GRADE_PLAUSIBLE;
	return hold->exact ? GRADE_EXACT : GRADE_STRONG;
}

/* Holds follow each other in time, so those of a wait are at the end of the list. */
static int charge_wait(struct ownership *ownership, const struct thread *waiter, uint64_t from_ns,
		       uint64_t to_ns, bool counts)
{
	const struct ownership_watcher *watcher = &ownership->watcher;
	const struct hold nobody = { .thread = NULL };
	uint64_t left_ns = to_ns - from_ns;

	for (size_t i = ownership->hold_count; i-- > 0 && left_ns;) {
		struct hold *hold = &ownership->holds[i];
		uint64_t start_ns = hold->start_ns > from_ns ? hold->start_ns : from_ns;
		uint64_t end_ns = hold->end_ns < to_ns ? hold->end_ns : to_ns;

		if (hold->end_ns <= from_ns)
			break;
		if (start_ns >= end_ns)
			continue;
		left_ns -= end_ns - start_ns;
		if (watcher->charged)
			watcher->charged(watcher->context, waiter, hold->thread, start_ns, end_ns,
					 hold_grade(hold));
		if (counts && (charge(ownership, hold, end_ns - start_ns) ||
			       count_hold(ownership, hold)))
			return -ENOMEM;
	}
	return counts ? charge(ownership, &nobody, left_ns) : 0;
}

int ownership_wait_closed(struct ownership *ownership, const struct thread *waiter,
			  uint64_t start_ns, uint64_t from_ns, uint64_t to_ns, bool counts)
{
	for (size_t i = 0; i < ownership->wait_count; i++) {
		if (ownership->waits[i].waiter != waiter || ownership->waits[i].start_ns != start_ns)
			continue;
		ownership->waits[i] = ownership->waits[--ownership->wait_count];
		break;
	}
	if (to_ns > from_ns && charge_wait(ownership, waiter, from_ns, to_ns, counts))
		return -ENOMEM;
	if (!ownership->wait_count || ownership->ambiguous)
		ownership->hold_count = 0;
	return 0;
}

static int by_blame(const void *left, const void *right)
{
	const struct lock_owner *a = left, *b = right;

	if (a->blamed_ns != b->blamed_ns)
		return a->blamed_ns < b->blamed_ns ? 1 : -1;
	if (!a->thread || !b->thread)
		return a->thread ? -1 : !!b->thread;
	return (a->thread->index > b->thread->index) - (a->thread->index < b->thread->index);
}

size_t ownership_owners(struct ownership *ownership, const struct lock_owner **ret_owners)
{
	if (ownership->owner_count)
		qsort(ownership->owners, ownership->owner_count, sizeof(*ownership->owners),
		      by_blame);
	*ret_owners = ownership->owners;
	return ownership->owner_count;
}
