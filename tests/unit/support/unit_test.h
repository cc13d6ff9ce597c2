/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file of unit tests is a group; the files of a folder are one program, whose main() is in
 * unit_test.c. A group ends with:
 *
 *	UNIT_TESTS(hung_task)
 *	{
 *		const struct CMUnitTest tests[] = {
 *			cmocka_unit_test(report_names_the_thread_that_hung),
 *		};
 *		return run_unit_tests(tests, NULL, NULL);
 *	}
 *
 * The arguments after the tests are the set-up and tear-down of the whole group. A group that cannot run
 * on this host prints why and returns UNIT_TESTS_SKIPPED.
 */
#ifndef TESTS_UNIT_SUPPORT_UNIT_TEST_H
#define TESTS_UNIT_SUPPORT_UNIT_TEST_H

/* What cmocka.h needs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum {
	UNIT_TESTS_FAILED = 1,
	UNIT_TESTS_SKIPPED = 77,
	UNIT_TESTS_UNMATCHED = 78, /* none has a name that was asked for */
};

struct unit_group {
	const char *name;
	int (*run)(void);
	struct unit_group *next;
};

#define UNIT_TESTS(group_name)                                                            \
	static int run_##group_name(void);                                                \
	__attribute__((constructor)) static void add_##group_name(void)                   \
	{                                                                                 \
		static struct unit_group group = { #group_name, run_##group_name, NULL }; \
		add_unit_group(&group);                                                   \
	}                                                                                 \
	static int run_##group_name(void)

/* Evaluates to 0 or one of the above. */
#define run_unit_tests(tests, set_up, tear_down)                                                   \
	(!match_unit_tests(tests, sizeof(tests) / sizeof((tests)[0])) ? UNIT_TESTS_UNMATCHED :     \
	 cmocka_run_group_tests_name(running_unit_group(), tests, set_up, tear_down) ?             \
									UNIT_TESTS_FAILED : \
									0)

/* For the macros. @group is borrowed. */
void add_unit_group(struct unit_group *group);
bool match_unit_tests(const struct CMUnitTest *tests, size_t count);
const char *running_unit_group(void);

#endif
