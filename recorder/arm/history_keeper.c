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
#include "recorder/record/stack_dumps.h"

#define LOOK_NS		   1000000000
#define LOOK_SMALL_NS	   100000000 /* a small ring is overwritten soon */
#define SMALL_SLOTS	   256
#define MAPS_DEADLINE_MS   3000
#define UNWIND_DEADLINE_MS 5000
#define UNWOUND_MAX	   512
#define KEPT_MAX	   8192
#define STATES_NS	   1000000000ull
/* No segment stays open for longer: what is older has been seen of every CPU. */
#define SETTLED_NS 3000000000ull
#define FORGET_NS  10000000000ull /* how often those that exited are looked through */

struct history_keeper {
	struct engine *engine;
	struct target_finder *finder;
	struct ring_metadata *ringkeeper; /* NULL: no ring file */
	bool stack_seen[FT_DICTIONARY_MAX]; /* of the segment */
	struct segment_ring_cursor cursor;
	void *buffer; /* a slot long */
	struct ft_decoder *decoder;
	struct mapping_changes *changes; /* those not settled */
	uint64_t forgot_ns;
	size_t unreadable_count;
	pthread_t thread;
	pthread_mutex_t lock; /* of the mappings */
	struct mappings *mappings;
	pthread_mutex_t unwound_lock; /* of these, and held while unwinding */
	struct event_list *unwound;
	int unwind_error; /* the last one */
	uint64_t unwound_kept; /* so many of them are in the ring file */
	uint64_t dropped; /* dumps, told of already */
	pthread_mutex_t kept_lock; /* of these */
	struct event_list *kept;
	uint64_t kept_seen; /* so many of them are in the ring file */
	uint64_t log_seen; /* likewise, of the kernel's log */
	pthread_mutex_t states_lock; /* of these */
	struct thread_states
		*states; /* of the target when it was found; NULL: older than the history */
	uint64_t states_ns;
	bool states_kept; /* in the ring file */
	uint64_t target_anew; /* plus 1: whose states these are */
	_Atomic bool stop;
	sem_t ending; /* posted with it */
};

int history_keeper_create(struct engine *engine, struct target_finder *finder,
			  struct ring_map *ringmap, struct history_keeper **ret_house)
{
	struct history_keeper *house = calloc(1, sizeof(*house));
	int32_t *unreadable = calloc(engine->tgid_count + 1, sizeof(*unreadable));

	if (!house || !unreadable) {
		free(house);
		free(unreadable);
		return -ENOMEM;
	}
	house->engine = engine;
	house->finder = finder;
	sem_init(&house->ending, 0, 0);
	pthread_mutex_init(&house->kept_lock, NULL);
	pthread_mutex_init(&house->states_lock, NULL);
	pthread_mutex_init(&house->lock, NULL);
	pthread_mutex_init(&house->unwound_lock, NULL);
	house->buffer = malloc(segment_ring_slot_bytes(engine->slots));
	int error = !house->buffer || ft_decoder_create(&house->decoder) ||
				    mapping_changes_create(&house->changes) ||
				    mappings_create(&house->mappings) ||
				    event_list_create(UNWOUND_MAX, &house->unwound) ||
				    event_list_create(KEPT_MAX, &house->kept) ||
				    (ringmap && ring_metadata_create(ringmap, engine, finder,
								     &house->ringkeeper))
			    ? -ENOMEM
			    : 0;
	int count = error ? 0
			  : proc_maps_read(house->mappings, engine->tgids, engine->tgid_count,
					   MAPS_DEADLINE_MS, unreadable);
	house->unreadable_count = count > 0 ? (size_t)count : 0;
	free(unreadable);
	if (error) {
		history_keeper_destroy(house);
		return error;
	}
	*ret_house = house;
	return 0;
}

void history_keeper_destroy(struct history_keeper *house)
{
	if (!house)
		return;
	ring_metadata_destroy(house->ringkeeper);
	event_list_destroy(house->unwound);
	mappings_destroy(house->mappings);
	mapping_changes_destroy(house->changes);
	ft_decoder_destroy(house->decoder);
	thread_states_finish(house->states, 0, NULL);
	sem_destroy(&house->ending);
	pthread_mutex_destroy(&house->states_lock);
	pthread_mutex_destroy(&house->kept_lock);
	event_list_destroy(house->kept);
	pthread_mutex_destroy(&house->unwound_lock);
	pthread_mutex_destroy(&house->lock);
	free(house->buffer);
	free(house);
}

