/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The holds of one lock in order of time, with the questions that charging a wait asks of them.
 *
 * A queue of n waiters is handed on n times, so each wait may span n holds. No question walks
 * along them: n is the number of holds in the costs below.
 */
#ifndef ANALYZER_LOCKS_HOLD_LIST_H
#define ANALYZER_LOCKS_HOLD_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyzer/trace/threads.h"

struct hold {
	struct thread *thread;
	uint64_t start_ns, end_ns;	/* only the last hold of a list may still grow */
	bool plausible, exact;
	bool counted;			/* in lock_owner.holds */
	/* The rest is the list's. */
	size_t run_first;		/* the first hold from which on all follow without a pause */
	uint64_t held_before_ns;	/* sum of the holds before it, and of those dropped */
	int64_t wait_step;		/* waits that span it wholly, less those that span the hold before it so */
};

/* Zeroed: empty. The holds do not overlap, and only the last may be of no length. */
struct hold_list {
	struct hold *holds;
	size_t count, room;		/* room: 0 or a power of two */
	uint32_t *longest;		/* tree of 2 * room nodes, root at 1: index of the longest hold */
	uint64_t steps;			/* holds and nodes looked at so far, which is what it costs */
};

void hold_list_free(struct hold_list *list);

/*
 * Add the part of @hold that is later than all of @list, in place of a last hold of no length. O(log n) on
 * average. 0 or -ENOMEM.
 */
int hold_list_append(struct hold_list *list, const struct hold *hold);

/* The last hold of @list, of at least one, ends at @end_ns, not before now. O(log n). */
void hold_list_extend(struct hold_list *list, uint64_t end_ns);

/* Forget the first @count holds. O(n). */
void hold_list_drop(struct hold_list *list, size_t count);

/* Index of the first hold that ends after @time_ns; the count where none does. O(log n). */
size_t hold_list_ending_after(struct hold_list *list, uint64_t time_ns);

/* Number of holds that start before @time_ns. O(log n). */
size_t hold_list_starting_before(struct hold_list *list, uint64_t time_ns);

/* Index of the longest hold from @first to @last, of several the latest. O(log n). */
size_t hold_list_longest(struct hold_list *list, size_t first, size_t last);

/*
 * Index of the earliest hold from @first on such that it and all up to @last, which is not
 * asked for its own length, are shorter than @short_ns and follow one another without a pause. O(log n).
 */
size_t hold_list_run(struct hold_list *list, size_t first, size_t last, uint64_t short_ns);

#endif
