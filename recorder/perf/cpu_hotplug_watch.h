/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a CPU went offline or came back, without asking the CPU itself: it may be one that
 * the host of a virtual machine has stopped, and who asks it waits, with a CPU of his own.
 *
 * The kernel's thread cpuhp/N runs where CPU N goes or comes, and at no other time.
 */
#ifndef RECORDER_PERF_CPU_HOTPLUG_WATCH_H
#define RECORDER_PERF_CPU_HOTPLUG_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cpu_hotplug_watch {
	uint32_t cpu;
	int fd;			/* of its thread's status; -1: not to be seen, as in a container */
	uint64_t switches;	/* of that thread, when last looked at */
};

/* Fill in @count of them, whose cpu is set; one that is not to be seen gets fd -1. Reads all names in /proc once. */
void cpu_hotplug_watch_open(struct cpu_hotplug_watch *threads, size_t count);
void cpu_hotplug_watch_close(struct cpu_hotplug_watch *threads, size_t count);

/* Has the CPU gone or come since it was last asked about? No where the thread is not to be seen. */
bool cpu_hotplug_watch_moved(struct cpu_hotplug_watch *thread);

/* As cpu_hotplug_watch_moved(), from the text of a status file. */
bool cpu_hotplug_watch_switched(struct cpu_hotplug_watch *thread, const char *status);

#endif
