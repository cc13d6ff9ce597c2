/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/detect/stuck_wait.h"

#include <errno.h>

#include "analyzer/activity/wake_root.h"
#include "analyzer/detect/thresholds.h"
#include "analyzer/util/span.h"

static bool is_under_way(const struct stuck_moment *moment, const struct long_wait *wait)
{
	return moment->open ? wait->flags & INTERVAL_STILL_OPEN
			    : wait->start_ns < moment->at_ns && wait->end_ns >= moment->at_ns;
}

/* Of a file's lock that nobody listed, only the one who let it go tells. */
bool stuck_wait_for_lock(const struct stuck_moment *moment, const struct long_wait *wait)
{
	return wait->lock && is_under_way(moment, wait) &&
	       (wait->class == WAIT_LOCK_USER ||
		(wait->class == WAIT_LOCK_FILE && (wait->lock->address || !moment->open)));
}

bool stuck_wait_locked(const struct stuck_wait *wait)
{
	return wait->wait.lock || wait->futex;
}

bool stuck_wait_same_lock(const struct stuck_wait *a, const struct stuck_wait *b)
{
	if (a->wait.lock)
		return a->wait.lock == b->wait.lock &&
		       (a->wait.lock->address || a->wait.thread == b->wait.thread);
	return a->futex && a->futex == b->futex && a->wait.thread->tgid == b->wait.thread->tgid;
}

/* The blocked interval that @thread is in just before @at_ns; NULL. */
static const struct history_interval *find_interval(const struct history *history,
						    const struct thread *thread, uint64_t at_ns)
{
	struct history_cursor cursor = history_walk(history, thread, at_ns - 1, at_ns);
	uint64_t from_ns, to_ns;
	const struct history_interval *interval = history_next(&cursor, &from_ns, &to_ns);

	return interval && interval->state == THREAD_BLOCKED && !interval->merged ? interval : NULL;
}

struct thread *stuck_wait_handed_by(const struct history *history,
				    const struct history_interval *interval)
{
	struct thread *waker = history_waker(history, interval);
	struct history_lock_wait wait;
	const struct history_charge *last;

	if (!waker || interval->flags & INTERVAL_STILL_OPEN ||
	    !history_lock_wait(history, interval, &wait) || !wait.charge_count)
		return NULL;
	last = &wait.charges[wait.charge_count - 1];
	return last->owner == waker && last->end_ns == interval->end_ns ? waker : NULL;
}

struct thread *stuck_wait_holder(const struct history *history, const struct long_wait *wait,
				 uint64_t at_ns, bool *ret_sure)
{
	const struct history_interval *interval = find_interval(history, wait->thread, at_ns);
	struct history_lock_wait own;

	*ret_sure = false;
	if (!interval || !history_lock_wait(history, interval, &own) || own.lock != wait->lock)
		return NULL;
	/* Locks that cannot be told apart: who let it go in the end had it, since when is not known. Before that
	 * one who waited in front of it may have woken it by giving up. */
	if (!wait->lock->address) {
		interval = find_interval(history, wait->thread, wait->end_ns);
		return interval ? stuck_wait_handed_by(history, interval) : NULL;
	}
	for (size_t i = own.charge_count; i-- > 0;) {
		const struct history_charge *charge = &own.charges[i];

		if (charge->end_ns < at_ns)
			break;
		if (!charge->owner || charge->start_ns >= at_ns)
			continue;
		*ret_sure = charge->grade >= GRADE_STRONG;
		return charge->owner;
	}
	return NULL;
}

/* So many others who wait for a lock are asked who had it. */
#define ASKED_MOST 64u

/* One who gave up never learned who had the lock; others who waited for it may have. */
static struct thread *find_holder(const struct stuck_moment *moment, const struct long_wait *wait,
				  bool *ret_sure)
{
	const struct observations *observations = moment->observations;
	const struct long_waits *all = wait_stats_long_waits(observations->wait_stats);
	struct thread *holder;
	size_t asked = 0;

	*ret_sure = true;
	if (moment->open)
		return wait->lock->holder;
	holder = stuck_wait_holder(observations->history, wait, moment->at_ns, ret_sure);
	for (size_t i = 0; i < all->count && !holder && wait->lock->address; i++) {
		if (all->list[i].lock != wait->lock || !is_under_way(moment, &all->list[i]))
			continue;
		if (asked++ == ASKED_MOST)
			break;
		holder = stuck_wait_holder(observations->history, &all->list[i], moment->at_ns,
					   ret_sure);
	}
	return holder == wait->thread ? NULL : holder;
}

