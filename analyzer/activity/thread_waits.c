/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/activity/thread_waits.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The wait of a kind that the thread was in last: more of it may come. */
struct pending {
	bool set;
	uint32_t number; /* lock_tracker_wait_number() of it */
	struct deed_wait wait;
};

struct deeds {
	struct stack_infos *stackfacts;
	struct deeds_options options;
	struct cpu_profiler *profiler;
	struct deeds_story story;
	uint64_t ranks[DEED_WAITS_MAX];
	struct pending asleep, ready;
	struct deed_wait charges; /* only its pieces: of the sleep that is being closed */
};

int deeds_create(const struct stack_table *stacks, struct stack_infos *stackfacts,
		 const struct deeds_options *options, struct deeds **ret_deeds)
{
	struct deeds *deeds = calloc(1, sizeof(*deeds));

	if (!deeds)
		return -ENOMEM;
	deeds->stackfacts = stackfacts;
	deeds->options = *options;
	if (cpu_profiler_create(stacks, options->thread, options->start_ns, options->end_ns,
				&deeds->profiler)) {
		free(deeds);
		return -ENOMEM;
	}
	*ret_deeds = deeds;
	return 0;
}

void deeds_destroy(struct deeds *deeds)
{
	if (!deeds)
		return;
	cpu_profiler_destroy(deeds->profiler);
	free(deeds);
}

int deeds_event(struct deeds *deeds, const struct event *event)
{
	return cpu_profiler_event(deeds->profiler, event);
}

static uint64_t length_of(const struct deed_piece *piece)
{
	return piece->end_ns - piece->start_ns;
}

/* In order of time; past the room for them the shortest is only counted. */
static void piece_insert(struct deed_wait *wait, const struct deed_piece *piece)
{
	struct deed_piece pieces[DEED_PIECES_MAX + 1];
	size_t count = wait->piece_count, at = count, least = 0;

	memcpy(pieces, wait->pieces, count * sizeof(*pieces));
	while (at && pieces[at - 1].start_ns > piece->start_ns) {
		pieces[at] = pieces[at - 1];
		at--;
	}
	pieces[at] = *piece;
	if (++count > DEED_PIECES_MAX) {
		for (size_t i = 1; i < count; i++)
			if (length_of(&pieces[i]) < length_of(&pieces[least]))
				least = i;
		wait->left_out++;
		wait->left_out_ns += length_of(&pieces[least]);
		count--;
		memmove(&pieces[least], &pieces[least + 1], (count - least) * sizeof(*pieces));
	}
	memcpy(wait->pieces, pieces, count * sizeof(*pieces));
	wait->piece_count = count;
}

void deeds_charged(struct deeds *deeds, const struct thread *waiter, const struct deed_piece *piece)
{
	if (waiter == deeds->options.thread)
		piece_insert(&deeds->charges, piece);
}

static void take_charges(struct deeds *deeds, struct deed_wait *wait)
{
	for (size_t i = 0; i < deeds->charges.piece_count; i++)
		piece_insert(wait, &deeds->charges.pieces[i]);
	wait->left_out += deeds->charges.left_out;
	wait->left_out_ns += deeds->charges.left_out_ns;
	deeds->charges.piece_count = 0;
	deeds->charges.left_out = 0;
	deeds->charges.left_out_ns = 0;
}

static uint64_t overlap(const struct deeds *deeds, uint64_t start_ns, uint64_t end_ns)
{
	if (start_ns < deeds->options.start_ns)
		start_ns = deeds->options.start_ns;
	if (end_ns > deeds->options.end_ns)
		end_ns = deeds->options.end_ns;
	return end_ns > start_ns ? end_ns - start_ns : 0;
}

/* It will not go on. */
static void flush(struct deeds *deeds, struct pending *pending)
{
	struct deeds_story *story = &deeds->story;
	struct deed_wait *wait = &pending->wait;
	size_t at = story->wait_count;
	uint64_t rank;

	if (!pending->set)
		return;
	pending->set = false;
	rank = deeds->options.rank ? deeds->options.rank(deeds->options.context, wait)
				   : wait->overlap_ns;
	if (!rank)
		return;
	story->waits_seen++;
	if (at == DEED_WAITS_MAX && rank <= deeds->ranks[at - 1])
		return;
	if (at == DEED_WAITS_MAX)
		at--;
	else
		story->wait_count++;
	for (; at && deeds->ranks[at - 1] < rank; at--) {
		story->waits[at] = story->waits[at - 1];
		deeds->ranks[at] = deeds->ranks[at - 1];
	}
	story->waits[at] = *wait;
	deeds->ranks[at] = rank;
}

