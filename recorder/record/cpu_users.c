/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/record/cpu_users.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

struct cpu_user {
	struct ft_task task;
	uint32_t samples;
};

struct cpu_users {
	pthread_mutex_t lock; /* of everything below */
	size_t count, taken; /* the first ones were taken */
	struct cpu_user list[CPU_USERS_MAX];
};

int cpu_users_create(struct cpu_users **ret_users)
{
	struct cpu_users *users = calloc(1, sizeof(*users));

	if (!users)
		return -ENOMEM;
	pthread_mutex_init(&users->lock, NULL);
	*ret_users = users;
	return 0;
}

void cpu_users_destroy(struct cpu_users *users)
{
	if (!users)
		return;
	pthread_mutex_destroy(&users->lock);
	free(users);
}

/* Samples come by the hundred a second, so that a search through the list costs little. */
static struct cpu_user *find_user(struct cpu_users *users, const struct ft_task *task)
{
	for (size_t i = 0; i < users->count; i++)
		if (users->list[i].task.tid == task->tid)
			return &users->list[i];
	if (users->count == CPU_USERS_MAX)
		return NULL;
	users->list[users->count] = (struct cpu_user){ .samples = 0 };
	return &users->list[users->count++];
}

void cpu_users_event(void *users, const struct ft_event *event)
{
	struct cpu_users *into = users;
	struct cpu_user *user;

	if (event->kind != FT_EVENT_SAMPLE || event->task->tid <= 0 || event->task->tgid <= 0)
		return;
	pthread_mutex_lock(&into->lock);
	user = find_user(into, event->task);
	if (user) {
		user->task = *event->task;
		user->samples++;
	}
	pthread_mutex_unlock(&into->lock);
}

size_t cpu_users_take(struct cpu_users *users, struct ft_task *ret_tasks, size_t room)
{
	size_t count = 0;

	pthread_mutex_lock(&users->lock);
	for (size_t i = users->taken; i < users->count && count < room; i++) {
		struct cpu_user user = users->list[i];

		if (user.samples < CPU_USERS_SAMPLES)
			continue;
		ret_tasks[count++] = user.task;
		users->list[i] = users->list[users->taken];
		users->list[users->taken++] = user;
	}
	pthread_mutex_unlock(&users->lock);
	return count;
}

void cpu_users_again(struct cpu_users *users)
{
	pthread_mutex_lock(&users->lock);
	users->taken = 0;
	pthread_mutex_unlock(&users->lock);
}
