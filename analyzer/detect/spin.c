/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/detect/spin.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/trace/per_thread.h"
#include "analyzer/locks/replay.h"

/* A loop that does nothing but look at a lock has so few instructions. */
#define LOOP_BYTES 64u

/* Of the samples of a run, so many are in the loop. */
#define LOOP_PERCENT 80u

/* From this share on a thread spins in the kernel rather than works. */
#define KERNEL_PERCENT 50u

/* With fewer samples, of one and of all, nothing is proven. */
#define SAMPLES_LEAST	  2u
#define SAMPLES_LEAST_ALL 10u

/* Time that is not known, shorter than that, does not end a run: as in episode.c. */
#define UNKNOWN_NS 100000000u

/* The sleeper slept through so much of it. */
#define SLEPT_PERCENT 90u

/* After it left its CPU again somebody has gone on this soon. */
#define FREED_NS 20000000u

/* Each is compared with all the others; a capture with more is hostile. */
#define KEPT_MAX 4096u

struct run {
	struct thread *thread;
	bool open;
	bool began_before, still_open;
	bool went_on; /* it ended with a sleep: of something else than spinning */
	uint64_t start_ns, end_ns;
	uint32_t samples;
	/* The candidate for where most samples are, in the kernel and in user space. */
	uint32_t kernel_spinning, user_spinning;
	int32_t votes;
	uint64_t address;
	uint32_t kernel_stack_id, user_stack_id;
};

struct spins {
	const struct stack_table *stacks;
	struct target *target;
	uint64_t long_ns;
	struct per_thread runs; /* struct run: the present one of each thread */
	struct run *kept; /* those that were long, and show a thread spinning */
	size_t kept_count, kept_room;
};

int spins_create(const struct stack_table *stacks, struct target *target, uint64_t long_ns,
		 struct spins **ret_spins)
{
	struct spins *spins = calloc(1, sizeof(*spins));

	if (!spins)
		return -ENOMEM;
	spins->stacks = stacks;
	spins->target = target;
	spins->long_ns = long_ns;
	spins->runs.entry_bytes = sizeof(struct run);
	*ret_spins = spins;
	return 0;
}

void spins_destroy(struct spins *spins)
{
	if (!spins)
		return;
	per_thread_free(&spins->runs);
	free(spins->kept);
	free(spins);
}

static bool spins_in_kernel(const struct frame *leaf)
{
	return leaf->kernel && leaf->symbol &&
	       (strstr(leaf->symbol, "queued_spin_lock_slowpath") ||
		!strcmp(leaf->symbol, "queued_read_lock_slowpath") ||
		!strcmp(leaf->symbol, "queued_write_lock_slowpath"));
}

static bool same_loop(uint64_t a, uint64_t b)
{
	return (a > b ? a - b : b - a) <= LOOP_BYTES;
}

int spins_event(struct spins *spins, const struct event *event)
{
	const struct frame *frames = NULL;
	struct run *run;

	if (event->raw.kind != FT_EVENT_SAMPLE || !event->thread ||
	    !target_counts(spins->target, event->thread) ||
	    !stack_table_frames(spins->stacks, event->stack_id, &frames))
		return 0;
	run = per_thread_get(&spins->runs, event->thread);
	if (!run)
		return -ENOMEM;
	run->samples++;
	if (spins_in_kernel(frames)) {
		run->kernel_spinning++;
		run->kernel_stack_id = event->stack_id;
	}
	if (frames->kernel)
		return 0;
	/* A majority vote: who has most samples is the candidate in the end. */
	if (run->votes <= 0) {
		run->address = frames->address;
		run->user_stack_id = event->stack_id;
		run->user_spinning = 0;
		run->votes = 0;
	}
	if (same_loop(run->address, frames->address)) {
		run->user_spinning++;
		run->votes++;
	} else {
		run->votes--;
	}
	return 0;
}

static bool in_kernel(const struct run *run)
{
	return run->kernel_spinning >= SAMPLES_LEAST &&
	       run->kernel_spinning * 100ull >= run->samples * (uint64_t)KERNEL_PERCENT;
}

