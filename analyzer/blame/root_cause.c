/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/blame/root_cause.h"

#include <errno.h>

#include "analyzer/blame/blame_table.h"
#include "analyzer/blame/wait_chain.h"
#include "analyzer/activity/span_summary.h"
#include "analyzer/blame/lock_chain.h"

/* Steps of all walks together: some seconds at the very most. */
#define STEPS_MAX 100000000u

/* It is worth knowing who ran instead of a holder from this share of its hold on. */
#define WANTED_PERCENT 10u

struct chains {
	const struct root_cause_context *context;
	const struct model *model;
	struct contended_lock *suspects;
	size_t count;
	struct history *history;
	struct wait_chain_walk walk;
	struct blame_table *blame;
	const struct thread *victim; /* whose wait is walked */
	/* Who ran instead of each suspect's owner, and whether the next reading tells. */
	struct asked {
		const struct thread *owner;
		struct instead instead;
		bool pending;
	} asked[SUSPECTS_MAX];
};

static int blame_root(void *context, const struct wait_chain_root *root)
{
	struct chains *chains = context;

	return blame_table_add(chains->blame, chains->victim, root);
}

/* As account.c has it; a futex is a lock only where its owner is proven. */
static bool hurts(const struct chains *chains, const struct history_piece *piece)
{
	uint64_t length_ns = piece->end_ns - piece->start_ns;

	if (piece->state == THREAD_RUNNABLE)
		return length_ns >= chains->context->long_ns;
	if (piece->state != THREAD_BLOCKED)
		return false;
	if (piece->class == WAIT_STOPPED && !chains->context->target->count)
		return !piece->all_along;
	return !wait_class_idle(piece->class) || piece->link == LINK_OWNER ||
	       piece->link == LINK_OWNER_EXACT;
}

static int follow_victim(struct chains *chains, struct thread *thread)
{
	const struct stall *stall = chains->context->stall;
	const struct history_piece *pieces;
	size_t count = history_pieces(chains->history, thread, &pieces);
	int r = 0;

	chains->victim = thread;
	for (size_t i = history_at(chains->history, thread, stall->start_ns);
	     i < count && pieces[i].start_ns < stall->end_ns && !r; i++) {
		const struct history_piece *piece = &pieces[i];
		uint64_t from_ns = piece->start_ns, to_ns = piece->end_ns;

		if (from_ns < stall->start_ns)
			from_ns = stall->start_ns;
		if (to_ns > stall->end_ns)
			to_ns = stall->end_ns;
		if (hurts(chains, piece))
			r = wait_chain_follow_piece(&chains->walk, thread, piece, from_ns, to_ns);
	}
	return r;
}

/* Every wait of the target that hurts, to its root. */
static int follow_victims(struct chains *chains)
{
	const struct threads *threads = source_threads(chains->context->source);
	int r;

	blame_table_destroy(chains->blame);
	chains->blame = NULL;
	r = blame_table_create(&chains->blame);
	for (size_t i = 0; i < threads_count(threads) && !r; i++) {
		struct thread *thread = threads_at(threads, i);

		if (!thread->idle_task && target_counts(chains->context->target, thread))
			r = follow_victim(chains, thread);
	}
	return r;
}

static int ask(const struct chains *chains, const struct contended_lock *suspect,
	       struct asked *asked)
{
	const struct lock_hold *hold = &suspect->owner.longest;
	uint64_t wanted_ns = 0;
	int r;

	instead_free(&asked->instead);
	asked->owner = suspect->owner.thread;
	r = delay_breakdown_wanted(chains->history, asked->owner, hold->start_ns, hold->end_ns,
				   &asked->instead);
	for (size_t i = 0; i < asked->instead.count; i++)
		wanted_ns += asked->instead.spans[i].end_ns - asked->instead.spans[i].start_ns;
	asked->pending =
		wanted_ns && wanted_ns * 100 >= (hold->end_ns - hold->start_ns) * WANTED_PERCENT;
	if (!asked->pending)
		instead_free(&asked->instead);
	return r;
}

/* Where the owner is another since the last reading. */
static int ask_all(struct chains *chains, bool *ret_pending)
{
	int r = 0;

	*ret_pending = false;
	for (size_t i = 0; i < chains->count && !r; i++) {
		struct contended_lock *suspect = &chains->suspects[i];

		chains->asked[i].pending = false;
		if (suspect->has_owner && chains->asked[i].owner != suspect->owner.thread)
			r = ask(chains, suspect, &chains->asked[i]);
		*ret_pending = *ret_pending || chains->asked[i].pending;
	}
	return r;
}

static int instead_seen(void *context, const struct interval *interval)
{
	struct chains *chains = context;

	for (size_t i = 0; i < chains->count; i++)
		if (chains->asked[i].pending && instead_closed(&chains->asked[i].instead, interval))
			return -ENOMEM;
	return 0;
}

static int follow_all(struct chains *chains)
{
	int r = 0;

	chains->walk.steps_left = STEPS_MAX;
	for (size_t i = 0; i < chains->count && !r; i++)
		r = contended_lock_follow(&chains->suspects[i], chains->history);
	if (!r)
		r = follow_victims(chains);
	return r;
}

