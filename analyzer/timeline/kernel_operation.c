/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/timeline/kernel_operation.h"

#include <errno.h>
#include <stdlib.h>

#include "analyzer/trace/per_thread.h"

#define OPERATION_USER	  0u /* in user space, or not known where */
#define OPERATION_ENTERED UINT32_MAX /* entered a call; the next stack will tell its operation */

struct seen {
	uint32_t operation_id;
	uint32_t stack_id;
	uint64_t since_ns; /* last time seen in another operation, or the entry */
	uint64_t seen_ns; /* last time seen at all */
	bool exact;
	bool holds_mmap;
};

struct kernel_operations {
	struct stack_infos *stack_infos;
	struct per_thread seen; /* struct seen */
};

int kernel_operations_create(struct stack_infos *stack_infos,
			     struct kernel_operations **ret_operations)
{
	struct kernel_operations *operations = calloc(1, sizeof(*operations));

	if (!operations)
		return -ENOMEM;
	operations->stack_infos = stack_infos;
	operations->seen.entry_bytes = sizeof(struct seen);
	*ret_operations = operations;
	return 0;
}

void kernel_operations_destroy(struct kernel_operations *operations)
{
	if (!operations)
		return;
	per_thread_free(&operations->seen);
	free(operations);
}

static void note_operation(struct seen *seen, uint32_t operation_id, uint64_t time_ns)
{
	if (seen->operation_id == OPERATION_ENTERED && operation_id != OPERATION_USER) {
		seen->operation_id = operation_id;
	} else if (seen->operation_id != operation_id) {
		seen->since_ns = seen->seen_ns;
		seen->exact = false;
		seen->operation_id = operation_id;
	}
	seen->seen_ns = time_ns;
}

static int note_stack(struct kernel_operations *operations, struct seen *seen,
		      const struct event *event)
{
	const struct stack_info *info = stack_infos_get(operations->stack_infos, event->stack_id);

	if (!info)
		return -ENOMEM;
	/* An interrupt taken in user space has a kernel stack of no operation: it tells nothing. */
	if (!info->operation_id && !info->user_only)
		return 0;
	note_operation(seen, info->operation_id, event->raw.time_ns);
	seen->holds_mmap = info->holds_mmap;
	/* Such stacks leave out the slow path of the lock that is waited for. */
	if (event->raw.kind == FT_EVENT_STATE &&
	    stack_info_reason(info, event->raw.state.state)->class == WAIT_LOCK_MMAP)
		seen->holds_mmap = false;
	seen->stack_id = event->stack_id;
	return 0;
}

int kernel_operations_event(struct kernel_operations *operations, const struct event *event)
{
	struct seen *seen;

	if (!event->thread || event->thread->idle_task)
		return 0;
	switch (event->raw.kind) {
	case FT_EVENT_SWITCH:
	case FT_EVENT_SAMPLE:
	case FT_EVENT_WAKING:
	case FT_EVENT_CALL:
	case FT_EVENT_STATE:
		break;
	default:
		return 0;
	}
	if (event->raw.kind == FT_EVENT_WAKING && event->raw.waking.in_interrupt)
		return 0;
	seen = per_thread_get(&operations->seen, event->thread);
	if (!seen)
		return -ENOMEM;
	if (event->raw.kind == FT_EVENT_CALL) {
		seen->operation_id = OPERATION_ENTERED;
		seen->since_ns = seen->seen_ns = event->raw.time_ns;
		seen->exact = true;
		seen->holds_mmap = false;
		return 0;
	}
	if (event->stack_id != STACK_NONE)
		return note_stack(operations, seen, event);
	/* Switched out on the way back to user space: the operation, if any, is over. */
	if (event->raw.kind == FT_EVENT_SWITCH &&
	    event->raw.switch_.prev_state == FT_STATE_RUNNING) {
		note_operation(seen, OPERATION_USER, event->raw.time_ns);
		seen->holds_mmap = false;
		seen->stack_id = STACK_NONE;
	} else if (event->raw.kind == FT_EVENT_SWITCH &&
		   event->raw.switch_.prev_state != FT_STATE_PREEMPTED) {
		seen->holds_mmap = false; /* it sleeps nobody knows where */
	}
	return 0;
}

struct operation_since kernel_operations_since(const struct kernel_operations *operations,
					       const struct thread *thread)
{
	const struct seen *seen = per_thread_find(&operations->seen, thread);

	if (!seen)
		return (struct operation_since){ 0 };
	return (struct operation_since){
		.since_ns = seen->since_ns,
		.exact = seen->exact,
		.holds_mmap = seen->holds_mmap,
		.outside = seen->seen_ns && seen->operation_id == OPERATION_USER,
		.stack_id = seen->stack_id,
		.seen_ns = seen->seen_ns,
	};
}
