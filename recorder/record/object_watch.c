/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/record/object_watch.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "recorder/base/abandonable_task.h"
#include "recorder/base/clock.h"
#include "recorder/proc/proc_task.h"
#include "recorder/proc/wait_objects.h"

#define LOOK_NS	       200000000u
#define LONG_NS	       200000000u /* blocked for so long: the object is worth reading */
#define OBJECT_NS      31250000u /* 32 a second */
#define CPU_TIMES      200 /* a pause is so many times as long as what the round took of a CPU */
#define PAUSE_MOST_NS  10000000000ull
#define PATIENCE_NS    1000000000ull /* a round takes milliseconds as a rule */
#define STUCK_MOST     4
#define SEEDS_MAX      1024 /* threads of which no event has told yet */
#define PEERS_MAX      16 /* processes at other ends whose threads are read, too */
#define PEER_STATES    8 /* threads of such a process whose states are read */
#define PEERS_IN_ROUND 8

static _Atomic unsigned int stuck;

/* Belongs to the reader while it runs, then to the watch. */
struct round {
	const struct kallsyms *kallsyms;
	struct ft_task tasks[WAIT_OBJECTS_MAX];
	size_t count, known;
	struct wait_object objects[WAIT_OBJECTS_MAX];
	struct wait_objects_cache cache;
	int32_t peers[PEERS_IN_ROUND];
	size_t peer_count;
	struct peer_state {
		struct ft_event event;
		struct ft_task task;
		struct ft_stack stack;
		uint64_t frames[64];
	} states[PEERS_IN_ROUND * PEER_STATES];
	size_t state_count, states_of_peer;
	uint64_t cpu_ns;
	_Atomic bool left_behind;
};

struct object_watch {
	struct object_watch_options options;
	struct target target; /* as the thread uses it */
	uint32_t *read_changes; /* by slot: changes + 1 of the sleep that was read last */
	size_t read_count, next_slot;
	struct ft_task *seeds;
	size_t seed_count;
	int32_t peers[PEERS_MAX];
	size_t next_peer;
	struct wait_objects_cache cache;
	struct round *round; /* NULL: no reader runs */
	struct abandonable_task *reader;
	uint64_t begun_ns, next_ns;
	pthread_t thread;
	sem_t ending;
	_Atomic bool stop, refresh;
	pthread_mutex_t mutex; /* protects the members below */
	struct target next_target;
	bool anew; /* the target is another one */
};

unsigned int object_watch_stuck(void)
{
	return stuck;
}

/* The reader. */

static int keep_state(void *context, const struct ft_event *event)
{
	struct round *round = context;
	struct peer_state *state = &round->states[round->state_count];

	if (round->states_of_peer++ == PEER_STATES)
		return -E2BIG;
	state->event = *event;
	state->task = *event->task;
	state->event.task = &state->task;
	state->event.stack = NULL;
	if (event->stack && event->stack->kernel_count <= 64 && !event->stack->user_count) {
		memcpy(state->frames, event->stack->frames,
		       event->stack->kernel_count * sizeof(state->frames[0]));
		state->stack = (struct ft_stack){ state->frames, event->stack->kernel_count, 0 };
		state->event.stack = &state->stack;
	}
	round->state_count++;
	return 0;
}

static void collect_peers(struct round *round)
{
	for (size_t i = 0; i < round->known; i++) {
		const struct fd_ends *ends = &round->objects[i].ends;

		for (uint32_t end = 0; end < ends->count && end < FD_ENDS_KEPT; end++) {
			size_t at = 0;

			while (at < round->peer_count && round->peers[at] != ends->found[end].tgid)
				at++;
			if (at == round->peer_count && at < PEERS_IN_ROUND && ends->found[end].tgid > 0)
				round->peers[round->peer_count++] = ends->found[end].tgid;
		}
	}
}

static void read_round(void *context)
{
	struct round *round = context;
	struct timespec cpu;

	round->known = wait_objects_read("/proc", round->tasks, round->count, &round->cache,
					 round->objects);
	collect_peers(round);
	for (size_t i = 0; i < round->peer_count && !round->left_behind; i++) {
		round->states_of_peer = 0;
		proc_task_visit(round->peers[i], round->kallsyms, keep_state, round);
	}
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &cpu);
	round->cpu_ns = (uint64_t)cpu.tv_sec * 1000000000 + (uint64_t)cpu.tv_nsec;
}

/* Called when both the reader and the watch are done with the round. */
static void discard_round(void *context)
{
	struct round *round = context;

	if (round->left_behind)
		stuck--;
	free(round);
}

/* Which threads are read. */

