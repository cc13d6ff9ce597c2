/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a thread waits for at one moment, and which thread is to end that: who has the lock, who
 * empties the pipe, who answers.
 */
#ifndef ANALYZER_DETECT_STUCK_WAIT_H
#define ANALYZER_DETECT_STUCK_WAIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyzer/activity/observations.h"
#include "analyzer/trace/per_thread.h"

/* Who waited at pipes and sockets for what a thread gave there. */
struct stuck_readers {
	struct per_thread by_writer; /* struct partners */
};

/* Reads all of the history. 0 or -ENOMEM; free it in each case. */
int stuck_readers_find(const struct observations *observations, struct stuck_readers *ret_readers);
void stuck_readers_free(struct stuck_readers *readers);

struct stuck_moment {
	const struct observations *observations;
	const struct stuck_readers *readers;
	uint64_t at_ns;
	bool open; /* it is the end of the recording */
};

enum stuck_link {
	STUCK_UNKNOWN,	/* nobody is known */
	STUCK_HOLDER,	/* who has the lock */
	STUCK_LIKELY,	/* the only one who may have it */
	STUCK_TAKER,	/* who takes what is given there, as wake-ups show */
	STUCK_ANSWERER, /* who ended such waits before */
};

struct stuck_wait {
	struct long_wait wait;
	uint64_t futex;		/* of one that may be a lock, but is not known to be: its address; 0 */
	struct thread *whom;	/* it waits for; NULL: not known */
	enum stuck_link link;	/* to that one */
	bool sure;		/* that it is that one */
	size_t next;		/* for deadlock.c: the wait of whom, as an index; SIZE_MAX: it is in none */
};

/* The wait that @thread is in at the moment, and that may be a part of a deadlock: for a lock of
 * user space or a file, at a full pipe or socket, or for an answer that is overdue. False: none. */
bool stuck_wait_find(const struct stuck_moment *moment, struct thread *thread,
		     struct stuck_wait *ret_wait);

/* The same of one that is known already: @wait goes on at the moment. */
void stuck_wait_read(const struct stuck_moment *moment, const struct long_wait *wait,
		     struct stuck_wait *ret_wait);

/* Whether @wait goes on at the moment, and is for a lock of user space or of a file. */
bool stuck_wait_for_lock(const struct stuck_moment *moment, const struct long_wait *wait);

/* Whether it is for a lock, or for what may be one. */
bool stuck_wait_locked(const struct stuck_wait *wait);

/* Whether both are for the same lock. */
bool stuck_wait_same_lock(const struct stuck_wait *a, const struct stuck_wait *b);

/* Who let @thread go on at the end of @interval by letting go the lock; NULL: nobody did. */
struct thread *stuck_wait_handed_by(const struct history *history,
				    const struct history_interval *interval);

/* Who had the lock that @wait was for just before @at_ns, as what came later shows; NULL. */
struct thread *stuck_wait_holder(const struct history *history, const struct long_wait *wait,
				 uint64_t at_ns, bool *ret_sure);

#endif
