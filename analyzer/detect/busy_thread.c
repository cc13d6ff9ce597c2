/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/detect/busy_thread.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>


/*
 * A thread fits that was like this for most of the window: questions are asked
 * now and then, and some count from the last good answer, before it all began.
 */
#define COVERS_PERCENT 75u

/* A wait for what a thread needs to go on, or time not known, shorter than half a stall does not end its run. */
#define PAUSE_NS 100000000u

/* Less of a run on a CPU, and it was starved of it rather than busy. */
#define RAN_PERCENT 10u

/* With more of its time in pauses it waited for something after all, however short each was. */
#define PAUSES_PERCENT 10u

/* The first question that waits may come this long after what it waits for began. */
#define QUESTION_NS 2000000000ull

/* Who waits for questions, as one that serves does, has done so this often. */
#define SERVES_LEAST 20u

/* Where the trigger does not say since when: what was so many times as long as anything else of the thread. */
#define TIMES_USUAL 5u

struct run {
	struct thread *thread;
	uint32_t asked; /* times that it waited for what others send */
	bool open;
	struct busy_thread now; /* its run so far */
	struct busy_thread fits; /* kind NONE: nothing that fits the window */
	uint64_t usual_sleep_ns; /* longest one outside of the window */
	uint64_t usual_ns; /* longest run or sleep but for the one that fits */
};

struct watch {
	const struct observations *observations;
	const struct trigger_window *window;
	bool anywhere; /* in the time that the trigger is about, rather than all the while before it */
};

static bool covers(const struct trigger_window *window, uint64_t start_ns, uint64_t end_ns)
{
	uint64_t from_ns = start_ns > window->since_ns ? start_ns : window->since_ns;
	uint64_t to_ns = end_ns < window->until_ns ? end_ns : window->until_ns;
	uint64_t whole_ns = window->until_ns - window->since_ns;

	return to_ns > from_ns && (to_ns - from_ns) * 100 >= whole_ns * COVERS_PERCENT;
}

/* Of all that is long enough, and in the time that the trigger may be about, the longest of a thread. */
static bool fits_anywhere(const struct watch *watch, struct run *run, uint64_t start_ns,
			  uint64_t end_ns)
{
	const struct trigger_window *window = watch->window;
	uint64_t length_ns = end_ns - start_ns;
	uint64_t longest_ns =
		run->fits.kind != EPISODE_NONE ? run->fits.end_ns - run->fits.start_ns : 0;
	bool fits = length_ns >= window->until_ns - window->since_ns && length_ns > longest_ns &&
		    end_ns > window->about_ns && start_ns < window->until_ns;
	uint64_t other_ns = fits ? longest_ns : length_ns;

	if (other_ns > run->usual_ns)
		run->usual_ns = other_ns;
	return fits;
}

static bool run_fits(const struct watch *watch, struct run *run, uint64_t start_ns, uint64_t end_ns)
{
	return watch->anywhere ? fits_anywhere(watch, run, start_ns, end_ns)
			       : covers(watch->window, start_ns, end_ns);
}

static void keep_fitting(const struct watch *watch, struct run *run, enum busy_thread_kind kind)
{
	run->fits = run->now;
	run->fits.kind = kind;
	run->fits.thread = run->thread;
	run->fits.began_with_it = !watch->window->since_said ||
				  run->now.start_ns + QUESTION_NS >= watch->window->since_ns;
}

static bool was_busy(const struct busy_thread *now)
{
	uint64_t length_ns = now->end_ns - now->start_ns;
	uint64_t pauses_ns = now->state_ns[THREAD_BLOCKED] + now->state_ns[THREAD_UNKNOWN];

	return now->state_ns[THREAD_RUNNING] * 100 >= length_ns * RAN_PERCENT &&
	       pauses_ns * 100 <= length_ns * PAUSES_PERCENT;
}

static void end_run(const struct watch *watch, struct run *run)
{
	const struct busy_thread *now = &run->now;

	if (run->open && was_busy(now) && run_fits(watch, run, now->start_ns, now->end_ns))
		keep_fitting(watch, run, EPISODE_BUSY);
	run->open = false;
}

static void extend_run(struct run *run, const struct history_interval *interval)
{
	if (!run->open)
		run->now = (struct busy_thread){
			.start_ns = interval->start_ns,
			.began_before = interval->flags & INTERVAL_BEGAN_BEFORE,
		};
	run->open = true;
	run->now.end_ns = interval->end_ns;
	run->now.still_open = interval->flags & INTERVAL_STILL_OPEN;
	run->now.state_ns[interval->state] += interval->end_ns - interval->start_ns;
}

/* Sleeps that a thread asks for itself. Waits for others end when those are done: it is they who count. */
static bool is_sleep(enum wait_class class)
{
	return class == WAIT_SLEEP || class == WAIT_CHILD;
}

static void note_sleep(const struct watch *watch, struct run *run,
		       const struct history_interval *interval, enum wait_class class)
{
	uint64_t length_ns = interval->end_ns - interval->start_ns;

	if (!run_fits(watch, run, interval->start_ns, interval->end_ns)) {
		if (length_ns > run->usual_sleep_ns)
			run->usual_sleep_ns = length_ns;
		return;
	}
	extend_run(run, interval);
	run->now.class = class;
	run->now.stack_id = interval->stack_id;
	keep_fitting(watch, run, EPISODE_ASLEEP);
	run->open = false;
}

