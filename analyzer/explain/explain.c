/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/explain/explain.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/explain/wait_select.h"
#include "analyzer/explain/explain_view.h"
#include "analyzer/explain/explain_step.h"
#include "analyzer/util/span.h"

/* Whoever has less than this share of a wait, and a wait with less of its actor's time, is not followed. */
#define SHARE_PERCENT 5u
/* Nor is a wait with less than this share of the one asked for. */
#define ROOT_PERCENT 1u
/* Whoever spent this share of the time in the same queue only passed on what it was given. */
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

struct walk {
	const struct explain_context *context;
	struct explanation *explanation;
	size_t waits_from, actors_from; /* of the step that is being taken */
};

static int wait_append(struct walk *walk, const struct deed_wait *deed, size_t actor)
{
	struct explanation *explanation = walk->explanation;
	struct explain_wait *waits;

	waits = reallocarray(explanation->waits, explanation->wait_count + 1, sizeof(*waits));
	if (!waits)
		return -ENOMEM;
	explanation->waits = waits;
	explain_fill_wait(walk->context, deed, &waits[explanation->wait_count]);
	waits[explanation->wait_count].actor = actor;
	if (actor == EXPLAIN_NONE)
		waits[explanation->wait_count].within_ns = deed->waited_ns;
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

/* Is what it did in this time on the page already? */
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

static int actor_append(struct walk *walk, const struct explain_actor *actor)
{
	struct explanation *explanation = walk->explanation;
	struct explain_actor *actors;
	size_t told = 0;

	actors = reallocarray(explanation->actors, explanation->actor_count + 1, sizeof(*actors));
	if (!actors)
		return -ENOMEM;
	explanation->actors = actors;
	actors[explanation->actor_count] = *actor;
	actor = &actors[explanation->actor_count];
	if (actor->role == EXPLAIN_OCCUPANT)
		actors[explanation->actor_count].root = EXPLAIN_RUNNING;
	else if (is_cycle(explanation, actor, &told))
		actors[explanation->actor_count].root = EXPLAIN_CYCLE;
	else if (is_told(explanation, actor, &told))
		actors[explanation->actor_count].root = EXPLAIN_TOLD;
	actors[explanation->actor_count].told = told;
	explanation->actor_count++;
	return 0;
}

/* The time in which what others did bears on the wait: as much of it as is within its actor's. */
static void window_of(const struct explanation *explanation, const struct explain_wait *wait,
		      uint64_t *ret_start_ns, uint64_t *ret_end_ns)
{
	*ret_start_ns = wait->start_ns;
	*ret_end_ns = wait->end_ns;
	if (wait->actor == EXPLAIN_NONE)
		return;
	*ret_start_ns = later(*ret_start_ns, explanation->actors[wait->actor].start_ns);
	*ret_end_ns = earlier(*ret_end_ns, explanation->actors[wait->actor].end_ns);
}

/* Of each owner its longest piece, within the window. Return: how many. */
static size_t longest_pieces(const struct explanation *explanation, const struct explain_wait *wait,
			     struct explain_piece *pieces)
{
	uint64_t from_ns, to_ns;
	size_t count = 0;

	window_of(explanation, wait, &from_ns, &to_ns);
	for (size_t i = 0; i < wait->piece_count; i++) {
		struct explain_piece piece = wait->pieces[i];
		size_t at = 0;

		piece.start_ns = later(piece.start_ns, from_ns);
		piece.end_ns = earlier(piece.end_ns, to_ns);
		if (!piece.owner || piece.owner == wait->thread || piece.end_ns <= piece.start_ns ||
		    (piece.end_ns - piece.start_ns) * 100 < (to_ns - from_ns) * SHARE_PERCENT)
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

static int by_length(const void *left, const void *right)
{
	const struct explain_piece *a = left, *b = right;
	uint64_t a_ns = a->end_ns - a->start_ns, b_ns = b->end_ns - b->start_ns;

	if (a_ns != b_ns)
		return a_ns < b_ns ? 1 : -1;
	return (a->start_ns > b->start_ns) - (a->start_ns < b->start_ns);
}

static int add_holders(struct walk *walk, size_t wait, size_t *ret_count)
{
	struct explain_piece pieces[DEED_PIECES_MAX + 1];
	size_t count = longest_pieces(walk->explanation, &walk->explanation->waits[wait], pieces);
	int r = 0;

	if (count)
		qsort(pieces, count, sizeof(*pieces), by_length);
	*ret_count = count < EXPLAIN_ACTORS_MAX ? count : EXPLAIN_ACTORS_MAX;
	for (size_t i = 0; i < *ret_count && !r; i++)
		r = actor_append(walk, &(struct explain_actor){
					       .wait = wait,
					       .thread = pieces[i].owner,
					       .role = EXPLAIN_HOLDER,
					       .grade = pieces[i].grade,
					       .start_ns = pieces[i].start_ns,
					       .end_ns = pieces[i].end_ns,
				       });
	return r;
}

/* Events of it may be missing. */
static bool in_doubt(const struct walk *walk, const struct explain_wait *wait)
{
	return wait->gaps || walk->context->model->coverage.contradicts;
}

/* Who is behind a wait: the holders of its lock, or else who woke the thread up. */
static int add_actors(struct walk *walk, size_t at)
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
	waker.grade = in_doubt(walk, wait) || wait->is_lock ? GRADE_PLAUSIBLE : GRADE_EXACT;
	window_of(walk->explanation, wait, &waker.start_ns, &waker.end_ns);
	return actor_append(walk, &waker);
}

/* At the limit of depth nobody is asked. */
static int add_all_actors(struct walk *walk)
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

static bool worth_following(const struct explanation *explanation,
			    const struct explain_actor *actor, const struct deed_wait *wait)
{
	return wait->overlap_ns * 100 >= (actor->end_ns - actor->start_ns) * SHARE_PERCENT &&
	       wait->overlap_ns * 100 >= explanation->waits[0].waited_ns * ROOT_PERCENT &&
	       explanation->wait_count < EXPLAIN_WAITS_MAX;
}

/* Lock hand-overs where nobody is known to have held it: the one before in the queue. */
static bool is_hop(const struct explanation *explanation, const struct explain_actor *actor,
		   const struct explain_wait *wait)
{
	const struct explain_wait *parent = &explanation->waits[actor->wait];

	return actor->role == EXPLAIN_WAKER && wait->is_lock && wait->class == parent->class &&
	       wait->within_ns * 100 >= (actor->end_ns - actor->start_ns) * HOP_PERCENT &&
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

/* The events of a wait that is followed are told there. */
static void trail_without(struct explain_trail *trail, const struct explain_wait *wait)
{
	size_t kept = 0, gap = trail->gap;

	for (size_t i = 0; i < trail->count; i++) {
		const struct explain_event *event = &trail->events[i];

		if (event->at_ns >= wait->start_ns && event->at_ns <= wait->end_ns &&
		    event->kind != TRAIL_WAKES) {
			gap -= i < trail->gap;
			continue;
		}
		trail->events[kept++] = *event;
	}
	trail->count = kept;
	trail->gap = gap;
}

/* What an actor's chain ends with, where it does. */
static enum explain_root root_of_actor(const struct explain_actor *actor, bool followed)
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

/* What an actor did becomes known: its waits are the next step's. */
static int take_story(struct walk *walk, size_t at, struct deeds_story *story)
{
	struct explanation *explanation = walk->explanation;
	struct explain_actor *actor = &explanation->actors[at];
	size_t followed = explanation->wait_count;
	int r = 0;

	memcpy(actor->state_ns, story->state_ns, sizeof(actor->state_ns));
	actor->intervals = story->intervals;
	actor->waits_seen = story->waits_seen;
	actor->profile = story->profile;
	story->profile = (struct cpu_profile){ 0 };
	actor->stack = explain_stack(walk->context, actor->profile.stack_id);
	for (size_t i = 0; i < story->wait_count && !r; i++) {
		if (!worth_following(explanation, actor, &story->waits[i]))
			continue;
		r = wait_append(walk, &story->waits[i], at);
		if (r)
			break;
		note_hop(explanation, at, &explanation->waits[explanation->wait_count - 1]);
		trail_without(&actor->trail, &explanation->waits[explanation->wait_count - 1]);
	}
	followed = explanation->wait_count - followed;
	actor->root = root_of_actor(actor, followed);
	return r;
}

/* A wait that was seen to end has an event there. */
static void note_end(struct explain_wait *wait)
{
	bool seen = wait->still_open;

	for (size_t i = 0; i < wait->trail.count; i++)
		seen = seen || (wait->trail.events[i].at_ns == wait->end_ns &&
				(wait->trail.events[i].kind == TRAIL_WOKEN ||
				 wait->trail.events[i].kind == TRAIL_GETS_CPU));
	wait->end_inferred = !seen;
}

static int take_occupants(struct walk *walk, size_t at, const struct explain_step *step)
{
	struct cpu_occupant occupants[EXPLAIN_ACTORS_MAX];
	size_t count = explain_step_occupants(step, at, occupants, EXPLAIN_ACTORS_MAX);
	struct explain_wait *wait = &walk->explanation->waits[at];
	int r = 0;

	if (!count)
		wait->root = EXPLAIN_LOST;
	for (size_t i = 0; i < count && !r; i++)
		r = actor_append(walk, &(struct explain_actor){
					       .wait = at,
					       .thread = occupants[i].thread,
					       .role = EXPLAIN_OCCUPANT,
					       .grade = in_doubt(walk, wait) ? GRADE_PLAUSIBLE
									     : GRADE_EXACT,
					       .start_ns = wait->start_ns,
					       .end_ns = wait->end_ns,
					       .state_ns[THREAD_RUNNING] = occupants[i].ran_ns,
					       .intervals = occupants[i].times,
				       });
	return r;
}

/* One reading of the source: the trails of this step's waits and actors, and the actors' deeds. */
static int take_step(struct walk *walk, struct source *source)
{
	struct explanation *explanation = walk->explanation;
	const size_t waits_to = explanation->wait_count, actors_to = explanation->actor_count;
	struct explain_step *step = NULL;
	int r;

	r = explain_step_create(walk->context, explanation, walk->waits_from, walk->actors_from,
				&step);
	if (!r)
		r = explain_step_run(step, source);
	for (size_t i = walk->waits_from; i < waits_to && !r; i++) {
		r = explain_step_wait_trail(step, i, &explanation->waits[i].trail);
		note_end(&explanation->waits[i]);
		if (!r && explanation->waits[i].for_cpu)
			r = take_occupants(walk, i, step);
	}
	for (size_t i = walk->actors_from; i < actors_to && !r; i++) {
		struct deeds_story story = { 0 };

		if (explanation->actors[i].root != EXPLAIN_GOES_ON)
			continue;
		r = explain_step_actor(step, i, &story, &explanation->actors[i].trail);
		if (!r)
			r = take_story(walk, i, &story);
		cpu_profile_free(&story.profile);
	}
	explain_step_destroy(step);
	walk->waits_from = waits_to;
	return r;
}

static int walk_all(struct walk *walk, struct source *source)
{
	int r = 0;

	while (walk->waits_from < walk->explanation->wait_count && !r) {
		r = add_all_actors(walk);
		if (!r)
			r = take_step(walk, source);
	}
	return r;
}

int explain_run(struct source *source, const struct model *model, const struct wait_spec *moment,
		struct explanation **ret_explanation, char **ret_message)
{
	struct explain_context context = { .stacks = source_stacks(source), .model = model };
	struct explanation *explanation = calloc(1, sizeof(*explanation));
	struct walk walk = { &context, explanation, 0, 0 };
	struct wait_selection chosen;
	int r = -ENOMEM;

	if (!explanation)
		goto out;
	r = stack_infos_create(context.stacks, &context.stackfacts);
	if (r)
		goto out;
	explanation->operations = context.stackfacts;
	r = wait_select_find(source, context.stackfacts, model, moment, &chosen, ret_message);
	if (r)
		goto out;
	explanation->choice = chosen.choice;
	explanation->waits_seen = chosen.waits_seen;
	explanation->culprit_tid = chosen.culprit ? chosen.culprit->tid : 0;
	explanation->culprit_comm = chosen.culprit ? chosen.culprit->comm : "";
	r = wait_append(&walk, &chosen.wait, EXPLAIN_NONE);
	if (!r)
		r = walk_all(&walk, source);
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
		free(explanation->waits[i].trail.events);
	for (size_t i = 0; i < explanation->actor_count; i++) {
		free(explanation->actors[i].trail.events);
		cpu_profile_free(&explanation->actors[i].profile);
	}
	free(explanation->waits);
	free(explanation->actors);
	stack_infos_destroy(explanation->operations);
	free(explanation);
}
