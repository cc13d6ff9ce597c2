/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/util/span.h"
#include "tests/unit/support/unit_test.h"

static void span_clip_says_whether_anything_is_left(void **state)
{
	uint64_t start_ns = 10, end_ns = 20;

	(void)state;
	assert_true(span_clip(&start_ns, &end_ns, 5, 15));
	assert_int_equal(start_ns, 10);
	assert_int_equal(end_ns, 15);
	assert_false(span_clip(&start_ns, &end_ns, 15, 30));
}

static void span_overlap_of_spans_that_only_touch_is_nothing(void **state)
{
	(void)state;
	assert_int_equal(span_overlap(10, 20, 0, 100), 10);
	assert_int_equal(span_overlap(10, 20, 12, 15), 3);
	assert_int_equal(span_overlap(10, 20, 20, 30), 0);
	assert_int_equal(span_overlap(10, 20, 0, 5), 0);
	assert_int_equal(span_overlap(20, 10, 0, 100), 0);
}

static void share_of_nothing_is_never_large_enough(void **state)
{
	(void)state;
	assert_true(share_at_least(1, 2, 50));
	assert_false(share_at_least(1, 2, 51));
	assert_false(share_at_least(0, 0, 0));
}

UNIT_TESTS(span)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(span_clip_says_whether_anything_is_left),
		cmocka_unit_test(span_overlap_of_spans_that_only_touch_is_nothing),
		cmocka_unit_test(share_of_nothing_is_never_large_enough),
	};

	return run_unit_tests(tests, NULL, NULL);
}
