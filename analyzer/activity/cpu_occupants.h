/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who had one CPU in one span of time, and for how long.
 */
#ifndef ANALYZER_ACTIVITY_CPU_OCCUPANTS_H
#define ANALYZER_ACTIVITY_CPU_OCCUPANTS_H

#include <stddef.h>
#include <stdint.h>

#include "analyzer/timeline/timeline.h"

struct cpu_share;

struct cpu_occupant {
	const struct thread *thread;
	uint64_t ran_ns;
	uint32_t times;
};

int cpu_share_create(uint32_t cpu, uint64_t start_ns, uint64_t end_ns,
		     struct cpu_share **ret_share);	/* 0 or -ENOMEM */
void cpu_share_destroy(struct cpu_share *share);

/* Every interval of the timeline. 0 or -ENOMEM. */
int cpu_share_closed(struct cpu_share *share, const struct interval *interval);

/* Those that had most of it, most first, into @ret_occupants. Return: how many, at most @room. */
size_t cpu_share_tell(const struct cpu_share *share, struct cpu_occupant *ret_occupants,
		      size_t room);

#endif
