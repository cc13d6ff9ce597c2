/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why one thread waited: the chain of events behind one of its waits, down to somebody who was not
 * waiting.
 *
 * A wait has actors: who held the lock, or who woke the thread up. An actor has waits of its own in
 * that time, which have actors again. The walk ends at running code, a device, a timer, a gap in
 * what was recorded, or at its limits.
 */
#ifndef ANALYZER_EXPLAIN_EXPLAIN_H
#define ANALYZER_EXPLAIN_EXPLAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyzer/activity/event_excerpt.h"
#include "analyzer/activity/thread_waits.h"
#include "analyzer/activity/wait_objects.h"
#include "analyzer/explain/wait_spec.h"
#include "analyzer/model.h"

struct observations;

#define EXPLAIN_DEPTH_MAX 6	/* waits of waits of ... */
#define EXPLAIN_ACTORS_MAX 3	/* of one wait */
#define EXPLAIN_HOPS_MAX 32	/* hand-overs within a queue; they do not count as depth */
#define EXPLAIN_WAITS_MAX 64	/* in all */
#define EXPLAIN_NONE SIZE_MAX

enum explain_role {
	EXPLAIN_HOLDER,		/* it held what was waited for */
	EXPLAIN_WAKER,		/* it ended the wait */
	EXPLAIN_OCCUPANT,	/* it had the CPU that was waited for */
};

/* Where a chain ends. */
enum explain_root {
	EXPLAIN_GOES_ON,	/* it does not end here */
	EXPLAIN_RUNNING,	/* code that ran */
	EXPLAIN_CPU,		/* ready to run, without a CPU */
	EXPLAIN_TIMER, EXPLAIN_DEVICE, EXPLAIN_NETWORK,	/* what woke it */
	EXPLAIN_INTERRUPT,	/* an interrupt woke it, of a kind that is not known */
	EXPLAIN_STILL_OPEN,	/* nobody had ended the wait when the recording ended */
	EXPLAIN_NOT_SEEN,	/* who ended it is not in the capture */
	EXPLAIN_CYCLE,		/* back at a thread that waits further up */
	EXPLAIN_TOLD,		/* explained elsewhere on the page */
	EXPLAIN_SLEPT,		/* an actor that mostly waited, each time for short */
	EXPLAIN_LOST,		/* what happened in most of that time is not known */
	EXPLAIN_LIMIT,		/* not followed any further */
	EXPLAIN_ROOTS
};
const char *explain_root_name(enum explain_root root);	/* "running" ..., for programs */

/* One event, times as in the model. */
struct explain_event {
	uint64_t at_ns;
	enum excerpt_kind kind;
	uint32_t cpu;			/* or FT_NO_CPU */
	const struct thread *other;
	struct model_stack stack;
	bool in_interrupt;
	enum ft_task_state state;
	enum wait_class class;		/* LEAVES_CPU: what for */
	uint64_t address;
	enum lock_mode mode;		/* LOCK_BEGIN, _ACQUIRED, _RELEASED */
	const char *call;
	bool wakes;			/* CALL: futex, to wake and not to wait */
	uint64_t bytes;
};

struct explain_excerpt {
	struct explain_event *events;
	size_t count, gap;		/* @left_out more come after the first @gap */
	uint64_t left_out;
};

struct explain_piece {
	const struct thread *owner;	/* NULL: nobody, for all there is of it */
	enum grade grade;
	uint64_t start_ns, end_ns;	/* of nobody's: only its length is meant, as 0 to it */
};

struct explain_wait {
	size_t actor;			/* whose wait it is; EXPLAIN_NONE: the one asked for */
	unsigned int depth;
	bool hop;			/* the actor queued for the same lock and passed it on */
	const struct thread *thread;
	bool for_cpu;			/* ready to run; else blocked */
	enum wait_class class;
	const char *detail, *operation;	/* detail: NULL; operation: "" */
	uint64_t start_ns, end_ns, waited_ns;
	uint64_t within_ns;		/* of it in the actor's span; of the root all of it */
	uint32_t sleeps;
	bool began_before, still_open;
	bool begin_inferred, end_inferred; /* no event is there; it began no later than start_ns */
	bool is_lock;
	uint64_t lock_address;
	int32_t lock_tgid;
	struct explain_piece pieces[THREAD_WAIT_PIECES_MAX + 1];
	size_t piece_count;
	uint32_t left_out;		/* pieces */
	uint64_t left_out_ns;
	uint32_t gaps;			/* spans of lost events in it, */
	uint64_t lost_events;		/* with so many; 0: number not known */
	struct explain_excerpt excerpt;
	struct wait_object_text object;	/* at which it waited; "" not known */
	struct wait_object_text peers;	/* who has the other end; "" not known */
	struct model_stack stack;
	enum explain_root root;
	const struct thread *waker;	/* for a root that is one; NULL */
	struct thread_wait observed;	/* what it was made from, on the clock of the events */
};

struct explain_actor {
	size_t wait;			/* that it is behind */
	const struct thread *thread;
	enum explain_role role;
	enum grade grade;
	uint64_t start_ns, end_ns;	/* what it did in this time counts */
	uint64_t state_ns[THREAD_STATES];
	uint32_t intervals;
	uint64_t waits_seen;		/* those that are worth it are in explanation.waits */
	struct cpu_profile profile;
	struct model_stack stack;	/* sampled most often */
	struct explain_excerpt excerpt;	/* without the events of the waits that were followed */
	enum explain_root root;
	size_t told;			/* TOLD: number of the actor; CYCLE: of the wait */
};

enum explain_choice {
	EXPLAIN_BY_TIME,
	EXPLAIN_LONGEST_HURTING,
	EXPLAIN_LONGEST,
	EXPLAIN_OF_FINDING,	/* the thread is a finding's victim: its longest wait there */
	EXPLAIN_OF_VICTIM,	/* it is a culprit: the longest wait of its first victim */
};

struct explanation {
	enum explain_choice choice;
	int32_t culprit_tid;		/* OF_VICTIM: the one asked for */
	const char *culprit_comm;	/* "" */
	uint64_t waits_seen;		/* that the choice was made from */
	unsigned int hops;
	struct explain_wait *waits;	/* the first is the one asked for */
	size_t wait_count;
	struct explain_actor *actors;
	size_t actor_count;
};

/**
 * explain_run() - ask what was observed, once for each step of the chain.
 *
 * @observations:    of the capture; borrowed for as long as the explanation is used, as is @model.
 * @ret_explanation: free with explanation_free().
 * @ret_message:     on -ESRCH and -ENOENT a malloc'ed text for a person: what is not there, and
 *                   what is.
 *
 * Return: 0, -ESRCH (no such thread), -ENOENT (no such wait), -ENOMEM.
 */
int explain_run(const struct observations *observations, const struct model *model,
		const struct wait_spec *spec, struct explanation **ret_explanation,
		char **ret_message);
void explanation_free(struct explanation *explanation);

#endif
