/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which processes have a pipe, a socket or a queue open, by the links of their descriptors.
 *
 * Only links are read. Nothing is opened that they lead to, and nothing takes mmap_lock.
 */
#ifndef RECORDER_PROC_FD_ENDS_H
#define RECORDER_PROC_FD_ENDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/event.h"

#define FD_ENDS_KEPT   4
#define FD_ENDS_CPU_NS 100000000ull /* enough for a host with 30,000 descriptors */

/* What to look for, and what was found. */
struct fd_ends {
	char link[FT_NAME_BYTES_MAX];	/* as readlink() has it: "pipe:[8123]" */
	uint32_t access;		/* FT_OBJECT_READABLE or _WRITABLE: only descriptors for that; 0: any */
	struct ft_task found[FD_ENDS_KEPT]; /* the first ones */
	uint32_t count;			/* of processes */
};

/**
 * fd_ends_find() - look at all processes of the host.
 *
 * @proc: "/proc", or another directory for a test.
 * @cpu_ns: so much CPU time it may take.
 *
 * Return: whether all processes were looked at.
 */
bool fd_ends_find(const char *proc, struct fd_ends *ends, size_t count, uint64_t cpu_ns);

/* The first thread of process @tgid, by its name. Return: false where it is not there. */
bool fd_ends_name(const char *proc, int32_t tgid, struct ft_task *ret_task);

/* The link of descriptor @fd, and what it was opened for (FT_OBJECT_READABLE, _WRITABLE). Return: its bytes or -errno. */
int fd_ends_read_link(int directory, const char *fd, char *ret_link, size_t link_bytes, uint32_t *ret_access);

#endif
