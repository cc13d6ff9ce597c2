/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The recording path: a thread that empties the kernel's rings into the segment ring. It runs
 * at real-time priority and in locked memory where that is permitted. After its start it
 * allocates nothing, opens nothing, writes no file and takes no lock.
 */
#ifndef RECORDER_RECORD_DRAIN_H
#define RECORDER_RECORD_DRAIN_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "recorder/perf/perf_events.h"
#include "recorder/record/stack_dumps.h"
#include "recorder/perf/event_plan.h"
#include "recorder/record/blocked_threads.h"
#include "recorder/buffer/segment_ring.h"
#include "recorder/record/task_table.h"

struct drain;

/* Updated while the thread runs; readable from any thread. */
struct drain_counts {
	_Atomic uint64_t events;	/* encoded */
	_Atomic uint64_t lost;		/* records that the kernel had no room for */
	_Atomic uint64_t bad;		/* records that could not be translated */
	_Atomic uint64_t delay_max_ns;	/* worst run-queue latency of the thread within one round */
	_Atomic uint64_t cpu_ns;	/* CPU time of the thread */
	_Atomic uint64_t blocking;	/* switches where a thread blocked, or was preempted in the kernel */
	_Atomic uint64_t uninterruptible; /* those of them that were not interruptible: see tier.c */
	_Atomic uint64_t wakings;
	_Atomic uint64_t doubles;	/* dropped doubles: see perf_events_set_mode() */
	_Atomic uint64_t drained_ns;	/* every event up to then is drained */
	_Atomic bool quiet;		/* next to nothing happened on the host since the round before */
};

/**
 * drain_create() - allocate everything that the thread will need.
 *
 * All arguments stay the caller's and must outlive the drain.
 *
 * Return: 0 or -ENOMEM.
 */
int drain_create(const struct event_plan *plan, struct perf_events *counters,
		 struct task_table *tasks, struct segment_ring *slots, struct stack_dumps *dumps,
		 struct drain **ret_drain);
void drain_destroy(struct drain *drain);	/* not while it runs */

/* Have the thread update @blocked, which stays the caller's. Call it before drain_start(). */
void drain_keep_blocked_threads(struct drain *drain, struct blocked_threads *blocked);

/**
 * drain_start() - start the thread; returns when it is ready for events.
 *
 * @ret_realtime_error: 0, or why the thread has no real-time priority. It drains all the same.
 * @ret_lock_error:     0, or why its memory may be paged out.
 *
 * Return: 0 or the errno of pthread_create().
 */
int drain_start(struct drain *drain, int *ret_realtime_error, int *ret_lock_error);

/**
 * drain_stop() - drain what is left, seal everything, end the thread.
 *
 * Call it after perf_events_disable(). @end_ns: the time of that call.
 */
void drain_stop(struct drain *drain, uint64_t end_ns);

/**
 * drain_flush() - put all that was recorded until now into the segment ring. From any thread.
 *
 * Without it a segment stays open until it is full or two seconds old.
 *
 * Return: false if that took longer than @deadline_ms.
 */
bool drain_flush(struct drain *drain, int deadline_ms);

/**
 * drain_wait_for_activity() - sleep while next to nothing happens on the host.
 *
 * Only one thread, not the drain's, may call it. It returns when there is more than a little to
 * drain, when a thread waits for a kernel lock, or at @until_ns.
 */
void drain_wait_for_activity(struct drain *drain, uint64_t until_ns);
void drain_wake_waiter(struct drain *drain);	/* end that wait; from any thread */

/*
 * For a CPU that goes offline and comes back while the thread runs. One other thread calls these.
 * @index is that of counters->cpus. The drain owns that entry, except between drain_is_detached()
 * and drain_attach().
 */

/* Time of the CPU's latest record. */
uint64_t drain_last_record_ns(const struct drain *drain, size_t index);

/* Drain the ring for the last time, mark a gap of unknown size, and let go of it. */
void drain_detach(struct drain *drain, size_t index);
bool drain_is_detached(const struct drain *drain, size_t index);

/* Drain the CPU's new ring. A gap is marked from @from_ns, when the CPU may have come online, to
 * @until_ns, when its ring began to record. */
void drain_attach(struct drain *drain, size_t index, uint64_t from_ns, uint64_t until_ns);

const struct drain_counts *drain_counts(const struct drain *drain);

#endif
