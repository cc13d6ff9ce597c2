/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a deadlock ends before the recording does: one of those in it waits with a time limit, or is
 * killed. What happened up to then is what counts.
 */
#include "analyzer/activity/wake_root.h"
#include "analyzer/detect/deadlock.h"
#include "analyzer/detect/thresholds.h"
#include "analyzer/util/span.h"

/* Killed in its wait: it did nothing after it but end. */
static bool is_gone(const struct thread *thread, uint64_t end_ns)
{
	return thread->died_ns >= end_ns && thread->died_ns - end_ns <= DEADLOCK_GONE_NS;
}

static bool is_for_lock(const struct history_interval *wait)
{
	return wait->class == WAIT_LOCK_USER || wait->class == WAIT_LOCK_FILE ||
	       wait->class == WAIT_LOCK_FUTEX;
}

/* How @thread's wait ended; OPEN: neither by a time limit nor by a kill. */
static enum deadlock_end find_end(const struct observations *observations,
				  const struct thread *thread, const struct history_interval *wait)
{
	enum wake_end end = wake_root_end(observations->history, observations->stack_infos, wait);

	if (end == WAKE_OPEN || wait->direction == DIRECTION_SLEEPS ||
	    stuck_wait_handed_by(observations->history, wait))
		return DEADLOCK_OPEN;
	/* Nothing else than its time limit wakes who waits for a lock out of an interrupt. */
	if (end == WAKE_TIMER || (end == WAKE_OUTSIDE && is_for_lock(wait)))
		return DEADLOCK_GAVE_UP;
	return is_gone(thread, wait->end_ns) ? DEADLOCK_GONE : DEADLOCK_OPEN;
}

static size_t add_end(const struct detect_context *in, struct thread *thread,
		      const struct history_interval *wait, struct deadlock_ended *ended,
		      size_t count)
{
	enum deadlock_end how = wait ? find_end(in->observations, thread, wait) : DEADLOCK_OPEN;

	if (how == DEADLOCK_OPEN || count == DEADLOCK_ENDS_MAX || wait->merged ||
	    wait->end_ns - wait->start_ns < DEADLOCK_STILL_NS ||
	    wait->end_ns <= in->stall->start_ns || wait->start_ns >= in->stall->end_ns)
		return count;
	for (size_t i = 0; i < count; i++)
		if (ended[i].by == thread && ended[i].at_ns == wait->end_ns)
			return count;
	ended[count] = (struct deadlock_ended){ how, thread, wait->start_ns, wait->end_ns };
	return count + 1;
}

/* The waits of @thread that may be a part of a deadlock which ended with @wait, which ended itself. */
static size_t add_meanwhile(const struct detect_context *in, struct thread *thread,
			    const struct long_wait *wait, struct deadlock_ended *ended,
			    size_t count)
{
	return add_end(in, thread,
		       wake_root_wait_meanwhile(in->observations->history, thread, wait->start_ns,
						wait->end_ns),
		       ended, count);
}

/* Whom @wait was for when it ended, as far as its own end tells, or who is at the pipe; NULL. */
static struct thread *find_whom(const struct detect_context *in,
				const struct stuck_readers *readers, const struct long_wait *wait)
{
	const struct stuck_moment moment = { .observations = in->observations,
					     .readers = readers,
					     .at_ns = wait->end_ns };
	struct stuck_wait stuck;
	bool sure;

	if (wait->lock)
		return stuck_wait_holder(in->observations->history, wait, wait->end_ns, &sure);
	return stuck_wait_find(&moment, wait->thread, &stuck) ? stuck.whom : NULL;
}

static bool may_be_part(const struct long_wait *wait)
{
	return !(wait->flags & INTERVAL_STILL_OPEN) && wait->blocked_ns >= DEADLOCK_STILL_NS &&
	       (wait->class == WAIT_LOCK_USER || wait->class == WAIT_LOCK_FILE ||
		wait->direction == DIRECTION_GIVES);
}

size_t deadlock_ends(const struct detect_context *in, const struct stuck_readers *readers,
		     struct deadlock_ended ended[DEADLOCK_ENDS_MAX])
{
	const struct long_waits *waits = wait_stats_long_waits(in->observations->wait_stats);
	size_t count = 0;

	if (in->stall->still_open)
		ended[count++] = (struct deadlock_ended){ .how = DEADLOCK_OPEN,
							  .at_ns = in->observations->end_ns };
	for (size_t i = 0; i < waits->count && count < DEADLOCK_ENDS_MAX; i++) {
		const struct long_wait *wait = &waits->list[i];
		struct thread *whom;

		if (!may_be_part(wait))
			continue;
		count = add_meanwhile(in, wait->thread, wait, ended, count);
		whom = find_whom(in, readers, wait);
		if (whom)
			count = add_meanwhile(in, whom, wait, ended, count);
	}
	return count;
}

uint64_t deadlock_released_ns(const struct observations *observations,
			      const struct deadlock *deadlock, const struct stuck_wait *wait)
{
	const struct threads *threads = source_threads(observations->source);
	const struct lock *lock = wait->wait.lock;
	const struct history_interval *interval;
	struct history_lock_wait other;
	uint64_t released_ns = 0, from_ns, to_ns;

	/* What was let go was perhaps another one of those that cannot be told apart. */
	if (!lock || !lock->address)
		return 0;
	if (deadlock->ended.how == DEADLOCK_OPEN || lock->released_ns < deadlock->end_ns)
		return lock->released_ns;
	for (size_t i = 0; i < threads_count(threads); i++) {
		struct history_cursor cursor =
			history_walk(observations->history, threads_at(threads, i),
				     wait->wait.start_ns, deadlock->end_ns);

		while ((interval = history_next(&cursor, &from_ns, &to_ns)))
			if (interval->end_ns < deadlock->end_ns && interval->end_ns > released_ns &&
			    history_lock_wait(observations->history, interval, &other) &&
			    other.lock == lock &&
			    stuck_wait_handed_by(observations->history, interval))
				released_ns = interval->end_ns;
	}
	return released_ns;
}
