/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/detect/spin.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/detect/thresholds.h"
#include "analyzer/util/array.h"
#include "analyzer/util/span.h"

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
	const struct observations *observations;
	const struct stack_table *stacks;
	uint64_t long_ns;
	struct run *kept; /* those that were long, and show a thread spinning */
	size_t kept_count, kept_room;
};

static bool is_slowpath(const struct frame *leaf)
{
	return leaf->kernel && leaf->symbol &&
	       (strstr(leaf->symbol, "queued_spin_lock_slowpath") ||
		!strcmp(leaf->symbol, "queued_read_lock_slowpath") ||
		!strcmp(leaf->symbol, "queued_write_lock_slowpath"));
}

bool spin_is_same_loop(uint64_t a, uint64_t b)
{
	return (a > b ? a - b : b - a) <= SPIN_LOOP_BYTES;
}

static void add_sample(const struct spins *spins, struct run *run, uint32_t stack_id)
{
	const struct frame *frames = NULL;

	if (!stack_table_frames(spins->stacks, stack_id, &frames))
		return;
	run->samples++;
	if (is_slowpath(frames)) {
		run->kernel_spinning++;
		run->kernel_stack_id = stack_id;
	}
	if (frames->kernel)
		return;
	/* A majority vote: who has most samples is the candidate in the end. */
	if (run->votes <= 0) {
		run->address = frames->address;
		run->user_stack_id = stack_id;
		run->user_spinning = 0;
		run->votes = 0;
	}
	if (spin_is_same_loop(run->address, frames->address)) {
		run->user_spinning++;
		run->votes++;
	} else {
		run->votes--;
	}
}

static bool spins_in_slowpath(const struct run *run)
{
	return run->kernel_spinning >= SPIN_SAMPLES_LEAST &&
	       run->kernel_spinning * 100ull >= run->samples * (uint64_t)SPIN_KERNEL_PERCENT;
}

static bool spins_in_loop(const struct run *run)
{
	return run->user_spinning >= SPIN_SAMPLES_LEAST &&
	       run->user_spinning * 100ull >= run->samples * (uint64_t)SPIN_LOOP_PERCENT;
}

/* The run is over: keep it where it was long, and shows a thread spinning. */
static int end_run(struct spins *spins, struct run *run)
{
	if (!run->open || spins->kept_count == KEPT_MAX ||
	    run->end_ns - run->start_ns < spins->long_ns ||
	    (!spins_in_slowpath(run) && !spins_in_loop(run)))
		goto out;
	if (array_grow(spins->kept, spins->kept_count, spins->kept_room))
		return -ENOMEM;
	spins->kept[spins->kept_count++] = *run;
out:
	*run = (struct run){ .thread = run->thread };
	return 0;
}

static bool ends_run(const struct spins *spins, const struct history_interval *interval)
{
	return interval->state == THREAD_BLOCKED ||
	       (interval->state == THREAD_UNKNOWN &&
		interval->end_ns - interval->start_ns >=
			spins->long_ns * PAUSE_STALL_PERCENT / 100);
}

static int add_interval(struct spins *spins, struct run *run,
			const struct history_interval *interval)
{
	if (ends_run(spins, interval)) {
		run->went_on = interval->state == THREAD_BLOCKED;
		return end_run(spins, run);
	}
	if (!run->open) {
		run->open = true;
		run->start_ns = interval->start_ns;
		run->began_before = interval->flags & INTERVAL_BEGAN_BEFORE;
	}
	run->end_ns = interval->end_ns;
	run->still_open = interval->flags & INTERVAL_STILL_OPEN;
	return 0;
}

/* A run is the time between two sleeps; without samples it shows nothing. */
static int find_runs(struct spins *spins, struct thread *thread)
{
	const struct history *history = spins->observations->history;
	const struct history_interval *intervals;
	const struct history_sample *samples;
	size_t sample_count = history_samples(history, thread, &samples), next = 0;
	size_t count = sample_count ? history_intervals(history, thread, &intervals) : 0;
	struct run run = { .thread = thread };
	int r = 0;

	for (size_t i = 0; i < count && !r; i++) {
		for (; next < sample_count && samples[next].time_ns < intervals[i].end_ns; next++)
			add_sample(spins, &run, samples[next].stack_id);
		r = add_interval(spins, &run, &intervals[i]);
	}
	return r ? r : end_run(spins, &run);
}

static int find_all_runs(struct spins *spins)
{
	const struct observations *observations = spins->observations;
	const struct threads *threads = source_threads(observations->source);
	int r = 0;

	for (size_t i = 0; i < threads_count(threads) && !r; i++)
		if (target_counts(observations->target, threads_at(threads, i)))
			r = find_runs(spins, threads_at(threads, i));
	return r;
}

