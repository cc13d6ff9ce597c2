/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Going from one mode to another on the running kernel, under a storm of
 * switches: on each CPU the thread of every switch is the one that the switch
 * before it brought in, so that none is missing and none is there twice.
 * Looked at wherever the thread is one of this program's own.
 */
#include "config.h"

#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "recorder/base/clock.h"
#include "tests/live/kernel.h"

#define SLOTS	  1024
#define CHANGES	  300
#define PAUSE_NS  5000000
#define PAIRS_MAX 4 /* on a host with more CPUs the slots would not hold what all of them make */
#define NAME	  "ft-pingpong"

/* What one CPU's events told. */
struct chain {
	int32_t running; /* of ours; 0: another, or not known */
	uint64_t switches, with_stack, wakings, wakings_with_stack, lost, broken;
};

struct storm {
	size_t count;
	int cpus[PAIRS_MAX];
	pid_t pairs[PAIRS_MAX];
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

static int judge_chain(const struct chain *chain)
{
	if (chain->broken || chain->lost)
		return kernel_failed("switches are missing, or there twice", EBADMSG);
	if (!chain->with_stack || chain->with_stack == chain->switches ||
	    !chain->wakings_with_stack || chain->wakings_with_stack == chain->wakings)
		return kernel_failed("the modes did not change what was recorded", EBADMSG);
	return 0;
}

static int judge_chains(const struct chain *chains, const struct storm *storm,
		 const struct drain_counts *counts)
{
	int status = 0;
	for (size_t i = 0; i < storm->count; i++) {
		const struct chain *chain = &chains[storm->cpus[i]];
		printf("CPU %d: %llu switches (%llu with a stack), %llu wakings (%llu with a "
		       "stack), "
		       "%llu lost, %llu breaks\n",
		       storm->cpus[i], (unsigned long long)chain->switches,
		       (unsigned long long)chain->with_stack, (unsigned long long)chain->wakings,
		       (unsigned long long)chain->wakings_with_stack,
		       (unsigned long long)chain->lost, (unsigned long long)chain->broken);
		status |= judge_chain(chain);
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

static int look_at_slots(const struct kernel *kernel, const struct storm *storm)
{
	const struct perf_events *counters = kernel->counters;
	size_t cpus = counters->cpus[counters->cpu_count - 1].cpu + 1;
	struct chain *chains = calloc(cpus, sizeof(*chains));
	if (!chains)
		return kernel_failed("no memory", 0);
	int error = kernel_read_events(kernel, look_at, chains);
	int status = error ? kernel_failed("the slots cannot be read", error)
			   : judge_chains(chains, storm, drain_counts(kernel->drain));
	free(chains);
	return status;
}

/* On CPUs where this process may be. */
static void start_storm(const struct perf_events *counters, struct storm *ret_storm)
{
	cpu_set_t allowed;
	ret_storm->count = 0;
	CPU_ZERO(&allowed);
	sched_getaffinity(0, sizeof(allowed), &allowed);
	for (size_t i = 0; i < counters->cpu_count && ret_storm->count < PAIRS_MAX; i++) {
		int cpu = (int)counters->cpus[i].cpu;
		if (!CPU_ISSET((size_t)cpu, &allowed))
			continue;
		ret_storm->cpus[ret_storm->count] = cpu;
		ret_storm->pairs[ret_storm->count++] = kernel_start_pair(cpu, NAME);
	}
}

static int record_storm(struct kernel *kernel)
{
	struct perf_events *counters = kernel->counters;
	int realtime_error, lock_error;
	struct storm storm;
	int error = drain_start(kernel->drain, &realtime_error, &lock_error);
	if (error)
		return kernel_failed("no thread", error);
	start_storm(counters, &storm);
	perf_events_enable(counters);
	error = change_modes(counters);
	perf_events_disable(counters);
	drain_stop(kernel->drain, clock_now_ns());
	for (size_t i = 0; i < storm.count; i++)
		kernel_kill(storm.pairs[i]);
	if (error)
		return kernel_failed("a mode could not be set", error);
	if (!storm.count)
		return kernel_failed("this process may be on none of the CPUs", 0);
	return look_at_slots(kernel, &storm);
}

int main(void)
{
	return kernel_test(SLOTS, record_storm);
}
