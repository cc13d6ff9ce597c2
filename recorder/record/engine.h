/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What records: the kernel's events of all CPUs, emptied into slots. Knows of
 * no file; whoever wants a capture reads the slots (job.h).
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
#include "recorder/perf/diagnostic.h"
#include "recorder/buffer/ring_map.h"
#include "recorder/record/blocked_threads.h"
#include "recorder/buffer/segment_ring.h"
#include "recorder/record/task_table.h"
#include "recorder/perf/tracefs.h"

struct engine_options {
	size_t ring_bytes;		/* of each CPU's kernel ring, a power of two; 0: the default */
	const char *const *extras;	/* -e */
	size_t extra_count;
	bool keep_blocked_threads;		/* who is blocked is wanted while it runs */
	struct ring_map *ringmap;	/* the slots lie there: open until engine_destroy(); NULL: in memory of their own */
};

/* For others to read, and to hand on; only engine.c changes it. */
struct engine {
	struct tracefs tracefs;
	struct event_plan *plan;
	struct perf_events *counters;
	struct task_table *tasks;
	struct blocked_threads *blocked;	/* NULL: not kept */
	struct segment_ring *slots;
	struct stack_dumps *dumps;
	struct drain *drain;
	struct hotplug *hotplug;	/* for one thread to look with while it runs: who sets the counters' mode */
	struct kallsyms *kallsyms;	/* NULL: the kernel's functions have no names */
	struct kernel_log *kernel_log;	/* NULL: it cannot be read */
	int32_t *tgids;			/* of all processes there were before the recording */
	size_t tgid_count;
	size_t tasks_capacity;
	uint64_t start_ns, end_ns;
	int kallsyms_error, realtime_error, lock_error, kernel_log_error;
	bool running;
};

/* Everything that takes time or can be refused. Return: 0, or -1 with @ret_refusal. */
int engine_create(const struct engine_options *options, struct engine **ret_engine,
		  struct diagnostic *ret_refusal);
void engine_destroy(struct engine *engine);

/* From here on the slots fill. Return: 0, or -1 with @ret_refusal. */
int engine_start(struct engine *engine, struct diagnostic *ret_refusal);

/* The slots hold everything up to now and get no more. */
void engine_stop(struct engine *engine);

/* Does the kernel tell who waits for its locks? */
bool engine_knows_locks(const struct engine *engine);

/* What is the same for each capture that comes from this engine. */
void engine_set_facts(const struct engine *engine, struct ft_facts *facts);

/* What it could not do from the start on. */
void engine_note_limits(const struct engine *engine, struct recorder_events *own_events);

/* What went wrong since. */
void engine_note_troubles(const struct engine *engine, struct recorder_events *own_events);

#endif