/* Who takes the lock: the caller of the functions that are named after locking. */
static const struct frame *lock_frame(const struct stack_table *stacks, uint32_t stack_id)
{
	const struct frame *frames = NULL;
	size_t count = stack_table_frames(stacks, stack_id, &frames);

	for (size_t i = 0; i < count && frames[i].kernel; i++)
		if (frames[i].symbol && !is_slowpath(&frames[i]) &&
		    strncmp(frames[i].symbol, "_raw_", 5) &&
		    strncmp(frames[i].symbol, "__raw_", 6) &&
		    strcmp(frames[i].symbol, "do_raw_spin_lock"))
			return &frames[i];
	return NULL;
}

static bool is_same_lock(const struct spins *spins, const struct run *a, const struct run *b)
{
	const struct frame *left, *right;

	if (spins_in_slowpath(a) != spins_in_slowpath(b))
		return false;
	if (!spins_in_slowpath(a))
		return a->thread->tgid == b->thread->tgid &&
		       spin_is_same_loop(a->address, b->address);
	left = lock_frame(spins->stacks, a->kernel_stack_id);
	right = lock_frame(spins->stacks, b->kernel_stack_id);
	return left && right && !strcmp(left->symbol, right->symbol);
}

static bool says_spin(const char *function)
{
	return function && strstr(function, "spin");
}

/* A loop with another name that a thread began with, or ended with, may be what the thread is
 * for. */
static bool is_credible(const struct spins *spins, const struct run *run)
{
	const struct frame *frames = NULL;

	if (spins_in_slowpath(run) || (run->went_on && !run->began_before))
		return true;
	return stack_table_frames(spins->stacks, run->user_stack_id, &frames) &&
	       says_spin(frames->symbol);
}

static bool overlaps_spin(const struct run *run, const struct spin *spin)
{
	return run->start_ns < spin->end_ns && run->end_ns > spin->start_ns;
}

/* What it lost: in the kernel some of the samples show other things. */
static uint64_t run_lost_ns(const struct run *run)
{
	uint64_t length_ns = run->end_ns - run->start_ns;

	return spins_in_slowpath(run)
		       ? (uint64_t)((double)length_ns * run->kernel_spinning / run->samples)
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
	victims[i].blocked_ns += run_lost_ns(run);
	if (run->end_ns - run->start_ns > victims[i].longest_ns) {
		victims[i].longest_ns = run->end_ns - run->start_ns;
		victims[i].since_ns = run->start_ns;
	}
	spin->lost_ns += run_lost_ns(run);
	spin->samples += run->samples;
	spin->spinning += spins_in_slowpath(run) ? run->kernel_spinning : run->user_spinning;
	spin->start_ns = earlier(spin->start_ns, run->start_ns);
	spin->end_ns = later(spin->end_ns, run->end_ns);
	spin->freed_ns = earlier(spin->freed_ns, run->end_ns);
	spin->began_before |= run->began_before;
	spin->still_open |= run->still_open;
	return 0;
}

/* All that spun for the same lock as @first did, and while it or one of the others did. */
static int gather_runs(const struct spins *spins, const struct run *first, struct spin *spin)
{
	const struct frame *frames = NULL;
	size_t seen = (size_t)(first - spins->kept);

	*spin = (struct spin){
		.in_kernel = spins_in_slowpath(first),
		.start_ns = first->start_ns,
		.end_ns = first->end_ns,
		.freed_ns = first->end_ns,
		.stack_id =
			spins_in_slowpath(first) ? first->kernel_stack_id : first->user_stack_id,
	};
	for (size_t i = seen; i < spins->kept_count; i++)
		if (is_same_lock(spins, first, &spins->kept[i]) &&
		    overlaps_spin(&spins->kept[i], spin) && is_credible(spins, &spins->kept[i]) &&
		    add_run(spin, &spins->kept[i]))
			return -ENOMEM;
	if (spin->in_kernel)
		frames = lock_frame(spins->stacks, spin->stack_id);
	else
		stack_table_frames(spins->stacks, spin->stack_id, &frames);
	spin->function = frames ? frames->symbol : NULL;
	return 0;
}

/* Two at least spin for one lock, and there are samples enough to say so. */
static bool is_spin(const struct spin *spin)
{
	return spin->victim_count > 1 && spin->samples >= SPIN_SAMPLES_LEAST_ALL;
}

struct sleeper {
	struct thread *thread; /* NULL: it did not sleep through it */
	struct spin_sleep sleep;
	uint64_t resumed_ns, until_ns; /* then it ran, up to its next sleep */
};

static bool is_spinner(const struct spin *spin, const struct thread *thread)
{
	for (size_t i = 0; i < spin->victim_count; i++)
		if (spin->victims[i].thread == thread)
			return true;
	return false;
}

/* It slept before they began or soon after, and something else than they woke it. */
static bool slept_through(const struct spin *spin, const struct history *history,
			  const struct history_interval *interval)
{
	const struct thread *waker = history_waker(history, interval);
	uint64_t slept_ns =
		span_overlap(interval->start_ns, interval->end_ns, spin->start_ns, spin->freed_ns);

	if (interval->state != THREAD_BLOCKED || interval->flags & INTERVAL_STILL_OPEN || !waker ||
	    interval->end_ns > spin->freed_ns)
		return false;
	if (!interval->waker_in_interrupt && is_spinner(spin, waker))
		return false;
	return slept_ns &&
	       share_at_least(slept_ns, spin->freed_ns - spin->start_ns, SPIN_SLEPT_PERCENT);
}

