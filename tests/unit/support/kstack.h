/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kernel stacks of names alone, and what a thread waits for that sleeps there.
 */
#ifndef TESTS_UNIT_SUPPORT_KSTACK_H
#define TESTS_UNIT_SUPPORT_KSTACK_H

#include <stddef.h>

#include "analyzer/timeline/wait_class.h"

#define SLEEP "__schedule schedule "
#define CALL "do_syscall_64 entry_SYSCALL_64_after_hwframe"
#define KTHREAD "kthread ret_from_fork ret_from_fork_asm"

struct kstack {
	struct frame frames[FT_STACK_FRAMES_MAX + 8];
	size_t count;
	char text[4096];
};

/* From names with spaces between, leaf first. It is there until the next one is asked for. */
struct kstack *kstack_of(const char *names);
struct wait_reason kstack_reason(const char *names, enum ft_task_state state);
enum wait_class kstack_class(const char *names, enum ft_task_state state);

/* @expected is the detail, or it is NULL and so is that; else the test ends with @names. */
void kstack_assert_detail(const char *names, const char *detail, const char *expected);

#endif
