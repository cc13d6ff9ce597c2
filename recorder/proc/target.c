/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/proc/target.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "capture/facts.h"

#define GENERATIONS_MAX 8

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif

/* pidof separates by blanks. */
static bool is_separator(char c)
{
	return c == ',' || c == ' ';
}

int target_parse(struct target *target, const char *text)
{
	const char *at = text;
	do {
		if (!isdigit((unsigned char)*at))
			return -EINVAL;
		char *end;
		errno = 0;
		unsigned long pid = strtoul(at, &end, 10);
		if (errno || !pid || pid > INT32_MAX || (!is_separator(*end) && *end))
			return -EINVAL;
		if (target->count == TARGET_MAX)
			return -E2BIG;
		target->pidfds[target->count] = -1;
		target->tgids[target->count++] = (int32_t)pid;
		at = end;
	} while (is_separator(*at++));
	return 0;
}

/* Return: the ID of the process that thread @tid belongs to, or -ESRCH. */
static int32_t read_tgid(int32_t tid)
{
	char path[64], line[256];
	int tgid = -ESRCH;
	snprintf(path, sizeof(path), "/proc/%d/status", tid);
	FILE *file = fopen(path, "re");
	if (!file)
		return -ESRCH;
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "Tgid: %d", &tgid) == 1)
			break;
	fclose(file);
	return tgid;
}

static void read_comm(int32_t tgid, char *ret_comm)
{
	char path[64];
	memset(ret_comm, 0, FT_COMM_BYTES);
	snprintf(path, sizeof(path), "/proc/%d/comm", tgid);
	FILE *file = fopen(path, "re");
	if (!file)
		return;
	size_t got = fread(ret_comm, 1, FT_COMM_BYTES - 1, file);
	if (got && ret_comm[got - 1] == '\n')
		ret_comm[got - 1] = '\0';
	fclose(file);
}

static bool is_among_first(const struct target *target, size_t count, int32_t tgid)
{
	for (size_t i = 0; i < count; i++)
		if (target->tgids[i] == tgid)
			return true;
	return false;
}

int target_open(struct target *target, int32_t *ret_missing)
{
	size_t kept = 0;
	for (size_t i = 0; i < target->count; i++) {
		int32_t tgid = read_tgid(target->tgids[i]);
		if (tgid <= 0) {
			*ret_missing = target->tgids[i];
			target->count = kept;
			target_close(target);
			return -ESRCH;
		}
		if (is_among_first(target, kept, tgid))
			continue;
		target->tgids[kept] = tgid;
		target->pidfds[kept++] = (int)syscall(SYS_pidfd_open, tgid, 0);
	}
	target->count = kept;
	if (kept)
		read_comm(target->tgids[0], target->comm);
	return 0;
}

void target_close(struct target *target)
{
	for (size_t i = 0; i < target->count; i++) {
		if (target->pidfds[i] >= 0)
			close(target->pidfds[i]);
		target->pidfds[i] = -1;
	}
}

bool target_add(struct target *target, int32_t tgid)
{
	if (target->count == TARGET_MAX || is_among_first(target, target->count, tgid))
		return false;
	int fd = (int)syscall(SYS_pidfd_open, tgid, 0);
	if (fd < 0 && errno == ESRCH)
		return false;
	if (!target->count)
		read_comm(tgid, target->comm);
	target->pidfds[target->count] = fd;
	target->tgids[target->count++] = tgid;
	if (!target_exited_at(target, target->count - 1))
		return true;
	target_remove(target, target->count - 1); /* it is a zombie */
	return false;
}

void target_remove(struct target *target, size_t place)
{
	if (target->pidfds[place] >= 0)
		close(target->pidfds[place]);
	target->count--;
	for (size_t i = place; i < target->count; i++) {
		target->pidfds[i] = target->pidfds[i + 1];
		target->tgids[i] = target->tgids[i + 1];
	}
}

bool target_exited_at(const struct target *target, size_t place)
{
	struct pollfd poll_fd = { .fd = target->pidfds[place], .events = POLLIN };
	return poll_fd.fd >= 0 && poll(&poll_fd, 1, 0) > 0;
}

bool target_exited(const struct target *target)
{
	for (size_t i = 0; i < target->count; i++)
		if (!target_exited_at(target, i))
			return false;
	return target->count > 0;
}

bool target_has(const struct target *target, int32_t tgid)
{
	return !target->count || is_among_first(target, target->count, tgid);
}

struct stat_line {
	char comm[64]; /* some threads of the kernel have long ones here */
	int32_t parent;
};

bool target_same_program(const char *comm, const char *other)
{
	size_t length = strcspn(comm, ":"), other_length = strcspn(other, ":");

	return length == other_length && !strncmp(comm, other, length);
}

/* Reading /proc/PID/stat takes no lock of the process. */
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
	/* The name may hold any bytes, parentheses too. */
	const char *begin = strchr(text, '('), *end = strrchr(text, ')');
	if (!begin || !end || end < begin || sscanf(end + 1, " %*c %d", &line.parent) != 1)
		return false;
	snprintf(line.comm, sizeof(line.comm), "%.*s", (int)(end - begin - 1), begin + 1);
	*ret_line = line;
	return true;
}

static bool is_child_of(const struct target *target, int32_t tgid)
{
	struct stat_line line, parent;

	return read_stat(tgid, &line) && target_has(target, line.parent) &&
	       read_stat(line.parent, &parent) && target_same_program(line.comm, parent.comm);
}

/* Adds the children of the target, and grandchildren that /proc lists after them. */
static void add_generation(struct target *target)
{
	DIR *processes = opendir("/proc");
	struct dirent *entry;

	if (!processes)
		return;
	while ((entry = readdir(processes)) && target->count < TARGET_MAX) {
		int32_t tgid = (int32_t)strtol(entry->d_name, NULL, 10);
		if (tgid > 0 && !target_has(target, tgid) && is_child_of(target, tgid))
			target_add(target, tgid);
	}
	closedir(processes);
}

bool target_add_children(struct target *target)
{
	size_t first = target->count, before = 0;

	for (int generation = 0; generation < GENERATIONS_MAX && target->count != before;
	     generation++) {
		before = target->count;
		if (before) /* a target of no process is the whole host */
			add_generation(target);
	}
	return target->count != first;
}

void target_text(const struct target *target, char *ret_text, size_t text_bytes)
{
	size_t used = 0;
	snprintf(ret_text, text_bytes, "host");
	for (size_t i = 0; i < target->count; i++) {
		int wrote = snprintf(ret_text + used, text_bytes - used, "%s%d", i ? "," : "",
				     target->tgids[i]);
		if (wrote < 0 || (size_t)wrote >= text_bytes - used)
			break;
		used += (size_t)wrote;
	}
}

void target_set_facts(const struct target *target, struct ft_facts *facts)
{
	char text[TARGET_MAX * 12];
	target_text(target, text, sizeof(text));
	ft_facts_set(facts, FT_FACT_TARGET, text);
	if (target->count)
		ft_facts_set(facts, FT_FACT_TARGET_COMM, target->comm);
}
