/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first reading of a capture, twice where it shows what to look at differently: sums over all of it, nothing explained yet.
 */
#ifndef ANALYZER_SURVEY_H
#define ANALYZER_SURVEY_H

#include <stdint.h>

#include "analyzer/activity/wait_stats.h"
#include "analyzer/trace/large_calls.h"
#include "analyzer/trace/event_counts.h"
#include "analyzer/locks/futex_classify.h"
#include "analyzer/locks/lock_tracker.h"
#include "analyzer/locks/mmap_lock_offset.h"
#include "analyzer/model.h"
#include "analyzer/detect/host_pause.h"
#include "analyzer/detect/spin.h"
#include "analyzer/trace/target.h"

/* How often a thread came to a CPU, and left it: the same, give or take one, or events are missing. */
struct survey_switches {
	uint64_t in, out;
};

struct survey {
	uint64_t start_ns;
	struct target *target;		/* borrowed */
	struct stackfacts *stackfacts;	/* borrowed */
	struct account *account;
	struct usual *usual;
	struct calls *calls;
	struct futexes *futexes;
	bool judged;			/* it is known which of them are locks */
	struct mm_offset *mm_offset;
	struct spins *spins;
	struct silences *silences;
	struct locks *locks;		/* borrowed from pass */
	struct pass *pass;
	uint64_t events, lost_records;
	uint64_t switch_count, contradictions; /* see timeline.h */
	struct model_gap *gaps;		/* on the clock of the events; in order of time */
	size_t gap_count;
	struct model_note *notes;	/* likewise */
	size_t note_count;
	struct extras extras;
	uint32_t cpus;			/* that had events */
	struct survey_switches *switches; /* by thread->index */
	size_t switches_count;
};

/* @long_ns: see account.h. Return: 0, -ENOMEM, -EIO; free with survey_free() in each case. */
int survey_run(struct survey *survey, struct source *source, struct stackfacts *stackfacts,
	       struct target *target, uint64_t long_ns);
void survey_free(struct survey *survey);

#endif
