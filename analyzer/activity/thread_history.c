/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/activity/thread_history.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/trace/per_thread.h"
#include "analyzer/locks/replay.h"

/* What is shorter than this part of the window, and in any case than SHORT_LEAST_NS, is put together. */
#define SHORT_PARTS    20000u
#define SHORT_LEAST_NS 20000u

/* At so many pieces, and at each as many more, what counts as short doubles. */
#define PIECES_STEP (1u << 18)
#define PIECES_MAX  (8 * PIECES_STEP) /* then nothing more is kept */
#define SAMPLES_MAX (1u << 20)

/* Short pieces of one thread, one after the other. */
struct crowd {
	uint64_t start_ns, end_ns;
	uint64_t state_ns[THREAD_STATES];
	struct history_piece longest[THREAD_STATES]; /* speaks for its state */
};

struct thread_history {
	bool watched, complete;
	struct history_piece *pieces;
	size_t count, room;
	struct history_sample *samples;
	size_t sample_count, sample_room;
	struct crowd crowd; /* empty where start_ns == end_ns */
};

struct charge {
	struct thread *owner;
	uint64_t start_ns, end_ns;
	enum grade grade;
};

struct history {
	struct stack_infos *stackfacts;
	const struct futex_locks *futexes;
	const struct lock_tracker *locks; /* of the reading that is on */
	uint64_t start_ns, end_ns;
	bool (*counts)(void *context, const struct thread *thread);
	void *counts_context;
	struct per_thread threads; /* struct thread_history */
	uint64_t short_ns;
	size_t piece_count, pieces_step, sample_count;
	size_t missing;
	struct charge *charges; /* of the interval that is about to close, the latest first */
	size_t charge_count, charge_room;
	bool first; /* reading */
	int error;
	int (*closed)(void *context, const struct interval *interval);
	void *context;
};

int history_create(struct stack_infos *stackfacts, const struct futex_locks *futexes,
		   uint64_t start_ns, uint64_t end_ns,
		   bool (*counts)(void *context, const struct thread *thread), void *context,
		   struct history **ret_history)
{
	struct history *history = calloc(1, sizeof(*history));

	if (!history)
		return -ENOMEM;
	history->stackfacts = stackfacts;
	history->futexes = futexes;
	history->start_ns = start_ns;
	history->end_ns = end_ns;
	history->counts = counts;
	history->counts_context = context;
	history->threads.entry_bytes = sizeof(struct thread_history);
	history->short_ns = (end_ns - start_ns) / SHORT_PARTS;
	if (history->short_ns < SHORT_LEAST_NS)
		history->short_ns = SHORT_LEAST_NS;
	history->pieces_step = PIECES_STEP;
	history->first = true;
	*ret_history = history;
	return 0;
}

void history_destroy(struct history *history)
{
	if (!history)
		return;
	for (size_t i = 0; i < per_thread_count(&history->threads); i++) {
		struct thread_history *entry = per_thread_at(&history->threads, i);

		if (!entry)
			continue;
		free(entry->pieces);
		free(entry->samples);
	}
	per_thread_free(&history->threads);
	free(history->charges);
	free(history);
}

int history_watch(struct history *history, struct thread *thread)
{
	struct thread_history *entry = per_thread_get(&history->threads, thread);

	if (!entry)
		return -ENOMEM;
	if (!entry->watched && !entry->complete)
		history->missing++;
	entry->watched = true;
	return 0;
}

bool history_has(const struct history *history, const struct thread *thread)
{
	const struct thread_history *entry = per_thread_find(&history->threads, thread);

	return entry && entry->complete;
}

size_t history_missing(const struct history *history)
{
	return history->missing;
}

static int piece_append(struct history *history, struct thread_history *entry,
			const struct history_piece *piece)
{
	size_t room = entry->room ? entry->room * 2 : 16;
	struct history_piece *pieces, *last;

	if (piece->end_ns <= piece->start_ns || history->piece_count >= PIECES_MAX)
		return 0;
	last = entry->count ? &entry->pieces[entry->count - 1] : NULL;
	if (last && last->state == piece->state && last->state == THREAD_RUNNING &&
	    last->end_ns == piece->start_ns && last->cpu == piece->cpu) {
		last->end_ns = piece->end_ns;
		return 0;
	}
	if (entry->count == entry->room) {
		pieces = reallocarray(entry->pieces, room, sizeof(*pieces));
		if (!pieces)
			return -ENOMEM;
		entry->pieces = pieces;
		entry->room = room;
	}
	entry->pieces[entry->count++] = *piece;
	if (++history->piece_count >= history->pieces_step) {
		history->pieces_step += PIECES_STEP;
		history->short_ns *= 2;
	}
	return 0;
}

