/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The governor on the running kernel: a storm of switches makes it step down
 * within a second or so, stacks of those who are blocked then come from /proc,
 * and when it is over it steps up again.
 *
 * How many events a storm makes differs between hosts by a factor of ten: the
 * budget is a part of what it makes here, measured first, by the same counters.
 */
#include "config.h"

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "recorder/arm/governor_thread.h"
#include "recorder/base/clock.h"
#include "tests/live/kernel.h"

/*
 * The budget, in percent of the storm's events. Those without a stack count half, so that the
 * storm takes 200 to 300 % of it: the next one is enough if it is half as fast.
 */
#define BUDGET_PERCENT 33
/* What the host may make without it, in percent of the budget: with 70 there is no step up. */
#define ORDINARY_PERCENT 40
#define MEASURE_NS	 1000000000ull
#define LOOK_NS		 100000000ull
#define CALM_NS		 30000000000ull /* two steps up, of ten calm seconds each, and some */
#define QUIET_NS	 60000000000ull /* a quieter host is waited for so long */
#define DEADLINE_NS	 180000000000ull
#define NAPPER		 "ft-napper"
#define STORM		 "ft-storm"

struct seen {
	pthread_mutex_t mutex;
	uint64_t lazy_ns, full_ns; /* when the note came; 0: not yet */
	unsigned int stacks; /* of the napper */
};

static void emit_event(void *context, const struct ft_event *event)
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
static bool await_seen(struct seen *seen, bool (*what)(const struct seen *seen))
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

/* Return: events a second that the drain takes from the kernel's rings, in @for_ns. */
static uint64_t measure_events(const struct kernel *kernel, uint64_t for_ns)
{
	const struct drain_counts *counts = drain_counts(kernel->drain);
	uint64_t events = counts->events, since_ns = clock_now_ns(), took_ns;
	do {
		clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){ .tv_nsec = LOOK_NS }, NULL);
		took_ns = clock_now_ns() - since_ns;
	} while (took_ns < for_ns);
	return (counts->events - events) * 1000 / (took_ns / 1000000);
}

/* On one CPU, as to wake another one is slow on some hosts: this one, where we may be. */
static pid_t start_storm(void)
{
	return kernel_start_pair(sched_getcpu(), STORM);
}

static bool is_ordinary(uint64_t events, uint64_t budget)
{
	return events <= budget * ORDINARY_PERCENT / 100;
}

/**
 * choose_budget() - how many events a second the governor may take.
 *
 * Return: 0, or the test's exit status: this host lets no storm stand out.
 */
static int choose_budget(const struct kernel *kernel, uint64_t *ret_budget)
{
	uint64_t deadline_ns = clock_now_ns() + QUIET_NS, ordinary, storm;
	do {
		ordinary = measure_events(kernel, MEASURE_NS);
		pid_t pid = start_storm();
		storm = measure_events(kernel, MEASURE_NS);
		bool ended = waitpid(pid, NULL, WNOHANG) != 0;
		kernel_kill(pid);
		if (ended)
			return kernel_failed("the storm ended by itself", 0);
		*ret_budget = storm * BUDGET_PERCENT / 100;
		printf("events a second: %llu without the storm, %llu with it; the budget is "
		       "%llu\n",
		       (unsigned long long)ordinary, (unsigned long long)storm,
		       (unsigned long long)*ret_budget);
		if (is_ordinary(ordinary, *ret_budget))
			return 0;
	} while (clock_now_ns() < deadline_ns);
	return kernel_skipped("others on this host make as many events as a storm of switches");
}

/*
 * Until it has stepped up, or the host has been calm for so long that it must have.
 * Return: false if the host was not, up to the deadline.
 */
static bool await_full(const struct kernel *kernel, struct seen *seen, uint64_t budget)
{
	uint64_t now_ns = clock_now_ns(), deadline_ns = now_ns + DEADLINE_NS, calm_ns = now_ns;
	bool full = false;
	while (!full && now_ns - calm_ns < CALM_NS && now_ns < deadline_ns) {
		bool calm = is_ordinary(measure_events(kernel, LOOK_NS), budget);
		now_ns = clock_now_ns();
		calm_ns = calm ? calm_ns : now_ns;
		pthread_mutex_lock(&seen->mutex);
		full = is_full_again(seen);
		pthread_mutex_unlock(&seen->mutex);
	}
	return full || now_ns - calm_ns >= CALM_NS;
}

