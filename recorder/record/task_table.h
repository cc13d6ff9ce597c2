/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the recording path knows of each thread: tid -> tgid and comm. Fixed
 * memory: after creation nothing is allocated.
 */
#ifndef RECORDER_RECORD_TASK_TABLE_H
#define RECORDER_RECORD_TASK_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "capture/event.h"

struct task_table;

/* Room for @capacity threads at least. Return: 0 or -ENOMEM. */
int task_table_create(size_t capacity, struct task_table **ret_tasks);
void task_table_destroy(struct task_table *tasks);

/**
 * task_table_learn() - remember what a record says about @tid.
 *
 * @tgid: below 0 where the record does not say it: what is known stays.
 * @comm: NULL likewise; ends at a zero or after FT_COMM_BYTES.
 *
 * Return: what is known now (borrowed until the next change of @tasks); never NULL. When the table is full,
 * or for tid 0 and below, what is not remembered: only what was given.
 */
const struct ft_task *task_table_learn(struct task_table *tasks, int32_t tid, int32_t tgid,
				  const char *comm);

void task_table_forget(struct task_table *tasks, int32_t tid);

size_t task_table_count(const struct task_table *tasks);

#endif
