/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines of the kernel's hung-task detector, which may name the owner of a lock.
 *
 * They are about tasks that sleep uninterruptibly, and cannot be killed, for kernel.hung_task_timeout_secs. They
 * name the owner since Linux 6.15 (mutex), 6.16 (semaphore) and 6.17 (rwsem), with CONFIG_DETECT_HUNG_TASK_BLOCKER.
 * A line proves who held the lock at its time, and since then as long as no release was seen. Lines from before
 * the recording are kept, but prove nothing: they may be about waits that began before it.
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

/* Whether @note, the text of a note, is such a line about a mutex or an rwsem. For a semaphore the kernel
 * knows only who took it last. */
bool hung_task_parse(const char *note, struct hung_task *ret_hung);

/* Whether @note is such a line, or one that says for how long a task has been blocked: which one. */
bool hung_task_waiter(const char *note, struct hung_name *ret_waiter);

/*
 * The thread with that tid and that name; NULL where there is none. *@ret_another: the tid has
 * another name, so the thread of the line is gone or was renamed.
 */
struct thread *hung_task_thread(const struct threads *threads, const struct hung_name *name,
			       bool *ret_another);

#endif
