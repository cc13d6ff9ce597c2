/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/timeline/stack_info.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

/* Facts live in blocks that never move, so that callers may keep pointers. */
#define BLOCK_INFOS 1024u

struct operation {
	uint32_t id;
	UT_hash_handle hh;
	char name[];
};

struct known_info {
	struct stack_info info;
	bool known;
};

struct stack_infos {
	const struct stack_table *stacks;
	struct known_info **blocks;
	size_t block_count;
	struct operation *operations;
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
	struct operation *operation, *next;

	if (!stack_infos)
		return;
	HASH_ITER(hh, stack_infos->operations, operation, next)
	{
		HASH_DEL(stack_infos->operations, operation);
		free(operation);
	}
	for (size_t i = 0; i < stack_infos->block_count; i++)
		free(stack_infos->blocks[i]);
	free(stack_infos->blocks);
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

static int grow_blocks(struct stack_infos *stack_infos, size_t block)
{
	struct known_info **blocks;

	if (block < stack_infos->block_count)
		return 0;
	blocks = reallocarray(stack_infos->blocks, block + 1, sizeof(*blocks));
	if (!blocks)
		return -ENOMEM;
	stack_infos->blocks = blocks;
	memset(blocks + stack_infos->block_count, 0,
	       (block + 1 - stack_infos->block_count) * sizeof(*blocks));
	stack_infos->block_count = block + 1;
	return 0;
}

const struct stack_info *stack_infos_get(struct stack_infos *stack_infos, uint32_t stack_id)
{
	size_t block = stack_id / BLOCK_INFOS;
	struct known_info *known;

	if (grow_blocks(stack_infos, block))
		return NULL;
	if (!stack_infos->blocks[block]) {
		stack_infos->blocks[block] = calloc(BLOCK_INFOS, sizeof(struct known_info));
		if (!stack_infos->blocks[block])
			return NULL;
	}
	known = &stack_infos->blocks[block][stack_id % BLOCK_INFOS];
	if (!known->known) {
		if (fill_info(stack_infos, stack_id, &known->info))
			return NULL;
		known->known = true;
	}
	return &known->info;
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
