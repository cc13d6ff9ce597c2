/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The writer that makes readers wait for a reader: a reader-writer lock lets
 * nobody in behind a writer that queues.
 */
#ifndef ANALYZER_BLAME_QUEUED_WRITER_H
#define ANALYZER_BLAME_QUEUED_WRITER_H

#include <stddef.h>
#include <stdint.h>

#include "analyzer/trace/threads.h"
#include "analyzer/timeline/wait_class.h"

struct queued_writer {
	struct thread *writer;	/* NULL: there is none */
	uint64_t since_ns;	/* queued */
	uint64_t readers;	/* threads that came behind it ... */
	uint64_t behind_ns;	/* ... and how long they waited while it did */
};

/* The waits for one lock. */
struct queue_wait {
	struct thread *thread;
	enum lock_mode mode;
	uint64_t start_ns, end_ns;
};

struct writer_queue {
	struct queue_wait *waits;	/* in order of their ends */
	size_t count, room;
};

/* Note a sleep of @thread for the lock; short ones and those past some thousands are left out. 0
 * or -ENOMEM. */
int queued_writer_add(struct writer_queue *queue, struct thread *thread, enum lock_mode mode, uint64_t start_ns,
	      uint64_t end_ns);
void queued_writer_free(struct writer_queue *queue);

/* The writer with most behind it while a reader held the lock from @from_ns to @to_ns. Sorts the
 * queue. */
struct queued_writer queued_writer_find(struct writer_queue *queue, uint64_t from_ns, uint64_t to_ns);

#endif