static int begin(struct deeds *deeds, struct pending *pending, const struct interval *interval)
{
	const struct stack_info *fact = stack_infos_get(deeds->stackfacts, interval->stack_id);
	const struct wait_reason *reason;
	bool woken = interval->state == THREAD_RUNNABLE && !(interval->flags & INTERVAL_PREEMPTED);

	if (!fact)
		return -ENOMEM;
	reason = interval->state == THREAD_RUNNABLE ? &fact->preempted
						    : stack_info_reason(fact, interval->prev_state);
	pending->set = true;
	pending->wait = (struct deed_wait){
		.thread = interval->thread,
		.state = interval->state,
		.class = woken ? WAIT_CPU_RUNQUEUE : reason->class,
		.detail = woken ? NULL : reason->detail,
		.operation = fact->operation,
		.start_ns = interval->start_ns,
		.stack_id = interval->stack_id,
	};
	return 0;
}

static void extend(struct deeds *deeds, struct deed_wait *wait, const struct interval *interval)
{
	wait->end_ns = interval->end_ns;
	wait->waited_ns += interval->end_ns - interval->start_ns;
	wait->overlap_ns += overlap(deeds, interval->start_ns, interval->end_ns);
	wait->sleeps++;
	wait->flags |= interval->flags;
	wait->waker = interval->waker;
	wait->waker_stack_id = interval->waker_stack_id;
	wait->waker_in_interrupt = interval->waker_in_interrupt;
	wait->ran_ns = 0;
	wait->cpu = interval->cpu;
}

static int blocked(struct deeds *deeds, const struct lock_tracker *locks,
		   const struct interval *interval)
{
	struct pending *pending = &deeds->asleep;
	struct deed_wait *wait = &pending->wait;
	uint32_t number = lock_tracker_wait_number(locks, interval->thread);
	const struct lock *lock;

	if (!pending->set || !wait->is_lock || pending->number != number ||
	    wait->stack_id != interval->stack_id) {
		flush(deeds, pending);
		if (begin(deeds, pending, interval))
			return -ENOMEM;
		pending->number = number;
		wait->class = lock_tracker_class(locks, interval, wait->class);
	}
	extend(deeds, wait, interval);
	lock = lock_tracker_awaited(locks, interval->thread);
	wait->is_lock = lock && wait_class_lock(wait->class) && lock->class == wait->class;
	if (wait->is_lock) {
		wait->lock_address = lock->address;
		wait->lock_tgid = lock->tgid;
	}
	take_charges(deeds, wait);
	return 0;
}

static int ready(struct deeds *deeds, const struct interval *interval)
{
	flush(deeds, &deeds->ready);
	if (begin(deeds, &deeds->ready, interval))
		return -ENOMEM;
	extend(deeds, &deeds->ready.wait, interval);
	return 0;
}

static void ran(struct pending *pending, const struct interval *interval)
{
	if (!pending->set || pending->wait.ran_ns)
		return;
	pending->wait.ran_ns = interval->start_ns;
	pending->wait.cpu = interval->cpu;
}

int deeds_closed(struct deeds *deeds, const struct lock_tracker *locks,
		 const struct interval *interval)
{
	uint64_t overlap_ns;

	if (interval->thread != deeds->options.thread)
		return 0;
	overlap_ns = overlap(deeds, interval->start_ns, interval->end_ns);
	deeds->story.state_ns[interval->state] += overlap_ns;
	deeds->story.intervals += overlap_ns > 0;
	switch (interval->state) {
	case THREAD_BLOCKED:
		return blocked(deeds, locks, interval);
	case THREAD_RUNNABLE:
		return ready(deeds, interval);
	case THREAD_RUNNING:
		ran(&deeds->asleep, interval);
		ran(&deeds->ready, interval);
		return 0;
	default:
		return 0;
	}
}

int deeds_tell(struct deeds *deeds, struct deeds_story *ret_story)
{
	int r;

	flush(deeds, &deeds->asleep);
	flush(deeds, &deeds->ready);
	r = cpu_profiler_tell(deeds->profiler, &deeds->story.profile);
	if (r)
		return r;
	*ret_story = deeds->story;
	return 0;
}
