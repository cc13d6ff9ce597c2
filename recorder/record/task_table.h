/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the recording path knows of each thread: tid -> tgid and comm. Fixed
 * memory: after creation nothing is allocated.
 */
#ifndef RECORDER_TASKS_H
#define RECORDER_TASKS_H

#include <stddef.h>
#include <stdint.h>

#include "capture/event.h"

struct tasks;

/* Room for @capacity threads at least. Return: 0 or -ENOMEM. */
int tasks_create(size_t capacity, struct tasks **ret_tasks);
void tasks_destroy(struct tasks *tasks);

/**
 * tasks_learn() - remember what a record says about @tid.
 *
 * @tgid: below 0 where the record does not say it: what is known stays.
 * @comm: NULL likewise; ends at a zero or after FT_COMM_BYTES.
 *
 * Return: what is known now (borrowed until the next change of @tasks); never NULL. When the table is full,
 * or for tid 0 and below, what is not remembered: only what was given.
 */
const struct ft_task *tasks_learn(struct tasks *tasks, int32_t tid, int32_t tgid,
				  const char *comm);

void tasks_forget(struct tasks *tasks, int32_t tid);

size_t tasks_count(const struct tasks *tasks);

#endif
