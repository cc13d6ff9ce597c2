/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The threads that used a CPU much, by the samples of them in what was recorded.
 */
#ifndef RECORDER_RECORD_CPU_USERS_H
#define RECORDER_RECORD_CPU_USERS_H

#include <stddef.h>
#include <stdint.h>

#include "capture/event.h"

#define CPU_USERS_MAX	  1024 /* more threads are not counted */
#define CPU_USERS_SAMPLES 3u /* from so many on it used a CPU much: one may be an accident */

struct cpu_users;

int cpu_users_create(struct cpu_users **ret_users); /* 0 or -ENOMEM */
void cpu_users_destroy(struct cpu_users *users);

/* Feed every event. @users: a struct cpu_users. Each function from any thread. */
void cpu_users_event(void *users, const struct ft_event *event);

/* Take some of those that were not taken yet. Return: how many, @room at most. */
size_t cpu_users_take(struct cpu_users *users, struct ft_task *ret_tasks, size_t room);

/* All of them may be taken again. */
void cpu_users_again(struct cpu_users *users);

#endif
