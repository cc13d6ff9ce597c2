/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/write/capture_dir.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "capture/format.h"

#define SOURCE_BYTES 32
#define TIME_PATTERN "dddddddd?dddddd?" /* as 20260203T110433Z */
#define TIME_CHARS   16
#define DAT	     ".dat"
#define PART	     ".part"
#define TRIES_MAX    100
#define NUMBER_MAX   10000 /* captures within one second */

struct capture_dir {
	char *path;
	uint32_t max_captures;
	uint64_t max_bytes;
	uint32_t torn;
};

/* A capture in the directory. */
struct kept {
	char name[CAPTURE_NAME_BYTES];
	uint64_t bytes;
	struct timespec written; /* mtime: see capture_dir_finish() */
};

struct kept_list {
	struct kept *items;
	size_t count, capacity;
};

/* Opens the path each time: the directory may have been removed and made again. Return: a
 * descriptor, or -errno. */
static int open_dir(const struct capture_dir *dir)
{
	int fd = open(dir->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT) {
		if (mkdir(dir->path, 0700) < 0 && errno != EEXIST)
			return -errno;
		fd = open(dir->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	return fd < 0 ? -errno : fd;
}

static bool ends_with(const char *text, const char *end)
{
	size_t bytes = strlen(text), end_bytes = strlen(end);
	return bytes >= end_bytes && !strcmp(text + bytes - end_bytes, end);
}

/* Is @name <utc-time>-<source>[-N], followed by @end? */
static bool is_own_name(const char *name, const char *end)
{
	size_t bytes = strlen(name);

	if (bytes >= CAPTURE_NAME_BYTES || !ends_with(name, end) ||
	    bytes <= TIME_CHARS + 1 + strlen(end))
		return false;
	for (size_t i = 0; i < TIME_CHARS; i++)
		if (TIME_PATTERN[i] == 'd' && !isdigit((unsigned char)name[i]))
			return false;
	if (name[8] != 'T' || name[15] != 'Z' || name[16] != '-')
		return false;
	for (size_t i = TIME_CHARS; i < bytes - strlen(end); i++)
		if (!strchr("-0123456789abcdefghijklmnopqrstuvwxyz", name[i]))
			return false;
	return true;
}

/* Return: the N of a name, 1 if it has none. */
static unsigned int parse_number(const char *name)
{
	const char *dash = strrchr(name, '-');
	char *end;

	if (!dash || !isdigit((unsigned char)dash[1]))
		return 1;
	unsigned long number = strtoul(dash + 1, &end, 10);
	return *end == '.' && number && number < NUMBER_MAX ? (unsigned int)number : 1;
}

static int compare_times(const struct timespec *a, const struct timespec *b)
{
	if (a->tv_sec != b->tv_sec)
		return a->tv_sec < b->tv_sec ? -1 : 1;
	return a->tv_nsec < b->tv_nsec ? -1 : a->tv_nsec > b->tv_nsec;
}

/* Oldest first, by mtime. Names decide on file systems with coarse times. Within a second their
 * number does, since strcmp() puts "-2.dat" before ".dat" and "-10" before "-2". */
static int compare_captures(const void *left, const void *right)
{
	const struct kept *a = left, *b = right;
	int order = compare_times(&a->written, &b->written);
	if (!order)
		order = strncmp(a->name, b->name, TIME_CHARS);
	if (order)
		return order;
	unsigned int number_a = parse_number(a->name), number_b = parse_number(b->name);
	if (number_a != number_b)
		return number_a < number_b ? -1 : 1;
	return strcmp(a->name, b->name);
}

/* Opens a regular file of this user that begins as captures do. Return: a descriptor, or -1. */
static int open_capture(int dir_fd, const char *name, struct stat *ret_status)
{
	char magic[FT_FILE_MAGIC_BYTES];
	int fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return -1;
	if (fstat(fd, ret_status) < 0 || !S_ISREG(ret_status->st_mode) ||
	    ret_status->st_uid != geteuid() ||
	    pread(fd, magic, sizeof(magic), 0) != sizeof(magic) ||
	    memcmp(magic, FT_FILE_MAGIC, sizeof(magic))) {
		close(fd);
		return -1;
	}
	return fd;
}

static bool add_to_list(struct kept_list *list, const char *name, const struct stat *status)
{
	if (list->count == list->capacity) {
		size_t capacity = 2 * list->capacity + 16;
		struct kept *items = realloc(list->items, capacity * sizeof(*items));
		if (!items)
			return false;
		list->items = items;
		list->capacity = capacity;
	}
	struct kept *item = &list->items[list->count++];
	memcpy(item->name, name, strlen(name) + 1); /* is_own_name() has checked its length */
	item->bytes = (uint64_t)status->st_size;
	item->written = status->st_mtim;
	return true;
}

/* Return: 0 or -errno. */
static int open_stream(int dir_fd, DIR **ret_stream)
{
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = fd < 0 ? NULL : fdopendir(fd);

	if (!stream) {
		int err = -errno;
		if (fd >= 0)
			close(fd);
		return err;
	}
	*ret_stream = stream;
	return 0;
}

/* @end: DAT for finished captures, DAT PART for unfinished ones. Oldest first. Return: 0 or
 * -errno. */
static int read_list(struct kept_list *list, int dir_fd, const char *end)
{
	struct dirent *entry;
	struct stat status;
	DIR *stream;
	int err = open_stream(dir_fd, &stream);

	if (err)
		return err;
	while (!err && (entry = readdir(stream))) {
		if (!is_own_name(entry->d_name, end))
			continue;
		int capture_fd = open_capture(dir_fd, entry->d_name, &status);
		if (capture_fd < 0)
			continue;
		if (!add_to_list(list, entry->d_name, &status))
			err = -ENOMEM;
		close(capture_fd);
	}
	closedir(stream);
	if (list->count)
		qsort(list->items, list->count, sizeof(*list->items), compare_captures);
	return err;
}

/* Return: a number above all of the same second, or -errno. A number used again after its
 * capture was removed would make the new capture look older than others. */
static int find_next_number(int dir_fd, const char *when)
{
	struct dirent *entry;
	DIR *stream;
	unsigned int next = 1;
	int err = open_stream(dir_fd, &stream);

	if (err)
		return err;
	while ((entry = readdir(stream))) {
		if (strncmp(entry->d_name, when, TIME_CHARS) ||
		    !(is_own_name(entry->d_name, DAT) || is_own_name(entry->d_name, DAT PART)))
			continue;
		if (parse_number(entry->d_name) >= next)
			next = parse_number(entry->d_name) + 1;
	}
	closedir(stream);
	return (int)next;
}

/* Never replaces another file. Not all file systems know RENAME_NOREPLACE. */
static int rename_new(int dir_fd, const char *from, const char *to)
{
	if (!renameat2(dir_fd, from, dir_fd, to, RENAME_NOREPLACE))
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -errno;
	if (!faccessat(dir_fd, to, F_OK, AT_SYMLINK_NOFOLLOW))
		return -EEXIST;
	return renameat(dir_fd, from, dir_fd, to) < 0 ? -errno : 0;
}

static bool name_torn(int dir_fd, const char *part)
{
	char name[CAPTURE_NAME_BYTES];
	struct stat status;
	int fd = open_capture(dir_fd, part, &status);
	bool named = false;

	if (fd < 0)
		return false;
	if (!flock(fd, LOCK_EX | LOCK_NB)) {
		snprintf(name, sizeof(name), "%.*s", (int)(strlen(part) - strlen(PART)), part);
		named = !rename_new(dir_fd, part, name);
	}
	close(fd);
	return named;
}

/* Captures of a killed recorder are those whose lock nobody holds. */
static int find_torn(struct capture_dir *dir, int dir_fd)
{
	struct kept_list parts = { .items = NULL };
	int err = read_list(&parts, dir_fd, DAT PART);

	for (size_t i = 0; !err && i < parts.count; i++)
		dir->torn += name_torn(dir_fd, parts.items[i].name);
	free(parts.items);
	return err;
}

int capture_dir_open(const struct capture_dir_options *options, struct capture_dir **ret_dir)
{
	int dir_fd = -1, err = -ENOMEM;
	struct capture_dir *dir = calloc(1, sizeof(*dir));

	if (!dir || !(dir->path = strdup(options->dir)))
		goto out;
	dir->max_captures = options->max_captures;
	dir->max_bytes = options->max_bytes;
	dir_fd = err = open_dir(dir);
	if (dir_fd < 0)
		goto out;
	err = faccessat(dir_fd, ".", W_OK | X_OK, AT_EACCESS) < 0 ? -errno : 0;
	if (!err)
		err = find_torn(dir, dir_fd);
out:
	if (dir_fd >= 0)
		close(dir_fd);
	if (err) {
		capture_dir_close(dir);
		return err;
	}
	*ret_dir = dir;
	return 0;
}

void capture_dir_close(struct capture_dir *dir)
{
	if (!dir)
		return;
	free(dir->path);
	free(dir);
}

uint32_t capture_dir_torn(const struct capture_dir *dir)
{
	return dir->torn;
}

static void format_time(int64_t realtime_ns, char ret_when[TIME_CHARS + 1])
{
	time_t seconds = realtime_ns / 1000000000;
	struct tm utc;

	if (!gmtime_r(&seconds, &utc) || utc.tm_year < 0 || utc.tm_year > 9999 - 1900 ||
	    strftime(ret_when, TIME_CHARS + 1, "%Y%m%dT%H%M%SZ", &utc) != TIME_CHARS)
		strcpy(ret_when, "19700101T000000Z"); /* the clock is out of all bounds */
}

static void make_name(char *ret_name, const char *when, const char *source, int number)
{
	char safe[SOURCE_BYTES], again[16] = "";
	size_t bytes = 0;

	for (; source[bytes] && bytes < sizeof(safe) - 1; bytes++) {
		char c = (char)tolower((unsigned char)source[bytes]);
		safe[bytes] = (c >= 'a' && c <= 'z') || isdigit((unsigned char)c) ? c : '-';
	}
	safe[bytes] = '\0';
	if (number > 1)
		snprintf(again, sizeof(again), "-%d", number);
	snprintf(ret_name, CAPTURE_NAME_BYTES, "%s-%s%s" DAT, when, bytes ? safe : "capture",
		 again);
}

static void make_part_name(const char *name, char *ret_part, size_t part_bytes)
{
	snprintf(ret_part, part_bytes, "%s" PART, name);
}

/* Return: a descriptor, -EEXIST (the name is taken), or another errno. */
static int create_part(int dir_fd, const char *name)
{
	char part[CAPTURE_NAME_BYTES + sizeof(PART)];

	make_part_name(name, part, sizeof(part));
	int fd = openat(dir_fd, part, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	flock(fd,
	      LOCK_EX | LOCK_NB); /* without locks the next recorder may take it for a torn one */
	if (!faccessat(dir_fd, name, F_OK, AT_SYMLINK_NOFOLLOW)) {
		unlinkat(dir_fd, part, 0);
		close(fd);
		return -EEXIST;
	}
	return fd;
}

int capture_dir_create(struct capture_dir *dir, const char *source, int64_t realtime_ns,
		       char *ret_name, uint32_t name_bytes)
{
	char name[CAPTURE_NAME_BYTES], when[TIME_CHARS + 1];
	int fd = -EEXIST;
	int dir_fd = open_dir(dir);

	if (dir_fd < 0)
		return dir_fd;
	format_time(realtime_ns, when);
	/* It takes more than one try only if another recorder writes there too. */
	for (int tries = 0; fd == -EEXIST && tries < TRIES_MAX; tries++) {
		int number = find_next_number(dir_fd, when);
		if (number < 0 || number == NUMBER_MAX) {
			fd = number < 0 ? number : -EMFILE;
			break;
		}
		make_name(name, when, source, number);
		fd = strlen(name) < name_bytes ? create_part(dir_fd, name) : -ENAMETOOLONG;
	}
	close(dir_fd);
	if (fd >= 0)
		strcpy(ret_name, name);
	return fd;
}

/* If the wall clock was set back, name and mtime lie: give the new file the latest mtime. */
static void make_newest(const struct kept_list *list, int dir_fd, const char *name)
{
	struct stat status;

	if (!list->count || fstatat(dir_fd, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	struct timespec newest = list->items[list->count - 1].written;
	if (compare_times(&newest, &status.st_mtim) < 0)
		return;
	newest.tv_sec += newest.tv_nsec == 999999999;
	newest.tv_nsec = (newest.tv_nsec + 1) % 1000000000;
	const struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, newest };
	utimensat(dir_fd, name, times, AT_SYMLINK_NOFOLLOW);
}

/* Files that cannot be removed stay. @list: all but the newest capture, which has @newest_bytes. */
static void remove_oldest(const struct capture_dir *dir, const struct kept_list *list, int dir_fd,
			  uint64_t newest_bytes, struct capture_dir_removed *removed)
{
	uint64_t bytes = newest_bytes;
	size_t count = list->count + 1;

	for (size_t i = 0; i < list->count; i++)
		bytes += list->items[i].bytes;
	for (size_t i = 0; i < list->count; i++) {
		bool over = (dir->max_captures && count > dir->max_captures) ||
			    (dir->max_bytes && bytes > dir->max_bytes);
		if (!over)
			break;
		if (unlinkat(dir_fd, list->items[i].name, 0) < 0)
			continue;
		if (removed->count < CAPTURE_REMOVED_MAX)
			memcpy(removed->names[removed->count], list->items[i].name,
			       CAPTURE_NAME_BYTES);
		removed->count++;
		count--;
		bytes -= list->items[i].bytes;
	}
}

int capture_dir_finish(struct capture_dir *dir, const char *name,
		       struct capture_dir_removed *ret_removed)
{
	struct capture_dir_removed removed = { .count = 0 };
	char part[CAPTURE_NAME_BYTES + sizeof(PART)];
	struct kept_list others = { .items = NULL };
	struct stat status;
	int dir_fd = open_dir(dir);

	if (dir_fd < 0)
		return dir_fd;
	make_part_name(name, part, sizeof(part));
	/* An incomplete list does not tell the oldest. */
	bool listed = (dir->max_captures || dir->max_bytes) && !read_list(&others, dir_fd, DAT);
	if (listed)
		make_newest(&others, dir_fd, part);
	int err = rename_new(dir_fd, part, name);
	if (!err && listed && !fstatat(dir_fd, name, &status, AT_SYMLINK_NOFOLLOW))
		remove_oldest(dir, &others, dir_fd, (uint64_t)status.st_size, &removed);
	if (ret_removed)
		*ret_removed = removed;
	free(others.items);
	close(dir_fd);
	return err;
}

void capture_dir_abandon(struct capture_dir *dir, const char *name)
{
	char part[CAPTURE_NAME_BYTES + sizeof(PART)];
	int dir_fd = open(dir->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir_fd < 0)
		return;
	make_part_name(name, part, sizeof(part));
	unlinkat(dir_fd, part, 0);
	close(dir_fd);
}
