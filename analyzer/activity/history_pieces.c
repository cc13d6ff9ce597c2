/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The walk over a thread's past in pieces: a wait for a lock is cut where the lock's owner changes.
 */
#include "analyzer/activity/history_private.h"

#include "analyzer/util/span.h"

bool history_names_owner(const struct history_piece *piece)
{
	return piece->link == LINK_OWNER || piece->link == LINK_OWNER_EXACT ||
	       piece->link == LINK_OWNER_PLAUSIBLE;
}

struct history_pieces history_walk_pieces(const struct history *history,
					  const struct thread *thread, uint64_t from_ns,
					  uint64_t to_ns, uint64_t short_ns)
{
	return (struct history_pieces){
		.history = history,
		.cursor = history_walk(history, thread, from_ns, to_ns),
		.short_ns = short_ns,
	};
}

static enum history_link choose_link(const struct history_charge *charge)
{
	if (!charge->owner)
		return LINK_IN_TURNS;
	switch (charge->grade) {
	case GRADE_EXACT:
		return LINK_OWNER_EXACT;
	case GRADE_STRONG:
		return LINK_OWNER;
	default:
		return LINK_OWNER_PLAUSIBLE;
	}
}

/* The links that need no owner of a lock. */
static void fill_link(const struct history_pieces *pieces, struct history_piece *piece)
{
	const struct history_interval *interval = pieces->interval;
	struct thread *waker = history_waker(pieces->history, interval);

	if (interval->flags & INTERVAL_STILL_OPEN) {
		piece->link = LINK_OPEN;
	} else if (wait_class_lock((enum wait_class)interval->class)) {
		piece->link = LINK_NONE; /* who wakes a waiter of a lock need not have held it */
	} else if (interval->waker_in_interrupt || (waker && waker->idle_task)) {
		piece->link = LINK_INTERRUPT;
	} else if (waker) {
		piece->link = LINK_WAKER;
		piece->by = waker;
		piece->by_stack_id = interval->waker_stack_id;
	}
}

/* Read the charge of the next owner. Owners in turns are nobody. */
static bool read_next_charge(struct history_pieces *pieces, struct history_charge *ret_charge)
{
	const struct history_lock_wait *wait = &pieces->wait;
	struct history_charge charge;

	if (pieces->charge == wait->charge_count)
		return false;
	charge = wait->charges[pieces->charge++];
	while (pieces->charge < wait->charge_count &&
	       history_charges_in_turns(&charge, &wait->charges[pieces->charge],
					pieces->short_ns)) {
		charge.end_ns = wait->charges[pieces->charge++].end_ns;
		charge.owner = NULL;
	}
	*ret_charge = charge;
	return true;
}

static bool begin_interval(struct history_pieces *pieces)
{
	pieces->interval = history_next(&pieces->cursor, &pieces->at_ns, &pieces->to_ns);
	pieces->charge = 0;
	pieces->wait.charge_count = 0;
	if (pieces->interval)
		history_lock_wait(pieces->history, pieces->interval, &pieces->wait);
	return pieces->interval;
}

/* Cut the next piece off the interval: it ends where the lock's owner changes. */
static void cut_piece(struct history_pieces *pieces, struct history_piece *piece)
{
	const struct history_interval *interval = pieces->interval;
	size_t before = pieces->charge;
	struct history_charge charge;

	while (read_next_charge(pieces, &charge)) {
		if (charge.end_ns <= pieces->at_ns) {
			before = pieces->charge;
			continue;
		}
		if (charge.start_ns >= pieces->to_ns)
			break;
		if (charge.start_ns > pieces->at_ns) {
			pieces->charge = before;
			piece->end_ns = charge.start_ns;
			break;
		}
		piece->end_ns = earlier(charge.end_ns, pieces->to_ns);
		piece->by = charge.owner;
		piece->link = choose_link(&charge);
		break;
	}
	piece->interval_end = piece->end_ns == interval->end_ns;
	if (piece->by && piece->interval_end && history_names_owner(piece) &&
	    piece->by == history_waker(pieces->history, interval))
		piece->by_stack_id = interval->waker_stack_id;
}

bool history_next_piece(struct history_pieces *pieces, struct history_piece *ret_piece)
{
	const unsigned int all_along = INTERVAL_BEGAN_BEFORE | INTERVAL_STILL_OPEN;
	struct history_piece piece;

	if (!pieces->interval && !begin_interval(pieces))
		return false;
	piece = (struct history_piece){
		.start_ns = pieces->at_ns,
		.end_ns = pieces->to_ns,
		.stack_id = pieces->interval->stack_id,
		.by_stack_id = STACK_NONE,
		.cpu = pieces->interval->cpu,
		.state = pieces->interval->state,
		.class = pieces->interval->class,
		.direction = pieces->interval->direction,
		.all_along = (pieces->interval->flags & all_along) == all_along,
	};
	if (piece.state == THREAD_BLOCKED)
		fill_link(pieces, &piece);
	cut_piece(pieces, &piece);
	pieces->at_ns = piece.end_ns;
	if (pieces->at_ns >= pieces->to_ns)
		pieces->interval = NULL;
	*ret_piece = piece;
	return true;
}
