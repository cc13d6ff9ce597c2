/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "analyzer/util/human.h"
#include "tests/unit/support/unit_test.h"

#define assert_human(human, expected) assert_string_equal((human).text, expected)

static void duration_takes_the_unit_that_reads_best(void **state)
{
	(void)state;
	assert_human(human_duration(0), "0");
	assert_human(human_duration(1), "1 ns");
	assert_human(human_duration(34000), "34 us");
	assert_human(human_duration(1200000), "1.2 ms");
	assert_human(human_duration(3000000), "3 ms");
	assert_human(human_duration(12000000), "12 ms");
	assert_human(human_duration(9410000000), "9.41 s");
	assert_human(human_duration(75200000000), "75.2 s");
	assert_human(human_duration(564000000000), "564 s");
	assert_human(human_duration(7500000000000), "2.1 h");
}

static void duration_never_shows_a_thousand_of_a_unit(void **state)
{
	(void)state;
	assert_human(human_duration(999), "999 ns");
	assert_human(human_duration(1000), "1 us");
	assert_human(human_duration(999499), "999 us");
	assert_human(human_duration(999500), "1 ms");
	assert_human(human_duration(9949999), "9.9 ms");
	assert_human(human_duration(9950000), "10 ms");
	assert_human(human_duration(999499999), "999 ms");
	assert_human(human_duration(999500000), "1.00 s");
	assert_human(human_duration(9994999999), "9.99 s");
	assert_human(human_duration(9995000000), "10.0 s");
	assert_human(human_duration(99950000000), "100 s");
	assert_human(human_duration(359820 * 1000000000ULL), "100 h");
	assert_human(human_duration(UINT64_MAX), "5124096 h");
}

static void count_has_thousands_separators(void **state)
{
	(void)state;
	assert_human(human_count(0), "0");
	assert_human(human_count(999), "999");
	assert_human(human_count(1000), "1,000");
	assert_human(human_count(58523), "58,523");
	assert_human(human_count(UINT64_MAX), "18,446,744,073,709,551,615");
}

static void size_is_binary_and_says_so(void **state)
{
	(void)state;
	assert_human(human_size(0), "0 bytes");
	assert_human(human_size(1023), "1023 bytes");
	assert_human(human_size(1024), "1 KiB");
	assert_human(human_size(939524096), "896 MiB");
	assert_human(human_size(1879048192), "1.75 GiB");
	assert_human(human_size(3758096384), "3.5 GiB");
	assert_human(human_size(1048575), "1 MiB");
	assert_human(human_size(UINT64_MAX), "16 EiB");
}

static void bytes_are_exact(void **state)
{
	(void)state;
	assert_human(human_bytes(512), "512 bytes");
	assert_human(human_bytes(3758096384), "3,758,096,384 bytes (3.5 GiB)");
	assert_human(human_bytes(UINT64_MAX), "18,446,744,073,709,551,615 bytes (16 EiB)");
}

static void share_says_all_only_of_all_and_nothing_only_of_nothing(void **state)
{
	(void)state;
	assert_human(human_share(0, 10), "0 %");
	assert_human(human_share(0, 0), "0 %");
	assert_human(human_share(989, 1000), "98.9 %");
	assert_human(human_share(1000, 1000), "100 %");
	assert_human(human_share(999999, 1000000), "99.9 %");
	assert_human(human_share(1, 1000000), "<0.1 %");
	assert_human(human_share(UINT64_MAX, UINT64_MAX), "100 %");
}

static void clock_is_the_recorded_hosts(void **state)
{
	const int64_t moment = 1770116671073456789; /* 2026-02-03 11:04:31.073456789 UTC */

	(void)state;
	assert_human(human_clock(moment, 0), "11:04:31.073");
	assert_human(human_clock(moment, 3600), "12:04:31.073");
	assert_human(human_date(moment, 0), "2026-02-03");
	assert_human(human_date(moment, 13 * 3600), "2026-02-04");
	assert_human(human_rfc3339(moment, 0), "2026-02-03T11:04:31.073456789Z");
	assert_human(human_rfc3339(moment, -12600), "2026-02-03T07:34:31.073456789-03:30");
	assert_human(human_zone(0), "UTC");
	assert_human(human_zone(3600), "+01:00");
}

static void clock_takes_any_number_from_a_capture(void **state)
{
	(void)state;
	assert_human(human_rfc3339(-1, 0), "1969-12-31T23:59:59.999999999Z");
	assert_human(human_rfc3339(0, INT32_MIN), "1970-01-01T00:00:00.000000000Z");
	assert_human(human_rfc3339(INT64_MIN, INT32_MAX), "1677-09-21T00:12:43.145224192Z");
	assert_human(human_rfc3339(INT64_MAX, 0), "2262-04-11T23:47:16.854775807Z");
}

static void assert_duration(const char *text, uint64_t expected_ns)
{
	uint64_t ns = 0;

	assert_int_equal(human_parse_duration(text, &ns), 0);
	assert_true(ns == expected_ns);
}

static void durations_are_read_with_their_unit(void **state)
{
	(void)state;
	assert_duration("200ms", 200000000);
	assert_duration("200 ms", 200000000);
	assert_duration("0s", 0);
	assert_duration("1.5s", 1500000000);
	assert_duration("2min", 120000000000);
	assert_duration("1h", 3600000000000);
	assert_duration("34us", 34000);
	assert_duration("18446744073709551615ns", UINT64_MAX);
}

static void what_is_no_duration_is_refused_and_changes_nothing(void **state)
{
	static const char *const texts[] = { "",     "s",   "200",  "-1s",  "1.s",  ".5s",
					     "1,5s", "1sx", "1 s ", "1e3s", "1  s", "+1s" };
	uint64_t ns = 42;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_equal(human_parse_duration(texts[i], &ns), -EINVAL);
	assert_int_equal(human_parse_duration("18446744073709551616ns", &ns), -ERANGE);
	assert_int_equal(human_parse_duration("5124096h", &ns), -ERANGE);
	assert_int_equal(ns, 42);
}

UNIT_TESTS(human)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(duration_takes_the_unit_that_reads_best),
		cmocka_unit_test(duration_never_shows_a_thousand_of_a_unit),
		cmocka_unit_test(count_has_thousands_separators),
		cmocka_unit_test(size_is_binary_and_says_so),
		cmocka_unit_test(bytes_are_exact),
		cmocka_unit_test(share_says_all_only_of_all_and_nothing_only_of_nothing),
		cmocka_unit_test(clock_is_the_recorded_hosts),
		cmocka_unit_test(clock_takes_any_number_from_a_capture),
		cmocka_unit_test(durations_are_read_with_their_unit),
		cmocka_unit_test(what_is_no_duration_is_refused_and_changes_nothing),
	};

	return run_unit_tests(tests, NULL, NULL);
}