/* One piece for each state that the crowd was in. */
static int crowd_flush(struct history *history, struct thread_history *entry)
{
	struct crowd crowd = entry->crowd;
	uint64_t at_ns = crowd.start_ns;

	entry->crowd = (struct crowd){ .start_ns = 0 };
	for (int state = 0; state < THREAD_STATES; state++) {
		struct history_piece piece = crowd.longest[state];

		piece.start_ns = at_ns;
		piece.end_ns = at_ns + crowd.state_ns[state];
		at_ns = piece.end_ns;
		if (piece_append(history, entry, &piece))
			return -ENOMEM;
	}
	return 0;
}

static int crowd_add(struct history *history, struct thread_history *entry,
		     const struct history_piece *piece)
{
	struct crowd *crowd = &entry->crowd;
	struct history_piece *longest;

	if (crowd->start_ns == crowd->end_ns)
		crowd->start_ns = piece->start_ns;
	crowd->end_ns = piece->end_ns;
	crowd->state_ns[piece->state] += piece->end_ns - piece->start_ns;
	longest = &crowd->longest[piece->state];
	if (piece->end_ns - piece->start_ns >= longest->end_ns - longest->start_ns)
		*longest = *piece;
	return crowd->end_ns - crowd->start_ns >= history->short_ns ? crowd_flush(history, entry)
								    : 0;
}

bool history_of_owner(const struct history_piece *piece)
{
	return piece->link == LINK_OWNER || piece->link == LINK_OWNER_EXACT ||
	       piece->link == LINK_OWNER_PLAUSIBLE;
}

static enum history_link link_of(const struct charge *charge)
{
	switch (charge->grade) {
	case GRADE_EXACT:
		return LINK_OWNER_EXACT;
	case GRADE_STRONG:
		return LINK_OWNER;
	default:
		return LINK_OWNER_PLAUSIBLE;
	}
}

static int charge_piece(struct history *history, struct thread_history *entry,
			struct history_piece piece, uint64_t start_ns, uint64_t end_ns,
			const struct charge *charge)
{
	uint32_t by_stack_id = piece.by_stack_id;

	piece.interval_end = piece.interval_end && end_ns == piece.end_ns;
	piece.start_ns = start_ns;
	piece.end_ns = end_ns;
	piece.by_stack_id = STACK_NONE;
	if (!charge) {
		piece.by = NULL;
		piece.link = piece.link == LINK_OPEN ? LINK_OPEN : LINK_NONE;
	} else if (!charge->owner) {
		piece.by = NULL;
		piece.link = LINK_IN_TURNS;
	} else {
		if (piece.interval_end && piece.by == charge->owner)
			piece.by_stack_id = by_stack_id;
		piece.by = charge->owner;
		piece.link = link_of(charge);
	}
	return piece_append(history, entry, &piece);
}

/* Into order of time. Short ones in a row become one of nobody: who asks why need not know of each. */
static void charges_order(struct history *history)
{
	struct charge *charges = history->charges;
	size_t count = history->charge_count, kept = 0;

	for (size_t i = 0; i < count / 2; i++) {
		struct charge charge = charges[i];

		charges[i] = charges[count - 1 - i];
		charges[count - 1 - i] = charge;
	}
	for (size_t i = 0; i < count; i++) {
		struct charge charge = charges[i], *last = kept ? &charges[kept - 1] : NULL;
		bool is_short = charge.end_ns - charge.start_ns < history->short_ns;

		if (is_short && last && last->end_ns == charge.start_ns &&
		    (!last->owner || last->end_ns - last->start_ns < history->short_ns)) {
			last->end_ns = charge.end_ns;
			last->owner = NULL;
			continue;
		}
		charges[kept++] = charge;
	}
	history->charge_count = kept;
}

/* A wait for a lock, cut into the times of its owners. */
static int charged_wait(struct history *history, struct thread_history *entry,
			const struct history_piece *piece)
{
	uint64_t at_ns = piece->start_ns;
	int r = 0;

	charges_order(history);
	for (size_t i = 0; i < history->charge_count && !r; i++) {
		const struct charge *charge = &history->charges[i];
		uint64_t from_ns = charge->start_ns > at_ns ? charge->start_ns : at_ns;
		uint64_t to_ns = charge->end_ns < piece->end_ns ? charge->end_ns : piece->end_ns;

		if (to_ns <= from_ns)
			continue;
		r = charge_piece(history, entry, *piece, at_ns, from_ns, NULL);
		if (!r)
			r = charge_piece(history, entry, *piece, from_ns, to_ns, charge);
		at_ns = to_ns;
	}
	return r ? r : charge_piece(history, entry, *piece, at_ns, piece->end_ns, NULL);
}

