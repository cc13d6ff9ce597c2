/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/symbols/mappings.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HASH_NONFATAL_OOM 1 /* an element that was not added has no table */
#include <uthash.h>

#define MAPPINGS_MAX 16384 /* of one process; beyond that the oldest half is dropped */

struct text {
	UT_hash_handle hh;
	size_t uses;
	char text[];
};

struct process {
	int32_t tgid;
	struct mapping *mappings; /* in the order of their arrival */
	size_t count, capacity;
	uint64_t exited_ns; /* 0: it is alive */
	UT_hash_handle hh;
};

struct mappings {
	struct process *processes;
	struct text *paths; /* each once */
};

int mappings_create(struct mappings **ret_mappings)
{
	struct mappings *mappings = calloc(1, sizeof(*mappings));

	if (!mappings)
		return -ENOMEM;
	*ret_mappings = mappings;
	return 0;
}

static struct process *find_process(const struct mappings *mappings, int32_t tgid)
{
	struct process *process;

	HASH_FIND(hh, mappings->processes, &tgid, sizeof(tgid), process);
	return process;
}

static struct process *find_or_add_process(struct mappings *mappings, int32_t tgid)
{
	struct process *process = find_process(mappings, tgid);

	if (process)
		return process;
	process = calloc(1, sizeof(*process));
	if (!process)
		return NULL;
	process->tgid = tgid;
	HASH_ADD(hh, mappings->processes, tgid, sizeof(process->tgid), process);
	if (!process->hh.tbl) {
		free(process);
		return NULL;
	}
	return process;
}

static void drop_path(struct mappings *mappings, const char *text)
{
	size_t bytes = strlen(text);
	struct text *path;

	HASH_FIND(hh, mappings->paths, text, bytes, path);
	if (--path->uses)
		return;
	HASH_DEL(mappings->paths, path);
	free(path);
}

static void forget_process(struct mappings *mappings, struct process *process)
{
	for (size_t i = 0; i < process->count; i++)
		drop_path(mappings, process->mappings[i].path);
	HASH_DEL(mappings->processes, process);
	free(process->mappings);
	free(process);
}

void mappings_destroy(struct mappings *mappings)
{
	struct process *process, *next;

	if (!mappings)
		return;
	HASH_ITER(hh, mappings->processes, process, next)
	forget_process(mappings, process);
	free(mappings);
}

static const char *keep_path(struct mappings *mappings, const char *text)
{
	size_t bytes = strlen(text);
	struct text *path;

	HASH_FIND(hh, mappings->paths, text, bytes, path);
	if (path) {
		path->uses++;
		return path->text;
	}
	path = malloc(sizeof(*path) + bytes + 1);
	if (!path)
		return NULL;
	path->uses = 1;
	memcpy(path->text, text, bytes + 1);
	HASH_ADD_KEYPTR(hh, mappings->paths, path->text, bytes, path);
	if (!path->hh.tbl) {
		free(path);
		return NULL;
	}
	return path->text;
}

/* Drops what @mapping covers, so that mapping again and again takes no more memory. */
static void forget_covered(struct mappings *mappings, struct process *process,
			   const struct mapping *mapping)
{
	size_t kept = 0;

	for (size_t i = 0; i < process->count; i++) {
		const struct mapping *old = &process->mappings[i];

		if (old->start < mapping->start || old->end > mapping->end)
			process->mappings[kept++] = *old;
		else
			drop_path(mappings, old->path);
	}
	process->count = kept;
}

static int make_room(struct mappings *mappings, struct process *process)
{
	size_t capacity = process->capacity ? process->capacity * 2 : 16;
	struct mapping *larger;

	if (process->count < process->capacity)
		return 0;
	if (process->count >= MAPPINGS_MAX) {
		for (size_t i = 0; i < MAPPINGS_MAX / 2; i++)
			drop_path(mappings, process->mappings[i].path);
		process->count -= MAPPINGS_MAX / 2;
		memmove(process->mappings, process->mappings + MAPPINGS_MAX / 2,
			process->count * sizeof(process->mappings[0]));
		return 0;
	}
	larger = realloc(process->mappings, capacity * sizeof(larger[0]));
	if (!larger)
		return -ENOMEM;
	process->mappings = larger;
	process->capacity = capacity;
	return 0;
}

