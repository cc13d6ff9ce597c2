/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/base/helper_process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "recorder/base/clock.h"

#define READ_BYTES (64u << 10)
/* How long a killed child may take to die; one that takes longer is reaped by a later call. */
#define DEATH_WAIT_MS 20
#define LEFT_MAX      64

/*
 * Serializes pipe2(), fork() and close(). A child forked in between by another thread would hold
 * our write end open, and the end of file would come only when that child ends.
 */
static pthread_mutex_t fork_lock = PTHREAD_MUTEX_INITIALIZER;

/* Children that were killed and are not dead yet, under fork_lock. One too many stays a zombie. */
static pid_t left_behind[LEFT_MAX];
static size_t left_count;

struct output {
	char *data;
	size_t bytes, capacity;
};

static int64_t now_ms(void)
{
	return (int64_t)(clock_now_ns() / 1000000);
}

/*
 * Runs in the child. A fork inherits scheduling and signal handlers, but no memory locks. Ctrl-C
 * and a service manager's signals reach the whole process group, and the parent decides what they
 * mean: the child ends with its work, its deadline or its parent.
 */
static void become_ordinary(pid_t parent)
{
	static const int left_to_parent[] = { SIGINT, SIGQUIT, SIGTERM, SIGHUP };
	struct sched_param ordinary = { .sched_priority = 0 };
	sigset_t none;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(127);
	for (int number = 1; number < NSIG; number++)
		signal(number, SIG_DFL);
	for (size_t i = 0; i < sizeof(left_to_parent) / sizeof(left_to_parent[0]); i++)
		signal(left_to_parent[i], SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	sched_setscheduler(0, SCHED_OTHER, &ordinary);
}

static void reap_left_behind(void)
{
	size_t kept = 0;

	for (size_t i = 0; i < left_count; i++)
		if (waitpid(left_behind[i], NULL, WNOHANG) == 0)
			left_behind[kept++] = left_behind[i];
	left_count = kept;
}

static void leave_behind(pid_t pid)
{
	pthread_mutex_lock(&fork_lock);
	if (left_count < LEFT_MAX)
		left_behind[left_count++] = pid;
	pthread_mutex_unlock(&fork_lock);
}

static int start_child(int (*work)(void *context, int out_fd), void *context, pid_t *ret_pid,
		       int *ret_fd)
{
	pid_t parent = getpid();
	sigset_t all, before;
	int fds[2], err = 0;
	pid_t pid;

	pthread_mutex_lock(&fork_lock);
	reap_left_behind();
	if (pipe2(fds, O_CLOEXEC) < 0) {
		err = -errno;
		goto out;
	}
	/* No handler of the parent may run in the child before become_ordinary() resets them. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pid = fork();
	if (pid == 0) {
		become_ordinary(parent);
		close(fds[0]);
		_exit(work(context, fds[1]));
	}
	if (pid < 0)
		err = -errno;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	close(fds[1]);
	if (err < 0) {
		close(fds[0]);
		goto out;
	}
	*ret_pid = pid;
	*ret_fd = fds[0];
out:
	pthread_mutex_unlock(&fork_lock);
	return err;
}

static int read_more(struct output *output, int fd)
{
	ssize_t bytes;

	if (output->capacity - output->bytes < READ_BYTES) {
		size_t capacity = 2 * output->capacity + READ_BYTES;
		char *data = realloc(output->data, capacity);

		if (!data)
			return -ENOMEM;
		output->data = data;
		output->capacity = capacity;
	}
	bytes = read(fd, output->data + output->bytes, output->capacity - output->bytes);
	if (bytes < 0)
		return errno == EINTR ? 1 : -errno;
	output->bytes += (size_t)bytes;
	return bytes > 0;
}

/* Return: 0 end of file, -ETIMEDOUT, or another negative errno. */
static int read_until_deadline(struct output *output, int fd, int64_t deadline_ms)
{
	for (;;) {
		int64_t left_ms = deadline_ms - now_ms();
		struct pollfd pollfd = { .fd = fd, .events = POLLIN };
		int ready, err;

		if (left_ms <= 0)
			return -ETIMEDOUT;
		ready = poll(&pollfd, 1, (int)left_ms);
		if (ready < 0 && errno != EINTR)
			return -errno;
		if (ready <= 0)
			continue;
		err = read_more(output, fd);
		if (err <= 0)
			return err;
	}
}

/* Never blocks beyond the deadline. Return: 0, -ECHILD, -ETIMEDOUT. */
static int reap_until_deadline(pid_t pid, int64_t deadline_ms)
{
	for (;;) {
		struct timespec pause = { .tv_nsec = 1000000 };
		int status;
		pid_t reaped = waitpid(pid, &status, WNOHANG);

		/* Where SIGCHLD is ignored, the kernel does not say how the child ended. */
		if (reaped < 0)
			return -ECHILD;
		if (reaped == pid)
			return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -ECHILD;
		if (now_ms() >= deadline_ms)
			return -ETIMEDOUT;
		nanosleep(&pause, NULL);
	}
}

int helper_process_run(int (*work)(void *context, int out_fd), void *context, int deadline_ms,
		       void **ret_output, size_t *ret_output_bytes)
{
	int64_t end_ms = now_ms() + deadline_ms;
	struct output output = { NULL, 0, 0 };
	pid_t pid = -1;
	int fd = -1, err;

	err = start_child(work, context, &pid, &fd);
	if (err < 0)
		return err;
	err = read_until_deadline(&output, fd, end_ms);
	close(fd);
	if (err == 0)
		err = reap_until_deadline(pid, end_ms);
	if (err < 0 && err != -ECHILD) {
		/* A child in D state dies later or never. */
		kill(pid, SIGKILL);
		if (reap_until_deadline(pid, now_ms() + DEATH_WAIT_MS) == -ETIMEDOUT)
			leave_behind(pid);
	}
	*ret_output = output.data;
	*ret_output_bytes = output.bytes;
	return err;
}

int helper_process_write(int out_fd, const void *data, size_t bytes)
{
	const char *from = data;

	while (bytes > 0) {
		ssize_t written = write(out_fd, from, bytes);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -errno;
		from += written;
		bytes -= (size_t)written;
	}
	return 0;
}
