/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a CPU went offline or came back, without asking the CPU itself: it may be one that
 * the host of a virtual machine has stopped, and who asks it waits, with a CPU of his own.
 *
 * The kernel's thread cpuhp/N runs where CPU N goes or comes, and at no other time.
 */
#ifndef RECORDER_CPUHP_H
#define RECORDER_CPUHP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cpuhp {
	uint32_t cpu;
	int fd;			/* of its thread's status; -1: not to be seen, as in a container */
	uint64_t switches;	/* of that thread, when last looked at */
};

/* Fill in @count of them, whose cpu is set; one that is not to be seen gets fd -1. Reads all names in /proc once. */
void cpuhp_open(struct cpuhp *threads, size_t count);
void cpuhp_close(struct cpuhp *threads, size_t count);

/* Has the CPU gone or come since it was last asked about? No where the thread is not to be seen. */
bool cpuhp_moved(struct cpuhp *thread);

/* As cpuhp_moved(), from the text of a status file. */
bool cpuhp_switched(struct cpuhp *thread, const char *status);

#endif