static int fill_wait(struct history *history, const struct interval *interval,
		     struct history_piece *piece)
{
	const unsigned int all_along = INTERVAL_BEGAN_BEFORE | INTERVAL_STILL_OPEN;
	const struct stack_info *fact = stack_infos_get(history->stackfacts, interval->stack_id);

	if (!fact)
		return -ENOMEM;
	piece->stack_id = interval->stack_id;
	if (interval->state == THREAD_RUNNABLE) {
		piece->class = interval->flags & INTERVAL_PREEMPTED ? fact->preempted.class
								    : WAIT_CPU_RUNQUEUE;
		return 0;
	}
	piece->class = lock_tracker_class(history->locks, interval,
					  stack_info_reason(fact, interval->prev_state)->class);
	piece->all_along = (interval->flags & all_along) == all_along;
	if (interval->flags & INTERVAL_STILL_OPEN) {
		piece->link = LINK_OPEN;
	} else if (interval->waker_in_interrupt ||
		   (interval->waker && interval->waker->idle_task)) {
		piece->link = LINK_INTERRUPT;
	} else if (interval->waker) {
		piece->link = LINK_WAKER;
		piece->by = interval->waker;
		piece->by_stack_id = interval->waker_stack_id;
	}
	return 0;
}

static int keep(struct history *history, struct thread_history *entry,
		const struct interval *interval)
{
	struct history_piece piece = {
		.start_ns = interval->start_ns > history->start_ns ? interval->start_ns
								   : history->start_ns,
		.end_ns = interval->end_ns < history->end_ns ? interval->end_ns : history->end_ns,
		.stack_id = STACK_NONE,
		.by_stack_id = STACK_NONE,
		.cpu = interval->cpu,
		.state = interval->state,
	};

	if (piece.end_ns <= piece.start_ns)
		return 0;
	if (piece.state == THREAD_BLOCKED || piece.state == THREAD_RUNNABLE)
		if (fill_wait(history, interval, &piece))
			return -ENOMEM;
	piece.interval_end = piece.end_ns == interval->end_ns;
	/* Who wakes a waiter of a lock need not have held it. */
	if (piece.state == THREAD_BLOCKED && wait_class_lock(piece.class) && !history->charge_count)
		piece.link = piece.link == LINK_OPEN ? LINK_OPEN : LINK_NONE;
	if (piece.end_ns - piece.start_ns < history->short_ns) {
		if (history->charge_count) {
			piece.by = history->charges[0].owner;
			piece.link = link_of(&history->charges[0]);
		}
		return crowd_add(history, entry, &piece);
	}
	if (crowd_flush(history, entry))
		return -ENOMEM;
	return history->charge_count ? charged_wait(history, entry, &piece)
				     : piece_append(history, entry, &piece);
}

static int history_closed(void *context, const struct interval *interval)
{
	struct history *history = context;
	struct thread_history *entry = per_thread_get(&history->threads, interval->thread);
	int r = entry ? history->error : -ENOMEM;

	if (!r && history->first && !entry->watched &&
	    history->counts(history->counts_context, interval->thread))
		r = history_watch(history, interval->thread);
	if (!r && entry->watched && !entry->complete)
		r = keep(history, entry, interval);
	history->charge_count = 0;
	if (!r && history->closed)
		r = history->closed(history->context, interval);
	return r;
}

static int sample_append(struct history *history, struct thread_history *entry,
			 const struct event *event)
{
	size_t room = entry->sample_room ? entry->sample_room * 2 : 16;
	struct history_sample *samples;

	if (history->sample_count >= SAMPLES_MAX)
		return 0;
	if (entry->sample_count == entry->sample_room) {
		samples = reallocarray(entry->samples, room, sizeof(*samples));
		if (!samples)
			return -ENOMEM;
		entry->samples = samples;
		entry->sample_room = room;
	}
	entry->samples[entry->sample_count++] =
		(struct history_sample){ event->raw.time_ns, event->stack_id };
	history->sample_count++;
	return 0;
}

