/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Going from one mode to another on the running kernel, under a storm of
 * switches: on each CPU the thread of every switch is the one that the switch
 * before it brought in, so that none is missing and none is there twice.
 * Looked at wherever the thread is one of this program's own.
 */
#include "config.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "recorder/base/clock.h"
#include "tests/live/kernel.h"

#define SLOTS	 1024
#define CHANGES	 300
#define PAUSE_NS 5000000
#define NAME	 "ft-pingpong"

/* What one CPU's events told. */
struct chain {
	int32_t running; /* of ours; 0: another, or not known */
	uint64_t switches, with_stack, wakings, wakings_with_stack, lost, broken;
};

static void look_at(void *context, const struct ft_event *event)
{
	struct chain *chain = (struct chain *)context + event->cpu;

	switch (event->kind) {
	case FT_EVENT_LOST:
		chain->lost += event->lost.records;
		chain->running = 0;
		break;
	case FT_EVENT_WAKING:
		chain->wakings++;
		chain->wakings_with_stack += event->stack != NULL;
		break;
	case FT_EVENT_SWITCH:
		chain->switches++;
		chain->with_stack += event->stack != NULL;
		if (chain->running && chain->running != event->task->tid)
			chain->broken++;
		/* Some kernels leave out what the idle task or a guarded process does: only ours count. */
		chain->running =
			strcmp(event->switch_.next->comm, NAME) ? 0 : event->switch_.next->tid;
		break;
	default:
		break;
	}
}

static int judge(const struct chain *chains, size_t cpus, const struct drain_counts *counts)
{
	int status = 0;
	for (size_t i = 0; i < cpus; i++) {
		const struct chain *chain = &chains[i];
		printf("CPU %zu: %llu switches (%llu with a stack), %llu wakings (%llu with a "
		       "stack), "
		       "%llu lost, %llu breaks\n",
		       i, (unsigned long long)chain->switches,
		       (unsigned long long)chain->with_stack, (unsigned long long)chain->wakings,
		       (unsigned long long)chain->wakings_with_stack,
		       (unsigned long long)chain->lost, (unsigned long long)chain->broken);
		if (chain->broken || chain->lost)
			status = kernel_failed("switches are missing, or there twice", EBADMSG);
		if (!chain->with_stack || chain->with_stack == chain->switches ||
		    !chain->wakings_with_stack || chain->wakings_with_stack == chain->wakings)
			status = kernel_failed("the modes did not change what was recorded", EBADMSG);
	}
	printf("%llu records were doubles\n", (unsigned long long)counts->doubles);
	return status;
}

static int change_modes(struct perf_events *counters)
{
	for (unsigned int i = 1; i <= CHANGES; i++) {
		int error = perf_events_set_mode(counters, (enum tier_mode)(i % TIER_MODES));
		if (error)
			return error;
		clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){ .tv_nsec = PAUSE_NS },
				NULL);
	}
	return 0;
}

static int look(const struct kernel *kernel, size_t cpus)
{
	struct chain *chains = calloc(cpus, sizeof(*chains));
	if (!chains)
		return kernel_failed("no memory", 0);
	int error = kernel_read_events(kernel, look_at, chains);
	int status = error ? kernel_failed("the slots cannot be read", error)
			   : judge(chains, kernel->counters->cpu_count, drain_counts(kernel->drain));
	free(chains);
	return status;
}

static int record(struct kernel *kernel)
{
	struct perf_events *counters = kernel->counters;
	int realtime_error, lock_error;
	pid_t *pairs = calloc(counters->cpu_count, sizeof(*pairs));
	if (!pairs)
		return kernel_failed("no memory", 0);
	int error = drain_start(kernel->drain, &realtime_error, &lock_error);
	if (error) {
		free(pairs);
		return kernel_failed("no thread", error);
	}
	for (size_t i = 0; i < counters->cpu_count; i++)
		pairs[i] = kernel_start_pair((int)counters->cpus[i].cpu, NAME);

	perf_events_enable(counters);
	error = change_modes(counters);
	perf_events_disable(counters);
	drain_stop(kernel->drain, clock_now_ns());
	for (size_t i = 0; i < counters->cpu_count; i++)
		kernel_kill(pairs[i]);
	free(pairs);
	if (error)
		return kernel_failed("a mode could not be set", error);
	return look(kernel, counters->cpus[counters->cpu_count - 1].cpu + 1);
}

int main(void)
{
	return kernel_test(SLOTS, record);
}
