/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The place of a ring file. One recorder at a time owns the file, and what a dead one left is kept.
 */
#ifndef RECORDER_BUFFER_RING_PATH_H
#define RECORDER_BUFFER_RING_PATH_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * ring_path_choose() - the path of the ring file in the first of @dirs that is usable.
 *
 * A directory is usable if it is on a tmpfs and nobody else can change its content. It is made with
 * mode 0700 where only its last part is missing.
 *
 * Return: 0, -ENOENT (none is usable), -ENAMETOOLONG.
 */
int ring_path_choose(const char *const *dirs, size_t count, char *ret_path, size_t path_bytes);

/*
 * Chooses among /run/freezetrap, $XDG_RUNTIME_DIR/freezetrap and /dev/shm/freezetrap-UID. Return:
 * as ring_path_choose().
 */
int ring_path_default(char *ret_path, size_t path_bytes);

#define RING_PATH_KEPT_MAX   2
#define RING_PATH_NAME_BYTES (NAME_MAX + 8)

struct ring_path {
	int dir_fd, fd;
	char name[NAME_MAX + 1];	/* in the directory */
	bool on_tmpfs;
	int32_t holder;	/* on -EBUSY: the process that owns the file; 0: not known */
};

/**
 * ring_path_open() - make @path an empty locked file of mode 0600.
 *
 * The lock is one of fcntl(): children that hang in the kernel would hold one of flock() after the
 * recorder is dead. So this process must not open and close the file a second time meanwhile.
 *
 * Return: 0, -EBUSY (a live recorder owns it), -EEXIST (no ring file; left as it is),
 * -EPERM (belongs to another user, or has other names), -ELOOP (a symbolic link), -EINVAL
 * (not a regular file), or the errno of what failed. In each case call ring_path_close().
 */
int ring_path_open(struct ring_path *place, const char *path);

/**
 * ring_path_kept() - the name, in the directory, of the ring that is kept of a dead recorder.
 *
 * @index: 0 for NAME.old, the first ring, which a later one replaces only after a day; 1 for
 *         NAME.old2, the last ring since then.
 *
 * Return: whether there is such a file.
 */
bool ring_path_kept(const struct ring_path *place, size_t index, char *ret_name, size_t name_bytes);

/* Removes the file's name, unless it names another file by now. */
void ring_path_unlink(const struct ring_path *place);
void ring_path_close(struct ring_path *place);	/* releases the lock */

#endif