static int history_event(void *context, const struct event *event)
{
	struct history *history = context;
	struct thread_history *entry;

	if (event->raw.kind != FT_EVENT_SAMPLE || event->stack_id == STACK_NONE ||
	    event->raw.time_ns < history->start_ns || event->raw.time_ns > history->end_ns)
		return 0;
	entry = per_thread_get(&history->threads, event->thread);
	if (!entry)
		return -ENOMEM;
	/* Its first interval may close long after its first sample. */
	if (history->first && !entry->watched &&
	    history->counts(history->counts_context, event->thread) &&
	    history_watch(history, event->thread))
		return -ENOMEM;
	return entry->watched && !entry->complete ? sample_append(history, entry, event) : 0;
}

static void history_charged(void *context, const struct thread *waiter, struct thread *owner,
			    uint64_t start_ns, uint64_t end_ns, enum grade grade)
{
	struct history *history = context;
	size_t room = history->charge_room ? history->charge_room * 2 : 16;
	struct charge *charges;

	if (owner == waiter)
		return; /* it did not wait for itself: whoever it was is not known */
	if (history->charge_count == history->charge_room) {
		charges = reallocarray(history->charges, room, sizeof(*charges));
		if (!charges) {
			history->error = -ENOMEM;
			return;
		}
		history->charges = charges;
		history->charge_room = room;
	}
	history->charges[history->charge_count++] =
		(struct charge){ owner, start_ns, end_ns, grade };
}

static bool is_kept(void *context, const struct thread *waiter)
{
	const struct history *history = context;
	const struct thread_history *entry = per_thread_find(&history->threads, waiter);

	if (history->piece_count >= PIECES_MAX || (entry && entry->complete))
		return false;
	return (entry && entry->watched) ||
	       (history->first && history->counts(history->counts_context, waiter));
}

int history_read(struct history *history, struct source *source,
		 int (*closed)(void *context, const struct interval *interval), void *context)
{
	const struct lock_tracker_options options = { history->start_ns, history->end_ns, NULL,
						      NULL, history->futexes };
	struct replay *pass = NULL;
	int r;

	history->closed = closed;
	history->context = context;
	r = replay_create(source, history->stackfacts, &options, &pass);
	if (r)
		goto out;
	history->locks = replay_locks(pass);
	lock_tracker_watch(replay_locks(pass),
			   &(struct ownership_watcher){ .charged = history_charged,
							.context = history,
							.short_ns = &history->short_ns,
							.wants = is_kept });
	r = replay_run(pass, &(struct replay_watcher){ history_event, history_closed, history });
	for (size_t i = 0; i < per_thread_count(&history->threads) && !r; i++) {
		struct thread_history *entry = per_thread_at(&history->threads, i);

		if (!entry)
			continue;
		r = crowd_flush(history, entry);
		entry->complete = entry->complete || entry->watched;
	}
	history->missing = 0;
	history->first = false;
out:
	replay_destroy(pass);
	return r;
}

size_t history_pieces(const struct history *history, const struct thread *thread,
		      const struct history_piece **ret_pieces)
{
	const struct thread_history *entry = per_thread_find(&history->threads, thread);

	*ret_pieces = entry && entry->complete ? entry->pieces : NULL;
	return *ret_pieces ? entry->count : 0;
}

size_t history_samples(const struct history *history, const struct thread *thread,
		       const struct history_sample **ret_samples)
{
	const struct thread_history *entry = per_thread_find(&history->threads, thread);

	*ret_samples = entry && entry->complete ? entry->samples : NULL;
	return *ret_samples ? entry->sample_count : 0;
}

size_t history_at(const struct history *history, const struct thread *thread, uint64_t time_ns)
{
	const struct history_piece *pieces;
	size_t low = 0, high = history_pieces(history, thread, &pieces);

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (pieces[middle].end_ns <= time_ns)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

int history_profile(const struct history *history, const struct stack_table *stacks,
		    struct thread *thread, uint64_t start_ns, uint64_t end_ns,
		    struct cpu_profile *ret_profile)
{
	const struct history_sample *samples;
	size_t count = history_samples(history, thread, &samples);
	struct cpu_profiler *profiler = NULL;
	int r = cpu_profiler_create(stacks, thread, start_ns, end_ns, &profiler);

	for (size_t i = 0; i < count && !r; i++)
		r = cpu_profiler_event(profiler,
				       &(struct event){ .raw = { .kind = FT_EVENT_SAMPLE,
								 .time_ns = samples[i].time_ns },
							.thread = thread,
							.stack_id = samples[i].stack_id });
	if (!r)
		r = cpu_profiler_tell(profiler, ret_profile);
	cpu_profiler_destroy(profiler);
	return r;
}
