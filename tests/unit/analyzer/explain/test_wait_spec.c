/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "analyzer/explain/wait_spec.h"
#include "tests/unit/support/unit_test.h"

#define S  1000000000ull
#define MS 1000000ull

/* 2026-11-21 00:18:24.113456789 UTC */
#define START (1795220304ll * 1000000000ll + 113456789ll)

static struct wait_spec parse_spec(const char *text)
{
	struct wait_spec moment;

	assert_int_equal(wait_spec_parse(text, &moment), 0);
	return moment;
}

static void a_thread_alone_has_no_time(void **state)
{
	struct wait_spec moment = parse_spec("31519");

	(void)state;
	assert_int_equal(moment.tid, 31519);
	assert_false(moment.has_time);
}

static void seconds_need_no_unit_and_take_any(void **state)
{
	(void)state;
	assert_int_equal(parse_spec("1:2.5").at_ns, 2500 * MS);
	assert_int_equal(parse_spec("1:2.5s").at_ns, 2500 * MS);
	assert_int_equal(parse_spec("1:+2.500001").at_ns, 2500001000);
	assert_int_equal(parse_spec("1:250ms").at_ns, 250 * MS);
	assert_int_equal(parse_spec("1:0").at_ns, 0);
	assert_false(parse_spec("1:2.5").of_day);
	assert_true(parse_spec("1:2.5").has_time);
}

static void a_time_of_day_is_read_as_reports_print_it(void **state)
{
	struct wait_spec moment = parse_spec("31519:00:18:27.204");

	(void)state;
	assert_int_equal(moment.tid, 31519);
	assert_true(moment.of_day);
	assert_int_equal(moment.at_ns, (18 * 60 + 27) * S + 204 * MS);
	assert_int_equal(parse_spec("1:23:59:59").at_ns, 86399 * S);
}

static void what_is_no_wait_is_refused(void **state)
{
	static const char *const wrong[] = {
		"",
		"x",
		"0",
		"-1",
		"1:",
		"1:x",
		"1:-2",
		"1:2.",
		"1: 2",
		"1:2 x",
		"1x",
		"99999999999",
		"1:24:00:00",
		"1:12:60:00",
		"1:12:00:60",
		"1:1:2:3",
		"1:12:00",
		"1:12:00:00.",
		"1:12:00:00x",
		"1:99999999999999999999",
		"1:0000000000000000000000000000000000000000000000000000000000000000",
	};
	struct wait_spec moment = { .tid = 42 };

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_int_equal(wait_spec_parse(wrong[i], &moment), -EINVAL);
	assert_int_equal(moment.tid, 42);
}

static void a_time_of_day_is_found_in_the_capture(void **state)
{
	const struct wait_spec moment = parse_spec("1:00:18:27.204");
	uint64_t at_ns;

	(void)state;
	assert_int_equal(wait_spec_since_start(&moment, START, 0, 60 * S, &at_ns), 0);
	assert_int_equal(at_ns, 3 * S + 90543211);
}

static void a_time_of_day_is_that_of_the_recorded_host(void **state)
{
	const struct wait_spec moment = parse_spec("1:01:18:27.204");
	uint64_t at_ns;

	(void)state;
	assert_int_equal(wait_spec_since_start(&moment, START, 3600, 60 * S, &at_ns), 0);
	assert_int_equal(at_ns, 3 * S + 90543211);
	assert_int_equal(wait_spec_since_start(&moment, START, 0, 60 * S, &at_ns), -ERANGE);
}

static void a_capture_may_go_past_midnight(void **state)
{
	const struct wait_spec moment = parse_spec("1:00:00:01");
	uint64_t at_ns;

	(void)state;
	/* 23:59:59 UTC */
	assert_int_equal(
		wait_spec_since_start(&moment, (86399ll + 86400) * 1000000000, 0, 60 * S, &at_ns), 0);
	assert_int_equal(at_ns, 2 * S);
}

static void the_start_as_printed_is_in_the_capture(void **state)
{
	const struct wait_spec moment = parse_spec("1:00:18:24.113");
	uint64_t at_ns;

	(void)state;
	assert_int_equal(wait_spec_since_start(&moment, START, 0, 60 * S, &at_ns), 0);
	assert_int_equal(at_ns, 0);
}

static void times_outside_are_told_apart(void **state)
{
	const struct wait_spec late = parse_spec("1:61"), early = parse_spec("1:00:18:20"),
			    of_day = parse_spec("1:00:18:30");
	uint64_t at_ns = 42;

	(void)state;
	assert_int_equal(wait_spec_since_start(&late, START, 0, 60 * S, &at_ns), -ERANGE);
	assert_int_equal(wait_spec_since_start(&early, START, 0, 60 * S, &at_ns), -ERANGE);
	assert_int_equal(wait_spec_since_start(&of_day, 0, 0, 60 * S, &at_ns), -ENODATA);
	assert_int_equal(at_ns, 42);
}

UNIT_TESTS(wait_spec)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_thread_alone_has_no_time),
		cmocka_unit_test(seconds_need_no_unit_and_take_any),
		cmocka_unit_test(a_time_of_day_is_read_as_reports_print_it),
		cmocka_unit_test(what_is_no_wait_is_refused),
		cmocka_unit_test(a_time_of_day_is_found_in_the_capture),
		cmocka_unit_test(a_time_of_day_is_that_of_the_recorded_host),
		cmocka_unit_test(a_capture_may_go_past_midnight),
		cmocka_unit_test(the_start_as_printed_is_in_the_capture),
		cmocka_unit_test(times_outside_are_told_apart),
	};

	return run_unit_tests(tests, NULL, NULL);
}