/* So many partners of a thread are told apart; the others count together. */
#define PARTNERS 8

/* Wake-ups at pipes or sockets, by who was at the other end. */
struct partners {
	uint64_t all;
	struct partner {
		struct thread *thread;
		uint64_t count;
	} list[PARTNERS]; /* thread NULL: no more */
};

static void count_partner(struct partners *partners, struct thread *thread)
{
	partners->all++;
	for (size_t i = 0; i < PARTNERS; i++) {
		if (partners->list[i].thread && partners->list[i].thread != thread)
			continue;
		partners->list[i].thread = thread;
		partners->list[i].count++;
		return;
	}
}

/* The one who is nearly always there; NULL. */
static struct thread *find_usual(const struct partners *partners)
{
	for (size_t i = 0; i < PARTNERS && partners->all >= PARTNER_WAITS_LEAST; i++)
		if (share_at_least(partners->list[i].count, partners->all, PARTNER_PERCENT))
			return partners->list[i].thread;
	return NULL;
}

/* Somebody else is at the other end: of a pipe, a socket, or of what is polled. */
static bool has_partner(enum wait_class class, enum wait_direction direction)
{
	if (direction == DIRECTION_GIVES)
		return class == WAIT_IPC_PIPE || class == WAIT_NET_SOCKET;
	return direction == DIRECTION_TAKES &&
	       (class == WAIT_IPC_PIPE || class == WAIT_NET_SOCKET || class == WAIT_POLL);
}

static int read_woken(const struct observations *observations, struct thread *thread,
		      struct stuck_readers *readers)
{
	struct history_cursor cursor =
		history_walk(observations->history, thread, 0, observations->end_ns);
	const struct history_interval *interval;
	struct partners *partners;
	uint64_t from_ns, to_ns;

	while ((interval = history_next(&cursor, &from_ns, &to_ns))) {
		if (interval->state != THREAD_BLOCKED || interval->direction != DIRECTION_TAKES ||
		    !has_partner(interval->class, DIRECTION_TAKES) ||
		    wake_root_end(observations->history, observations->stack_infos, interval) !=
			    WAKE_THREAD)
			continue;
		partners = per_thread_make(&readers->by_writer, interval->waker);
		if (!partners)
			return -ENOMEM;
		count_partner(partners, thread);
	}
	return 0;
}

int stuck_readers_find(const struct observations *observations, struct stuck_readers *ret_readers)
{
	const struct threads *threads = source_threads(observations->source);
	int r = 0;

	*ret_readers = (struct stuck_readers){ { .entry_bytes = sizeof(struct partners) } };
	for (size_t i = 0; i < threads_count(threads) && !r; i++)
		r = read_woken(observations, threads_at(threads, i), ret_readers);
	return r;
}

void stuck_readers_free(struct stuck_readers *readers)
{
	per_thread_free(&readers->by_writer);
}

/* Who ended @wait's thread's waits of that kind before, and *@ret_longest_ns of them. */
static void count_wakers(const struct observations *observations, const struct long_wait *wait,
			 struct partners *partners, uint64_t *ret_longest_ns)
{
	const struct history *history = observations->history;
	struct history_cursor cursor = history_walk(history, wait->thread, 0, wait->start_ns);
	const struct history_interval *interval;
	uint64_t from_ns, to_ns;

	*ret_longest_ns = 0;
	while ((interval = history_next(&cursor, &from_ns, &to_ns))) {
		if (interval->state != THREAD_BLOCKED || interval->class != wait->class ||
		    interval->direction != wait->direction)
			continue;
		*ret_longest_ns = later(*ret_longest_ns, to_ns - from_ns);
		if (wake_root_end(history, observations->stack_infos, interval) == WAKE_THREAD)
			count_partner(partners, history_waker(history, interval));
	}
}

/* So far back it is looked for the last time that somebody waited for words. */
#define WAITS_BACK 1000u

/* Whether what @answerer got last, before it went to wait where it is, came from @asker. One that only
 * waits for more of what the other one makes has asked for nothing. */
static bool has_asked(const struct stuck_moment *moment, const struct thread *asker,
		      const struct thread *answerer)
{
	const struct history *history = moment->observations->history;
	const struct history_interval *intervals;
	size_t i;

	history_intervals(history, answerer, &intervals);
	i = history_at(history, answerer, moment->at_ns - 1);
	for (size_t back = 0; i && back < WAITS_BACK; back++) {
		const struct history_interval *before = &intervals[--i];

		if (before->state == THREAD_BLOCKED &&
		    has_partner(before->class, before->direction) &&
		    before->direction == DIRECTION_TAKES)
			return history_waker(history, before) == asker;
	}
	return false;
}

