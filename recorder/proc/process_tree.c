/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/proc/process_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ROUNDS_MAX 8 /* of generations */

struct stat_line {
	char comm[64]; /* some threads of the kernel have long ones here */
	int32_t parent;
};

bool process_tree_same_name(const char *comm, const char *other)
{
	size_t length = strcspn(comm, ":"), other_length = strcspn(other, ":");

	return length == other_length && !strncmp(comm, other, length);
}

/* Of a file that takes no lock of the process. */
static bool read_stat(int32_t tgid, struct stat_line *ret_line)
{
	char path[64], text[512];
	struct stat_line line;

	snprintf(path, sizeof(path), "/proc/%d/stat", tgid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (fd >= 0)
		close(fd);
	if (got <= 0)
		return false;
	text[got] = '\0';
	/* The name may hold any bytes. */
	const char *begin = strchr(text, '('), *end = strrchr(text, ')');
	if (!begin || !end || end < begin || sscanf(end + 1, " %*c %d", &line.parent) != 1)
		return false;
	snprintf(line.comm, sizeof(line.comm), "%.*s", (int)(end - begin - 1), begin + 1);
	*ret_line = line;
	return true;
}

static bool is_child(const struct target *target, int32_t tgid)
{
	struct stat_line line, parent;

	return read_stat(tgid, &line) && target_has(target, line.parent) &&
	       read_stat(line.parent, &parent) && process_tree_same_name(line.comm, parent.comm);
}

/* One generation, or more. */
static void add_generation(struct target *target)
{
	DIR *processes = opendir("/proc");
	struct dirent *entry;

	if (!processes)
		return;
	while ((entry = readdir(processes)) && target->count < TARGET_MAX) {
		int32_t tgid = (int32_t)strtol(entry->d_name, NULL, 10);
		if (tgid > 0 && !target_has(target, tgid) && is_child(target, tgid))
			target_add(target, tgid);
	}
	closedir(processes);
}

bool process_tree_add(struct target *target)
{
	size_t first = target->count, before = 0;

	for (int round = 0; round < ROUNDS_MAX && target->count != before; round++) {
		before = target->count;
		if (before) /* none would be the whole host */
			add_generation(target);
	}
	return target->count != first;
}
