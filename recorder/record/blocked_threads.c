/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/record/blocked_threads.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/*
 * Threads lie side by side in places, so that a look at all of them reads no more than there are; an index
 * by tid, which only the drain uses, finds them. A reader takes a copy and then looks whether the number of
 * changes is still the same (a seqlock a place: odd while it is being written).
 */
struct place {
	_Atomic uint32_t sequence;
	_Atomic int32_t tid; /* 0: free */
	_Atomic int32_t tgid;
	_Atomic uint32_t changes;
	_Atomic uint64_t comm[FT_COMM_BYTES / 8];
	_Atomic uint64_t since_ns;
	_Atomic uint64_t latest_ns; /* of its latest event */
	_Atomic uint8_t state;
	_Atomic bool in_lock;
};

struct blocked_threads {
	struct place *places;
	size_t capacity;
	_Atomic size_t count; /* places used so far */
	uint32_t *free_places;
	size_t free_count;
	uint32_t *index; /* place + 1 by hash of tid, linear probing; 0: free */
	size_t mask;
	_Atomic size_t lock_waits; /* threads blocked in a kernel lock */
	_Atomic uint64_t lock_wait_ns; /* when the latest of all those that ever were began to be */
};

#define LOAD(field)	    atomic_load_explicit(&(field), memory_order_relaxed)
#define STORE(field, value) atomic_store_explicit(&(field), value, memory_order_relaxed)

int blocked_threads_create(size_t capacity, struct blocked_threads **ret_sleepers)
{
	size_t index_count = 1024;
	while (index_count < capacity * 2)
		index_count *= 2;
	struct blocked_threads *sleepers = calloc(1, sizeof(*sleepers));
	if (!sleepers)
		return -ENOMEM;
	sleepers->capacity = capacity;
	sleepers->mask = index_count - 1;
	sleepers->places = calloc(capacity, sizeof(*sleepers->places));
	sleepers->free_places = calloc(capacity, sizeof(*sleepers->free_places));
	sleepers->index = calloc(index_count, sizeof(*sleepers->index));
	if (!sleepers->places || !sleepers->free_places || !sleepers->index) {
		blocked_threads_destroy(sleepers);
		return -ENOMEM;
	}
	*ret_sleepers = sleepers;
	return 0;
}

void blocked_threads_destroy(struct blocked_threads *sleepers)
{
	if (!sleepers)
		return;
	free(sleepers->places);
	free(sleepers->free_places);
	free(sleepers->index);
	free(sleepers);
}

static size_t home(const struct blocked_threads *sleepers, int32_t tid)
{
	return ((uint32_t)tid * 2654435769u >> 7) & sleepers->mask;
}

static int32_t tid_at(const struct blocked_threads *sleepers, size_t at)
{
	return LOAD(sleepers->places[sleepers->index[at] - 1].tid);
}

/* Where in the index @tid is, or the free place where it would go. */
static size_t find(const struct blocked_threads *sleepers, int32_t tid)
{
	size_t at = home(sleepers, tid);
	while (sleepers->index[at] && tid_at(sleepers, at) != tid)
		at = (at + 1) & sleepers->mask;
	return at;
}

static bool waits_for_lock(const struct place *place)
{
	return LOAD(place->in_lock) && LOAD(place->since_ns);
}

static void begin_write(struct blocked_threads *sleepers, struct place *place)
{
	STORE(sleepers->lock_waits, LOAD(sleepers->lock_waits) - waits_for_lock(place));
	STORE(place->sequence, LOAD(place->sequence) + 1);
	atomic_thread_fence(memory_order_release);
}

static void end_write(struct blocked_threads *sleepers, struct place *place)
{
	STORE(sleepers->lock_waits, LOAD(sleepers->lock_waits) + waits_for_lock(place));
	if (waits_for_lock(place) && LOAD(place->since_ns) > LOAD(sleepers->lock_wait_ns))
		STORE(sleepers->lock_wait_ns, LOAD(place->since_ns));
	STORE(place->changes, LOAD(place->changes) + 1);
	atomic_store_explicit(&place->sequence, LOAD(place->sequence) + 1, memory_order_release);
}

/* The place of @tid, made if there is room; NULL where there is none. */
static struct place *place_of(struct blocked_threads *sleepers, int32_t tid)
{
	size_t count = LOAD(sleepers->count);
	uint32_t number;

	size_t at = find(sleepers, tid);
	if (sleepers->index[at])
		return &sleepers->places[sleepers->index[at] - 1];
	if (sleepers->free_count) {
		number = sleepers->free_places[--sleepers->free_count];
	} else if (count < sleepers->capacity) {
		number = (uint32_t)count;
		atomic_store_explicit(&sleepers->count, count + 1, memory_order_release);
	} else {
		return NULL;
	}
	sleepers->index[at] = number + 1;
	struct place *place = &sleepers->places[number];
	begin_write(sleepers, place);
	STORE(place->tid, tid);
	STORE(place->tgid, -1);
	STORE(place->since_ns, 0);
	STORE(place->latest_ns, 0);
	STORE(place->in_lock, false);
	end_write(sleepers, place);
	return place;
}