/* Who is at the other end of the pipe or socket. */
static void find_partner(const struct stuck_moment *moment, struct stuck_wait *stuck)
{
	const struct long_wait *wait = &stuck->wait;
	bool gives = wait->direction == DIRECTION_GIVES;
	const struct partners *woken =
		gives ? per_thread_find(&moment->readers->by_writer, wait->thread) : NULL;
	struct partners partners = { .all = 0 };
	uint64_t longest_ns;

	count_wakers(moment->observations, wait, &partners, &longest_ns);
	if (!gives && moment->at_ns - wait->start_ns < longest_ns * PARTNER_TIMES_USUAL)
		return;
	stuck->whom = find_usual(&partners);
	if (!gives && stuck->whom && !has_asked(moment, wait->thread, stuck->whom))
		stuck->whom = NULL;
	if (!stuck->whom && woken)
		stuck->whom = find_usual(woken);
	if (stuck->whom)
		stuck->link = gives ? STUCK_TAKER : STUCK_ANSWERER;
}

void stuck_wait_read(const struct stuck_moment *moment, const struct long_wait *wait,
		     struct stuck_wait *ret_wait)
{
	*ret_wait = (struct stuck_wait){ .wait = *wait, .next = SIZE_MAX };
	if (!wait->lock) {
		find_partner(moment, ret_wait);
		return;
	}
	ret_wait->whom = find_holder(moment, wait, &ret_wait->sure);
	ret_wait->link = ret_wait->whom ? STUCK_HOLDER : STUCK_UNKNOWN;
}

/* The address that @thread went to wait at last before its sleep that begins at @start_ns; 0. */
static uint64_t find_futex(const struct history *history, const struct thread *thread,
			   uint64_t start_ns)
{
	const struct history_event *events;
	size_t i = history_events(history, thread, &events);

	while (i && events[i - 1].at_ns > start_ns)
		i--;
	while (i && (events[i - 1].kind != FT_EVENT_CALL || events[i - 1].call != FT_CALL_FUTEX))
		i--;
	return i && !events[i - 1].wakes ? events[i - 1].address : 0;
}

static struct long_wait make_wait(const struct history *history,
				  const struct history_interval *interval, struct thread *thread)
{
	struct history_lock_wait lock_wait;
	bool is_lock = interval->class == WAIT_LOCK_USER || interval->class == WAIT_LOCK_FILE;

	return (struct long_wait){
		.thread = thread,
		.class = interval->class,
		.direction = interval->direction,
		.lock = is_lock && history_lock_wait(history, interval, &lock_wait) ? lock_wait.lock
										    : NULL,
		.stack_id = interval->stack_id,
		.start_ns = interval->start_ns,
		.end_ns = interval->end_ns,
		.blocked_ns = interval->end_ns - interval->start_ns,
		.flags = interval->flags,
	};
}

/* All of a wait that was kept because it hurts, where @thread is in one; NULL. */
static const struct long_wait *find_long_wait(const struct stuck_moment *moment,
					      const struct thread *thread)
{
	const struct long_waits *all = wait_stats_long_waits(moment->observations->wait_stats);

	for (size_t i = 0; i < all->count; i++)
		if (all->list[i].thread == thread && stuck_wait_for_lock(moment, &all->list[i]))
			return &all->list[i];
	return NULL;
}

bool stuck_wait_find(const struct stuck_moment *moment, struct thread *thread,
		     struct stuck_wait *ret_wait)
{
	const struct observations *observations = moment->observations;
	const struct history_interval *interval =
		find_interval(observations->history, thread, moment->at_ns);
	const struct long_wait *whole;
	struct long_wait wait;

	if (!interval)
		return false;
	wait = make_wait(observations->history, interval, thread);
	if (wait.lock) {
		whole = find_long_wait(moment, thread);
		stuck_wait_read(moment, whole ? whole : &wait, ret_wait);
		return stuck_wait_for_lock(moment, &ret_wait->wait);
	}
	if (has_partner(wait.class, wait.direction)) {
		stuck_wait_read(moment, &wait, ret_wait);
		return ret_wait->whom;
	}
	if (wait.class != WAIT_LOCK_FUTEX)
		return false;
	*ret_wait = (struct stuck_wait){ .wait = wait, .next = SIZE_MAX };
	ret_wait->futex = find_futex(observations->history, thread, wait.start_ns);
	return futex_locks_may_be_lock(observations->prescan.futexes, thread->tgid,
				       ret_wait->futex);
}
