/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "recorder/perf/cpus.h"
#include "tests/unit/support/unit_test.h"

static void list_of_ranges_is_read(void **state)
{
	static const uint32_t EXPECTED[] = { 0, 1, 2, 5, 8, 9 };
	uint32_t *cpus;
	size_t count;
	(void)state;
	assert_int_equal(cpus_parse("0-2,5,8-9\n", &cpus, &count), 0);
	assert_int_equal(count, 6);
	assert_memory_equal(cpus, EXPECTED, sizeof(EXPECTED));
	free(cpus);
}

static void what_is_no_list_is_refused(void **state)
{
	static const char *const CASES[] = { "",   "\n",  "a",	 "1-",	       "-1",  "3-1",
					     "1,", "1,1", "2,1", "0-99999999", "1 2", "1;2" };
	(void)state;
	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
		uint32_t *cpus = NULL;
		size_t count = 42;
		assert_int_equal(cpus_parse(CASES[i], &cpus, &count), -EBADMSG);
		assert_null(cpus);
		assert_int_equal(count, 42);
	}
}

UNIT_TESTS(cpus)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(list_of_ranges_is_read),
		cmocka_unit_test(what_is_no_list_is_refused),
	};
	return run_unit_tests(tests, NULL, NULL);
}
