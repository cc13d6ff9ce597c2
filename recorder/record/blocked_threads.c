/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/record/blocked_threads.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/*
 * Each thread has a slot. Slots lie side by side, so that a reader of all of them touches no more
 * memory than there are threads. Only the drain uses the index by tid. Each slot is a seqlock: its
 * sequence is odd while the drain writes it, and a reader's copy counts only if the sequence did
 * not change meanwhile.
 */
struct slot {
	_Atomic uint32_t sequence;
	_Atomic int32_t tid; /* 0: free */
	_Atomic int32_t tgid;
	_Atomic uint32_t changes;
	_Atomic uint64_t comm[FT_COMM_BYTES / 8];
	_Atomic uint64_t since_ns;
	_Atomic uint64_t latest_ns; /* time of the last event that counted */
	_Atomic uint8_t state;
	_Atomic bool in_lock;
};

struct blocked_threads {
	struct slot *slots;
	size_t capacity;
	_Atomic size_t count; /* slots used so far */
	uint32_t *free_slots;
	size_t free_count;
	uint32_t *index; /* slot + 1 by hash of tid, linear probing; 0: free */
	size_t mask;
	_Atomic size_t lock_waits; /* threads blocked in a kernel lock */
	_Atomic uint64_t
		lock_wait_ns; /* start of the most recent wait for a kernel lock, ended or not */
};

#define LOAD(field)	    atomic_load_explicit(&(field), memory_order_relaxed)
#define STORE(field, value) atomic_store_explicit(&(field), value, memory_order_relaxed)

int blocked_threads_create(size_t capacity, struct blocked_threads **ret_blocked)
{
	size_t index_count = 1024;
	while (index_count < capacity * 2)
		index_count *= 2;
	struct blocked_threads *blocked = calloc(1, sizeof(*blocked));
	if (!blocked)
		return -ENOMEM;
	blocked->capacity = capacity;
	blocked->mask = index_count - 1;
	blocked->slots = calloc(capacity, sizeof(*blocked->slots));
	blocked->free_slots = calloc(capacity, sizeof(*blocked->free_slots));
	blocked->index = calloc(index_count, sizeof(*blocked->index));
	if (!blocked->slots || !blocked->free_slots || !blocked->index) {
		blocked_threads_destroy(blocked);
		return -ENOMEM;
	}
	*ret_blocked = blocked;
	return 0;
}

void blocked_threads_destroy(struct blocked_threads *blocked)
{
	if (!blocked)
		return;
	free(blocked->slots);
	free(blocked->free_slots);
	free(blocked->index);
	free(blocked);
}

static size_t home_index(const struct blocked_threads *blocked, int32_t tid)
{
	return ((uint32_t)tid * 2654435769u >> 7) & blocked->mask;
}

static int32_t get_tid(const struct blocked_threads *blocked, size_t at)
{
	return LOAD(blocked->slots[blocked->index[at] - 1].tid);
}

/* Return: the index entry of @tid, or the free one where it belongs. */
static size_t find_index(const struct blocked_threads *blocked, int32_t tid)
{
	size_t at = home_index(blocked, tid);
	while (blocked->index[at] && get_tid(blocked, at) != tid)
		at = (at + 1) & blocked->mask;
	return at;
}

static bool waits_for_lock(const struct slot *slot)
{
	return LOAD(slot->in_lock) && LOAD(slot->since_ns);
}

static void begin_write(struct blocked_threads *blocked, struct slot *slot)
{
	STORE(blocked->lock_waits, LOAD(blocked->lock_waits) - waits_for_lock(slot));
	STORE(slot->sequence, LOAD(slot->sequence) + 1);
	atomic_thread_fence(memory_order_release);
}

static void end_write(struct blocked_threads *blocked, struct slot *slot)
{
	STORE(blocked->lock_waits, LOAD(blocked->lock_waits) + waits_for_lock(slot));
	if (waits_for_lock(slot) && LOAD(slot->since_ns) > LOAD(blocked->lock_wait_ns))
		STORE(blocked->lock_wait_ns, LOAD(slot->since_ns));
	STORE(slot->changes, LOAD(slot->changes) + 1);
	atomic_store_explicit(&slot->sequence, LOAD(slot->sequence) + 1, memory_order_release);
}

/* Return: the slot of @tid, a new one if it has none; NULL if all are taken. */
static struct slot *get_slot(struct blocked_threads *blocked, int32_t tid)
{
	size_t count = LOAD(blocked->count);
	uint32_t number;

	size_t at = find_index(blocked, tid);
	if (blocked->index[at])
		return &blocked->slots[blocked->index[at] - 1];
	if (blocked->free_count) {
		number = blocked->free_slots[--blocked->free_count];
	} else if (count < blocked->capacity) {
		number = (uint32_t)count;
		atomic_store_explicit(&blocked->count, count + 1, memory_order_release);
	} else {
		return NULL;
	}
	blocked->index[at] = number + 1;
	struct slot *slot = &blocked->slots[number];
	begin_write(blocked, slot);
	STORE(slot->tid, tid);
	STORE(slot->tgid, -1);
	STORE(slot->since_ns, 0);
	STORE(slot->latest_ns, 0);
	STORE(slot->in_lock, false);
	end_write(blocked, slot);
	return slot;
}

