/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The planned events, open on every CPU that is online, all of a CPU in one ring.
 */
#ifndef RECORDER_PERF_PERF_EVENTS_H
#define RECORDER_PERF_PERF_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "recorder/perf/event_plan.h"
#include "recorder/perf/perf_ring.h"

struct perf_events_cpu {
	uint32_t cpu;
	int fds[PLAN_EVENTS_MAX];	/* the first one owns the ring; -1: not open */
	uint64_t ids[PLAN_EVENTS_MAX];
	struct perf_ring ring;
	void *map;			/* NULL: the CPU is not recorded now, and nothing is open */
	uint64_t enabled_ns;		/* as of the last perf_events_alive() */
};

struct perf_events {
	struct perf_events_cpu *cpus;
	size_t cpu_count;
	size_t event_count;
	size_t ring_bytes;		/* of one CPU; may be less than what was asked for */
	const char *sample_event;	/* "cycles", or "cpu-clock" where any CPU has no cycles */
	uint8_t modes[PLAN_EVENTS_MAX];	/* of the plan's events */
	_Atomic enum tier_mode mode;		/* how much is recorded now */
	bool enabled;
	bool counts_lost;		/* the kernel (6.0) says how much each event lost */
	uint8_t *wrapped;
};

/* What could not be done, for a message. */
struct perf_events_failure {
	enum { COUNTERS_OPEN, COUNTERS_FILTER, COUNTERS_RING, COUNTERS_OTHER } step;
	const struct event_plan_entry *event;	/* NULL: none in particular */
	uint32_t cpu;
};

/* One event for cmd_check.c. Return: a descriptor, or a negative errno. */
int perf_events_try(const struct perf_event_attr *attr, int pid, int cpu);

/**
 * perf_events_open() - open all of @plan on each CPU, not yet counting.
 *
 * @ring_bytes: a power of two pages, for each CPU. Where this user may lock only less memory, rings
 *              get smaller by halves.
 *
 * CPUs that go offline meanwhile are left out.
 *
 * Return: 0, -ENOMEM, or an errno; then @ret_failure says of what.
 */
int perf_events_open(const struct event_plan *plan, size_t ring_bytes, struct perf_events **ret_counters,
		  struct perf_events_failure *ret_failure);
void perf_events_close(struct perf_events *counters);

/* Start and stop counting what the mode records: MODE_FULL where no other was set. */
void perf_events_enable(struct perf_events *counters);
void perf_events_disable(struct perf_events *counters);

/**
 * perf_events_set_mode() - record more or less from now on, also while counting. From one thread.
 *
 * On each CPU the new mode's events begin before the old one's end. No switch or waking is missed;
 * those in between are recorded twice, and translate_record() drops the second record.
 *
 * Return: 0, or the errno of the first event that could not begin; then the old mode stays. A CPU
 * that is offline is passed over.
 */
int perf_events_set_mode(struct perf_events *counters, enum tier_mode mode);

/**
 * perf_events_alive() - do the events of @cpu still count? Of one that is open, while enabled.
 *
 * A CPU that goes offline takes its events with it: they stay open, and never count again. They
 * do not say so; only the time for which they were enabled stands still.
 *
 * This interrupts the CPU: ask where it was silent for long.
 *
 * Return: false where that time is what it was at the last call for this CPU.
 */
bool perf_events_alive(const struct perf_events *counters, struct perf_events_cpu *cpu);

/* Close what is open of @cpu. The one who reads its ring must have let go of it. */
void perf_events_close_cpu(const struct perf_events *counters, struct perf_events_cpu *cpu);

/* Open a closed CPU again, counting where the others are.
 * Return: 0, -ENODEV (it is offline), or another errno; then it stays closed. */
int perf_events_open_cpu(struct perf_events *counters, const struct event_plan *plan, struct perf_events_cpu *cpu);

/* Records of a CPU that the kernel could not write so far, where counts_lost. */
uint64_t perf_events_lost(const struct perf_events *counters, const struct perf_events_cpu *cpu);

/* 8 MiB, or less where there are so many CPUs that all together would be above 256 MiB. */
size_t perf_events_default_ring_bytes(void);

#endif
