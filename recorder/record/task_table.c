/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/record/task_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Open addressing with linear probing, at most three quarters full; tid 0 marks a free slot. */
struct task_table {
	struct ft_task *slots;
	size_t mask;
	size_t count, limit;
	struct ft_task unkept; /* returned by task_table_learn() for a thread that is not kept */
};

int task_table_create(size_t capacity, struct task_table **ret_tasks)
{
	size_t slots = 1024;
	while (slots - slots / 4 < capacity)
		slots *= 2;
	struct task_table *tasks = calloc(1, sizeof(*tasks));
	if (!tasks)
		return -ENOMEM;
	tasks->slots = calloc(slots, sizeof(*tasks->slots));
	if (!tasks->slots) {
		free(tasks);
		return -ENOMEM;
	}
	tasks->mask = slots - 1;
	tasks->limit = slots - slots / 4;
	*ret_tasks = tasks;
	return 0;
}

void task_table_destroy(struct task_table *tasks)
{
	if (!tasks)
		return;
	free(tasks->slots);
	free(tasks);
}

static size_t home_index(const struct task_table *tasks, int32_t tid)
{
	return ((uint32_t)tid * 2654435769u >> 7) & tasks->mask;
}

/* Return: the slot of @tid, or the free one where it belongs. */
static size_t find_index(const struct task_table *tasks, int32_t tid)
{
	size_t at = home_index(tasks, tid);
	while (tasks->slots[at].tid && tasks->slots[at].tid != tid)
		at = (at + 1) & tasks->mask;
	return at;
}

static void set_comm(struct ft_task *task, const char *comm)
{
	if (!strncmp(task->comm, comm, FT_COMM_BYTES))
		return;
	memset(task->comm, 0, sizeof(task->comm));
	memcpy(task->comm, comm, strnlen(comm, FT_COMM_BYTES - 1));
}

const struct ft_task *task_table_learn(struct task_table *tasks, int32_t tid, int32_t tgid,
				       const char *comm)
{
	struct ft_task *task = &tasks->unkept;
	if (tid > 0) {
		size_t at = find_index(tasks, tid);
		if (tasks->slots[at].tid || tasks->count < tasks->limit)
			task = &tasks->slots[at];
	}
	if (task == &tasks->unkept || !task->tid) {
		if (task != &tasks->unkept)
			tasks->count++;
		*task = (struct ft_task){ .tid = tid, .tgid = -1 };
	}
	if (tgid >= 0)
		task->tgid = tgid;
	if (comm)
		set_comm(task, comm);
	return task;
}

void task_table_forget(struct task_table *tasks, int32_t tid)
{
	if (tid <= 0)
		return;
	size_t hole = find_index(tasks, tid);
	if (!tasks->slots[hole].tid)
		return;
	tasks->count--;
	/* Entries that had probed past the hole move up, so that they are still found. */
	for (size_t at = (hole + 1) & tasks->mask; tasks->slots[at].tid;
	     at = (at + 1) & tasks->mask) {
		size_t wants = home_index(tasks, tasks->slots[at].tid);
		if (((at - wants) & tasks->mask) >= ((at - hole) & tasks->mask)) {
			tasks->slots[hole] = tasks->slots[at];
			hole = at;
		}
	}
	tasks->slots[hole].tid = 0;
}

size_t task_table_count(const struct task_table *tasks)
{
	return tasks->count;
}
