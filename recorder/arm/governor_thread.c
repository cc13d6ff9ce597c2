/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/arm/governor_thread.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "recorder/base/clock.h"

#define LOOK_NS	      50000000 /* as often as the drain looks at its rings */
#define LOOK_QUIET_NS 2000000000 /* while the drain has next to nothing to do */
#define QUIET_PERCENT 25 /* of the governor's budget */
#define BLOCKED_NS    190000000
#define LOCK_WAIT_NS  10000000 /* for so long, and the waker's stack will matter */
#define LOCK_STALE_NS \
	600000000000u /* by then it is for ever, or its end was left out of the events */

struct governor_thread {
	struct governor_thread_options options;
	struct target target; /* whose the thread is looking for */
	struct governor governor;
	struct deferred_stacks *lazy;
	struct blocked_trigger blocked;
	uint64_t blocked_ns; /* of the last look for --blocked */
	pthread_t thread;
	pthread_mutex_t mutex; /* of what follows */
	struct target next_target;
	struct governor_thread_status status;
	_Atomic bool stop;
};

int governor_thread_create(const struct governor_thread_options *options,
			   struct governor_thread **ret_watch)
{
	struct governor_thread *watch = calloc(1, sizeof(*watch));
	if (!watch)
		return -ENOMEM;
	const struct deferred_stacks_options lazy = {
		.sleepers = options->sleepers,
		.target = &watch->target,
		.kallsyms = options->kallsyms,
		.threshold_ns = options->lazy_ns,
		.emit = options->emit,
		.context = options->context,
	};
	watch->options = *options;
	watch->target = watch->next_target = *options->target;
	pthread_mutex_init(&watch->mutex, NULL);
	watch->blocked = (struct blocked_trigger){
		.sleepers = options->sleepers,
		.target = &watch->target,
		.triggers = options->triggers,
		.threads = options->blocked_threads,
		.for_ns = options->blocked_ns,
	};
	if (deferred_stacks_create(&lazy, &watch->lazy)) {
		governor_thread_destroy(watch);
		return -ENOMEM;
	}
	*ret_watch = watch;
	return 0;
}

void governor_thread_destroy(struct governor_thread *watch)
{
	if (!watch)
		return;
	deferred_stacks_destroy(watch->lazy);
	pthread_mutex_destroy(&watch->mutex);
	free(watch);
}

static bool somebody_waits_for_a_lock(const struct blocked_threads *sleepers, uint64_t drained_ns)
{
	size_t places = blocked_threads_lock_waits(sleepers) ? blocked_threads_count(sleepers) : 0;
	struct blocked_thread sleeper;

	for (size_t place = 0; place < places; place++)
		if (blocked_threads_at(sleepers, place, &sleeper) && sleeper.in_lock &&
		    sleeper.since_ns && sleeper.since_ns + LOCK_WAIT_NS <= drained_ns &&
		    sleeper.since_ns + LOCK_STALE_NS > drained_ns)
			return true;
	return false;
}

static struct governor_counts count(const struct governor_thread *watch)
{
	const struct drain_counts *drained = drain_counts(watch->options.drain);
	return (struct governor_counts){
		.time_ns = clock_now_ns(),
		.blocking = drained->blocking,
		.uninterruptible = drained->uninterruptible,
		.wakings = drained->wakings,
		.events = drained->events,
		.cpu_ns = clock_own_cpu_ns(),
		.lock_wait =
			somebody_waits_for_a_lock(watch->options.sleepers, drained->drained_ns),
	};
}

static void note(struct governor_thread *watch, enum governor_step before)
{
	char text[FT_TEXT_BYTES_MAX];
	const struct ft_event event = { .kind = FT_EVENT_NOTE,
					.cpu = FT_NO_CPU,
					.time_ns = clock_now_ns(),
					.task = &ft_nobody,
					.note.text = text };

	governor_note(&watch->governor, before, text, sizeof(text));
	pthread_mutex_lock(&watch->mutex);
	memcpy(watch->status.note, text, sizeof(text));
	watch->status.note_ns = event.time_ns;
	pthread_mutex_unlock(&watch->mutex);
	watch->options.emit(watch->options.context, &event);
}

