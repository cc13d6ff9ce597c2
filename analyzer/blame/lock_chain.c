/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/blame/lock_chain.h"

#include <errno.h>
#include <stdlib.h>

/* A holder that waited for another one for this share of its hold is only a link. */
#define LINK_PERCENT 50u

#define OWNERS_MAX 16u /* of the locks that one thread waited for in one hold; more is no chain */

/* Whom a holder waited for, for how long, and from when to when. */
struct awaited {
	struct thread *thread;
	struct contended_lock_link link;
	uint64_t start_ns, end_ns;
	uint32_t release_stack_id;
};

static bool is_owner(const struct history_piece *piece)
{
	return piece->state == THREAD_BLOCKED && history_of_owner(piece);
}

static void await_piece(struct awaited *awaited, struct thread *waiter,
			const struct history_piece *piece, uint64_t from_ns, uint64_t to_ns)
{
	struct victim *lost = &awaited->link.lost;

	if (!awaited->start_ns)
		awaited->start_ns = from_ns;
	awaited->thread = piece->by;
	awaited->end_ns = to_ns;
	awaited->release_stack_id = piece->by_stack_id;
	awaited->link.thread = lost->thread = waiter;
	lost->blocked_ns += to_ns - from_ns;
	if (piece->link == LINK_OWNER_PLAUSIBLE)
		awaited->link.plausible_ns += to_ns - from_ns;
	if (to_ns - from_ns <= lost->longest_ns)
		return;
	lost->longest_ns = to_ns - from_ns;
	lost->since_ns = from_ns;
	awaited->link.class = piece->class;
}

/* Whom @thread waited for most, for a lock, from @start_ns to @end_ns. */
static struct awaited most_awaited(const struct history *history, struct thread *thread,
				   uint64_t start_ns, uint64_t end_ns, uint64_t short_ns)
{
	struct awaited awaited[OWNERS_MAX] = { 0 }, best = { .thread = NULL };
	struct history_pieces pieces =
		history_walk_pieces(history, thread, start_ns, end_ns, short_ns);
	struct history_piece piece;
	size_t used = 0;

	while (history_next_piece(&pieces, &piece)) {
		size_t at = 0;

		if (!is_owner(&piece))
			continue;
		while (at < used && awaited[at].thread != piece.by)
			at++;
		if (at == OWNERS_MAX)
			continue;
		used += at == used;
		await_piece(&awaited[at], thread, &piece, piece.start_ns, piece.end_ns);
	}
	for (size_t i = 0; i < used; i++)
		if (awaited[i].link.lost.blocked_ns > best.link.lost.blocked_ns)
			best = awaited[i];
	return best;
}

static bool visited(const struct contended_lock *suspect, const struct thread *thread)
{
	for (size_t i = 0; i < suspect->link_count; i++)
		if (suspect->links[i].thread == thread)
			return true;
	return suspect->owner.thread == thread;
}

void contended_lock_follow(struct contended_lock *suspect, const struct history *history,
			   uint64_t short_ns)
{
	if (!suspect->has_owner)
		return;
	suspect->owner = suspect->holder;
	suspect->link_count = 0;
	while (suspect->link_count < SUSPECT_LINKS_MAX) {
		struct lock_hold *hold = &suspect->owner.longest;
		struct awaited awaited;

		awaited = most_awaited(history, suspect->owner.thread, hold->start_ns, hold->end_ns,
				       short_ns);
		if (!awaited.thread || visited(suspect, awaited.thread) ||
		    awaited.link.lost.blocked_ns * 100 <
			    (hold->end_ns - hold->start_ns) * LINK_PERCENT)
			return;
		suspect->links[suspect->link_count++] = awaited.link;
		suspect->owner.thread = awaited.thread;
		suspect->owner.exact_ns = 0;
		*hold = (struct lock_hold){
			.start_ns = awaited.start_ns,
			.end_ns = awaited.end_ns,
			.still_open = hold->still_open,
			.stack_id = awaited.release_stack_id,
			.first_woken = awaited.link.thread,
		};
		if (awaited.link.plausible_ns * 2 > awaited.link.lost.blocked_ns)
			suspect->owner.plausible_ns = suspect->owner.blamed_ns;
	}
}

