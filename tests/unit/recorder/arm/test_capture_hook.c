/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "recorder/arm/capture_hook.h"
#include "recorder/base/clock.h"

#define PATIENCE_NS 20000000000ull
#define NO_HURRY_NS PATIENCE_NS

#define OF_THE_C_LIBRARY 0x180000000ull /* signals 32 and 33: as inherited, nobody may set them */

static char dir[64];
static struct capture_hook *after;

static const char *in_dir(const char *name)
{
	static char path[512];
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static bool file_exists(const char *name)
{
	return !access(in_dir(name), F_OK);
}

/* Contents of a small file, "" where there is none. */
static const char *read_contents(const char *name)
{
	static char text[4096];
	int fd = open(in_dir(name), O_RDONLY);
	ssize_t bytes = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
	if (fd >= 0)
		close(fd);
	text[bytes > 0 ? bytes : 0] = '\0';
	return text;
}

/* In place of analyze. Commands find all they need by relative names: they run in this directory. */
static void make_analyze(const char *script)
{
	int fd = open(in_dir("analyze"), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0700);
	dprintf(fd, "#!/bin/sh\n%s\n", script);
	close(fd);
}

static int set_up(void **state)
{
	char search[256];

	strcpy(dir, "/tmp/freezetrap-test-XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(search, sizeof(search), "%s:/usr/bin:/bin", dir);
	assert_int_equal(setenv("PATH", search, 1), 0);
	assert_int_equal(chdir(dir), 0);
	(void)state;
	return 0;
}

static int tear_down(void **state)
{
	prctl(PR_SET_CHILD_SUBREAPER, 0);
	capture_hook_destroy(after);
	after = NULL;
	DIR *stream = opendir(dir);
	for (struct dirent *entry; (entry = readdir(stream));)
		unlink(in_dir(entry->d_name));
	closedir(stream);
	assert_int_equal(chdir("/"), 0);
	assert_int_equal(rmdir(dir), 0);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no child is left */
	assert_int_equal(errno, ECHILD);
	(void)state;
	return 0;
}

/* Standard error goes into a file until tell_back(). */
static int listen_to_messages(void)
{
	int stderr_fd = dup(STDERR_FILENO);
	int fd = open(in_dir("messages"), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
	assert_true(stderr_fd >= 0 && fd >= 0);
	dup2(fd, STDERR_FILENO);
	close(fd);
	return stderr_fd;
}

static void tell_back(int stderr_fd)
{
	dup2(stderr_fd, STDERR_FILENO);
	close(stderr_fd);
}

static void look_until(bool (*done)(void))
{
	const struct timespec pause = { .tv_nsec = 2000000 };
	uint64_t start_ns = clock_now_ns();

	while (!done()) {
		if (clock_now_ns() - start_ns > PATIENCE_NS)
			fail_msg("it did not come to an end");
		capture_hook_look(after);
		nanosleep(&pause, NULL);
	}
}

/* No child of ours runs any more; nothing is reaped by looking. */
static bool all_ended(void)
{
	siginfo_t info;
	return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 && errno == ECHILD;
}

static struct capture_hook_status run_once(const char *command, const char *file, const char *source,
				    const char *reason)
{
	struct capture_hook_status status;

	assert_int_equal(capture_hook_create(command, NO_HURRY_NS, &after), 0);
	capture_hook_run(after, file, source, reason);
	look_until(all_ended);
	capture_hook_status(after, &status);
	return status;
}

static void after_gives_the_command_what_it_was_about(void **state)
{
	struct capture_hook_status status =
		run_once("printf '%s|%s|%s' \"$FREEZETRAP_FILE\" \"$FREEZETRAP_SOURCE\" "
			 "\"$FREEZETRAP_REASON\" >out",
			 "/some dir/a'b\"c\n$(touch oops)`touch oops`;touch oops", "probe-tcp",
			 "tcp x:1 'slower' $(touch oops)\n|");

	assert_string_equal(read_contents("out"),
			    "/some dir/a'b\"c\n$(touch oops)`touch oops`;touch oops|probe-tcp|"
			    "tcp x:1 'slower' $(touch oops)\n|");
	assert_false(file_exists("oops"));
	assert_int_equal(status.runs, 1);
	assert_int_equal(status.failed + status.killed + status.dropped, 0);
	(void)state;
}

static void after_hands_over_the_verdict_and_the_report(void **state)
{
	make_analyze("printf '%s\\n' \"$@\" >arguments\n"
		     "echo '{\"findings\":[{\"kind\":\"mmap-lock-convoy\"},{\"kind\":\"x\"}]}'");
	run_once("echo \"$FREEZETRAP_VERDICT\" >out; cat \"$FREEZETRAP_REPORT\" >>out;"
		 "stat -c %a \"$FREEZETRAP_REPORT\" >>out; echo \"$FREEZETRAP_REPORT\" >path",
		 "-a file.dat", "s", "r");

	assert_string_equal(read_contents("out"),
			    "mmap-lock-convoy\n"
			    "{\"findings\":[{\"kind\":\"mmap-lock-convoy\"},{\"kind\":\"x\"}]}\n"
			    "600\n");
	assert_string_equal(read_contents("arguments"), "--json\n--\n-a file.dat\n");
	char path[256];
	snprintf(path, sizeof(path), "%s", read_contents("path"));
	path[strcspn(path, "\n")] = '\0';
	assert_int_equal(path[0], '/');
	assert_int_equal(access(path, F_OK), -1);
	(void)state;
}

static void after_takes_the_report_of_a_damaged_capture(void **state)
{
	make_analyze("echo '{\"findings\":[]}'; exit 3");
	run_once("echo \"$FREEZETRAP_VERDICT\" >out", "f", "s", "r");
	assert_string_equal(read_contents("out"), "none\n");
	(void)state;
}

static void after_says_when_a_wait_was_not_explained(void **state)
{
	make_analyze("echo '{\"unexplained\":true,\"findings\":[{\"kind\":\"no-stall\"}]}'");
	run_once("echo \"$FREEZETRAP_VERDICT\" >out", "f", "s", "r");
	assert_string_equal(read_contents("out"), "not-found\n");
	(void)state;
}

static void after_hands_over_the_result_beside_the_kind(void **state)
{
	static const char *const reports[][2] = {
		{ "{\"verdict\":\"not-sure\",\"findings\":[{\"kind\":\"standstill\"}]}",
		  "standstill not-sure\n" },
		{ "{\"verdict\":\"frozen\",\"findings\":[{\"kind\":\"io-stall\"}]}",
		  "io-stall frozen\n" },
		{ "{\"verdict\":\"no-verdict\",\"findings\":[]}", "none no-verdict\n" },
		/* of an older analyze */
		{ "{\"findings\":[{\"kind\":\"io-stall\"}]}", "io-stall unset\n" },
		{ "{\"verdict\":7,\"findings\":[{\"kind\":\"io-stall\"}]}", "io-stall unset\n" },
		/* no report */
		{ "{\"verdict\":\"frozen\"}", "unset unset\n" },
	};
	char script[200];

	(void)state;
	assert_int_equal(setenv("FREEZETRAP_RESULT", "of somebody else", 1), 0);
	for (size_t i = 0; i < sizeof(reports) / sizeof(*reports); i++) {
		snprintf(script, sizeof(script), "echo '%s'", reports[i][0]);
		make_analyze(script);
		run_once("echo \"${FREEZETRAP_VERDICT-unset} ${FREEZETRAP_RESULT-unset}\" >out", "f",
			 "s", "r");
		assert_string_equal(read_contents("out"), reports[i][1]);
		capture_hook_destroy(after);
		after = NULL;
		assert_int_equal(unlink(in_dir("analyze")), 0);
	}
	assert_int_equal(unsetenv("FREEZETRAP_RESULT"), 0);
}

/* @script: an analyze that does not give a report. */
static void expect_no_verdict(const char *script)
{
	if (script)
		make_analyze(script);
	assert_int_equal(setenv("FREEZETRAP_VERDICT", "of somebody else", 1), 0);
	struct capture_hook_status status =
		run_once("echo \"${FREEZETRAP_VERDICT-unset} ${FREEZETRAP_REPORT-unset}\" >out",
			 "f", "s", "r");
	assert_int_equal(unsetenv("FREEZETRAP_VERDICT"), 0);
	assert_string_equal(read_contents("out"), "unset unset\n");
	assert_int_equal(status.failed, 0);
}

static void after_runs_the_command_without_analyze(void **state)
{
	expect_no_verdict(NULL);
	(void)state;
}

static void after_runs_the_command_when_analyze_fails(void **state)
{
	expect_no_verdict("echo '{\"findings\":[{\"kind\":\"x\"}]}'; exit 1");
	(void)state;
}

static void after_runs_the_command_when_analyze_talks_nonsense(void **state)
{
	expect_no_verdict("echo '{\"findings\":'");
	(void)state;
}

static void after_runs_the_command_when_analyze_hangs(void **state)
{
	make_analyze("exec sleep 1000");
	assert_int_equal(
		capture_hook_create("echo \"${FREEZETRAP_VERDICT-unset}\" >out", 4000000000u, &after), 0);
	capture_hook_run(after, "f", "s", "r");
	look_until(all_ended);
	assert_string_equal(read_contents("out"), "unset\n");
	(void)state;
}

/* As a service manager does, as far as this user may. */
static void make_capabilities_ambient(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	assert_int_equal(syscall(SYS_capget, &header, data), 0);
	for (size_t i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
		data[i].inheritable = data[i].permitted;
	assert_int_equal(syscall(SYS_capset, &header, data), 0);
	for (int number = 0; number <= CAP_LAST_CAP; number++)
		if (data[CAP_TO_INDEX(number)].permitted & CAP_TO_MASK(number))
			assert_int_equal(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, number, 0, 0),
					 0);
}

/* Without root there are none to give away, and this says little; tests/guest/systemd-unit.sh says more. */
static void after_gives_the_command_no_capabilities(void **state)
{
	make_capabilities_ambient();
	run_once("sed -n 's/^CapAmb:[^0-9a-f]*//p' /proc/self/status >out", "f", "s", "r");
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	assert_string_equal(read_contents("out"), "0000000000000000\n");
	(void)state;
}

static void after_gives_the_command_nothing_of_the_recorders(void **state)
{
	int fd = open("secret", O_CREAT | O_RDWR, 0600); /* not closed by exec */
	unsigned long long blocked, ignored;
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	signal(SIGPIPE, SIG_IGN);
	/* The shell itself blocks signals now and then. */
	run_once("cut -d' ' -f5,6 /proc/$$/stat | sed \"s/$$/own/g\" >out;"
		 "readlink /proc/$$/fd/0 >>out;"
		 "ls -l /proc/$$/fd | grep -c secret >>out;"
		 "grep -E '^Sig(Blk|Ign)' /proc/self/status >signals",
		 "f", "s", "r");
	sigprocmask(SIG_UNBLOCK, &all, NULL);
	signal(SIGPIPE, SIG_DFL);
	close(fd);
	assert_string_equal(read_contents("out"), "own own\n/dev/null\n0\n");
	assert_int_equal(sscanf(read_contents("signals"), "SigBlk: %llx SigIgn: %llx", &blocked,
				&ignored),
			 2);
	assert_true(blocked == 0);
	assert_true((ignored & ~OF_THE_C_LIBRARY) == 0);
	(void)state;
}

static void after_counts_a_command_that_failed_and_tells_of_it(void **state)
{
	int stderr_fd = listen_to_messages();
	struct capture_hook_status status = run_once("exit 3", "/c/f.dat", "s", "r");
	capture_hook_destroy(after);
	run_once("no-such-command", "/c/f.dat", "s", "r");
	tell_back(stderr_fd);
	assert_non_null(strstr(read_contents("messages"), "of /c/f.dat: exit status 3.\n"));
	assert_non_null(strstr(read_contents("messages"),
			       "of /c/f.dat: exit status 127, as of a command that is not found.\n"));
	assert_int_equal(status.runs, 1);
	assert_int_equal(status.failed, 1);
	assert_int_equal(status.killed, 0);
	(void)state;
}

static bool one_killed(void)
{
	struct capture_hook_status status;
	capture_hook_status(after, &status);
	return status.killed == 1;
}

static int sleeper_status;

/* Once its parent is dead it is ours. */
static bool sleeper_ended(void)
{
	pid_t sleeper = atoi(read_contents("pid"));
	return sleeper > 0 && waitpid(sleeper, &sleeper_status, WNOHANG) == sleeper;
}

static void after_kills_the_whole_group_at_the_deadline(void **state)
{
	struct capture_hook_status status;

	/* What it started would otherwise be nobody's child any more. */
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	assert_int_equal(capture_hook_create("sleep 1000 & echo $! >pid; wait", 2000000000, &after), 0);
	uint64_t start_ns = clock_now_ns();
	capture_hook_run(after, "f", "s", "r");
	look_until(one_killed);
	assert_true(clock_now_ns() - start_ns >= 2000000000);
	look_until(sleeper_ended);
	assert_true(WIFSIGNALED(sleeper_status) && WTERMSIG(sleeper_status) == SIGKILL);
	look_until(all_ended);
	capture_hook_status(after, &status);
	assert_int_equal(status.killed, 1);
	assert_int_equal(status.failed, 0); /* counted once */
	(void)state;
}

static bool ten_lines(void)
{
	return strlen(read_contents("log")) == 10 * strlen("run\n");
}

static void after_runs_two_at_once_and_the_others_in_turn(void **state)
{
	struct capture_hook_status status;

	assert_int_equal(capture_hook_create("echo run >>log; until [ -e go ]; do sleep 0.01; done",
				      NO_HURRY_NS, &after),
			 0);
	for (int i = 0; i < 12; i++)
		capture_hook_run(after, "f", "s", "r");
	capture_hook_look(after);
	capture_hook_status(after, &status);
	assert_int_equal(status.runs, 2);
	assert_int_equal(status.dropped, 2);
	int fd = open("go", O_CREAT | O_WRONLY, 0600);
	close(fd);
	look_until(ten_lines);
	look_until(all_ended);
	capture_hook_status(after, &status);
	assert_int_equal(status.runs, 10);
	assert_int_equal(status.failed + status.killed, 0);
	(void)state;
}

static bool pid_written(void)
{
	return strchr(read_contents("pid"), '\n');
}

static void after_destroy_kills_what_runs(void **state)
{
	assert_int_equal(capture_hook_create("echo $$ >pid; exec sleep 1000", NO_HURRY_NS, &after), 0);
	for (int i = 0; i < 5; i++)
		capture_hook_run(after, "f", "s", "r");
	look_until(pid_written);
	pid_t pid = atoi(read_contents("pid"));
	capture_hook_destroy(after);
	after = NULL;
	assert_int_equal(kill(pid, 0), -1);
	assert_int_equal(errno, ESRCH);
	capture_hook_destroy(NULL);
	(void)state;
}

static bool is_idle(void)
{
	return !capture_hook_busy(after);
}

static void after_leaves_time_until_the_end_and_no_longer(void **state)
{
	struct capture_hook_status status;

	assert_int_equal(capture_hook_create("echo $$ >pid; exec sleep 1000", NO_HURRY_NS, &after), 0);
	assert_true(is_idle());
	for (int i = 0; i < 5; i++)
		capture_hook_run(after, "f", "s", "r");
	assert_false(is_idle());
	look_until(pid_written);
	uint64_t end_ns = clock_now_ns() + 300000000;
	capture_hook_end(after, end_ns);
	assert_false(is_idle());
	look_until(is_idle);
	assert_true(clock_now_ns() >= end_ns);
	/* those in line did not begin */
	capture_hook_run(after, "f", "s", "r");
	capture_hook_status(after, &status);
	assert_int_equal(status.runs, 2);
	assert_int_equal(status.killed, 2);
	assert_true(is_idle());
	look_until(all_ended);
	(void)state;
}

static void after_runs_what_comes_before_the_end(void **state)
{
	struct capture_hook_status status;

	assert_int_equal(capture_hook_create("echo $FREEZETRAP_FILE >done", NO_HURRY_NS, &after), 0);
	capture_hook_end(after, clock_now_ns() + NO_HURRY_NS);
	assert_true(is_idle());
	capture_hook_run(after, "f", "s", "r");
	look_until(is_idle);
	assert_string_equal(read_contents("done"), "f\n");
	capture_hook_status(after, &status);
	assert_int_equal(status.runs, 1);
	assert_int_equal(status.killed, 0);
	(void)state;
}

static void after_finds_the_analyze_that_is_installed_with_it(void **state)
{
	/* As with --program-prefix=ft- and a suffix; PATH does not help. */
	assert_int_equal(
		system("cp /proc/$PPID/exe ft-recorder-1 &&"
		       "echo '#!/bin/sh' >ft-analyze-1 &&"
		       "echo 'echo \"{\\\"findings\\\":[{\\\"kind\\\":\\\"beside\\\"}]}\"' "
		       ">>ft-analyze-1 && chmod +x ft-analyze-1 &&"
		       "PATH=/usr/bin:/bin ./ft-recorder-1 run"),
		0);
	assert_string_equal(read_contents("out"), "beside\n");
	(void)state;
}

static void after_finds_the_analyze_of_a_build_tree(void **state)
{
	int status = system("mkdir recorder analyzer && cp /proc/$PPID/exe recorder/recorder &&"
			    "echo '#!/bin/sh' >analyzer/analyze &&"
			    "echo 'echo \"{\\\"findings\\\":[{\\\"kind\\\":\\\"built\\\"}]}\"' "
			    ">>analyzer/analyze && chmod +x analyzer/analyze &&"
			    "PATH=/usr/bin:/bin recorder/recorder run");
	char out[64];

	snprintf(out, sizeof(out), "%s", read_contents("out"));
	assert_int_equal(system("rm -r recorder analyzer"), 0);
	assert_int_equal(status, 0);
	assert_string_equal(out, "built\n");
	(void)state;
}

/* A copy of this program under a recorder's name. */
static int be_recorder(void)
{
	run_once("echo \"$FREEZETRAP_VERDICT\" >out", "f", "s", "r");
	capture_hook_destroy(after);
	return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "run"))
		return be_recorder();

	const struct CMUnitTest tests[] = {
		TEST(after_gives_the_command_what_it_was_about),
		TEST(after_hands_over_the_verdict_and_the_report),
		TEST(after_hands_over_the_result_beside_the_kind),
		TEST(after_takes_the_report_of_a_damaged_capture),
		TEST(after_says_when_a_wait_was_not_explained),
		TEST(after_runs_the_command_without_analyze),
		TEST(after_runs_the_command_when_analyze_fails),
		TEST(after_runs_the_command_when_analyze_talks_nonsense),
		TEST(after_runs_the_command_when_analyze_hangs),
		TEST(after_gives_the_command_no_capabilities),
		TEST(after_gives_the_command_nothing_of_the_recorders),
		TEST(after_counts_a_command_that_failed_and_tells_of_it),
		TEST(after_kills_the_whole_group_at_the_deadline),
		TEST(after_runs_two_at_once_and_the_others_in_turn),
		TEST(after_destroy_kills_what_runs),
		TEST(after_leaves_time_until_the_end_and_no_longer),
		TEST(after_runs_what_comes_before_the_end),
		TEST(after_finds_the_analyze_that_is_installed_with_it),
		TEST(after_finds_the_analyze_of_a_build_tree),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
