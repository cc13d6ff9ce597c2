/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who holds which lock of the kernel now, where the kernel's own events tell: FT_EVENT_LOCK_HOLD.
 */
#ifndef ANALYZER_HOLDERS_H
#define ANALYZER_HOLDERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyzer/trace/source.h"

struct holder {
	struct thread *thread;
	uint64_t since_ns;
	bool read;
};

struct holders_release {
	uint64_t address;
	struct thread *thread;
	uint64_t since_ns;	/* when it acquired the lock; 0: that was not seen */
	uint64_t alone_until_ns; /* others hold it since then; else the time of the release */
	bool read, write;	/* neither: not known */
};

struct holders;

int holders_create(struct holders **ret_holders); /* 0 or -ENOMEM */
void holders_destroy(struct holders *holders);

/* Feed every event. Return: 1 where it is a release of a lock, 0, or -ENOMEM. */
int holders_event(struct holders *holders, const struct event *event,
		  struct holders_release *ret_release);

/* Who has acquired the lock at @address and not released it: how many, the first in time in *ret_first. */
size_t holders_of(const struct holders *holders, uint64_t address, struct holder *ret_first);

#endif
