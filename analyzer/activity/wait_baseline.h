/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What each thread's waits for others are like as a rule, and which waits are outliers: a thread
 * that is idle waits as it did before, a thread that starves does not. And which thread ends them:
 * the producer of what is waited for.
 *
 * Filled by one replay. Memory grows with threads and the operations that they wait in.
 */
#ifndef ANALYZER_ACTIVITY_WAIT_BASELINE_H
#define ANALYZER_ACTIVITY_WAIT_BASELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyzer/timeline/stack_info.h"
#include "analyzer/timeline/timeline.h"

/* A thread's waits of one class in one operation. */
struct thread_baseline {
	uint64_t count, longest_ns;
	uint64_t median_ns;	/* at most this long, to a factor of two */
};

/* A wait that may have been for a producer that was late. */
struct producer_wait {
	struct thread *thread;
	enum wait_class class;
	uint32_t stack_id;
	uint64_t start_ns, end_ns;
	unsigned int flags;	/* INTERVAL_* */
	struct thread_baseline before;	/* count 0: there are too few to compare with */
	bool early;		/* there were too few before it: these came afterwards */
	/* The thread that it waited for, by the chain of wake-ups at its end; NULL: not seen. */
	struct thread *producer;
	uint32_t links;	/* length of that chain; 0: still open, the producer is who usually ends such waits */
	uint64_t produced, wakeups;	/* of @before, ended by the producer, and by anybody who was seen */
};

struct wait_baseline;

/* @long_ns: shorter waits are no stall. Return: 0 or -ENOMEM. */
int wait_baseline_create(struct stack_infos *stack_infos, uint64_t long_ns, struct wait_baseline **ret_baseline);
void wait_baseline_destroy(struct wait_baseline *baseline);

/**
 * wait_baseline_closed() - a blocked interval is over.
 *
 * @class:  what it was for.
 * @info:   of its stack.
 * @counts: its thread may be somebody's victim, and by its class it is idle; or for a FUSE file system.
 * @ret_unusual: it is idle by its class, but far longer than this thread's were before; or it is
 *          long and for a child, of which each is another.
 *
 * Return: 0 or -ENOMEM.
 */
int wait_baseline_closed(struct wait_baseline *baseline, const struct interval *interval, enum wait_class class,
		 const struct stack_info *info, bool counts, bool *ret_unusual);

/* After timeline_finish(): find the producers of waits that are still open. */
void wait_baseline_finish(struct wait_baseline *baseline);

/*
 * In order of their ends: the unusual waits, of which those with too few others of the kind are
 * without use, and all long ones for a FUSE file system. Borrowed.
 */
size_t wait_baseline_producer_waits(const struct wait_baseline *baseline, const struct producer_wait **ret_waits);

/*
 * In which class of waits @producer is when its waiters wake it, if it is they who do so
 * most of the time; else WAIT_UNKNOWN. @waits as of wait_baseline_producer_waits().
 */
enum wait_class wait_baseline_request_class(const struct wait_baseline *baseline, const struct thread *producer,
			       const struct producer_wait *waits, size_t count);

#endif