static void look_at_stack(struct history_keeper *house, const struct ft_stack *stack)
{
	uint32_t index = ft_decoder_stack_index(house->decoder, stack);
	if (index >= FT_DICTIONARY_MAX || house->stack_seen[index])
		return;
	house->stack_seen[index] = true;
	ring_metadata_add_stack(house->ringkeeper, stack);
}

static void look_at_segment(struct history_keeper *house, size_t segment_bytes)
{
	struct ft_segment header;
	struct ft_event event;
	size_t used_bytes;

	if (ft_segment_decode(house->buffer, segment_bytes, &header, &used_bytes))
		return;
	ft_decoder_begin(house->decoder, header.payload, header.payload_bytes, header.cpu,
			 header.first_ns);
	memset(house->stack_seen, 0, sizeof(house->stack_seen));
	while (ft_decoder_next(house->decoder, &event) == 1) {
		if (house->ringkeeper && event.stack)
			look_at_stack(house, event.stack);
		target_finder_event(house->finder, &event);
		if (mapping_changes_add(house->changes, &event))
			return; /* short of memory some names will be missing */
	}
}

static void follow(struct history_keeper *house)
{
	size_t bytes;
	while (!house->stop &&
	       segment_ring_get(house->engine->slots, &house->cursor, house->buffer, &bytes) == 1)
		look_at_segment(house, bytes);
}

static void settle(struct history_keeper *house, uint64_t until_ns)
{
	pthread_mutex_lock(&house->lock);
	mapping_changes_apply(house->changes, until_ns, house->mappings);
	pthread_mutex_unlock(&house->lock);
	mapping_changes_forget(house->changes, until_ns);
}

static void change_states(struct history_keeper *house, struct thread_states *states)
{
	pthread_mutex_lock(&house->states_lock);
	thread_states_finish(house->states, 0, NULL);
	house->states = states;
	pthread_mutex_unlock(&house->states_lock);
	house->states_ns = clock_now_ns();
	house->states_kept = !states;
}

/* Threads that wait when the target is found, and are never seen again, are told of by this alone. */
static void look_at_target(struct history_keeper *house)
{
	struct target target;
	uint64_t anew = target_finder_anew(house->finder) + 1;

	/* Of those that join it later, their events tell all from the first on. */
	if (anew == house->target_anew)
		return;
	house->target_anew = anew;
	target_finder_target(house->finder, &target);
	change_states(house, target_finder_looks(house->finder) && !target.count
				     ? NULL
				     : thread_states_start(&target, house->engine->kallsyms));
}

/* What the history does not hold any more needs no names and no stacks. */
static void forget(struct history_keeper *house, uint64_t now_ns)
{
	uint64_t oldest_ns = segment_ring_since_ns(house->engine->slots);

	if (now_ns - house->forgot_ns < FORGET_NS || oldest_ns < SETTLED_NS)
		return;
	house->forgot_ns = now_ns;
	pthread_mutex_lock(&house->lock);
	mappings_forget_exited(house->mappings, oldest_ns - SETTLED_NS);
	pthread_mutex_unlock(&house->lock);
	if (house->states && house->states_ns < oldest_ns - SETTLED_NS)
		change_states(house, NULL);
	pthread_mutex_lock(&house->unwound_lock);
	event_list_forget(house->unwound, oldest_ns - SETTLED_NS);
	pthread_mutex_unlock(&house->unwound_lock);
	pthread_mutex_lock(&house->kept_lock);
	event_list_forget(house->kept, oldest_ns - SETTLED_NS);
	pthread_mutex_unlock(&house->kept_lock);
}

static int keep_unwound(void *context, const struct ft_event *event)
{
	struct history_keeper *house = context;
	return event_list_add(house->unwound, event);
}

/* With the lock held. */
static void unwind(struct history_keeper *house, uint64_t until_ns, const struct mappings *mappings,
		   int deadline_ms)
{
	int error = stack_dumps_unwind(house->engine->dumps, until_ns, mappings, deadline_ms,
					keep_unwound, house);
	if (error)
		house->unwind_error = error;
}

