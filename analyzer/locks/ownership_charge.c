/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waits are cut along the holds of their lock, and charged to the holds' owners.
 */
#include "analyzer/locks/ownership_private.h"

#include <errno.h>
#include <stdlib.h>

#include "analyzer/util/array.h"
#include "analyzer/util/span.h"

/* Shorter holds are hand-offs, and not counted. */
#define COUNTED_HOLD_NS 1000000u

static uint32_t *get_owner_place(struct ownership *ownership, const struct thread *thread)
{
	struct member *member;

	if (!thread)
		return &ownership->nobody_place;
	member = per_thread_get(&ownership->members, thread);
	return member ? &member->owner_place : NULL;
}

struct lock_owner *ownership_owner(struct ownership *ownership, struct thread *thread)
{
	uint32_t *place = get_owner_place(ownership, thread);

	if (!place)
		return NULL;
	if (*place)
		return &ownership->owners[*place - 1];
	if (array_grow(ownership->owners, ownership->owner_count, ownership->owner_room))
		return NULL;
	ownership->owners[ownership->owner_count++] = (struct lock_owner){ .thread = thread };
	*place = (uint32_t)ownership->owner_count;
	return &ownership->owners[ownership->owner_count - 1];
}

static int charge_owner(struct ownership *ownership, const struct hold *hold, uint64_t blamed_ns)
{
	struct lock_owner *owner;

	if (!blamed_ns)
		return 0;
	owner = ownership_owner(ownership, hold->thread);
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
	owner = ownership_owner(ownership, hold->thread);
	if (!owner)
		return -ENOMEM;
	hold->counted = true;
	owner->holds++;
	return 0;
}

static int charge_hold(struct ownership *ownership, struct hold *hold, uint64_t blamed_ns)
{
	if (!blamed_ns)
		return 0;
	return charge_owner(ownership, hold, blamed_ns) ? -ENOMEM : count_hold(ownership, hold);
}

int ownership_settle(struct ownership *ownership)
{
	struct hold_list *holds = &ownership->holds;
	int64_t waits = 0;

	holds->steps += holds->count;
	for (size_t i = 0; i < holds->count; i++) {
		struct hold *hold = &holds->holds[i];

		waits += hold->wait_step;
		hold->wait_step = 0;
		if (charge_hold(ownership, hold, (hold->end_ns - hold->start_ns) * (uint64_t)waits))
			return -ENOMEM;
	}
	return 0;
}

static enum grade hold_grade(const struct hold *hold)
{
	if (hold->plausible)
		return GRADE_PLAUSIBLE;
	return hold->exact ? GRADE_EXACT : GRADE_STRONG;
}

/* The part of a wait that is charged, and the holds that it overlaps. */
struct charged_wait {
	const struct thread *waiter;
	uint64_t from_ns, to_ns;
	size_t first, last;
};

static uint64_t piece_ns(const struct charged_wait *wait, const struct hold *hold)
{
	return earlier(hold->end_ns, wait->to_ns) - later(hold->start_ns, wait->from_ns);
}

/* Index of the first of the holds up to @last that are told as one piece. */
static size_t find_piece_first(struct ownership *ownership, const struct charged_wait *wait,
			       size_t last, uint64_t short_ns)
{
	struct hold_list *holds = &ownership->holds;
	const struct hold *list = holds->holds;
	size_t first;

	if (last == wait->first || piece_ns(wait, &list[last]) >= short_ns)
		return last;
	first = hold_list_run(holds, wait->first + 1, last, short_ns);
	if (first == wait->first + 1 && list[first].start_ns == list[wait->first].end_ns &&
	    piece_ns(wait, &list[wait->first]) < short_ns)
		first = wait->first;
	return first;
}

