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
	*deadlock = (struct deadlock){ .waits = NULL };
}

/* How many of the waits make up what must stand still: the circle, or all of them. */
static size_t count_bound(const struct deadlock *deadlock)
{
	return deadlock->in_cycle ? deadlock->in_cycle : deadlock->count;
}

/* Whether no wait before the one at @i is for the same lock. */
static bool is_first(const struct deadlock *deadlock, size_t i)
{
	for (size_t j = 0; j < i; j++)
		if (stuck_wait_same_lock(&deadlock->waits[j], &deadlock->waits[i]))
			return false;
	return true;
}

static size_t count_locks(const struct deadlock *deadlock)
{
	size_t locks = 0;

	for (size_t i = 0; i < deadlock->count; i++)
		locks += stuck_wait_locked(&deadlock->waits[i]) && is_first(deadlock, i);
	return locks;
}

/* The first wait for the same lock. */
static uint64_t first_start(const struct deadlock *deadlock, const struct stuck_wait *wait)
{
	uint64_t first_ns = wait->wait.start_ns;

	for (size_t i = 0; i < deadlock->count; i++)
		if (stuck_wait_same_lock(&deadlock->waits[i], wait))
			first_ns = earlier(first_ns, deadlock->waits[i].wait.start_ns);
	return first_ns;
}

/* Since when each of the locks has been waited for, or was let go last: nothing moved any more. */
static uint64_t still_since(const struct observations *observations,
			    const struct deadlock *deadlock)
{
	uint64_t since_ns = 0;

	for (size_t i = 0; i < count_bound(deadlock); i++) {
		const struct stuck_wait *wait = &deadlock->waits[i];

		if (!is_first(deadlock, i))
			continue;
		since_ns = later(since_ns, first_start(deadlock, wait));
		since_ns = later(since_ns, deadlock_released_ns(observations, deadlock, wait));
	}
	return since_ns;
}

/* Held by one who does not wait for any of them: then that one keeps them waiting. */
static bool held_outside(const struct deadlock *deadlock)
{
	for (size_t i = 0; i < deadlock->count; i++)
		if (deadlock->waits[i].whom && !deadlock_wait_of(deadlock, deadlock->waits[i].whom))
			return true;
	return false;
}

/* The only one of them who may hold the lock of @wait, since all others wait for it; NULL where several may. */
static const struct stuck_wait *only_holder(const struct deadlock *deadlock,
					    const struct stuck_wait *wait)
{
	const struct stuck_wait *found = NULL;

	for (size_t i = 0; i < deadlock->count; i++) {
		if (stuck_wait_same_lock(&deadlock->waits[i], wait))
			continue;
		if (found)
			return NULL;
		found = &deadlock->waits[i];
	}
	return found;
}

/* Who has a lock is told before who should answer. */
static void find_culprit(struct deadlock *deadlock)
{
	for (int any = 0; any < 2; any++)
		for (size_t i = 0; i < deadlock->count && !deadlock->culprit; i++) {
			const struct stuck_wait *wait = &deadlock->waits[i];

			if (!any && !stuck_wait_locked(wait))
				continue;
			deadlock->culprit = wait->whom ? deadlock_wait_of(deadlock, wait->whom)
						       : only_holder(deadlock, wait);
			deadlock->held = wait;
		}
	/* The longest wait of those who wait for it tells since when it holds the lock, at least. */
	if (deadlock->culprit)
		deadlock->held_since_ns = earlier(deadlock->culprit->wait.start_ns,
						  first_start(deadlock, deadlock->held));
}

/* Whether @wait may be for a lock that @tgid has, whoever of its threads it is. */
static bool is_own(const struct observations *observations, const struct stuck_wait *wait,
		   int32_t tgid)
{
	const struct proc_locks_wait *listed;

	if (wait->wait.thread->tgid != tgid || !stuck_wait_locked(wait))
		return false;
	if (wait->wait.class != WAIT_LOCK_FILE)
		return true;
	listed = proc_locks_open(futex_locks_proc_locks(observations->prescan.futexes),
				 wait->wait.lock->address);
	return listed && listed->holder == tgid;
}

