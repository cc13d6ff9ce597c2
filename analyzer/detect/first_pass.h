/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first reading of a capture, twice where it shows what to look at differently: sums over all of it, nothing explained yet.
 */
#ifndef ANALYZER_DETECT_FIRST_PASS_H
#define ANALYZER_DETECT_FIRST_PASS_H

#include <stdint.h>

#include "analyzer/activity/wait_stats.h"
#include "analyzer/trace/large_calls.h"
#include "analyzer/trace/event_counts.h"
#include "analyzer/locks/futex_locks.h"
#include "analyzer/locks/lock_tracker.h"
#include "analyzer/locks/mmap_lock_offset.h"
#include "analyzer/model.h"
#include "analyzer/detect/host_pause.h"
#include "analyzer/detect/spin.h"
#include "analyzer/trace/target.h"

/* How often a thread came to a CPU, and left it: the same, give or take one, or events are missing. */
struct switch_counts {
	uint64_t in, out;
};

struct first_pass {
	uint64_t start_ns;
	struct target *target;		/* borrowed */
	struct stack_infos *stackfacts;	/* borrowed */
	struct wait_stats *account;
	struct wait_baseline *usual;
	struct large_calls *calls;
	struct futex_locks *futexes;
	bool judged;			/* it is known which of them are locks */
	struct mmap_lock_offset *mm_offset;
	struct spins *spins;
	struct host_pauses *silences;
	struct lock_tracker *locks;		/* borrowed from pass */
	struct replay *pass;
	uint64_t events, lost_records;
	uint64_t switch_count, contradictions; /* see timeline.h */
	struct model_gap *gaps;		/* on the clock of the events; in order of time */
	size_t gap_count;
	struct model_note *notes;	/* likewise */
	size_t note_count;
	struct event_counts extras;
	uint32_t cpus;			/* that had events */
	struct switch_counts *switches; /* by thread->index */
	size_t switches_count;
};

/* @long_ns: see account.h. Return: 0, -ENOMEM, -EIO; free with first_pass_free() in each case. */
int first_pass_run(struct first_pass *survey, struct source *source, struct stack_infos *stackfacts,
	       struct target *target, uint64_t long_ns);
void first_pass_free(struct first_pass *survey);

#endif