int mappings_add(struct mappings *mappings, int32_t tgid, uint64_t start, uint64_t length_bytes,
		 uint64_t offset_bytes, const char *path)
{
	struct mapping mapping = { .start = start, .offset_bytes = offset_bytes };
	struct process *process = find_or_add_process(mappings, tgid);

	if (!process)
		return -ENOMEM;
	if (__builtin_add_overflow(start, length_bytes, &mapping.end))
		mapping.end = UINT64_MAX;
	mapping.path = keep_path(mappings, path);
	if (!mapping.path)
		return -ENOMEM;
	forget_covered(mappings, process, &mapping);
	if (make_room(mappings, process) < 0) {
		drop_path(mappings, mapping.path);
		return -ENOMEM;
	}
	process->mappings[process->count++] = mapping;
	process->exited_ns = 0;
	return 0;
}

/* @process has no mappings yet. */
static int copy_mappings(struct mappings *mappings, struct process *process,
			 const struct mapping *from, size_t count)
{
	process->mappings = malloc(count * sizeof(from[0]));
	if (!process->mappings)
		return -ENOMEM;
	process->capacity = count;
	for (; process->count < count; process->count++) {
		struct mapping copy = from[process->count];

		copy.path = keep_path(mappings, copy.path);
		if (!copy.path)
			return -ENOMEM;
		process->mappings[process->count] = copy;
	}
	return 0;
}

int mappings_fork(struct mappings *mappings, int32_t parent_tgid, int32_t child_tgid)
{
	struct process *parent = find_process(mappings, parent_tgid);
	struct process *child;

	if (parent_tgid == child_tgid)
		return 0; /* a new thread */
	mappings_exec(mappings, child_tgid);
	if (!parent || parent->count == 0)
		return 0;
	child = find_or_add_process(mappings, child_tgid);
	if (!child)
		return -ENOMEM;
	return copy_mappings(mappings, child, parent->mappings, parent->count);
}

int mappings_copy(const struct mappings *mappings, struct mappings **ret_copy)
{
	struct process *process, *next, *made;
	struct mappings *copy;
	int err = mappings_create(&copy);

	if (err < 0)
		return err;
	HASH_ITER(hh, mappings->processes, process, next)
	{
		if (process->count == 0)
			continue;
		made = find_or_add_process(copy, process->tgid);
		if (!made || copy_mappings(copy, made, process->mappings, process->count) < 0) {
			mappings_destroy(copy);
			return -ENOMEM;
		}
	}
	*ret_copy = copy;
	return 0;
}

void mappings_exit(struct mappings *mappings, int32_t tgid, uint64_t time_ns)
{
	struct process *process = find_process(mappings, tgid);

	if (process)
		process->exited_ns = time_ns;
}

void mappings_forget_exited(struct mappings *mappings, uint64_t before_ns)
{
	struct process *process, *next;

	HASH_ITER(hh, mappings->processes, process, next)
	if (process->exited_ns && process->exited_ns < before_ns)
		forget_process(mappings, process);
}

void mappings_exec(struct mappings *mappings, int32_t tgid)
{
	struct process *process = find_process(mappings, tgid);

	if (process)
		forget_process(mappings, process);
}

int mappings_find(const struct mappings *mappings, int32_t tgid, uint64_t address,
		  struct mapping *ret_mapping)
{
	const struct process *process = find_process(mappings, tgid);

	for (size_t i = process ? process->count : 0; i > 0; i--) {
		const struct mapping *mapping = &process->mappings[i - 1];

		if (address >= mapping->start && address < mapping->end) {
			*ret_mapping = *mapping;
			return 0;
		}
	}
	return -ENOENT;
}

static bool is_deleted(const char *path)
{
	static const char mark[] = " (deleted)";
	size_t bytes = strlen(path), mark_bytes = sizeof(mark) - 1;

	return bytes >= mark_bytes && strcmp(path + bytes - mark_bytes, mark) == 0;
}

int mapping_open(const struct mapping *mapping, int32_t tgid)
{
	/* The path that the kernel told had no links: a link or a pipe there now is a trap. */
	const int flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
	char path[PATH_MAX + 32];
	struct stat stat;
	int fd;

	if (mapping->path[0] != '/' || mapping->path[1] == '/' || is_deleted(mapping->path))
		return -ENOENT;
	snprintf(path, sizeof(path), "/proc/%d/root", tgid);
	if (faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		path[0] = '\0';
	if (strlen(path) + strlen(mapping->path) >= sizeof(path))
		return -ENAMETOOLONG;
	strcat(path, mapping->path);
	fd = open(path, flags);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &stat) < 0 || !S_ISREG(stat.st_mode)) {
		close(fd);
		return -ENOENT;
	}
	return fd;
}
