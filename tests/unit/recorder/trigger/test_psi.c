/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "recorder/base/clock.h"
#include "recorder/trigger/psi.h"
#include "tests/unit/support/unit_test.h"

#define MS	    1000000ull
#define PATIENCE_MS 20000

static void spec_takes_every_form(void **state)
{
	static const struct {
		const char *text;
		struct psi_spec spec;
	} CASES[] = {
		{ "memory:some:150ms/1s", { "memory", "", false, 150 * MS, 1000 * MS } },
		{ "io:full:1/10", { "io", "", true, 1000 * MS, 10000 * MS } },
		{ "cpu:some:500ms/500ms", { "cpu", "", false, 500 * MS, 500 * MS } },
		{ "irq:full:10ms/2s", { "irq", "", true, 10 * MS, 2000 * MS } },
		{ "cpu@/a:full:1us/2s", { "cpu", "/a", true, 1000, 2000 * MS } },
		{ "io@/x:some:1s/2s/y@z:some:1s/2s",
		  { "io", "/x:some:1s/2s/y@z", false, 1000 * MS, 2000 * MS } },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
		struct psi_spec spec;
		const char *problem = NULL;
		if (psi_spec_parse(CASES[i].text, &spec, &problem))
			fail_msg("%s: %s", CASES[i].text, problem);
		assert_string_equal(spec.resource, CASES[i].spec.resource);
		assert_string_equal(spec.cgroup, CASES[i].spec.cgroup);
		assert_int_equal(spec.full, CASES[i].spec.full);
		assert_int_equal(spec.stall_ns, CASES[i].spec.stall_ns);
		assert_int_equal(spec.window_ns, CASES[i].spec.window_ns);
	}
}