/* Whether a thread that runs may be said to go on, although it did not in @interval. */
static bool is_pause(const struct history_interval *interval, enum wait_class class)
{
	return interval->end_ns - interval->start_ns < PAUSE_NS &&
	       (interval->state == THREAD_UNKNOWN || class == WAIT_UNKNOWN ||
		!wait_class_idle(class));
}

/* What the stack says that it waited for: a lock of user space is a futex here. */
static int class_of(const struct watch *watch, const struct history_interval *interval,
		    enum wait_class *ret_class)
{
	const struct stack_info *info;

	*ret_class = WAIT_UNKNOWN;
	if (interval->state != THREAD_BLOCKED)
		return 0;
	info = stack_infos_get(watch->observations->stack_infos, interval->stack_id);
	if (!info)
		return -ENOMEM;
	*ret_class = stack_info_reason(info, interval->prev_state)->class;
	return 0;
}

static int add_interval(const struct watch *watch, struct run *run,
			const struct history_interval *interval)
{
	bool runs = interval->state == THREAD_RUNNING || interval->state == THREAD_RUNNABLE;
	enum wait_class class;

	if (class_of(watch, interval, &class))
		return -ENOMEM;
	if (runs || (run->open && is_pause(interval, class))) {
		extend_run(run, interval);
		return 0;
	}
	end_run(watch, run);
	if (class == WAIT_POLL || class == WAIT_NET_SOCKET || class == WAIT_IPC_PIPE)
		run->asked += interval->merged ? interval->merged : 1;
	if (is_sleep(class))
		note_sleep(watch, run, interval, class);
	return 0;
}

static int read_thread(const struct watch *watch, struct thread *thread, struct run *ret_run)
{
	const struct history_interval *intervals;
	size_t count = history_intervals(watch->observations->history, thread, &intervals);
	int r = 0;

	*ret_run = (struct run){ .thread = thread };
	for (size_t i = 0; i < count && !r; i++)
		r = add_interval(watch, ret_run, &intervals[i]);
	end_run(watch, ret_run);
	return r;
}

/* What the thread is used to does not explain why somebody waited now. */
static bool is_unusual(const struct watch *watch, const struct run *run)
{
	const struct busy_thread *episode = &run->fits;
	bool main_thread = run->thread->tid == run->thread->tgid;

	if (watch->anywhere)
		return episode->kind != EPISODE_NONE && !episode->began_before &&
		       run->asked >= SERVES_LEAST &&
		       (episode->end_ns - episode->start_ns) / TIMES_USUAL >= run->usual_ns;
	if (episode->kind != EPISODE_ASLEEP)
		return episode->kind == EPISODE_BUSY;
	if (episode->began_before && (episode->still_open || !main_thread))
		return false;
	return run->usual_sleep_ns * 2 < episode->end_ns - episode->start_ns;
}

static unsigned int rank(const struct busy_thread *episode)
{
	return (episode->began_with_it ? 4u : 0u) +
	       (episode->thread->tid == episode->thread->tgid ? 2u : 0u) +
	       (episode->kind == EPISODE_BUSY ? 1u : 0u);
}

static bool is_better(const struct busy_thread *episode, const struct busy_thread *than)
{
	if (than->kind == EPISODE_NONE || rank(episode) != rank(than))
		return than->kind == EPISODE_NONE || rank(episode) > rank(than);
	return episode->state_ns[THREAD_RUNNING] > than->state_ns[THREAD_RUNNING];
}

static int choose_thread(const struct watch *watch, struct busy_thread *ret_best)
{
	const struct threads *threads = source_threads(watch->observations->source);
	struct busy_thread best = { .kind = EPISODE_NONE };
	uint32_t count = 0;
	struct run run;

	for (size_t i = 0; i < threads_count(threads); i++) {
		struct thread *thread = threads_at(threads, i);

		if (!target_counts(watch->observations->target, thread))
			continue;
		if (read_thread(watch, thread, &run))
			return -ENOMEM;
		if (!is_unusual(watch, &run))
			continue;
		count++;
		if (is_better(&run.fits, &best))
			best = run.fits;
	}
	best.others = count ? count - 1 : 0;
	*ret_best = best;
	return 0;
}

int busy_thread_find(const struct observations *observations, const struct trigger_window *window,
		     struct busy_thread *ret_episode)
{
	struct watch watch = { .observations = observations, .window = window };
	struct watch wider = { .observations = observations, .window = window, .anywhere = true };
	struct busy_thread episode = { .kind = EPISODE_NONE };
	int r = choose_thread(&watch, &episode);

	if (!r && episode.kind == EPISODE_NONE && !window->since_said && !window->probed) {
		r = choose_thread(&wider, &episode);
		episode.earlier = true;
	}
	if (!r && episode.kind == EPISODE_BUSY)
		r = cpu_profile_read(observations->history, source_stacks(observations->source),
				    episode.thread, episode.start_ns, episode.end_ns,
				    &episode.profile);
	if (!r)
		*ret_episode = episode;
	return r;
}
