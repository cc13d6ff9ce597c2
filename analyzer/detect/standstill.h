/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads that stood still together: several that were active stopped, stood far longer than ever before, and went on
 * through one wake-up, or not at all. No shared address is needed: each may have slept in a wait of its own.
 */
#ifndef ANALYZER_DETECT_STANDSTILL_H
#define ANALYZER_DETECT_STANDSTILL_H

#include "analyzer/activity/cpu_profile.h"
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
	SIGN_STILL_AT_IT,	/* the capture ends before they go on: who has been busy or asleep since they stopped */
	SIGN_OWNER_GONE,	/* one who used to wake them ended when they stopped */
	SIGN_POLLING		/* they looked again and again whether they may go on */
};

#define STANDSTILL_SUSPECTS 3

/* One who may hold up the others, as far as what it does tells. */
struct standstill_suspect {
	const struct thread *thread;
	uint64_t since_ns;
	bool ran;	/* since then; else it slept, or waited */
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
	struct standstill_suspect suspects[STANDSTILL_SUSPECTS]; /* STILL_AT_IT */
	size_t suspect_count;	/* of all that there are */
	const struct thread *gone; /* OWNER_GONE; NULL */
	struct span_summary did; /* of the root, from the longest pause's start until it woke somebody */
	uint64_t run_ns;	/* its longest run then, without a wait for others or a sleep */
	size_t woken;		/* how often it woke others then: one that does works as always */
	struct cpu_profile profile; /* of the root in that time, if it ran */
};

/* The finding; see struct detector. */
void standstill_report(const struct detect_context *in, const void *found, struct model_finding *finding);

/* Whether the root of @standstill ran, slept, or waited itself, for most of the time. */
enum standstill_did { STANDSTILL_WORKED, STANDSTILL_RAN, STANDSTILL_SLEPT, STANDSTILL_WAITED };
enum standstill_did standstill_did(const struct standstill *standstill);

/* For standstill.c and standstill_sign.c: */

struct standstill_member {
	const struct pause *pause;
	struct wake_root root;
	bool own; /* of the target */
};

/* Members that one wake-up let go. */
struct standstill_group {
	const struct standstill_member *members;
	size_t count;
	uint64_t lost_ns;
	bool of_target; /* else those of other processes, whom the target kept waiting */
};

struct standstill_search {
	struct detect_context *in;
	const struct observations *observations;
	struct pauses pauses;
	struct standstill_member *members;
	size_t count;
	struct per_thread groups; /* const struct standstill_group *: the last one that the thread was in */
};

/* Whether the member's time counts as lost. */
bool standstill_counts(const struct standstill_group *group, const struct standstill_member *member);

/* Whether the pause lasted for half of the time in which somebody is known to have waited. */
bool standstill_covers_window(const struct standstill_search *search, const struct pause *pause);

/* What ended the wait. */
enum wake_end standstill_wake_end(const struct standstill_search *search,
				  const struct history_interval *wait);

/* Whether a thread of the target ended the wait by its own work. */
bool standstill_is_let_go_by_target(const struct standstill_search *search,
				    const struct history_interval *wait);

/* Fill in what the root did, and the sign; @still has its victims and its longest pause. 0 or -ENOMEM. */
int standstill_read(const struct standstill_search *search, const struct standstill_group *group,
		    struct standstill *still);

/* Without a sign: whether most of the service stood still, and not where it waits for work from outside. */
bool standstill_is_doubtful(const struct standstill_search *search, const struct standstill_group *group,
			    const struct standstill *still);

#endif