static void govern(struct governor_thread *watch)
{
	enum governor_step before = watch->governor.step;
	struct governor_counts now = count(watch);

	bool changed = governor_feed(&watch->governor, &now);
	enum tier_mode mode = governor_mode(&watch->governor);
	/* Where the kernel refuses, which none is known to, the next look tries again. */
	if (mode != watch->options.counters->mode)
		perf_events_set_mode(watch->options.counters, mode);
	if (changed)
		note(watch, before);
}

static void look(struct governor_thread *watch)
{
	uint64_t drained_ns = drain_counts(watch->options.drain)->drained_ns;
	bool governed = watch->options.governor;

	pthread_mutex_lock(&watch->mutex);
	watch->target = watch->next_target;
	pthread_mutex_unlock(&watch->mutex);
	if (watch->options.hotplug)
		hotplug_look(watch->options.hotplug);
	if (governed)
		govern(watch);
	if (governed && watch->governor.step == GOVERNOR_LAZY)
		deferred_stacks_look(watch->lazy, drained_ns);
	/* --blocked is for seconds: so often is enough. */
	if (watch->options.blocked_threads && clock_now_ns() - watch->blocked_ns >= BLOCKED_NS) {
		watch->blocked_ns = clock_now_ns();
		blocked_trigger_look(&watch->blocked, drained_ns);
	}
	pthread_mutex_lock(&watch->mutex);
	if (watch->status.step != watch->governor.step || !watch->status.step_since_ns) {
		watch->status.steps_taken += watch->status.step != watch->governor.step;
		watch->status.step_since_ns = clock_now_ns();
	}
	watch->status.step = watch->governor.step;
	watch->status.percent = watch->governor.percent;
	watch->status.events_a_second = watch->governor.events_a_second;
	watch->status.cpu_permille = watch->governor.cpu_permille;
	deferred_stacks_status(watch->lazy, &watch->status.lazy);
	pthread_mutex_unlock(&watch->mutex);
}

/* The governor's load is next to nothing, and whoever may become interesting wakes us. */
static bool may_sleep_on(const struct governor_thread *watch)
{
	const struct governor *governor = &watch->governor;
	return governor->step == GOVERNOR_FULL && governor->percent < QUIET_PERCENT;
}

static void wait(struct governor_thread *watch, uint64_t looked_ns)
{
	uint64_t quiet_ns = watch->options.blocked_threads ? BLOCKED_NS : LOOK_QUIET_NS;
	const struct timespec least = clock_timespec(looked_ns + LOOK_NS);

	if (may_sleep_on(watch))
		drain_wait_for_stir(watch->options.drain, looked_ns + quiet_ns);
	if (!watch->stop)
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &least, NULL);
}

static void *run(void *context)
{
	struct governor_thread *watch = context;
	pthread_setname_np(pthread_self(), "ft-watch");
	while (!watch->stop) {
		uint64_t looked_ns = clock_now_ns();
		look(watch);
		wait(watch, looked_ns);
	}
	return NULL;
}

int governor_thread_start(struct governor_thread *watch)
{
	struct governor_counts now = count(watch);
	if (watch->options.governor)
		governor_init(&watch->governor, watch->options.governor, &now);
	watch->stop = false;
	return -pthread_create(&watch->thread, NULL, run, watch);
}

void governor_thread_stop(struct governor_thread *watch)
{
	watch->stop = true;
	drain_stir(watch->options.drain);
	pthread_join(watch->thread, NULL);
}

void governor_thread_status(struct governor_thread *watch,
			    struct governor_thread_status *ret_status)
{
	pthread_mutex_lock(&watch->mutex);
	*ret_status = watch->status;
	pthread_mutex_unlock(&watch->mutex);
}

void governor_thread_set_target(struct governor_thread *watch, const struct target *target)
{
	pthread_mutex_lock(&watch->mutex);
	watch->next_target = *target;
	pthread_mutex_unlock(&watch->mutex);
}
