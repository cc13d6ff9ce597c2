/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "capture/event.h"
#include "recorder/proc/proc_task.h"
#include "tests/unit/support/unit_test.h"
#include "recorder/symbols/kallsyms.h"

/* The linker puts this in front of openat: every file of /proc goes through it. */
int __real_openat(int directory, const char *name, int flags, ...);
int __wrap_openat(int directory, const char *name, int flags, ...);

static char forbidden_name[64];
static int opened_count;

int __wrap_openat(int directory, const char *name, int flags, ...)
{
	static const char *const allowed[] = { "stat",	"comm",	 "schedstat",	"syscall",
					       "stack", "wchan", "/proc/kallsyms" };
	bool harmless = name[strspn(name, "0123456789")] == '\0';

	opened_count++;
	for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++)
		harmless |= strcmp(name, allowed[i]) == 0;
	if (!harmless)
		snprintf(forbidden_name, sizeof(forbidden_name), "%s", name);
	return __real_openat(directory, name, flags);
}

enum { IN_READ, IN_SLEEP, IN_FUTEX, THREADS };

static struct {
	pthread_t thread;
	_Atomic int32_t tid;
} threads[THREADS];
static int pipe_fds[2];
static uint32_t futex_word;

static void *read_pipe(void *argument)
{
	char byte;

	prctl(PR_SET_NAME, "reader");
	threads[IN_READ].tid = gettid();
	assert_int_equal(read(pipe_fds[0], &byte, 1), 1);
	return argument;
}

static void *sleep_long(void *argument)
{
	struct timespec day = { .tv_sec = 86400 };

	/* A name to break what looks for the first parenthesis or space. */
	prctl(PR_SET_NAME, "a) R 1 (b\n\\");
	threads[IN_SLEEP].tid = gettid();
	syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &day, NULL);
	return argument;
}

static void *wait_for_futex(void *argument)
{
	threads[IN_FUTEX].tid = gettid();
	syscall(SYS_futex, &futex_word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
	return argument;
}

struct seen {
	int32_t tid;
	int count;
	struct ft_event event;
	struct ft_task task;
	struct ft_stack stack;
	uint64_t frames[FT_STACK_FRAMES_MAX];
};

static int keep_event(void *context, const struct ft_event *event)
{
	struct seen *seen = context;

	if (event->task->tid != seen->tid)
		return 0;
	seen->count++;
	seen->event = *event;
	seen->task = *event->task;
	if (event->stack) {
		seen->stack = *event->stack;
		memcpy(seen->frames, event->stack->frames,
		       event->stack->kernel_count * sizeof(seen->frames[0]));
	}
	return 0;
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* The thread's snapshot once it is in that call: it may need a moment to get there. */
static void see_in_call(struct seen *seen, int thread, int64_t number,
			const struct kallsyms *kallsyms)
{
	uint64_t end_ns = now_ns() + 20000000000;

	do {
		memset(seen, 0, sizeof(*seen));
		seen->tid = threads[thread].tid;
		assert_int_equal(proc_task_visit(getpid(), kallsyms, keep_event, seen), 0);
		assert_true(now_ns() < end_ns);
	} while (seen->count == 0 || seen->event.state.syscall != number ||
		 seen->event.state.state != FT_STATE_SLEEPING);
	assert_int_equal(seen->count, 1);
}

static bool syscall_file_is_readable(void)
{
	char path[64], text[256];
	FILE *file;
	bool readable;

	snprintf(path, sizeof(path), "/proc/self/task/%d/syscall", threads[IN_READ].tid);
	file = fopen(path, "re");
	readable = file && fgets(text, sizeof(text), file);
	if (file)
		fclose(file);
	return readable;
}

static int start_threads(void **state)
{
	void *(*const functions[])(void *) = { read_pipe, sleep_long, wait_for_futex };

	if (pipe(pipe_fds) < 0)
		return -1;
	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i].thread, NULL, functions[i], NULL) != 0)
			return -1;
	for (int i = 0; i < THREADS; i++)
		while (threads[i].tid == 0)
			sched_yield();
	(void)state;
	return 0;
}

