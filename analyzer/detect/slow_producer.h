/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads that starve wait for one that feeds them: who that is, and whether what it did
 * meanwhile proves that they were kept waiting, rather than that there was nothing to do.
 */
#ifndef ANALYZER_DETECT_SLOW_PRODUCER_H
#define ANALYZER_DETECT_SLOW_PRODUCER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyzer/activity/cpu_profile.h"
#include "analyzer/activity/observations.h"
#include "analyzer/activity/stall.h"
#include "analyzer/activity/victims.h"
#include "analyzer/activity/wait_baseline.h"

enum slow_producer_did {
	FEEDER_IDLED,	/* it waited for work itself, or nobody can say what it did: no culprit */
	FEEDER_RAN,	/* in one go, far longer than usual, or wanted a CPU */
	FEEDER_ENDED,	/* ran, at the end of its process */
	FEEDER_SLEPT,	/* asked to work, and it never does otherwise */
	FEEDER_WAITED	/* for what hurts, or was stopped */
};

_Static_assert(WAIT_CLASSES <= 32, "a bit each");

struct slow_producer {
	enum slow_producer_did did;
	struct thread *thread;
	struct stall stall;		/* made of the waits for it */
	uint64_t lost_ns;		/* by them */
	struct victim *victims;		/* most blocked first */
	size_t victim_count;
	uint32_t classes;		/* of the waits, a bit each */
	struct producer_wait longest;	/* of those waits; all that follows is of its span */
	uint64_t state_ns[THREAD_STATES];
	uint64_t blocked_ns;		/* its longest sleep meanwhile, */
	enum wait_class blocked_class;	/* what that was, */
	uint32_t blocked_stack_id;	/* and where */
	uint64_t run_ns;		/* its longest run without waiting for work, */
	/* and the longest at other times, when nobody had waited unusually long for it */
	uint64_t usual_run_ns;
	/* Times that it slept at those other times, and that who waited longest for it did. */
	uint64_t usual_sleeps, victim_sleeps;
	uint64_t wakeups, usual_wakeups; /* of others, by it: meanwhile and at those other times, */
	uint64_t usual_span_ns;		/* which add up to this */
	enum wait_class asked_in;	/* its victims are those who ask it to work: what it waits in then */
	struct cpu_profile profile;
};

struct slow_producer_search {
	const struct observations *observations;
	uint64_t long_ns, since_ns;	/* as of stall_find() */
};

/**
 * slow_producer_find() - the thread that kept others waiting longest, by who waited and what it did meanwhile.
 *
 * @ret_feeder: did FEEDER_IDLED where there is none.
 *
 * Return: 0 or -ENOMEM. Free with slow_producer_free().
 */
int slow_producer_find(const struct slow_producer_search *search, struct slow_producer *ret_feeder);
void slow_producer_free(struct slow_producer *feeder);

/* Whether it explains a time that @stall, which the waits that hurt made, does not explain by itself. */
bool slow_producer_explains(const struct slow_producer *feeder, const struct stall *stall);

#endif