static bool in_loop(const struct run *run)
{
	return run->user_spinning >= SAMPLES_LEAST &&
	       run->user_spinning * 100ull >= run->samples * (uint64_t)LOOP_PERCENT;
}

static int run_end(struct spins *spins, struct run *run)
{
	size_t room = spins->kept_room ? spins->kept_room * 2 : 16;
	struct run *kept;

	if (!run->open || spins->kept_count == KEPT_MAX ||
	    run->end_ns - run->start_ns < spins->long_ns || (!in_kernel(run) && !in_loop(run)))
		goto out;
	if (spins->kept_count == spins->kept_room) {
		kept = reallocarray(spins->kept, room, sizeof(*kept));
		if (!kept)
			return -ENOMEM;
		spins->kept = kept;
		spins->kept_room = room;
	}
	spins->kept[spins->kept_count++] = *run;
out:
	*run = (struct run){ .thread = run->thread };
	return 0;
}

static bool ends_run(const struct interval *interval)
{
	return interval->state == THREAD_BLOCKED ||
	       (interval->state == THREAD_UNKNOWN &&
		interval->end_ns - interval->start_ns >= UNKNOWN_NS);
}

int spins_closed(struct spins *spins, const struct interval *interval)
{
	struct run *run;

	if (!target_counts(spins->target, interval->thread))
		return 0;
	run = per_thread_get(&spins->runs, interval->thread);
	if (!run)
		return -ENOMEM;
	if (ends_run(interval)) {
		run->went_on = interval->state == THREAD_BLOCKED;
		return run_end(spins, run);
	}
	if (!run->open) {
		run->open = true;
		run->thread = interval->thread;
		run->start_ns = interval->start_ns;
		run->began_before = interval->flags & INTERVAL_BEGAN_BEFORE;
	}
	run->end_ns = interval->end_ns;
	run->still_open = interval->flags & INTERVAL_STILL_OPEN;
	return 0;
}

/* Who takes the lock: the caller of the functions that are named after locking. */
static const struct frame *lock_frame(const struct stack_table *stacks, uint32_t stack_id)
{
	const struct frame *frames = NULL;
	size_t count = stack_table_frames(stacks, stack_id, &frames);

	for (size_t i = 0; i < count && frames[i].kernel; i++)
		if (frames[i].symbol && !spins_in_kernel(&frames[i]) &&
		    strncmp(frames[i].symbol, "_raw_", 5) &&
		    strncmp(frames[i].symbol, "__raw_", 6) &&
		    strcmp(frames[i].symbol, "do_raw_spin_lock"))
			return &frames[i];
	return NULL;
}

static bool same_lock(const struct spins *spins, const struct run *a, const struct run *b)
{
	const struct frame *left, *right;

	if (in_kernel(a) != in_kernel(b))
		return false;
	if (!in_kernel(a))
		return a->thread->tgid == b->thread->tgid && same_loop(a->address, b->address);
	left = lock_frame(spins->stacks, a->kernel_stack_id);
	right = lock_frame(spins->stacks, b->kernel_stack_id);
	return left && right && !strcmp(left->symbol, right->symbol);
}

static bool says_spin(const char *function)
{
	return function && strstr(function, "spin");
}

/* A loop with another name that a thread began with, or ended with, may be what the thread is for. */
static bool credible(const struct spins *spins, const struct run *run)
{
	const struct frame *frames = NULL;

	if (in_kernel(run) || (run->went_on && !run->began_before))
		return true;
	return stack_table_frames(spins->stacks, run->user_stack_id, &frames) &&
	       says_spin(frames->symbol);
}

static bool overlap(const struct run *run, const struct spin *spin)
{
	return run->start_ns < spin->end_ns && run->end_ns > spin->start_ns;
}

/* What it lost: in the kernel some of the samples show other things. */
static uint64_t lost_ns(const struct run *run)
{
	uint64_t length_ns = run->end_ns - run->start_ns;

	return in_kernel(run) ? (uint64_t)((double)length_ns * run->kernel_spinning / run->samples)
			      : length_ns;
}

