/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/trace/per_thread.h"

#include <stdlib.h>
#include <string.h>

#define BLOCK_ENTRIES 64u
#define BLOCKS_LEAST  16u

size_t per_thread_count(const struct per_thread *table)
{
	return table->block_count * BLOCK_ENTRIES;
}

void *per_thread_at(const struct per_thread *table, size_t index)
{
	char *block;

	if (index / BLOCK_ENTRIES >= table->block_count)
		return NULL;
	block = table->blocks[index / BLOCK_ENTRIES];
	return block ? block + index % BLOCK_ENTRIES * table->entry_bytes : NULL;
}

void *per_thread_find(const struct per_thread *table, const struct thread *thread)
{
	return per_thread_at(table, thread->index);
}

/* Room for the pointer of block @number. 0 or -1. */
static int grow_blocks(struct per_thread *table, size_t number)
{
	size_t count = table->block_count ? table->block_count : BLOCKS_LEAST;
	char **blocks;

	while (count <= number)
		count *= 2;
	blocks = reallocarray(table->blocks, count, sizeof(*blocks));
	if (!blocks)
		return -1;
	memset(blocks + table->block_count, 0, (count - table->block_count) * sizeof(*blocks));
	table->blocks = blocks;
	table->block_count = count;
	return 0;
}

void *per_thread_get(struct per_thread *table, const struct thread *thread)
{
	size_t number = thread->index / BLOCK_ENTRIES;

	if (number >= table->block_count && grow_blocks(table, number))
		return NULL;
	if (!table->blocks[number])
		table->blocks[number] = calloc(BLOCK_ENTRIES, table->entry_bytes);
	return per_thread_at(table, thread->index);
}

void per_thread_free(struct per_thread *table)
{
	for (size_t i = 0; i < table->block_count; i++)
		free(table->blocks[i]);
	free(table->blocks);
	*table = (struct per_thread){ .entry_bytes = table->entry_bytes };
}