/* Of @all, the waits of one process. 0 or -ENOMEM. */
static int select_process(const struct observations *observations, const struct deadlock *all,
			  int32_t tgid, struct deadlock *ret_selected)
{
	*ret_selected = (struct deadlock){ .end_ns = all->end_ns, .ended = all->ended };
	ret_selected->waits = calloc(all->count + 1, sizeof(*all->waits));
	if (!ret_selected->waits)
		return -ENOMEM;
	for (size_t i = 0; i < all->count; i++)
		if (is_own(observations, &all->waits[i], tgid))
			ret_selected->waits[ret_selected->count++] = all->waits[i];
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
	cursor = history_walk(history, deadlock->culprit->wait.thread, deadlock->held_since_ns,
			      deadlock->end_ns);
	while ((interval = history_next(&cursor, &from_ns, &to_ns)))
		deadlock->culprit_ns[interval->state] += to_ns - from_ns;
}

/* Who waits for a lock of the deadlock, until it gives up, does nothing with another one. */
static bool wants_its_lock(const struct observations *observations, const struct deadlock *deadlock,
			   const struct history_interval *interval)
{
	struct history_lock_wait wait;

	if (!history_lock_wait(observations->history, interval, &wait))
		return false;
	for (size_t i = 0; i < deadlock->count; i++)
		if (wait.lock && wait.lock->address && deadlock->waits[i].wait.lock == wait.lock)
			return true;
	return false;
}

static int read_other(const struct observations *observations, const struct deadlock *deadlock,
		      const struct thread *thread, struct other *other)
{
	struct history_cursor cursor =
		history_walk(observations->history, thread, deadlock->since_ns, deadlock->end_ns);
	const struct history_interval *interval;
	uint64_t from_ns, to_ns;

	*other = (struct other){ .thread = thread };
	while ((interval = history_next(&cursor, &from_ns, &to_ns))) {
		const struct stack_info *info =
			stack_infos_get(observations->stack_infos, interval->stack_id);
		enum wait_class class;

		if (!info)
			return -ENOMEM;
		if (wants_its_lock(observations, deadlock, interval))
			continue;
		class = stack_info_reason(info, interval->prev_state)->class;
		if (interval->state == THREAD_UNKNOWN)
			other->unknown_ns += to_ns - from_ns;
		else if (interval->state != THREAD_BLOCKED ||
			 !wait_direction_idle(interval->direction))
			other->active_ns += to_ns - from_ns;
		else if (class == WAIT_SLEEP)
			other->asleep_ns += to_ns - from_ns;
	}
	return 0;
}

