/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/base/abandonable_task.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "recorder/base/clock.h"

#define STACK_BYTES (256u << 10) /* name resolution needs most of it */

enum { WORKING, DONE, LEFT };

struct abandonable_task {
	char name[16];
	void (*work)(void *context);
	void (*discard)(void *context);
	void *context;
	pthread_t thread;
	int done_fd;
	_Atomic int state;
};

static void destroy_task(struct abandonable_task *task)
{
	task->discard(task->context);
	close(task->done_fd);
	free(task);
}

static void *run_task(void *context)
{
	struct abandonable_task *task = context;
	pthread_setname_np(pthread_self(), task->name);
	setpriority(PRIO_PROCESS, 0, 0); /* for this thread and what it starts */
	task->work(task->context);
	if (atomic_exchange(&task->state, DONE) == LEFT)
		destroy_task(task);
	else
		(void)!eventfd_write(task->done_fd, 1);
	return NULL;
}

/* The thread inherits neither real-time scheduling nor signals from the caller. */
static int start_ordinary_thread(struct abandonable_task *task)
{
	pthread_attr_t attributes;
	int error = pthread_attr_init(&attributes);
	if (error)
		return -error;
	pthread_attr_setstacksize(&attributes, STACK_BYTES);
	pthread_attr_setinheritsched(&attributes, PTHREAD_EXPLICIT_SCHED);
	pthread_attr_setschedpolicy(&attributes, SCHED_OTHER);

	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&task->thread, &attributes, run_task, task);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	return -error;
}

int abandonable_task_start(const char *name, void (*work)(void *context),
			   void (*discard)(void *context), void *context,
			   struct abandonable_task **ret_task)
{
	struct abandonable_task *task = calloc(1, sizeof(*task));
	if (!task)
		return -ENOMEM;
	snprintf(task->name, sizeof(task->name), "%s", name);
	task->work = work;
	task->discard = discard;
	task->context = context;
	task->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	int error = task->done_fd < 0 ? -errno : 0;
	/* Set this before the thread starts, because @work may use it at once. */
	*ret_task = task;
	if (!error)
		error = start_ordinary_thread(task);
	if (!error)
		return 0;
	*ret_task = NULL;
	if (task->done_fd >= 0)
		close(task->done_fd);
	free(task);
	return error;
}

int abandonable_task_done_fd(const struct abandonable_task *task)
{
	return task->done_fd;
}

bool abandonable_task_wait(const struct abandonable_task *task, int patience_ms)
{
	uint64_t end_ns = clock_now_ns() + (uint64_t)patience_ms * 1000000;

	while (task->state != DONE) {
		uint64_t now_ns = clock_now_ns();
		if (now_ns >= end_ns)
			return false;
		struct pollfd pollfd = { .fd = task->done_fd, .events = POLLIN };
		poll(&pollfd, 1, (int)((end_ns - now_ns) / 1000000) + 1);
	}
	return true;
}

bool abandonable_task_leave(struct abandonable_task *task, int patience_ms)
{
	if (!task)
		return true;
	abandonable_task_wait(task, patience_ms);

	pthread_t thread = task->thread;
	int working = WORKING;
	if (atomic_compare_exchange_strong(&task->state, &working, LEFT)) {
		/* The thread owns *task from here on. */
		pthread_detach(thread);
		return false;
	}
	pthread_join(thread, NULL);
	destroy_task(task);
	return true;
}