/* Each reading brings the threads that the one before has shown to be involved. */
static int read_all(struct chains *chains)
{
	struct source *source = chains->context->source;
	bool pending;
	int r = history_read(chains->history, source, NULL, NULL);

	if (!r)
		r = follow_all(chains);
	for (unsigned int readings = 1; readings < CHAINS_READINGS_MAX && !r; readings++) {
		r = ask_all(chains, &pending);
		if (r || (!history_missing(chains->history) && !pending))
			break;
		r = history_read(chains->history, source, instead_seen, chains);
		if (!r)
			r = follow_all(chains);
	}
	return r;
}

static int tell_hold(const struct chains *chains, struct contended_lock *suspect)
{
	struct thread *thread = suspect->owner.thread;
	const struct lock_hold *span = &suspect->owner.longest;
	const struct history_piece *pieces;
	const struct history_sample *samples;
	struct hold *hold = NULL;
	size_t count;
	int r = hold_create(source_stacks(chains->context->source), chains->context->stackfacts,
			    thread, span->start_ns, span->end_ns, &hold);

	count = history_pieces(chains->history, thread, &pieces);
	for (size_t i = 0; i < count && !r; i++)
		r = hold_closed(hold, &(struct interval){ .thread = thread,
							  .state = pieces[i].state,
							  .start_ns = pieces[i].start_ns,
							  .end_ns = pieces[i].end_ns,
							  .stack_id = pieces[i].stack_id });
	count = history_samples(chains->history, thread, &samples);
	for (size_t i = 0; i < count && !r; i++)
		r = hold_event(hold, &(struct event){ .raw = { .kind = FT_EVENT_SAMPLE,
							       .time_ns = samples[i].time_ns },
						      .thread = thread,
						      .stack_id = samples[i].stack_id });
	if (!r)
		r = hold_tell(hold, &suspect->story);
	hold_destroy(hold);
	return r;
}

static void note_losses(const struct chains *chains, struct contended_lock *suspect)
{
	const uint64_t start_ns = chains->context->start_ns;
	const struct lock_hold *hold = &suspect->owner.longest;

	for (size_t i = 0; i < chains->model->coverage.gap_count; i++) {
		const struct model_gap *gap = &chains->model->coverage.gaps[i];

		if (start_ns + gap->start_ns >= hold->end_ns ||
		    start_ns + gap->end_ns <= hold->start_ns)
			continue;
		suspect->lost_records += gap->records;
		suspect->gaps++;
	}
}

static int tell_suspect(struct chains *chains, struct contended_lock *suspect,
			struct instead *instead)
{
	const struct lock_hold *hold = &suspect->owner.longest;
	int r;

	if (!suspect->has_owner)
		return 0;
	note_losses(chains, suspect);
	r = tell_hold(chains, suspect);
	if (!r)
		r = delay_breakdown_tell(&chains->walk, source_stacks(chains->context->source),
					 suspect->owner.thread, hold->start_ns, hold->end_ns,
					 &suspect->because);
	if (!r)
		suspect->because.instead_count = instead_tell(instead, suspect->because.instead);
	return r;
}

/* The stall, and the holds that lead up to it. */
static int start_history(struct chains *chains)
{
	uint64_t start_ns = chains->context->stall->start_ns;
	uint64_t end_ns = chains->context->stall->end_ns;
	int r;

	for (size_t i = 0; i < chains->count; i++) {
		const struct lock_hold *hold = &chains->suspects[i].holder.longest;

		if (!chains->suspects[i].has_owner || hold->start_ns == hold->end_ns)
			continue;
		if (hold->start_ns < start_ns)
			start_ns = hold->start_ns;
		if (hold->end_ns > end_ns)
			end_ns = hold->end_ns;
	}
	r = history_create(chains->context->stackfacts, chains->context->futexes, start_ns, end_ns,
			   target_counts, chains->context->target, &chains->history);
	for (size_t i = 0; i < chains->count && !r; i++)
		if (chains->suspects[i].has_owner)
			r = history_watch(chains->history, chains->suspects[i].owner.thread);
	return r;
}

int root_cause_examine(const struct root_cause_context *context, struct contended_lock *suspects,
		       size_t count, struct model *model)
{
	struct chains chains = {
		.context = context, .model = model, .suspects = suspects, .count = count
	};
	int r = start_history(&chains);

	if (r)
		goto out;
	chains.walk = (struct wait_chain_walk){
		.history = chains.history,
		.stackfacts = context->stackfacts,
		.root = blame_root,
		.context = &chains,
	};
	r = read_all(&chains);
	chains.walk.steps_left = STEPS_MAX;
	for (size_t i = 0; i < count && !r; i++)
		r = tell_suspect(&chains, &suspects[i], &chains.asked[i].instead);
	if (!r)
		r = contended_locks_join(suspects, count);
	if (!r)
		r = blame_table_tell(chains.blame, chains.history, source_stacks(context->source),
				     context->stackfacts, model);
out:
	for (size_t i = 0; i < count; i++)
		instead_free(&chains.asked[i].instead);
	blame_table_destroy(chains.blame);
	history_destroy(chains.history);
	return r;
}
