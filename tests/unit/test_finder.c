/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "recorder/clock.h"
#include "recorder/finder.h"

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
static bool target_becomes(struct finder *finder, pid_t pid)
{
	const struct timespec pause = { .tv_nsec = 10000000 };
	uint64_t end_ns = clock_now_ns() + DEADLINE_NS;
	struct target target;
	do {
		finder_target(finder, &target);
		if (pid ? target.count == 1 && target.tgids[0] == pid : !target.count)
			return true;
		nanosleep(&pause, NULL);
	} while (clock_now_ns() < end_ns);
	return false;
}

static struct finder *start(const struct finder_options *options)
{
	struct finder *finder;
	assert_int_equal(finder_start(options, &finder), 0);
	assert_true(finder_looks(finder));
	return finder;
}

static void service_is_found_again_by_its_pid_file(void **state)
{
	const struct target none = { .count = 0 };
	const struct finder_options options = { .pids = &none, .pid_file = pid_file };
	struct target target;
	(void)state;
	unlink(pid_file);
	struct finder *finder = start(&options);
	uint64_t number = finder_target(finder, &target);
	assert_int_equal(target.count, 0);

	pid_t first = start_service();
	write_pid_file(first);
	assert_true(target_becomes(finder, first));
	assert_true(finder_target(finder, &target) > number);
	assert_string_equal(target.comm, comm);
	stop_service(first);
	assert_true(target_becomes(finder, 0));
	pid_t second = start_service();
	write_pid_file(second);
	assert_true(target_becomes(finder, second));
	stop_service(second);
	finder_stop(finder);
}

static void service_is_found_again_by_its_name(void **state)
{
	const struct target none = { .count = 0 };
	const struct finder_options options = { .pids = &none, .comm = comm };
	(void)state;
	pid_t first = start_service();
	struct finder *finder = start(&options);
	assert_true(target_becomes(finder, first)); /* the first look finds it */
	stop_service(first);
	assert_true(target_becomes(finder, 0));
	pid_t second = start_service();
	assert_true(target_becomes(finder, second));
	stop_service(second);
	finder_stop(finder);
}

static void report_about_a_restart_names_both(void **state)
{
	const struct target none = { .count = 0 };
	const struct finder_options options = { .pids = &none, .pid_file = pid_file };
	struct target target;
	(void)state;
	pid_t first = start_service(), second = start_service();
	write_pid_file(first);
	struct finder *finder = start(&options);
	uint64_t before_ns = clock_now_ns();
	write_pid_file(second);
	assert_true(target_becomes(finder, second));
	finder_targets_since(finder, before_ns, &target);
	assert_int_equal(target.count, 2);
	assert_int_equal(target.tgids[0], second);
	assert_int_equal(target.tgids[1], first);
	finder_targets_since(finder, clock_now_ns(), &target);
	assert_int_equal(target.count, 1);
	stop_service(first);
	stop_service(second);
	finder_stop(finder);
}

/* Its number may be another process's by now. */
static void process_id_alone_is_not_looked_for_again(void **state)
{
	struct target pids = { .count = 0 };
	const struct finder_options options = { .pids = &pids };
	struct target target;
	char text[16];
	(void)state;
	pid_t pid = start_service();
	snprintf(text, sizeof(text), "%d", (int)pid);
	assert_int_equal(target_parse(&pids, text), 0);
	struct finder *finder = start(&options);
	assert_true(target_becomes(finder, pid));
	uint64_t number = finder_target(finder, &target);
	stop_service(pid);
	assert_true(target_becomes(finder, 0));
	assert_int_equal(finder_target(finder, &target), number + 1);
	finder_targets_since(finder, 0, &target);
	assert_int_equal(target.tgids[0], pid);
	finder_stop(finder);
}

static void whole_host_is_not_looked_for(void **state)
{
	const struct target none = { .count = 0 };
	const struct finder_options options = { .pids = &none };
	struct target target;
	struct finder *finder;
	(void)state;
	assert_int_equal(finder_start(&options, &finder), 0);
	assert_false(finder_looks(finder));
	assert_int_equal(finder_target(finder, &target), 0);
	assert_int_equal(target.count, 0);
	finder_stop(finder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(service_is_found_again_by_its_pid_file),
		cmocka_unit_test(service_is_found_again_by_its_name),
		cmocka_unit_test(report_about_a_restart_names_both),
		cmocka_unit_test(process_id_alone_is_not_looked_for_again),
		cmocka_unit_test(whole_host_is_not_looked_for),
	};
	if (!mkdtemp(directory))
		return 99;
	snprintf(pid_file, sizeof(pid_file), "%s/pid", directory);
	snprintf(comm, sizeof(comm), "ft%d", (int)getpid());
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(pid_file);
	rmdir(directory);
	return failed;
}