static struct sleeper find_sleep(const struct spin *spin, const struct history *history,
				 struct thread *thread)
{
	struct history_cursor cursor = history_walk(history, thread, spin->start_ns, UINT64_MAX);
	struct sleeper sleeper = { .thread = NULL };
	const struct history_interval *interval;
	bool left = false;
	uint64_t from_ns, to_ns;

	while ((interval = history_next(&cursor, &from_ns, &to_ns))) {
		if (slept_through(spin, history, interval)) {
			sleeper = (struct sleeper){
				.thread = thread,
				.sleep = { interval->start_ns, interval->end_ns, interval->stack_id,
					   interval->prev_state },
			};
			left = false;
			continue;
		}
		if (!sleeper.thread || left)
			continue;
		if (interval->state == THREAD_RUNNING && !sleeper.resumed_ns)
			sleeper.resumed_ns = interval->start_ns;
		if (interval->state == THREAD_RUNNING)
			sleeper.until_ns = interval->end_ns;
		left = interval->state == THREAD_BLOCKED;
	}
	return sleeper;
}

/* They went on after it did, and soon. */
static bool released_spinners(const struct spin *spin, const struct sleeper *sleeper)
{
	return sleeper->thread && sleeper->resumed_ns && sleeper->resumed_ns <= spin->freed_ns &&
	       spin->freed_ns <= sleeper->until_ns + SPIN_FREED_NS;
}

/* The only one that did. */
static void find_sleeper(const struct observations *observations, struct spin *spin)
{
	const struct threads *threads = source_threads(observations->source);
	size_t count = 0;

	for (size_t i = 0; i < threads_count(threads); i++) {
		struct thread *thread = threads_at(threads, i);
		struct sleeper sleeper;

		if (thread->tgid != spin->victims[0].thread->tgid || is_spinner(spin, thread))
			continue;
		sleeper = find_sleep(spin, observations->history, thread);
		if (!released_spinners(spin, &sleeper))
			continue;
		count++;
		spin->sleeper = count == 1 ? sleeper.thread : NULL;
		spin->sleep = sleeper.sleep;
		spin->resumed_ns = sleeper.resumed_ns;
	}
}

static int compare_start(const void *left, const void *right)
{
	const struct run *a = left, *b = right;

	return (a->start_ns > b->start_ns) - (a->start_ns < b->start_ns);
}

/* In user space it needs the sleeper, or a name that says it. */
static bool is_proven(const struct spin *spin)
{
	return spin->in_kernel || spin->sleeper || says_spin(spin->function);
}

static int find_worst(struct spins *spins, struct spin *worst)
{
	struct spin spin;
	int r = 0;

	if (spins->kept_count)
		qsort(spins->kept, spins->kept_count, sizeof(*spins->kept), compare_start);
	for (size_t i = 0; i < spins->kept_count && !r; i++) {
		if (!is_credible(spins, &spins->kept[i]) ||
		    (worst->lost_ns && overlaps_spin(&spins->kept[i], worst)))
			continue;
		r = gather_runs(spins, &spins->kept[i], &spin);
		if (!r && is_spin(&spin) && spin.lost_ns > worst->lost_ns) {
			free(worst->victims);
			*worst = spin;
		} else {
			free(spin.victims);
		}
	}
	return r;
}

/* Threads that spin wait for no one as far as the scheduler knows, but they are as stuck. */
static int find_spin(struct detect_context *in, struct candidates *out)
{
	struct candidate *candidate = candidate_append(in, out);
	struct spins spins = { in->observations, in->stacks, in->long_ns, NULL, 0, 0 };
	struct spin *worst;
	int r;

	if (!candidate)
		return -ENOMEM;
	/* A thread that others wait for, and that computes, does not spin. */
	if (in->producer)
		return 0;
	worst = candidate->found;
	r = find_all_runs(&spins);
	if (!r)
		r = find_worst(&spins, worst);
	free(spins.kept);
	if (r || !worst->lost_ns)
		return r;
	if (!worst->in_kernel && !worst->still_open)
		find_sleeper(in->observations, worst);
	victims_sort(worst->victims, worst->victim_count);
	candidate->lost_ns = is_proven(worst) ? worst->lost_ns : 0;
	candidate->stall = (struct stall){
		.found = true,
		.began_before = worst->began_before,
		.still_open = worst->still_open,
		.start_ns = worst->start_ns,
		.end_ns = worst->end_ns,
		.threads_max = (uint32_t)worst->victim_count,
		.apart = detect_over_before(in, worst->end_ns),
	};
	return 0;
}

static void free_spin(void *found)
{
	free(((struct spin *)found)->victims);
}

const struct detector spin_detector = {
	.found_bytes = sizeof(struct spin),
	.evidence = EVIDENCE_WAITS,
	.beside = true,
	.find = find_spin,
	.report = spin_report,
	.free = free_spin,
};
