/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tells whether a CPU went offline or came back, without asking the CPU itself. The host of a
 * virtual machine may have stopped it, and whoever asks it then waits, and holds up another CPU.
 *
 * The kernel's thread cpuhp/N runs where CPU N goes or comes, and at no other time. So a watch
 * counts the switches of that thread.
 */
#ifndef RECORDER_PERF_CPU_HOTPLUG_WATCH_H
#define RECORDER_PERF_CPU_HOTPLUG_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cpu_hotplug_watch {
	uint32_t cpu;
	int fd;			/* of the thread's status; -1: not visible, as in a container */
	uint64_t switches;	/* of that thread at the last look */
};

/* Opens @count watches, whose cpu is set. Reads all names in /proc once. */
void cpu_hotplug_watch_open(struct cpu_hotplug_watch *threads, size_t count);
void cpu_hotplug_watch_close(struct cpu_hotplug_watch *threads, size_t count);

/* Whether the CPU went or came since the last call; false where the thread cannot be seen. */
bool cpu_hotplug_watch_moved(struct cpu_hotplug_watch *thread);

/* The same from the text of a status file. */
bool cpu_hotplug_watch_switched(struct cpu_hotplug_watch *thread, const char *status);

#endif
