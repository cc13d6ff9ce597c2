/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who was last at the other end of a System V message queue.
 */
#ifndef RECORDER_PROC_SYSV_QUEUE_H
#define RECORDER_PROC_SYSV_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

/**
 * sysv_queue_last() - from /proc/sysvipc/msg, where the waiter has the recorder's namespace of queues.
 *
 * @waiter: the process that waits.
 * @sends: it waits to send, so that the last receiver is wanted; else the last sender.
 *
 * Return: a process, 0 where it is not known.
 */
int32_t sysv_queue_last(const char *proc, int32_t waiter, uint64_t queue, bool sends);

#endif
