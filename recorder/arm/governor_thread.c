/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/arm/governor_thread.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "recorder/base/clock.h"
#include "recorder/record/watched_wakings.h"

#define LOOK_NS	      50000000 /* as often as the drain empties its rings */
#define LOOK_QUIET_NS 2000000000 /* on a quiet host */
#define LOOK_READ_NS  300000000 /* there, when stacks were read: the drain takes so long */
#define QUIET_PERCENT 25 /* of the budget: below it the thread may sleep longer */
#define BLOCKED_NS    190000000

struct governor_thread {
	struct governor_thread_options options;
	struct target target; /* as the thread uses it */
	struct governor governor;
	struct deferred_stacks *deferred;
	struct watched_wakings *watched; /* NULL: none are */
	struct blocked_trigger blocked_trigger;
	uint64_t read_ns; /* time of the last look for stacks to read */
	uint64_t blocked_ns; /* time of the last check for --blocked */
	pthread_t pthread;
	pthread_mutex_t mutex; /* protects the members below */
	struct target next_target;
	struct governor_thread_status status;
	_Atomic bool stop;
};

int governor_thread_create(const struct governor_thread_options *options,
			   struct governor_thread **ret_thread)
{
	struct governor_thread *thread = calloc(1, sizeof(*thread));
	if (!thread)
		return -ENOMEM;
	const struct deferred_stacks_options deferred = {
		.blocked = options->blocked,
		.target = &thread->target,
		.kallsyms = options->kallsyms,
		.threshold_ns = options->deferred_after_ns,
		.emit = options->emit,
		.context = options->context,
	};
	thread->options = *options;
	thread->target = thread->next_target = *options->target;
	pthread_mutex_init(&thread->mutex, NULL);
	thread->blocked_trigger = (struct blocked_trigger){
		.blocked = options->blocked,
		.target = &thread->target,
		.triggers = options->triggers,
		.threads = options->blocked_threads,
		.for_ns = options->blocked_ns,
	};
	if (deferred_stacks_create(&deferred, &thread->deferred) ||
	    (options->plan && watched_wakings_create(options->plan, options->counters,
						     options->blocked, &thread->watched))) {
		governor_thread_destroy(thread);
		return -ENOMEM;
	}
	*ret_thread = thread;
	return 0;
}

void governor_thread_destroy(struct governor_thread *thread)
{
	if (!thread)
		return;
	watched_wakings_destroy(thread->watched);
	deferred_stacks_destroy(thread->deferred);
	pthread_mutex_destroy(&thread->mutex);
	free(thread);
}

static struct governor_counts read_counts(const struct governor_thread *thread)
{
	const struct drain_counts *drained = drain_counts(thread->options.drain);
	return (struct governor_counts){
		.time_ns = clock_now_ns(),
		.blocking = drained->blocking,
		.uninterruptible = drained->uninterruptible,
		.wakings = drained->wakings,
		.events = drained->events,
		.cpu_ns = clock_own_cpu_ns(),
	};
}

static void note_step(struct governor_thread *thread, enum governor_step before)
{
	char text[FT_TEXT_BYTES_MAX];
	const struct ft_event event = { .kind = FT_EVENT_NOTE,
					.cpu = FT_NO_CPU,
					.time_ns = clock_now_ns(),
					.task = &ft_nobody,
					.note.text = text };

	governor_note(&thread->governor, before, text, sizeof(text));
	thread->options.emit(thread->options.context, &event);
}

static void run_governor(struct governor_thread *thread)
{
	enum governor_step before = thread->governor.step;
	struct governor_counts now = read_counts(thread);

	bool changed = governor_feed(&thread->governor, &now);
	enum tier_mode mode = governor_mode(&thread->governor);

	thread->options.counters->eased = mode != governor_step_mode(thread->governor.step);
	/* No kernel is known to refuse. If one does, the next round tries again. */
	if (mode != thread->options.counters->mode)
		perf_events_set_mode(thread->options.counters, mode);
	if (changed)
		note_step(thread, before);
}

static bool reads_stacks(const struct governor_thread *thread)
{
	return thread->options.governor && (thread->governor.step == GOVERNOR_SAMPLED ||
					    thread->governor.step == GOVERNOR_DEFERRED);
}