static void spec_refuses_what_is_none_says_why_and_leaves_the_output(void **state)
{
	static const struct {
		const char *text, *word; /* of the problem */
	} CASES[] = {
		{ "", "RESOURCE:" },
		{ "memory", "RESOURCE:" },
		{ "memory:some", "RESOURCE:" },
		{ "memory:some:", "RESOURCE:" },
		{ "memory:some:150ms", "RESOURCE:" },
		{ "memory:some:150ms/", "RESOURCE:" },
		{ "memory:some:/1s", "RESOURCE:" },
		{ "memory:some:150ms/1s ", "RESOURCE:" },
		{ "memory:some:150ms/1s/1s", "RESOURCE:" },
		{ "memory:some:00000000000000000000000000000150ms/1s", "RESOURCE:" },
		{ "memory:any:150ms/1s", "some nor full" },
		{ "memory::150ms/1s", "some nor full" },
		{ ":some:150ms/1s", "resource" },
		{ "disk:some:150ms/1s", "resource" },
		{ "../../x:some:150ms/1s", "resource" },
		{ "memory@:some:150ms/1s", "cgroup" },
		{ "memory@a:some:150ms/1s", "cgroup" },
		{ "memory:some:150ms/499ms", "window" },
		{ "memory:some:150ms/11s", "window" },
		{ "memory:some:0/1s", "stall" },
		{ "memory:some:999ns/1s", "stall" },
		{ "memory:some:1001ms/1s", "stall" },
		{ "irq:some:150ms/1s", "full" },
		{ "cpu:full:150ms/1s", "cpu:some" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
		struct psi_spec spec = { .stall_ns = 42 };
		const char *problem = NULL;
		assert_int_equal(psi_spec_parse(CASES[i].text, &spec, &problem), -EINVAL);
		if (!problem || !strstr(problem, CASES[i].word))
			fail_msg("%s: %s", CASES[i].text, problem ? problem : "no problem");
		assert_int_equal(spec.stall_ns, 42);
	}
}

static void start_explains_what_cannot_be_watched(void **state)
{
	struct trigger_queue *triggers = NULL;
	struct psi *psi = NULL;
	const char *problem = NULL;

	(void)state;
	assert_int_equal(trigger_queue_create(&triggers), 0);
	assert_int_equal(psi_start("memory", triggers, &psi, &problem), -EINVAL);
	assert_non_null(strstr(problem, "RESOURCE:"));
	assert_int_equal(psi_start("io@/no/such/group:some:1s/2s", triggers, &psi, &problem),
			 -ENOENT);
	assert_non_null(strstr(problem, "cgroup"));
	assert_null(psi);
	psi_stop(NULL);
	trigger_queue_destroy(triggers);
}

static void window_that_this_user_may_not_ask_for_is_explained(void **state)
{
	struct trigger_queue *triggers = NULL;
	struct psi *psi = NULL;
	const char *problem = NULL;

	(void)state;
	assert_int_equal(trigger_queue_create(&triggers), 0);
	int error = psi_start("cpu:some:1s/1s", triggers, &psi, &problem);
	if (error) {
		assert_int_equal(error, -ERANGE);
		assert_non_null(strstr(problem, "multiple of 2 s"));
	}
	psi_stop(psi);
	trigger_queue_destroy(triggers);
}

static void *burn_cpu(void *context)
{
	_Atomic bool *stop = context;
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(0, &one);
	pthread_setaffinity_np(pthread_self(), sizeof(one), &one);
	while (!*stop)
		;
	return NULL;
}

/* Two threads that want one CPU: about half of the time one of them waits. */
static void pressure_fires_once_with_its_numbers(void **state)
{
	struct trigger_queue *triggers = NULL;
	struct psi *psi = NULL;
	const char *problem = "";
	_Atomic bool enough = false;
	pthread_t threads[2];
	struct trigger trigger;

	(void)state;
	assert_int_equal(trigger_queue_create(&triggers), 0);
	if (psi_start("cpu:some:100ms/2s", triggers, &psi, &problem))
		fail_msg("%s", problem);
	uint64_t start_ns = clock_now_ns();
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, burn_cpu, &enough), 0);
	struct pollfd pollfd = { .fd = trigger_queue_fd(triggers), .events = POLLIN };
	int ready = poll(&pollfd, 1, PATIENCE_MS);
	/* The pressure lasts for longer than a window: that is no new one. */
	poll(NULL, 0, 2500);
	enough = true;
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(ready, 1);
	assert_true(trigger_queue_take(triggers, &trigger));
	assert_string_equal(trigger.source, "psi");
	assert_int_equal(
		strncmp(trigger.reason,
			"cpu pressure: some task stalled for 100 ms or more within 2000 ms; "
			"10 s average ",
			79),
		0);
	assert_null(strstr(trigger.reason, "unknown"));
	assert_true(trigger.time_ns >= start_ns && trigger.time_ns <= clock_now_ns());
	assert_false(trigger_queue_take(triggers, &trigger));
	psi_stop(psi);
	trigger_queue_destroy(triggers);
}

static char cgroup[128];

/* A new one, where there are cgroups of version 2. */
static bool make_cgroup(void)
{
	static const char *const ROOTS[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/unified" };

	for (size_t i = 0; i < sizeof(ROOTS) / sizeof(ROOTS[0]); i++) {
		struct statfs filesystem;
		snprintf(cgroup, sizeof(cgroup), "%s/freezetrap-test.%d", ROOTS[i], getpid());
		if (statfs(ROOTS[i], &filesystem) == 0 &&
		    filesystem.f_type == CGROUP2_SUPER_MAGIC && mkdir(cgroup, 0755) == 0)
			return true;
	}
	return false;
}

/* A process that burns in the cgroup, for a few seconds at most. */
static pid_t burn_in_cgroup(void)
{
	_Atomic bool stop = false;
	pid_t pid = fork();

	if (pid)
		return pid;
	char path[160];
	snprintf(path, sizeof(path), "%s/cgroup.procs", cgroup);
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, "0", 1) != 1)
		_exit(1);
	alarm(PATIENCE_MS / 1000 + 5);
	burn_cpu(&stop);
	_exit(1);
}

