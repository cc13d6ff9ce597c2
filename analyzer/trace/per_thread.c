/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A table with one entry for each thread.
 */
#include "analyzer/trace/per_thread.h"

#include <stdlib.h>
#include <string.h>

#define BLOCKS_LEAST 16u

/* Make room for the pointer of block @number. 0 or -1. */
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

void *per_thread_make(struct per_thread *table, size_t index)
{
	size_t number = index / PER_THREAD_BLOCK_ENTRIES;

	if (number >= table->block_count && grow_blocks(table, number))
		return NULL;
	if (!table->blocks[number])
		table->blocks[number] = calloc(PER_THREAD_BLOCK_ENTRIES, table->entry_bytes);
	return per_thread_at(table, index);
}

void per_thread_free(struct per_thread *table)
{
	for (size_t i = 0; i < table->block_count; i++)
		free(table->blocks[i]);
	free(table->blocks);
	*table = (struct per_thread){ .entry_bytes = table->entry_bytes };
}
