/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The holders of the kernel's locks by the kernel's own events, FT_EVENT_LOCK_HOLD.
 */
#ifndef ANALYZER_LOCKS_HOLD_EVENTS_H
#define ANALYZER_LOCKS_HOLD_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyzer/trace/source.h"

struct hold_owner {
	struct thread *thread;
	uint64_t since_ns;
	bool read;
};

struct hold_release {
	uint64_t address;
	struct thread *thread;
	uint64_t since_ns;	/* when it acquired the lock; 0: that was not seen */
	uint64_t alone_until_ns; /* others hold it since then; else the time of the release */
	bool read, write;	/* neither: not known */
};

struct hold_events;

int hold_events_create(struct hold_events **ret_holders); /* 0 or -ENOMEM */
void hold_events_destroy(struct hold_events *hold_events);

/* Feed every event. Return: 1 where it is a release of a lock, 0, or -ENOMEM. */
int hold_events_event(struct hold_events *hold_events, const struct event *event,
		  struct hold_release *ret_release);

/* Return: how many threads have acquired the lock at @address and not released it; *@ret_first: the first of them. */
size_t hold_events_of(const struct hold_events *hold_events, uint64_t address, struct hold_owner *ret_first);

#endif