/* Threads that have been asleep since before the recording are in no event. */
static void plant_seeds(struct object_watch *watch)
{
	watch->seed_count = 0;
	for (size_t i = 0; i < watch->target.count; i++) {
		int32_t tgid = watch->target.tgids[i];
		char path[32];

		snprintf(path, sizeof(path), "/proc/%d/task", tgid);
		DIR *tasks = tgid > 0 ? opendir(path) : NULL;
		const struct dirent *entry;
		while (tasks && (entry = readdir(tasks)) && watch->seed_count < SEEDS_MAX) {
			int tid = atoi(entry->d_name);
			if (tid > 0)
				watch->seeds[watch->seed_count++] =
					(struct ft_task){ .tid = tid, .tgid = tgid };
		}
		if (tasks)
			closedir(tasks);
	}
}

static void drop_seed(struct object_watch *watch, int32_t tid)
{
	for (size_t i = 0; i < watch->seed_count; i++)
		if (watch->seeds[i].tid == tid)
			watch->seeds[i--] = watch->seeds[--watch->seed_count];
}

static bool is_peer(const struct object_watch *watch, int32_t tgid)
{
	for (size_t i = 0; i < PEERS_MAX; i++)
		if (watch->peers[i] == tgid && tgid > 0)
			return true;
	return false;
}

/* @first: threads of the target; else those at other ends. */
static bool is_due(const struct object_watch *watch, size_t slot,
		   const struct blocked_thread *thread, uint64_t now_ns, bool first)
{
	bool of_target = target_has(&watch->target, thread->tgid);

	return (first ? of_target : !of_target && is_peer(watch, thread->tgid)) &&
	       thread->since_ns && thread->since_ns + LONG_NS <= now_ns &&
	       (thread->state == FT_STATE_SLEEPING || thread->state == FT_STATE_DISK) &&
	       watch->read_changes[slot] != thread->changes + 1;
}

static void choose_threads(struct object_watch *watch, struct round *round, uint64_t now_ns,
			   bool first)
{
	size_t slots = watch->read_count;

	/* Each round goes on where the last one ended, so that none is left out for ever. */
	for (size_t i = 0; i < slots && round->count < WAIT_OBJECTS_MAX; i++) {
		size_t slot = (watch->next_slot + i) % slots;
		struct blocked_thread thread;

		if (!blocked_threads_at(watch->options.blocked, slot, &thread))
			continue;
		if (first && watch->seed_count)
			drop_seed(watch, thread.tid);
		if (!is_due(watch, slot, &thread, now_ns, first))
			continue;
		watch->read_changes[slot] = thread.changes + 1;
		round->tasks[round->count++] = (struct ft_task){
			.tid = thread.tid, .tgid = thread.tgid > 0 ? thread.tgid : thread.tid
		};
		watch->next_slot = slot + 1;
	}
	while (first && watch->seed_count && round->count < WAIT_OBJECTS_MAX)
		round->tasks[round->count++] = watch->seeds[--watch->seed_count];
}

static bool grow_read_changes(struct object_watch *watch)
{
	size_t slots = blocked_threads_count(watch->options.blocked);

	if (slots <= watch->read_count)
		return true;
	uint32_t *read_changes = realloc(watch->read_changes, slots * sizeof(*read_changes));
	if (!read_changes)
		return false;
	memset(read_changes + watch->read_count, 0,
	       (slots - watch->read_count) * sizeof(*read_changes));
	watch->read_changes = read_changes;
	watch->read_count = slots;
	return true;
}

static bool has_due(struct object_watch *watch, uint64_t now_ns)
{
	struct blocked_thread thread;

	for (size_t slot = 0; slot < watch->read_count; slot++)
		if (blocked_threads_at(watch->options.blocked, slot, &thread) &&
		    (is_due(watch, slot, &thread, now_ns, true) ||
		     is_due(watch, slot, &thread, now_ns, false)))
			return true;
	return watch->seed_count > 0;
}

/* Rounds. */

static void begin_round(struct object_watch *watch, uint64_t now_ns)
{
	struct round *round;

	if (stuck >= STUCK_MOST || !grow_read_changes(watch) || !has_due(watch, now_ns))
		return;
	round = calloc(1, sizeof(*round));
	if (!round)
		return;
	round->kallsyms = watch->options.kallsyms;
	round->cache = watch->cache;
	choose_threads(watch, round, now_ns, true);
	choose_threads(watch, round, now_ns, false);
	if (!round->count || abandonable_task_start("ft-objects", read_round, discard_round, round,
						    &watch->reader)) {
		free(round);
		return;
	}
	watch->round = round;
	watch->begun_ns = now_ns;
}

