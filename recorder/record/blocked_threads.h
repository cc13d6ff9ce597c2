/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Table of the threads that are blocked now, and since when. It is built from events
 * alone. The drain updates it; other threads read it without a lock.
 */
#ifndef RECORDER_RECORD_BLOCKED_THREADS_H
#define RECORDER_RECORD_BLOCKED_THREADS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/event.h"

struct blocked_threads;

/* Copy of one entry. */
struct blocked_thread {
	int32_t tid, tgid;		/* tgid is -1 where no event named it */
	char comm[FT_COMM_BYTES];
	enum ft_task_state state;	/* state at the switch that blocked it */
	uint64_t since_ns;		/* when it blocked; 0: it is not blocked, or no event named it yet */
	bool in_lock;			/* it is in the slow path of a kernel lock */
	uint32_t changes;		/* counts updates: two equal numbers mean that nothing happened */
};

/* Room for @capacity threads. Return: 0 or -ENOMEM. */
int blocked_threads_create(size_t capacity, struct blocked_threads **ret_blocked);
void blocked_threads_destroy(struct blocked_threads *blocked);

/**
 * blocked_threads_event() - update the threads that @event names.
 *
 * Only the drain calls it. It allocates nothing. Events of one CPU come in order of time, events of
 * different CPUs may not: for each thread the event with the latest time counts.
 */
void blocked_threads_event(struct blocked_threads *blocked, const struct ft_event *event);

/* The functions below may be called from any thread. */

/* How many threads are blocked in the slow path of a kernel lock. */
size_t blocked_threads_lock_waits(const struct blocked_threads *blocked);

/* Are there such threads, and did the most recent of these waits begin after @after_ns? The time
 * matters because a thread whose later events the kernel leaves out stays in the table for ever. */
bool blocked_threads_wait_since(const struct blocked_threads *blocked, uint64_t after_ns);

/* How many slots, from 0, may hold a thread. */
size_t blocked_threads_count(const struct blocked_threads *blocked);

/* Return: false if @slot holds no thread, or is being written just now. */
bool blocked_threads_at(const struct blocked_threads *blocked, size_t slot,
			struct blocked_thread *ret_thread);

/* Has no event changed the thread of @slot since @seen was copied? */
bool blocked_threads_unchanged(const struct blocked_threads *blocked, size_t slot,
			       const struct blocked_thread *seen);

#endif
