/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Somebody waited for the target, as a trigger says, and no wait of its
 * threads explains it: which thread ran without a break all the while, or
 * slept through it?
 */
#ifndef ANALYZER_DETECT_BUSY_THREAD_H
#define ANALYZER_DETECT_BUSY_THREAD_H

#include <stdbool.h>
#include <stdint.h>

#include "analyzer/activity/cpu_profile.h"
#include "analyzer/activity/observations.h"
#include "analyzer/trace/trigger.h"
#include "analyzer/timeline/wait_class.h"

enum busy_thread_kind { EPISODE_NONE, EPISODE_BUSY, EPISODE_ASLEEP };

struct busy_thread {
	enum busy_thread_kind kind;
	struct thread *thread;
	uint64_t start_ns, end_ns;	/* the whole of it, which the trigger's window is a part of */
	bool began_before, still_open;	/* the recording does not hold all of it */
	uint64_t state_ns[THREAD_STATES];
	enum wait_class class;		/* ASLEEP: what it slept in, */
	uint32_t stack_id;		/* and where */
	bool began_with_it;		/* it began about when the waiting did, not long before */
	bool earlier;			/* over before the trigger, which does not say since when somebody waited */
	uint32_t others;		/* threads of the target of which the like is true */
	struct cpu_profile profile;		/* BUSY: what it ran */
};

/**
 * busy_thread_find() - the thread that most likely kept them waiting.
 *
 * A thread that also slept like that outside of the window is used to it, and passed over.
 * The main thread is preferred: it is the one that serves in programs with one event loop.
 *
 * A trigger that does not say since when somebody waited may come late: where nothing went on right before it, the
 * longest that a thread did in the time that it may be about is taken, if it did nothing like
 * that at other times and is one that serves.
 *
 * @ret_episode: kind EPISODE_NONE where no thread of the target is like that.
 *
 * Return: 0 or -ENOMEM. Free with cpu_profile_free(&ret_episode->profile).
 */
int busy_thread_find(const struct observations *observations, const struct trigger_window *window,
		     struct busy_thread *ret_episode);

#endif
