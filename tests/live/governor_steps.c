/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The governor on the running kernel: a storm of switches makes it step down
 * within a second or so, stacks of those who are blocked then come from /proc,
 * and when it is over it steps up again.
 */
#include "config.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "recorder/base/clock.h"
#include "recorder/arm/governor_thread.h"
#include "tests/live/kernel.h"

#define EVENTS_MOST \
	60000 /* a second: less than a storm, more than a host with some other work makes */
#define DEADLINE_NS 180000000000ull
#define NAPPER	    "ft-napper"

struct seen {
	pthread_mutex_t mutex;
	uint64_t lazy_ns, full_ns; /* when the note came; 0: not yet */
	unsigned int stacks; /* of the napper */
};

static void emit(void *context, const struct ft_event *event)
{
	struct seen *seen = context;
	pthread_mutex_lock(&seen->mutex);
	if (event->kind == FT_EVENT_NOTE) {
		printf("%s\n", event->note.text);
		if (!strncmp(event->note.text, "governor: lazy", 14) && !seen->lazy_ns)
			seen->lazy_ns = event->time_ns;
		if (!strncmp(event->note.text, "governor: full", 14))
			seen->full_ns = event->time_ns;
	} else if (event->kind == FT_EVENT_STATE && !strcmp(event->task->comm, NAPPER)) {
		seen->stacks += event->stack != NULL;
	}
	pthread_mutex_unlock(&seen->mutex);
}

/* Sleeps of 300 ms, one after the other. */
static pid_t start_napper(void)
{
	pid_t pid = fork();
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, NAPPER);
	for (;;)
		poll(NULL, 0, 300);
}

/* Until @what is there; false at the deadline. */
static bool await(struct seen *seen, bool (*what)(const struct seen *seen))
{
	uint64_t deadline_ns = clock_now_ns() + DEADLINE_NS;
	bool there = false;
	while (!there && clock_now_ns() < deadline_ns) {
		clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){ .tv_nsec = 10000000 },
				NULL);
		pthread_mutex_lock(&seen->mutex);
		there = what(seen);
		pthread_mutex_unlock(&seen->mutex);
	}
	return there;
}

static bool is_lazy(const struct seen *seen)
{
	return seen->lazy_ns;
}

static bool has_stacks(const struct seen *seen)
{
	return seen->stacks >= 2;
}

static bool is_full_again(const struct seen *seen)
{
	return seen->full_ns;
}

static int run(struct seen *seen, struct governor_thread *watch)
{
	struct governor_thread_status status;
	pid_t napper = start_napper();
	pid_t storm = kernel_start_pair(-1, "ft-storm");
	uint64_t storm_ns = clock_now_ns();

	bool lazy = await(seen, is_lazy);
	kernel_kill(storm);
	uint64_t over_ns = clock_now_ns();
	/* It may have gone down to timing alone; it comes back by way of lazy stacks. */
	bool stacks = lazy && await(seen, has_stacks);
	bool full = lazy && await(seen, is_full_again);
	kernel_kill(napper);
	governor_thread_status(watch, &status);
	printf("lazy after %.2f s of the storm; %llu stacks read, %llu kept, %llu changed; full "
	       "again %.1f s after it\n",
	       (double)(seen->lazy_ns - storm_ns) / 1e9, (unsigned long long)status.deferred.read,
	       (unsigned long long)status.deferred.kept, (unsigned long long)status.deferred.changed,
	       (double)(seen->full_ns - over_ns) / 1e9);
	if (!lazy)
		return kernel_failed("the storm did not make it step down", 0);
	if (!stacks)
		return kernel_failed("no stacks were read of a thread that slept for long", 0);
	if (!full)
		return kernel_failed("it did not step up again: is this host never quiet?", 0);
	if (seen->full_ns - over_ns < 9000000000ull)
		return kernel_failed("it stepped up before ten calm seconds", 0);
	return 0;
}

static int record(struct kernel *kernel, struct blocked_threads *sleepers, struct kallsyms *kallsyms)
{
	const struct governor_options governor = { .max_events = EVENTS_MOST,
						   .cpus = (uint32_t)kernel->counters->cpu_count };
	struct seen seen = { .mutex = PTHREAD_MUTEX_INITIALIZER };
	struct target target = { .count = 0 };
	struct governor_thread *watch;
	int realtime_error, lock_error;
	struct governor_thread_options options = { .counters = kernel->counters,
					 .drain = kernel->drain,
					 .blocked = sleepers,
					 .target = &target,
					 .kallsyms = kallsyms,
					 .governor = &governor,
					 .emit = emit,
					 .context = &seen };
	drain_keep_blocked_threads(kernel->drain, sleepers);
	if (governor_thread_create(&options, &watch) ||
	    drain_start(kernel->drain, &realtime_error, &lock_error))
		return kernel_failed("no thread", 0);
	perf_events_enable(kernel->counters);
	if (governor_thread_start(watch))
		return kernel_failed("no thread", 0);
	int status = run(&seen, watch);
	governor_thread_stop(watch);
	perf_events_disable(kernel->counters);
	drain_stop(kernel->drain, clock_now_ns());
	governor_thread_destroy(watch);
	return status;
}

static int steps(struct kernel *kernel)
{
	struct blocked_threads *sleepers;
	struct kallsyms *kallsyms;
	if (kallsyms_read("/proc/kallsyms", &kallsyms) || blocked_threads_create(4096, &sleepers))
		return kernel_failed("no memory", 0);
	int status = record(kernel, sleepers, kallsyms);
	blocked_threads_destroy(sleepers);
	kallsyms_free(kallsyms);
	return status;
}

int main(void)
{
	return kernel_test(64, steps);
}
