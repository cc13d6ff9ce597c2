/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel function names that tell why a thread waits: data only. How a
 * stack is held against them is the business of wait_class.c.
 *
 * Names are bare, as in struct frame.symbol. "sys_brk" stands for every wrapper
 * of that system call (__x64_sys_brk, __do_sys_brk ...); a name that ends in '*'
 * stands for all that begin so. No two of the latter may overlap.
 */
#ifndef ANALYZER_TIMELINE_WAIT_RULES_H
#define ANALYZER_TIMELINE_WAIT_RULES_H

#include <stdbool.h>
#include <stddef.h>

#include "analyzer/timeline/wait_class.h"

/*
 * One row: the first in the table that fits a stack decides. A row fits where a frame has one of
 * the names of @any and what the other fields ask is true of that frame, tried from the leaf.
 */
struct wait_rule {
	enum wait_class class;
	const char *detail;		/* or NULL */
	const char *const *any;		/* ends with NULL, like every list here */
	const char *const *caller;	/* the next frame that is not in @any has such a name */
	const char *const *under;	/* some frame further towards the root has such a name */
	const char *kernels;		/* versions and other remarks, for the reader */
	unsigned int within;		/* among so many frames from the leaf; 0: anywhere */
	enum wait_direction direction;	/* DIRECTION_TAKES: as that of its class */
	const struct wait_words *words;	/* NULL: those of its class */
	bool remote_mm;
	bool sliced;			/* see struct wait_reason */
	bool yields;			/* says also why a runnable thread gets nowhere */
};

extern const struct wait_rule wait_rules[];
extern const size_t wait_rules_count;

/* The row that decides wait_reason_of(); NULL where none fits. In wait_class.c. */
const struct wait_rule *wait_rule_of(const struct frame *frames, size_t count,
				     enum ft_task_state state);

/* Frames on the way to the scheduler: passed over, and not counted by wait_rule.within. */
extern const char *const wait_plumbing[];

/* How a reader-writer lock is wanted. */
extern const char *const wait_for_reading[];
extern const char *const wait_for_writing[];

/* Who lets go of what. The row does not count where @acquire is nearer the leaf than @release. */
struct release_rule {
	enum wait_class family;
	const char *const *release;
	const char *const *acquire;
};

extern const struct release_rule release_rules[];
extern const size_t release_rules_count;

/* Below these an interrupted thread, and not the interrupt, did the work. */
extern const char *const wait_interrupt_entries[];

/* In an address-space operation of the own process, its mmap_lock probably held. */
extern const char *const wait_mmap_sections[];
/* ... but of another process, or of one that has no threads left. */
extern const char *const wait_foreign_mmap_sections[];

/* What a thread asked for: the first row for the outermost frame that has one decides. */
struct operation_rule {
	const char *function;
	const char *also;	/* occurs nearer the leaf; or NULL */
	const char *operation;
};

extern const struct operation_rule operation_rules[];
extern const size_t operation_rules_count;

/* The frames between the root of a kernel thread's stack and its own function. */
extern const char *const wait_kthread_roots[];

#endif
