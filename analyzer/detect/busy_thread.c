/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/detect/busy_thread.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/locks/replay.h"

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
	struct stack_infos *stackfacts;
	struct target *target;
	const struct trigger_window *window;
	bool anywhere; /* in the time that the trigger is about, rather than all the while before it */
	struct run *runs; /* by thread->index */
	size_t count;
};

static struct run *run_of(struct watch *watch, struct thread *thread)
{
	size_t count = watch->count ? watch->count : 64;
	struct run *runs;

	if (thread->index >= watch->count) {
		while (count <= thread->index)
			count *= 2;
		runs = reallocarray(watch->runs, count, sizeof(*runs));
		if (!runs)
			return NULL;
		memset(runs + watch->count, 0, (count - watch->count) * sizeof(*runs));
		watch->runs = runs;
		watch->count = count;
	}
	watch->runs[thread->index].thread = thread;
	return &watch->runs[thread->index];
}

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

static void fits(const struct watch *watch, struct run *run, enum busy_thread_kind kind)
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

static void run_end(const struct watch *watch, struct run *run)
{
	const struct busy_thread *now = &run->now;

	if (run->open && was_busy(now) && run_fits(watch, run, now->start_ns, now->end_ns))
		fits(watch, run, EPISODE_BUSY);
	run->open = false;
}

static void run_extend(struct run *run, const struct interval *interval)
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

static void slept(const struct watch *watch, struct run *run, const struct interval *interval,
		  enum wait_class class)
{
	uint64_t length_ns = interval->end_ns - interval->start_ns;

	if (!run_fits(watch, run, interval->start_ns, interval->end_ns)) {
		if (length_ns > run->usual_sleep_ns)
			run->usual_sleep_ns = length_ns;
		return;
	}
	run_extend(run, interval);
	run->now.class = class;
	run->now.stack_id = interval->stack_id;
	fits(watch, run, EPISODE_ASLEEP);
	run->open = false;
}

/* Whether a thread that runs may be said to go on, although it did not in @interval. */
static bool is_pause(const struct interval *interval, enum wait_class class)
{
	return interval->end_ns - interval->start_ns < PAUSE_NS &&
	       (interval->state == THREAD_UNKNOWN || class == WAIT_UNKNOWN ||
		!wait_class_idle(class));
}

static int watch_closed(void *context, const struct interval *interval)
{
	bool runs = interval->state == THREAD_RUNNING || interval->state == THREAD_RUNNABLE;
	enum wait_class class = WAIT_UNKNOWN;
	struct watch *watch = context;
	const struct stack_info *fact;
	struct run *run;

	if (!target_counts(watch->target, interval->thread))
		return 0;
	run = run_of(watch, interval->thread);
	if (!run)
		return -ENOMEM;
	if (interval->state == THREAD_BLOCKED) {
		fact = stack_infos_get(watch->stackfacts, interval->stack_id);
		if (!fact)
			return -ENOMEM;
		class = stack_info_reason(fact, interval->prev_state)->class;
	}
	if (runs || (run->open && is_pause(interval, class))) {
		run_extend(run, interval);
		return 0;
	}
	run_end(watch, run);
	run->asked += class == WAIT_POLL || class == WAIT_NET_SOCKET || class == WAIT_IPC_PIPE;
	if (is_sleep(class))
		slept(watch, run, interval, class);
	return 0;
}

/* What the thread is used to does not explain why somebody waited now. */
static bool unusual(const struct watch *watch, const struct run *run)
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

static bool better(const struct busy_thread *episode, const struct busy_thread *than)
{
	if (than->kind == EPISODE_NONE || rank(episode) != rank(than))
		return than->kind == EPISODE_NONE || rank(episode) > rank(than);
	return episode->state_ns[THREAD_RUNNING] > than->state_ns[THREAD_RUNNING];
}

static struct busy_thread choose(struct watch *watch)
{
	struct busy_thread best = { .kind = EPISODE_NONE };
	uint32_t count = 0;

	for (size_t i = 0; i < watch->count; i++) {
		struct run *run = &watch->runs[i];

		if (!run->thread)
			continue;
		run_end(watch, run);
		if (!unusual(watch, run))
			continue;
		count++;
		if (better(&run->fits, &best))
			best = run->fits;
	}
	best.others = count ? count - 1 : 0;
	return best;
}

static int watch_profile(void *context, const struct event *event)
{
	return cpu_profiler_event(context, event);
}

static int read_profile(struct source *source, struct stack_infos *stackfacts,
			struct busy_thread *episode)
{
	struct cpu_profiler *profiler = NULL;
	int r;

	r = cpu_profiler_create(source_stacks(source), episode->thread, episode->start_ns,
				episode->end_ns, &profiler);
	if (!r)
		r = replay_over(source, stackfacts,
				&(struct replay_watcher){ .event = watch_profile,
							  .context = profiler });
	if (!r)
		r = cpu_profiler_tell(profiler, &episode->profile);
	cpu_profiler_destroy(profiler);
	return r;
}

static int find(struct watch *watch, struct source *source, struct busy_thread *ret_episode)
{
	int r = replay_over(source, watch->stackfacts,
			    &(struct replay_watcher){ .closed = watch_closed, .context = watch });

	if (!r)
		*ret_episode = choose(watch);
	free(watch->runs);
	return r;
}

int busy_thread_find(struct source *source, struct stack_infos *stackfacts, struct target *target,
		     const struct trigger_window *window, struct busy_thread *ret_episode)
{
	struct watch watch = { .stackfacts = stackfacts, .target = target, .window = window };
	struct watch wider = watch;
	struct busy_thread episode = { .kind = EPISODE_NONE };
	int r;

	r = find(&watch, source, &episode);
	wider.anywhere = true;
	if (!r && episode.kind == EPISODE_NONE && !window->since_said && !window->probed) {
		r = find(&wider, source, &episode);
		episode.earlier = true;
	}
	if (!r && episode.kind == EPISODE_BUSY)
		r = read_profile(source, stackfacts, &episode);
	if (!r)
		*ret_episode = episode;
	return r;
}