/* States once they have had time to be read. */
static void keep_in_ring(struct history_keeper *house, uint64_t now_ns)
{
	struct recorder_events *ownlog = ring_metadata_ownlog(house->ringkeeper);

	if (!house->states_kept && now_ns - house->states_ns > STATES_NS) {
		thread_states_copy(house->states, 0, ownlog);
		house->states_kept = true;
	}
	pthread_mutex_lock(&house->unwound_lock);
	event_list_copy_new(house->unwound, &house->unwound_kept, ownlog);
	pthread_mutex_unlock(&house->unwound_lock);
	pthread_mutex_lock(&house->kept_lock);
	event_list_copy_new(house->kept, &house->kept_seen, ownlog);
	pthread_mutex_unlock(&house->kept_lock);
	kernel_log_copy_new(house->engine->kernellog, &house->log_seen, ownlog);
	ring_metadata_write(house->ringkeeper, now_ns);
}

static void *run(void *context)
{
	struct history_keeper *house = context;
	uint64_t pause_ns =
		segment_ring_count(house->engine->slots) < SMALL_SLOTS ? LOOK_SMALL_NS : LOOK_NS;

	pthread_setname_np(pthread_self(), "ft-house");
	while (!house->stop) {
		uint64_t now_ns = clock_now_ns();
		look_at_target(house);
		kernel_log_look(house->engine->kernellog);
		follow(house);
		settle(house, now_ns - SETTLED_NS);
		/* Only this thread changes the mappings: it may read them without the lock. */
		pthread_mutex_lock(&house->unwound_lock);
		unwind(house, now_ns - SETTLED_NS, house->mappings, UNWIND_DEADLINE_MS);
		pthread_mutex_unlock(&house->unwound_lock);
		forget(house, now_ns);
		if (house->ringkeeper)
			keep_in_ring(house, now_ns);
		const struct timespec until = clock_timespec(now_ns + pause_ns);
		sem_clockwait(&house->ending, CLOCK_MONOTONIC, &until);
	}
	return NULL;
}

int history_keeper_start(struct history_keeper *house)
{
	return -pthread_create(&house->thread, NULL, run, house);
}

void history_keeper_stop(struct history_keeper *house)
{
	house->stop = true;
	sem_post(&house->ending);
	pthread_join(house->thread, NULL);
}

int history_keeper_copy_mappings(struct history_keeper *house, struct mappings **ret_mappings)
{
	pthread_mutex_lock(&house->lock);
	int error = mappings_copy(house->mappings, ret_mappings);
	pthread_mutex_unlock(&house->lock);
	return error;
}

void history_keeper_note_limits(const struct history_keeper *house, struct recorder_events *ownlog)
{
	if (house->unreadable_count)
		recorder_events_note(
			ownlog,
			"the mappings of %zu of %zu processes could not be read when arming: "
			"their user frames have no names",
			house->unreadable_count, house->engine->tgid_count);
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

void history_keeper_keep(void *house, const struct ft_event *event)
{
	struct history_keeper *into = house;
	pthread_mutex_lock(&into->kept_lock);
	event_list_add(into->kept, event);
	pthread_mutex_unlock(&into->kept_lock);
}

void history_keeper_add_kept(struct history_keeper *house, uint64_t since_ns,
			     struct recorder_events *ownlog)
{
	pthread_mutex_lock(&house->kept_lock);
	event_list_copy(house->kept, since_ns, ownlog);
	pthread_mutex_unlock(&house->kept_lock);
}

void history_keeper_add_states(struct history_keeper *house, uint64_t since_ns,
			       struct recorder_events *ownlog)
{
	pthread_mutex_lock(&house->states_lock);
	thread_states_copy(house->states, since_ns, ownlog);
	pthread_mutex_unlock(&house->states_lock);
}

void history_keeper_add_unwound(struct history_keeper *house, const struct mappings *mappings,
				uint64_t *seen, int deadline_ms, struct recorder_events *ownlog)
{
	if (!lock_until(&house->unwound_lock, deadline_ms)) {
		if (mappings)
			recorder_events_note(
				ownlog, "user stacks of large calls could not be unwound in time");
		return;
	}
	if (mappings)
		unwind(house, UINT64_MAX, mappings, deadline_ms);
	event_list_copy_new(house->unwound, seen, ownlog);
	uint64_t dropped = stack_dumps_dropped(house->engine->dumps);
	stack_dumps_note_missing(house->unwind_error, dropped - house->dropped, ownlog);
	house->unwind_error = 0;
	house->dropped = dropped;
	pthread_mutex_unlock(&house->unwound_lock);
}
