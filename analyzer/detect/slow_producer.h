/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads wait far longer than they used to for one that produces what they work on, or serves
 * them: who that is, and whether what it did meanwhile proves that they were kept waiting, rather
 * than that there was nothing to do.
 */
#ifndef ANALYZER_DETECT_SLOW_PRODUCER_H
#define ANALYZER_DETECT_SLOW_PRODUCER_H

#include "analyzer/activity/cpu_profile.h"
#include "analyzer/activity/victims.h"
#include "analyzer/activity/wait_baseline.h"
#include "analyzer/detect/detectors.h"

enum slow_producer_did {
	PRODUCER_IDLED,	/* it waited for work itself, or nobody can say what it did: no culprit */
	PRODUCER_RAN,	/* in one go, far longer than usual, or wanted a CPU */
	PRODUCER_ENDED,	/* ran, at the end of its process */
	PRODUCER_SLEPT,	/* asked to work, and it never does otherwise */
	PRODUCER_WAITED	/* for what hurts, or was stopped */
};

_Static_assert(WAIT_CLASSES <= 64, "a bit each");

struct slow_producer {
	enum slow_producer_did did;
	struct thread *thread;
	struct stall stall;		/* made of the waits for it */
	uint64_t lost_ns;		/* by them */
	struct victim *victims;		/* most blocked first */
	size_t victim_count;
	uint64_t classes;		/* of the waits, a bit each */
	struct producer_wait longest;	/* of those waits; all that follows is of its span */
	uint64_t state_ns[THREAD_STATES];
	uint64_t blocked_ns;		/* its longest sleep meanwhile, */
	enum wait_class blocked_class;	/* what that was, */
	enum wait_direction blocked_direction;
	uint32_t blocked_stack_id;	/* and where */
	uint64_t run_ns;		/* its longest run without waiting for work, */
	/* and the longest at other times, when nobody had waited unusually long for it */
	uint64_t usual_run_ns;
	/* Times that it slept at those other times, and that who waited longest for it did. */
	uint64_t usual_sleeps, victim_sleeps;
	uint64_t wakeups, usual_wakeups; /* of others, by it: meanwhile and at those other times, */
	uint64_t usual_span_ns;		/* which add up to this */
	enum wait_class request_class;	/* its victims are those who ask it to work: what it waits in then */
	bool doubtful;			/* the others may have had nothing to do until it was done */
	struct cpu_profile profile;
};

/* Whether the thread explains a time that @stall, which the waits that hurt made, does not explain
 * by itself. */
bool slow_producer_explains(const struct slow_producer *producer, const struct stall *stall);

/* The findings slow-producer and busy-thread; see struct detector. */
void slow_producer_report(const struct detect_context *in, const void *found,
			  struct model_finding *finding);

/* For slow_producer.c: what the thread did while others waited for it, and what it does at other
 * times. */
struct producer_profile {
	struct slow_producer producer;
	struct stall_span *spans;	/* when somebody waited for it; in order of time, apart */
	size_t span_count;
	uint64_t run_start_ns, run_end_ns; /* its run so far; empty: it does not run */
	uint32_t stacks, end_stacks;	/* seen meanwhile; at the end of a process */
};

/* The times of @waits, which it sorts, as @profile's spans. Return: 0 or -ENOMEM. */
int producer_profile_spans(struct producer_profile *profile, struct long_wait *waits, size_t count);

/* @profile: the spans and the producer's thread, stall and longest wait are set; gets the rest.
 * Return: 0 or -ENOMEM. */
int producer_profile_read(struct producer_profile *profile, const struct observations *observations);

/* What the producer did while it was longest waited for, and whether that kept the others
 * waiting. */
enum slow_producer_did producer_profile_conclude(const struct producer_profile *profile);

#endif
