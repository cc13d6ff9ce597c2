/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/explain/explain.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/activity/cpu_occupants.h"
#include "analyzer/activity/observations.h"
#include "analyzer/explain/explain_view.h"
#include "analyzer/explain/wait_select.h"
#include "analyzer/util/span.h"

/* An actor with less than this share of the wait is not followed, nor is a wait with less of its
 * actor's time. */
#define SHARE_PERCENT 5u
/* A wait with less than this share of the wait that is explained is not followed. */
#define ROOT_PERCENT 1u
/* An actor that spent this share of the time in the same queue only passed on what it was given. */
#define HOP_PERCENT 95u

const char *explain_root_name(enum explain_root root)
{
	static const char *const names[EXPLAIN_ROOTS] = {
		[EXPLAIN_GOES_ON] = "goes-on",
		[EXPLAIN_RUNNING] = "running",
		[EXPLAIN_CPU] = "cpu",
		[EXPLAIN_TIMER] = "timer",
		[EXPLAIN_DEVICE] = "device",
		[EXPLAIN_NETWORK] = "network",
		[EXPLAIN_INTERRUPT] = "interrupt",
		[EXPLAIN_STILL_OPEN] = "still-open",
		[EXPLAIN_NOT_SEEN] = "not-seen",
		[EXPLAIN_CYCLE] = "cycle",
		[EXPLAIN_TOLD] = "told",
		[EXPLAIN_SLEPT] = "slept",
		[EXPLAIN_LOST] = "lost",
		[EXPLAIN_LIMIT] = "limit",
	};

	return names[root];
}

struct chain_walk {
	const struct explain_context *context;
	struct explanation *explanation;
	size_t waits_from, actors_from; /* the step begins with these */
};

static int append_wait(struct chain_walk *walk, const struct thread_wait *observed, size_t actor)
{
	struct explanation *explanation = walk->explanation;
	struct explain_wait *waits;

	waits = reallocarray(explanation->waits, explanation->wait_count + 1, sizeof(*waits));
	if (!waits)
		return -ENOMEM;
	explanation->waits = waits;
	explain_fill_wait(walk->context, observed, &waits[explanation->wait_count]);
	waits[explanation->wait_count].actor = actor;
	if (actor == EXPLAIN_NONE)
		waits[explanation->wait_count].within_ns = observed->waited_ns;
	else
		waits[explanation->wait_count].depth =
			waits[explanation->actors[actor].wait].depth + 1;
	explanation->wait_count++;
	return 0;
}

/* Does the chain come back to a thread that waits further up? */
static bool is_cycle(const struct explanation *explanation, const struct explain_actor *actor,
		     size_t *ret_told)
{
	size_t wait = actor->wait;

	while (explanation->waits[wait].actor != EXPLAIN_NONE) {
		wait = explanation->actors[explanation->waits[wait].actor].wait;
		if (explanation->waits[wait].thread != actor->thread)
			continue;
		*ret_told = wait;
		return true;
	}
	return false;
}

/* Is what it did in this time already part of the explanation? */
static bool is_told(const struct explanation *explanation, const struct explain_actor *actor,
		    size_t *ret_told)
{
	for (size_t i = 0; i < explanation->actor_count; i++) {
		const struct explain_actor *other = &explanation->actors[i];

		if (other->thread != actor->thread || other->root == EXPLAIN_TOLD ||
		    other->role == EXPLAIN_OCCUPANT || other->start_ns > actor->start_ns ||
		    other->end_ns < actor->end_ns)
			continue;
		*ret_told = i;
		return true;
	}
	return false;
}

static int append_actor(struct chain_walk *walk, const struct explain_actor *actor)
{
	struct explanation *explanation = walk->explanation;
	struct explain_actor *actors, *added;

	actors = reallocarray(explanation->actors, explanation->actor_count + 1, sizeof(*actors));
	if (!actors)
		return -ENOMEM;
	explanation->actors = actors;
	added = &actors[explanation->actor_count];
	*added = *actor;
	if (added->role == EXPLAIN_OCCUPANT)
		added->root = EXPLAIN_RUNNING;
	else if (is_cycle(explanation, added, &added->told))
		added->root = EXPLAIN_CYCLE;
	else if (is_told(explanation, added, &added->told))
		added->root = EXPLAIN_TOLD;
	explanation->actor_count++;
	return 0;
}

/* In this time what others did bears on the wait: the part of it within its actor's time. */
static void find_window(const struct explanation *explanation, const struct explain_wait *wait,
			uint64_t *ret_start_ns, uint64_t *ret_end_ns)
{
	*ret_start_ns = wait->start_ns;
	*ret_end_ns = wait->end_ns;
	if (wait->actor != EXPLAIN_NONE)
		span_clip(ret_start_ns, ret_end_ns, explanation->actors[wait->actor].start_ns,
			  explanation->actors[wait->actor].end_ns);
}

