/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main() of a program of unit tests:
 *
 *	tests/unit/analyzer/test_locks			every group
 *	tests/unit/analyzer/test_locks hung_task	one group
 *	tests/unit/analyzer/test_locks 'report_*'	the tests with such a name
 *
 * Each group runs in a child, so that it finds a process without threads, children and descriptors
 * of others, and ends alone when it crashes. A single group runs in the program itself, for gdb.
 */
#include "config.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/support/unit_test.h"

/* Of a child whose tests failed; 1 is what a sanitizer exits with. */
#define EXIT_TESTS_FAILED 3

static struct unit_group *groups, **last_group = &groups;
static const struct unit_group *running_group;
static const char *pattern = "*";

void add_unit_group(struct unit_group *group)
{
	*last_group = group;
	last_group = &group->next;
}

bool match_unit_tests(const struct CMUnitTest *tests, size_t count)
{
	bool matched = false;
	for (size_t i = 0; i < count; i++)
		matched |= !fnmatch(pattern, tests[i].name, 0);
	if (matched)
		printf("== %s\n", running_group->name);
	return matched;
}

const char *running_unit_group(void)
{
	return running_group->name;
}

static struct unit_group *find_group(const char *name)
{
	struct unit_group *group = groups;
	while (group && strcmp(group->name, name))
		group = group->next;
	return group;
}

static int run_group(const struct unit_group *group)
{
	running_group = group;
	int result = group->run();
	return result == UNIT_TESTS_FAILED ? EXIT_TESTS_FAILED : result;
}

/* tests/driver.sh counts this line as a test that failed. */
static void report_death(const struct unit_group *group, int status)
{
	if (WIFSIGNALED(status))
		printf("[  FAILED  ] GROUP %s was killed by signal %d\n", group->name,
		       WTERMSIG(status));
	else
		printf("[  FAILED  ] GROUP %s ended with status %d\n", group->name,
		       WEXITSTATUS(status));
}

/* Return: as run_group(). */
static int run_group_in_child(const struct unit_group *group)
{
	int status;

	fflush(NULL);
	pid_t child = fork();
	if (child == 0)
		exit(run_group(group));
	if (child < 0 || waitpid(child, &status, 0) != child) {
		printf("[  FAILED  ] GROUP %s has no child: %s\n", group->name, strerror(errno));
		return EXIT_TESTS_FAILED;
	}
	if (WIFEXITED(status) &&
	    (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == EXIT_TESTS_FAILED ||
	     WEXITSTATUS(status) == UNIT_TESTS_SKIPPED ||
	     WEXITSTATUS(status) == UNIT_TESTS_UNMATCHED))
		return WEXITSTATUS(status);
	report_death(group, status);
	return EXIT_TESTS_FAILED;
}

int main(int argc, char **argv)
{
	bool passed = false, skipped = false, failed = false;

	setvbuf(stdout, NULL, _IOLBF, 0); /* in order with what is said on standard error */
	if (argc > 2) {
		fprintf(stderr, "usage: %s [GROUP | PATTERN]\n", argv[0]);
		return 99;
	}
	if (argc == 2 && find_group(argv[1]))
		return run_group(find_group(argv[1]));
	if (argc == 2) {
		pattern = argv[1];
		cmocka_set_test_filter(pattern);
	}
	for (const struct unit_group *group = groups; group; group = group->next) {
		int result = run_group_in_child(group);
		passed |= result == 0;
		skipped |= result == UNIT_TESTS_SKIPPED;
		failed |= result == EXIT_TESTS_FAILED;
	}
	if (!passed && !skipped && !failed) {
		fprintf(stderr, "%s: no group or test is called %s\n", argv[0], pattern);
		return 99;
	}
	return failed ? 1 : passed ? 0 : UNIT_TESTS_SKIPPED;
}
