/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/arm/history_keeper.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "capture/decoder.h"
#include "capture/segment.h"
#include "recorder/symbols/mapping_changes.h"
#include "recorder/base/clock.h"
#include "recorder/buffer/event_list.h"
#include "recorder/proc/proc_maps.h"
#include "recorder/arm/ring_metadata.h"
#include "recorder/proc/thread_states.h"
#include "recorder/record/object_watch.h"
#include "recorder/record/stack_dumps.h"

#define LOOK_NS		   1000000000
#define LOOK_SMALL_NS	   100000000 /* a small ring is overwritten soon */
#define SMALL_SLOTS	   256
#define MAPS_DEADLINE_MS   3000
#define UNWIND_DEADLINE_MS 5000
#define UNWOUND_MAX	   512
#define EVENTS_MAX	   8192
#define STATES_NS	   1000000000ull
/* A segment never stays open for so long, so older events of all CPUs have been read. */
#define SETTLED_NS 3000000000ull
#define FORGET_NS  10000000000ull /* how often old data are removed */

struct history_keeper {
	struct engine *engine;
	struct target_finder *finder;
	struct ring_metadata *ring_metadata; /* NULL: no ring file */
	bool stack_seen[FT_DICTIONARY_MAX]; /* in the current segment */
	struct segment_ring_cursor cursor;
	void *buffer; /* as long as a slot */
	struct ft_decoder *decoder;
	struct mapping_changes *changes; /* not applied yet, being younger than SETTLED_NS */
	uint64_t forgot_ns;
	size_t unreadable_count;
	pthread_t thread;
	pthread_mutex_t lock; /* protects mappings */
	struct mappings *mappings;
	pthread_mutex_t unwound_lock; /* protects the members up to dropped; held while unwinding */
	struct event_list *unwound;
	int unwind_error; /* of the last failure; 0: none since it was noted */
	uint64_t unwound_copied; /* so many are in the ring file */
	uint64_t dropped; /* dropped dumps that were noted already */
	pthread_mutex_t events_lock; /* protects the member below */
	struct event_list *events;
	uint64_t events_copied; /* so many are in the ring file */
	uint64_t log_copied; /* so many lines of the kernel's log are in the ring file */
	pthread_mutex_t states_lock; /* protects the member below */
	struct thread_states *
		states; /* of the target when it was found; NULL: none, or older than the history */
	uint64_t states_ns;
	bool states_kept; /* they are in the ring file */
	struct object_watch *object_watch; /* NULL: it could not be started */
	uint64_t objects_anew; /* the target that object_watch has */
	uint64_t target_anew; /* plus 1: the target that states belongs to */
	_Atomic bool stop;
	sem_t ending; /* posted with stop set */
};

int history_keeper_create(struct engine *engine, struct target_finder *finder,
			  struct ring_map *ringmap, struct history_keeper **ret_keeper)
{
	struct history_keeper *keeper = calloc(1, sizeof(*keeper));
	int32_t *unreadable = calloc(engine->tgid_count + 1, sizeof(*unreadable));

	if (!keeper || !unreadable) {
		free(keeper);
		free(unreadable);
		return -ENOMEM;
	}
	keeper->engine = engine;
	keeper->finder = finder;
	sem_init(&keeper->ending, 0, 0);
	pthread_mutex_init(&keeper->events_lock, NULL);
	pthread_mutex_init(&keeper->states_lock, NULL);
	pthread_mutex_init(&keeper->lock, NULL);
	pthread_mutex_init(&keeper->unwound_lock, NULL);
	keeper->buffer = malloc(segment_ring_slot_bytes(engine->slots));
	int error = !keeper->buffer || ft_decoder_create(&keeper->decoder) ||
				    mapping_changes_create(&keeper->changes) ||
				    mappings_create(&keeper->mappings) ||
				    event_list_create(UNWOUND_MAX, &keeper->unwound) ||
				    event_list_create(EVENTS_MAX, &keeper->events) ||
				    (ringmap && ring_metadata_create(ringmap, engine, finder,
								     &keeper->ring_metadata))
			    ? -ENOMEM
			    : 0;
	int count = error ? 0
			  : proc_maps_read(keeper->mappings, engine->tgids, engine->tgid_count,
					   MAPS_DEADLINE_MS, unreadable);
	keeper->unreadable_count = count > 0 ? (size_t)count : 0;
	free(unreadable);
	if (error) {
		history_keeper_destroy(keeper);
		return error;
	}
	*ret_keeper = keeper;
	return 0;
}

