/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/record/watched_wakings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define EVENTS	      2 /* one begins before the other ends */
#define CHANGE_NS     100000000u
#define CHANGE_CPU_NS 5000000u /* a change takes tens of microseconds a CPU: 1 % of a CPU at most */

/* Tids of threads, those that have waited longest first. */
struct waiters {
	size_t count;
	int32_t tids[WATCHED_MOST];
	uint64_t since_ns[WATCHED_MOST];
};

struct watched_wakings {
	const struct event_plan *plan;
	struct perf_events *counters;
	const struct blocked_threads *blocked;
	bool knows_locks; /* else every uninterruptible wait counts */
	size_t events[EVENTS]; /* their places in the plan */
	uint64_t ended_ns[EVENTS]; /* when each was closed */
	size_t current; /* in events: the one that is open if watched.count, or was */
	struct waiters watched;
	uint64_t changed_ns;
};

int watched_wakings_create(const struct event_plan *plan, struct perf_events *counters,
			   const struct blocked_threads *blocked, struct watched_wakings **ret_watched)
{
	struct watched_wakings *watched = calloc(1, sizeof(*watched));
	size_t found = 0;

	if (!watched)
		return -ENOMEM;
	watched->plan = plan;
	watched->counters = counters;
	watched->blocked = blocked;
	for (size_t i = 0; i < plan->count; i++) {
		watched->knows_locks |= plan->events[i].role == ROLE_LOCK_BEGIN;
		if (plan->events[i].on_demand && plan->events[i].role == ROLE_WAKING &&
		    found < EVENTS)
			watched->events[found++] = i;
	}
	if (found < EVENTS) {
		free(watched);
		return -ENOENT;
	}
	*ret_watched = watched;
	return 0;
}

void watched_wakings_destroy(struct watched_wakings *watched)
{
	for (size_t i = 0; watched && i < EVENTS; i++)
		perf_events_end_demand(watched->counters, watched->events[i]);
	free(watched);
}

static bool is_waiter(const struct watched_wakings *watched, const struct blocked_thread *thread,
		      uint64_t drained_ns)
{
	return (watched->knows_locks ? thread->in_lock : thread->state == FT_STATE_DISK) &&
	       thread->since_ns && thread->since_ns + WATCHED_AFTER_NS <= drained_ns &&
	       thread->since_ns + WATCHED_UNTIL_NS > drained_ns;
}

/* Keeps those that have waited longest. */
static void add_waiter(struct waiters *waiters, const struct blocked_thread *thread)
{
	size_t at = waiters->count;

	while (at && waiters->since_ns[at - 1] > thread->since_ns)
		at--;
	if (at == WATCHED_MOST)
		return;
	if (waiters->count < WATCHED_MOST)
		waiters->count++;
	for (size_t i = waiters->count - 1; i > at; i--) {
		waiters->tids[i] = waiters->tids[i - 1];
		waiters->since_ns[i] = waiters->since_ns[i - 1];
	}
	waiters->tids[at] = thread->tid;
	waiters->since_ns[at] = thread->since_ns;
}

static void find_waiters(const struct watched_wakings *watched, uint64_t drained_ns,
			 struct waiters *ret_waiters)
{
	size_t slots = !watched->knows_locks || blocked_threads_lock_waits(watched->blocked)
			       ? blocked_threads_count(watched->blocked)
			       : 0;
	struct blocked_thread thread;

	ret_waiters->count = 0;
	for (size_t slot = 0; slot < slots; slot++)
		if (blocked_threads_at(watched->blocked, slot, &thread) &&
		    is_waiter(watched, &thread, drained_ns))
			add_waiter(ret_waiters, &thread);
}

static bool has_waiter(const struct waiters *waiters, int32_t tid)
{
	for (size_t i = 0; i < waiters->count; i++)
		if (waiters->tids[i] == tid)
			return true;
	return false;
}

/* In any order: a thread that waits anew is in the filter already. */
static bool are_same(const struct waiters *a, const struct waiters *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (!has_waiter(b, a->tids[i]))
			return false;
	return true;
}

static void end_event(struct watched_wakings *watched, uint64_t now_ns)
{
	perf_events_end_demand(watched->counters, watched->events[watched->current]);
	watched->ended_ns[watched->current] = now_ns;
}

static int begin_event(struct watched_wakings *watched, size_t which, const struct waiters *waiters)
{
	char filter[WATCHED_MOST * sizeof(" || pid == -2147483648")];
	size_t used = 0;

	for (size_t i = 0; i < waiters->count; i++)
		used += (size_t)snprintf(filter + used, sizeof(filter) - used, "%spid == %d",
					 i ? " || " : "", waiters->tids[i]);
	return perf_events_demand(watched->counters, watched->plan, watched->events[which], filter);
}

static bool may_change(const struct watched_wakings *watched, uint64_t now_ns)
{
	uint64_t pause_ns = (uint64_t)watched->counters->cpu_count * CHANGE_CPU_NS;

	return now_ns - watched->changed_ns >= (pause_ns > CHANGE_NS ? pause_ns : CHANGE_NS);
}

void watched_wakings_look(struct watched_wakings *watched, uint64_t now_ns, uint64_t drained_ns,
			  bool wanted)
{
	struct waiters waiters = { .count = 0 };
	size_t next = (watched->current + 1) % EVENTS;

	if (wanted)
		find_waiters(watched, drained_ns, &waiters);
	if (are_same(&waiters, &watched->watched) || !may_change(watched, now_ns))
		return;
	if (waiters.count) {
		/* Records that still carry the id that the event had would not be known. */
		if (watched->ended_ns[next] >= drained_ns)
			return;
		/* The recorder may be short of descriptors or memory: the next look tries again. */
		if (begin_event(watched, next, &waiters))
			waiters.count = 0;
	}
	if (watched->watched.count)
		end_event(watched, now_ns);
	if (waiters.count)
		watched->current = next;
	watched->watched = waiters;
	watched->changed_ns = now_ns;
}

size_t watched_wakings_count(const struct watched_wakings *watched)
{
	return watched->watched.count;
}
