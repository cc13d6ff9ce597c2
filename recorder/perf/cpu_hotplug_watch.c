/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/perf/cpu_hotplug_watch.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STATUS_BYTES 4096 /* the file has about 1,400 bytes */

/* Return: how many bytes are in ret_text, which ends with a zero; -1 on failure. */
static ssize_t read_text_at_start(int fd, char *ret_text, size_t text_bytes)
{
	ssize_t bytes = pread(fd, ret_text, text_bytes - 1, 0);
	ret_text[bytes > 0 ? bytes : 0] = '\0';
	return bytes;
}

static bool read_thread_name(const char *pid, char *ret_name, size_t name_bytes)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%.20s/comm", pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	ssize_t bytes = read_text_at_start(fd, ret_name, name_bytes);
	close(fd);
	return bytes > 0;
}

static void open_thread(struct cpu_hotplug_watch *threads, size_t count, uint32_t cpu,
			const char *pid)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%.20s/status", pid);
	for (size_t i = 0; i < count; i++) {
		if (threads[i].cpu != cpu || threads[i].fd >= 0)
			continue;
		threads[i].fd = open(path, O_RDONLY | O_CLOEXEC);
		cpu_hotplug_watch_moved(&threads[i]);
	}
}

void cpu_hotplug_watch_open(struct cpu_hotplug_watch *threads, size_t count)
{
	for (size_t i = 0; i < count; i++)
		threads[i].fd = -1;
	DIR *processes = opendir("/proc");
	if (!processes)
		return;
	const struct dirent *entry;
	while ((entry = readdir(processes))) {
		char name[32];
		uint32_t cpu;
		if (isdigit((unsigned char)entry->d_name[0]) &&
		    read_thread_name(entry->d_name, name, sizeof(name)) &&
		    sscanf(name, "cpuhp/%" SCNu32, &cpu) == 1)
			open_thread(threads, count, cpu, entry->d_name);
	}
	closedir(processes);
}

void cpu_hotplug_watch_close(struct cpu_hotplug_watch *threads, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (threads[i].fd >= 0)
			close(threads[i].fd);
}

bool cpu_hotplug_watch_switched(struct cpu_hotplug_watch *thread, const char *status)
{
	static const char FIELD[] = "\nvoluntary_ctxt_switches:";
	const char *found = strstr(status, FIELD);
	if (!found)
		return false;
	uint64_t switches = strtoull(found + sizeof(FIELD) - 1, NULL, 10);
	bool moved = switches != thread->switches;
	thread->switches = switches;
	return moved;
}

bool cpu_hotplug_watch_moved(struct cpu_hotplug_watch *thread)
{
	char status[STATUS_BYTES];
	return thread->fd >= 0 && read_text_at_start(thread->fd, status, sizeof(status)) > 0 &&
	       cpu_hotplug_watch_switched(thread, status);
}