/* The longest piece of each owner, cut to the window. Return: how many. */
static size_t find_longest_pieces(const struct explanation *explanation,
				  const struct explain_wait *wait, struct explain_piece *pieces)
{
	uint64_t from_ns, to_ns;
	size_t count = 0;

	find_window(explanation, wait, &from_ns, &to_ns);
	for (size_t i = 0; i < wait->piece_count; i++) {
		struct explain_piece piece = wait->pieces[i];
		size_t at = 0;

		if (!piece.owner || piece.owner == wait->thread ||
		    !span_clip(&piece.start_ns, &piece.end_ns, from_ns, to_ns) ||
		    !share_at_least(piece.end_ns - piece.start_ns, to_ns - from_ns, SHARE_PERCENT))
			continue;
		while (at < count && pieces[at].owner != piece.owner)
			at++;
		if (at == count)
			pieces[count++] = piece;
		else if (piece.end_ns - piece.start_ns > pieces[at].end_ns - pieces[at].start_ns)
			pieces[at] = piece;
	}
	return count;
}

static int compare_lengths(const void *left, const void *right)
{
	const struct explain_piece *a = left, *b = right;
	uint64_t a_ns = a->end_ns - a->start_ns, b_ns = b->end_ns - b->start_ns;

	if (a_ns != b_ns)
		return a_ns < b_ns ? 1 : -1;
	return (a->start_ns > b->start_ns) - (a->start_ns < b->start_ns);
}

static int add_holders(struct chain_walk *walk, size_t wait, size_t *ret_count)
{
	struct explain_piece pieces[THREAD_WAIT_PIECES_MAX + 1];
	size_t count =
		find_longest_pieces(walk->explanation, &walk->explanation->waits[wait], pieces);
	int r = 0;

	if (count)
		qsort(pieces, count, sizeof(*pieces), compare_lengths);
	*ret_count = count < EXPLAIN_ACTORS_MAX ? count : EXPLAIN_ACTORS_MAX;
	for (size_t i = 0; i < *ret_count && !r; i++)
		r = append_actor(walk, &(struct explain_actor){
					       .wait = wait,
					       .thread = pieces[i].owner,
					       .role = EXPLAIN_HOLDER,
					       .grade = pieces[i].grade,
					       .start_ns = pieces[i].start_ns,
					       .end_ns = pieces[i].end_ns,
				       });
	return r;
}

/* Events of the wait may be missing. */
static bool is_in_doubt(const struct chain_walk *walk, const struct explain_wait *wait)
{
	return wait->gaps || walk->context->model->coverage.contradicts;
}

/* The holders of its lock are behind a wait, or else who woke the thread up. */
static int add_actors(struct chain_walk *walk, size_t at)
{
	struct explain_wait *wait = &walk->explanation->waits[at];
	struct explain_actor waker = { .wait = at, .role = EXPLAIN_WAKER };
	size_t holders = 0;
	int r;

	wait->root = EXPLAIN_CPU;
	if (wait->for_cpu)
		return 0;
	r = add_holders(walk, at, &holders);
	if (r)
		return r;
	wait->root = EXPLAIN_GOES_ON;
	if (holders)
		return 0;
	wait->root = explain_root_of(walk->context, wait);
	if (wait->root != EXPLAIN_GOES_ON)
		return 0;
	waker.thread = wait->waker;
	waker.grade = is_in_doubt(walk, wait) || wait->is_lock ? GRADE_PLAUSIBLE : GRADE_EXACT;
	find_window(walk->explanation, wait, &waker.start_ns, &waker.end_ns);
	return append_actor(walk, &waker);
}

/* Waits at the limit of depth get no actors. */
static int add_all_actors(struct chain_walk *walk)
{
	struct explanation *explanation = walk->explanation;
	int r = 0;

	walk->actors_from = explanation->actor_count;
	for (size_t i = walk->waits_from; i < explanation->wait_count && !r; i++) {
		if (explanation->waits[i].depth >= EXPLAIN_DEPTH_MAX)
			explanation->waits[i].root = EXPLAIN_LIMIT;
		else
			r = add_actors(walk, i);
	}
	return r;
}

static bool is_worth_following(const struct explanation *explanation,
			       const struct explain_actor *actor, const struct thread_wait *wait)
{
	return explanation->wait_count < EXPLAIN_WAITS_MAX &&
	       share_at_least(wait->overlap_ns, actor->end_ns - actor->start_ns, SHARE_PERCENT) &&
	       share_at_least(wait->overlap_ns, explanation->waits[0].waited_ns, ROOT_PERCENT);
}

