/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the control socket is, when nobody says where.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "recorder/arm/control_server.h"

bool control_candidate(size_t index, char *ret_path, size_t path_bytes)
{
	const char *runtime_dir = getenv("XDG_RUNTIME_DIR");

	if (index > 0 && (!runtime_dir || runtime_dir[0] != '/'))
		index++;
	switch (index) {
	case 0:
		snprintf(ret_path, path_bytes, "/run/freezetrap/control");
		return true;
	case 1:
		snprintf(ret_path, path_bytes, "%s/freezetrap/control", runtime_dir);
		return true;
	case 2:
		snprintf(ret_path, path_bytes, "/dev/shm/freezetrap-%u/control",
			 (unsigned int)geteuid());
		return true;
	default:
		return false;
	}
}

/* /dev/shm is everybody's: who made the directory decides who can replace what is in it. */
static int make_own_directory(const char *dir)
{
	struct stat status;

	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return -errno;
	if (lstat(dir, &status) < 0)
		return -errno;
	if (!S_ISDIR(status.st_mode) || status.st_uid != geteuid() || status.st_mode & 022)
		return -EPERM;
	return faccessat(AT_FDCWD, dir, W_OK | X_OK, AT_EACCESS) < 0 ? -errno : 0;
}

int control_default_path(char *ret_path, size_t path_bytes)
{
	char path[PATH_MAX], dir[PATH_MAX];
	int err = -ENOENT;

	for (size_t i = 0; control_candidate(i, path, sizeof(path)); i++) {
		strcpy(dir, path);
		err = make_own_directory(dirname(dir));
		if (err)
			continue;
		if (strlen(path) >= path_bytes)
			return -ENAMETOOLONG;
		strcpy(ret_path, path);
		return 0;
	}
	return err;
}
