/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Table of all threads for the drain: tid -> tgid and comm. Its memory is fixed: nothing is
 * allocated after creation.
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
 * @tgid: negative if the record does not say it; the known one stays.
 * @comm: NULL likewise; ends at a zero or after FT_COMM_BYTES.
 *
 * Return: what is known now, borrowed until the next change of @tasks; never NULL. If the table is
 * full, or
 * @tid is not positive, nothing is remembered and only the arguments are returned.
 */
const struct ft_task *task_table_learn(struct task_table *tasks, int32_t tid, int32_t tgid,
				       const char *comm);

void task_table_forget(struct task_table *tasks, int32_t tid);

size_t task_table_count(const struct task_table *tasks);

#endif
