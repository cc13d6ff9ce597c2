/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/detect/deadlock.h"

#include <errno.h>
#include <stdlib.h>

#include "analyzer/detect/thresholds.h"
#include "analyzer/util/span.h"

static void clear_deadlock(void *found)
{
	struct deadlock *deadlock = found;

	free(deadlock->waits);
	free(deadlock->others);
	*deadlock = (struct deadlock){ 0 };
}

static bool is_open(const struct long_wait *wait)
{
	return (wait->class == WAIT_LOCK_USER ||
		(wait->class == WAIT_LOCK_FILE && wait->lock && wait->lock->address)) &&
	       wait->lock && (wait->flags & INTERVAL_STILL_OPEN);
}

static size_t open_locks(const struct deadlock *deadlock)
{
	size_t locks = 0;

	for (size_t i = 0; i < deadlock->count; i++) {
		bool first = true;

		for (size_t j = 0; j < i && first; j++)
			first = deadlock->waits[j]->lock != deadlock->waits[i]->lock;
		locks += first;
	}
	return locks;
}

/* Since when each of the locks has been waited for, or was let go last: nothing moved any more. */
static uint64_t still_since(const struct deadlock *deadlock)
{
	uint64_t since_ns = 0;

	for (size_t i = 0; i < deadlock->count; i++) {
		const struct lock *lock = deadlock->waits[i]->lock;
		uint64_t first_ns = deadlock->waits[i]->start_ns;

		for (size_t j = 0; j < deadlock->count; j++)
			if (deadlock->waits[j]->lock == lock)
				first_ns = earlier(first_ns, deadlock->waits[j]->start_ns);
		since_ns = later(since_ns, later(first_ns, lock->released_ns));
	}
	return since_ns;
}

static const struct long_wait *wait_of(const struct deadlock *deadlock, const struct thread *thread)
{
	for (size_t i = 0; i < deadlock->count; i++)
		if (deadlock->waits[i]->thread == thread)
			return deadlock->waits[i];
	return NULL;
}

static void move_to(struct deadlock *deadlock, const struct long_wait *wait, size_t to)
{
	for (size_t i = to; i < deadlock->count; i++) {
		if (deadlock->waits[i] != wait)
			continue;
		deadlock->waits[i] = deadlock->waits[to];
		deadlock->waits[to] = wait;
	}
}

/* From a waiter to the holder of its lock, that one's lock, and so on: back to the start? */
static size_t cycle_from(const struct deadlock *deadlock, const struct long_wait *start)
{
	const struct long_wait *wait = start;

	for (size_t steps = 1; steps <= deadlock->count; steps++) {
		wait = wait->lock->holder ? wait_of(deadlock, wait->lock->holder) : NULL;
		if (!wait)
			return 0;
		if (wait == start)
			return steps;
	}
	return 0;
}

/* A circle has no first one: the same is told first whatever the recording began with. */
static const struct long_wait *least_of_cycle(const struct deadlock *deadlock,
					      const struct long_wait *wait)
{
	const struct long_wait *least = wait;

	for (size_t i = 0; i < deadlock->in_cycle; i++) {
		wait = wait_of(deadlock, wait->lock->holder);
		if (wait->thread->tid < least->thread->tid)
			least = wait;
	}
	return least;
}

static void find_cycle(struct deadlock *deadlock)
{
	const struct long_wait *wait;

	for (size_t i = 0; i < deadlock->count && !deadlock->in_cycle; i++) {
		wait = deadlock->waits[i];
		deadlock->in_cycle = cycle_from(deadlock, wait);
		wait = least_of_cycle(deadlock, wait);
		for (size_t j = 0; j < deadlock->in_cycle; j++) {
			move_to(deadlock, wait, j);
			wait = wait_of(deadlock, wait->lock->holder);
		}
	}
}

/* Held by one who does not wait for any of them: then that one keeps them waiting. */
static bool held_outside(const struct deadlock *deadlock)
{
	for (size_t i = 0; i < deadlock->count; i++)
		if (deadlock->waits[i]->lock->holder &&
		    !wait_of(deadlock, deadlock->waits[i]->lock->holder))
			return true;
	return false;
}

