/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What threads lost in a stall to waits for a device or for memory: who, in which
 * operations, and who ended the waits.
 */
#ifndef ANALYZER_DETECT_RESOURCE_WAIT_H
#define ANALYZER_DETECT_RESOURCE_WAIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyzer/activity/span_summary.h"
#include "analyzer/activity/observations.h"
#include "analyzer/activity/stall.h"
#include "analyzer/activity/victims.h"

#define SHORTAGE_TOP 3

struct resource_wait {
	uint64_t class_ns[WAIT_CLASSES];
	uint64_t blocked_ns;		/* of all victims */
	struct victim *victims;		/* most blocked first */
	size_t victim_count;
	struct resource_operation {
		const char *text;	/* "fsync"; borrowed from the stack_infos */
		uint64_t ns;
	} operations[SHORTAGE_TOP];	/* most first; text NULL: no more */
	struct resource_waker {
		struct thread *thread;	/* NULL: no more */
		uint64_t ns;		/* of the waits that it ended */
		uint32_t stack_id;	/* where it did */
		uint64_t since_ns, until_ns;	/* the longest of them */
	} wakers[SHORTAGE_TOP];		/* most first */
	uint64_t interrupt_ns;		/* of the waits that an interrupt ended: a device answered */
	/* The process that serves a FUSE file system, where it is what they waited for: wakers[0]. */
	bool served;
	struct span_summary story;	/* of the server in the longest wait that it ended */
};

/* @classes: which waits count, by class. Return: 0 or -ENOMEM. Free with resource_wait_free(). */
int resource_wait_examine(const struct observations *observations, const struct stall *stall,
			  const bool *classes, struct resource_wait *ret_shortage);
void resource_wait_free(struct resource_wait *shortage);

#endif