static void tell_pieces(struct ownership *ownership, const struct charged_wait *wait)
{
	const struct ownership_watcher *watcher = &ownership->watcher;
	const struct hold *holds = ownership->holds.holds;
	uint64_t short_ns = watcher->short_ns ? *watcher->short_ns : 0;
	size_t first;

	if (wait->to_ns - wait->from_ns < short_ns)
		short_ns = 0;
	for (size_t last = wait->last + 1; last-- > wait->first; last = first) {
		const struct hold *hold = &holds[last];

		ownership->holds.steps++;
		first = find_piece_first(ownership, wait, last, short_ns);
		watcher->charged(watcher->context, wait->waiter, first < last ? NULL : hold->thread,
				 later(holds[first].start_ns, wait->from_ns),
				 earlier(hold->end_ns, wait->to_ns), hold_grade(hold));
	}
}

/* Of several the latest. */
static void tell_longest_piece(struct ownership *ownership, const struct charged_wait *wait)
{
	const struct ownership_watcher *watcher = &ownership->watcher;
	const struct hold *holds = ownership->holds.holds, *longest = &holds[wait->last];

	if (wait->last - wait->first > 1) {
		size_t between =
			hold_list_longest(&ownership->holds, wait->first + 1, wait->last - 1);

		if (piece_ns(wait, &holds[between]) > piece_ns(wait, longest))
			longest = &holds[between];
	}
	if (piece_ns(wait, &holds[wait->first]) > piece_ns(wait, longest))
		longest = &holds[wait->first];
	watcher->longest(watcher->context, wait->waiter, longest->thread,
			 later(longest->start_ns, wait->from_ns),
			 earlier(longest->end_ns, wait->to_ns), hold_grade(longest));
}

static void tell_wait(struct ownership *ownership, const struct charged_wait *wait)
{
	const struct ownership_watcher *watcher = &ownership->watcher;

	if (watcher->wants && !watcher->wants(watcher->context, wait->waiter))
		return;
	if (watcher->charged)
		tell_pieces(ownership, wait);
	if (watcher->longest)
		tell_longest_piece(ownership, wait);
}

/*
 * The holds at both ends of the wait are charged now: it may have only a part of them, and the last may
 * grow. Those between are charged by ownership_settle().
 */
static int charge_holds(struct ownership *ownership, const struct charged_wait *wait,
			uint64_t *ret_charged_ns)
{
	struct hold *first = &ownership->holds.holds[wait->first];
	struct hold *last = &ownership->holds.holds[wait->last];

	*ret_charged_ns = piece_ns(wait, first);
	if (charge_hold(ownership, first, *ret_charged_ns))
		return -ENOMEM;
	if (first == last)
		return 0;
	*ret_charged_ns += piece_ns(wait, last) + last->held_before_ns - first[1].held_before_ns;
	first[1].wait_step++;
	last->wait_step--;
	return charge_hold(ownership, last, piece_ns(wait, last));
}

int ownership_charge(struct ownership *ownership, const struct thread *waiter, uint64_t from_ns,
		     uint64_t to_ns, bool counts)
{
	struct hold_list *holds = &ownership->holds;
	struct charged_wait wait = { waiter, from_ns, to_ns, 0, 0 };
	const struct hold nobody = { .thread = NULL };
	uint64_t charged_ns = 0;
	size_t end = hold_list_starting_before(holds, to_ns);

	wait.first = hold_list_ending_after(holds, from_ns);
	if (end && holds->holds[end - 1].start_ns == holds->holds[end - 1].end_ns)
		end--;
	if (wait.first < end) {
		wait.last = end - 1;
		tell_wait(ownership, &wait);
		if (counts && charge_holds(ownership, &wait, &charged_ns))
			return -ENOMEM;
	}
	return counts ? charge_owner(ownership, &nobody, to_ns - from_ns - charged_ns) : 0;
}

static int compare_blame(const void *left, const void *right)
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
	/* Each hold's thread is an owner already: no memory is needed. */
	ownership_settle(ownership);
	if (ownership->owner_count)
		qsort(ownership->owners, ownership->owner_count, sizeof(*ownership->owners),
		      compare_blame);
	for (size_t i = 0; i < ownership->owner_count; i++)
		*get_owner_place(ownership, ownership->owners[i].thread) = (uint32_t)i + 1;
	*ret_owners = ownership->owners;
	return ownership->owner_count;
}