static void remove_cgroup(void)
{
	/* It is busy until those who were in it are gone altogether. */
	for (int i = 0; i < 1000 && rmdir(cgroup) < 0 && errno == EBUSY; i++)
		poll(NULL, 0, 5);
}

static void cgroup_is_watched_and_found_again(void **state)
{
	struct trigger_queue *triggers = NULL;
	struct psi *psi = NULL;
	const char *problem = "";
	struct trigger trigger;
	char spec[192];

	(void)state;
	if (!make_cgroup()) {
		print_message("cannot make a cgroup of version 2 here\n");
		skip();
	}
	snprintf(spec, sizeof(spec), "cpu@%s:some:100ms/2s", cgroup);
	assert_int_equal(trigger_queue_create(&triggers), 0);
	int error = psi_start(spec, triggers, &psi, &problem);
	assert_int_equal(rmdir(cgroup), 0);
	if (error)
		fail_msg("%s", problem);
	/* Long enough for the watcher to see that it is gone; it must manage where it does not, too. */
	poll(NULL, 0, 50);
	assert_int_equal(mkdir(cgroup, 0755), 0);
	pid_t first = burn_in_cgroup(), second = burn_in_cgroup();
	struct pollfd pollfd = { .fd = trigger_queue_fd(triggers), .events = POLLIN };
	int ready = poll(&pollfd, 1, PATIENCE_MS);
	kill(first, SIGKILL);
	kill(second, SIGKILL);
	waitpid(first, NULL, 0);
	waitpid(second, NULL, 0);
	psi_stop(psi);
	remove_cgroup();
	assert_int_equal(ready, 1);
	assert_true(trigger_queue_take(triggers, &trigger));
	assert_non_null(strstr(trigger.reason, cgroup));
	trigger_queue_destroy(triggers);
}

static void ordinary_file_is_not_written_to(void **state)
{
	char directory[] = "/tmp/test_psi.XXXXXX", path[64], spec[64];
	struct trigger_queue *triggers = NULL;
	struct psi *psi = NULL;
	const char *problem = "";
	struct stat status;

	(void)state;
	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/io.pressure", directory);
	int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	snprintf(spec, sizeof(spec), "io@%s:some:1s/2s", directory);
	assert_int_equal(trigger_queue_create(&triggers), 0);
	assert_int_equal(psi_start(spec, triggers, &psi, &problem), -EINVAL);
	assert_non_null(strstr(problem, "cgroup"));
	assert_int_equal(fstat(fd, &status), 0);
	assert_int_equal(status.st_size, 0);
	close(fd);
	unlink(path);
	rmdir(directory);
	trigger_queue_destroy(triggers);
}

UNIT_TESTS(psi)
{
	const struct CMUnitTest anywhere[] = {
		cmocka_unit_test(spec_takes_every_form),
		cmocka_unit_test(spec_refuses_what_is_none_says_why_and_leaves_the_output),
		cmocka_unit_test(start_explains_what_cannot_be_watched),
		cmocka_unit_test(ordinary_file_is_not_written_to),
	};
	const struct CMUnitTest with_pressure[] = {
		cmocka_unit_test(window_that_this_user_may_not_ask_for_is_explained),
		cmocka_unit_test(pressure_fires_once_with_its_numbers),
		cmocka_unit_test(cgroup_is_watched_and_found_again),
	};

	if (run_unit_tests(anywhere, NULL, NULL))
		return 1;
	/* Those above have passed; this program has not as a whole. */
	if (access("/proc/pressure/cpu", R_OK | W_OK) < 0) {
		puts("SKIP: this kernel has no /proc/pressure that this user may write to");
		return 77;
	}
	return run_unit_tests(with_pressure, NULL, NULL);
}
