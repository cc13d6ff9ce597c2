/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stacks of those who wake a thread that has been waiting for a lock of the kernel for long:
 * they tell which lock was released. The kernel takes no other stacks of wakers meanwhile, since the
 * waiters' tids are in the event's filter.
 */
#ifndef RECORDER_RECORD_WATCHED_WAKINGS_H
#define RECORDER_RECORD_WATCHED_WAKINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "recorder/perf/perf_events.h"
#include "recorder/record/blocked_threads.h"

#define WATCHED_MOST	 16		/* threads, those that have waited longest */
#define WATCHED_AFTER_NS 10000000	/* of waiting */
/* A wait that lasts longer is no freeze, or the events lack its end. */
#define WATCHED_UNTIL_NS 600000000000u

struct watched_wakings;

/* All arguments outlive it. Return: 0, -ENOMEM, -ENOENT (@plan has no such events). */
int watched_wakings_create(const struct event_plan *plan, struct perf_events *counters,
			   const struct blocked_threads *blocked, struct watched_wakings **ret_watched);
void watched_wakings_destroy(struct watched_wakings *watched);

/**
 * watched_wakings_look() - watch those who wait now. Call it several times a second, from the thread
 * that sets the mode.
 *
 * It opens and closes an event on each CPU where other threads wait than before, so it does so no
 * more than ten times a second, and less often where there are many CPUs.
 *
 * @now_ns:     the time.
 * @drained_ns: events up to then have reached the table of blocked threads.
 * @wanted:     false: watch nobody.
 */
void watched_wakings_look(struct watched_wakings *watched, uint64_t now_ns, uint64_t drained_ns,
			  bool wanted);

/* How many threads are watched now. */
size_t watched_wakings_count(const struct watched_wakings *watched);

#endif
