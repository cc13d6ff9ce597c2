/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one that feeds others did while they waited for it, and what it does at other times.
 */
#ifndef ANALYZER_DETECT_SLOW_PRODUCER_PROFILE_H
#define ANALYZER_DETECT_SLOW_PRODUCER_PROFILE_H

#include "analyzer/detect/slow_producer.h"

struct conduct {
	struct slow_producer feeder;
	struct stall_span *spans;	/* when somebody waited for it; in order of time, apart */
	size_t span_count;
	uint64_t observed_ns;		/* outside of these */
	uint64_t run_start_ns, run_end_ns; /* its run so far; empty: it does not run */
	uint32_t stacks, end_stacks;	/* seen meanwhile; at the end of a process */
};

/* The times of @waits, which it sorts, as @conduct's spans. Return: 0 or -ENOMEM. */
int conduct_spans(struct conduct *conduct, struct long_wait *waits, size_t count);

/* @conduct: the spans and the feeder's thread, stall and longest wait are set; gets the rest. Return: 0 or -ENOMEM. */
int conduct_read(struct conduct *conduct, const struct observations *observations);

/* With its feeder. */
void conduct_free(struct conduct *conduct);

#endif
