/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/trace/lost_spans.h"
#include "tests/unit/support/unit_test.h"

static void losses_of_nothing_answer_no(void **state)
{
	struct lost_spans losses = { 0 };

	(void)state;
	assert_false(lost_spans_between(&losses, 0, UINT64_MAX, NULL));
	assert_int_equal(lost_spans_clear_since(&losses, 50), 0);
	lost_spans_free(&losses);
}

static void losses_answer_for_each_side_of_a_span(void **state)
{
	struct lost_spans losses = { 0 };
	uint64_t first_ns = 0;

	(void)state;
	assert_int_equal(lost_spans_add(&losses, 10, 20), 0);
	assert_int_equal(lost_spans_add(&losses, 40, 50), 0);
	assert_false(lost_spans_between(&losses, 0, 9, &first_ns));
	assert_int_equal(first_ns, 0);
	assert_true(lost_spans_between(&losses, 0, 10, &first_ns));
	assert_int_equal(first_ns, 10);
	assert_true(lost_spans_between(&losses, 15, 100, &first_ns));
	assert_int_equal(first_ns, 15);
	assert_false(lost_spans_between(&losses, 20, 39, NULL));
	assert_true(lost_spans_between(&losses, 20, 45, &first_ns));
	assert_int_equal(first_ns, 40);
	assert_false(lost_spans_between(&losses, 50, UINT64_MAX, NULL));
	assert_int_equal(lost_spans_clear_since(&losses, 9), 0);
	assert_int_equal(lost_spans_clear_since(&losses, 10), 10);
	assert_int_equal(lost_spans_clear_since(&losses, 19), 19);
	assert_int_equal(lost_spans_clear_since(&losses, 30), 20);
	assert_int_equal(lost_spans_clear_since(&losses, 99), 50);
	lost_spans_free(&losses);
}

static void losses_join_spans_of_several_cpus(void **state)
{
	struct lost_spans losses = { 0 };

	(void)state;
	assert_int_equal(lost_spans_add(&losses, 10, 20), 0);
	assert_int_equal(lost_spans_add(&losses, 15, 18), 0);
	assert_int_equal(lost_spans_add(&losses, 20, 30), 0);
	assert_int_equal(losses.count, 1);
	assert_int_equal(losses.spans[0].start_ns, 10);
	assert_int_equal(losses.spans[0].end_ns, 30);
	/* told late: all between is in doubt */
	assert_int_equal(lost_spans_add(&losses, 60, 70), 0);
	assert_int_equal(lost_spans_add(&losses, 5, 80), 0);
	assert_int_equal(losses.count, 1);
	assert_int_equal(losses.spans[0].start_ns, 5);
	lost_spans_free(&losses);
}

static void losses_of_no_length_count(void **state)
{
	struct lost_spans losses = { 0 };

	(void)state;
	assert_int_equal(lost_spans_add(&losses, 10, 10), 0);
	assert_true(lost_spans_between(&losses, 5, 15, NULL));
	lost_spans_free(&losses);
}

UNIT_TESTS(lost_spans)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(losses_of_nothing_answer_no),
		cmocka_unit_test(losses_answer_for_each_side_of_a_span),
		cmocka_unit_test(losses_join_spans_of_several_cpus),
		cmocka_unit_test(losses_of_no_length_count),
	};

	return run_unit_tests(tests, NULL, NULL);
}
