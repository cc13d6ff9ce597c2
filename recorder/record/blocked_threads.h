/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which threads are blocked now, and since when, by the events alone. The drain
 * keeps it up; other threads look at it without a lock.
 */
#ifndef RECORDER_RECORD_BLOCKED_THREADS_H
#define RECORDER_RECORD_BLOCKED_THREADS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/event.h"

struct blocked_threads;

/* A thread as it was when looked at. */
struct blocked_thread {
	int32_t tid, tgid;		/* tgid -1: not known */
	char comm[FT_COMM_BYTES];
	enum ft_task_state state;	/* in which it blocked */
	uint64_t since_ns;		/* when; 0: it is not blocked, or nothing was seen of it yet */
	bool in_lock;			/* it blocked in the slow path of a kernel lock */
	uint32_t changes;		/* counts what happened to it: the same number, nothing did */
};

/* Room for @capacity threads. Return: 0 or -ENOMEM. */
int blocked_threads_create(size_t capacity, struct blocked_threads **ret_blocked);
void blocked_threads_destroy(struct blocked_threads *blocked);

/**
 * blocked_threads_event() - what @event says about its threads. From the drain only; allocates nothing.
 *
 * Each CPU's events come in order of time, those of different CPUs need not: for each thread the latest
 * event counts.
 */
void blocked_threads_event(struct blocked_threads *blocked, const struct ft_event *event);

/* Threads blocked in the slow path of a kernel lock. From any thread, as those that follow. */
size_t blocked_threads_lock_waits(const struct blocked_threads *blocked);

/* Are there such, and did one begin to be after @after_ns? A kernel that leaves a thread's events out leaves it here for ever. */
bool blocked_threads_wait_since(const struct blocked_threads *blocked, uint64_t after_ns);

/* Places that may hold a thread, from 0. */
size_t blocked_threads_count(const struct blocked_threads *blocked);

/* Return: false where @slot holds none, or it is just changing. */
bool blocked_threads_at(const struct blocked_threads *blocked, size_t slot, struct blocked_thread *ret_thread);

/* Is the thread of @slot still in the same sleep as when @seen was taken, as far as events were drained? */
bool blocked_threads_unchanged(const struct blocked_threads *blocked, size_t slot, const struct blocked_thread *seen);

#endif
