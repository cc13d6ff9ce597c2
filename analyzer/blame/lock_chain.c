/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/blame/lock_chain.h"

#include <errno.h>
#include <stdlib.h>

#include "analyzer/activity/wake_root.h"
#include "analyzer/util/span.h"

/* A holder that waited for another one for this share of its hold is only a link. */
#define LINK_PERCENT 50u

#define OWNERS_MAX 16u /* of the locks that one thread waited for in one hold; more is no chain */

/* The thread that a holder waited for, for how long, and from when to when. */
struct awaited {
	struct thread *thread;
	struct contended_lock_link link;
	uint64_t start_ns, end_ns;
	uint32_t release_stack_id;
};

static void add_awaited(struct awaited *awaited, struct thread *waiter,
			const struct history_piece *piece)
{
	const uint64_t length_ns = piece->end_ns - piece->start_ns;
	const struct victim lost = { waiter, length_ns, length_ns, piece->start_ns };

	if (!awaited->start_ns)
		awaited->start_ns = piece->start_ns;
	awaited->thread = piece->by;
	awaited->end_ns = piece->end_ns;
	awaited->release_stack_id = piece->by_stack_id;
	awaited->link.thread = awaited->link.lost.thread = waiter;
	if (piece->link == LINK_OWNER_PLAUSIBLE)
		awaited->link.plausible_ns += length_ns;
	if (length_ns > awaited->link.lost.longest_ns)
		awaited->link.class = piece->class;
	victim_add(&awaited->link.lost, &lost);
}

/* Whom @thread waited for most, for a lock, from @start_ns to @end_ns. */
static struct awaited find_most_awaited(const struct history *history, struct thread *thread,
					uint64_t start_ns, uint64_t end_ns, uint64_t short_ns)
{
	struct awaited awaited[OWNERS_MAX] = { 0 }, best = { .thread = NULL };
	struct history_pieces pieces =
		history_walk_pieces(history, thread, start_ns, end_ns, short_ns);
	struct history_piece piece;
	size_t used = 0;

	while (history_next_piece(&pieces, &piece)) {
		size_t at = 0;

		if (!history_names_owner(&piece))
			continue;
		while (at < used && awaited[at].thread != piece.by)
			at++;
		if (at == OWNERS_MAX)
			continue;
		used += at == used;
		add_awaited(&awaited[at], thread, &piece);
	}
	for (size_t i = 0; i < used; i++)
		if (awaited[i].link.lost.blocked_ns > best.link.lost.blocked_ns)
			best = awaited[i];
	return best;
}

/*
 * The thread that should have taken what @thread had to give, for most of that time. A link to it is one over a wake-up, so
 * it is plausible.
 */
static struct awaited find_taker(const struct history *history, struct stack_infos *stack_infos,
				    struct thread *thread, uint64_t start_ns, uint64_t end_ns)
{
	const struct history_interval *wait =
		wake_root_wait_meanwhile(history, thread, start_ns, end_ns);
	struct wake_root root;
	struct victim lost;

	if (!wait || wait->direction != DIRECTION_GIVES)
		return (struct awaited){ .thread = NULL };
	root = wake_root_find(history, stack_infos, thread, wait);
	lost = (struct victim){ thread, wait->end_ns - wait->start_ns,
				wait->end_ns - wait->start_ns, wait->start_ns };
	return (struct awaited){
		.thread = root.end == WAKE_THREAD ? root.thread : NULL,
		.link = { .thread = thread,
			  .class = (enum wait_class)wait->class,
			  .lost = lost,
			  .plausible_ns = lost.blocked_ns },
		.start_ns = wait->start_ns,
		.end_ns = root.at_ns,
		.release_stack_id = root.stack_id,
	};
}

static bool is_visited(const struct contended_lock *contended, const struct thread *thread)
{
	for (size_t i = 0; i < contended->link_count; i++)
		if (contended->links[i].thread == thread)
			return true;
	return contended->owner.thread == thread;
}