static int judge_steps(const struct seen *seen, const struct governor_thread_status *status,
		       uint64_t storm_ns, uint64_t over_ns)
{
	if (!seen->lazy_ns)
		return kernel_failed("the storm did not make it step down", 0);
	printf("lazy after %.2f s of the storm; %llu stacks read, %llu kept, %llu changed\n",
	       (double)(seen->lazy_ns - storm_ns) / 1e9, (unsigned long long)status->deferred.read,
	       (unsigned long long)status->deferred.kept,
	       (unsigned long long)status->deferred.changed);
	if (!has_stacks(seen))
		return kernel_failed("no stacks were read of a thread that slept for long", 0);
	if (!seen->full_ns)
		return kernel_failed("it did not step up again in 30 calm seconds", 0);
	printf("full again %.1f s after it\n", (double)(seen->full_ns - over_ns) / 1e9);
	if (seen->full_ns - over_ns < 9000000000ull)
		return kernel_failed("it stepped up before ten calm seconds", 0);
	return 0;
}

static int run_storm(const struct kernel *kernel, struct seen *seen, struct governor_thread *watch,
		     uint64_t budget)
{
	struct governor_thread_status status;
	pid_t napper = start_napper();
	pid_t storm = start_storm();
	uint64_t storm_ns = clock_now_ns();

	bool lazy = await_seen(seen, is_lazy);
	kernel_kill(storm);
	uint64_t over_ns = clock_now_ns();
	/* It may have gone down to timing alone; it comes back by way of lazy stacks. */
	bool calm = !lazy || await_full(kernel, seen, budget);
	kernel_kill(napper);
	if (!calm)
		return kernel_skipped("others on this host make too many events, again and again");
	governor_thread_status(watch, &status);
	pthread_mutex_lock(&seen->mutex);
	int result = judge_steps(seen, &status, storm_ns, over_ns);
	pthread_mutex_unlock(&seen->mutex);
	return result;
}

/* While @kernel records. */
static int govern_recording(struct kernel *kernel, const struct blocked_threads *sleepers,
			    const struct kallsyms *kallsyms)
{
	struct governor_options governor = { .cpus = (uint32_t)kernel->counters->cpu_count };
	struct seen seen = { .mutex = PTHREAD_MUTEX_INITIALIZER };
	struct target target = { .count = 0 };
	struct governor_thread *watch;
	struct governor_thread_options options = { .counters = kernel->counters,
						   .drain = kernel->drain,
						   .blocked = sleepers,
						   .target = &target,
						   .kallsyms = kallsyms,
						   .governor = &governor,
						   .emit = emit_event,
						   .context = &seen };
	int status = choose_budget(kernel, &governor.max_events);
	if (status)
		return status;
	if (governor_thread_create(&options, &watch))
		return kernel_failed("no memory", 0);
	if (governor_thread_start(watch)) {
		status = kernel_failed("no thread", 0);
	} else {
		status = run_storm(kernel, &seen, watch, governor.max_events);
		governor_thread_stop(watch);
	}
	governor_thread_destroy(watch);
	return status;
}

static int record_host(struct kernel *kernel, struct blocked_threads *sleepers,
		       struct kallsyms *kallsyms)
{
	int realtime_error, lock_error;
	drain_keep_blocked_threads(kernel->drain, sleepers);
	if (drain_start(kernel->drain, &realtime_error, &lock_error))
		return kernel_failed("no thread", 0);
	perf_events_enable(kernel->counters);
	int status = govern_recording(kernel, sleepers, kallsyms);
	perf_events_disable(kernel->counters);
	drain_stop(kernel->drain, clock_now_ns());
	return status;
}

static int test_steps(struct kernel *kernel)
{
	struct blocked_threads *sleepers;
	struct kallsyms *kallsyms;
	if (kallsyms_read("/proc/kallsyms", &kallsyms) || blocked_threads_create(4096, &sleepers))
		return kernel_failed("no memory", 0);
	int status = record_host(kernel, sleepers, kallsyms);
	blocked_threads_destroy(sleepers);
	kallsyms_free(kallsyms);
	return status;
}

int main(void)
{
	return kernel_test(64, test_steps);
}
