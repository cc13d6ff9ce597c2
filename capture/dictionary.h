/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tasks, stacks and names that a segment has defined so far while it is being encoded.
 *
 * The dictionary is fixed in size and bounded in time: clearing it costs nothing, a lookup
 * visits a few places at most, and an entry that finds no place is refused.
 */
#ifndef FT_CAPTURE_DICTIONARY_H
#define FT_CAPTURE_DICTIONARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "capture/decoder.h"
#include "capture/event.h"
#include "capture/format.h"

#define DICTIONARY_SLOTS_LOG2 14 /* at most half full */
#define DICTIONARY_SLOTS (1u << DICTIONARY_SLOTS_LOG2)
#define DICTIONARY_NAME_SLOTS_LOG2 11
#define DICTIONARY_NAME_SLOTS (1u << DICTIONARY_NAME_SLOTS_LOG2)
#define DICTIONARY_STACK_KEYS (FT_STACK_FRAMES_MAX + 1)
#define DICTIONARY_NONE UINT16_MAX

/* In use only if it is of the dictionary's present generation. */
struct dictionary_slot {
	uint16_t generation, index;
};

struct dictionary_stack {
	uint32_t hash;
	uint32_t first; /* of its frames in frames[] */
	uint16_t kernel_count, user_count;
};

struct dictionary_name {
	const char *text; /* borrowed */
	uint32_t hash, bytes;
};

struct dictionary {
	uint32_t tasks_count, stacks_count, frames_count, names_count;
	uint16_t generation;
	struct ft_task tasks[FT_DICTIONARY_MAX];
	/* of each task, or DICTIONARY_NONE */
	uint16_t last_stacks[FT_DICTIONARY_MAX][FT_STACK_SORTS];
	struct dictionary_stack stacks[FT_DICTIONARY_MAX];
	uint64_t frames[FT_DICTIONARY_FRAMES_MAX];
	struct dictionary_slot task_slots[DICTIONARY_SLOTS];
	struct dictionary_slot stack_slots[DICTIONARY_SLOTS];
	struct dictionary_name names[FT_DICTIONARY_NAMES_MAX];
	struct dictionary_slot name_slots[DICTIONARY_NAME_SLOTS];
	uint64_t stack_keys[DICTIONARY_STACK_KEYS];
};

/* Once, after allocation. */
void dictionary_init(struct dictionary *dictionary);

/* Forget everything. */
void dictionary_clear(struct dictionary *dictionary);

/**
 * dictionary_task() - the place of @task, made for it if it has none.
 *
 * @ret_index: == the tasks_count of before the call for a new one.
 *
 * Return: 0 or -ENOBUFS.
 */
int dictionary_task(struct dictionary *dictionary, const struct ft_task *task,
		    uint32_t *ret_index);
int dictionary_stack(struct dictionary *dictionary, const struct ft_stack *stack,
		     uint32_t *ret_index);

/* @text: @bytes, zero included. A new entry borrows it until dictionary_keep_name(). */
int dictionary_name(struct dictionary *dictionary, const char *text, uint32_t bytes,
		    uint32_t *ret_index);

/* @text: the same text as that of entry @index, valid until the dictionary is cleared. */
void dictionary_keep_name(struct dictionary *dictionary, uint32_t index, const char *text);

static inline bool dictionary_task_is(const struct dictionary *dictionary, uint32_t index,
				      const struct ft_task *task)
{
	const struct ft_task *entry = &dictionary->tasks[index];

	return entry->tid == task->tid && entry->tgid == task->tgid &&
	       memcmp(entry->comm, task->comm, sizeof(entry->comm)) == 0;
}

static inline bool dictionary_stack_is(const struct dictionary *dictionary, uint32_t index,
				       const struct ft_stack *stack)
{
	const struct dictionary_stack *entry = &dictionary->stacks[index];
	size_t count = (size_t)stack->kernel_count + stack->user_count;

	return entry->kernel_count == stack->kernel_count &&
	       entry->user_count == stack->user_count &&
	       (count == 0 || memcmp(&dictionary->frames[entry->first], stack->frames,
				     count * sizeof(*stack->frames)) == 0);
}

#endif
