/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What threads lost in a stall to waits for a device or for memory: who, in which
 * operations, and who ended the waits.
 */
#ifndef ANALYZER_SHORTAGE_H
#define ANALYZER_SHORTAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyzer/activity/span_summary.h"
#include "analyzer/trace/source.h"
#include "analyzer/timeline/stack_info.h"
#include "analyzer/activity/stall.h"
#include "analyzer/blame/contended_lock.h"
#include "analyzer/trace/target.h"

#define SHORTAGE_TOP 3

struct shortage {
	uint64_t class_ns[WAIT_CLASSES];
	uint64_t blocked_ns;		/* of all victims */
	struct victim *victims;		/* most blocked first */
	size_t victim_count;
	struct shortage_operation {
		const char *text;	/* "fsync"; borrowed from the stackfacts */
		uint64_t ns;
	} operations[SHORTAGE_TOP];	/* most first; text NULL: no more */
	struct shortage_waker {
		struct thread *thread;	/* NULL: no more */
		uint64_t ns;		/* of the waits that it ended */
		uint32_t stack_id;	/* where it did */
		uint64_t since_ns, until_ns;	/* the longest of them */
	} wakers[SHORTAGE_TOP];		/* most first */
	uint64_t interrupt_ns;		/* of the waits that an interrupt ended: a device answered */
	/* The process that serves a FUSE file system, where it is what they waited for: wakers[0]. */
	bool served;
	struct hold_story story;	/* of the server in the longest wait that it ended */
};

/**
 * shortage_examine() - read the source again, once or twice.
 *
 * @classes: which waits count, by class.
 *
 * Return: 0, -ENOMEM, -EIO. Free with shortage_free().
 */
int shortage_examine(struct source *source, struct stackfacts *stackfacts, struct target *target,
		     const struct stall *stall, const bool *classes, struct shortage *ret_shortage);
void shortage_free(struct shortage *shortage);

#endif
