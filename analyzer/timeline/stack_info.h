/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What each distinct stack means, found once: the wait class of a thread that
 * slept or was preempted there, the lock a waker there lets go, the operation.
 */
#ifndef ANALYZER_TIMELINE_STACK_INFO_H
#define ANALYZER_TIMELINE_STACK_INFO_H

#include <stdbool.h>
#include <stdint.h>

#include "analyzer/trace/stack_table.h"
#include "analyzer/timeline/wait_class.h"

/* What was found so far; the members are for stack_infos_get() alone. */
struct stack_infos {
	const struct stack_info **known;	/* by stack id; NULL: not looked at yet */
	uint32_t room;				/* ids below it have a place */
	const struct stack_table *stacks;
	struct operation *operations;
};

struct stack_info {
	struct wait_reason sleeping;	/* of a thread that went to interruptible sleep there */
	struct wait_reason uninterruptible;
	struct wait_reason stopped;
	struct wait_reason preempted;	/* of a thread that lost its CPU there */
	enum wait_class releases;	/* family of the lock that a waker there lets go */
	bool releases_read;		/* ... as a reader of it */
	bool own_softirq;		/* a waker there woke by what it did itself, though in a softirq */
	bool by_timer;			/* a timer woke there */
	bool holds_mmap;		/* there a thread may hold its process' mmap_lock */
	bool user_only;			/* no kernel frames: the thread was in user space */
	uint32_t operation_id;		/* same operation, same id; 0: the stack does not tell */
	const char *operation;		/* "munmap", "page fault"; "" */
};

int stack_infos_create(const struct stack_table *stacks, struct stack_infos **ret_stack_infos);
void stack_infos_destroy(struct stack_infos *stack_infos);

/* Why a thread that left its CPU there was not running; @state as the switch said. */
const struct wait_reason *stack_info_reason(const struct stack_info *info, enum ft_task_state state);

/* The direction of a wait of @class there. That a futex is a lock, the stack does not say. */
static inline enum wait_direction stack_info_direction(const struct stack_info *info, enum ft_task_state state,
						       enum wait_class class)
{
	const struct wait_reason *reason = stack_info_reason(info, state);

	return reason->class == class ? reason->direction : wait_class_direction(class);
}

/* The same for a stack that was not looked at yet. */
const struct stack_info *stack_infos_find_out(struct stack_infos *stack_infos, uint32_t stack_id);

/* Borrowed until destroyed; of STACK_NONE too. NULL on lack of memory. Inline: it is asked several times an event. */
static inline const struct stack_info *stack_infos_get(struct stack_infos *stack_infos, uint32_t stack_id)
{
	return stack_id < stack_infos->room && stack_infos->known[stack_id]
		       ? stack_infos->known[stack_id]
		       : stack_infos_find_out(stack_infos, stack_id);
}

#endif
