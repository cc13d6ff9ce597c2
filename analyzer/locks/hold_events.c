/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/locks/hold_events.h"

#include <errno.h>
#include <stdlib.h>
#include <uthash.h>

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

static void forget(struct hold_events *holders, struct held *held)
{
	HASH_DEL(holders->locks, held);
	free(held->list);
	free(held);
}

static void forget_all(struct hold_events *holders)
{
	struct held *held, *next;

	HASH_ITER(hh, holders->locks, held, next)
	forget(holders, held);
}

void hold_events_destroy(struct hold_events *holders)
{
	if (!holders)
		return;
	forget_all(holders);
	free(holders);
}

static struct held *find(const struct hold_events *holders, uint64_t address)
{
	struct held *held = NULL;

	HASH_FIND(hh, holders->locks, &address, sizeof(address), held);
	return held;
}

/* Return: since when it held the lock; 0: it is not known to have. */
static uint64_t drop(struct held *held, const struct thread *thread)
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

static int acquired(struct hold_events *holders, const struct event *event)
{
	uint64_t address = event->raw.lock_hold.address;
	bool read = event->raw.lock_hold.flags & FT_HOLD_READ;
	struct held *held = find(holders, address);
	struct hold_owner *list;

	if (!held) {
		held = calloc(1, sizeof(*held));
		if (!held)
			return -ENOMEM;
		held->address = address;
		HASH_ADD(hh, holders->locks, address, sizeof(held->address), held);
	}
	/* Whoever this one excludes has released it, and that was not seen. */
	if (!read || (held->count && !held->list[0].read))
		held->count = 0;
	drop(held, event->thread);
	if (held->count == held->room) {
		list = reallocarray(held->list, held->room ? held->room * 2 : 4, sizeof(*list));
		if (!list)
			return -ENOMEM;
		held->list = list;
		held->room = held->room ? held->room * 2 : 4;
	}
	held->list[held->count++] = (struct hold_owner){ event->thread, event->raw.time_ns, read };
	return 0;
}

static void released(struct hold_events *holders, const struct event *event,
		     struct hold_release *ret_release)
{
	const struct ft_event *raw = &event->raw;
	struct held *held = find(holders, raw->lock_hold.address);

	*ret_release = (struct hold_release){
		.address = raw->lock_hold.address,
		.thread = event->thread,
		.alone_until_ns = raw->time_ns,
		.read = raw->lock_hold.flags & FT_HOLD_READ,
		.write = raw->lock_hold.flags & FT_HOLD_WRITE,
	};
	if (!held)
		return;
	ret_release->since_ns = drop(held, event->thread);
	if (!ret_release->read)
		held->count = 0;
	if (held->count)
		ret_release->alone_until_ns = held->list[0].since_ns;
	else
		forget(holders, held);
}

int hold_events_event(struct hold_events *holders, const struct event *event,
		      struct hold_release *ret_release)
{
	if (event->raw.kind == FT_EVENT_LOST)
		forget_all(holders); /* any of them may have been released meanwhile */
	if (event->raw.kind != FT_EVENT_LOCK_HOLD || event->raw.lock_hold.flags & FT_HOLD_OF_MM)
		return 0;
	if (event->raw.lock_hold.flags & FT_HOLD_ACQUIRED)
		return acquired(holders, event);
	released(holders, event, ret_release);
	return 1;
}

size_t hold_events_of(const struct hold_events *holders, uint64_t address,
		      struct hold_owner *ret_first)
{
	const struct held *held = find(holders, address);

	if (!held || !held->count)
		return 0;
	*ret_first = held->list[0];
	return held->count;
}
