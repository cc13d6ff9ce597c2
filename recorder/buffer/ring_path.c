/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/buffer/ring_path.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "capture/ringfile.h"

#define FILE_NAME "ring"
#define DAY_S	  (24 * 3600)
#define ATTEMPTS  16 /* the name may become another file's between looking and locking */

static bool is_tmpfs(int fd)
{
	struct statfs status;
	return fstatfs(fd, &status) == 0 &&
	       (status.f_type == TMPFS_MAGIC || status.f_type == RAMFS_MAGIC);
}

/* Opens the directory that holds the last part of @path. Return: a descriptor or -errno. */
static int open_parent(const char *path, const char **ret_last)
{
	const char *slash = strrchr(path, '/');
	char dir[PATH_MAX];
	*ret_last = slash ? slash + 1 : path;
	if (!**ret_last)
		return -EISDIR;
	if (strlen(*ret_last) > NAME_MAX || (slash && slash - path >= PATH_MAX))
		return -ENAMETOOLONG;
	snprintf(dir, sizeof(dir), "%.*s", slash ? (int)(slash - path) : 1, slash ? path : ".");
	int fd = open(slash == path ? "/" : dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static bool is_private(int dir_fd)
{
	struct stat status;
	return fstat(dir_fd, &status) == 0 && (status.st_uid == geteuid() || status.st_uid == 0) &&
	       !(status.st_mode & (S_IWGRP | S_IWOTH)) &&
	       faccessat(dir_fd, ".", W_OK, AT_EACCESS) == 0;
}

/* Makes the directory where it is missing, but only on a tmpfs. */
static bool is_usable_dir(const char *dir)
{
	const char *last;
	int parent_fd = open_parent(dir, &last);
	if (parent_fd < 0)
		return false;
	if (is_tmpfs(parent_fd))
		mkdirat(parent_fd, last, 0700); /* it may exist */
	int fd = openat(parent_fd, last, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	close(parent_fd);
	if (fd < 0)
		return false;
	bool will = is_tmpfs(fd) && is_private(fd);
	close(fd);
	return will;
}

int ring_path_choose(const char *const *dirs, size_t count, char *ret_path, size_t path_bytes)
{
	for (size_t i = 0; i < count; i++) {
		if (!is_usable_dir(dirs[i]))
			continue;
		int length = snprintf(ret_path, path_bytes, "%s/" FILE_NAME, dirs[i]);
		return (size_t)length < path_bytes ? 0 : -ENAMETOOLONG;
	}
	return -ENOENT;
}

int ring_path_default(char *ret_path, size_t path_bytes)
{
	const char *runtime_dir = getenv("XDG_RUNTIME_DIR");
	char of_session[PATH_MAX] = "", of_user[64];
	const char *const dirs[] = { "/run/freezetrap", of_session, of_user };
	if (runtime_dir && runtime_dir[0] == '/' && strlen(runtime_dir) < PATH_MAX - 16)
		snprintf(of_session, sizeof(of_session), "%s/freezetrap", runtime_dir);
	snprintf(of_user, sizeof(of_user), "/dev/shm/freezetrap-%u", (unsigned int)geteuid());
	return ring_path_choose(dirs, sizeof(dirs) / sizeof(dirs[0]), ret_path, path_bytes);
}

/* Refuses a file that another user can reach. */
static int check_file(int fd)
{
	struct stat status;
	if (fstat(fd, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode))
		return -EINVAL;
	return status.st_uid == geteuid() && status.st_nlink <= 1 ? 0 : -EPERM;
}

static int lock_file(struct ring_path *place)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	if (fcntl(place->fd, F_SETLK, &lock) == 0)
		return 0;
	if (errno != EACCES && errno != EAGAIN)
		return -errno;
	if (fcntl(place->fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK && lock.l_pid > 0)
		place->holder = lock.l_pid;
	return -EBUSY;
}

static bool has_its_name(const struct ring_path *place)
{
	struct stat file, named;
	return fstat(place->fd, &file) == 0 &&
	       fstatat(place->dir_fd, place->name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
	       file.st_dev == named.st_dev && file.st_ino == named.st_ino;
}

static bool is_place_empty(int fd, uint64_t at)
{
	uint64_t first = 0;
	return pread(fd, &first, sizeof(first), (off_t)at) >= 0 && !first;
}

/*
 * A ring without facts and first events is of a recorder that was killed while it armed. Keeping it
 * would cost the ring that is kept already.
 */
static bool is_ring_empty(int fd, const struct ft_ringfile *ring)
{
	return is_place_empty(fd, ring->facts_at) &&
	       is_place_empty(fd, ring->facts_at + ring->facts_bytes) &&
	       is_place_empty(fd, ring->events_at);
}

/* Return: 0 (empty), 1 (a ring), -EEXIST (anything else), or another negative errno. */
static int classify_content(int fd)
{
	uint8_t page[FT_RINGFILE_PAGE_BYTES] = { 0 };
	static const uint8_t zeros[FT_RINGFILE_PAGE_BYTES];
	struct ft_ringfile ring;
	ssize_t got = pread(fd, page, sizeof(page), 0);
	if (got < 0)
		return -errno;
	if (memcmp(page, zeros, sizeof(page)) == 0)
		return 0;
	int error = ft_ringfile_decode(page, (size_t)got, &ring, NULL);
	if (error)
		return error == -ENOMSG ? -EEXIST : 1;
	return !is_ring_empty(fd, &ring);
}

bool ring_path_kept(const struct ring_path *place, size_t index, char *ret_name, size_t name_bytes)
{
	static const char *const ENDS[RING_PATH_KEPT_MAX] = { ".old", ".old2" };

	snprintf(ret_name, name_bytes, "%s%s", place->name, ENDS[index]);
	return faccessat(place->dir_fd, ret_name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static bool is_older_than_a_day(const struct ring_path *place, const char *name)
{
	struct timespec now;
	struct stat status;

	clock_gettime(CLOCK_REALTIME, &now);
	return fstatat(place->dir_fd, name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
	       status.st_mtim.tv_sec + DAY_S < now.tv_sec;
}

/* Where recorders die one after the other, the first ring has the history and the last the news. */
static int keep_old_ring(struct ring_path *place)
{
	char name[RING_PATH_NAME_BYTES];

	if (ring_path_kept(place, 0, name, sizeof(name)) && !is_older_than_a_day(place, name))
		ring_path_kept(place, 1, name, sizeof(name));
	futimens(place->fd, NULL); /* kept since now: writes to the mapping do not set it */
	return renameat(place->dir_fd, place->name, place->dir_fd, name) < 0 ? -errno : 0;
}

/* Return: 0, 1 (try again), or a negative errno. */
static int open_once(struct ring_path *place)
{
	place->fd = openat(place->dir_fd, place->name,
			   O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0600);
	if (place->fd < 0)
		return -errno;
	int error = check_file(place->fd);
	if (!error)
		error = lock_file(place);
	if (error)
		return error;
	if (!has_its_name(place))
		return 1;
	int content = classify_content(place->fd);
	if (content <= 0)
		return content;
	error = keep_old_ring(place);
	return error ? error : 1;
}

int ring_path_open(struct ring_path *place, const char *path)
{
	const char *name;
	*place = (struct ring_path){ .dir_fd = -1, .fd = -1 };
	place->dir_fd = open_parent(path, &name);
	if (place->dir_fd < 0)
		return place->dir_fd;
	snprintf(place->name, sizeof(place->name), "%s", name);
	int result = 1;
	for (int i = 0; i < ATTEMPTS && result > 0; i++) {
		if (place->fd >= 0)
			close(place->fd);
		result = open_once(place);
	}
	if (result)
		return result > 0 ? -EBUSY : result;
	place->on_tmpfs = is_tmpfs(place->fd);
	if (fchmod(place->fd, 0600) < 0)
		return -errno;
	return 0;
}

void ring_path_unlink(const struct ring_path *place)
{
	if (has_its_name(place))
		unlinkat(place->dir_fd, place->name, 0);
}

void ring_path_close(struct ring_path *place)
{
	if (place->fd >= 0)
		close(place->fd);
	if (place->dir_fd >= 0)
		close(place->dir_fd);
	place->fd = place->dir_fd = -1;
}
