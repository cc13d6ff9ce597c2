/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/activity/stall.h"
#include "tests/unit/support/unit_test.h"

#define MS   1000000ull
#define LONG (200 * MS)

static const struct trigger_window no_trigger = { 0 };
static const struct trigger_window about_8_s = { .about_ns = 8000 * MS,
						 .since_ns = 9500 * MS,
						 .until_ns = 9700 * MS };

static struct long_wait wait_of(uint64_t start_ms, uint64_t end_ms, unsigned int flags)
{
	return (struct long_wait){
		.start_ns = start_ms * MS,
		.end_ns = end_ms * MS,
		.blocked_ns = (end_ms - start_ms) * MS,
		.flags = flags,
	};
}

static void stall_is_not_found_without_long_waits(void **state)
{
	struct stall stall = { .found = true };

	(void)state;
	assert_int_equal(stall_find(NULL, 0, LONG, &no_trigger, &stall), 0);
	assert_false(stall.found);
}

static void stall_spans_waits_that_overlap_or_nearly_touch(void **state)
{
	const struct long_wait waits[] = {
		wait_of(1000, 3000, 0), wait_of(900, 2500, 0), wait_of(3050, 4000, 0),
	};
	struct stall stall;

	(void)state;
	assert_int_equal(stall_find(waits, 3, LONG, &no_trigger, &stall), 0);
	assert_true(stall.found);
	assert_int_equal(stall.start_ns, 900 * MS);
	assert_int_equal(stall.end_ns, 4000 * MS);
	assert_int_equal(stall.threads_max, 2);
	assert_int_equal(stall.others, 0);
	assert_false(stall.began_before);
	assert_false(stall.still_open);
}

static void stall_of_short_waits_has_no_long_pauses(void **state)
{
	const struct long_wait waits[] = { wait_of(1000, 1002, 0), wait_of(1050, 1054, 0) };
	struct stall stall;

	(void)state;
	assert_int_equal(stall_find(waits, 2, 1 * MS, &no_trigger, &stall), 0);
	assert_int_equal(stall.start_ns, 1050 * MS);
	assert_int_equal(stall.end_ns, 1054 * MS);
	assert_int_equal(stall.others, 1);
}

/* A limit lets go for a moment in each period. */
static void stall_goes_on_behind_a_gap_of_less_than_a_tenth(void **state)
{
	struct long_wait waits[] = { wait_of(1000, 3000, 0), wait_of(3150, 5150, 0) };
	struct stall stall;

	(void)state;
	assert_int_equal(stall_find(waits, 2, LONG, &no_trigger, &stall), 0);
	assert_int_equal(stall.start_ns, 1000 * MS);
	assert_int_equal(stall.end_ns, 5150 * MS);
	assert_int_equal(stall.others, 0);
	waits[1] = wait_of(3200, 5200, 0);
	assert_int_equal(stall_find(waits, 2, LONG, &no_trigger, &stall), 0);
	assert_int_equal(stall.others, 1);
	waits[1] = wait_of(3150, 4600, 0); /* shorter than the first one */
	assert_int_equal(stall_find(waits, 2, LONG, &no_trigger, &stall), 0);
	assert_int_equal(stall.others, 1);
	waits[1] = wait_of(3150, 5150, 0);
	waits[0].class = WAIT_IO_BLOCK; /* another cause */
	assert_int_equal(stall_find(waits, 2, LONG, &no_trigger, &stall), 0);
	assert_int_equal(stall.others, 1);
}

static void stall_is_the_one_in_which_most_time_was_lost(void **state)
{
	const struct long_wait waits[] = {
		wait_of(0, 700, 0),
		wait_of(5000, 5400, 0), wait_of(5000, 5400, 0), wait_of(5000, 5400, 0),
	};
	struct stall stall;

	(void)state;
	assert_int_equal(stall_find(waits, 4, LONG, &no_trigger, &stall), 0);
	assert_int_equal(stall.start_ns, 5000 * MS);
	assert_int_equal(stall.end_ns, 5400 * MS);
	assert_int_equal(stall.threads_max, 3);
	assert_int_equal(stall.others, 1);
	assert_int_equal(stall.other[0].start_ns, 0);
	assert_int_equal(stall.other[0].end_ns, 700 * MS);
}