void history_keeper_destroy(struct history_keeper *keeper)
{
	if (!keeper)
		return;
	ring_metadata_destroy(keeper->ring_metadata);
	event_list_destroy(keeper->unwound);
	mappings_destroy(keeper->mappings);
	mapping_changes_destroy(keeper->changes);
	ft_decoder_destroy(keeper->decoder);
	thread_states_finish(keeper->states, 0, NULL);
	sem_destroy(&keeper->ending);
	pthread_mutex_destroy(&keeper->states_lock);
	pthread_mutex_destroy(&keeper->events_lock);
	event_list_destroy(keeper->events);
	pthread_mutex_destroy(&keeper->unwound_lock);
	pthread_mutex_destroy(&keeper->lock);
	free(keeper->buffer);
	free(keeper);
}

static void add_stack(struct history_keeper *keeper, const struct ft_stack *stack)
{
	size_t index = stack - ft_decoder_stacks(keeper->decoder);

	if (keeper->stack_seen[index])
		return;
	keeper->stack_seen[index] = true;
	ring_metadata_add_stack(keeper->ring_metadata, stack);
}

static void decode_segment(struct history_keeper *keeper, size_t segment_bytes)
{
	struct ft_segment header;
	struct ft_event event;
	size_t used_bytes;

	if (ft_segment_decode(keeper->buffer, segment_bytes, &header, &used_bytes))
		return;
	ft_decoder_begin(keeper->decoder, header.payload, header.payload_bytes, header.cpu,
			 header.first_ns);
	memset(keeper->stack_seen, 0, sizeof(keeper->stack_seen));
	while (ft_decoder_next(keeper->decoder, &event) == 1) {
		if (keeper->ring_metadata && event.stack)
			add_stack(keeper, event.stack);
		target_finder_event(keeper->finder, &event);
		if (mapping_changes_add(keeper->changes, &event))
			return; /* without memory some names will be missing */
	}
}

static void read_new_segments(struct history_keeper *keeper)
{
	size_t bytes;
	while (!keeper->stop && segment_ring_get(keeper->engine->slots, &keeper->cursor,
						 keeper->buffer, &bytes) == 1)
		decode_segment(keeper, bytes);
}

static void apply_mapping_changes(struct history_keeper *keeper, uint64_t until_ns)
{
	pthread_mutex_lock(&keeper->lock);
	mapping_changes_apply(keeper->changes, until_ns, keeper->mappings);
	pthread_mutex_unlock(&keeper->lock);
	mapping_changes_forget(keeper->changes, until_ns);
}

static void replace_states(struct history_keeper *keeper, struct thread_states *states)
{
	pthread_mutex_lock(&keeper->states_lock);
	thread_states_finish(keeper->states, 0, NULL);
	keeper->states = states;
	pthread_mutex_unlock(&keeper->states_lock);
	keeper->states_ns = clock_now_ns();
	keeper->states_kept = !states;
}

/* A thread that waits when the target is found may never be in an event: only its state tells of
 * it. */
static void start_states(struct history_keeper *keeper)
{
	struct target target;
	uint64_t anew = target_finder_generation(keeper->finder) + 1;

	/* Threads that join the target later have events from their first moment on. */
	if (anew == keeper->target_anew)
		return;
	keeper->target_anew = anew;
	target_finder_target(keeper->finder, &target);
	replace_states(keeper, target_finder_looks(keeper->finder) && !target.count
				       ? NULL
				       : thread_states_start(&(struct thread_states_options){
						 .target = &target,
						 .kallsyms = keeper->engine->kallsyms,
					 }));
}

/* Return: a number that changes with the target. While it does not run it is the idle task, which waits for nothing. */
static uint64_t find_target(const struct history_keeper *keeper, struct target *ret_target)
{
	uint64_t number = target_finder_target(keeper->finder, ret_target);

	if (target_finder_looks(keeper->finder) && !ret_target->count)
		ret_target->tgids[ret_target->count++] = 0;
	return number;
}

