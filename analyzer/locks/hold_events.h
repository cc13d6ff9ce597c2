/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who holds which lock of the kernel now, where the kernel's own events tell: FT_EVENT_LOCK_HOLD.
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
void hold_events_destroy(struct hold_events *holders);

/* Feed every event. Return: 1 where it is a release of a lock, 0, or -ENOMEM. */
int hold_events_event(struct hold_events *holders, const struct event *event,
		  struct hold_release *ret_release);

/* Who has acquired the lock at @address and not released it: how many, the first in time in *ret_first. */
size_t hold_events_of(const struct hold_events *holders, uint64_t address, struct hold_owner *ret_first);

#endif