/* Under load threads wait for CPUs all the time: that must not stretch a stall that has another cause. */
static void stall_is_made_of_waits_for_a_cpu_only_where_there_is_no_other(void **state)
{
	struct long_wait waits[] = { wait_of(0, 5000, 0), wait_of(1000, 1400, 0) };
	struct stall stall;

	(void)state;
	waits[0].class = WAIT_CPU_RUNQUEUE;
	waits[1].class = WAIT_LOCK_MMAP;
	assert_int_equal(stall_find(waits, 2, LONG, &no_trigger, &stall), 0);
	assert_int_equal(stall.start_ns, 1000 * MS);
	assert_int_equal(stall.end_ns, 1400 * MS);
	assert_int_equal(stall_find(waits, 1, LONG, &no_trigger, &stall), 0);
	assert_true(stall.found);
	assert_int_equal(stall.end_ns, 5000 * MS);
}

static void stall_says_when_the_recording_does_not_hold_all_of_it(void **state)
{
	const struct long_wait waits[] = {
		wait_of(0, 700, INTERVAL_BEGAN_BEFORE),
		wait_of(300, 900, INTERVAL_STILL_OPEN),
	};
	struct stall stall;

	(void)state;
	assert_int_equal(stall_find(waits, 2, LONG, &no_trigger, &stall), 0);
	assert_true(stall.began_before);
	assert_true(stall.still_open);
}

static void stall_counts_a_wait_that_ends_as_another_begins_once(void **state)
{
	const struct long_wait waits[] = { wait_of(0, 500, 0), wait_of(500, 900, 0) };
	struct stall stall;

	(void)state;
	assert_int_equal(stall_find(waits, 2, LONG, &no_trigger, &stall), 0);
	assert_int_equal(stall.threads_max, 1);
}

static void stall_that_the_trigger_is_about_comes_before_a_worse_one(void **state)
{
	const struct long_wait waits[] = { wait_of(0, 5000, 0), wait_of(9000, 9400, 0) };
	struct stall stall;

	(void)state;
	assert_int_equal(stall_find(waits, 2, LONG, &about_8_s, &stall), 0);
	assert_int_equal(stall.start_ns, 9000 * MS);
	assert_false(stall.apart);
	assert_int_equal(stall.others, 1);
	assert_int_equal(stall.other[0].end_ns, 5000 * MS);
	/* also where it is only one for a CPU */
	struct long_wait starved = wait_of(9000, 9400, 0);
	starved.class = WAIT_CPU_RUNQUEUE;
	assert_int_equal(stall_find((const struct long_wait[]){ waits[0], starved }, 2, LONG, &about_8_s, &stall), 0);
	assert_int_equal(stall.start_ns, 9000 * MS);
	assert_false(stall.apart);
	/* where there is none, the other one is told, as what it is */
	assert_int_equal(stall_find(waits, 1, LONG, &about_8_s, &stall), 0);
	assert_true(stall.found);
	assert_true(stall.apart);
}

/* One that ended a second before the trigger has to be twice as bad as what was there still. */
static void stall_near_the_trigger_comes_before_one_as_bad_that_was_long_ago(void **state)
{
	const struct trigger_window window = { .about_ns = 1, .since_ns = 20000 * MS,
					       .until_ns = 20200 * MS };
	struct long_wait waits[] = { wait_of(18000, 19000, 0), wait_of(20000, 20501, 0) };
	struct stall stall;

	(void)state;
	assert_int_equal(stall_find(waits, 2, LONG, &window, &stall), 0);
	assert_int_equal(stall.start_ns, 20000 * MS);
	assert_int_equal(stall.other[0].start_ns, 18000 * MS);
	assert_int_equal(stall.other[0].threads_max, 1);
	waits[1] = wait_of(20000, 20499, 0);
	assert_int_equal(stall_find(waits, 2, LONG, &window, &stall), 0);
	assert_int_equal(stall.start_ns, 18000 * MS);
	/* one that began after the trigger is not what it told of, either */
	waits[0] = wait_of(18000, 19000, 0);
	waits[1] = wait_of(22200, 23000, 0);
	assert_int_equal(stall_find(waits, 2, LONG, &window, &stall), 0);
	assert_int_equal(stall.start_ns, 18000 * MS);
}