/* The only one of them who may hold @lock, since all others wait for it; NULL where several may. */
static const struct long_wait *only_holder(const struct deadlock *deadlock, const struct lock *lock)
{
	const struct long_wait *found = NULL;

	for (size_t i = 0; i < deadlock->count; i++) {
		if (deadlock->waits[i]->lock == lock)
			continue;
		if (found)
			return NULL;
		found = deadlock->waits[i];
	}
	return found;
}

/* The longest wait of those who wait for it tells since when it holds the lock, at least. */
static uint64_t held_since(const struct deadlock *deadlock)
{
	uint64_t since_ns = deadlock->culprit->start_ns;

	for (size_t i = 0; i < deadlock->count; i++)
		if (deadlock->waits[i]->lock == deadlock->held)
			since_ns = earlier(since_ns, deadlock->waits[i]->start_ns);
	return since_ns;
}

static void find_culprit(struct deadlock *deadlock)
{
	for (size_t i = 0; i < deadlock->count && !deadlock->culprit; i++) {
		const struct lock *lock = deadlock->waits[i]->lock;

		deadlock->culprit = lock->holder ? wait_of(deadlock, lock->holder)
						 : only_holder(deadlock, lock);
		deadlock->held = lock;
	}
	if (deadlock->culprit)
		deadlock->held_since_ns = held_since(deadlock);
}

/* Whether @tgid has the lock, whoever of its threads it is. */
static bool is_own(const struct observations *observations, const struct lock *lock, int32_t tgid)
{
	const struct proc_locks_wait *wait;

	if (lock->class == WAIT_LOCK_USER)
		return true;
	wait = proc_locks_open(futex_locks_proc_locks(observations->prescan.futexes), lock->address);
	return wait && wait->holder == tgid;
}

static size_t list_long_waits(const struct observations *observations,
			      const struct long_wait **ret_waits)
{
	const struct long_waits *waits = wait_stats_long_waits(observations->wait_stats);

	*ret_waits = waits->list;
	return waits->count;
}

static int collect_process(const struct observations *observations, int32_t tgid,
			   struct deadlock *deadlock)
{
	const struct long_wait *waits;
	size_t count = list_long_waits(observations, &waits);

	deadlock->waits = calloc(count + 1, sizeof(*deadlock->waits));
	if (!deadlock->waits)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		if (is_open(&waits[i]) && waits[i].thread->tgid == tgid &&
		    is_own(observations, waits[i].lock, tgid))
			deadlock->waits[deadlock->count++] = &waits[i];
	deadlock->lock_count = open_locks(deadlock);
	deadlock->since_ns = still_since(deadlock);
	find_cycle(deadlock);
	find_culprit(deadlock);
	return 0;
}

/* The wait that @thread is in at the end; of one that is not the target's only what /proc/locks
 * listed. NULL: none. */
static const struct long_wait *open_wait(const struct observations *observations,
					 const struct thread *thread, struct deadlock *deadlock)
{
	const struct proc_locks_wait *listed =
		proc_locks_open_of(futex_locks_proc_locks(observations->prescan.futexes), thread);
	const struct lock *lock = lock_tracker_awaited(observations->locks, thread);
	const struct long_wait *waits;
	size_t count = list_long_waits(observations, &waits);
	struct long_wait *other = &deadlock->others[deadlock->other_count];

	for (size_t i = 0; i < count; i++)
		if (waits[i].thread == thread && is_open(&waits[i]))
			return &waits[i];
	if (!listed || !lock || deadlock->other_count == DEADLOCK_OTHERS_MAX)
		return NULL;
	*other = (struct long_wait){
		.thread = listed->thread,
		.class = WAIT_LOCK_FILE,
		.lock = lock,
		.stack_id = listed->stack_id,
		.start_ns = listed->start_ns,
		.end_ns = listed->end_ns,
		.blocked_ns = listed->end_ns - listed->start_ns,
		.flags = listed->flags,
	};
	deadlock->other_count++;
	return other;
}

