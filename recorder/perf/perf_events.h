/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The planned events, open on every CPU that is online. All events of a CPU share one ring.
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
	_Atomic uint64_t ids[PLAN_EVENTS_MAX];	/* 0: never open. A closed one keeps its id. */
	struct perf_ring ring;
	void *map;			/* NULL: nothing is open, the CPU is not recorded now */
	uint64_t enabled_ns;		/* at the last perf_events_alive() */
};

struct perf_events {
	struct perf_events_cpu *cpus;
	size_t cpu_count;
	size_t event_count;
	size_t ring_bytes;		/* of one CPU; may be less than asked for */
	const char *sample_event;	/* "cycles", or "cpu-clock" where any CPU has no cycles */
	uint8_t modes[PLAN_EVENTS_MAX];	/* of the planned events */
	bool on_demand[PLAN_EVENTS_MAX];	/* likewise */
	_Atomic enum tier_mode mode;	/* how much is recorded now */
	_Atomic bool eased;		/* that is more than the step asks for, as the host is quiet */
	bool enabled;
	bool counts_lost;		/* the kernel counts what each event lost (since 6.0) */
	uint8_t *wrapped;
};

/* What could not be done, for a message. */
struct perf_events_failure {
	enum { PERF_EVENTS_OPEN, PERF_EVENTS_FILTER, PERF_EVENTS_RING, PERF_EVENTS_OTHER } step;
	const struct event_plan_entry *event;	/* NULL: none in particular */
	uint32_t cpu;
};

/* Open one event. Return: a descriptor, or a negative errno. */
int perf_events_try(const struct perf_event_attr *attr, int pid, int cpu);

/**
 * perf_events_open() - open all events of @plan on each CPU, but for those on demand. They do not
 * count yet.
 *
 * @ring_bytes: of each CPU, a power of two pages. It is halved until this user may lock the memory.
 *
 * CPUs that go offline meanwhile are left out.
 *
 * Return: 0, -ENOMEM, or another negative errno; then @ret_failure says what failed.
 */
int perf_events_open(const struct event_plan *plan, size_t ring_bytes,
		     struct perf_events **ret_events, struct perf_events_failure *ret_failure);
void perf_events_close(struct perf_events *events);

/* Start and stop counting the events of the mode, which is MODE_FULL at first. */
void perf_events_enable(struct perf_events *events);
void perf_events_disable(struct perf_events *events);

/**
 * perf_events_set_mode() - record more or less from now on, also while counting. For one thread.
 *
 * On each CPU the events of the new mode begin before those of the old one end. So no switch or
 * waking is missed. Those in between are recorded twice, and translate_record() drops the second
 * record.
 *
 * Return: 0, or the errno of the first event that could not begin; then the old mode stays. CPUs
 * that are offline are skipped.
 */
int perf_events_set_mode(struct perf_events *events, enum tier_mode mode);

/**
 * perf_events_demand() - open event @index of @plan, one on demand that is closed, with @filter.
 *
 * It counts on each CPU at once if the others do. A CPU that is closed, or comes back later, goes
 * without it. For the thread that sets the mode.
 *
 * Records that the event made before it was last closed must be drained: its id changes.
 *
 * Return: 0, or the negative errno of the first CPU that failed; then it is closed on all.
 */
int perf_events_demand(struct perf_events *events, const struct event_plan *plan, size_t index,
		       const char *filter);
void perf_events_end_demand(struct perf_events *events, size_t index);

/**
 * perf_events_alive() - whether the events of an open, enabled @cpu still count.
 *
 * The events of a CPU that goes offline stay open and never count again. The kernel does not say
 * so; only the time for which they were enabled stands still.
 *
 * This interrupts the CPU, so ask only about one that was silent for long.
 *
 * Return: false where that time is the same as at the last call for this CPU.
 */
bool perf_events_alive(const struct perf_events *events, struct perf_events_cpu *cpu);

/* Close what is open of @cpu. Nobody may read its ring any more. */
void perf_events_close_cpu(const struct perf_events *events, struct perf_events_cpu *cpu);

/* Open a closed CPU again. It counts if the others do.
 * Return: 0, -ENODEV (it is offline), or another errno; then it stays closed. */
int perf_events_open_cpu(struct perf_events *events, const struct event_plan *plan,
			 struct perf_events_cpu *cpu);

/* How many records of a CPU the kernel could not write so far; 0 unless counts_lost. */
uint64_t perf_events_lost(const struct perf_events *events, const struct perf_events_cpu *cpu);

/* 8 MiB, or less where the rings of all CPUs would take more than 256 MiB. */
size_t perf_events_default_ring_bytes(void);

#endif