static void stall_found_in_another_way_has_the_threads_of_the_one_that_it_spans(void **state)
{
	const struct long_wait waits[] = { wait_of(3000, 3400, 0), wait_of(3000, 3500, 0) };
	const struct stall worst = { .found = true, .start_ns = 2000 * MS, .end_ns = 4000 * MS };
	struct stall stall;

	(void)state;
	assert_int_equal(stall_find(waits, 2, LONG, &no_trigger, &stall), 0);
	stall_replace(&stall, &worst);
	assert_int_equal(stall.others, 0);
	assert_int_equal(stall.threads_max, 2);
}

static void stall_found_in_another_way_makes_the_worst_one_a_lesser_one(void **state)
{
	const struct long_wait waits[] = {
		wait_of(0, 300, 0), wait_of(5000, 5900, 0), wait_of(9000, 9400, 0),
	};
	const struct stall worst = { .found = true, .start_ns = 2000 * MS, .end_ns = 4000 * MS };
	struct stall stall;

	(void)state;
	assert_int_equal(stall_find(waits, 3, LONG, &no_trigger, &stall), 0);
	stall_replace(&stall, &worst);
	assert_int_equal(stall.start_ns, 2000 * MS);
	assert_int_equal(stall.others, 3);
	assert_int_equal(stall.other[0].start_ns, 0);
	assert_int_equal(stall.other[1].start_ns, 5000 * MS);
	assert_int_equal(stall.other[1].end_ns, 5900 * MS);
	assert_int_equal(stall.other[2].start_ns, 9000 * MS);
}

static void stall_found_in_another_way_alone_has_no_lesser_ones(void **state)
{
	const struct stall worst = { .found = true, .start_ns = 2000 * MS, .end_ns = 4000 * MS };
	struct stall stall = { .found = false };

	(void)state;
	stall_replace(&stall, &worst);
	assert_true(stall.found);
	assert_int_equal(stall.others, 0);
}

static void stall_that_replaces_keeps_no_more_lesser_ones_than_there_is_room_for(void **state)
{
	struct long_wait waits[STALL_OTHERS_MAX + 4];
	const struct stall worst = { .found = true, .start_ns = 1, .end_ns = 2 };
	struct stall stall;

	(void)state;
	for (uint64_t i = 0; i < STALL_OTHERS_MAX + 4; i++)
		waits[i] = wait_of(i * 1000, i * 1000 + 300 + i, 0);
	assert_int_equal(stall_find(waits, STALL_OTHERS_MAX + 4, LONG, &no_trigger, &stall), 0);
	stall_replace(&stall, &worst);
	assert_int_equal(stall.others, STALL_OTHERS_MAX + 4);
	for (uint64_t i = 0; i < STALL_OTHERS_MAX; i++)
		assert_int_equal(stall.other[i].start_ns, i * 1000 * MS);
}

UNIT_TESTS(stall)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stall_is_not_found_without_long_waits),
		cmocka_unit_test(stall_spans_waits_that_overlap_or_nearly_touch),
		cmocka_unit_test(stall_of_short_waits_has_no_long_pauses),
		cmocka_unit_test(stall_goes_on_behind_a_gap_of_less_than_a_tenth),
		cmocka_unit_test(stall_is_the_one_in_which_most_time_was_lost),
		cmocka_unit_test(stall_is_made_of_waits_for_a_cpu_only_where_there_is_no_other),
		cmocka_unit_test(stall_says_when_the_recording_does_not_hold_all_of_it),
		cmocka_unit_test(stall_counts_a_wait_that_ends_as_another_begins_once),
		cmocka_unit_test(stall_that_the_trigger_is_about_comes_before_a_worse_one),
		cmocka_unit_test(stall_near_the_trigger_comes_before_one_as_bad_that_was_long_ago),
		cmocka_unit_test(stall_found_in_another_way_has_the_threads_of_the_one_that_it_spans),
		cmocka_unit_test(stall_found_in_another_way_makes_the_worst_one_a_lesser_one),
		cmocka_unit_test(stall_found_in_another_way_alone_has_no_lesser_ones),
		cmocka_unit_test(
			stall_that_replaces_keeps_no_more_lesser_ones_than_there_is_room_for),
	};

	return run_unit_tests(tests, NULL, NULL);
}
