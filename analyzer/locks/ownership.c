/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/locks/ownership.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/locks/hold_list.h"
#include "analyzer/trace/per_thread.h"
#include "analyzer/util/span.h"

/* Above this many holds the ones that no open wait can reach are dropped. */
#define HOLDS_PRUNE 4096u

/* Shorter holds are hand-offs: they are not counted. */
#define COUNTED_HOLD_NS 1000000u

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

/* Places count from 1; 0: none. */
struct member {
	uint32_t wait_place;	/* of its open wait */
	uint32_t owner_place;
};

struct ownership {
	struct ownership_watcher watcher;
	bool ambiguous;
	uint64_t last_release_ns;
	uint64_t contended_since_ns;	/* somebody has waited without pause since then */
	struct named named;		/* the last one; stale where something was released since */
	struct open_wait *waits;
	size_t wait_count, wait_room;
	struct hold_list holds;		/* since the oldest open wait at least */
	size_t prune_at;
	struct per_thread members;	/* struct member */
	uint32_t nobody_place;		/* of the owner that is nobody */
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
	ownership->members.entry_bytes = sizeof(struct member);
	*ret_ownership = ownership;
	return 0;
}

void ownership_destroy(struct ownership *ownership)
{
	if (!ownership)
		return;
	free(ownership->waits);
	hold_list_free(&ownership->holds);
	per_thread_free(&ownership->members);
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

uint64_t ownership_steps(const struct ownership *ownership)
{
	return ownership->holds.steps;
}

int ownership_wait_opened(struct ownership *ownership, const struct thread *waiter, uint64_t time_ns)
{
	struct member *member = per_thread_get(&ownership->members, waiter);

	if (!member || grow((void **)&ownership->waits, ownership->wait_count, &ownership->wait_room,
			    sizeof(*ownership->waits)))
		return -ENOMEM;
	/* It may be told late. */
	if (!ownership->wait_count || time_ns < ownership->contended_since_ns)
		ownership->contended_since_ns = time_ns;
	ownership->waits[ownership->wait_count++] =
		(struct open_wait){ .waiter = waiter, .start_ns = time_ns };
	member->wait_place = (uint32_t)ownership->wait_count;
	return 0;
}

static void remove_wait(struct ownership *ownership, const struct thread *waiter, uint64_t start_ns)
{
	struct member *member = per_thread_find(&ownership->members, waiter);
	struct member *moved_member;
	struct open_wait *wait;

	if (!member || !member->wait_place)
		return;
	wait = &ownership->waits[member->wait_place - 1];
	if (wait->start_ns != start_ns)
		return;
	*wait = ownership->waits[--ownership->wait_count];
	moved_member = per_thread_find(&ownership->members, wait->waiter);
	moved_member->wait_place = member->wait_place;
	member->wait_place = 0;
}

static uint32_t *owner_place(struct ownership *ownership, const struct thread *thread)
{
	struct member *member;

	if (!thread)
		return &ownership->nobody_place;
	member = per_thread_get(&ownership->members, thread);
	return member ? &member->owner_place : NULL;
}

/* @thread: NULL for nobody. NULL on lack of memory. */
static struct lock_owner *get_owner(struct ownership *ownership, struct thread *thread)
{
	uint32_t *place = owner_place(ownership, thread);

	if (!place)
		return NULL;
	if (*place)
		return &ownership->owners[*place - 1];
	if (grow((void **)&ownership->owners, ownership->owner_count, &ownership->owner_room,
		 sizeof(*ownership->owners)))
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
	owner = get_owner(ownership, hold->thread);
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
	owner = get_owner(ownership, hold->thread);
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

/* Charge each hold for the waits that span it wholly. Before holds are dropped, or owners are asked for. */
static int settle_holds(struct ownership *ownership)
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

static int drop_holds(struct ownership *ownership)
{
	if (settle_holds(ownership))
		return -ENOMEM;
	hold_list_drop(&ownership->holds, ownership->holds.count);
	return 0;
}

/* Drop the holds that no open wait can reach. */
static int prune_holds(struct ownership *ownership)
{
	struct hold_list *holds = &ownership->holds;
	uint64_t oldest_ns = UINT64_MAX;

	if (settle_holds(ownership))
		return -ENOMEM;
	holds->steps += ownership->wait_count;
	for (size_t i = 0; i < ownership->wait_count; i++)
		oldest_ns = earlier(oldest_ns, ownership->waits[i].start_ns);
	hold_list_drop(holds, hold_list_ending_after(holds, oldest_ns));
	/* What it costs is paid by as many holds to come. */
	ownership->prune_at = later(later(holds->count * 2, ownership->wait_count), HOLDS_PRUNE);
	return 0;
}

static int append_hold(struct ownership *ownership, const struct hold *hold)
{
	struct hold_list *holds = &ownership->holds;

	if (holds->count) {
		const struct hold *last = &holds->holds[holds->count - 1];

		if (last->thread == hold->thread && last->end_ns == hold->start_ns &&
		    last->plausible == hold->plausible && last->exact == hold->exact) {
			hold_list_extend(holds, hold->end_ns);
			return 0;
		}
	}
	if (holds->count >= ownership->prune_at && prune_holds(ownership))
		return -ENOMEM;
	return hold_list_append(holds, hold);
}

static int note_longest_hold(struct ownership *ownership, const struct lock_release *release,
			   const struct lock_hold *hold)
{
	struct lock_owner *owner = get_owner(ownership, release->thread);

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
static int claim_hold(struct ownership *ownership, const struct lock_release *release, bool still_open)
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
	if (append_hold(ownership, &hold))
		return -ENOMEM;
	return note_longest_hold(ownership, release, &longest);
}

int ownership_released(struct ownership *ownership, const struct lock_release *release)
{
	int r;

	if (ownership->ambiguous)
		r = drop_holds(ownership);
	else
		r = claim_hold(ownership, release, false);
	if (ownership->ambiguous && !r)
		r = append_hold(ownership, &(struct hold){ .thread = release->thread,
							   .start_ns = release->since_ns,
							   .end_ns = release->time_ns,
							   .plausible = true });
	ownership->last_release_ns = release->time_ns;
	return r;
}

int ownership_woken(struct ownership *ownership, const struct lock_release *release)
{
	struct lock_owner *owner;
	const struct hold *last;

	if (!ownership->holds.count)
		return 0;
	last = &ownership->holds.holds[ownership->holds.count - 1];
	if (last->thread != release->thread || last->end_ns != ownership->last_release_ns)
		return 0;
	owner = get_owner(ownership, release->thread);
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
	ownership->last_release_ns = release->time_ns;
	hold_list_extend(&ownership->holds, release->time_ns);
	return 0;
}

int ownership_named(struct ownership *ownership, const struct lock_release *holder)
{
	const struct named before = ownership->named;
	uint64_t start_ns = ownership->last_release_ns;
	bool start_exact = false;

	if (ownership->ambiguous)
		return 0;
	if (claim_hold(ownership, holder, false))
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
	if (note_longest_hold(ownership, holder, &longest))
		return -ENOMEM;
	if (drop_holds(ownership) ||
	    (hold.end_ns > hold.start_ns && append_hold(ownership, &hold)))
		return -ENOMEM;
	/* Of what came after the line nothing is known. */
	if (hold.start_ns < hold.end_ns)
		hold.start_ns = hold.end_ns;
	hold.end_ns = end_ns;
	hold.exact = false;
	hold.plausible = hold.counted = true;
	return hold.end_ns > hold.start_ns ? append_hold(ownership, &hold) : 0;
}

int ownership_held_at_end(struct ownership *ownership, const struct lock_release *holder)
{
	if (ownership->ambiguous)
		return 0;
	return claim_hold(ownership, holder, true);
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
static size_t piece_first(struct ownership *ownership, const struct charged_wait *wait, size_t last,
			  uint64_t short_ns)
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
		first = piece_first(ownership, wait, last, short_ns);
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
		size_t between = hold_list_longest(&ownership->holds, wait->first + 1, wait->last - 1);

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
 * grow. Those between are charged by settle_holds().
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

static int charge_wait(struct ownership *ownership, const struct thread *waiter, uint64_t from_ns,
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

int ownership_wait_closed(struct ownership *ownership, const struct thread *waiter,
			  uint64_t start_ns, uint64_t from_ns, uint64_t to_ns, bool counts)
{
	remove_wait(ownership, waiter, start_ns);
	if (to_ns > from_ns && charge_wait(ownership, waiter, from_ns, to_ns, counts))
		return -ENOMEM;
	return !ownership->wait_count || ownership->ambiguous ? drop_holds(ownership) : 0;
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
	settle_holds(ownership);
	if (ownership->owner_count)
		qsort(ownership->owners, ownership->owner_count, sizeof(*ownership->owners),
		      compare_blame);
	for (size_t i = 0; i < ownership->owner_count; i++)
		*owner_place(ownership, ownership->owners[i].thread) = (uint32_t)i + 1;
	*ret_owners = ownership->owners;
	return ownership->owner_count;
}
