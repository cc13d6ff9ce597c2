/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/locks/ownership.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/locks/ownership_private.h"
#include "analyzer/util/array.h"
#include "analyzer/util/span.h"

/* At so many holds those that no open wait can reach are dropped. */
#define HOLDS_PRUNE 4096u

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

int ownership_wait_opened(struct ownership *ownership, const struct thread *waiter,
			  uint64_t time_ns)
{
	struct member *member = per_thread_get(&ownership->members, waiter);

	if (!member || array_grow(ownership->waits, ownership->wait_count, ownership->wait_room))
		return -ENOMEM;
	/* A wait may become known late. */
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

static int drop_holds(struct ownership *ownership)
{
	if (ownership_settle(ownership))
		return -ENOMEM;
	hold_list_drop(&ownership->holds, ownership->holds.count);
	return 0;
}

/* Drop the holds that no open wait can reach. */
static int prune_holds(struct ownership *ownership)
{
	struct hold_list *holds = &ownership->holds;
	uint64_t oldest_ns = UINT64_MAX;

	if (ownership_settle(ownership))
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
	struct lock_owner *owner = ownership_owner(ownership, release->thread);

	if (!owner)
		return -ENOMEM;
	if (release->named_ns)
		owner->named_ns = release->named_ns;
	if (hold->end_ns - hold->start_ns >= owner->longest.end_ns - owner->longest.start_ns)
		owner->longest = *hold;
	return 0;
}

/*
 * A hold reaches back to the release before it, but not to a time when its thread was seen elsewhere. The
 * hold that is reported begins no earlier than somebody's waiting proves, unless its start was seen.
 */
static int claim_hold(struct ownership *ownership, const struct lock_release *release,
		      bool still_open)
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
	/* At that time another thread held it. */
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
	owner = ownership_owner(ownership, release->thread);
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
	if (drop_holds(ownership) || (hold.end_ns > hold.start_ns && append_hold(ownership, &hold)))
		return -ENOMEM;
	/* Nothing is known of the time after the line. */
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

int ownership_wait_closed(struct ownership *ownership, const struct thread *waiter,
			  uint64_t start_ns, uint64_t from_ns, uint64_t to_ns, bool counts)
{
	remove_wait(ownership, waiter, start_ns);
	if (to_ns > from_ns && ownership_charge(ownership, waiter, from_ns, to_ns, counts))
		return -ENOMEM;
	return !ownership->wait_count || ownership->ambiguous ? drop_holds(ownership) : 0;
}
