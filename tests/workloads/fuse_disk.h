/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file system in user space (FUSE), whose daemon "fused" has one thread: when it is
 * ordered to (truth_order()), it sleeps before it answers the next read, or mknod of
 * FUSE_DISK_SLOW. It is mounted nowhere: it goes with the process.
 */
#ifndef TESTS_WORKLOADS_FUSE_DISK_H
#define TESTS_WORKLOADS_FUSE_DISK_H

#define FUSE_DISK_FILE "file" /* 4 KB; any other can be asked for, and does not come to be */
#define FUSE_DISK_SLOW "slow"

/* Return: its root directory. Before any thread is started. */
int fuse_disk_open(void);

#endif
