/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/explain/explain_step.h"

#include <errno.h>
#include <stdlib.h>

#include "analyzer/trace/per_thread.h"
#include "analyzer/locks/replay.h"

struct wait_watch {
	struct event_excerpt *trail;
	struct cpu_share *share; /* NULL: not for a CPU */
};

struct actor_watch {
	struct event_excerpt *trail; /* both NULL: it does not go on */
	struct deeds *deeds;
};

struct explain_step {
	const struct explain_context *context;
	const struct lock_tracker *locks;
	size_t waits_from, wait_count;
	struct wait_watch *waits;
	size_t actors_from, actor_count;
	struct actor_watch *actors;
	struct per_thread watched; /* bool: most events are about others */
};

static int watch_thread(struct explain_step *step, const struct thread *thread)
{
	bool *watched = per_thread_get(&step->watched, thread);

	if (!watched)
		return -ENOMEM;
	*watched = true;
	return 0;
}

static bool is_watched(const struct explain_step *step, const struct thread *thread)
{
	const bool *watched = thread ? per_thread_find(&step->watched, thread) : NULL;

	return watched && *watched;
}

static int watch_wait(struct explain_step *step, const struct explain_wait *wait,
		      struct wait_watch *watch)
{
	const struct deed_wait *deed = &wait->deed;
	int r = watch_thread(step, deed->thread);

	if (!r)
		r = event_excerpt_create(&(struct event_excerpt_options){ .thread = deed->thread,
									  .start_ns =
										  deed->start_ns,
									  .end_ns = deed->end_ns,
									  .until_it_runs = true,
									  .ran_ns = deed->ran_ns },
					 &watch->trail);
	if (!r && wait->for_cpu && deed->cpu != FT_NO_CPU)
		r = cpu_share_create(deed->cpu, deed->start_ns, deed->end_ns, &watch->share);
	return r;
}

static int watch_actor(struct explain_step *step, const struct explanation *explanation,
		       const struct explain_actor *actor, struct actor_watch *watch)
{
	const uint64_t start_ns = step->context->model->capture.start_ns;
	/* Threads belong to the source's table, which gives them out to be written. */
	struct deeds_options deeds = { (struct thread *)actor->thread, start_ns + actor->start_ns,
				       start_ns + actor->end_ns, NULL, NULL };
	const struct explain_wait *behind = &explanation->waits[actor->wait];
	struct event_excerpt_options trail = { .thread = actor->thread,
					       .start_ns = deeds.start_ns,
					       .end_ns = deeds.end_ns,
					       .held = behind->lock_address,
					       .wakes = behind->thread };
	int r;

	if (actor->root != EXPLAIN_GOES_ON)
		return 0;
	r = watch_thread(step, actor->thread);
	if (!r)
		r = event_excerpt_create(&trail, &watch->trail);
	if (!r)
		r = deeds_create(step->context->stacks, step->context->stackfacts, &deeds,
				 &watch->deeds);
	return r;
}

int explain_step_create(const struct explain_context *context,
			const struct explanation *explanation, size_t waits_from,
			size_t actors_from, struct explain_step **ret_step)
{
	struct explain_step *step = calloc(1, sizeof(*step));
	int r = -ENOMEM;

	if (!step)
		return -ENOMEM;
	step->context = context;
	step->watched.entry_bytes = sizeof(bool);
	step->waits_from = waits_from;
	step->wait_count = explanation->wait_count - waits_from;
	step->waits = calloc(step->wait_count + 1, sizeof(*step->waits));
	step->actors_from = actors_from;
	step->actor_count = explanation->actor_count - actors_from;
	step->actors = calloc(step->actor_count + 1, sizeof(*step->actors));
	if (!step->waits || !step->actors)
		goto out;
	r = 0;
	for (size_t i = 0; i < step->wait_count && !r; i++)
		r = watch_wait(step, &explanation->waits[waits_from + i], &step->waits[i]);
	for (size_t i = 0; i < step->actor_count && !r; i++)
		r = watch_actor(step, explanation, &explanation->actors[actors_from + i],
				&step->actors[i]);
	if (r)
		goto out;
	*ret_step = step;
	step = NULL;
out:
	explain_step_destroy(step);
	return r;
}

