/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many threads wanted a CPU when, and what was lost by it.
 */
#ifndef ANALYZER_DETECT_RUN_QUEUE_H
#define ANALYZER_DETECT_RUN_QUEUE_H

#include <stddef.h>
#include <stdint.h>

/* Zero-initialise; free with run_queue_free(). */
struct run_queue {
	struct run_queue_step *steps;
	size_t count, room;
};

/* A thread was queued from @from_ns to @to_ns. 0 or -ENOMEM. */
int run_queue_add(struct run_queue *queue, uint64_t from_ns, uint64_t to_ns);

/* No more threads: before run_queue_lost(). */
void run_queue_finish(struct run_queue *queue);

/* What was lost from @from_ns to @to_ns: the time of each thread that was queued. */
uint64_t run_queue_lost(const struct run_queue *queue, uint64_t from_ns, uint64_t to_ns);

void run_queue_free(struct run_queue *queue);

#endif
