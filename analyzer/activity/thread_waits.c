/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/activity/thread_waits.h"

#include <errno.h>
#include <string.h>

#include "analyzer/activity/observations.h"
#include "analyzer/util/span.h"

/* The latest wait of a kind. Later intervals may add to it. */
struct pending_wait {
	bool set;
	uint32_t number; /* see struct history_lock_wait */
	uint32_t times; /* more than one: short waits that the history has put together */
	struct thread_wait wait;
};

struct waits_walk {
	const struct history *history;
	struct stack_infos *stack_infos;
	const struct thread_waits_query *query;
	struct thread_waits *waits;
	uint64_t ranks[THREAD_WAITS_MAX];
	struct pending_wait blocked, runnable;
};

static uint64_t measure_piece(const struct history_charge *piece)
{
	return piece->end_ns - piece->start_ns;
}

/* Keep the order of time. Where there is no room, the shortest piece is only counted. */
static void insert_piece(struct thread_wait *wait, const struct history_charge *piece)
{
	struct history_charge pieces[THREAD_WAIT_PIECES_MAX + 1];
	size_t count = wait->piece_count, at = count, least = 0;

	memcpy(pieces, wait->pieces, count * sizeof(*pieces));
	while (at && pieces[at - 1].start_ns > piece->start_ns) {
		pieces[at] = pieces[at - 1];
		at--;
	}
	pieces[at] = *piece;
	if (++count > THREAD_WAIT_PIECES_MAX) {
		for (size_t i = 1; i < count; i++)
			if (measure_piece(&pieces[i]) < measure_piece(&pieces[least]))
				least = i;
		wait->left_out++;
		wait->left_out_ns += measure_piece(&pieces[least]);
		count--;
		memmove(&pieces[least], &pieces[least + 1], (count - least) * sizeof(*pieces));
	}
	memcpy(wait->pieces, pieces, count * sizeof(*pieces));
	wait->piece_count = count;
}

static uint64_t measure_overlap(const struct thread_waits_query *query,
				const struct history_interval *interval)
{
	return span_overlap(interval->start_ns, interval->end_ns, query->start_ns, query->end_ns);
}

static uint32_t count_times(const struct history_interval *interval)
{
	return interval->merged ? interval->merged : 1;
}

/* No later interval adds to the wait: keep it if its rank is high enough. */
static void finish_wait(struct waits_walk *walk, struct pending_wait *pending)
{
	const struct thread_waits_query *query = walk->query;
	struct thread_waits *waits = walk->waits;
	struct thread_wait *wait = &pending->wait;
	size_t at = waits->wait_count;
	uint64_t rank;

	if (!pending->set)
		return;
	pending->set = false;
	rank = query->rank ? query->rank(query->context, wait) : wait->overlap_ns;
	if (!rank)
		return;
	waits->waits_seen += pending->times;
	if (at == THREAD_WAITS_MAX && rank <= walk->ranks[at - 1])
		return;
	if (at == THREAD_WAITS_MAX)
		at--;
	else
		waits->wait_count++;
	for (; at && walk->ranks[at - 1] < rank; at--) {
		waits->waits[at] = waits->waits[at - 1];
		walk->ranks[at] = walk->ranks[at - 1];
	}
	waits->waits[at] = *wait;
	walk->ranks[at] = rank;
}

static int begin_wait(struct waits_walk *walk, struct pending_wait *pending,
		      const struct history_interval *interval)
{
	const struct stack_info *info = stack_infos_get(walk->stack_infos, interval->stack_id);
	const char *detail = NULL;

	if (!info)
		return -ENOMEM;
	if (interval->state == THREAD_BLOCKED)
		detail = stack_info_reason(info, interval->prev_state)->detail;
	else if (interval->flags & INTERVAL_PREEMPTED)
		detail = info->preempted.detail;
	pending->set = true;
	pending->times = count_times(interval);
	pending->wait = (struct thread_wait){
		.thread = walk->query->thread,
		.state = interval->state,
		.class = interval->class,
		.direction = interval->direction,
		.detail = detail,
		.operation = info->operation,
		.start_ns = interval->start_ns,
		.stack_id = interval->stack_id,
	};
	return 0;
}

static void extend_wait(const struct waits_walk *walk, struct thread_wait *wait,
			const struct history_interval *interval)
{
	wait->end_ns = interval->end_ns;
	wait->waited_ns += interval->end_ns - interval->start_ns;
	wait->overlap_ns += measure_overlap(walk->query, interval);
	wait->sleeps += count_times(interval);
	wait->flags |= interval->flags;
	wait->waker = history_waker(walk->history, interval);
	wait->waker_stack_id = interval->waker_stack_id;
	wait->waker_in_interrupt = interval->waker_in_interrupt;
	wait->ran_ns = 0;
	wait->cpu = interval->cpu;
}

