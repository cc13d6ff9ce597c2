/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/blame/root_cause.h"

#include "analyzer/activity/span_summary.h"
#include "analyzer/blame/blame_table.h"
#include "analyzer/blame/lock_chain.h"
#include "analyzer/blame/wait_chain.h"
#include "analyzer/util/span.h"

/* Steps of all walks together: some seconds at the very most. */
#define STEPS_MAX 100000000u

/* Owners that had a lock for less than such a part of the stall, and less than this in any case,
 * one after the other, had it in turns. */
#define SHORT_PARTS    20000u
#define SHORT_LEAST_NS 20000u

struct chains {
	const struct root_cause_context *context;
	const struct model *model;
	const struct history *history;
	struct wait_chain_walk walk;
	struct blame_table *blame;
	const struct thread *victim; /* whose wait is walked */
};

static int blame_root(void *context, const struct wait_chain_root *root)
{
	struct chains *chains = context;

	return blame_table_add(chains->blame, chains->victim, root);
}

/* As wait_stats.c has it; a futex is a lock only where its owner is proven. */
static bool is_hurting(const struct chains *chains, const struct history_piece *piece)
{
	uint64_t length_ns = piece->end_ns - piece->start_ns;

	if (piece->state == THREAD_RUNNABLE)
		return length_ns >= chains->context->long_ns;
	if (piece->state != THREAD_BLOCKED)
		return false;
	if (piece->class == WAIT_STOPPED && !chains->context->observations->target->count)
		return !piece->all_along;
	return !wait_direction_idle(piece->direction) || piece->link == LINK_OWNER ||
	       piece->link == LINK_OWNER_EXACT;
}

static int follow_victim(struct chains *chains, struct thread *thread)
{
	const struct stall *stall = chains->context->stall;
	struct history_pieces pieces = history_walk_pieces(chains->history, thread, stall->start_ns,
							   stall->end_ns, chains->walk.short_ns);
	struct history_piece piece;
	int r = 0;

	chains->victim = thread;
	while (!r && history_next_piece(&pieces, &piece))
		if (is_hurting(chains, &piece))
			r = wait_chain_follow_piece(&chains->walk, thread, &piece);
	return r;
}

/* Every wait of the target that hurts, to its root. */
static int follow_victims(struct chains *chains)
{
	const struct observations *observations = chains->context->observations;
	const struct threads *threads = source_threads(observations->source);
	int r = blame_table_create(&chains->blame);

	for (size_t i = 0; i < threads_count(threads) && !r; i++) {
		struct thread *thread = threads_at(threads, i);

		if (!thread->idle_task && target_counts(observations->target, thread))
			r = follow_victim(chains, thread);
	}
	return r;
}

static void note_losses(const struct chains *chains, struct contended_lock *contended)
{
	const uint64_t start_ns = chains->context->observations->start_ns;
	const struct lock_hold *hold = &contended->owner.longest;

	for (size_t i = 0; i < chains->model->coverage.gap_count; i++) {
		const struct model_gap *gap = &chains->model->coverage.gaps[i];

		if (start_ns + gap->start_ns >= hold->end_ns ||
		    start_ns + gap->end_ns <= hold->start_ns)
			continue;
		contended->lost_records += gap->records;
		contended->gaps++;
	}
}

static const struct lock *find_lock(const struct lock_tracker *locks,
				    const struct contended_lock *contended)
{
	for (size_t i = 0; i < lock_tracker_count(locks); i++) {
		const struct lock *lock = lock_tracker_at(locks, i);

		if (lock->class == contended->class && lock->address == contended->address &&
		    lock->tgid == contended->tgid)
			return lock;
	}
	return NULL;
}

/* What its owner did in the longest hold, and what it waited for. */
static int examine_owner(struct chains *chains, struct contended_lock *contended)
{
	const struct observations *observations = chains->context->observations;
	const struct lock_hold *hold = &contended->owner.longest;
	const struct history *history =
		observations_history(observations, hold->start_ns, hold->end_ns);
	struct wait_chain_walk walk = chains->walk;
	int r;

	if (!contended->has_owner)
		return 0;
	walk.history = history;
	note_losses(chains, contended);
	if (contended->class == WAIT_LOCK_USER)
		contended->turns =
			lock_turns_find(observations, &contended->owner,
					find_lock(observations->locks, contended));
	r = span_summary_read(history, source_stacks(observations->source),
			      observations->stack_infos, contended->owner.thread, hold->start_ns,
			      hold->end_ns, &contended->hold_summary);
	return r ? r
		 : delay_breakdown_find(&walk, source_stacks(observations->source),
					source_threads(observations->source),
					contended->owner.thread, hold->start_ns, hold->end_ns,
					&contended->hold_delays);
}

int root_cause_examine(const struct root_cause_context *context, struct contended_lock *locks,
		       size_t count, struct model *model)
{
	const struct observations *observations = context->observations;
	const struct stall *stall = context->stall;
	struct chains chains = { .context = context, .model = model };
	int r;

	chains.history = observations_history(observations, stall->start_ns, stall->end_ns);
	chains.walk = (struct wait_chain_walk){
		.history = chains.history,
		.short_ns = later((stall->end_ns - stall->start_ns) / SHORT_PARTS, SHORT_LEAST_NS),
		.stack_infos = observations->stack_infos,
		.root = blame_root,
		.context = &chains,
		.steps_left = STEPS_MAX,
	};
	for (size_t i = 0; i < count; i++)
		contended_lock_follow(&locks[i], chains.history, observations->stack_infos,
				      chains.walk.short_ns);
	r = follow_victims(&chains);
	chains.walk.steps_left = STEPS_MAX;
	for (size_t i = 0; i < count && !r; i++)
		r = examine_owner(&chains, &locks[i]);
	if (!r)
		r = contended_locks_join(locks, count);
	if (!r)
		r = blame_table_fill(chains.blame, chains.history,
				     source_stacks(observations->source), observations->stack_infos,
				     model);
	blame_table_destroy(chains.blame);
	return r;
}
