/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bounds within which a producer's profile says what it did while others waited for it.
 */
#include "analyzer/detect/slow_producer.h"
#include "analyzer/detect/thresholds.h"
#include "tests/unit/support/scene.h"
#include "tests/unit/support/unit_test.h"

#define MS SCENE_MS

/* Somebody waited for it for a second, in which it ran; at other times, ten seconds, it woke others
 * 1000 times. */
static struct producer_profile profile_of_run(void)
{
	return (struct producer_profile){
		.producer = {
			.longest = { .class = WAIT_IPC_PIPE, .end_ns = 1000 * MS, .links = 1 },
			.state_ns[THREAD_RUNNING] = 1000 * MS,
			.run_ns = 1000 * MS,
			.usual_run_ns = MS,
			.usual_wakeups = 1000,
			.usual_span_ns = 10000 * MS - 1,
		},
	};
}

static void assert_did(const struct producer_profile *profile, enum slow_producer_did did)
{
	assert_int_equal(producer_profile_conclude(profile), did);
}

static void producer_ran_for_three_quarters_of_the_wait(void **state)
{
	struct producer_profile profile = profile_of_run();
	struct slow_producer *it = &profile.producer;

	(void)state;
	it->run_ns = it->state_ns[THREAD_RUNNING] = 1000 * MS * PRODUCER_MOST_PERCENT / 100;
	assert_did(&profile, PRODUCER_RAN);
	it->run_ns--;
	assert_did(&profile, PRODUCER_IDLED);
	it->run_ns++;
	it->state_ns[THREAD_RUNNING]--;
	assert_did(&profile, PRODUCER_IDLED);
}

static void run_five_times_as_long_as_any_other_is_unusual(void **state)
{
	struct producer_profile profile = profile_of_run();
	struct slow_producer *it = &profile.producer;

	(void)state;
	it->usual_run_ns = it->run_ns / PRODUCER_TIMES_USUAL;
	assert_did(&profile, PRODUCER_RAN);
	it->usual_run_ns++;
	assert_did(&profile, PRODUCER_IDLED);
}

/* 100 wake-ups a second are usual. */
static void producer_that_wakes_others_at_a_tenth_of_its_rate_works_on(void **state)
{
	struct producer_profile profile = profile_of_run();
	struct slow_producer *it = &profile.producer;

	(void)state;
	it->wakeups = 100 * PRODUCER_WORKS_PERCENT / 100;
	assert_did(&profile, PRODUCER_RAN);
	it->wakeups++;
	assert_did(&profile, PRODUCER_IDLED);
}

static void producer_blocked_for_half_of_the_wait_waited_itself(void **state)
{
	struct producer_profile profile = profile_of_run();
	struct slow_producer *it = &profile.producer;

	(void)state;
	it->blocked_class = WAIT_IO_BLOCK;
	it->blocked_direction = DIRECTION_NEEDS;
	it->blocked_ns = 1000 * MS * PRODUCER_HALF_PERCENT / 100;
	assert_did(&profile, PRODUCER_WAITED);
	it->blocked_ns--;
	assert_did(&profile, PRODUCER_RAN);
}

static void producer_slept_for_three_quarters_of_the_wait_of_one_who_paces_itself(void **state)
{
	struct producer_profile profile = profile_of_run();
	struct slow_producer *it = &profile.producer;

	(void)state;
	it->run_ns = 0;
	it->blocked_class = WAIT_SLEEP;
	it->blocked_direction = DIRECTION_SLEEPS;
	it->blocked_ns = 1000 * MS * PRODUCER_MOST_PERCENT / 100;
	it->victim_sleeps = PRODUCER_ASKS_LEAST;
	assert_did(&profile, PRODUCER_SLEPT);
	it->victim_sleeps--;
	assert_did(&profile, PRODUCER_IDLED);
	it->victim_sleeps++;
	it->blocked_ns--;
	assert_did(&profile, PRODUCER_IDLED);
}

static void producer_whose_stacks_are_mostly_of_its_end_was_ending(void **state)
{
	struct producer_profile profile = profile_of_run();
	struct slow_producer *it = &profile.producer;

	(void)state;
	profile.stacks = 100;
	profile.end_stacks = PRODUCER_MOST_PERCENT;
	assert_did(&profile, PRODUCER_ENDED);
	profile.end_stacks--;
	assert_did(&profile, PRODUCER_RAN);
	/* a few stacks tell nothing */
	profile.stacks = profile.end_stacks = PRODUCER_STACKS_LEAST;
	assert_did(&profile, PRODUCER_ENDED);
	profile.stacks = profile.end_stacks = PRODUCER_STACKS_LEAST - 1;
	assert_did(&profile, PRODUCER_RAN);
	/* nor do they where half of its time is not known */
	profile.stacks = profile.end_stacks = 100;
	it->state_ns[THREAD_UNKNOWN] = 1000 * MS * PRODUCER_HALF_PERCENT / 100 - 1;
	assert_did(&profile, PRODUCER_ENDED);
	it->state_ns[THREAD_UNKNOWN]++;
	assert_did(&profile, PRODUCER_RAN);
}

UNIT_TESTS(slow_producer_profile)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(producer_ran_for_three_quarters_of_the_wait),
		cmocka_unit_test(run_five_times_as_long_as_any_other_is_unusual),
		cmocka_unit_test(producer_that_wakes_others_at_a_tenth_of_its_rate_works_on),
		cmocka_unit_test(producer_blocked_for_half_of_the_wait_waited_itself),
		cmocka_unit_test(producer_slept_for_three_quarters_of_the_wait_of_one_who_paces_itself),
		cmocka_unit_test(producer_whose_stacks_are_mostly_of_its_end_was_ending),
	};

	return run_unit_tests(tests, NULL, NULL);
}
