/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The priority of the calling thread: a recorder that is started while others have all CPUs is to
 * record at once. Where that is not permitted nothing happens.
 */
#ifndef RECORDER_BASE_PRIORITY_H
#define RECORDER_BASE_PRIORITY_H

#include <pthread.h>

/* Above ordinary work, and below the kernel's interrupt threads (50). */
#define PRIORITY_REALTIME 10

/*
 * Before what comes first of all: real-time, in turns with others of that priority. It is for a
 * fraction of a second of computing, and is not inherited.
 */
void priority_begin_urgent(void);

/*
 * For all the rest: the first of ordinary threads. Threads and processes that are started later
 * inherit it. One that reads a file for which it takes a lock of the target keeps it, so that it
 * does not wait for a CPU with that lock.
 */
void priority_settle(void);

/*
 * Start a thread that has real-time priority from its first moment: one that gives it to itself
 * waits for a CPU before. It is an ordinary one where that is not permitted.
 *
 * Return: 0 or the errno of pthread_create().
 */
int priority_start_realtime(pthread_t *ret_thread, void *(*run)(void *context), void *context);

#endif
