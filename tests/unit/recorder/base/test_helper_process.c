/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "recorder/base/helper_process.h"
#include "tests/unit/support/unit_test.h"

#define MORE_THAN_A_PIPE (300u << 10)

static double read_clock_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int write_much(void *context, int out_fd)
{
	for (uint32_t i = 0; i < MORE_THAN_A_PIPE / sizeof(i); i++)
		if (write(out_fd, &i, sizeof(i)) != sizeof(i))
			return 1;
	(void)context;
	return 0;
}

static void child_run_returns_all_that_was_written(void **state)
{
	void *output = NULL;
	size_t bytes = 0;

	assert_int_equal(helper_process_run(write_much, NULL, 10000, &output, &bytes), 0);
	assert_int_equal(bytes, MORE_THAN_A_PIPE);
	for (uint32_t i = 0; i < MORE_THAN_A_PIPE / sizeof(i); i++)
		assert_int_equal(((uint32_t *)output)[i], i);
	free(output);
	(void)state;
}

static void on_alarm(int number)
{
	(void)number;
}

/* Most writes are cut short, or not begun, by a signal. */
static int write_interrupted(void *context, int out_fd)
{
	static uint32_t numbers[MORE_THAN_A_PIPE / sizeof(uint32_t)];
	const struct sigaction action = { .sa_handler = on_alarm };
	const struct itimerval often = { { 0, 200 }, { 0, 200 } }, never = { { 0, 0 }, { 0, 0 } };

	for (uint32_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		numbers[i] = i;
	if (sigaction(SIGALRM, &action, NULL) || setitimer(ITIMER_REAL, &often, NULL))
		return 1;
	int err = helper_process_write(out_fd, numbers, sizeof(numbers));
	setitimer(ITIMER_REAL, &never, NULL);
	(void)context;
	return err || helper_process_write(-1, numbers, sizeof(numbers)) != -EBADF ||
	       helper_process_write(-1, numbers, 0);
}

static void child_write_writes_all_or_says_why_not(void **state)
{
	void *output = NULL;
	size_t bytes = 0;

	assert_int_equal(helper_process_run(write_interrupted, NULL, 10000, &output, &bytes), 0);
	assert_int_equal(bytes, MORE_THAN_A_PIPE);
	for (uint32_t i = 0; i < MORE_THAN_A_PIPE / sizeof(i); i++)
		assert_int_equal(((uint32_t *)output)[i], i);
	free(output);
	(void)state;
}

static int give_status(void *context, int out_fd)
{
	return write(out_fd, "x", 1) == 1 ? *(int *)context : 99;
}

static void child_run_reports_failure_and_keeps_output(void **state)
{
	int status = 3;
	void *output = NULL;
	size_t bytes = 0;

	assert_int_equal(helper_process_run(give_status, &status, 10000, &output, &bytes), -ECHILD);
	assert_int_equal(bytes, 1);
	free(output);
	(void)state;
}

static int kill_self(void *context, int out_fd)
{
	(void)context, (void)out_fd;
	return raise(SIGKILL);
}

static void child_run_reports_a_child_that_was_killed(void **state)
{
	void *output = NULL;
	size_t bytes = 1;

	assert_int_equal(helper_process_run(kill_self, NULL, 10000, &output, &bytes), -ECHILD);
	assert_int_equal(bytes, 0);
	free(output);
	(void)state;
}

static int write_pid_and_hang(void *context, int out_fd)
{
	pid_t pid = getpid();

	if (write(out_fd, &pid, sizeof(pid)) != sizeof(pid))
		return 1;
	if (context)
		close(out_fd);
	for (;;)
		pause();
}

static int do_nothing(void *context, int out_fd)
{
	(void)context;
	(void)out_fd;
	return 0;
}

/* A killed child that takes its time to die is reaped by a later call. */
static bool gone_after_more_calls(pid_t pid)
{
	double end = read_clock_s() + 10;

	while (kill(pid, 0) == 0 && read_clock_s() < end) {
		void *output = NULL;
		size_t bytes;

		assert_int_equal(helper_process_run(do_nothing, NULL, 10000, &output, &bytes), 0);
		free(output);
	}
	return kill(pid, 0) == -1 && errno == ESRCH;
}

static void assert_killed_at_deadline(void *context)
{
	double start = read_clock_s();
	void *output = NULL;
	size_t bytes = 0;
	pid_t pid;

	assert_int_equal(helper_process_run(write_pid_and_hang, context, 300, &output, &bytes), -ETIMEDOUT);
	assert_true(read_clock_s() - start >= 0.29);
	assert_int_equal(bytes, sizeof(pid));
	memcpy(&pid, output, sizeof(pid));
	assert_true(gone_after_more_calls(pid));
	free(output);
}

static void child_run_kills_at_the_deadline_and_keeps_output(void **state)
{
	assert_killed_at_deadline(NULL);
	(void)state;
}

static void child_run_kills_a_child_that_closed_its_output_and_hangs(void **state)
{
	assert_killed_at_deadline("close");
	(void)state;
}

/* 0 where the child is as ordinary as its contract says. */
static int tell_oddity(void *context, int out_fd)
{
	struct sigaction usr1, interrupt;
	sigset_t blocked;

	(void)context, (void)out_fd;
	sigaction(SIGUSR1, NULL, &usr1);
	sigaction(SIGINT, NULL, &interrupt);
	sigprocmask(SIG_SETMASK, NULL, &blocked);
	if (usr1.sa_handler != SIG_DFL)
		return 1;
	if (interrupt.sa_handler != SIG_IGN)
		return 2;
	if (sigismember(&blocked, SIGUSR2))
		return 3;
	return sched_getscheduler(0) == SCHED_OTHER ? 0 : 4;
}

static void on_signal(int number)
{
	(void)number;
}

static void child_has_no_handler_mask_or_priority_of_the_parent(void **state)
{
	struct sched_param high = { .sched_priority = 1 }, ordinary = { .sched_priority = 0 };
	sigset_t usr2;
	void *output = NULL;
	size_t bytes;
	int err;

	if (sched_setscheduler(0, SCHED_FIFO, &high) < 0)
		print_message("scheduling is not tried: %s\n", strerror(errno));
	signal(SIGUSR1, on_signal);
	sigemptyset(&usr2);
	sigaddset(&usr2, SIGUSR2);
	sigprocmask(SIG_BLOCK, &usr2, NULL);
	err = helper_process_run(tell_oddity, NULL, 10000, &output, &bytes);
	sched_setscheduler(0, SCHED_OTHER, &ordinary);
	sigprocmask(SIG_UNBLOCK, &usr2, NULL);
	signal(SIGUSR1, SIG_DFL);
	free(output);
	assert_int_equal(err, 0);
	(void)state;
}

static int write_byte_and_hang(void *context, int out_fd)
{
	(void)out_fd;
	if (write(*(int *)context, "x", 1) != 1)
		return 1;
	for (;;)
		pause();
}

static void child_dies_with_its_parent(void **state)
{
	int fds[2];
	pid_t parent;
	char byte;

	assert_int_equal(pipe(fds), 0);
	parent = fork();
	if (parent == 0) {
		void *output;
		size_t bytes;

		helper_process_run(write_byte_and_hang, &fds[1], 60000, &output, &bytes);
		_exit(0);
	}
	close(fds[1]);
	alarm(20); /* rather die than hang */
	assert_int_equal(read(fds[0], &byte, 1), 1);
	kill(parent, SIGKILL);
	waitpid(parent, NULL, 0);
	/* The end of file comes when the grandchild is gone too. */
	assert_int_equal(read(fds[0], &byte, 1), 0);
	alarm(0);
	close(fds[0]);
	(void)state;
}

UNIT_TESTS(helper_process)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(child_run_returns_all_that_was_written),
		cmocka_unit_test(child_write_writes_all_or_says_why_not),
		cmocka_unit_test(child_run_reports_failure_and_keeps_output),
		cmocka_unit_test(child_run_reports_a_child_that_was_killed),
		cmocka_unit_test(child_run_kills_at_the_deadline_and_keeps_output),
		cmocka_unit_test(child_run_kills_a_child_that_closed_its_output_and_hangs),
		cmocka_unit_test(child_has_no_handler_mask_or_priority_of_the_parent),
		cmocka_unit_test(child_dies_with_its_parent),
	};

	return run_unit_tests(tests, NULL, NULL);
}
