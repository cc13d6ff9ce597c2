/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a ring file lies, and whose it is: one recorder at a time has it, and
 * what a dead one left is kept.
 */
#ifndef RECORDER_BUFFER_RING_PATH_H
#define RECORDER_BUFFER_RING_PATH_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * ring_path_choose() - the ring file's name in the first of @dirs that will do.
 *
 * A directory will do if it is on a tmpfs and nobody else can change what is in it. It is made,
 * mode 0700, where only its last part is missing.
 *
 * Return: 0, -ENOENT (none will do), -ENAMETOOLONG.
 */
int ring_path_choose(const char *const *dirs, size_t count, char *ret_path, size_t path_bytes);

/* In the first of /run/freezetrap, $XDG_RUNTIME_DIR/freezetrap and /dev/shm/freezetrap-UID. Return:
 * as ring_path_choose(). */
int ring_path_default(char *ret_path, size_t path_bytes);

#define RINGPLACE_KEPT_MAX   2
#define RINGPLACE_NAME_BYTES (NAME_MAX + 8)

struct ring_path {
	int dir_fd, fd;
	char name[NAME_MAX + 1];	/* in the directory */
	bool on_tmpfs;
	int32_t holder;	/* on -EBUSY: process that has the file; 0: not known */
};

/**
 * ring_path_open() - an empty file @path, mode 0600, locked.
 *
 * With a lock of this process and not with flock(), which children that hang in the kernel would
 * go on to hold when the recorder is dead. So this process must not open and close the file another
 * time while it holds it.
 *
 * Return: 0, -EBUSY (a recorder that lives has it), -EEXIST (no ring file: left as it is),
 * -EPERM (belongs to another user, or has other names), -ELOOP (a symbolic link), -EINVAL
 * (not a regular file), or the errno of what failed. In each case call ring_path_close().
 */
int ring_path_open(struct ring_path *place, const char *path);

/**
 * ring_path_kept() - the name, in the directory, of what is kept of dead recorders: at 0 NAME.old, the first one's,
 * which a later one's replaces only after a day; at 1 NAME.old2, the last one's since.
 *
 * Return: whether there is such a file.
 */
bool ring_path_kept(const struct ring_path *place, size_t index, char *ret_name, size_t name_bytes);

/* The file loses its name, unless that is another file's by now. */
void ring_path_unlink(const struct ring_path *place);
void ring_path_close(struct ring_path *place);	/* lets go of the lock */

#endif
