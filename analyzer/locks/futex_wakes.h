/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Futex calls that wake. Where a waker has no stack, its own call says that it released a lock of user space,
 * and did not wake the waiter by a signal.
 */
#ifndef ANALYZER_LOCKS_FUTEX_WAKES_H
#define ANALYZER_LOCKS_FUTEX_WAKES_H

#include <stdbool.h>
#include <stdint.h>

#include "analyzer/trace/per_thread.h"
#include "analyzer/trace/source.h"

struct futex_wakes {
	struct per_thread calls;
	uint64_t lost_ns;	/* end of the last loss on any CPU */
};

void futex_wakes_init(struct futex_wakes *wakes);
void futex_wakes_free(struct futex_wakes *wakes);

/* Whether @event is the call of futex(2) that wakes who waits at its first argument. */
bool futex_wakes_call(const struct ft_event *event);

/* Feed every event. 0 or -ENOMEM. */
int futex_wakes_event(struct futex_wakes *wakes, const struct event *event);

/**
 * futex_wakes_take() - whether @thread, which woke a waiter at @time_ns, was in a call that wakes at @address.
 *
 * Each wake-up that a call asks for is given once.
 */
bool futex_wakes_take(struct futex_wakes *wakes, const struct thread *thread, uint64_t address,
		   uint64_t time_ns);

#endif
