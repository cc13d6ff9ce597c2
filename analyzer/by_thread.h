/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A table with one entry for each thread, zero until it is asked for.
 */
#ifndef ANALYZER_BY_THREAD_H
#define ANALYZER_BY_THREAD_H

#include <stddef.h>

#include "analyzer/threads.h"

struct by_thread {
	void *entries;		/* by thread->index */
	size_t count, entry_bytes;
};

/* @thread's entry, made if need be; valid until the next call. NULL on lack of memory. */
void *by_thread_get(struct by_thread *table, const struct thread *thread);

/* The same without making one: NULL where there is none. */
void *by_thread_find(const struct by_thread *table, const struct thread *thread);

void by_thread_free(struct by_thread *table);

#endif
