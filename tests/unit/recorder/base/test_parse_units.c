/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>

#include "recorder/base/parse_units.h"
#include "tests/unit/support/unit_test.h"

static void duration_takes_every_unit(void **state)
{
	static const struct {
		const char *text;
		uint64_t ns;
	} CASES[] = {
		{ "500ms", 500000000 },	 { "15s", 15000000000 }, { "2m", 120000000000 },
		{ "1h", 3600000000000 }, { "10us", 10000 },	 { "7ns", 7 },
		{ "15", 15000000000 },	 { "1.5s", 1500000000 }, { "0", 0 },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
		uint64_t ns = 1;
		assert_int_equal(parse_duration(CASES[i].text, &ns), 0);
		assert_int_equal(ns, CASES[i].ns);
	}
}

static void duration_refuses_what_is_none_and_leaves_the_output(void **state)
{
	static const char *const CASES[] = { "",     "s",   "-1s", "+1s", "1x",	    "1 s",  " 1s",
					     "0x10", "inf", "nan", "1e3", "1.2.3s", "15s ", ".5s" };
	(void)state;
	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
		uint64_t ns = 42;
		assert_int_equal(parse_duration(CASES[i], &ns), -EINVAL);
		assert_int_equal(ns, 42);
	}
	uint64_t ns = 42;
	assert_int_equal(parse_duration("99999999999999999999h", &ns), -ERANGE);
	assert_int_equal(ns, 42);
}

static void size_takes_every_unit(void **state)
{
	static const struct {
		const char *text;
		size_t bytes;
	} CASES[] = {
		{ "4096", 4096 },    { "512K", 524288 },   { "8M", 8388608 },
		{ "8MiB", 8388608 }, { "1g", 1073741824 }, { "0", 0 },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
		size_t bytes = 1;
		assert_int_equal(parse_size(CASES[i].text, &bytes), 0);
		assert_int_equal(bytes, CASES[i].bytes);
	}
}

static void size_refuses_what_is_none_and_what_overflows(void **state)
{
	static const char *const CASES[] = { "", "M", "-1", "1.5M", "8X", "8 M", " 8" };
	size_t bytes = 42;
	(void)state;
	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++)
		assert_int_equal(parse_size(CASES[i], &bytes), -EINVAL);
	assert_int_equal(parse_size("99999999999999999999", &bytes), -ERANGE);
	assert_int_equal(parse_size("18446744073709551615K", &bytes), -ERANGE);
	assert_int_equal(bytes, 42);
}

UNIT_TESTS(parse_units)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(duration_takes_every_unit),
		cmocka_unit_test(duration_refuses_what_is_none_and_leaves_the_output),
		cmocka_unit_test(size_takes_every_unit),
		cmocka_unit_test(size_refuses_what_is_none_and_what_overflows),
	};
	return run_unit_tests(tests, NULL, NULL);
}
