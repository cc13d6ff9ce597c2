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
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "capture/decoder.h"
#include "capture/segment.h"
#include "recorder/clock.h"
#include "recorder/drain.h"

#define SKIPPED	   77
#define RING_BYTES (8u << 20)
#define SLOT_BYTES (64u << 10)
#define SLOTS	   1024
#define CHANGES	   300
#define PAUSE_NS   5000000
#define NAME	   "ft-pingpong"

/* What one CPU's events told. */
struct chain {
	int32_t running; /* of ours; 0: another, or not known */
	uint64_t switches, with_stack, wakings, wakings_with_stack, lost, broken;
};

static int failed(const char *what, int error)
{
	fprintf(stderr, "FAIL: %s: %s\n", what, strerror(error < 0 ? -error : error));
	return 1;
}

/* Two processes on one CPU that wake each other over pipes until killed. */
static pid_t start_pair(uint32_t cpu)
{
	pid_t pid = fork();
	if (pid)
		return pid;
	cpu_set_t set;
	int there[2], back[2];
	char byte = 0;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, NAME);
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set) < 0 || pipe(there) < 0 || pipe(back) < 0)
		_exit(1);
	bool child = !fork();
	if (child)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (child ? read(there[0], &byte, 1) == 1 && write(back[1], &byte, 1) == 1
		     : write(there[1], &byte, 1) == 1 && read(back[0], &byte, 1) == 1)
		;
	_exit(1);
}

static void look_at(struct chain *chain, const struct ft_event *event)
{
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

static int read_slots(const struct slots *slots, struct chain *chains, size_t cpus)
{
	struct slots_cursor cursor = { 0 };
	struct ft_decoder *decoder;
	uint8_t *buffer = malloc(SLOT_BYTES);
	size_t bytes;
	if (!buffer || ft_decoder_create(&decoder))
		return -ENOMEM;
	while (slots_get(slots, &cursor, buffer, &bytes)) {
		struct ft_segment segment;
		struct ft_event event;
		size_t used;
		if (ft_segment_decode(buffer, bytes, &segment, &used) || segment.cpu >= cpus)
			return -EBADMSG;
		ft_decoder_begin(decoder, segment.payload, segment.payload_bytes, segment.cpu,
				 segment.first_ns);
		while (ft_decoder_next(decoder, &event) == 1)
			look_at(&chains[segment.cpu], &event);
	}
	ft_decoder_destroy(decoder);
	free(buffer);
	return cursor.lost_segments ? -ENOBUFS : 0;
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
			status = failed("switches are missing, or there twice", EBADMSG);
		if (!chain->with_stack || chain->with_stack == chain->switches ||
		    !chain->wakings_with_stack || chain->wakings_with_stack == chain->wakings)
			status = failed("the modes did not change what was recorded", EBADMSG);
	}
	printf("%llu records were doubles\n", (unsigned long long)counts->doubles);
	return status;
}

static int change_modes(struct counters *counters)
{
	for (unsigned int i = 1; i <= CHANGES; i++) {
		int error = counters_set_mode(counters, (enum tier_mode)(i % TIER_MODES));
		if (error)
			return error;
		clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){ .tv_nsec = PAUSE_NS },
				NULL);
	}
	return 0;
}

static int record(const struct plan *plan, struct counters *counters)
{
	struct tasks *tasks;
	struct slots *slots;
	struct dumps *dumps;
	struct drain *drain;
	int realtime_error, lock_error;
	if (tasks_create(4096, &tasks) || slots_create(SLOT_BYTES, SLOTS, &slots) ||
	    dumps_create(&dumps) || drain_create(plan, counters, tasks, slots, dumps, &drain))
		return failed("no memory", ENOMEM);
	int error = drain_start(drain, &realtime_error, &lock_error);
	if (error)
		return failed("no thread", error);
	size_t cpus = counters->cpus[counters->cpu_count - 1].cpu + 1;
	struct chain *chains = calloc(cpus, sizeof(*chains));
	pid_t *pairs = calloc(counters->cpu_count, sizeof(*pairs));
	for (size_t i = 0; i < counters->cpu_count; i++)
		pairs[i] = start_pair(counters->cpus[i].cpu);

	counters_enable(counters);
	error = change_modes(counters);
	counters_disable(counters);
	drain_stop(drain, clock_now_ns());
	for (size_t i = 0; i < counters->cpu_count; i++) {
		kill(pairs[i], SIGKILL);
		waitpid(pairs[i], NULL, 0);
	}
	if (error)
		return failed("a mode could not be set", error);
	error = read_slots(slots, chains, cpus);
	int status = error ? failed("the slots cannot be read", error)
			   : judge(chains, counters->cpu_count, drain_counts(drain));
	free(chains);
	free(pairs);
	drain_destroy(drain);
	dumps_destroy(dumps);
	slots_destroy(slots);
	tasks_destroy(tasks);
	return status;
}

int main(void)
{
	struct tracefs tracefs;
	struct plan *plan;
	struct plan_error plan_error;
	struct counters *counters;
	struct counters_failure failure;

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
