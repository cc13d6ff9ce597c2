/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The governor on the running kernel: a storm of switches makes it step down
 * within a second or so, stacks of those who are blocked then come from /proc,
 * and when it is over it steps up again.
 */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "recorder/clock.h"
#include "recorder/watch.h"

#define SKIPPED	   77
#define RING_BYTES (8u << 20)
#define SLOT_BYTES (64u << 10)
#define EVENTS_MOST \
	60000 /* a second: less than a storm, more than a host with some other work makes */
#define DEADLINE_NS 180000000000ull
#define NAPPER	    "ft-napper"

struct seen {
	pthread_mutex_t mutex;
	uint64_t lazy_ns, full_ns; /* when the note came; 0: not yet */
	unsigned int stacks; /* of the napper */
};

static int failed(const char *what)
{
	fprintf(stderr, "FAIL: %s\n", what);
	return 1;
}

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

/* Two processes that wake each other over pipes until killed. */
static pid_t start_storm(void)
{
	pid_t pid = fork();
	if (pid)
		return pid;
	int there[2], back[2];
	char byte = 0;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (pipe(there) < 0 || pipe(back) < 0)
		_exit(1);
	bool child = !fork();
	if (child)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (child ? read(there[0], &byte, 1) == 1 && write(back[1], &byte, 1) == 1
		     : write(there[1], &byte, 1) == 1 && read(back[0], &byte, 1) == 1)
		;
	_exit(1);
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

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
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

static int run(struct seen *seen, struct watch *watch)
{
	struct watch_status status;
	pid_t napper = start_napper();
	pid_t storm = start_storm();
	uint64_t storm_ns = clock_now_ns();

	bool lazy = await(seen, is_lazy);
	end(storm);
	uint64_t over_ns = clock_now_ns();
	/* It may have gone down to timing alone; it comes back by way of lazy stacks. */
	bool stacks = lazy && await(seen, has_stacks);
	bool full = lazy && await(seen, is_full_again);
	end(napper);
	watch_status(watch, &status);
	printf("lazy after %.2f s of the storm; %llu stacks read, %llu kept, %llu changed; full "
	       "again %.1f s after it\n",
	       (double)(seen->lazy_ns - storm_ns) / 1e9, (unsigned long long)status.lazy.read,
	       (unsigned long long)status.lazy.kept, (unsigned long long)status.lazy.changed,
	       (double)(seen->full_ns - over_ns) / 1e9);
	if (!lazy)
		return failed("the storm did not make it step down");
	if (!stacks)
		return failed("no stacks were read of a thread that slept for long");
	if (!full)
		return failed("it did not step up again: is this host never quiet?");
	if (seen->full_ns - over_ns < 9000000000ull)
		return failed("it stepped up before ten calm seconds");
	return 0;
}

static int record(const struct plan *plan, struct counters *counters)
{
	const struct governor_options governor = { .max_events = EVENTS_MOST,
						   .cpus = (uint32_t)counters->cpu_count,
						   .knows_locks = true };
	struct seen seen = { .mutex = PTHREAD_MUTEX_INITIALIZER };
	struct target target = { .count = 0 };
	struct sleepers *sleepers;
	struct kallsyms *kallsyms;
	struct tasks *tasks;
	struct slots *slots;
	struct dumps *dumps;
	struct drain *drain;
	struct watch *watch;
	int realtime_error, lock_error;
	if (kallsyms_read("/proc/kallsyms", &kallsyms) || tasks_create(4096, &tasks) ||
	    sleepers_create(4096, &sleepers) || slots_create(SLOT_BYTES, 64, &slots) ||
	    dumps_create(&dumps) || drain_create(plan, counters, tasks, slots, dumps, &drain))
		return failed("no memory");
	struct watch_options options = { .counters = counters,
					 .drain = drain,
					 .sleepers = sleepers,
					 .target = &target,
					 .kallsyms = kallsyms,
					 .governor = &governor,
					 .emit = emit,
					 .context = &seen };
	drain_keep_sleepers(drain, sleepers);
	if (watch_create(&options, &watch) || drain_start(drain, &realtime_error, &lock_error))
		return failed("no thread");
	counters_enable(counters);
	if (watch_start(watch))
		return failed("no thread");
	int status = run(&seen, watch);
	watch_stop(watch);
	counters_disable(counters);
	drain_stop(drain, clock_now_ns());
	watch_destroy(watch);
	drain_destroy(drain);
	dumps_destroy(dumps);
	slots_destroy(slots);
	sleepers_destroy(sleepers);
	tasks_destroy(tasks);
	kallsyms_free(kallsyms);
	return status;
}

int main(void)
{
	struct tracefs tracefs;
	struct plan *plan;
	struct plan_error plan_error;
	struct counters *counters;
	struct counters_failure failure;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (geteuid()) {
		puts("SKIP: recording needs root");
		return SKIPPED;
	}
	int error = tracefs_open(&tracefs);
	if (!error)
		error = plan_create(&TIERS[0], &tracefs, RING_BYTES / 4, &plan, &plan_error);
	if (!error)
		error = counters_open(plan, RING_BYTES, &counters, &failure);
	if (error) {
		printf("SKIP: this kernel does not let us record: %s\n", strerror(-error));
		return SKIPPED;
	}
	int status = record(plan, counters);
	counters_close(counters);
	plan_destroy(plan);
	tracefs_close(&tracefs);
	return status;
}
