/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A table with one entry for each thread, zero until it is asked for. An entry never moves: pointers to
 * entries stay valid until the table is freed.
 */
#ifndef ANALYZER_TRACE_PER_THREAD_H
#define ANALYZER_TRACE_PER_THREAD_H

#include <stddef.h>

#include "analyzer/trace/threads.h"

struct per_thread {
	char **blocks;		/* each of a fixed number of entries; NULL: none of them was asked for */
	size_t block_count, entry_bytes;
};

/* @thread's entry, made if need be; valid until per_thread_free(). NULL on lack of memory. */
void *per_thread_get(struct per_thread *table, const struct thread *thread);

/* The same without making one: NULL where there is none. */
void *per_thread_find(const struct per_thread *table, const struct thread *thread);

/* How many threads there may be entries of: an index for per_thread_at(). */
size_t per_thread_count(const struct per_thread *table);

/* The entry of the thread whose index is @index, below per_thread_count(). NULL where there is none. */
void *per_thread_at(const struct per_thread *table, size_t index);

void per_thread_free(struct per_thread *table);

#endif
