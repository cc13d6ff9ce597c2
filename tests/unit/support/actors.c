/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/support/actors.h"

void actor_comes(struct scene *scene, const struct actor *who, uint64_t at_ns)
{
	scene_switch(scene, who->cpu, at_ns, &scene_idle, FT_STATE_RUNNING, NULL, &who->task);
}

void actor_waits(struct scene *scene, const struct actor *who, uint64_t at_ns, const char *stack)
{
	scene_switch(scene, who->cpu, at_ns, &who->task, FT_STATE_SLEEPING, stack, &scene_idle);
}

void actor_ends(struct scene *scene, const struct actor *who, uint64_t at_ns)
{
	scene_switch(scene, who->cpu, at_ns, &who->task, FT_STATE_DEAD, NULL, &scene_idle);
}

void actor_wakes(struct scene *scene, const struct actor *waker, uint64_t at_ns, const char *stack,
		 const struct actor *wakee)
{
	scene_waking(scene, waker->cpu, at_ns, &waker->task, stack, &wakee->task);
	actor_comes(scene, wakee, at_ns + 5 * SCENE_US);
}

void actor_interrupted(struct scene *scene, const struct actor *wakee, uint64_t at_ns,
		       const char *stack)
{
	scene_waking(scene, wakee->cpu, at_ns, &scene_idle, stack, &wakee->task);
	actor_comes(scene, wakee, at_ns + 5 * SCENE_US);
}

void round_runs(struct scene *scene, const struct round *round, uint64_t at_ns)
{
	actor_interrupted(scene, round->feeder, at_ns - 10 * SCENE_US, PACKET_COMES);
	for (size_t i = 0; i < round->count; i++) {
		uint64_t begin_ns = at_ns + i * ACTOR_STEP_NS;

		actor_wakes(scene, round->feeder, begin_ns, FILLS_PIPE, &round->workers[i]);
		actor_waits(scene, &round->workers[i], begin_ns + ACTOR_RUN_NS, round->stack);
	}
	actor_waits(scene, round->feeder, at_ns + round->count * ACTOR_STEP_NS, EPOLL);
}

void rounds_run(struct scene *scene, const struct round *round, uint64_t from_ms, uint64_t to_ms,
		uint64_t every_ms)
{
	for (uint64_t at_ms = from_ms; at_ms < to_ms; at_ms += every_ms)
		round_runs(scene, round, at_ms * SCENE_MS);
}
