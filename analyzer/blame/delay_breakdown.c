/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/blame/delay_breakdown.h"

#include <errno.h>
#include <stdlib.h>

#define KINDS_MAX 32u /* of waits; those past them are few and short */
#define ROOTS_MAX 8u

struct root_sum {
	struct wait_chain_root root; /* the longest of its kind and thread */
	uint64_t ns;
};

struct wait_kind {
	struct delay_wait wait;
	uint32_t operation_id;
	struct root_sum roots[ROOTS_MAX];
	size_t root_count;
};

struct kinds {
	struct wait_kind kinds[KINDS_MAX];
	size_t count;
	struct wait_kind *now; /* whose piece is followed */
};

static int note_root(void *context, const struct wait_chain_root *root)
{
	struct wait_kind *kind = ((struct kinds *)context)->now;
	uint64_t length_ns = root->end_ns - root->start_ns;
	struct root_sum *sum = kind->roots;
	size_t i;

	for (i = 0; i < kind->root_count; i++, sum++)
		if (sum->root.kind == root->kind && sum->root.thread == root->thread)
			break;
	if (i == kind->root_count) {
		if (kind->root_count == ROOTS_MAX)
			return 0;
		kind->root_count++;
		*sum = (struct root_sum){ .root = *root };
	}
	if (length_ns > sum->root.end_ns - sum->root.start_ns)
		sum->root = *root;
	sum->ns += length_ns;
	return 0;
}

static struct wait_kind *kind_of(struct kinds *kinds, enum wait_class class,
				 const struct stack_info *fact)
{
	struct wait_kind *kind = kinds->kinds;

	/* Where it wanted a CPU says little. */
	for (size_t i = 0; i < kinds->count; i++, kind++)
		if (kind->wait.class == class &&
		    (class == WAIT_CPU_RUNQUEUE || kind->operation_id == fact->operation_id))
			return kind;
	if (kinds->count == KINDS_MAX)
		return NULL;
	kinds->count++;
	*kind = (struct wait_kind){ .wait = { .class = class, .operation = "" } };
	if (class != WAIT_CPU_RUNQUEUE) {
		kind->wait.operation = fact->operation;
		kind->operation_id = fact->operation_id;
	}
	return kind;
}

static int add_piece(struct kinds *kinds, struct wait_chain_walk *walk, struct thread *thread,
		     const struct history_piece *piece, uint64_t from_ns, uint64_t to_ns)
{
	const struct stack_info *fact = stack_infos_get(walk->stackfacts, piece->stack_id);
	struct delay_wait *wait;

	if (!fact)
		return -ENOMEM;
	kinds->now = kind_of(kinds, piece->class, fact);
	if (!kinds->now)
		return 0;
	wait = &kinds->now->wait;
	wait->waited_ns += to_ns - from_ns;
	wait->count += piece->interval_end || !wait->count;
	if (to_ns - from_ns > wait->longest_ns) {
		wait->longest_ns = to_ns - from_ns;
		wait->link = piece->link;
		wait->by = piece->by;
	}
	return wait_chain_follow_piece(walk, thread, piece, from_ns, to_ns);
}

static int by_waited(const void *left, const void *right)
{
	const struct wait_kind *a = left, *b = right;

	return (a->wait.waited_ns < b->wait.waited_ns) - (a->wait.waited_ns > b->wait.waited_ns);
}

static void take_waits(struct kinds *kinds, struct delay_breakdown *because)
{
	qsort(kinds->kinds, kinds->count, sizeof(*kinds->kinds), by_waited);
	for (size_t i = 0; i < kinds->count && i < BECAUSE_WAITS_MAX; i++) {
		const struct wait_kind *kind = &kinds->kinds[i];
		struct delay_wait *wait = &because->waits[because->wait_count++];

		*wait = kind->wait;
		for (size_t j = 0; j < kind->root_count; j++) {
			if (kind->roots[j].ns <= wait->root_ns)
				continue;
			wait->root = kind->roots[j].root;
			wait->root_ns = kind->roots[j].ns;
		}
	}
}

int delay_breakdown_tell(const struct wait_chain_walk *walk, const struct stack_table *stacks,
			 struct thread *thread, uint64_t start_ns, uint64_t end_ns,
			 struct delay_breakdown *ret_because)
{
	struct kinds *kinds = calloc(1, sizeof(*kinds));
	struct wait_chain_walk own = *walk;
	struct delay_breakdown because = { 0 };
	const struct history_piece *pieces;
	size_t count;
	int r = 0;

	if (!kinds)
		return -ENOMEM;
	own.root = note_root;
	own.context = kinds;
	count = history_pieces(walk->history, thread, &pieces);
	for (size_t i = history_at(walk->history, thread, start_ns);
	     i < count && pieces[i].start_ns < end_ns && !r; i++)
		if (pieces[i].state == THREAD_BLOCKED || pieces[i].state == THREAD_RUNNABLE)
			r = add_piece(kinds, &own, thread, &pieces[i],
				      pieces[i].start_ns > start_ns ? pieces[i].start_ns : start_ns,
				      pieces[i].end_ns < end_ns ? pieces[i].end_ns : end_ns);
	if (!r)
		r = history_profile(walk->history, stacks, thread, start_ns, end_ns,
				    &because.profile);
	if (!r) {
		take_waits(kinds, &because);
		*ret_because = because;
	}
	free(kinds);
	return r;
}

void delay_breakdown_free(struct delay_breakdown *because)
{
	cpu_profile_free(&because->profile);
}

/* A thread that is woken may be queued on another CPU than it was on: it is the one where it runs next. */
static uint32_t wanted_cpu(const struct history_piece *pieces, size_t count, size_t i)
{
	for (size_t j = i + 1; j < count && j < i + 3; j++)
		if (pieces[j].state == THREAD_RUNNING)
			return pieces[j].cpu;
	return pieces[i].cpu;
}

int delay_breakdown_wanted(const struct history *history, const struct thread *thread,
			   uint64_t start_ns, uint64_t end_ns, struct instead *instead)
{
	const struct history_piece *pieces;
	size_t count = history_pieces(history, thread, &pieces);
	int r = 0;

	for (size_t i = history_at(history, thread, start_ns);
	     i < count && pieces[i].start_ns < end_ns && !r; i++) {
		const struct history_piece *piece = &pieces[i];

		if (piece->state == THREAD_RUNNABLE)
			r = instead_span(instead,
					 piece->start_ns > start_ns ? piece->start_ns : start_ns,
					 piece->end_ns < end_ns ? piece->end_ns : end_ns,
					 wanted_cpu(pieces, count, i));
	}
	return r;
}