void explain_step_destroy(struct explain_step *step)
{
	if (!step)
		return;
	for (size_t i = 0; step->waits && i < step->wait_count; i++) {
		event_excerpt_destroy(step->waits[i].trail);
		cpu_share_destroy(step->waits[i].share);
	}
	for (size_t i = 0; step->actors && i < step->actor_count; i++) {
		event_excerpt_destroy(step->actors[i].trail);
		deeds_destroy(step->actors[i].deeds);
	}
	free(step->waits);
	free(step->actors);
	per_thread_free(&step->watched);
	free(step);
}

static int step_event(void *context, const struct event *event)
{
	struct explain_step *step = context;
	int r = 0;

	if (!is_watched(step, event->thread) && !is_watched(step, event->other))
		return 0;
	for (size_t i = 0; i < step->wait_count; i++)
		event_excerpt_event(step->waits[i].trail, event);
	for (size_t i = 0; i < step->actor_count && !r; i++) {
		if (!step->actors[i].deeds)
			continue;
		event_excerpt_event(step->actors[i].trail, event);
		r = deeds_event(step->actors[i].deeds, event);
	}
	return r;
}

static int step_closed(void *context, const struct interval *interval)
{
	struct explain_step *step = context;
	int r = 0;

	for (size_t i = 0; i < step->wait_count && !r; i++)
		if (step->waits[i].share)
			r = cpu_share_closed(step->waits[i].share, interval);
	if (!is_watched(step, interval->thread))
		return r;
	for (size_t i = 0; i < step->actor_count && !r; i++)
		if (step->actors[i].deeds)
			r = deeds_closed(step->actors[i].deeds, step->locks, interval);
	return r;
}

static void step_charged(void *context, const struct thread *waiter, struct thread *owner,
			 uint64_t start_ns, uint64_t end_ns, enum grade grade)
{
	const struct deed_piece piece = { owner, start_ns, end_ns, grade };
	struct explain_step *step = context;

	for (size_t i = 0; i < step->actor_count; i++)
		if (step->actors[i].deeds)
			deeds_charged(step->actors[i].deeds, waiter, &piece);
}

static bool is_charged(void *context, const struct thread *waiter)
{
	return is_watched(context, waiter);
}

int explain_step_run(struct explain_step *step, struct source *source)
{
	const struct lock_tracker_options options = { 0, UINT64_MAX, NULL, NULL,
						      step->context->model->futexes };
	struct replay *pass = NULL;
	int r;

	r = replay_create(source, step->context->stackfacts, &options, &pass);
	if (r)
		return r;
	step->locks = replay_locks(pass);
	lock_tracker_watch(replay_locks(pass), &(struct ownership_watcher){ .charged = step_charged,
									    .context = step,
									    .wants = is_charged });
	r = replay_run(pass, &(struct replay_watcher){ step_event, step_closed, step });
	step->locks = NULL;
	replay_destroy(pass);
	return r;
}

int explain_step_wait_trail(const struct explain_step *step, size_t wait,
			    struct explain_trail *ret_trail)
{
	return explain_fill_trail(step->context, step->waits[wait - step->waits_from].trail,
				  ret_trail);
}

int explain_step_actor(const struct explain_step *step, size_t actor, struct deeds_story *ret_story,
		       struct explain_trail *ret_trail)
{
	const struct actor_watch *watch = &step->actors[actor - step->actors_from];
	int r = deeds_tell(watch->deeds, ret_story);

	return r ? r : explain_fill_trail(step->context, watch->trail, ret_trail);
}

size_t explain_step_occupants(const struct explain_step *step, size_t wait,
			      struct cpu_occupant *ret_occupants, size_t room)
{
	const struct cpu_share *share = step->waits[wait - step->waits_from].share;

	return share ? cpu_share_tell(share, ret_occupants, room) : 0;
}
