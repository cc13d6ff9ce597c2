/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The processes that the report will be about, or the whole host.
 */
#ifndef RECORDER_PROC_TARGET_H
#define RECORDER_PROC_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/event.h"

struct ft_facts;

#define TARGET_MAX 256

struct target {
	int32_t tgids[TARGET_MAX];
	int pidfds[TARGET_MAX];		/* -1: a kernel before 5.3, or it has exited */
	size_t count;			/* 0: the whole host */
	char comm[FT_COMM_BYTES];	/* of the first one */
};

/**
 * target_parse() - the process IDs in @text, separated by commas or blanks, added to @target.
 *
 * Return: 0, -EINVAL (not a list of process IDs), -E2BIG (more than TARGET_MAX).
 */
int target_parse(struct target *target, const char *text);

/**
 * target_open() - find the processes. The ID of a thread stands for its process.
 *
 * @ret_missing: the first ID that is not there, on -ESRCH.
 *
 * Return: 0 or -ESRCH.
 */
int target_open(struct target *target, int32_t *ret_missing);
void target_close(struct target *target);

/* Add process @tgid and open it. Return: false where it exited, is there, or finds no room. */
bool target_add(struct target *target, int32_t tgid);

/* Names of one program: what follows a colon says what the process does ("gunicorn: worker"). */
bool target_same_program(const char *comm, const char *other);

/*
 * Add the children of the target that still run its program, their children, and so on: a service
 * may be a process for each client. They are known by the name, which a child keeps until it
 * executes something else. Reads /proc.
 *
 * Return: whether any was added.
 */
bool target_add_children(struct target *target);

/* Remove the process at @place. */
void target_remove(struct target *target, size_t place);

/* Whether the process at @place has exited. Never true where the kernel has no pidfds. */
bool target_exited_at(const struct target *target, size_t place);

/* Whether all processes have exited. Never true for the whole host or without pidfds. */
bool target_exited(const struct target *target);

/* Whether @tgid is a process of the target. Every process belongs to the whole host. */
bool target_has(const struct target *target, int32_t tgid);

/* "host", or the process IDs joined by commas. */
void target_text(const struct target *target, char *ret_text, size_t text_bytes);

void target_set_facts(const struct target *target, struct ft_facts *facts);

#endif