void contended_lock_follow(struct contended_lock *contended, const struct history *history,
			   struct stack_infos *stack_infos, uint64_t short_ns)
{
	if (!contended->has_owner)
		return;
	contended->owner = contended->holder;
	contended->link_count = 0;
	while (contended->link_count < CONTENDED_LINKS_MAX) {
		struct lock_hold *hold = &contended->owner.longest;
		struct awaited awaited;

		awaited = find_most_awaited(history, contended->owner.thread, hold->start_ns,
					    hold->end_ns, short_ns);
		if (!awaited.thread)
			awaited = find_taker(history, stack_infos, contended->owner.thread,
					     hold->start_ns, hold->end_ns);
		if (!awaited.thread || is_visited(contended, awaited.thread) ||
		    !share_at_least(awaited.link.lost.blocked_ns, hold->end_ns - hold->start_ns,
				    LINK_PERCENT))
			return;
		contended->links[contended->link_count++] = awaited.link;
		contended->owner.thread = awaited.thread;
		contended->owner.exact_ns = 0;
		*hold = (struct lock_hold){
			.start_ns = awaited.start_ns,
			.end_ns = awaited.end_ns,
			.still_open = hold->still_open,
			.stack_id = awaited.release_stack_id,
			.first_woken = awaited.link.thread,
		};
		if (awaited.link.plausible_ns * 2 > awaited.link.lost.blocked_ns)
			contended->owner.plausible_ns = contended->owner.blamed_ns;
	}
}

/* Whether a link of @contended waits for @other. */
static bool leads_to(const struct contended_lock *contended, const struct contended_lock *other)
{
	for (size_t i = 0; i < contended->link_count; i++)
		if (contended_lock_victim(other, contended->links[i].thread))
			return true;
	return false;
}

static bool has_same_root(const struct contended_lock *contended,
			  const struct contended_lock *other)
{
	return other != contended && !other->merged && other->has_owner &&
	       other->owner.thread == contended->owner.thread && leads_to(contended, other);
}

/* The lock at the end of @contended's chain: its holder is the root. NULL: too little of the time
 * was lost to it. */
static struct contended_lock *find_root(struct contended_lock *locks, size_t count,
					const struct contended_lock *contended)
{
	for (size_t i = 0; i < count; i++)
		if (has_same_root(contended, &locks[i]) &&
		    locks[i].holder.thread == contended->owner.thread)
			return &locks[i];
	return NULL;
}

/* The victims of @other become @contended's. The owner is no victim of itself. */
static int move_victims(struct contended_lock *contended, struct contended_lock *other)
{
	for (size_t i = 0; i < other->victim_count; i++)
		if (other->victims[i].thread != contended->owner.thread &&
		    contended_lock_add_indirect(contended, &other->victims[i]))
			return -ENOMEM;
	other->merged = true;
	return 0;
}

static int join_lock(struct contended_lock *locks, size_t count, struct contended_lock *contended)
{
	struct contended_lock *root = find_root(locks, count, contended);
	int r = 0;

	for (size_t i = 0; i < count && !r && !root; i++)
		if (has_same_root(contended, &locks[i]))
			r = move_victims(contended, &locks[i]);
	if (!root)
		return r;
	if (root->link_count < contended->link_count) {
		for (size_t i = 0; i < contended->link_count; i++)
			root->links[i] = contended->links[i];
		root->link_count = contended->link_count;
		root->links_of_others = true;
	}
	return move_victims(root, contended);
}

/* Threads on the way are no victims yet where the lock that they waited for is not among the
 * contended ones. */
static int add_links(struct contended_lock *contended)
{
	for (size_t i = 0; i < contended->link_count; i++)
		if (!contended_lock_victim(contended, contended->links[i].thread) &&
		    contended_lock_add_indirect(contended, &contended->links[i].lost))
			return -ENOMEM;
	return 0;
}

static uint64_t sum_lost_ns(const struct contended_lock *contended)
{
	uint64_t ns = 0;

	for (size_t i = 0; i < contended->victim_count; i++)
		ns += contended->victims[i].blocked_ns;
	return ns;
}

static int compare_loss(const void *left, const void *right)
{
	const struct contended_lock *a = left, *b = right;
	uint64_t a_ns = sum_lost_ns(a), b_ns = sum_lost_ns(b);

	if (a->merged != b->merged)
		return a->merged - b->merged;
	return (a_ns < b_ns) - (a_ns > b_ns);
}

int contended_locks_join(struct contended_lock *locks, size_t count)
{
	bool joined = false;

	for (size_t i = 0; i < count; i++) {
		struct contended_lock *contended = &locks[i];

		if (contended->merged || !contended->link_count || contended->links_of_others)
			continue;
		if (join_lock(locks, count, contended))
			return -ENOMEM;
		joined = true;
	}
	if (!joined)
		return 0;
	for (size_t i = 0; i < count; i++) {
		if (!locks[i].merged && add_links(&locks[i]))
			return -ENOMEM;
		contended_lock_sort_victims(&locks[i]);
	}
	qsort(locks, count, sizeof(*locks), compare_loss);
	return 0;
}
