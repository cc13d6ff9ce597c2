/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/locks/hold_events.h"

#include <errno.h>
#include <stdlib.h>
#include <uthash.h>

#include "analyzer/util/array.h"

/* A lock that somebody holds. */
struct held {
	uint64_t address;
	struct hold_owner *list; /* in order of since_ns */
	size_t count, room;
	UT_hash_handle hh;
};

struct hold_events {
	struct held *locks;
};

int hold_events_create(struct hold_events **ret_holders)
{
	*ret_holders = calloc(1, sizeof(struct hold_events));
	return *ret_holders ? 0 : -ENOMEM;
}

static void forget_lock(struct hold_events *hold_events, struct held *held)
{
	HASH_DEL(hold_events->locks, held);
	free(held->list);
	free(held);
}

static void forget_all_locks(struct hold_events *hold_events)
{
	struct held *held, *next;

	HASH_ITER(hh, hold_events->locks, held, next)
	forget_lock(hold_events, held);
}

void hold_events_destroy(struct hold_events *hold_events)
{
	if (!hold_events)
		return;
	forget_all_locks(hold_events);
	free(hold_events);
}

static struct held *find_lock(const struct hold_events *hold_events, uint64_t address)
{
	struct held *held = NULL;

	HASH_FIND(hh, hold_events->locks, &address, sizeof(address), held);
	return held;
}

/* Return: since when @thread held the lock; 0: not known. */
static uint64_t remove_owner(struct held *held, const struct thread *thread)
{
	for (size_t i = 0; i < held->count; i++) {
		uint64_t since_ns = held->list[i].since_ns;

		if (held->list[i].thread != thread)
			continue;
		memmove(&held->list[i], &held->list[i + 1],
			(--held->count - i) * sizeof(*held->list));
		return since_ns;
	}
	return 0;
}

static int note_acquired(struct hold_events *hold_events, const struct event *event)
{
	uint64_t address = event->raw.lock_hold.address;
	bool read = event->raw.lock_hold.flags & FT_HOLD_READ;
	struct held *held = find_lock(hold_events, address);

	if (!held) {
		held = calloc(1, sizeof(*held));
		if (!held)
			return -ENOMEM;
		held->address = address;
		HASH_ADD(hh, hold_events->locks, address, sizeof(held->address), held);
	}
	/* The holders that this one excludes have released the lock unseen. */
	if (!read || (held->count && !held->list[0].read))
		held->count = 0;
	remove_owner(held, event->thread);
	if (array_grow(held->list, held->count, held->room))
		return -ENOMEM;
	held->list[held->count++] = (struct hold_owner){ event->thread, event->raw.time_ns, read };
	return 0;
}

static void note_released(struct hold_events *hold_events, const struct event *event,
			  struct hold_release *ret_release)
{
	const struct ft_event *raw = &event->raw;
	struct held *held = find_lock(hold_events, raw->lock_hold.address);

	*ret_release = (struct hold_release){
		.address = raw->lock_hold.address,
		.thread = event->thread,
		.alone_until_ns = raw->time_ns,
		.read = raw->lock_hold.flags & FT_HOLD_READ,
		.write = raw->lock_hold.flags & FT_HOLD_WRITE,
	};
	if (!held)
		return;
	ret_release->since_ns = remove_owner(held, event->thread);
	if (!ret_release->read)
		held->count = 0;
	if (held->count)
		ret_release->alone_until_ns = held->list[0].since_ns;
	else
		forget_lock(hold_events, held);
}

int hold_events_event(struct hold_events *hold_events, const struct event *event,
		      struct hold_release *ret_release)
{
	if (event->raw.kind == FT_EVENT_LOST)
		forget_all_locks(hold_events); /* any of them may have been released unseen */
	if (event->raw.kind != FT_EVENT_LOCK_HOLD || event->raw.lock_hold.flags & FT_HOLD_OF_MM)
		return 0;
	if (event->raw.lock_hold.flags & FT_HOLD_ACQUIRED)
		return note_acquired(hold_events, event);
	note_released(hold_events, event, ret_release);
	return 1;
}

size_t hold_events_of(const struct hold_events *hold_events, uint64_t address,
		      struct hold_owner *ret_first)
{
	const struct held *held = find_lock(hold_events, address);

	if (!held || !held->count)
		return 0;
	*ret_first = held->list[0];
	return held->count;
}
