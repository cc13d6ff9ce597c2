/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file system whose disk can be made slow: ext4 on a loop device on memory, throttled
 * by the blkio controller of cgroup v1. It is mounted nowhere: it goes with the process,
 * and so does the throttle.
 */
#ifndef TESTS_WORKLOADS_SLOW_DISK_H
#define TESTS_WORKLOADS_SLOW_DISK_H

#include <stddef.h>
#include <stdint.h>

/* Return: its root directory. @flag: a mount option without value, or NULL. Before any thread is started. */
int slow_disk_open(const char *flag);
/* A new file of @bytes bytes, on the disk. Return: it, for reading and writing, O_DIRECT. */
int slow_disk_file(int directory, const char *name, size_t bytes);
/* Slow from now on, for truth_seconds(): a thread "disk" ends it. */
void slow_disk_slow_down(void);

#endif