/* Where nobody is known to have held the lock, the waker may be who was before it in the queue. */
static bool is_hop(const struct explanation *explanation, const struct explain_actor *actor,
		   const struct explain_wait *wait)
{
	const struct explain_wait *parent = &explanation->waits[actor->wait];

	return actor->role == EXPLAIN_WAKER && wait->is_lock && wait->class == parent->class &&
	       share_at_least(wait->within_ns, actor->end_ns - actor->start_ns, HOP_PERCENT) &&
	       explanation->hops < EXPLAIN_HOPS_MAX;
}

static void note_hop(struct explanation *explanation, size_t actor, struct explain_wait *wait)
{
	if (!is_hop(explanation, &explanation->actors[actor], wait))
		return;
	wait->hop = true;
	wait->depth--;
	explanation->hops++;
}

/* A wait that is followed tells its events itself. */
static void remove_events(struct explain_excerpt *excerpt, const struct explain_wait *wait)
{
	size_t kept = 0, gap = excerpt->gap;

	for (size_t i = 0; i < excerpt->count; i++) {
		const struct explain_event *event = &excerpt->events[i];

		if (event->at_ns >= wait->start_ns && event->at_ns <= wait->end_ns &&
		    event->kind != EXCERPT_WAKES) {
			gap -= i < excerpt->gap;
			continue;
		}
		excerpt->events[kept++] = *event;
	}
	excerpt->count = kept;
	excerpt->gap = gap;
}

/* What an actor's chain ends with, where it does. */
static enum explain_root find_actor_root(const struct explain_actor *actor, bool followed)
{
	enum thread_state most = THREAD_UNKNOWN;

	for (enum thread_state state = 0; state < THREAD_STATES; state++)
		if (actor->state_ns[state] > actor->state_ns[most])
			most = state;
	switch (most) {
	case THREAD_RUNNING:
		return EXPLAIN_RUNNING;
	case THREAD_RUNNABLE:
		return followed ? EXPLAIN_GOES_ON : EXPLAIN_CPU;
	case THREAD_BLOCKED:
		return followed ? EXPLAIN_GOES_ON : EXPLAIN_SLEPT;
	default:
		return EXPLAIN_LOST;
	}
}

/* The actor's own waits are followed in the next step. */
static int take_waits(struct chain_walk *walk, size_t at, const struct thread_waits *found)
{
	struct explanation *explanation = walk->explanation;
	struct explain_actor *actor = &explanation->actors[at];
	size_t followed = explanation->wait_count;

	for (size_t i = 0; i < found->wait_count; i++) {
		if (!is_worth_following(explanation, actor, &found->waits[i]))
			continue;
		if (append_wait(walk, &found->waits[i], at))
			return -ENOMEM;
		note_hop(explanation, at, &explanation->waits[explanation->wait_count - 1]);
		remove_events(&actor->excerpt, &explanation->waits[explanation->wait_count - 1]);
	}
	followed = explanation->wait_count - followed;
	actor->root = find_actor_root(actor, followed);
	return 0;
}

/* Ask what an actor did in its time. */
static int follow_actor(struct chain_walk *walk, size_t at)
{
	const uint64_t start_ns = walk->context->model->capture.start_ns;
	struct explain_actor *actor = &walk->explanation->actors[at];
	const struct explain_wait *behind = &walk->explanation->waits[actor->wait];
	/* Threads belong to the source's table, which hands them out to be written. */
	const struct thread_waits_query waits = { .thread = (struct thread *)actor->thread,
						  .start_ns = start_ns + actor->start_ns,
						  .end_ns = start_ns + actor->end_ns };
	const struct event_excerpt_query events = { .thread = actor->thread,
						    .start_ns = waits.start_ns,
						    .end_ns = waits.end_ns,
						    .held = behind->lock_address,
						    .wakes = behind->thread };
	struct thread_waits found;
	int r;

	r = explain_fill_excerpt(walk->context, &events, &actor->excerpt);
	if (!r)
		r = thread_waits_find_finest(walk->context->observations, &waits, &found);
	if (r)
		return r;
	memcpy(actor->state_ns, found.state_ns, sizeof(actor->state_ns));
	actor->intervals = found.intervals;
	actor->waits_seen = found.waits_seen;
	actor->profile = found.profile;
	actor->stack = explain_stack(walk->context, actor->profile.stack_id);
	return take_waits(walk, at, &found);
}