static void remove_thread(struct blocked_threads *blocked, int32_t tid)
{
	size_t hole = find_index(blocked, tid);
	if (!blocked->index[hole])
		return;
	uint32_t number = blocked->index[hole] - 1;
	for (size_t at = (hole + 1) & blocked->mask; blocked->index[at];
	     at = (at + 1) & blocked->mask) {
		size_t wants = home_index(blocked, get_tid(blocked, at));
		if (((at - wants) & blocked->mask) >= ((at - hole) & blocked->mask)) {
			blocked->index[hole] = blocked->index[at];
			hole = at;
		}
	}
	blocked->index[hole] = 0;
	struct slot *slot = &blocked->slots[number];
	begin_write(blocked, slot);
	STORE(slot->tid, 0);
	STORE(slot->since_ns, 0);
	end_write(blocked, slot);
	blocked->free_slots[blocked->free_count++] = number;
}

static void set_task(struct slot *slot, const struct ft_task *task)
{
	uint64_t comm[FT_COMM_BYTES / 8];

	memcpy(comm, task->comm, sizeof(comm));
	if (task->tgid >= 0)
		STORE(slot->tgid, task->tgid);
	for (size_t i = 0; i < FT_COMM_BYTES / 8; i++)
		STORE(slot->comm[i], comm[i]);
}

static bool is_blocked_state(enum ft_task_state state)
{
	return state != FT_STATE_RUNNING && state != FT_STATE_PREEMPTED;
}

/* @since_ns: when @task blocked; 0 if it was woken, switched in or preempted. */
static void update_thread(struct blocked_threads *blocked, const struct ft_task *task,
			  uint64_t time_ns, uint64_t since_ns, enum ft_task_state state)
{
	if (task->tid <= 0)
		return;
	struct slot *slot = get_slot(blocked, task->tid);
	if (!slot)
		return;
	begin_write(blocked, slot);
	if (time_ns >= LOAD(slot->latest_ns)) {
		STORE(slot->latest_ns, time_ns);
		STORE(slot->since_ns, since_ns);
		STORE(slot->state, (uint8_t)state);
		set_task(slot, task);
	}
	end_write(blocked, slot);
}

/* Events of one CPU come in order; those of another one may come later, and tell of what was before. */
static void set_in_lock(struct blocked_threads *blocked, const struct ft_task *task,
			uint64_t time_ns, bool in_lock)
{
	struct slot *slot = task->tid > 0 ? get_slot(blocked, task->tid) : NULL;
	if (slot && time_ns >= LOAD(slot->latest_ns) && LOAD(slot->in_lock) != in_lock) {
		begin_write(blocked, slot);
		STORE(slot->in_lock, in_lock);
		end_write(blocked, slot);
	}
}

void blocked_threads_event(struct blocked_threads *blocked, const struct ft_event *event)
{
	switch (event->kind) {
	case FT_EVENT_SWITCH:
		if (event->switch_.prev_state == FT_STATE_DEAD)
			remove_thread(blocked, event->task->tid);
		else
			update_thread(blocked, event->task, event->time_ns,
				      is_blocked_state(event->switch_.prev_state) ? event->time_ns
										  : 0,
				      event->switch_.prev_state);
		update_thread(blocked, event->switch_.next, event->time_ns, 0, FT_STATE_RUNNING);
		set_in_lock(blocked, event->switch_.next, event->time_ns, false);
		/* No event says that a thread got the lock without sleeping: it sleeps elsewhere now. */
		if (event->switch_.prev_state != FT_STATE_DISK &&
		    event->switch_.prev_state != FT_STATE_DEAD)
			set_in_lock(blocked, event->task, event->time_ns, false);
		break;
	case FT_EVENT_WAKING:
		update_thread(blocked, event->waking.wakee, event->time_ns, 0, FT_STATE_RUNNING);
		break;
	case FT_EVENT_LOCK_BEGIN:
		set_in_lock(blocked, event->task, event->time_ns, true);
		break;
	default:
		break;
	}
}

size_t blocked_threads_lock_waits(const struct blocked_threads *blocked)
{
	return LOAD(blocked->lock_waits);
}

bool blocked_threads_wait_since(const struct blocked_threads *blocked, uint64_t after_ns)
{
	return LOAD(blocked->lock_waits) && LOAD(blocked->lock_wait_ns) > after_ns;
}

size_t blocked_threads_count(const struct blocked_threads *blocked)
{
	return atomic_load_explicit(&blocked->count, memory_order_acquire);
}

bool blocked_threads_at(const struct blocked_threads *blocked, size_t at,
			struct blocked_thread *ret_thread)
{
	const struct slot *slot = &blocked->slots[at];
	uint64_t comm[FT_COMM_BYTES / 8];

	uint32_t sequence = atomic_load_explicit(&slot->sequence, memory_order_acquire);
	struct blocked_thread thread = {
		.tid = LOAD(slot->tid),
		.tgid = LOAD(slot->tgid),
		.state = (enum ft_task_state)LOAD(slot->state),
		.since_ns = LOAD(slot->since_ns),
		.in_lock = LOAD(slot->in_lock),
		.changes = LOAD(slot->changes),
	};
	for (size_t i = 0; i < FT_COMM_BYTES / 8; i++)
		comm[i] = LOAD(slot->comm[i]);
	atomic_thread_fence(memory_order_acquire);
	if (sequence & 1 || sequence != LOAD(slot->sequence) || !thread.tid)
		return false;
	memcpy(thread.comm, comm, sizeof(thread.comm));
	thread.comm[FT_COMM_BYTES - 1] = '\0';
	*ret_thread = thread;
	return true;
}

bool blocked_threads_unchanged(const struct blocked_threads *blocked, size_t at,
			       const struct blocked_thread *seen)
{
	struct blocked_thread now;
	return blocked_threads_at(blocked, at, &now) && now.tid == seen->tid &&
	       now.changes == seen->changes;
}
