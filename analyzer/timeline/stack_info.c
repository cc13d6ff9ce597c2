/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/timeline/stack_info.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/util/array.h"
#include "analyzer/util/hash.h"

struct operation {
	uint32_t id;
	UT_hash_handle hh;
	char name[];
};

int stack_infos_create(const struct stack_table *stacks, struct stack_infos **ret_stack_infos)
{
	struct stack_infos *stack_infos = calloc(1, sizeof(*stack_infos));

	if (!stack_infos)
		return -ENOMEM;
	stack_infos->stacks = stacks;
	*ret_stack_infos = stack_infos;
	return 0;
}

void stack_infos_destroy(struct stack_infos *stack_infos)
{
	if (!stack_infos)
		return;
	hash_free(stack_infos->operations);
	for (uint32_t i = 0; i < stack_infos->room; i++)
		free((void *)stack_infos->known[i]);
	free(stack_infos->known);
	free(stack_infos);
}

static const struct operation *intern_operation(struct stack_infos *stack_infos, const char *name)
{
	struct operation *operation;
	size_t length = strlen(name);

	HASH_FIND_STR(stack_infos->operations, name, operation);
	if (operation)
		return operation;
	operation = calloc(1, sizeof(*operation) + length + 1);
	if (!operation)
		return NULL;
	memcpy(operation->name, name, length + 1);
	operation->id = HASH_COUNT(stack_infos->operations) + 1;
	HASH_ADD_STR(stack_infos->operations, name, operation);
	return operation;
}

static bool has_function(const struct frame *frames, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (frames[i].kernel && frames[i].symbol && !strcmp(frames[i].symbol, name))
			return true;
	return false;
}

static int fill_info(struct stack_infos *stack_infos, uint32_t stack_id, struct stack_info *info)
{
	const struct frame *frames = NULL;
	size_t count = stack_table_frames(stack_infos->stacks, stack_id, &frames);
	const struct operation *operation;
	char buffer[64];
	const char *name;

	*info = (struct stack_info){ .operation = "" };
	info->sleeping = wait_reason_of(frames, count, FT_STATE_SLEEPING);
	info->uninterruptible = wait_reason_of(frames, count, FT_STATE_DISK);
	info->stopped = wait_reason_of(frames, count, FT_STATE_STOPPED);
	info->preempted = wait_reason_of(frames, count, FT_STATE_PREEMPTED);
	info->releases = wait_releases(frames, count);
	info->releases_read =
		info->releases != WAIT_UNKNOWN && has_function(frames, count, "up_read");
	info->own_softirq = wait_own_softirq(frames, count);
	info->by_timer = has_function(frames, count, "hrtimer_wakeup") ||
			 has_function(frames, count, "process_timeout") ||
			 has_function(frames, count, "it_real_fn");
	info->holds_mmap = wait_holds_mmap(frames, count);
	info->user_only = count > 0 && !frames[0].kernel;
	name = wait_operation(frames, count, buffer, sizeof(buffer));
	if (!*name)
		return 0;
	operation = intern_operation(stack_infos, name);
	if (!operation)
		return -ENOMEM;
	info->operation = operation->name;
	info->operation_id = operation->id;
	return 0;
}

const struct stack_info *stack_infos_find_out(struct stack_infos *stack_infos, uint32_t stack_id)
{
	struct stack_info *info;

	if (array_reach(stack_infos->known, stack_infos->room, stack_id))
		return NULL;
	info = malloc(sizeof(*info));
	if (!info || fill_info(stack_infos, stack_id, info)) {
		free(info);
		return NULL;
	}
	stack_infos->known[stack_id] = info;
	return info;
}

const struct wait_reason *stack_info_reason(const struct stack_info *info, enum ft_task_state state)
{
	switch (state) {
	case FT_STATE_RUNNING:
	case FT_STATE_PREEMPTED:
		return &info->preempted;
	case FT_STATE_DISK:
		return &info->uninterruptible;
	case FT_STATE_STOPPED:
	case FT_STATE_TRACED:
		return &info->stopped;
	default:
		return &info->sleeping;
	}
}
