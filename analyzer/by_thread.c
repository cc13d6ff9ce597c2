/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/by_thread.h"

#include <stdlib.h>
#include <string.h>

#define ENTRIES_LEAST 64u

void *by_thread_find(const struct by_thread *table, const struct thread *thread)
{
	if (thread->index >= table->count)
		return NULL;
	return (char *)table->entries + thread->index * table->entry_bytes;
}

void *by_thread_get(struct by_thread *table, const struct thread *thread)
{
	size_t count = table->count ? table->count : ENTRIES_LEAST;
	void *entries;

	if (thread->index < table->count)
		return (char *)table->entries + thread->index * table->entry_bytes;
	while (count <= thread->index)
		count *= 2;
	entries = reallocarray(table->entries, count, table->entry_bytes);
	if (!entries)
		return NULL;
	memset((char *)entries + table->count * table->entry_bytes, 0,
	       (count - table->count) * table->entry_bytes);
	table->entries = entries;
	table->count = count;
	return (char *)entries + thread->index * table->entry_bytes;
}

void by_thread_free(struct by_thread *table)
{
	free(table->entries);
	*table = (struct by_thread){ .entry_bytes = table->entry_bytes };
}