/* Without it captures are as good but for the objects, so that a failure is none of the recorder. */
static void start_object_watch(struct history_keeper *keeper)
{
	struct target target;

	keeper->objects_anew = find_target(keeper, &target);
	if (!keeper->engine->blocked ||
	    object_watch_start(
		    &(struct object_watch_options){ .blocked = keeper->engine->blocked,
						    .target = &target,
						    .kallsyms = keeper->engine->kallsyms,
						    .emit = history_keeper_add_event,
						    .context = keeper },
		    &keeper->object_watch))
		keeper->object_watch = NULL;
}

/* Unlike the states, objects are read of processes that join the target later, too. */
static void follow_target(struct history_keeper *keeper)
{
	struct target target;
	uint64_t anew = find_target(keeper, &target);

	if (anew == keeper->objects_anew)
		return;
	keeper->objects_anew = anew;
	object_watch_set_target(keeper->object_watch, &target);
}

void history_keeper_refresh_objects(struct history_keeper *keeper)
{
	object_watch_refresh(keeper->object_watch);
}

/* Remove mappings, states and stacks that are older than the history. */
static void forget_old_data(struct history_keeper *keeper, uint64_t now_ns)
{
	uint64_t oldest_ns = segment_ring_since_ns(keeper->engine->slots);

	if (now_ns - keeper->forgot_ns < FORGET_NS || oldest_ns < SETTLED_NS)
		return;
	keeper->forgot_ns = now_ns;
	pthread_mutex_lock(&keeper->lock);
	mappings_forget_exited(keeper->mappings, oldest_ns - SETTLED_NS);
	pthread_mutex_unlock(&keeper->lock);
	if (keeper->states && keeper->states_ns < oldest_ns - SETTLED_NS)
		replace_states(keeper, NULL);
	pthread_mutex_lock(&keeper->unwound_lock);
	event_list_forget(keeper->unwound, oldest_ns - SETTLED_NS);
	pthread_mutex_unlock(&keeper->unwound_lock);
	pthread_mutex_lock(&keeper->events_lock);
	event_list_forget(keeper->events, oldest_ns - SETTLED_NS);
	pthread_mutex_unlock(&keeper->events_lock);
}

static int keep_unwound(void *context, const struct ft_event *event)
{
	struct history_keeper *keeper = context;
	return event_list_add(keeper->unwound, event);
}

/* Call it with unwound_lock held. */
static void unwind_dumps(struct history_keeper *keeper, uint64_t until_ns,
			 const struct mappings *mappings, int deadline_ms)
{
	int error = stack_dumps_unwind(keeper->engine->dumps, until_ns, mappings, deadline_ms,
				       keep_unwound, keeper);
	if (error)
		keeper->unwind_error = error;
}

/* The states are copied once there was time to read them. */
static void write_ring_metadata(struct history_keeper *keeper, uint64_t now_ns)
{
	struct recorder_events *own_events = ring_metadata_own_events(keeper->ring_metadata);

	if (!keeper->states_kept && now_ns - keeper->states_ns > STATES_NS) {
		thread_states_copy(keeper->states, 0, own_events);
		keeper->states_kept = true;
	}
	pthread_mutex_lock(&keeper->unwound_lock);
	event_list_copy_new(keeper->unwound, &keeper->unwound_copied, own_events);
	pthread_mutex_unlock(&keeper->unwound_lock);
	pthread_mutex_lock(&keeper->events_lock);
	event_list_copy_new(keeper->events, &keeper->events_copied, own_events);
	pthread_mutex_unlock(&keeper->events_lock);
	kernel_log_copy_new(keeper->engine->kernel_log, &keeper->log_copied, own_events);
	ring_metadata_write(keeper->ring_metadata, now_ns);
}