/* Who waits for a lock of the circle, or for one of somebody who does. */
static void add_victims(const struct observations *observations, struct deadlock *deadlock)
{
	const struct long_wait *waits;
	size_t count = list_long_waits(observations, &waits), before;

	do {
		before = deadlock->count;
		for (size_t i = 0; i < count; i++) {
			const struct thread *holder =
				is_open(&waits[i]) ? waits[i].lock->holder : NULL;

			if (holder && wait_of(deadlock, holder) &&
			    !wait_of(deadlock, waits[i].thread))
				deadlock->waits[deadlock->count++] = &waits[i];
		}
	} while (deadlock->count > before);
}

/* A circle of known holders that goes through several processes, as locks of files make it. */
static int find_circle(const struct observations *observations, const struct long_wait *start,
		       struct deadlock *deadlock)
{
	const struct long_wait *waits, *wait = start;
	size_t room = list_long_waits(observations, &waits) + DEADLOCK_OTHERS_MAX;

	deadlock->waits = calloc(room, sizeof(*deadlock->waits));
	deadlock->others = calloc(DEADLOCK_OTHERS_MAX, sizeof(*deadlock->others));
	if (!deadlock->waits || !deadlock->others)
		return -ENOMEM;
	while (wait && !wait_of(deadlock, wait->thread) && deadlock->count < room) {
		deadlock->waits[deadlock->count++] = wait;
		wait = wait->lock->holder ? open_wait(observations, wait->lock->holder, deadlock)
					  : NULL;
	}
	find_cycle(deadlock);
	if (!deadlock->in_cycle)
		return 0;
	deadlock->count =
		deadlock->in_cycle; /* who led to the circle is a victim like the others */
	add_victims(observations, deadlock);
	deadlock->lock_count = open_locks(deadlock);
	deadlock->since_ns = still_since(deadlock);
	find_culprit(deadlock);
	return 0;
}

/* What the other threads of the process did since nothing moved any more. */
struct other {
	const struct thread *thread;
	uint64_t active_ns; /* on a CPU, waiting for a device ...: perhaps with a lock held */
	uint64_t unknown_ns;
	uint64_t asleep_ns; /* for a time */
};

/* What its holder did since then, and what the others of the process did since nothing moved. */
static void add_culprit(const struct history *history, struct deadlock *deadlock)
{
	const struct history_interval *interval;
	struct history_cursor cursor;
	uint64_t from_ns, to_ns;

	if (!deadlock->culprit)
		return;
	cursor = history_walk(history, deadlock->culprit->thread, deadlock->held_since_ns,
			      UINT64_MAX);
	while ((interval = history_next(&cursor, &from_ns, &to_ns)))
		deadlock->culprit_ns[interval->state] += to_ns - from_ns;
}

static int read_other(const struct observations *observations, const struct deadlock *deadlock,
		      const struct thread *thread, struct other *other)
{
	struct history_cursor cursor =
		history_walk(observations->history, thread, deadlock->since_ns, UINT64_MAX);
	const struct history_interval *interval;
	uint64_t from_ns, to_ns;

	*other = (struct other){ .thread = thread };
	while ((interval = history_next(&cursor, &from_ns, &to_ns))) {
		const struct stack_info *info =
			stack_infos_get(observations->stack_infos, interval->stack_id);
		enum wait_class class;

		if (!info)
			return -ENOMEM;
		class = stack_info_reason(info, interval->prev_state)->class;
		if (interval->state == THREAD_UNKNOWN)
			other->unknown_ns += to_ns - from_ns;
		else if (interval->state != THREAD_BLOCKED || !wait_direction_idle(interval->direction))
			other->active_ns += to_ns - from_ns;
		else if (class == WAIT_SLEEP)
			other->asleep_ns += to_ns - from_ns;
	}
	return 0;
}

static bool has_held(const struct deadlock *deadlock, const struct thread *thread)
{
	for (size_t i = 0; i < deadlock->count; i++) {
		const struct lock *lock = deadlock->waits[i]->lock;

		for (size_t j = 0; j < lock->owner_count; j++)
			if (lock->owners[j].thread == thread)
				return true;
	}
	return false;
}

