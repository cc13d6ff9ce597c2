/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/perf/tracefs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "recorder/base/read_file.h"

#define TEXT_BYTES_MAX	(1u << 20)
#define FSCONFIG_CREATE 6 /* FSCONFIG_CMD_CREATE: C libraries before 2.36 lack it and the calls */

static const char *const MOUNTS[] = { "/sys/kernel/tracing", "/sys/kernel/debug/tracing" };

static int open_mounted(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	struct statfs fs;
	if (fstatfs(fd, &fs) < 0 || fs.f_type != TRACEFS_MAGIC) {
		close(fd);
		return -ENOENT;
	}
	return fd;
}

static int open_private(void)
{
	int fd = -ENOENT;
	int context = (int)syscall(SYS_fsopen, "tracefs", 1 /* FSOPEN_CLOEXEC */);
	if (context < 0)
		return -errno;
	if (syscall(SYS_fsconfig, context, FSCONFIG_CREATE, NULL, NULL, 0) == 0) {
		fd = (int)syscall(SYS_fsmount, context, 1 /* FSMOUNT_CLOEXEC */, 0);
		if (fd < 0)
			fd = -errno;
	}
	close(context);
	return fd;
}

static bool has_events(int dir_fd, int *ret_error)
{
	*ret_error = faccessat(dir_fd, "events/sched/sched_switch/id", R_OK, AT_EACCESS) < 0
			     ? -errno
			     : 0;
	return *ret_error == 0;
}

int tracefs_open(struct tracefs *ret_tracefs)
{
	int best_error = -ENOENT; /* the most telling error so far */
	for (size_t i = 0; i <= sizeof(MOUNTS) / sizeof(MOUNTS[0]); i++) {
		bool mounted = i < sizeof(MOUNTS) / sizeof(MOUNTS[0]);
		int fd = mounted ? open_mounted(MOUNTS[i]) : open_private();
		int error = fd < 0 ? fd : 0;
		if (fd >= 0 && has_events(fd, &error)) {
			*ret_tracefs = (struct tracefs){
				.dir_fd = fd,
				.where = mounted ? MOUNTS[i] : "a private mount",
			};
			return 0;
		}
		if (fd >= 0) {
			close(fd);
			best_error = error == -EACCES ? -EACCES : -ENODATA;
		} else if (error == -EACCES && mounted) {
			best_error = -EACCES;
		}
	}
	return best_error;
}

void tracefs_close(struct tracefs *tracefs)
{
	if (tracefs->dir_fd >= 0)
		close(tracefs->dir_fd);
	tracefs->dir_fd = -1;
}

int tracefs_read(const struct tracefs *tracefs, const char *path, char **ret_text,
		 size_t *ret_bytes)
{
	return read_file(tracefs->dir_fd, path, TEXT_BYTES_MAX, ret_text, ret_bytes);
}
