/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/blame/delay_breakdown.h"

#include <errno.h>
#include <stdlib.h>

#include "analyzer/util/span.h"

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

static struct wait_kind *get_kind(struct kinds *kinds, enum wait_class class,
				  const struct stack_info *info)
{
	struct wait_kind *kind = kinds->kinds;

	/* Where it wanted a CPU says little. */
	for (size_t i = 0; i < kinds->count; i++, kind++)
		if (kind->wait.class == class &&
		    (class == WAIT_CPU_RUNQUEUE || kind->operation_id == info->operation_id))
			return kind;
	if (kinds->count == KINDS_MAX)
		return NULL;
	kinds->count++;
	*kind = (struct wait_kind){ .wait = { .class = class, .operation = "" } };
	if (class != WAIT_CPU_RUNQUEUE) {
		kind->wait.operation = info->operation;
		kind->operation_id = info->operation_id;
	}
	return kind;
}

static int add_piece(struct kinds *kinds, struct wait_chain_walk *walk, struct thread *thread,
		     const struct history_piece *piece)
{
	const uint64_t length_ns = piece->end_ns - piece->start_ns;
	const struct stack_info *info = stack_infos_get(walk->stack_infos, piece->stack_id);
	struct delay_wait *wait;

	if (!info)
		return -ENOMEM;
	kinds->now = get_kind(kinds, piece->class, info);
	if (!kinds->now)
		return 0;
	wait = &kinds->now->wait;
	wait->waited_ns += length_ns;
	wait->count += piece->interval_end || !wait->count;
	if (length_ns > wait->longest_ns) {
		wait->longest_ns = length_ns;
		wait->link = piece->link;
		wait->by = piece->by;
	}
	return wait_chain_follow_piece(walk, thread, piece);
}

static int compare_waited(const void *left, const void *right)
{
	const struct wait_kind *a = left, *b = right;

	return (a->wait.waited_ns < b->wait.waited_ns) - (a->wait.waited_ns > b->wait.waited_ns);
}

static void take_waits(struct kinds *kinds, struct delay_breakdown *delays)
{
	qsort(kinds->kinds, kinds->count, sizeof(*kinds->kinds), compare_waited);
	for (size_t i = 0; i < kinds->count && i < DELAY_WAITS_MAX; i++) {
		const struct wait_kind *kind = &kinds->kinds[i];
		struct delay_wait *wait = &delays->waits[delays->wait_count++];

		*wait = kind->wait;
		for (size_t j = 0; j < kind->root_count; j++) {
			if (kind->roots[j].ns <= wait->root_ns)
				continue;
			wait->root = kind->roots[j].root;
			wait->root_ns = kind->roots[j].ns;
		}
	}
}

/* It is worth knowing who ran instead of the thread from this share of the span on. */
#define WANTED_PERCENT 10u

static int find_occupants(const struct history *history, const struct threads *threads,
			  const struct thread *thread, uint64_t start_ns, uint64_t end_ns,
			  struct delay_breakdown *delays)
{
	struct cpu_span *spans;
	uint64_t wanted_ns = 0;
	size_t count;

	if (cpu_wanted_find(history, thread, start_ns, end_ns, &spans, &count))
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		wanted_ns += spans[i].end_ns - spans[i].start_ns;
	if (wanted_ns && share_at_least(wanted_ns, end_ns - start_ns, WANTED_PERCENT))
		delays->occupant_count = cpu_occupants_find(history, threads, spans, count,
							    delays->occupants, DELAY_OCCUPANTS_MAX);
	free(spans);
	return 0;
}

int delay_breakdown_find(const struct wait_chain_walk *walk, const struct stack_table *stacks,
			 const struct threads *threads, struct thread *thread, uint64_t start_ns,
			 uint64_t end_ns, struct delay_breakdown *ret_delays)
{
	struct kinds *kinds = calloc(1, sizeof(*kinds));
	struct wait_chain_walk own = *walk;
	struct delay_breakdown delays = { 0 };
	struct history_pieces pieces =
		history_walk_pieces(walk->history, thread, start_ns, end_ns, walk->short_ns);
	struct history_piece piece;
	int r = 0;

	if (!kinds)
		return -ENOMEM;
	own.root = note_root;
	own.context = kinds;
	while (!r && history_next_piece(&pieces, &piece))
		if (piece.state == THREAD_BLOCKED || piece.state == THREAD_RUNNABLE)
			r = add_piece(kinds, &own, thread, &piece);
	if (!r)
		r = cpu_profile_read(walk->history, stacks, thread, start_ns, end_ns,
				     &delays.profile);
	if (!r)
		r = find_occupants(walk->history, threads, thread, start_ns, end_ns, &delays);
	if (!r) {
		take_waits(kinds, &delays);
		*ret_delays = delays;
	}
	free(kinds);
	return r;
}

void delay_breakdown_free(struct delay_breakdown *delays)
{
	cpu_profile_free(&delays->profile);
}
