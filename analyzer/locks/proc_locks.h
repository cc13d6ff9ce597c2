/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Locks of files as the recorder saw them in /proc/locks: which one a thread waited for, and which process took it.
 *
 * No stack and no event tells. The list has processes, not threads, and is believed where there is one choice. A
 * wait that was under way then is for that lock from beginning to end, and the same process has the lock until the
 * wait ends, as a release wakes all who wait.
 */
#ifndef ANALYZER_LOCKS_PROC_LOCKS_H
#define ANALYZER_LOCKS_PROC_LOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyzer/trace/source.h"
#include "analyzer/timeline/stack_info.h"
#include "analyzer/timeline/timeline.h"
#include "capture/filelock.h"

struct proc_locks;

struct proc_locks_wait {
	struct thread *thread;
	uint64_t start_ns, end_ns, seen_ns; /* when the list was read */
	unsigned int flags;		/* INTERVAL_* */
	uint32_t stack_id;
	bool told;			/* no doubt which lock it is; then: */
	enum ft_filelock_kind kind;
	uint64_t address;		/* stands for the file, see proc_locks_text() */
	int32_t holder;			/* process that took the lock; 0: the kernel does not tell */
};

int proc_locks_create(struct proc_locks **ret_listed);
void proc_locks_destroy(struct proc_locks *listed);

/* Feed every event of the first decoding; it keeps the lines of /proc/locks. 0 or -ENOMEM. */
int proc_locks_event(struct proc_locks *listed, const struct event *event);

/* Feed switches and snapshots of states, too: which sleeps for file locks the lines are about. @start_ns: of the
 * recording. 0 or -ENOMEM. */
int proc_locks_sleep_event(struct proc_locks *listed, struct stack_infos *stack_infos,
			   const struct event *event, uint64_t start_ns);

/* After the last event, before proc_locks_judge(). 0 or -ENOMEM. */
int proc_locks_end_sleeps(struct proc_locks *listed, uint64_t end_ns);

/* After the first decoding. Return: whether a wait's lock is told. */
bool proc_locks_judge(struct proc_locks *listed);

/* Of all told waits for @address the one that is under way at the end and began first; NULL. */
const struct proc_locks_wait *proc_locks_open(const struct proc_locks *listed, uint64_t address);

/* The wait that @thread is in at the end, told; NULL. */
const struct proc_locks_wait *proc_locks_open_of(const struct proc_locks *listed, const struct thread *thread);

/* "08:01:1234": device and inode. */
const char *proc_locks_text(const struct proc_locks *listed, uint64_t address);

#endif