static int add_blocked(struct waits_walk *walk, const struct history_interval *interval)
{
	struct pending_wait *pending = &walk->blocked;
	struct thread_wait *wait = &pending->wait;
	struct history_lock_wait lock_wait = { .lock = NULL };

	history_lock_wait(walk->history, interval, &lock_wait);
	if (!pending->set || !wait->is_lock || !lock_wait.lock ||
	    pending->number != lock_wait.number || wait->stack_id != interval->stack_id) {
		finish_wait(walk, pending);
		if (begin_wait(walk, pending, interval))
			return -ENOMEM;
		pending->number = lock_wait.number;
	}
	extend_wait(walk, wait, interval);
	wait->is_lock = lock_wait.lock && lock_wait.lock->class == wait->class;
	if (wait->is_lock) {
		wait->lock_address = lock_wait.lock->address;
		wait->lock_tgid = lock_wait.lock->tgid;
	}
	for (size_t i = 0; i < lock_wait.charge_count; i++)
		insert_piece(wait, &lock_wait.charges[i]);
	return 0;
}

static int add_runnable(struct waits_walk *walk, const struct history_interval *interval)
{
	finish_wait(walk, &walk->runnable);
	if (begin_wait(walk, &walk->runnable, interval))
		return -ENOMEM;
	extend_wait(walk, &walk->runnable.wait, interval);
	return 0;
}

static void note_running(struct pending_wait *pending, const struct history_interval *interval)
{
	if (!pending->set || pending->wait.ran_ns)
		return;
	pending->wait.ran_ns = interval->start_ns;
	pending->wait.cpu = interval->cpu;
}

static int add_interval(struct waits_walk *walk, const struct history_interval *interval)
{
	uint64_t overlap_ns = measure_overlap(walk->query, interval);

	walk->waits->state_ns[interval->state] += overlap_ns;
	if (overlap_ns)
		walk->waits->intervals += count_times(interval);
	switch (interval->state) {
	case THREAD_BLOCKED:
		return add_blocked(walk, interval);
	case THREAD_RUNNABLE:
		return add_runnable(walk, interval);
	case THREAD_RUNNING:
		note_running(&walk->blocked, interval);
		note_running(&walk->runnable, interval);
		return 0;
	default:
		return 0;
	}
}

/* Without a rank of its own, a query has no use for waits that begin behind its span. */
static bool is_behind(const struct waits_walk *walk, const struct history_interval *interval)
{
	const uint64_t end_ns = walk->query->end_ns;

	return !walk->query->rank && interval->start_ns >= end_ns &&
	       (!walk->blocked.set || walk->blocked.wait.start_ns >= end_ns) &&
	       (!walk->runnable.set || walk->runnable.wait.start_ns >= end_ns);
}

int thread_waits_find(const struct history *history, const struct stack_table *stacks,
		      struct stack_infos *stack_infos, const struct thread_waits_query *query,
		      struct thread_waits *ret_waits)
{
	struct thread_waits waits = { .intervals = 0 };
	struct waits_walk walk = {
		.history = history, .stack_infos = stack_infos, .query = query, .waits = &waits
	};
	const struct history_interval *intervals;
	size_t count = history_intervals(history, query->thread, &intervals);
	int r = 0;

	for (size_t i = 0; i < count && !r && !is_behind(&walk, &intervals[i]); i++)
		r = add_interval(&walk, &intervals[i]);
	if (r)
		return r;
	finish_wait(&walk, &walk.blocked);
	finish_wait(&walk, &walk.runnable);
	r = cpu_profile_read(history, stacks, query->thread, query->start_ns, query->end_ns,
			     &waits.profile);
	if (!r)
		*ret_waits = waits;
	return r;
}

/* The history of a span cuts what reaches out of it. */
static bool is_cut(const struct observations *observations, const struct thread_waits *waits)
{
	for (size_t i = 0; i < waits->wait_count; i++)
		if (waits->waits[i].start_ns <= observations->span_start_ns ||
		    waits->waits[i].end_ns >= observations->span_end_ns)
			return true;
	return false;
}

int thread_waits_find_finest(const struct observations *observations,
			     const struct thread_waits_query *query, struct thread_waits *ret_waits)
{
	const struct stack_table *stacks = source_stacks(observations->source);
	const struct history *history =
		observations_history(observations, query->start_ns, query->end_ns);
	int r = thread_waits_find(history, stacks, observations->stack_infos, query, ret_waits);

	if (r || history == observations->history || !is_cut(observations, ret_waits))
		return r;
	cpu_profile_free(&ret_waits->profile);
	return thread_waits_find(observations->history, stacks, observations->stack_infos, query,
				 ret_waits);
}
