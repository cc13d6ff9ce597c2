/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/trigger/probe_deadline.h"
#include "tests/unit/support/unit_test.h"

#define MS 1000000ull

/* The clock is what the test says. */
struct asked {
	uint64_t start_ms, end_ms;
	const char *why;
	bool failed, fires;
};

static void check_answers(const struct asked *asked, size_t count, uint64_t slower_than_ms,
			  uint64_t for_ms)
{
	struct probe_deadline verdict;

	probe_deadline_init(&verdict, slower_than_ms * MS, for_ms * MS);
	for (size_t i = 0; i < count; i++) {
		bool failed, fires = probe_deadline_answer(&verdict, asked[i].start_ms * MS,
						    asked[i].end_ms * MS, asked[i].why, &failed);
		if (fires != asked[i].fires || failed != asked[i].failed)
			fail_msg("answer %zu: failed %d, fires %d", i, failed, fires);
	}
}

#define CHECK(asked, slower_than_ms, for_ms) \
	check_answers(asked, sizeof(asked) / sizeof((asked)[0]), slower_than_ms, for_ms)

static void slow_answers_fire_once_after_for(void **state)
{
	static const struct asked ASKED[] = {
		{ 0, 200, NULL, false, false }, /* not slower than */
		{ 500, 701, NULL, true, false }, /* the row begins at 500 */
		{ 1000, 1400, NULL, true, false }, { 1500, 2499, NULL, true, false },
		{ 2499, 2800, NULL, true, true },  { 3000, 9000, NULL, true, false },
	};
	(void)state;
	CHECK(ASKED, 200, 2000);
}

static void a_good_answer_ends_the_row_and_arms_again(void **state)
{
	static const struct asked ASKED[] = {
		{ 0, 300, NULL, true, false },	    { 500, 1500, NULL, true, false },
		{ 1500, 1600, NULL, false, false }, { 2000, 2300, NULL, true, false },
		{ 2500, 4100, NULL, true, true },   { 4100, 4200, NULL, false, false },
		{ 4500, 4600, "no", true, false },  { 5000, 6500, "no", true, true },
		{ 7000, 7001, "no", true, false },
	};
	(void)state;
	CHECK(ASKED, 200, 2000);
}

static void a_bad_answer_is_a_failure_however_fast(void **state)
{
	static const struct asked ASKED[] = {
		{ 0, 1, "refused", true, false },
		{ 500, 501, "refused", true, false },
		{ 1000, 1001, "refused", true, true },
	};
	(void)state;
	CHECK(ASKED, 200, 1000);
}

static void for_zero_fires_at_the_first_failure(void **state)
{
	static const struct asked ASKED[] = {
		{ 0, 1, NULL, false, false },
		{ 500, 501, "refused", true, true },
		{ 1000, 1001, "refused", true, false },
	};
	(void)state;
	CHECK(ASKED, 200, 0);
}

static void unanswered_question_fires_without_its_end(void **state)
{
	struct probe_deadline verdict;
	bool failed;

	(void)state;
	probe_deadline_init(&verdict, 200 * MS, 2000 * MS);
	assert_false(probe_deadline_answer(&verdict, 0, 1 * MS, NULL, &failed));
	assert_int_equal(probe_deadline_due_ns(&verdict, 500 * MS), 2500 * MS);
	assert_false(probe_deadline_waiting(&verdict, 500 * MS, 700 * MS));
	assert_false(probe_deadline_waiting(&verdict, 500 * MS, 2499 * MS));
	assert_true(probe_deadline_waiting(&verdict, 500 * MS, 2500 * MS));
	assert_int_equal(probe_deadline_due_ns(&verdict, 500 * MS), UINT64_MAX);
	assert_false(probe_deadline_waiting(&verdict, 500 * MS, 9000 * MS));
	/* Its end is a part of the same row. */
	assert_false(probe_deadline_answer(&verdict, 500 * MS, 9500 * MS, NULL, &failed));
	assert_true(failed);
	assert_false(probe_deadline_answer(&verdict, 9500 * MS, 9501 * MS, NULL, &failed));
	assert_int_equal(probe_deadline_due_ns(&verdict, 10000 * MS), 12000 * MS);
}