static int add_run(struct spin *spin, const struct run *run)
{
	struct victim *victims = spin->victims;
	size_t i = 0;

	while (i < spin->victim_count && victims[i].thread != run->thread)
		i++;
	if (i == spin->victim_count) {
		victims = reallocarray(victims, i + 1, sizeof(*victims));
		if (!victims)
			return -ENOMEM;
		spin->victims = victims;
		victims[spin->victim_count++] = (struct victim){ .thread = run->thread };
	}
	victims[i].blocked_ns += lost_ns(run);
	if (run->end_ns - run->start_ns > victims[i].longest_ns) {
		victims[i].longest_ns = run->end_ns - run->start_ns;
		victims[i].since_ns = run->start_ns;
	}
	spin->lost_ns += lost_ns(run);
	spin->samples += run->samples;
	spin->spinning += in_kernel(run) ? run->kernel_spinning : run->user_spinning;
	if (run->start_ns < spin->start_ns)
		spin->start_ns = run->start_ns;
	if (run->end_ns > spin->end_ns)
		spin->end_ns = run->end_ns;
	if (run->end_ns < spin->freed_ns)
		spin->freed_ns = run->end_ns;
	spin->began_before |= run->began_before;
	spin->still_open |= run->still_open;
	return 0;
}

/* All that spun for the same lock as @first did, and while it or one of the others did. */
static int gather(const struct spins *spins, const struct run *first, struct spin *spin)
{
	const struct frame *frames = NULL;
	size_t seen = (size_t)(first - spins->kept);

	*spin = (struct spin){
		.in_kernel = in_kernel(first),
		.start_ns = first->start_ns,
		.end_ns = first->end_ns,
		.freed_ns = first->end_ns,
		.stack_id = in_kernel(first) ? first->kernel_stack_id : first->user_stack_id,
	};
	for (size_t i = seen; i < spins->kept_count; i++)
		if (same_lock(spins, first, &spins->kept[i]) && overlap(&spins->kept[i], spin) &&
		    credible(spins, &spins->kept[i]) && add_run(spin, &spins->kept[i]))
			return -ENOMEM;
	if (spin->in_kernel)
		frames = lock_frame(spins->stacks, spin->stack_id);
	else
		stack_table_frames(spins->stacks, spin->stack_id, &frames);
	spin->function = frames ? frames->symbol : NULL;
	spin->found = spin->victim_count > 1 && spin->samples >= SAMPLES_LEAST_ALL;
	return 0;
}

/* Who slept meanwhile. */

struct sleeper {
	bool slept; /* long enough ... */
	struct interval sleep;
	uint64_t resumed_ns, until_ns; /* ... and then ran, up to its next sleep */
	bool left; /* which has come */
};

struct sleepers {
	const struct spin *spin;
	struct per_thread threads; /* struct sleeper */
};

static bool is_spinner(const struct spin *spin, const struct thread *thread)
{
	for (size_t i = 0; i < spin->victim_count; i++)
		if (spin->victims[i].thread == thread)
			return true;
	return false;
}

/* It slept before they began or soon after, and something else than they woke it. */
static bool slept_through(const struct spin *spin, const struct interval *interval)
{
	uint64_t from_ns = interval->start_ns, to_ns = interval->end_ns;

	if (interval->state != THREAD_BLOCKED || interval->flags & INTERVAL_STILL_OPEN ||
	    !interval->waker || to_ns > spin->freed_ns)
		return false;
	if (!interval->waker_in_interrupt && is_spinner(spin, interval->waker))
		return false;
	if (from_ns < spin->start_ns)
		from_ns = spin->start_ns;
	return to_ns > from_ns &&
	       (to_ns - from_ns) * 100 >= (spin->freed_ns - spin->start_ns) * SLEPT_PERCENT;
}