/* It did something, or nothing is known of it, or it sleeps and is one of those who use these
 * locks. */
static bool may_hold(const struct deadlock *deadlock, const struct other *other)
{
	uint64_t span_ns = deadlock->end_ns - deadlock->since_ns;

	return share_above(other->active_ns, span_ns, OTHER_ACTIVE_PERCENT) ||
	       share_above(other->unknown_ns, span_ns, OTHER_UNKNOWN_PERCENT) ||
	       (share_above(other->asleep_ns, span_ns, OTHER_ASLEEP_PERCENT) &&
		has_held(deadlock, other->thread));
}

/* *@ret_may_hold: another thread of the process may hold what they wait for. */
static int look_closer(const struct observations *observations, struct deadlock *deadlock,
		       bool *ret_may_hold)
{
	const struct threads *threads = source_threads(observations->source);
	int32_t tgid = deadlock->waits[0]->thread->tgid;
	struct other other;

	add_culprit(observations->history, deadlock);
	for (size_t i = 0; i < threads_count(threads); i++) {
		const struct thread *thread = threads_at(threads, i);

		if (thread->tgid != tgid || wait_of(deadlock, thread))
			continue;
		if (read_other(observations, deadlock, thread, &other))
			return -ENOMEM;
		if (may_hold(deadlock, &other))
			*ret_may_hold = true;
	}
	return 0;
}

/* Circles and locked-up processes start with any wait for a lock that does not end; the first one
 * found is told. */
static int find_first(const struct observations *observations, struct deadlock *deadlock)
{
	const struct long_wait *waits;
	size_t count = list_long_waits(observations, &waits);
	int r = 0;

	for (size_t i = 0; i < count && !r; i++) {
		if (!is_open(&waits[i]))
			continue;
		clear_deadlock(deadlock);
		if (waits[i].class == WAIT_LOCK_FILE)
			r = find_circle(observations, &waits[i], deadlock);
		if (!r && !deadlock->in_cycle) {
			clear_deadlock(deadlock);
			r = collect_process(observations, waits[i].thread->tgid, deadlock);
		}
		deadlock->end_ns = observations->end_ns;
		if (deadlock->in_cycle || deadlock->lock_count > 1)
			break;
	}
	return r;
}

/* Whether it may be one, as far as the waits themselves tell. */
static bool is_likely(const struct deadlock *deadlock)
{
	return deadlock->waits && deadlock->end_ns >= deadlock->since_ns + DEADLOCK_STILL_NS &&
	       (deadlock->in_cycle || (deadlock->lock_count > 1 && !held_outside(deadlock)));
}

static int find_deadlock(struct detect_context *in, struct candidates *out)
{
	struct candidate *candidate = candidate_append(in, out);
	struct deadlock *deadlock;
	bool doubtful = false;
	int r;

	if (!candidate)
		return -ENOMEM;
	if (!in->stall->still_open)
		return 0;
	deadlock = candidate->found;
	r = find_first(in->observations, deadlock);
	if (r || !is_likely(deadlock))
		return r;
	r = look_closer(in->observations, deadlock, &doubtful);
	if (r || (doubtful && !deadlock->in_cycle))
		return r;
	for (size_t i = 0; i < deadlock->count; i++)
		candidate->lost_ns += deadlock->waits[i]->blocked_ns;
	in->deadlock = candidate->lost_ns ? deadlock : NULL;
	return 0;
}

const struct detector deadlock_detector = {
	.found_bytes = sizeof(struct deadlock),
	.evidence = EVIDENCE_STANDSTILL,
	.of_waits = true,
	.beside = true,
	.find = find_deadlock,
	.report = deadlock_report,
	.free = clear_deadlock,
};

bool deadlock_has(const struct deadlock *deadlock, int32_t tgid, uint64_t address)
{
	for (size_t i = 0; i < deadlock->count; i++)
		if (deadlock->waits[i]->lock->tgid == tgid &&
		    deadlock->waits[i]->lock->address == address)
			return true;
	return false;
}
