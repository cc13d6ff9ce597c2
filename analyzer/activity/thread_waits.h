/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one thread did in one span of time: how long it was in each state, where
 * its CPU samples are, and its most telling waits, each with whom it is charged to.
 */
#ifndef ANALYZER_ACTIVITY_THREAD_WAITS_H
#define ANALYZER_ACTIVITY_THREAD_WAITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyzer/locks/lock_tracker.h"
#include "analyzer/activity/cpu_profile.h"
#include "analyzer/trace/source.h"
#include "analyzer/timeline/stack_info.h"
#include "analyzer/timeline/timeline.h"

#define DEED_WAITS_MAX 3
#define DEED_PIECES_MAX 12

/* A part of a wait for a lock, with the one who held it. */
struct deed_piece {
	struct thread *owner;
	uint64_t start_ns, end_ns;
	enum grade grade;
};

/* One sleep, several for the same lock, or one time without a CPU. */
struct deed_wait {
	struct thread *thread;
	enum thread_state state;	/* BLOCKED or RUNNABLE */
	enum wait_class class;
	const char *detail;		/* NULL */
	const char *operation;		/* "" */
	uint64_t start_ns, end_ns;
	uint64_t waited_ns;		/* of it in @state: all of it where it is one sleep */
	uint32_t sleeps;
	unsigned int flags;		/* INTERVAL_*, of all its sleeps */
	uint32_t stack_id;		/* of its first sleep */
	struct thread *waker;		/* who ended it; NULL: not seen */
	uint32_t waker_stack_id;
	bool waker_in_interrupt;
	uint64_t ran_ns;		/* when it ran again; 0: not seen */
	uint32_t cpu;			/* where it ran again; where not seen, had run; or FT_NO_CPU */
	bool is_lock;
	uint64_t lock_address;		/* 0: not known */
	int32_t lock_tgid;
	struct deed_piece pieces[DEED_PIECES_MAX];	/* in order of time; the longest */
	size_t piece_count;
	uint64_t left_out_ns;		/* charged to somebody in the pieces left out, */
	uint32_t left_out;		/* so many */
	uint64_t overlap_ns;		/* of it within the span */
};

struct deeds_options {
	struct thread *thread;
	uint64_t start_ns, end_ns;
	/* Which waits to keep: the greatest, none of 0. NULL: by overlap_ns. Sees each wait of the
	 * thread, also those outside of the span. */
	uint64_t (*rank)(void *context, const struct deed_wait *wait);
	void *context;
};

struct deeds_story {
	uint64_t state_ns[THREAD_STATES];	/* within the span */
	uint32_t intervals;			/* of any state, within it */
	struct deed_wait waits[DEED_WAITS_MAX];	/* highest rank first */
	size_t wait_count;
	uint64_t waits_seen;			/* with a rank, those that were not kept included */
	struct cpu_profile profile;			/* CPU samples within the span */
};

struct deeds;

int deeds_create(const struct stack_table *stacks, struct stack_infos *stackfacts,
		 const struct deeds_options *options, struct deeds **ret_deeds);	/* 0 or -ENOMEM */
void deeds_destroy(struct deeds *deeds);

/* Feed every event. 0 or -ENOMEM. */
int deeds_event(struct deeds *deeds, const struct event *event);

/* From a watcher of ownership, charges of any waiter. */
void deeds_charged(struct deeds *deeds, const struct thread *waiter,
		   const struct deed_piece *piece);

/* Every interval of the timeline; after the charges of it. 0 or -ENOMEM. */
int deeds_closed(struct deeds *deeds, const struct lock_tracker *locks, const struct interval *interval);

/* After the last interval. Return: 0 or -ENOMEM. Free with cpu_profile_free(&ret_story->profile). */
int deeds_tell(struct deeds *deeds, struct deeds_story *ret_story);

#endif
