/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rule that puts what the detectors found in order.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "analyzer/detect/detectors.h"
#include "analyzer/detect/thresholds.h"
#include "tests/unit/support/unit_test.h"

#define MS 1000000ull

/* A recording of ten seconds. */
static const struct observations observations = { .start_ns = 1000 * MS, .end_ns = 11000 * MS };

static struct candidate candidate_of(uint64_t start_ms, uint64_t end_ms, uint64_t lost_ms,
				     enum evidence evidence)
{
	return (struct candidate){
		.stall = { .found = true, .start_ns = start_ms * MS, .end_ns = end_ms * MS },
		.lost_ns = lost_ms * MS,
		.evidence = evidence,
		.named = true,
	};
}

/* Whichever of the two is asked about first. */
static void assert_before(const struct trigger_window *window, const struct candidate *first,
			  const struct candidate *second)
{
	const struct detect_context in = { .observations = &observations, .window = window };
	struct candidate list[2] = { *first, *second };
	struct candidates candidates = { .list = list, .count = 2, .room = 2 };

	candidates_sort(&in, &candidates);
	assert_int_equal(list[0].lost_ns, first->lost_ns);
	list[0] = *second;
	list[1] = *first;
	candidates_sort(&in, &candidates);
	assert_int_equal(list[0].lost_ns, first->lost_ns);
}

static const struct trigger_window no_trigger;

static void what_explains_more_lost_time_comes_first_however_long_each_wait_is(void **state)
{
	const struct candidate many_short = candidate_of(2000, 2500, 4000, EVIDENCE_WAITS);
	const struct candidate one_long = candidate_of(2000, 5000, 3000, EVIDENCE_WAITS);

	(void)state;
	assert_before(&no_trigger, &many_short, &one_long);
}

/* Waits that always hurt are believed before twice the time of those that may have been idle. */
static void direct_evidence_counts_double(void **state)
{
	const struct candidate lock = candidate_of(2000, 3000, 1000, EVIDENCE_WAITS);
	const struct candidate less =
		candidate_of(2000, 3000, 1000 * EVIDENCE_TIMES - 1, EVIDENCE_SIGNS);
	const struct candidate more =
		candidate_of(2000, 3000, 1000 * EVIDENCE_TIMES + 1, EVIDENCE_SIGNS);
	const struct candidate stopped =
		candidate_of(2000, 3000, 1000 / EVIDENCE_TIMES + 1, EVIDENCE_STANDSTILL);

	(void)state;
	assert_before(&no_trigger, &lock, &less);
	assert_before(&no_trigger, &more, &lock);
	assert_before(&no_trigger, &stopped, &lock);
}

static void what_names_nobody_must_explain_twice_as_much(void **state)
{
	const struct candidate named = candidate_of(2000, 3000, 1000, EVIDENCE_WAITS);
	struct candidate unnamed = candidate_of(2000, 3000, 1000 * NAMED_TIMES - 1, EVIDENCE_WAITS);

	(void)state;
	unnamed.named = false;
	assert_before(&no_trigger, &named, &unnamed);
	unnamed.lost_ns = (1000 * NAMED_TIMES + 1) * MS;
	assert_before(&no_trigger, &unnamed, &named);
}

/* However much was lost by it; but not before what the capture was triggered for. */
static void what_may_have_been_want_of_work_comes_after_what_was_not(void **state)
{
	const struct trigger_window window = { .proves = true,
					       .since_said = true,
					       .since_ns = 6000 * MS,
					       .until_ns = 8000 * MS };
	const struct candidate sure = candidate_of(2000, 3000, 100, EVIDENCE_SIGNS);
	struct candidate unsure = candidate_of(6000, 8000, 90000, EVIDENCE_SIGNS);
	struct candidate queue = candidate_of(1000, 11000, 200, EVIDENCE_WAITS);

	(void)state;
	unsure.unsure = true;
	assert_before(&no_trigger, &sure, &unsure);
	assert_before(&window, &unsure, &sure);
	queue.stall.began_before = queue.stall.still_open = true;
	assert_before(&no_trigger, &queue, &unsure);
}

static void what_filled_the_recording_comes_after_what_began_in_it(void **state)
{
	struct candidate queue = candidate_of(1000, 11000, 90000, EVIDENCE_WAITS);
	const struct candidate freeze = candidate_of(5000, 6000, 500, EVIDENCE_SIGNS);

	(void)state;
	queue.stall.began_before = queue.stall.still_open = true;
	assert_before(&no_trigger, &freeze, &queue);
	/* it ended while it was recorded */
	queue.stall.end_ns = 10999 * MS;
	queue.stall.still_open = false;
	assert_before(&no_trigger, &queue, &freeze);
}

static void what_covers_half_of_the_time_that_somebody_waited_comes_first(void **state)
{
	const struct trigger_window window = { .proves = true,
					       .since_said = true,
					       .since_ns = 6000 * MS,
					       .until_ns = 8000 * MS };
	struct candidate half =
		candidate_of(8000 - 2000 * WINDOW_COVERED_PERCENT / 100, 9000, 100, EVIDENCE_SIGNS);
	const struct candidate before = candidate_of(2000, 5000, 9000, EVIDENCE_WAITS);

	(void)state;
	assert_before(&window, &half, &before);
	half.stall.start_ns += MS;
	assert_before(&window, &before, &half);
}

static void what_was_over_before_the_trigger_comes_last(void **state)
{
	const struct trigger_window window = { .proves = true,
					       .since_said = true,
					       .since_ns = 2000 * MS,
					       .until_ns = 4000 * MS };
	struct candidate over = candidate_of(2000, 4000, 9000, EVIDENCE_STANDSTILL);
	const struct candidate meanwhile = candidate_of(8000, 8300, 300, EVIDENCE_SIGNS);

	(void)state;
	over.stall.apart = true;
	assert_before(&window, &meanwhile, &over);
}

static void second_finding_is_told_from_a_tenth_of_the_first_on(void **state)
{
	static const struct detector told = { .beside = true }, untold = { .beside = false };
	const struct candidate first = candidate_of(2000, 3000, 1000, EVIDENCE_WAITS);
	struct candidate second =
		candidate_of(2900, 3500, 1000 * BESIDE_PERCENT / 100, EVIDENCE_WAITS);

	(void)state;
	second.detector = &told;
	assert_true(candidate_is_told(&first, &second));
	second.lost_ns--;
	assert_false(candidate_is_told(&first, &second));
	/* at another time, or of no use beside another one */
	second.lost_ns = first.lost_ns;
	second.stall.start_ns = first.stall.end_ns;
	assert_false(candidate_is_told(&first, &second));
	second.stall = first.stall;
	second.detector = &untold;
	assert_false(candidate_is_told(&first, &second));
}

UNIT_TESTS(detectors)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			what_explains_more_lost_time_comes_first_however_long_each_wait_is),
		cmocka_unit_test(direct_evidence_counts_double),
		cmocka_unit_test(what_names_nobody_must_explain_twice_as_much),
		cmocka_unit_test(what_may_have_been_want_of_work_comes_after_what_was_not),
		cmocka_unit_test(what_filled_the_recording_comes_after_what_began_in_it),
		cmocka_unit_test(what_covers_half_of_the_time_that_somebody_waited_comes_first),
		cmocka_unit_test(second_finding_is_told_from_a_tenth_of_the_first_on),
		cmocka_unit_test(what_was_over_before_the_trigger_comes_last),
	};

	return run_unit_tests(tests, NULL, NULL);
}
