/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/proc/fd_ends.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define DESCRIPTORS_MAX 65536 /* of one process: more are not looked at */

struct walk {
	const char *proc;
	struct fd_ends *ends;
	size_t count;
	uint64_t end_cpu_ns;
};

static uint64_t read_cpu_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

bool fd_ends_name(const char *proc, int32_t tgid, struct ft_task *ret_task)
{
	char path[128], comm[32];
	FILE *file;
	size_t bytes;

	snprintf(path, sizeof(path), "%s/%d/comm", proc, tgid);
	file = fopen(path, "re");
	if (!file)
		return false;
	bytes = fread(comm, 1, sizeof(comm), file);
	fclose(file);
	if (!bytes)
		return false;
	bytes -= comm[bytes - 1] == '\n';
	*ret_task = (struct ft_task){ .tid = tgid, .tgid = tgid };
	memcpy(ret_task->comm, comm, bytes < FT_COMM_BYTES ? bytes : FT_COMM_BYTES - 1);
	return true;
}

int fd_ends_read_link(int directory, const char *fd, char *ret_link, size_t link_bytes,
		      uint32_t *ret_access)
{
	struct stat stat;
	ssize_t bytes = readlinkat(directory, fd, ret_link, link_bytes - 1);

	if (bytes < 0)
		return -errno;
	ret_link[bytes] = '\0';
	/* The mode is the link's own and says for what the descriptor was opened. */
	if (ret_access) {
		if (fstatat(directory, fd, &stat, AT_SYMLINK_NOFOLLOW))
			return -errno;
		*ret_access = (stat.st_mode & S_IRUSR ? FT_OBJECT_READABLE : 0) |
			      (stat.st_mode & S_IWUSR ? FT_OBJECT_WRITABLE : 0);
	}
	return (int)bytes;
}

static void add_process(const struct walk *walk, struct fd_ends *end, int32_t tgid)
{
	struct ft_task task;

	if (!fd_ends_name(walk->proc, tgid, &task))
		return;
	if (end->count < FD_ENDS_KEPT)
		end->found[end->count] = task;
	end->count++;
}

/* @seen: by end, whether the process is among its processes already. */
static void match_descriptor(const struct walk *walk, int directory, const char *fd, int32_t tgid,
			     bool *seen)
{
	char link[FT_NAME_BYTES_MAX];
	uint32_t access = 0;
	bool opened = false;

	if (fd_ends_read_link(directory, fd, link, sizeof(link), NULL) < 0)
		return;
	for (size_t i = 0; i < walk->count; i++) {
		struct fd_ends *end = &walk->ends[i];

		if (seen[i] || strcmp(end->link, link) != 0)
			continue;
		if (!opened && fd_ends_read_link(directory, fd, link, sizeof(link), &access) < 0)
			return;
		opened = true;
		if (end->access && !(end->access & access))
			continue;
		seen[i] = true;
		add_process(walk, end, tgid);
	}
}

static void look_at_process(const struct walk *walk, int32_t tgid, bool *seen)
{
	char path[128];
	DIR *descriptors;
	struct dirent *entry;

	snprintf(path, sizeof(path), "%s/%d/fd", walk->proc, tgid);
	descriptors = opendir(path);
	if (!descriptors)
		return; /* it has exited, or may not be looked at */
	memset(seen, 0, walk->count * sizeof(*seen));
	for (size_t i = 0; i < DESCRIPTORS_MAX && (entry = readdir(descriptors)); i++)
		if (entry->d_name[0] != '.')
			match_descriptor(walk, dirfd(descriptors), entry->d_name, tgid, seen);
	closedir(descriptors);
}

bool fd_ends_find(const char *proc, struct fd_ends *ends, size_t count, uint64_t cpu_ns)
{
	const struct walk walk = { proc, ends, count, read_cpu_ns() + cpu_ns };
	bool *seen = calloc(count + 1, sizeof(*seen));
	DIR *processes = seen ? opendir(proc) : NULL;
	struct dirent *entry = NULL;

	while (processes && (entry = readdir(processes)) && read_cpu_ns() < walk.end_cpu_ns) {
		char *end;
		long tgid = strtol(entry->d_name, &end, 10);

		if (*end == '\0' && tgid > 0 && tgid <= INT32_MAX)
			look_at_process(&walk, (int32_t)tgid, seen);
	}
	bool complete = processes && !entry;
	if (processes)
		closedir(processes);
	free(seen);
	return complete;
}