static bool has_held(const struct deadlock *deadlock, const struct thread *thread)
{
	for (size_t i = 0; i < deadlock->count; i++) {
		const struct lock *lock = deadlock->waits[i].wait.lock;

		for (size_t j = 0; lock && j < lock->owner_count; j++)
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

/* Whether @tgid is the process of one whose holder is not known. */
static bool is_inferred_in(const struct deadlock *deadlock, int32_t tgid)
{
	for (size_t i = 0; i < count_bound(deadlock); i++) {
		const struct stuck_wait *wait = &deadlock->waits[i];

		if (wait->wait.thread->tgid == tgid && wait->wait.class != WAIT_LOCK_FILE &&
		    (wait->link == STUCK_LIKELY || !deadlock->in_cycle))
			return true;
	}
	return false;
}

/* *@ret_may_hold: another thread of the process may hold what they wait for. */
static int look_closer(const struct observations *observations, struct deadlock *deadlock,
		       bool *ret_may_hold)
{
	const struct threads *threads = source_threads(observations->source);
	struct other other;

	add_culprit(observations->history, deadlock);
	for (size_t i = 0; i < threads_count(threads); i++) {
		const struct thread *thread = threads_at(threads, i);

		if (!is_inferred_in(deadlock, thread->tgid) || deadlock_wait_of(deadlock, thread))
			continue;
		if (read_other(observations, deadlock, thread, &other))
			return -ENOMEM;
		if (may_hold(deadlock, &other))
			*ret_may_hold = true;
	}
	return 0;
}

/* One who gave up, or was killed, let the others go on only if it had what they waited for. */
static bool has_let_go(const struct deadlock *deadlock)
{
	for (size_t i = 0; i < deadlock->count; i++)
		if (deadlock->waits[i].whom == deadlock->ended.by &&
		    deadlock->waits[i].link == STUCK_HOLDER)
			return deadlock_wait_of(deadlock, deadlock->ended.by);
	return false;
}

/* Who is behind the circle alone may give up, and the circle goes on. */
static bool is_in_circle(const struct deadlock *deadlock)
{
	for (size_t i = 0; i < deadlock->in_cycle; i++)
		if (deadlock->waits[i].wait.thread == deadlock->ended.by)
			return true;
	return false;
}

/* Whether it may be one, as far as it is known who waits for whom. */
static bool is_likely(const struct deadlock *deadlock)
{
	bool open = deadlock->ended.how == DEADLOCK_OPEN;

	if (deadlock->in_cycle)
		return open || is_in_circle(deadlock);
	return deadlock->lock_count > 1 && !held_outside(deadlock) &&
	       (open || has_let_go(deadlock));
}

/* Fill in the rest of what the waits tell. Return: 1 if it is one, 0 or -ENOMEM. */
static int judge_waits(const struct observations *observations, struct deadlock *deadlock)
{
	bool doubtful = false;

	deadlock->lock_count = count_locks(deadlock);
	if (!is_likely(deadlock))
		return 0;
	deadlock->since_ns = still_since(observations, deadlock);
	if (deadlock->end_ns < deadlock->since_ns + DEADLOCK_STILL_NS)
		return 0;
	find_culprit(deadlock);
	return look_closer(observations, deadlock, &doubtful) ? -ENOMEM : !doubtful;
}

/* Without a circle: the first process most of whose locks are stuck. 1, 0 or -ENOMEM. */
static int infer_process(const struct observations *observations, struct deadlock *all)
{
	for (size_t i = 0; i < all->count; i++) {
		int32_t tgid = all->waits[i].wait.thread->tgid;
		struct deadlock selected;
		size_t first = 0;
		int r;

		while (all->waits[first].wait.thread->tgid != tgid)
			first++;
		if (first < i)
			continue;
		r = select_process(observations, all, tgid, &selected);
		if (!r)
			r = judge_waits(observations, &selected);
		if (r > 0) {
			clear_deadlock(all);
			*all = selected;
		} else {
			clear_deadlock(&selected);
		}
		if (r)
			return r;
	}
	return 0;
}

/* The deadlock that ended so. 1, 0 or -ENOMEM. */
static int find_ended(const struct observations *observations, const struct stuck_readers *readers,
		      const struct deadlock_ended *ended, struct deadlock *deadlock)
{
	*deadlock = (struct deadlock){ .end_ns = ended->at_ns, .ended = *ended };
	if (deadlock_collect(observations, readers, deadlock) || deadlock_find_circle(deadlock))
		return -ENOMEM;
	return deadlock->in_cycle ? judge_waits(observations, deadlock)
				  : infer_process(observations, deadlock);
}

static uint64_t sum_lost(const struct deadlock *deadlock)
{
	uint64_t lost_ns = 0;

	for (size_t i = 0; i < deadlock->count; i++)
		lost_ns += deadlock->waits[i].wait.blocked_ns;
	return lost_ns;
}

/* Of several the one by which most was lost; @candidate gets it. */
static int find_worst(const struct detect_context *in, const struct stuck_readers *readers,
		      struct candidate *candidate)
{
	struct deadlock_ended ended[DEADLOCK_ENDS_MAX];
	size_t count = deadlock_ends(in, readers, ended);
	int r = 0;

	for (size_t i = 0; i < count && r >= 0; i++) {
		struct deadlock deadlock;

		r = find_ended(in->observations, readers, &ended[i], &deadlock);
		if (r > 0 && sum_lost(&deadlock) > candidate->lost_ns) {
			clear_deadlock(candidate->found);
			*(struct deadlock *)candidate->found = deadlock;
			candidate->lost_ns = sum_lost(&deadlock);
		} else {
			clear_deadlock(&deadlock);
		}
	}
	return r < 0 ? r : 0;
}

static int find_deadlock(struct detect_context *in, struct candidates *out)
{
	struct candidate *candidate = candidate_append(in, out);
	struct stuck_readers readers;
	int r;

	if (!candidate)
		return -ENOMEM;
	r = stuck_readers_find(in->observations, &readers);
	if (!r)
		r = find_worst(in, &readers, candidate);
	stuck_readers_free(&readers);
	in->deadlock = candidate->lost_ns ? candidate->found : NULL;
	return r;
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
		if (deadlock->waits[i].wait.lock && deadlock->waits[i].wait.lock->tgid == tgid &&
		    deadlock->waits[i].wait.lock->address == address)
			return true;
	return false;
}