/* Each reading costs as much as all else on a quiet host, where every thread sleeps for long. */
static void read_stacks(struct governor_thread *thread, uint64_t drained_ns)
{
	uint64_t now_ns = clock_now_ns();

	if (drain_counts(thread->options.drain)->quiet &&
	    now_ns - thread->read_ns < LOOK_QUIET_NS) {
		deferred_stacks_take(thread->deferred, drained_ns);
		return;
	}
	thread->read_ns = now_ns;
	deferred_stacks_look(thread->deferred, drained_ns);
}

static void check_once(struct governor_thread *thread)
{
	uint64_t drained_ns = drain_counts(thread->options.drain)->drained_ns;
	bool governed = thread->options.governor;

	pthread_mutex_lock(&thread->mutex);
	thread->target = thread->next_target;
	pthread_mutex_unlock(&thread->mutex);
	if (thread->options.hotplug)
		hotplug_look(thread->options.hotplug);
	if (governed)
		run_governor(thread);
	if (reads_stacks(thread))
		read_stacks(thread, drained_ns);
	if (governed && thread->watched)
		watched_wakings_look(thread->watched, clock_now_ns(), drained_ns,
				     thread->governor.step != GOVERNOR_TIMING);
	/* --blocked takes seconds, so this is often enough. */
	if (thread->options.blocked_threads && clock_now_ns() - thread->blocked_ns >= BLOCKED_NS) {
		thread->blocked_ns = clock_now_ns();
		blocked_trigger_look(&thread->blocked_trigger, drained_ns);
	}
	pthread_mutex_lock(&thread->mutex);
	if (thread->status.step != thread->governor.step || !thread->status.step_since_ns) {
		thread->status.steps_taken += thread->status.step != thread->governor.step;
		thread->status.step_since_ns = clock_now_ns();
	}
	thread->status.step = thread->governor.step;
	thread->status.watched = thread->watched ? watched_wakings_count(thread->watched) : 0;
	deferred_stacks_status(thread->deferred, &thread->status.deferred);
	pthread_mutex_unlock(&thread->mutex);
}

/* The load is low, and the drain wakes us when that may change. */
static bool may_sleep_on(const struct governor_thread *thread)
{
	const struct governor *governor = &thread->governor;
	return governor->step == governor->options.first && governor->percent < QUIET_PERCENT;
}

static void wait_for_next(struct governor_thread *thread, uint64_t looked_ns)
{
	uint64_t quiet_ns = thread->options.blocked_threads ? BLOCKED_NS : LOOK_QUIET_NS;
	const struct timespec least = clock_timespec(looked_ns + LOOK_NS);

	if (deferred_stacks_reading(thread->deferred) && quiet_ns > LOOK_READ_NS)
		quiet_ns = LOOK_READ_NS;
	if (may_sleep_on(thread))
		drain_wait_for_activity(thread->options.drain, looked_ns + quiet_ns);
	if (!thread->stop)
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &least, NULL);
}

static void *run_governor_thread(void *context)
{
	struct governor_thread *thread = context;
	pthread_setname_np(pthread_self(), "ft-watch");
	while (!thread->stop) {
		uint64_t looked_ns = clock_now_ns();
		check_once(thread);
		wait_for_next(thread, looked_ns);
	}
	return NULL;
}

int governor_thread_start(struct governor_thread *thread)
{
	struct governor_counts now = read_counts(thread);
	if (thread->options.governor)
		governor_init(&thread->governor, thread->options.governor, &now);
	thread->status.step = thread->governor.step;
	thread->stop = false;
	return -pthread_create(&thread->pthread, NULL, run_governor_thread, thread);
}

void governor_thread_stop(struct governor_thread *thread)
{
	thread->stop = true;
	drain_wake_waiter(thread->options.drain);
	pthread_join(thread->pthread, NULL);
}

void governor_thread_status(struct governor_thread *thread,
			    struct governor_thread_status *ret_status)
{
	pthread_mutex_lock(&thread->mutex);
	*ret_status = thread->status;
	pthread_mutex_unlock(&thread->mutex);
}

void governor_thread_set_target(struct governor_thread *thread, const struct target *target)
{
	pthread_mutex_lock(&thread->mutex);
	thread->next_target = *target;
	pthread_mutex_unlock(&thread->mutex);
}
