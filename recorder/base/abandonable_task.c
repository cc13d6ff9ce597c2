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

enum { AT_WORK, DONE, LEFT };

struct abandonable_task {
	char name[16];
	void (*work)(void *context);
	void (*discard)(void *context);
	void *context;
	pthread_t thread;
	int done_fd;
	_Atomic int state;
};

static void destroy(struct abandonable_task *errand)
{
	errand->discard(errand->context);
	close(errand->done_fd);
	free(errand);
}

static void *run(void *context)
{
	struct abandonable_task *errand = context;
	pthread_setname_np(pthread_self(), errand->name);
	setpriority(PRIO_PROCESS, 0, 0); /* of this thread, and of what it starts */
	errand->work(errand->context);
	if (atomic_exchange(&errand->state, DONE) == LEFT)
		destroy(errand);
	else
		(void)!eventfd_write(errand->done_fd, 1);
	return NULL;
}

/* Also where the caller is a real-time thread, or takes signals. */
static int start_ordinary_thread(struct abandonable_task *errand)
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
	error = pthread_create(&errand->thread, &attributes, run, errand);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	return -error;
}

int abandonable_task_start(const char *name, void (*work)(void *context),
			   void (*discard)(void *context), void *context,
			   struct abandonable_task **ret_errand)
{
	struct abandonable_task *errand = calloc(1, sizeof(*errand));
	if (!errand)
		return -ENOMEM;
	snprintf(errand->name, sizeof(errand->name), "%s", name);
	errand->work = work;
	errand->discard = discard;
	errand->context = context;
	errand->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	int error = errand->done_fd < 0 ? -errno : 0;
	/* Before the thread starts: it may be done before pthread_create() returns. */
	*ret_errand = errand;
	if (!error)
		error = start_ordinary_thread(errand);
	if (!error)
		return 0;
	*ret_errand = NULL;
	if (errand->done_fd >= 0)
		close(errand->done_fd);
	free(errand);
	return error;
}

int abandonable_task_done_fd(const struct abandonable_task *errand)
{
	return errand->done_fd;
}

bool abandonable_task_wait(const struct abandonable_task *errand, int patience_ms)
{
	uint64_t end_ns = clock_now_ns() + (uint64_t)patience_ms * 1000000;

	while (errand->state != DONE) {
		uint64_t now_ns = clock_now_ns();
		if (now_ns >= end_ns)
			return false;
		struct pollfd pollfd = { .fd = errand->done_fd, .events = POLLIN };
		poll(&pollfd, 1, (int)((end_ns - now_ns) / 1000000) + 1);
	}
	return true;
}

bool abandonable_task_leave(struct abandonable_task *errand, int patience_ms)
{
	if (!errand)
		return true;
	abandonable_task_wait(errand, patience_ms);

	pthread_t thread = errand->thread;
	int at_work = AT_WORK;
	if (atomic_compare_exchange_strong(&errand->state, &at_work, LEFT)) {
		/* From here on *errand is the thread's. */
		pthread_detach(thread);
		return false;
	}
	pthread_join(thread, NULL);
	destroy(errand);
	return true;
}
