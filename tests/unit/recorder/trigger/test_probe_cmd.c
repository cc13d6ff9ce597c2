/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/support/probe_fixture.h"
#include "tests/unit/support/unit_test.h"

/* Commands: they write their process numbers to this file. */
static char pid_file[] = "/tmp/test_probe.XXXXXX";

static int make_pid_file(void **state)
{
	(void)state;
	int fd = mkstemp(pid_file);
	return fd < 0 ? -1 : close(fd);
}

static int remove_pid_file(void **state)
{
	(void)state;
	return unlink(pid_file);
}

static const char *with_pid_file(const char *format)
{
	static char what[256];

	assert_int_equal(truncate(pid_file, 0), 0);
	snprintf(what, sizeof(what), format, pid_file);
	return what;
}

static size_t read_pids(pid_t *ret_pids, size_t most)
{
	FILE *file = fopen(pid_file, "re");
	size_t count = 0;

	assert_non_null(file);
	while (count < most && fscanf(file, "%d", &ret_pids[count]) == 1)
		count++;
	fclose(file);
	return count;
}

/* A zombie that its new parent has not reaped yet runs no more. */
static bool is_running(pid_t pid)
{
	char path[64], state = 'Z';

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	FILE *file = fopen(path, "re");
	if (!file)
		return false;
	if (fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
		state = 'Z';
	fclose(file);
	return state != 'Z' && state != 'X';
}

static bool any_runs(size_t most)
{
	pid_t pids[1024];
	size_t count = read_pids(pids, most < 1024 ? most : 1024);

	assert_true(count > 0);
	for (size_t i = 0; i < count; i++)
		if (is_running(pids[i]))
			return true;
	return false;
}

static void assert_no_child_is_left(void)
{
	errno = 0;
	WAIT_FOR(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD);
}

static void command_that_succeeds_is_good(void **state)
{
	(void)state;
	assert_good(PROBE_CMD, "true");
	assert_no_child_is_left();
}

static void command_that_prints_a_lot_is_good(void **state)
{
	(void)state;
	assert_good(PROBE_CMD, "head -c 3000000 /dev/zero; head -c 3000000 /dev/zero >&2; "
			       "test -z \"$(cat)\"");
	assert_no_child_is_left();
}

static void command_that_fails_fires(void **state)
{
	(void)state;
	assert_fires(PROBE_CMD, "exit 3", "probe-cmd", "exit status 3");
	assert_fires(PROBE_CMD, "kill -9 $$", "probe-cmd", "killed by signal 9");
	assert_fires(PROBE_CMD, "/no/such/program", "probe-cmd", "exit status 127: sh: ");
	assert_fires(PROBE_CMD, "/no/such/program", "probe-cmd", "not found");
	assert_no_child_is_left();
}

static void command_that_fails_is_told_with_its_last_words(void **state)
{
	(void)state;
	assert_fires(PROBE_CMD, "echo one >&2; printf 'two: no\\n\\n' >&2; exit 7", "probe-cmd",
		     "exit status 7: two: no");
	assert_fires(PROBE_CMD, "echo to /dev/stderr >/dev/stderr; exit 7", "probe-cmd",
		     "exit status 7: to /dev/stderr");
	/* Bounded, and what holds the pipe open is not waited for. */
	assert_fires(PROBE_CMD, "head -c 1000000 /dev/zero | tr '\\0' x >&2; exit 7", "probe-cmd",
		     "exit status 7: xxxxxxxxxx");
	assert_fires(PROBE_CMD, "sleep 1000 & echo gone >&2; exit 7", "probe-cmd",
		     "exit status 7: gone");
	assert_no_child_is_left();
}

static void command_starts_with_no_signal_blocked_or_ignored(void **state)
{
	(void)state;
	signal(SIGUSR1, SIG_IGN);
	/* Kills itself unless SIGUSR1 and SIGTERM arrive as they do by default. */
	assert_fires(PROBE_CMD, "kill -USR1 $$; exit 5", "probe-cmd", "killed by signal 10");
	assert_fires(PROBE_CMD, "kill -TERM $$; exit 5", "probe-cmd", "killed by signal 15");
	signal(SIGUSR1, SIG_DFL);
}

static void command_that_hangs_fires_and_ends_with_the_probe(void **state)
{
	(void)state;
	assert_hang_fires(
		PROBE_CMD,
		with_pid_file("echo $$ >>%s; trap '' TERM HUP INT; while :; do sleep 1; done"),
		"probe-cmd");
	assert_no_child_is_left();
	assert_false(any_runs(1));
}

static void command_that_hangs_is_killed_with_all_it_started(void **state)
{
	pid_t pids[3];

	(void)state;
	struct probe_fixture fixture = probe_fixture_start(
		PROBE_CMD,
		with_pid_file(
			"exec 3>>%s; trap '' TERM; echo $$ >&3; sleep 1000 & echo $! >&3; wait"),
		50 * MS, 100 * MS);
	struct trigger trigger = probe_fixture_take(&fixture);
	assert_says(&trigger, "probe-cmd", "command exec ... slower than 50 ms");
	WAIT_FOR(read_pids(pids, 3) == 3);
	assert_true(clock_now_ns() - fixture.start_ns >= DEADLINE_MS * MS);
	/* Two of the first run, one of the second. */
	WAIT_FOR(!is_running(pids[0]) && !is_running(pids[1]));
	/* They are dead a moment before the probe has reaped them. */
	WAIT_FOR(probe_fixture_status(&fixture).stuck == 0);
	probe_fixture_stop(&fixture);
	assert_no_child_is_left();
	WAIT_FOR(!any_runs(1024));
}

/* As if the signal waited for a process in D state. */
static _Atomic bool immortal;

int __real_kill(pid_t pid, int number);
int __wrap_kill(pid_t pid, int number);

int __wrap_kill(pid_t pid, int number)
{
	return immortal ? 0 : __real_kill(pid, number);
}

static void command_that_cannot_be_killed_is_the_only_one(void **state)
{
	pid_t pids[3];

	(void)state;
	immortal = true;
	struct probe_fixture fixture = probe_fixture_start(
		PROBE_CMD, with_pid_file("echo $$ >>%s; exec sleep 1000"), 50 * MS, 100 * MS);
	WAIT_FOR(probe_fixture_status(&fixture).stuck);
	WAIT_FOR(probe_fixture_status(&fixture).asked == 2);
	/* Longer than it takes to start another one, if it did. */
	uint64_t later_ns = clock_now_ns() + 500 * MS;
	WAIT_FOR(clock_now_ns() > later_ns);
	assert_int_equal(read_pids(pids, 3), 1);
	assert_true(is_running(pids[0]));
	assert_int_equal(probe_fixture_status(&fixture).stuck, 1);
	probe_fixture_take(&fixture);
	assert_no_trigger(&fixture);

	/* It dies at last, and the next one starts. */
	assert_int_equal(__real_kill(-pids[0], SIGKILL), 0);
	WAIT_FOR(read_pids(pids, 3) == 2);
	assert_false(is_running(pids[0]));

	uint64_t stop_ns = clock_now_ns();
	probe_fixture_stop(&fixture);
	assert_true(clock_now_ns() - stop_ns < (DEADLINE_MS - 1000) * MS);
	assert_true(is_running(pids[1]));
	/* Left behind, it is reaped when it dies. */
	assert_int_equal(__real_kill(-pids[1], SIGKILL), 0);
	immortal = false;
	assert_no_child_is_left();
}

static void command_leaves_no_children_behind(void **state)
{
	(void)state;
	assert_good(PROBE_CMD, with_pid_file("sleep 1000 & echo $! >>%s"));
	assert_no_child_is_left();
	WAIT_FOR(!any_runs(1024));
}

static void command_is_named_without_its_secrets(void **state)
{
	static const struct {
		const char *line, *name;
	} CASES[] = {
		{ "false", "command false failing" },
		{ "  false secret", "command false ... failing" },
		{ "A=secret B= false", "command false failing" },
		{ "A='secret false' false", "command ... failing" },
		{ "false -a \"secret\"", "command false ... failing" },
		{ "false;false secret", "command false ... failing" },
		{ "A=secret;false", "command ... failing" },
		{ "A=secret; false", "command ... failing" },
		{ "A=secret&&false", "command ... failing" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
		struct probe_fixture fixture =
			probe_fixture_start(PROBE_CMD, CASES[i].line, NEVER_NS, 0);
		struct trigger trigger = probe_fixture_take(&fixture);
		assert_says(&trigger, "probe-cmd", CASES[i].name);
		assert_null(strstr(trigger.reason, "secret"));
		probe_fixture_stop(&fixture);
	}
}

UNIT_TESTS(probe_cmd)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(command_that_succeeds_is_good),
		cmocka_unit_test(command_that_prints_a_lot_is_good),
		cmocka_unit_test(command_that_fails_fires),
		cmocka_unit_test(command_that_fails_is_told_with_its_last_words),
		cmocka_unit_test(command_starts_with_no_signal_blocked_or_ignored),
		cmocka_unit_test(command_that_hangs_fires_and_ends_with_the_probe),
		cmocka_unit_test(command_that_hangs_is_killed_with_all_it_started),
		cmocka_unit_test(command_that_cannot_be_killed_is_the_only_one),
		cmocka_unit_test(command_leaves_no_children_behind),
		cmocka_unit_test(command_is_named_without_its_secrets),
	};
	return run_unit_tests(tests, make_pid_file, remove_pid_file);
}
