/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Futex calls that wake: where a waker has no stack, its own call says that it let a lock of user space go, and
 * did not wake the waiter by a signal.
 */
#ifndef ANALYZER_RELEASES_H
#define ANALYZER_RELEASES_H

#include <stdbool.h>
#include <stdint.h>

#include "analyzer/trace/per_thread.h"
#include "analyzer/trace/source.h"

struct releases {
	struct by_thread calls;
	uint64_t lost_ns;	/* end of a loss on any CPU */
};

void releases_init(struct releases *releases);
void releases_free(struct releases *releases);

/* Whether @event is the call of futex(2) that wakes who waits at its first argument. */
bool release_call(const struct ft_event *event);

/* Feed every event. 0 or -ENOMEM. */
int releases_event(struct releases *releases, const struct event *event);

/**
 * releases_take() - whether @thread, which woke a waiter at @time_ns, was in a call that wakes at @address.
 *
 * Each wake-up that a call asks for is given once.
 */
bool releases_take(struct releases *releases, const struct thread *thread, uint64_t address,
		   uint64_t time_ns);

#endif
