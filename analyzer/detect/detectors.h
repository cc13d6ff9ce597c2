/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kinds of freeze: each is a detector, with one row of the table in detectors.c.
 *
 * A detector asks the observations whether its kind of freeze is there, and answers with
 * candidates: which time it explains, how much the threads of the target lost by it, how sure that
 * is. One rule, in detectors.c, puts the candidates in order and decides which of them are told.
 */
#ifndef ANALYZER_DETECT_DETECTORS_H
#define ANALYZER_DETECT_DETECTORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyzer/activity/observations.h"
#include "analyzer/activity/stall.h"
#include "analyzer/model.h"
#include "analyzer/trace/trigger.h"

struct deadlock;
struct thread;

/* What every detector may ask. */
struct detect_context {
	const struct observations *observations;
	const struct stack_table *stacks;
	struct stack_infos *stack_infos;
	const struct large_calls *calls;
	const struct proc_locks *listed;
	uint64_t start_ns;		/* of the recording, on the clock of the events */
	uint64_t long_ns;		/* what counts as a stall: --stall */
	const struct stall *stall;	/* that the waits that hurt make; may not be found */
	const struct long_wait *waits;	/* those of at least long_ns */
	size_t wait_count;
	const struct trigger_window *window;
	struct model *model;		/* capture and coverage are complete; gets the findings, and the blame */
	/* What an earlier row of the table has found, and later ones need not find again: */
	const struct deadlock *deadlock; /* its locks are no convoys; NULL */
	const struct thread *producer;	/* it computes for others, and does not spin; NULL */
	uint64_t hurting_classes;	/* by detectors_run(): the first candidate's */
	bool paused;			/* the host was: a thread that seems to run need not */
};

/* How directly the events show that time was lost. */
enum evidence {
	EVIDENCE_SIGNS,		/* waits that may have been idle, or for a CPU */
	EVIDENCE_WAITS,		/* waits that always hurt: for a lock, a device, memory; spinning */
	EVIDENCE_STANDSTILL,	/* nothing could go on: stopped, deadlocked, host paused */
};

/* One answer to "what froze, and why". */
struct candidate {
	const struct detector *detector; /* NULL: none knows what this time went to */
	struct stall stall;	/* the time that it is about */
	uint64_t lost_ns;	/* by the target's threads; 0: it is no candidate */
	enum evidence evidence;
	bool unsure;		/* its waits may have been for want of work: NOT SURE, and not FROZEN */
	bool named;		/* it says who did it, or that nobody did */
	uint64_t hurting_classes; /* classes of idle waits, a bit each, of which unusual ones hurt */
	void *found;		/* detector->found_bytes of memory, zeroed at first */
};

struct candidates {
	struct candidate *list;
	size_t count, room;
	const struct detector *asked;	/* whose turn it is */
};

struct detector {
	size_t found_bytes;	/* size of what it finds */
	enum evidence evidence;	/* of its candidates, unless find() says otherwise */
	bool of_waits;		/* it explains detect_context.stall; not asked without one */
	bool beside;		/* its findings are worth telling beside another one, too */
	/* Append what there is with candidate_append(). Return: 0 or -ENOMEM. */
	int (*find)(struct detect_context *in, struct candidates *out);
	/* Fill in @finding, an empty one. finding_status() tells of lack of memory. */
	void (*report)(const struct detect_context *in, const void *found,
		       struct model_finding *finding);
	void (*free)(void *found);	/* what it points to; NULL: nothing */
};

/* The rows, in the order in which they are asked. */
extern const struct detector deadlock_detector;
extern const struct detector stopped_process_detector;
extern const struct detector lock_convoy_detector;
extern const struct detector resource_wait_detector;
extern const struct detector cpu_starvation_detector;
extern const struct detector slow_producer_detector;
extern const struct detector spin_detector;
extern const struct detector host_pause_detector;
extern const struct detector timed_lock_detector;
extern const struct detector busy_thread_detector;
extern const struct detector standstill_detector;

/**
 * candidate_append() - one more candidate of the detector that is asked.
 *
 * Its row says what is set: it names somebody, and has lost nothing yet. If it still has not when
 * find() returns, the table drops it, so that find() need not take it back.
 *
 * Return: valid until the next call; its found stays where it is. NULL on lack of memory.
 */
struct candidate *candidate_append(const struct detect_context *in, struct candidates *out);

/* Into the order of the rule, see detectors.c; equal ones stay as they are. */
void candidates_sort(const struct detect_context *in, struct candidates *candidates);

/* Whether a finding is made of @candidate, too, where @first comes first. */
bool candidate_is_told(const struct candidate *first, const struct candidate *candidate);

/* Whether @stall covers half of the time in which somebody is known to have waited. */
bool detect_covers_window(const struct trigger_window *window, const struct stall *stall);

/* Whether all of that time is in @stall. */
bool detect_in_stall(const struct stall *stall, uint64_t start_ns, uint64_t end_ns);

/* On the clock of the model, as a number and as text. */
uint64_t detect_since_start(const struct detect_context *in, uint64_t time_ns);
struct human detect_time_text(const struct detect_context *in, uint64_t time_ns);

/* Whether what ended at @end_ns was over before what the capture was triggered for. */
bool detect_over_before(const struct detect_context *in, uint64_t end_ns);

/**
 * detectors_run() - ask all detectors, put what they found in order, and tell the findings and the
 * stall that the first of them is about.
 *
 * Return: 0 or -ENOMEM.
 */
int detectors_run(struct detect_context *in);

/* The finding no-stall, from the model's stall part. Return: 0 or -ENOMEM. */
int no_stall_report(struct model *model, uint64_t long_ns);

#endif
