/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads that stood still together: several that were active stopped, stood far longer than ever before, and went on
 * through one wake-up, or not at all. No shared address is needed: each may have slept in a wait of its own.
 */
#ifndef ANALYZER_DETECT_STANDSTILL_H
#define ANALYZER_DETECT_STANDSTILL_H

#include "analyzer/activity/pauses.h"
#include "analyzer/activity/span_summary.h"
#include "analyzer/activity/victims.h"
#include "analyzer/activity/wake_root.h"
#include "analyzer/detect/detectors.h"

enum standstill_sign {
	SIGN_NONE,		/* whether it was for want of work or of an answer cannot be told */
	SIGN_ELSEWHERE,		/* they waited where they hardly ever do, and one thread let them go */
	SIGN_IN_TURN,		/* each woke the next one, as they do at no other time: a lock with a queue */
	SIGN_PEER,		/* they wake each other as a rule, and so does the one who did not for so long */
	SIGN_CLIENTS,		/* other processes, which the root answers as a rule */
	SIGN_PASSED_ON,		/* other processes, and the target only passed on to them what the root gave at last */
	SIGN_AMONG_THEMSELVES,	/* nobody but they themselves wakes them as a rule: a wake-up was lost */
	SIGN_OWNER_GONE,	/* one who used to wake them ended when they stopped */
	SIGN_POLLING		/* they looked again and again whether they may go on */
};

struct standstill {
	enum standstill_sign sign;
	uint64_t start_ns, end_ns;
	bool began_before, still_open;
	struct victim *victims;	/* most time lost first */
	size_t victim_count;
	uint64_t lost_ns;
	struct pause longest;
	uint32_t sleeps;	/* POLLING: of the longest pause */
	struct wake_root root;	/* of the longest pause */
	size_t in_turn;		/* how many of them another of them woke */
	size_t active;		/* threads of the target that would have gone on meanwhile */
	const struct thread *gone; /* OWNER_GONE; NULL */
	struct span_summary did; /* of the root, from the longest pause's start until it woke somebody */
	uint64_t run_ns;	/* its longest run then, without a wait for others or a sleep */
	size_t woken;		/* how often it woke others then: one that does works as always */
};

/* The finding; see struct detector. */
void standstill_report(const struct detect_context *in, const void *found, struct model_finding *finding);

/* Whether the root of @standstill ran, slept, or waited itself, for most of the time. */
enum standstill_did { STANDSTILL_WORKED, STANDSTILL_RAN, STANDSTILL_SLEPT, STANDSTILL_WAITED };
enum standstill_did standstill_did(const struct standstill *standstill);

#endif
