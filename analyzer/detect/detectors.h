/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kinds of freeze: each is a detector, one file and one row of the table in detectors.c.
 *
 * A detector asks the observations whether its kind of freeze is there, and answers with candidates: which time it
 * explains, how much the threads of the target lost by it, how sure that is. One rule, in detectors.c, puts the
 * candidates in order and decides which of them are told.
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
	const struct deadlock *deadlock;	/* its locks are no convoys; NULL */
	const struct thread *producer;		/* it computes for others, and does not spin; NULL */
	bool paused;				/* the host stood still: that a thread seems to have run says nothing */
};

/* How directly the events show that time was lost. Each is believed before twice the time of the next one. */
enum evidence {
	EVIDENCE_SIGNS,		/* waits that may have been idle, or for a CPU, and look as if they hurt */
	EVIDENCE_WAITS,		/* waits that always hurt: for a lock, a device, memory; spinning */
	EVIDENCE_STANDSTILL,	/* nothing could go on at all: stopped, deadlocked, the host paused */
};

/* One answer to "what froze, and why". */
struct candidate {
	const struct detector *detector;	/* set by the table; NULL: no detector knows what this time went to */
	struct stall stall;	/* the time that it is about */
	uint64_t lost_ns;	/* by the target's threads, as it explains */
	enum evidence evidence;
	bool named;		/* it says who did it, or that nobody did */
	bool of_waits;		/* its stall is the one that the waits that hurt make */
	bool beside;		/* worth telling beside another one, too */
	uint32_t starved_classes; /* of idle waits, a bit each: the unusual ones were no idle ones after all */
	void *found;		/* the detector's own */
};

struct candidates {
	struct candidate *list;
	size_t count, room;
};

struct detector {
	const char *name;
	/* Append what there is to @out. Return: 0 or -ENOMEM. */
	int (*find)(struct detect_context *in, struct candidates *out);
	/* Append its finding to the model. Return: 0 or -ENOMEM. */
	int (*report)(const struct detect_context *in, const struct candidate *candidate);
	void (*free)(void *found);	/* candidate->found; never NULL */
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

/* For detectors: @candidate, whose detector need not be set, becomes one more. *@found moves along: on failure it is
 * the caller's still. Return: 0 or -ENOMEM. */
int candidates_append(struct candidates *out, const struct candidate *candidate);

/* Into the order of the rule, see detectors.c; equal ones stay as they are. */
void candidates_sort(const struct detect_context *in, struct candidates *candidates);

/* Whether @stall covers half of the time in which somebody is known to have waited. */
bool detect_covers_window(const struct trigger_window *window, const struct stall *stall);

/* Whether what ended at @end_ns was over before what the capture was triggered for. */
bool detect_over_before(const struct detect_context *in, uint64_t end_ns);

/**
 * detectors_run() - ask all detectors; put what they found in order; tell the findings, and the stall that the first
 * of them is about, with the others beside it.
 *
 * @ret_starved: see candidate.starved_classes; of the first.
 *
 * Return: 0 or -ENOMEM.
 */
int detectors_run(struct detect_context *in, uint32_t *ret_starved);

#endif
