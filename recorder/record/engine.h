/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The recording engine: opens the kernel's events on all CPUs and has them drained into the
 * segment ring. It writes no capture; capture_writer.h reads the segment ring.
 */
#ifndef RECORDER_RECORD_ENGINE_H
#define RECORDER_RECORD_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/facts.h"
#include "recorder/perf/perf_events.h"
#include "recorder/record/drain.h"
#include "recorder/record/stack_dumps.h"
#include "recorder/record/hotplug.h"
#include "recorder/symbols/kallsyms.h"
#include "recorder/perf/kernel_log.h"
#include "recorder/buffer/recorder_events.h"
#include "recorder/perf/event_plan.h"
#include "recorder/base/diagnostic.h"
#include "recorder/buffer/ring_map.h"
#include "recorder/record/blocked_threads.h"
#include "recorder/buffer/segment_ring.h"
#include "recorder/record/task_table.h"
#include "recorder/perf/tracefs.h"

struct engine_options {
	size_t ring_bytes;		/* of each CPU's kernel ring, a power of two; 0: the default */
	const char *const *extras;	/* -e */
	size_t extra_count;
	enum tier_mode mode;		/* to begin with */
	bool keep_blocked_threads;		/* engine->blocked is wanted */
	struct ring_map *ringmap;	/* holds the segment ring, open until engine_destroy(); NULL: plain memory does */
};

/* Others read it and hand its parts on; only engine.c changes it. */
struct engine {
	struct tracefs tracefs;
	struct event_plan *plan;
	struct perf_events *counters;
	struct task_table *tasks;
	struct blocked_threads *blocked;	/* NULL: not kept */
	struct segment_ring *slots;
	struct stack_dumps *dumps;
	struct drain *drain;
	struct hotplug *hotplug;	/* for the one thread that sets the mode of the counters */
	struct kallsyms *kallsyms;	/* NULL: the kernel's functions have no names */
	struct kernel_log *kernel_log;	/* NULL: it cannot be read */
	int32_t *tgids;			/* of all processes that existed before the recording */
	size_t tgid_count;
	size_t tasks_capacity;
	uint64_t start_ns, end_ns;
	int kallsyms_error, realtime_error, lock_error, kernel_log_error;
	bool running;
};

/* Does everything that takes time or can be refused. Return: 0, or -1 with @ret_refusal. */
int engine_create(const struct engine_options *options, struct engine **ret_engine,
		  struct diagnostic *ret_refusal);
void engine_destroy(struct engine *engine);

/* Start to fill the segment ring. Return: 0, or -1 with @ret_refusal. */
int engine_start(struct engine *engine, struct diagnostic *ret_refusal);

/* Stop; the segment ring then holds all events up to now. */
void engine_stop(struct engine *engine);

/* Set the facts that all captures of this engine share. */
void engine_set_facts(const struct engine *engine, struct ft_facts *facts);

/* Set those of them that say which stacks are taken now. */
void engine_set_stack_facts(const struct engine *engine, struct ft_facts *facts);

/* Note what the engine could not do from the start. */
void engine_note_limits(const struct engine *engine, struct recorder_events *own_events);

/* Note what went wrong since. */
void engine_note_troubles(const struct engine *engine, struct recorder_events *own_events);

#endif
