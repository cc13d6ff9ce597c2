/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first decoding of a capture: what must be known before its events can be replayed. Which futexes are locks,
 * which threads the kernel leaves out of the events, where an mmap_lock lies in its mm, which waits /proc/locks
 * tells of. And the plain facts of the raw events beside that: losses, notes, calls, gaps.
 *
 * No timeline and no locks: each event is looked at by itself.
 */
#ifndef ANALYZER_LOCKS_PRESCAN_H
#define ANALYZER_LOCKS_PRESCAN_H

#include <stdint.h>

#include "analyzer/locks/futex_locks.h"
#include "analyzer/trace/cpu_gaps.h"
#include "analyzer/trace/event_counts.h"
#include "analyzer/trace/large_calls.h"
#include "analyzer/trace/target.h"

/* How often a thread came to a CPU, and left it: the same, give or take one, or events are missing. */
struct switch_counts {
	uint64_t in, out;
};

/* A span of which events of a CPU are missing. */
struct event_loss {
	uint32_t cpu;
	uint64_t start_ns, end_ns;
	uint64_t records;	/* 0: number not known */
};

/* What the recorder had to say. */
struct recorder_note {
	uint64_t at_ns;
	char *text;
};

struct prescan {
	struct futex_locks *futexes;
	struct large_calls *calls;
	struct cpu_gaps *gaps;
	uint64_t events, switches;
	uint64_t unseen_switches;	/* of silent threads: they came to a CPU, and were not seen to leave it */
	uint64_t lost_records;
	struct event_loss *losses;	/* on the clock of the events; in order of time */
	size_t loss_count, loss_room;
	struct recorder_note *notes;	/* likewise */
	size_t note_count, note_room;
	struct event_counts extras;
	uint32_t cpus;			/* that had events */
	struct switch_counts *switch_counts; /* by thread->index */
	size_t switch_counts_room;
};

/* For timeline_samples(), from what a capture says of its sampling. */
uint64_t prescan_sampled_within_ns(const struct ft_facts *facts);

/*
 * Decode @source once, and leave it at its start. Threads become silent, @target learns of processes that it
 * forked. Return: 0, -ENOMEM, -EIO; free with prescan_free() in each case.
 */
int prescan_run(struct source *source, struct stack_infos *stack_infos, struct target *target,
		struct prescan *ret_prescan);
void prescan_free(struct prescan *prescan);

#endif