static void unanswered_question_is_no_failure_before_it_is_late(void **state)
{
	struct probe_deadline verdict;
	bool failed;

	(void)state;
	probe_deadline_init(&verdict, 3000 * MS, 1000 * MS);
	assert_int_equal(probe_deadline_due_ns(&verdict, 0), 3000 * MS + 1);
	assert_false(probe_deadline_waiting(&verdict, 0, 3000 * MS));
	assert_true(probe_deadline_waiting(&verdict, 0, 3000 * MS + 1));

	/* Nor in a row: one that has just been asked is none yet. */
	probe_deadline_init(&verdict, 200 * MS, 1000 * MS);
	assert_false(probe_deadline_answer(&verdict, 0, 1 * MS, "no", &failed));
	assert_int_equal(probe_deadline_due_ns(&verdict, 990 * MS), 1190 * MS + 1);
	assert_false(probe_deadline_waiting(&verdict, 990 * MS, 1100 * MS));
	assert_false(probe_deadline_answer(&verdict, 990 * MS, 1150 * MS, NULL, &failed));
	assert_false(failed);
}

static void due_never_wraps_around(void **state)
{
	struct probe_deadline verdict;

	(void)state;
	probe_deadline_init(&verdict, UINT64_MAX, UINT64_MAX);
	assert_int_equal(probe_deadline_due_ns(&verdict, 5), UINT64_MAX);
	assert_false(probe_deadline_waiting(&verdict, 5, 1000 * MS));
}

static void evidence_counts_slow_answers(void **state)
{
	struct probe_deadline verdict;
	char text[256];
	bool failed, fires = false;

	(void)state;
	probe_deadline_init(&verdict, 200 * MS, 2000 * MS);
	for (uint64_t i = 0; i < 5; i++)
		fires = probe_deadline_answer(&verdict, i * 500 * MS,
				       i * 500 * MS + (i == 4 ? 812 : 400) * MS, NULL, &failed);
	assert_true(fires);
	probe_deadline_describe(&verdict, "tcp 127.0.0.1:6379", 2812 * MS, 0, text, sizeof(text));
	assert_string_equal(text, "tcp 127.0.0.1:6379 slower than 200 ms for 2.8 s: "
				  "5 of 5 answers failed, the last took 812 ms");
}

static void evidence_tells_bad_answers_and_silence_apart(void **state)
{
	struct probe_deadline verdict;
	char text[256];
	bool failed;

	(void)state;
	probe_deadline_init(&verdict, 200 * MS, 2000 * MS);
	probe_deadline_waiting(&verdict, 0, 2000 * MS);
	probe_deadline_describe(&verdict, "tcp a:1", 2000 * MS, 2000 * MS, text, sizeof(text));
	assert_string_equal(text, "tcp a:1 slower than 200 ms for 2.0 s: no answer for 2.0 s");

	probe_deadline_init(&verdict, 200 * MS, 2000 * MS);
	probe_deadline_answer(&verdict, 0, 300000, "Connection refused", &failed);
	probe_deadline_describe(&verdict, "tcp a:1", 2000 * MS, 0, text, sizeof(text));
	assert_string_equal(text, "tcp a:1 failing for 2.0 s: 1 of 1 answers failed, "
				  "the last took 0.3 ms: Connection refused");
	probe_deadline_waiting(&verdict, 500 * MS, 2000 * MS);
	probe_deadline_describe(&verdict, "tcp a:1", 2000 * MS, 1500 * MS, text, sizeof(text));
	assert_string_equal(text,
			    "tcp a:1 failing or slower than 200 ms for 2.0 s: "
			    "1 of 1 answers failed, the last took 0.3 ms: Connection refused; "
			    "then no answer for 1.5 s");
}

UNIT_TESTS(probe_deadline)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slow_answers_fire_once_after_for),
		cmocka_unit_test(a_good_answer_ends_the_row_and_arms_again),
		cmocka_unit_test(a_bad_answer_is_a_failure_however_fast),
		cmocka_unit_test(for_zero_fires_at_the_first_failure),
		cmocka_unit_test(unanswered_question_fires_without_its_end),
		cmocka_unit_test(unanswered_question_is_no_failure_before_it_is_late),
		cmocka_unit_test(due_never_wraps_around),
		cmocka_unit_test(evidence_counts_slow_answers),
		cmocka_unit_test(evidence_tells_bad_answers_and_silence_apart),
	};
	return run_unit_tests(tests, NULL, NULL);
}