static void emit_round(struct object_watch *watch)
{
	const struct round *round = watch->round;

	for (size_t i = 0; i < round->known; i++)
		wait_objects_visit(&round->objects[i], watch->options.emit, watch->options.context);
	for (size_t i = 0; i < round->state_count; i++)
		watch->options.emit(watch->options.context, &round->states[i].event);
	for (size_t i = 0; i < round->peer_count; i++)
		if (!is_peer(watch, round->peers[i]))
			watch->peers[watch->next_peer++ % PEERS_MAX] = round->peers[i];
	watch->cache = round->cache;
}

static uint64_t choose_pause_ns(const struct round *round)
{
	uint64_t pause_ns = round->cpu_ns * CPU_TIMES;

	if (pause_ns < round->known * OBJECT_NS)
		pause_ns = round->known * OBJECT_NS;
	return pause_ns < PAUSE_MOST_NS ? pause_ns : PAUSE_MOST_NS;
}

/* Take what the reader has, or leave it behind. */
static void end_round(struct object_watch *watch, uint64_t now_ns, bool stopping)
{
	bool done = abandonable_task_wait(watch->reader, 0);

	if (!done && !stopping && now_ns - watch->begun_ns < PATIENCE_NS)
		return;
	if (done) {
		emit_round(watch);
		watch->next_ns = now_ns + choose_pause_ns(watch->round);
	} else {
		watch->round->left_behind = true;
		stuck++;
	}
	abandonable_task_leave(watch->reader, 0);
	watch->reader = NULL;
	watch->round = NULL;
}

static void take_target(struct object_watch *watch)
{
	pthread_mutex_lock(&watch->mutex);
	bool anew = watch->anew;
	watch->anew = false;
	if (anew)
		watch->target = watch->next_target;
	pthread_mutex_unlock(&watch->mutex);
	if (anew)
		plant_seeds(watch);
}

static void look_once(struct object_watch *watch, uint64_t now_ns)
{
	take_target(watch);
	if (watch->refresh && !watch->round) {
		watch->refresh = false;
		watch->next_ns = now_ns;
		if (watch->read_changes)
			memset(watch->read_changes, 0,
			       watch->read_count * sizeof(*watch->read_changes));
		plant_seeds(watch);
	}
	if (watch->round)
		end_round(watch, now_ns, false);
	if (!watch->round && now_ns >= watch->next_ns)
		begin_round(watch, now_ns);
}

static void *run_watch(void *context)
{
	struct object_watch *watch = context;

	pthread_setname_np(pthread_self(), "ft-ends");
	while (!watch->stop) {
		/* A round takes less than the next look comes after. */
		const struct timespec until =
			clock_timespec(clock_now_ns() + (watch->round ? LOOK_NS / 8 : LOOK_NS));

		sem_clockwait(&watch->ending, CLOCK_MONOTONIC, &until);
		if (!watch->stop)
			look_once(watch, clock_now_ns());
	}
	if (watch->round)
		end_round(watch, clock_now_ns(), true);
	return NULL;
}

static void free_watch(struct object_watch *watch)
{
	pthread_mutex_destroy(&watch->mutex);
	sem_destroy(&watch->ending);
	free(watch->read_changes);
	free(watch->seeds);
	free(watch);
}

int object_watch_start(const struct object_watch_options *options, struct object_watch **ret_watch)
{
	struct object_watch *watch = calloc(1, sizeof(*watch));

	if (!watch)
		return -ENOMEM;
	watch->options = *options;
	watch->next_target = *options->target;
	watch->anew = true;
	sem_init(&watch->ending, 0, 0);
	pthread_mutex_init(&watch->mutex, NULL);
	watch->seeds = calloc(SEEDS_MAX, sizeof(*watch->seeds));
	int error = watch->seeds ? -pthread_create(&watch->thread, NULL, run_watch, watch) : -ENOMEM;
	if (error) {
		free_watch(watch);
		return error;
	}
	*ret_watch = watch;
	return 0;
}

void object_watch_stop(struct object_watch *watch)
{
	if (!watch)
		return;
	watch->stop = true;
	sem_post(&watch->ending);
	pthread_join(watch->thread, NULL);
	free_watch(watch);
}

void object_watch_set_target(struct object_watch *watch, const struct target *target)
{
	if (!watch)
		return;
	pthread_mutex_lock(&watch->mutex);
	watch->next_target = *target;
	watch->anew = true;
	pthread_mutex_unlock(&watch->mutex);
}

void object_watch_refresh(struct object_watch *watch)
{
	if (watch)
		watch->refresh = true;
}
