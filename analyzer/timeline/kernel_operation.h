/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Since when has a thread been inside the kernel operation it is in now?
 *
 * Bounds how far back a claim "it held the lock" may reach: a thread that was
 * seen in user space, or in another system call, did not hold the lock of this one then.
 */
#ifndef ANALYZER_TIMELINE_KERNEL_OPERATION_H
#define ANALYZER_TIMELINE_KERNEL_OPERATION_H

#include <stdbool.h>
#include <stdint.h>

#include "analyzer/trace/source.h"
#include "analyzer/timeline/stack_info.h"

struct kernel_operations;

int kernel_operations_create(struct stack_infos *stack_infos, struct kernel_operations **ret_operations);
void kernel_operations_destroy(struct kernel_operations *operations);

/* Feed every event, in order. Return: 0 or -ENOMEM. */
int kernel_operations_event(struct kernel_operations *operations, const struct event *event);

struct operation_since {
	uint64_t since_ns;	/* not in it before this time; 0: perhaps since before the recording */
	bool exact;		/* since_ns is the entry itself, not only a bound */
	bool holds_mmap;	/* last seen where it may hold its process' mmap_lock */
	bool outside;		/* last seen in user space, or on the way there */
	uint32_t stack_id;	/* where last seen */
	uint64_t seen_ns;	/* when */
};

/* What is known of @thread at the last event fed. All zero for a thread not seen. */
struct operation_since kernel_operations_since(const struct kernel_operations *operations,
					const struct thread *thread);

#endif