static int stop_threads(void **state)
{
	if (write(pipe_fds[1], "x", 1) != 1)
		return -1;
	__atomic_store_n(&futex_word, 1, __ATOMIC_SEQ_CST);
	syscall(SYS_futex, &futex_word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
	pthread_cancel(threads[IN_SLEEP].thread);
	for (int i = 0; i < THREADS; i++)
		if (i != IN_SLEEP)
			pthread_join(threads[i].thread, NULL);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
	(void)state;
	return 0;
}

static void snapshot_tells_the_call_and_its_arguments(void **state)
{
	struct seen seen;

	if (!syscall_file_is_readable()) {
		print_message("/proc/PID/task/TID/syscall is not readable here\n");
		skip();
	}
	see_in_call(&seen, IN_READ, SYS_read, NULL);
	assert_int_equal(seen.event.state.args[0], pipe_fds[0]);
	assert_int_equal(seen.event.state.args[2], 1);
	see_in_call(&seen, IN_FUTEX, SYS_futex, NULL);
	assert_int_equal(seen.event.state.args[0], (uintptr_t)&futex_word);
	see_in_call(&seen, IN_SLEEP, SYS_clock_nanosleep, NULL);
	assert_int_equal(seen.event.state.args[0], CLOCK_MONOTONIC);
	assert_null(seen.event.stack);
	(void)state;
}

static void snapshot_keeps_a_name_that_looks_like_other_fields(void **state)
{
	struct seen seen = { .tid = threads[IN_SLEEP].tid };

	assert_int_equal(proc_task_visit(getpid(), NULL, keep_event, &seen), 0);
	assert_string_equal(seen.task.comm, "a) R 1 (b\n\\");
	assert_int_equal(seen.task.tgid, getpid());
	assert_int_equal(seen.event.kind, FT_EVENT_STATE);
	assert_int_equal(seen.event.cpu, FT_NO_CPU);
	(void)state;
}

static void snapshot_of_a_running_thread_has_no_call_and_no_stack(void **state)
{
	struct seen seen = { .tid = getpid() };
	uint64_t before_ns = now_ns();

	assert_int_equal(proc_task_visit(getpid(), NULL, keep_event, &seen), 0);
	assert_int_equal(seen.count, 1);
	assert_int_equal(seen.event.state.state, FT_STATE_RUNNING);
	assert_int_equal(seen.event.state.syscall, -1);
	assert_null(seen.event.stack);
	assert_in_range(seen.event.time_ns, before_ns, now_ns());
	(void)state;
}

static void snapshot_counts_the_time_a_thread_ran(void **state)
{
	struct seen seen = { .tid = getpid() };

	if (access("/proc/self/schedstat", R_OK) < 0) {
		print_message("/proc/self/schedstat: %s\n", strerror(errno));
		skip();
	}
	assert_int_equal(proc_task_visit(getpid(), NULL, keep_event, &seen), 0);
	assert_in_range(seen.event.state.running_ns, 1, now_ns());
	(void)state;
}

static bool has_frame(const struct kallsyms *kallsyms, const struct seen *seen, const char *part)
{
	for (size_t i = 0; i < seen->stack.kernel_count; i++) {
		uint64_t offset_bytes;
		const char *module;
		const char *name = kallsyms_find(kallsyms, seen->frames[i], &offset_bytes, &module);

		if (name && strstr(name, part))
			return true;
	}
	return false;
}

static void snapshot_has_the_kernel_stack_of_a_blocked_thread(void **state)
{
	struct kallsyms *kallsyms = NULL;
	struct seen seen;
	int err = kallsyms_read("/proc/kallsyms", &kallsyms);

	if (err < 0 || !syscall_file_is_readable()) {
		print_message("kallsyms: %s\n", strerror(-err));
		skip();
	}
	see_in_call(&seen, IN_READ, SYS_read, kallsyms);
	assert_non_null(seen.event.stack);
	assert_int_equal(seen.stack.user_count, 0);
	assert_true(has_frame(kallsyms, &seen, "pipe_read"));
	if (seen.stack.kernel_count > 1) /* else only wchan was readable */
		assert_true(has_frame(kallsyms, &seen, "vfs_read"));
	see_in_call(&seen, IN_FUTEX, SYS_futex, kallsyms);
	assert_true(has_frame(kallsyms, &seen, "futex"));
	assert_false(has_frame(kallsyms, &seen, "pipe_read"));
	kallsyms_free(kallsyms);
	(void)state;
}

static int stop_at_once(void *context, const struct ft_event *event)
{
	(void)event;
	++*(int *)context;
	return -42;
}

static void snapshot_ends_when_the_visitor_says_so(void **state)
{
	int count = 0;

	assert_int_equal(proc_task_visit(getpid(), NULL, stop_at_once, &count), -42);
	assert_int_equal(count, 1);
	(void)state;
}

static void snapshot_of_no_process_is_esrch(void **state)
{
	int count = 0;

	assert_int_equal(proc_task_visit(INT32_MAX, NULL, stop_at_once, &count), -ESRCH);
	assert_int_equal(count, 0);
	(void)state;
}

static int keep_task(void *context, const struct ft_task *task)
{
	struct seen *seen = context;

	if (task->tid == seen->tid) {
		seen->task = *task;
		seen->count++;
	}
	return 0;
}

static void snapshot_tasks_names_every_thread_of_the_host(void **state)
{
	struct seen seen = { .tid = threads[IN_READ].tid };

	assert_int_equal(proc_task_visit_names(keep_task, &seen), 0);
	assert_int_equal(seen.count, 1);
	assert_int_equal(seen.task.tgid, getpid());
	assert_string_equal(seen.task.comm, "reader");
	(void)state;
}

/* The last test: of all that was opened by then. */
static void only_files_that_do_not_wait_for_the_address_space_are_opened(void **state)
{
	assert_true(opened_count > 20);
	assert_string_equal(forbidden_name, "");
	(void)state;
}

UNIT_TESTS(proc_task)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(snapshot_tells_the_call_and_its_arguments),
		cmocka_unit_test(snapshot_keeps_a_name_that_looks_like_other_fields),
		cmocka_unit_test(snapshot_of_a_running_thread_has_no_call_and_no_stack),
		cmocka_unit_test(snapshot_counts_the_time_a_thread_ran),
		cmocka_unit_test(snapshot_has_the_kernel_stack_of_a_blocked_thread),
		cmocka_unit_test(snapshot_ends_when_the_visitor_says_so),
		cmocka_unit_test(snapshot_of_no_process_is_esrch),
		cmocka_unit_test(snapshot_tasks_names_every_thread_of_the_host),
		cmocka_unit_test(only_files_that_do_not_wait_for_the_address_space_are_opened),
	};

	return run_unit_tests(tests, start_threads, stop_threads);
}