/* Whether one of @suspect's links waits for @other. */
static bool leads_to(const struct contended_lock *suspect, const struct contended_lock *other)
{
	for (size_t i = 0; i < suspect->link_count; i++)
		if (contended_lock_victim(other, suspect->links[i].thread))
			return true;
	return false;
}

static bool same_root(const struct contended_lock *suspect, const struct contended_lock *other)
{
	return other != suspect && !other->told_elsewhere && other->has_owner &&
	       other->owner.thread == suspect->owner.thread && leads_to(suspect, other);
}

/* The suspect that @suspect's chain ends at: its holder is the root. NULL where too little of the time was lost to it. */
static struct contended_lock *root_of(struct contended_lock *suspects, size_t count,
				      const struct contended_lock *suspect)
{
	for (size_t i = 0; i < count; i++)
		if (same_root(suspect, &suspects[i]) &&
		    suspects[i].holder.thread == suspect->owner.thread)
			return &suspects[i];
	return NULL;
}

/* The victims of @other are told as @suspect's; the owner is no victim of itself. */
static int take_victims(struct contended_lock *suspect, struct contended_lock *other)
{
	for (size_t i = 0; i < other->victim_count; i++)
		if (other->victims[i].thread != suspect->owner.thread &&
		    contended_lock_add_indirect(suspect, &other->victims[i]))
			return -ENOMEM;
	other->told_elsewhere = true;
	return 0;
}

static int join(struct contended_lock *suspects, size_t count, struct contended_lock *suspect)
{
	struct contended_lock *root = root_of(suspects, count, suspect);
	int r = 0;

	for (size_t i = 0; i < count && !r && !root; i++)
		if (same_root(suspect, &suspects[i]))
			r = take_victims(suspect, &suspects[i]);
	if (!root)
		return r;
	if (root->link_count < suspect->link_count) {
		for (size_t i = 0; i < suspect->link_count; i++)
			root->links[i] = suspect->links[i];
		root->link_count = suspect->link_count;
		root->links_of_others = true;
	}
	return take_victims(root, suspect);
}

/* Those on the way who are nobody's victim yet, as what they waited for is no suspect. */
static int take_links(struct contended_lock *suspect)
{
	for (size_t i = 0; i < suspect->link_count; i++)
		if (!contended_lock_victim(suspect, suspect->links[i].thread) &&
		    contended_lock_add_indirect(suspect, &suspect->links[i].lost))
			return -ENOMEM;
	return 0;
}

static uint64_t lost_ns(const struct contended_lock *suspect)
{
	uint64_t ns = 0;

	for (size_t i = 0; i < suspect->victim_count; i++)
		ns += suspect->victims[i].blocked_ns;
	return ns;
}

static int by_loss(const void *left, const void *right)
{
	const struct contended_lock *a = left, *b = right;
	uint64_t a_ns = lost_ns(a), b_ns = lost_ns(b);

	if (a->told_elsewhere != b->told_elsewhere)
		return a->told_elsewhere - b->told_elsewhere;
	return (a_ns < b_ns) - (a_ns > b_ns);
}

int contended_locks_join(struct contended_lock *suspects, size_t count)
{
	bool joined = false;

	for (size_t i = 0; i < count; i++) {
		struct contended_lock *suspect = &suspects[i];

		if (suspect->told_elsewhere || !suspect->link_count || suspect->links_of_others)
			continue;
		if (join(suspects, count, suspect))
			return -ENOMEM;
		joined = true;
	}
	if (!joined)
		return 0;
	for (size_t i = 0; i < count; i++) {
		if (!suspects[i].told_elsewhere && take_links(&suspects[i]))
			return -ENOMEM;
		contended_lock_sort_victims(&suspects[i]);
	}
	qsort(suspects, count, sizeof(*suspects), by_loss);
	return 0;
}