/* A wait whose end was seen has an event there. */
static void note_end(struct explain_wait *wait)
{
	bool seen = wait->still_open;

	for (size_t i = 0; i < wait->excerpt.count; i++)
		seen = seen || (wait->excerpt.events[i].at_ns == wait->end_ns &&
				(wait->excerpt.events[i].kind == EXCERPT_WOKEN ||
				 wait->excerpt.events[i].kind == EXCERPT_GETS_CPU));
	wait->end_inferred = !seen;
}

/* The threads that had the CPU which was waited for. */
static int add_occupants(struct chain_walk *walk, size_t at)
{
	const struct observations *observations = walk->context->observations;
	struct explain_wait *wait = &walk->explanation->waits[at];
	const struct thread_wait *observed = &wait->observed;
	const struct cpu_span span = { observed->start_ns, observed->end_ns, observed->cpu };
	struct cpu_occupant occupants[EXPLAIN_ACTORS_MAX];
	size_t count;
	int r = 0;

	count = cpu_occupants_find(observations_history(observations, span.start_ns, span.end_ns),
				   source_threads(observations->source), &span,
				   observed->cpu != FT_NO_CPU, occupants, EXPLAIN_ACTORS_MAX);
	if (!count)
		wait->root = EXPLAIN_LOST;
	for (size_t i = 0; i < count && !r; i++)
		r = append_actor(walk, &(struct explain_actor){
					       .wait = at,
					       .thread = occupants[i].thread,
					       .role = EXPLAIN_OCCUPANT,
					       .grade = is_in_doubt(walk, wait) ? GRADE_PLAUSIBLE
										: GRADE_EXACT,
					       .start_ns = wait->start_ns,
					       .end_ns = wait->end_ns,
					       .state_ns[THREAD_RUNNING] = occupants[i].ran_ns,
					       .intervals = occupants[i].times,
				       });
	return r;
}

static int follow_wait(struct chain_walk *walk, size_t at)
{
	struct explain_wait *wait = &walk->explanation->waits[at];
	const struct event_excerpt_query events = { .thread = wait->thread,
						    .start_ns = wait->observed.start_ns,
						    .end_ns = wait->observed.end_ns,
						    .until_it_runs = true };
	int r = explain_fill_excerpt(walk->context, &events, &wait->excerpt);

	if (r)
		return r;
	note_end(wait);
	return wait->for_cpu ? add_occupants(walk, at) : 0;
}

/* One step along the chain: the waits that the last step found, and their actors. */
static int take_step(struct chain_walk *walk)
{
	struct explanation *explanation = walk->explanation;
	const size_t waits_to = explanation->wait_count, actors_to = explanation->actor_count;
	int r = 0;

	for (size_t i = walk->waits_from; i < waits_to && !r; i++)
		r = follow_wait(walk, i);
	for (size_t i = walk->actors_from; i < actors_to && !r; i++)
		if (explanation->actors[i].root == EXPLAIN_GOES_ON)
			r = follow_actor(walk, i);
	walk->waits_from = waits_to;
	return r;
}

static int walk_chain(struct chain_walk *walk)
{
	int r = 0;

	while (walk->waits_from < walk->explanation->wait_count && !r) {
		r = add_all_actors(walk);
		if (!r)
			r = take_step(walk);
	}
	return r;
}

int explain_run(const struct observations *observations, const struct model *model,
		const struct wait_spec *spec, struct explanation **ret_explanation,
		char **ret_message)
{
	const struct explain_context context = { observations, model,
						 source_stacks(observations->source) };
	struct explanation *explanation = calloc(1, sizeof(*explanation));
	struct chain_walk walk = { &context, explanation, 0, 0 };
	struct wait_selection selection;
	int r = -ENOMEM;

	if (!explanation)
		goto out;
	r = wait_select_find(observations, model, spec, &selection, ret_message);
	if (r)
		goto out;
	explanation->choice = selection.choice;
	explanation->waits_seen = selection.waits_seen;
	explanation->culprit_tid = selection.culprit ? selection.culprit->tid : 0;
	explanation->culprit_comm = selection.culprit ? selection.culprit->comm : "";
	r = append_wait(&walk, &selection.wait, EXPLAIN_NONE);
	if (!r)
		r = walk_chain(&walk);
	if (r)
		goto out;
	*ret_explanation = explanation;
	explanation = NULL;
out:
	explanation_free(explanation);
	return r;
}

void explanation_free(struct explanation *explanation)
{
	if (!explanation)
		return;
	for (size_t i = 0; i < explanation->wait_count; i++)
		free(explanation->waits[i].excerpt.events);
	for (size_t i = 0; i < explanation->actor_count; i++) {
		free(explanation->actors[i].excerpt.events);
		cpu_profile_free(&explanation->actors[i].profile);
	}
	free(explanation->waits);
	free(explanation->actors);
	free(explanation);
}