static int sleepers_closed(void *context, const struct interval *interval)
{
	struct sleepers *sleepers = context;
	const struct spin *spin = sleepers->spin;
	struct sleeper *sleeper;

	if (interval->thread->tgid != spin->victims[0].thread->tgid ||
	    is_spinner(spin, interval->thread))
		return 0;
	sleeper = per_thread_get(&sleepers->threads, interval->thread);
	if (!sleeper)
		return -ENOMEM;
	if (slept_through(spin, interval)) {
		*sleeper = (struct sleeper){ .slept = true, .sleep = *interval };
	} else if (sleeper->slept && !sleeper->left) {
		if (interval->state == THREAD_RUNNING && !sleeper->resumed_ns)
			sleeper->resumed_ns = interval->start_ns;
		if (interval->state == THREAD_RUNNING)
			sleeper->until_ns = interval->end_ns;
		sleeper->left = interval->state == THREAD_BLOCKED;
	}
	return 0;
}

/* They went on after it did, and soon. */
static bool let_go(const struct spin *spin, const struct sleeper *sleeper)
{
	return sleeper->slept && sleeper->resumed_ns && sleeper->resumed_ns <= spin->freed_ns &&
	       spin->freed_ns <= sleeper->until_ns + FREED_NS;
}

static int find_sleeper(struct source *source, struct stack_infos *stackfacts, struct spin *spin)
{
	struct sleepers sleepers = { .spin = spin, .threads.entry_bytes = sizeof(struct sleeper) };
	const struct sleeper *found = NULL;
	size_t count = 0;
	int r = replay_over(source, stackfacts,
			    &(struct replay_watcher){ .closed = sleepers_closed,
						      .context = &sleepers });

	if (r)
		goto out;
	for (size_t i = 0; i < per_thread_count(&sleepers.threads); i++) {
		const struct sleeper *sleeper = per_thread_at(&sleepers.threads, i);

		if (!sleeper || !let_go(spin, sleeper))
			continue;
		found = sleeper;
		count++;
	}
	if (count == 1) {
		spin->sleeper = found->sleep.thread;
		spin->sleep = found->sleep;
		spin->resumed_ns = found->resumed_ns;
	}
out:
	per_thread_free(&sleepers.threads);
	return r;
}

static int end_all(struct spins *spins)
{
	for (size_t i = 0; i < per_thread_count(&spins->runs); i++) {
		struct run *run = per_thread_at(&spins->runs, i);

		if (run && run_end(spins, run))
			return -ENOMEM;
	}
	return 0;
}

static int by_lost(const void *left, const void *right)
{
	const struct victim *a = left, *b = right;

	if (a->blocked_ns != b->blocked_ns)
		return a->blocked_ns < b->blocked_ns ? 1 : -1;
	return (a->thread->index > b->thread->index) - (a->thread->index < b->thread->index);
}

static int by_start(const void *left, const void *right)
{
	const struct run *a = left, *b = right;

	return (a->start_ns > b->start_ns) - (a->start_ns < b->start_ns);
}

int spins_find(struct spins *spins, struct source *source, struct stack_infos *stackfacts,
	       struct spin *ret_spin)
{
	struct spin best = { .found = false }, spin;
	int r = end_all(spins);

	if (!r && spins->kept_count)
		qsort(spins->kept, spins->kept_count, sizeof(*spins->kept), by_start);
	for (size_t i = 0; i < spins->kept_count && !r; i++) {
		if (!credible(spins, &spins->kept[i]) ||
		    (best.found && overlap(&spins->kept[i], &best)))
			continue;
		r = gather(spins, &spins->kept[i], &spin);
		if (!r && spin.found && spin.lost_ns > best.lost_ns) {
			spin_free(&best);
			best = spin;
		} else {
			spin_free(&spin);
		}
	}
	if (!r && best.found && !best.in_kernel && !best.still_open)
		r = find_sleeper(source, stackfacts, &best);
	if (!r && best.found && !best.in_kernel && !best.sleeper && !says_spin(best.function))
		best.found = false;
	if (r || !best.found) {
		spin_free(&best);
		best = (struct spin){ .found = false };
	} else {
		qsort(best.victims, best.victim_count, sizeof(*best.victims), by_lost);
	}
	*ret_spin = best;
	return r;
}

void spin_free(struct spin *spin)
{
	free(spin->victims);
	spin->victims = NULL;
}