static void *run_keeper(void *context)
{
	struct history_keeper *keeper = context;
	uint64_t pause_ns =
		segment_ring_count(keeper->engine->slots) < SMALL_SLOTS ? LOOK_SMALL_NS : LOOK_NS;

	pthread_setname_np(pthread_self(), "ft-house");
	while (!keeper->stop) {
		uint64_t now_ns = clock_now_ns();
		start_states(keeper);
		follow_target(keeper);
		kernel_log_look(keeper->engine->kernel_log);
		read_new_segments(keeper);
		apply_mapping_changes(keeper, now_ns - SETTLED_NS);
		/* Only this thread changes the mappings, so it reads them without the lock. */
		pthread_mutex_lock(&keeper->unwound_lock);
		unwind_dumps(keeper, now_ns - SETTLED_NS, keeper->mappings, UNWIND_DEADLINE_MS);
		pthread_mutex_unlock(&keeper->unwound_lock);
		forget_old_data(keeper, now_ns);
		if (keeper->ring_metadata)
			write_ring_metadata(keeper, now_ns);
		const struct timespec until = clock_timespec(now_ns + pause_ns);
		sem_clockwait(&keeper->ending, CLOCK_MONOTONIC, &until);
	}
	return NULL;
}

int history_keeper_start(struct history_keeper *keeper)
{
	start_object_watch(keeper);
	int error = -pthread_create(&keeper->thread, NULL, run_keeper, keeper);
	if (error) {
		object_watch_stop(keeper->object_watch);
		keeper->object_watch = NULL;
	}
	return error;
}

void history_keeper_stop(struct history_keeper *keeper)
{
	keeper->stop = true;
	sem_post(&keeper->ending);
	pthread_join(keeper->thread, NULL);
	object_watch_stop(keeper->object_watch);
	keeper->object_watch = NULL;
}

int history_keeper_copy_mappings(struct history_keeper *keeper, struct mappings **ret_mappings)
{
	pthread_mutex_lock(&keeper->lock);
	int error = mappings_copy(keeper->mappings, ret_mappings);
	pthread_mutex_unlock(&keeper->lock);
	return error;
}

void history_keeper_note_limits(const struct history_keeper *keeper,
				struct recorder_events *own_events)
{
	if (keeper->unreadable_count)
		recorder_events_note(
			own_events,
			"the mappings of %zu of %zu processes could not be read when arming: "
			"their user frames have no names",
			keeper->unreadable_count, keeper->engine->tgid_count);
}

static bool lock_until(pthread_mutex_t *lock, int deadline_ms)
{
	uint64_t end_ns = clock_now_ns() + (uint64_t)deadline_ms * 1000000;
	while (pthread_mutex_trylock(lock)) {
		if (clock_now_ns() >= end_ns)
			return false;
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
	return true;
}

void history_keeper_add_event(void *keeper, const struct ft_event *event)
{
	struct history_keeper *into = keeper;
	pthread_mutex_lock(&into->events_lock);
	event_list_add(into->events, event);
	pthread_mutex_unlock(&into->events_lock);
}

void history_keeper_copy_events(struct history_keeper *keeper, uint64_t since_ns,
				struct recorder_events *own_events)
{
	pthread_mutex_lock(&keeper->events_lock);
	event_list_copy(keeper->events, since_ns, own_events);
	pthread_mutex_unlock(&keeper->events_lock);
}

void history_keeper_copy_states(struct history_keeper *keeper, uint64_t since_ns,
				struct recorder_events *own_events)
{
	pthread_mutex_lock(&keeper->states_lock);
	thread_states_copy(keeper->states, since_ns, own_events);
	pthread_mutex_unlock(&keeper->states_lock);
}

void history_keeper_copy_unwound(struct history_keeper *keeper, const struct mappings *mappings,
				 uint64_t *seen, int deadline_ms,
				 struct recorder_events *own_events)
{
	if (!lock_until(&keeper->unwound_lock, deadline_ms)) {
		if (mappings)
			recorder_events_note(
				own_events,
				"user stacks of large calls could not be unwound in time");
		return;
	}
	if (mappings)
		unwind_dumps(keeper, UINT64_MAX, mappings, deadline_ms);
	event_list_copy_new(keeper->unwound, seen, own_events);
	uint64_t dropped = stack_dumps_dropped(keeper->engine->dumps);
	stack_dumps_note_missing(keeper->unwind_error, dropped - keeper->dropped, own_events);
	keeper->unwind_error = 0;
	keeper->dropped = dropped;
	pthread_mutex_unlock(&keeper->unwound_lock);
}
