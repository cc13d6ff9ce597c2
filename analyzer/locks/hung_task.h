/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A line of the kernel's hung-task detector that names the owner of a lock.
 *
 * It is written about tasks that sleep uninterruptibly, and cannot be killed, for
 * kernel.hung_task_timeout_secs; who owns the lock is in it since Linux 6.15 (mutex), 6.16
 * (semaphore) and 6.17 (rwsem), with CONFIG_DETECT_HUNG_TASK_BLOCKER.
 */
#ifndef ANALYZER_LOCKS_HUNG_TASK_H
#define ANALYZER_LOCKS_HUNG_TASK_H

#include <stdbool.h>
#include <stdint.h>

#include "analyzer/trace/threads.h"
#include "analyzer/timeline/wait_class.h"

struct hung_name {
	int32_t tid;
	char comm[FT_COMM_BYTES];
};

struct hung_task {
	struct hung_name waiter, owner;
	enum wait_class family; /* WAIT_LOCK_MUTEX or _RWSEM */
	bool owner_reads; /* an rwsem, held for reading: others may hold it as well */
};

/* Whether @note, the text of a note, is such a line: of a mutex or an rwsem. Of semaphores only
 * who took them last is known. */
bool hung_task_parse(const char *note, struct hung_task *ret_hung);

/* Whether @note is such a line, or one that says for how long a task has been blocked: which one. */
bool hung_task_waiter(const char *note, struct hung_name *ret_waiter);

/*
 * The thread with that tid and that name; NULL where there is none. *@ret_another: it
 * has another name: who the line was about is gone, or was renamed.
 */
struct thread *hung_task_thread(const struct threads *threads, const struct hung_name *name,
			       bool *ret_another);

#endif
