/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A table with one entry for each thread, zero until it is asked for. An entry never moves:
 * pointers to entries stay valid until the table is freed.
 */
#ifndef ANALYZER_TRACE_PER_THREAD_H
#define ANALYZER_TRACE_PER_THREAD_H

#include <stddef.h>

#include "analyzer/trace/threads.h"

#define PER_THREAD_BLOCK_ENTRIES 64u

/* Zero-initialise but for entry_bytes; per_thread_free() when done. */
struct per_thread {
	char **blocks;		/* each of PER_THREAD_BLOCK_ENTRIES; NULL: none was asked for */
	size_t block_count, entry_bytes;
};

/* How many threads there may be entries of: an index for per_thread_at(). */
static inline size_t per_thread_count(const struct per_thread *table)
{
	return table->block_count * PER_THREAD_BLOCK_ENTRIES;
}

/* The entry of the thread whose index is @index. NULL where there is none. */
static inline void *per_thread_at(const struct per_thread *table, size_t index)
{
	size_t number = index / PER_THREAD_BLOCK_ENTRIES;
	char *block = number < table->block_count ? table->blocks[number] : NULL;

	return block ? block + index % PER_THREAD_BLOCK_ENTRIES * table->entry_bytes : NULL;
}

/* The same for a thread. */
static inline void *per_thread_find(const struct per_thread *table, const struct thread *thread)
{
	return per_thread_at(table, thread->index);
}

/* Make the entry of the thread whose index is @index. NULL on lack of memory. */
void *per_thread_make(struct per_thread *table, size_t index);

/* @thread's entry, made if need be; several are asked for at each event. NULL on lack of memory. */
static inline void *per_thread_get(struct per_thread *table, const struct thread *thread)
{
	void *entry = per_thread_at(table, thread->index);

	return entry ? entry : per_thread_make(table, thread->index);
}

void per_thread_free(struct per_thread *table);

#endif
