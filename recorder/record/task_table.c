/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/record/task_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Open addressing with linear probing, at most three quarters full; tid 0 marks a free place. */
struct task_table {
	struct ft_task *places;
	size_t mask;
	size_t count, limit;
	struct ft_task loose; /* what task_table_learn() returns for those not kept */
};

int task_table_create(size_t capacity, struct task_table **ret_tasks)
{
	size_t places = 1024;
	while (places - places / 4 < capacity)
		places *= 2;
	struct task_table *tasks = calloc(1, sizeof(*tasks));
	if (!tasks)
		return -ENOMEM;
	tasks->places = calloc(places, sizeof(*tasks->places));
	if (!tasks->places) {
		free(tasks);
		return -ENOMEM;
	}
	tasks->mask = places - 1;
	tasks->limit = places - places / 4;
	*ret_tasks = tasks;
	return 0;
}

void task_table_destroy(struct task_table *tasks)
{
	if (!tasks)
		return;
	free(tasks->places);
	free(tasks);
}

static size_t home(const struct task_table *tasks, int32_t tid)
{
	return ((uint32_t)tid * 2654435769u >> 7) & tasks->mask;
}

/* The place of @tid, or the free one where it would go. */
static size_t find(const struct task_table *tasks, int32_t tid)
{
	size_t at = home(tasks, tid);
	while (tasks->places[at].tid && tasks->places[at].tid != tid)
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
	struct ft_task *task = &tasks->loose;
	if (tid > 0) {
		size_t at = find(tasks, tid);
		if (tasks->places[at].tid || tasks->count < tasks->limit)
			task = &tasks->places[at];
	}
	if (task == &tasks->loose || !task->tid) {
		if (task != &tasks->loose)
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
	size_t hole = find(tasks, tid);
	if (!tasks->places[hole].tid)
		return;
	tasks->count--;
	/* Those behind that probed past the hole move up, so that they are still found. */
	for (size_t at = (hole + 1) & tasks->mask; tasks->places[at].tid;
	     at = (at + 1) & tasks->mask) {
		size_t wants = home(tasks, tasks->places[at].tid);
		if (((at - wants) & tasks->mask) >= ((at - hole) & tasks->mask)) {
			tasks->places[hole] = tasks->places[at];
			hole = at;
		}
	}
	tasks->places[hole].tid = 0;
}

size_t task_table_count(const struct task_table *tasks)
{
	return tasks->count;
}
