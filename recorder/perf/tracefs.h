/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Access to this host's tracefs.
 */
#ifndef RECORDER_PERF_TRACEFS_H
#define RECORDER_PERF_TRACEFS_H

#include <stdbool.h>
#include <stddef.h>

struct tracefs {
	int dir_fd;		/* -1: not open */
	const char *where;	/* for people: its path, or "a private mount" */
};

/**
 * tracefs_open() - open the mounted tracefs, else a private one that nobody else sees.
 *
 * The private one is never attached to the tree: nothing on the host changes.
 *
 * Return: 0, -EACCES (mounted, but this user may not read it), -ENOENT (not mounted and not
 * permitted to mount), -ENODATA (it holds no events: lockdown, or a kernel without them).
 */
int tracefs_open(struct tracefs *ret_tracefs);
void tracefs_close(struct tracefs *tracefs);

/**
 * tracefs_read() - the text of a file such as "events/sched/sched_switch/id".
 *
 * @ret_text: malloc'ed, zero-terminated.
 *
 * Return: 0, -EFBIG (above 1 MiB), -ENOMEM, or the errno of open or read.
 */
int tracefs_read(const struct tracefs *tracefs, const char *path, char **ret_text,
		 size_t *ret_bytes);

#endif
