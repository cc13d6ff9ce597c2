/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who ran on the CPUs that a thread wanted, while it wanted them.
 */
#ifndef ANALYZER_ACTIVITY_INSTEAD_H
#define ANALYZER_ACTIVITY_INSTEAD_H

#include <stddef.h>
#include <stdint.h>

#include "analyzer/timeline/timeline.h"

#define INSTEAD_TOP 3

struct occupant {
	struct thread *thread;
	uint64_t ran_ns;
};

/* A time during which a thread was runnable, and where. */
struct instead_span {
	uint64_t start_ns, end_ns;
	uint32_t cpu;
};

struct instead {
	struct instead_span *spans;	/* in order of time, without overlap */
	size_t count, room;
	struct occupant *occupants;
	size_t occupant_count;
};

/* In order of time. 0 or -ENOMEM. */
int instead_span(struct instead *instead, uint64_t start_ns, uint64_t end_ns, uint32_t cpu);

/* Every interval of the timeline. 0 or -ENOMEM. */
int instead_closed(struct instead *instead, const struct interval *interval);

/* Most of the time first, @top has room for INSTEAD_TOP. Return: how many. */
size_t instead_tell(struct instead *instead, struct occupant *top);
void instead_free(struct instead *instead);

#endif
