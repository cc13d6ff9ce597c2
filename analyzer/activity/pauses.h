/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Times in which a thread stood still: it waited for others, or slept, in one place and far longer than it
 * used to there.
 *
 * A pause is one wait, or several short ones in a row that a timer ended, as of a thread that polls or waits
 * with a time limit. A place is an operation and a class: what the thread asked the kernel for.
 */
#ifndef ANALYZER_ACTIVITY_PAUSES_H
#define ANALYZER_ACTIVITY_PAUSES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyzer/activity/observations.h"

struct pause {
	struct thread *thread;
	enum wait_class class;
	enum wait_direction direction;
	uint32_t stack_id;
	uint64_t start_ns, end_ns;
	uint32_t sleeps;	/* 1: one wait; more: slices of it */
	uint64_t slice_ns;	/* of several sleeps, the shortest */
	unsigned int flags;	/* INTERVAL_BEGAN_BEFORE, INTERVAL_STILL_OPEN */
	struct history_interval last; /* the wait that ended it */
	bool novel;		/* the thread hardly ever waits in that place otherwise */
	uint64_t expected;	/* so often it would have gone on meanwhile, at its usual rate */
};

/* How often a thread waits, as a rule. */
struct thread_pace {
	uint64_t waits, observed_ns;
};

struct pauses {
	struct pause *list;	/* by thread, in order of time */
	size_t count, room;
	struct per_thread paces; /* struct thread_pace */
};

/**
 * pauses_find() - the pauses of all threads of the host.
 *
 * @long_ns: shorter ones are left out.
 *
 * Return: 0 or -ENOMEM. Free with pauses_free() in each case.
 */
int pauses_find(const struct observations *observations, uint64_t long_ns, struct pauses *ret_pauses);
void pauses_free(struct pauses *pauses);

/* How often @thread waits in @span_ns, at its pace. */
uint64_t pauses_expected(const struct pauses *pauses, const struct thread *thread, uint64_t span_ns);

#endif
