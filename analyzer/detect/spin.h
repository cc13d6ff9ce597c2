/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads that run and get nowhere: they spin for a lock, in the kernel or in a loop of their own.
 *
 * Spinning is no wait for the scheduler. It shows in CPU samples only: of threads that do not sleep
 * for long, and are always in the kernel's slow path of a spinlock, or always in the same few
 * instructions. Two threads at least spin at the same time for the same lock. In user space a loop
 * of a few instructions may also be work: then it needs one that slept until they went on, or a
 * function with "spin" in its name.
 */
#ifndef ANALYZER_DETECT_SPIN_H
#define ANALYZER_DETECT_SPIN_H

#include "analyzer/activity/victims.h"
#include "analyzer/detect/detectors.h"

struct spin_sleep {
	uint64_t start_ns, end_ns;
	uint32_t stack_id;
	enum ft_task_state prev_state;
};

struct spin {
	bool in_kernel;			/* else in user space */
	uint64_t start_ns, end_ns;
	bool began_before, still_open;
	struct victim *victims;		/* who spun, most first; blocked_ns: for how long */
	size_t victim_count;
	uint64_t lost_ns;		/* of all */
	uint32_t samples, spinning;	/* CPU samples of them meanwhile; those that show it */
	uint32_t stack_id;		/* one of the latter */
	const char *function;		/* the loop's; in the kernel the one that takes the lock; NULL: not known */
	/* In user space: the one thread of the process that slept until they went on; NULL: none,
	 * or several. */
	struct thread *sleeper;
	struct spin_sleep sleep;
	uint64_t resumed_ns;		/* it ran again ... */
	uint64_t freed_ns;		/* ... and the first of them went on; also without a sleeper */
};

/* Whether two addresses are in one loop that does nothing but look at a lock. */
bool spin_is_same_loop(uint64_t a, uint64_t b);

/* The finding spin-contention; see struct detector. */
void spin_report(const struct detect_context *in, const void *found, struct model_finding *finding);

#endif
