/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events that somebody asked for, counted by name.
 */
#include <stdio.h>

#include "analyzer/trace/event_counts.h"
#include "tests/unit/support/unit_test.h"

static void feed_extra(struct event_counts *extras, const char *name, bool of_target)
{
	const struct event event = {
		.raw = { .kind = FT_EVENT_EXTRA, .extra = { .name = name } },
	};

	assert_int_equal(event_counts_event(extras, &event, of_target), 0);
}

static void extras_are_counted_by_name_and_for_the_target(void **state)
{
	struct event_counts extras = { 0 };
	const struct event other = { .raw = { .kind = FT_EVENT_SAMPLE } };

	(void)state;
	feed_extra(&extras, "page-faults", true);
	feed_extra(&extras, "block:block_rq_issue", false);
	feed_extra(&extras, "page-faults", false);
	assert_int_equal(event_counts_event(&extras, &other, true), 0);
	assert_int_equal(extras.count, 2);
	assert_string_equal(extras.list[0].name, "page-faults");
	assert_int_equal(extras.list[0].count, 2);
	assert_int_equal(extras.list[0].of_target, 1);
	assert_int_equal(extras.list[1].count, 1);
	assert_int_equal(extras.list[1].of_target, 0);
	event_counts_free(&extras);
}

/* A made-up capture. */
static void extras_of_more_names_than_a_recorder_takes_are_left_out(void **state)
{
	struct event_counts extras = { 0 };
	char name[32];

	(void)state;
	for (int i = 0; i < EXTRAS_MAX + 10; i++) {
		snprintf(name, sizeof(name), "event-%d", i);
		feed_extra(&extras, name, true);
	}
	assert_int_equal(extras.count, EXTRAS_MAX);
	feed_extra(&extras, "event-0", true);
	assert_int_equal(extras.list[0].count, 2);
	event_counts_free(&extras);
}

UNIT_TESTS(event_counts)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(extras_are_counted_by_name_and_for_the_target),
		cmocka_unit_test(extras_of_more_names_than_a_recorder_takes_are_left_out),
	};

	return run_unit_tests(tests, NULL, NULL);
}
