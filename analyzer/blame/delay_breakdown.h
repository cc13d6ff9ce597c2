/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why did a thread take so long: what it waited for in one span of time, who
 * ended that, and who had the CPU that it wanted.
 */
#ifndef ANALYZER_BLAME_DELAY_BREAKDOWN_H
#define ANALYZER_BLAME_DELAY_BREAKDOWN_H

#include <stddef.h>
#include <stdint.h>

#include "analyzer/blame/wait_chain.h"
#include "analyzer/activity/cpu_occupants.h"
#include "analyzer/activity/cpu_profile.h"

#define DELAY_WAITS_MAX 4
#define DELAY_OCCUPANTS_MAX 3

/* Its waits of one kind, in one operation. */
struct delay_wait {
	enum wait_class class;	/* WAIT_CPU_RUNQUEUE: it was runnable */
	const char *operation;	/* "" */
	uint64_t waited_ns, longest_ns, count;
	enum history_link link;	/* of the longest one */
	struct thread *by;	/* likewise; NULL */
	struct wait_chain_root root;	/* where most of the time leads to */
	uint64_t root_ns;	/* so much of it */
};

struct delay_breakdown {
	struct delay_wait waits[DELAY_WAITS_MAX];	/* longest sum first */
	size_t wait_count;
	struct cpu_profile profile;	/* of the time when it ran */
	struct cpu_occupant occupants[DELAY_OCCUPANTS_MAX];	/* who had the CPU that it wanted */
	size_t occupant_count;
};

/* @walk: its root and context are not used. @threads: any of them may have had the CPU. Free with
 * delay_breakdown_free(). Return: 0 or -ENOMEM. */
int delay_breakdown_find(const struct wait_chain_walk *walk, const struct stack_table *stacks,
		 const struct threads *threads, struct thread *thread,
		 uint64_t start_ns, uint64_t end_ns, struct delay_breakdown *ret_delays);
void delay_breakdown_free(struct delay_breakdown *delays);

#endif