static void forget(struct blocked_threads *sleepers, int32_t tid)
{
	size_t hole = find(sleepers, tid);
	if (!sleepers->index[hole])
		return;
	uint32_t number = sleepers->index[hole] - 1;
	for (size_t at = (hole + 1) & sleepers->mask; sleepers->index[at];
	     at = (at + 1) & sleepers->mask) {
		size_t wants = home(sleepers, tid_at(sleepers, at));
		if (((at - wants) & sleepers->mask) >= ((at - hole) & sleepers->mask)) {
			sleepers->index[hole] = sleepers->index[at];
			hole = at;
		}
	}
	sleepers->index[hole] = 0;
	struct place *place = &sleepers->places[number];
	begin_write(sleepers, place);
	STORE(place->tid, 0);
	STORE(place->since_ns, 0);
	end_write(sleepers, place);
	sleepers->free_places[sleepers->free_count++] = number;
}

static void set_task(struct place *place, const struct ft_task *task)
{
	uint64_t comm[FT_COMM_BYTES / 8];

	memcpy(comm, task->comm, sizeof(comm));
	if (task->tgid >= 0)
		STORE(place->tgid, task->tgid);
	for (size_t i = 0; i < FT_COMM_BYTES / 8; i++)
		STORE(place->comm[i], comm[i]);
}

static bool blocks(enum ft_task_state state)
{
	return state != FT_STATE_RUNNING && state != FT_STATE_PREEMPTED;
}

/* @task blocked (@since_ns), or was woken, switched in or pushed off its CPU (0). */
static void change(struct blocked_threads *sleepers, const struct ft_task *task, uint64_t time_ns,
		   uint64_t since_ns, enum ft_task_state state)
{
	if (task->tid <= 0)
		return;
	struct place *place = place_of(sleepers, task->tid);
	if (!place)
		return;
	begin_write(sleepers, place);
	if (time_ns >= LOAD(place->latest_ns)) {
		STORE(place->latest_ns, time_ns);
		STORE(place->since_ns, since_ns);
		STORE(place->state, (uint8_t)state);
		set_task(place, task);
	}
	end_write(sleepers, place);
}

static void enter_lock(struct blocked_threads *sleepers, const struct ft_task *task, bool in_lock)
{
	struct place *place = task->tid > 0 ? place_of(sleepers, task->tid) : NULL;
	if (place && LOAD(place->in_lock) != in_lock) {
		begin_write(sleepers, place);
		STORE(place->in_lock, in_lock);
		end_write(sleepers, place);
	}
}

void blocked_threads_event(struct blocked_threads *sleepers, const struct ft_event *event)
{
	switch (event->kind) {
	case FT_EVENT_SWITCH:
		if (event->switch_.prev_state == FT_STATE_DEAD)
			forget(sleepers, event->task->tid);
		else
			change(sleepers, event->task, event->time_ns,
			       blocks(event->switch_.prev_state) ? event->time_ns : 0,
			       event->switch_.prev_state);
		change(sleepers, event->switch_.next, event->time_ns, 0, FT_STATE_RUNNING);
		enter_lock(sleepers, event->switch_.next, false);
		/* It got the lock without a sleep, which no event tells, and sleeps elsewhere. */
		if (event->switch_.prev_state != FT_STATE_DISK &&
		    event->switch_.prev_state != FT_STATE_DEAD)
			enter_lock(sleepers, event->task, false);
		break;
	case FT_EVENT_WAKING:
		change(sleepers, event->waking.wakee, event->time_ns, 0, FT_STATE_RUNNING);
		break;
	case FT_EVENT_LOCK_BEGIN:
		enter_lock(sleepers, event->task, true);
		break;
	default:
		break;
	}
}

size_t blocked_threads_lock_waits(const struct blocked_threads *sleepers)
{
	return LOAD(sleepers->lock_waits);
}

bool blocked_threads_wait_since(const struct blocked_threads *sleepers, uint64_t after_ns)
{
	return LOAD(sleepers->lock_waits) && LOAD(sleepers->lock_wait_ns) > after_ns;
}

size_t blocked_threads_count(const struct blocked_threads *sleepers)
{
	return atomic_load_explicit(&sleepers->count, memory_order_acquire);
}

bool blocked_threads_at(const struct blocked_threads *sleepers, size_t at,
			struct blocked_thread *ret_sleeper)
{
	const struct place *place = &sleepers->places[at];
	uint64_t comm[FT_COMM_BYTES / 8];

	uint32_t sequence = atomic_load_explicit(&place->sequence, memory_order_acquire);
	struct blocked_thread sleeper = {
		.tid = LOAD(place->tid),
		.tgid = LOAD(place->tgid),
		.state = (enum ft_task_state)LOAD(place->state),
		.since_ns = LOAD(place->since_ns),
		.in_lock = LOAD(place->in_lock),
		.changes = LOAD(place->changes),
	};
	for (size_t i = 0; i < FT_COMM_BYTES / 8; i++)
		comm[i] = LOAD(place->comm[i]);
	atomic_thread_fence(memory_order_acquire);
	if (sequence & 1 || sequence != LOAD(place->sequence) || !sleeper.tid)
		return false;
	memcpy(sleeper.comm, comm, sizeof(sleeper.comm));
	sleeper.comm[FT_COMM_BYTES - 1] = '\0';
	*ret_sleeper = sleeper;
	return true;
}

bool blocked_threads_unchanged(const struct blocked_threads *sleepers, size_t at,
			       const struct blocked_thread *seen)
{
	struct blocked_thread now;
	return blocked_threads_at(sleepers, at, &now) && now.tid == seen->tid &&
	       now.changes == seen->changes;
}
