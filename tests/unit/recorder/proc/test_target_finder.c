/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "recorder/base/clock.h"
#include "recorder/proc/target_finder.h"
#include "tests/unit/support/unit_test.h"

#define DEADLINE_NS 60000000000ull

static char directory[] = "/tmp/test_finder.XXXXXX", pid_file[64], comm[16];

static pid_t start_service(void)
{
	int ready[2];
	char byte;
	assert_int_equal(pipe(ready), 0);
	pid_t pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prctl(PR_SET_NAME, comm);
		if (write(ready[1], "x", 1) == 1)
			pause();
		_exit(0);
	}
	assert_true(pid > 0);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	close(ready[1]);
	return pid;
}

static void stop_service(pid_t pid)
{
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void write_pid_file(pid_t pid)
{
	char fresh[80];
	snprintf(fresh, sizeof(fresh), "%s.new", pid_file);
	FILE *file = fopen(fresh, "w");
	assert_non_null(file);
	fprintf(file, "%d\n", (int)pid);
	fclose(file);
	assert_int_equal(rename(fresh, pid_file), 0);
}

/* Until the target is @pid, or nobody for 0. */
static bool target_becomes(struct target_finder *finder, pid_t pid)
{
	const struct timespec pause = { .tv_nsec = 10000000 };
	uint64_t end_ns = clock_now_ns() + DEADLINE_NS;
	struct target target;
	do {
		target_finder_target(finder, &target);
		if (pid ? target.count == 1 && target.tgids[0] == pid : !target.count)
			return true;
		nanosleep(&pause, NULL);
	} while (clock_now_ns() < end_ns);
	return false;
}

static struct target_finder *start_finder(const struct target_finder_options *options)
{
	struct target_finder *finder;
	assert_int_equal(target_finder_start(options, &finder), 0);
	assert_true(target_finder_looks(finder));
	return finder;
}

static void service_is_found_again_by_its_pid_file(void **state)
{
	const struct target none = { .count = 0 };
	const struct target_finder_options options = { .pids = &none, .pid_file = pid_file };
	struct target target;
	(void)state;
	unlink(pid_file);
	struct target_finder *finder = start_finder(&options);
	uint64_t number = target_finder_target(finder, &target);
	assert_int_equal(target.count, 0);

	pid_t first = start_service();
	write_pid_file(first);
	assert_true(target_becomes(finder, first));
	assert_true(target_finder_target(finder, &target) > number);
	assert_string_equal(target.comm, comm);
	stop_service(first);
	assert_true(target_becomes(finder, 0));
	pid_t second = start_service();
	write_pid_file(second);
	assert_true(target_becomes(finder, second));
	stop_service(second);
	target_finder_stop(finder);
}

static void service_is_found_again_by_its_name(void **state)
{
	const struct target none = { .count = 0 };
	const struct target_finder_options options = { .pids = &none, .comm = comm };
	(void)state;
	pid_t first = start_service();
	struct target_finder *finder = start_finder(&options);
	assert_true(target_becomes(finder, first)); /* the first look finds it */
	stop_service(first);
	assert_true(target_becomes(finder, 0));
	pid_t second = start_service();
	assert_true(target_becomes(finder, second));
	stop_service(second);
	target_finder_stop(finder);
}

static void report_about_a_restart_names_both(void **state)
{
	const struct target none = { .count = 0 };
	const struct target_finder_options options = { .pids = &none, .pid_file = pid_file };
	struct target target;
	(void)state;
	pid_t first = start_service(), second = start_service();
	write_pid_file(first);
	struct target_finder *finder = start_finder(&options);
	uint64_t before_ns = clock_now_ns();
	write_pid_file(second);
	assert_true(target_becomes(finder, second));
	target_finder_targets_since(finder, before_ns, &target);
	assert_int_equal(target.count, 2);
	assert_int_equal(target.tgids[0], second);
	assert_int_equal(target.tgids[1], first);
	target_finder_targets_since(finder, clock_now_ns(), &target);
	assert_int_equal(target.count, 1);
	stop_service(first);
	stop_service(second);
	target_finder_stop(finder);
}

/* Its number may be another process's by now. */
static void process_id_alone_is_not_looked_for_again(void **state)
{
	struct target pids = { .count = 0 };
	const struct target_finder_options options = { .pids = &pids };
	struct target target;
	char text[16];
	(void)state;
	pid_t pid = start_service();
	snprintf(text, sizeof(text), "%d", (int)pid);
	assert_int_equal(target_parse(&pids, text), 0);
	struct target_finder *finder = start_finder(&options);
	assert_true(target_becomes(finder, pid));
	uint64_t number = target_finder_target(finder, &target);
	stop_service(pid);
	assert_true(target_becomes(finder, 0));
	assert_int_equal(target_finder_target(finder, &target), number + 1);
	target_finder_targets_since(finder, 0, &target);
	assert_int_equal(target.tgids[0], pid);
	target_finder_stop(finder);
}

static bool has_target(struct target_finder *finder, pid_t pid, bool since)
{
	struct target target;
	if (since)
		target_finder_targets_since(finder, 0, &target);
	else
		target_finder_target(finder, &target);
	return target.count && target_has(&target, pid);
}

static bool await_target(struct target_finder *finder, pid_t pid, bool since)
{
	const struct timespec pause = { .tv_nsec = 10000000 };
	uint64_t end_ns = clock_now_ns() + DEADLINE_NS;
	while (!has_target(finder, pid, since) && clock_now_ns() < end_ns)
		nanosleep(&pause, NULL);
	return has_target(finder, pid, since);
}

/* As the recording tells of it. */
static void tell_fork(struct target_finder *finder, pid_t parent, pid_t child, const char *name)
{
	struct ft_task from = { .tid = parent, .tgid = parent };
	struct ft_task to = { .tid = child, .tgid = child };
	snprintf(from.comm, sizeof(from.comm), "%s", name);
	snprintf(to.comm, sizeof(to.comm), "%s", name);
	target_finder_event(finder, &(struct ft_event){
				     .kind = FT_EVENT_FORK, .task = &from, .fork.child = &to });
}

static void tell_exec(struct target_finder *finder, pid_t pid, const char *name)
{
	struct ft_task task = { .tid = pid, .tgid = pid };
	snprintf(task.comm, sizeof(task.comm), "%s", name);
	target_finder_event(finder, &(struct ft_event){
				     .kind = FT_EVENT_COMM, .task = &task, .comm.exec = true });
}

/* A database that forks a process for each client. */
static void child_that_is_forked_later_joins_the_target(void **state)
{
	const struct target none = { .count = 0 };
	const struct target_finder_options options = { .pids = &none, .comm = comm };
	struct target target;
	(void)state;
	pid_t first = start_service();
	struct target_finder *finder = start_finder(&options);
	uint64_t anew = target_finder_generation(finder), number = target_finder_target(finder, &target);
	pid_t second = start_service();
	tell_fork(finder, first, second, comm);
	assert_true(await_target(finder, second, false));
	assert_true(has_target(finder, first, false));
	assert_true(target_finder_target(finder, &target) > number);
	assert_int_equal(target_finder_generation(finder), anew);
	stop_service(second);
	assert_true(target_becomes(finder, first));
	assert_true(has_target(finder, second, true));
	assert_int_equal(target_finder_generation(finder), anew);
	stop_service(first);
	assert_true(target_becomes(finder, 0));
	assert_int_equal(target_finder_generation(finder), anew + 1);
	target_finder_stop(finder);
}

static void child_that_came_and_went_is_named_and_one_that_became_another_program_is_not(void **state)
{
	const struct target none = { .count = 0 };
	const struct target_finder_options options = { .pids = &none, .comm = comm };
	(void)state;
	pid_t first = start_service(), gone = start_service(), shell = start_service();
	stop_service(gone);
	stop_service(shell);
	struct target_finder *finder = start_finder(&options);
	tell_fork(finder, first, shell, comm);
	tell_exec(finder, shell, "sh");
	tell_fork(finder, first, gone, comm);
	assert_true(await_target(finder, gone, true));
	assert_false(has_target(finder, gone, false));
	assert_false(has_target(finder, shell, true));
	stop_service(first);
	target_finder_stop(finder);
}

static void pid_file_is_of_the_children_too_that_keep_the_name(void **state)
{
	const struct target none = { .count = 0 };
	const struct target_finder_options options = { .pids = &none, .pid_file = pid_file };
	char parent_name[16];
	(void)state;
	/* This test is the parent of the services, and gets their name. */
	assert_int_equal(prctl(PR_GET_NAME, parent_name), 0);
	pid_t child = start_service();
	assert_int_equal(prctl(PR_SET_NAME, comm), 0);
	write_pid_file(getpid());
	struct target_finder *finder = start_finder(&options);
	assert_true(has_target(finder, getpid(), false));
	assert_true(has_target(finder, child, false));
	pid_t later = start_service();
	tell_fork(finder, getpid(), later, comm);
	tell_exec(finder, later, "other");
	tell_fork(finder, 1, later, comm);
	assert_false(has_target(finder, later, false));
	tell_fork(finder, getpid(), later, comm);
	assert_true(await_target(finder, later, false));
	stop_service(child);
	stop_service(later);
	target_finder_stop(finder);
	prctl(PR_SET_NAME, parent_name);
}

/* A server that forks a worker for each client, and is meant by its ID. */
static void process_id_is_of_the_children_too_that_keep_the_name(void **state)
{
	struct target pids = { .count = 0 };
	const struct target_finder_options options = { .pids = &pids };
	char parent_name[16], text[16];
	(void)state;
	assert_int_equal(prctl(PR_GET_NAME, parent_name), 0);
	pid_t child = start_service();
	assert_int_equal(prctl(PR_SET_NAME, comm), 0);
	pid_t other = start_service();
	snprintf(text, sizeof(text), "%d", (int)getpid());
	assert_int_equal(target_parse(&pids, text), 0);
	struct target_finder *finder = start_finder(&options);
	uint64_t anew = target_finder_generation(finder);
	assert_true(has_target(finder, getpid(), false));
	assert_true(has_target(finder, child, false));
	assert_true(has_target(finder, other, false));
	pid_t later = start_service(), shell = start_service();
	tell_fork(finder, getpid(), shell, "before");
	tell_exec(finder, shell, "sh");
	tell_fork(finder, getpid(), later, comm);
	tell_exec(finder, later, comm);
	assert_true(await_target(finder, later, false));
	assert_false(has_target(finder, shell, true));
	stop_service(other);
	while (has_target(finder, other, false))
		nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
	assert_true(has_target(finder, other, true));
	assert_int_equal(target_finder_generation(finder), anew);
	stop_service(child);
	stop_service(later);
	stop_service(shell);
	target_finder_stop(finder);
	prctl(PR_SET_NAME, parent_name);
}

static void name_of_a_program_ends_at_a_colon(void **state)
{
	(void)state;
	assert_true(target_same_program("gunicorn: maste", "gunicorn: worke"));
	assert_true(target_same_program("gunicorn", "gunicorn: worke"));
	assert_true(target_same_program("nginx", "nginx"));
	assert_false(target_same_program("nginx", "ngin"));
	assert_false(target_same_program("sh", "ssh: x"));
}

static void target_that_is_missing_is_told_with_what_was_looked_for(void **state)
{
	const struct target none = { .count = 0 };
	struct target_finder_options options = { .pids = &none, .comm = "no-such-name" };
	char text[TARGET_FINDER_TEXT_BYTES];
	FILE *file;
	(void)state;
	struct target_finder *finder = start_finder(&options);
	target_finder_missing(finder, text);
	assert_string_equal(text, "no process is called 'no-such-name'");
	target_finder_stop(finder);
	options = (struct target_finder_options){ .pids = &none, .pid_file = pid_file };
	unlink(pid_file);
	finder = start_finder(&options);
	target_finder_missing(finder, text);
	assert_non_null(strstr(text, pid_file));
	assert_non_null(strstr(text, "No such file"));
	target_finder_stop(finder);
	file = fopen(pid_file, "w");
	assert_non_null(file);
	fprintf(file, "pid=7\n");
	fclose(file);
	finder = start_finder(&options);
	target_finder_missing(finder, text);
	assert_non_null(strstr(text, "does not begin with a process ID"));
	target_finder_stop(finder);
}

static void whole_host_is_not_looked_for(void **state)
{
	const struct target none = { .count = 0 };
	const struct target_finder_options options = { .pids = &none };
	struct target target;
	struct target_finder *finder;
	(void)state;
	assert_int_equal(target_finder_start(&options, &finder), 0);
	assert_false(target_finder_looks(finder));
	assert_int_equal(target_finder_target(finder, &target), 0);
	assert_int_equal(target.count, 0);
	target_finder_stop(finder);
}

UNIT_TESTS(target_finder)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(service_is_found_again_by_its_pid_file),
		cmocka_unit_test(service_is_found_again_by_its_name),
		cmocka_unit_test(report_about_a_restart_names_both),
		cmocka_unit_test(process_id_alone_is_not_looked_for_again),
		cmocka_unit_test(child_that_is_forked_later_joins_the_target),
		cmocka_unit_test(
			child_that_came_and_went_is_named_and_one_that_became_another_program_is_not),
		cmocka_unit_test(pid_file_is_of_the_children_too_that_keep_the_name),
		cmocka_unit_test(process_id_is_of_the_children_too_that_keep_the_name),
		cmocka_unit_test(name_of_a_program_ends_at_a_colon),
		cmocka_unit_test(target_that_is_missing_is_told_with_what_was_looked_for),
		cmocka_unit_test(whole_host_is_not_looked_for),
	};
	if (!mkdtemp(directory))
		return 99;
	snprintf(pid_file, sizeof(pid_file), "%s/pid", directory);
	snprintf(comm, sizeof(comm), "ft%d", (int)getpid());
	int failed = run_unit_tests(tests, NULL, NULL);
	unlink(pid_file);
	rmdir(directory);
	return failed;
}
