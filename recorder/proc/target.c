/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/proc/target.h"

#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif

/* Blanks too, since pidof writes them. */
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

/* The process that thread @tid belongs to. Return: its ID, or -ESRCH. */
static int32_t process_of(int32_t tid)
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

static bool is_among(const struct target *target, size_t count, int32_t tgid)
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
		int32_t tgid = process_of(target->tgids[i]);
		if (tgid <= 0) {
			*ret_missing = target->tgids[i];
			target->count = kept;
			target_close(target);
			return -ESRCH;
		}
		if (is_among(target, kept, tgid))
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
	if (target->count == TARGET_MAX || is_among(target, target->count, tgid))
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
	target_remove(target, target->count - 1); /* a zombie */
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
	for (size_t i = 0; i < target->count; i++)
		if (target->tgids[i] == tgid)
			return true;
	return !target->count;
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
