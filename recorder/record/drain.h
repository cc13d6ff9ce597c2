/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The recording path: a thread that empties the kernel's rings into slots. At
 * real-time priority where permitted, in locked memory; after the start it allocates
 * nothing, opens nothing, writes nothing and takes no lock.
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

/* Kept up while it runs; readable from any thread. */
struct drain_counts {
	_Atomic uint64_t events;	/* encoded */
	_Atomic uint64_t lost;		/* records that the kernel could not write */
	_Atomic uint64_t bad;		/* records not understood */
	_Atomic uint64_t delay_max_ns;	/* longest wait of the thread for a CPU, between two looks */
	_Atomic uint64_t cpu_ns;	/* spent in draining */
	_Atomic uint64_t blocking;	/* switches where a thread blocked, or was preempted in the kernel */
	_Atomic uint64_t uninterruptible; /* of these, the ones where it sleeps uninterruptibly */
	_Atomic uint64_t wakings;
	_Atomic uint64_t doubles;	/* dropped: see perf_events_set_mode() */
	_Atomic uint64_t drained_ns;	/* all that happened until then was drained */
};

/**
 * drain_create() - everything the thread will need.
 *
 * All arguments stay the caller's, and in place until drain_destroy().
 *
 * Return: 0 or -ENOMEM.
 */
int drain_create(const struct event_plan *plan, struct perf_events *counters, struct task_table *tasks,
		 struct segment_ring *slots, struct stack_dumps *dumps, struct drain **ret_drain);
void drain_destroy(struct drain *drain);	/* not while it runs */

/* Keep @blocked, the caller's, up to date. Before drain_start(). */
void drain_keep_blocked_threads(struct drain *drain, struct blocked_threads *blocked);

/**
 * drain_start() - begin to drain; back when the thread is ready for events.
 *
 * @ret_realtime_error, @ret_lock_error: 0, or why it runs without real-time priority or with
 * memory that may be paged out. It drains all the same.
 *
 * Return: 0 or the errno of pthread_create().
 */
int drain_start(struct drain *drain, int *ret_realtime_error, int *ret_lock_error);

/**
 * drain_stop() - drain what is left, seal everything, end the thread.
 *
 * Call after perf_events_disable(). @end_ns: when that was.
 */
void drain_stop(struct drain *drain, uint64_t end_ns);

/**
 * drain_flush() - have what was recorded until now put into the slots, from any thread.
 *
 * Otherwise a segment stays open until it is full, or two seconds old.
 *
 * Return: true, or false where that took longer than @deadline_ms.
 */
bool drain_flush(struct drain *drain, int deadline_ms);

/**
 * drain_wait_for_activity() - sleep while next to nothing happens on the host.
 *
 * From one thread, any but the drain's. Back when there is more than a little to drain, when a thread
 * waits for a kernel lock, or at @until_ns.
 */
void drain_wait_for_activity(struct drain *drain, uint64_t until_ns);
void drain_wake_waiter(struct drain *drain);	/* end that wait; from any thread */

/*
 * A CPU that goes offline and comes back, while the thread runs; from one other thread. @index: of
 * counters->cpus, whose entry is the thread's but from drain_is_detached() to drain_attach().
 */

/* When the latest record of the CPU was made. */
uint64_t drain_last_record_ns(const struct drain *drain, size_t index);

/* Let go of the CPU's ring: its last records are drained, and what may have come after them is unknown. */
void drain_detach(struct drain *drain, size_t index);
bool drain_is_detached(const struct drain *drain, size_t index);

/* Drain the CPU's new ring. It records since @until_ns; from @from_ns on the CPU may have been online. */
void drain_attach(struct drain *drain, size_t index, uint64_t from_ns, uint64_t until_ns);

const struct drain_counts *drain_counts(const struct drain *drain);

#endif
