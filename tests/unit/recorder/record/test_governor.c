/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The governor under loads of a made-up clock.
 */
#include "config.h"

#include <string.h>

#include "recorder/record/governor.h"
#include "tests/unit/support/unit_test.h"

#define MS	1000000ull
#define TICK_MS 100

struct world {
	struct governor governor;
	struct governor_counts counts;
	unsigned int changes;
};

/* 100,000 events a second, or half of one of two CPUs. */
static const struct governor_options OPTIONS = {
	.max_events = 100000,
	.max_cpu_percent = 25,
	.cpus = 2,
};

/* The same, armed as it is by default. */
static const struct governor_options SAMPLED = {
	.max_events = 100000,
	.max_cpu_percent = 25,
	.cpus = 2,
	.first = GOVERNOR_SAMPLED,
};

static void start_governor(struct world *world, const struct governor_options *options)
{
	memset(world, 0, sizeof(*world));
	world->counts.time_ns = 5000 * MS;
	governor_init(&world->governor, options, &world->counts);
}

/* @blocking and @others events a second for @ms. Return: when the step first changed, or 0. */
static unsigned int pass_time(struct world *world, unsigned int ms, uint64_t blocking, uint64_t others)
{
	unsigned int changed_ms = 0;
	for (unsigned int passed_ms = TICK_MS; passed_ms <= ms; passed_ms += TICK_MS) {
		world->counts.time_ns += TICK_MS * MS;
		world->counts.blocking += blocking * TICK_MS / 1000;
		world->counts.events += (blocking + others) * TICK_MS / 1000;
		if (governor_feed(&world->governor, &world->counts)) {
			world->changes++;
			changed_ms = changed_ms ? changed_ms : passed_ms;
		}
	}
	return changed_ms;
}

static void governor_of_a_quiet_host_takes_all_stacks(void **state)
{
	struct world world;
	(void)state;
	start_governor(&world, &OPTIONS);
	pass_time(&world, 60000, 1000, 1000);
	assert_int_equal(world.changes, 0);
	assert_int_equal(world.governor.step, GOVERNOR_FULL);
	assert_int_equal(world.governor.events_a_second, 2000);
}

static void governor_steps_down_within_a_second(void **state)
{
	struct world world;
	(void)state;
	start_governor(&world, &OPTIONS);
	pass_time(&world, 5000, 1000, 1000);
	unsigned int changed_ms = pass_time(&world, 1000, 110000, 0);
	assert_in_range(changed_ms, 1, 1000);
	assert_int_equal(world.governor.step, GOVERNOR_SAMPLED);
	assert_int_equal(governor_mode(&world.governor), MODE_SAMPLED);
}

static void governor_goes_down_by_every_step_and_up_again(void **state)
{
	static const enum governor_step UP[] = { GOVERNOR_DEFERRED, GOVERNOR_SAMPLED,
						 GOVERNOR_FULL };
	struct world world;
	(void)state;
	start_governor(&world, &OPTIONS);
	for (int step = GOVERNOR_SAMPLED; step <= GOVERNOR_TIMING; step++) {
		assert_in_range(pass_time(&world, 600, 210000, 0), 1, 600);
		if (world.governor.step < GOVERNOR_TIMING)
			assert_int_equal(world.governor.step, step);
	}
	assert_int_equal(world.governor.step, GOVERNOR_TIMING);
	for (size_t i = 0; i < sizeof(UP) / sizeof(UP[0]); i++) {
		pass_time(&world, 11000, 1000, 1000);
		assert_int_equal(world.governor.step, UP[i]);
	}
}

/* There a stack costs less than to read those of all that sleep for long. */
static void governor_takes_all_stacks_of_a_quiet_host(void **state)
{
	struct world world;
	(void)state;
	start_governor(&world, &SAMPLED);
	pass_time(&world, 1000, 400, 500);
	assert_int_equal(world.governor.step, GOVERNOR_SAMPLED);
	assert_int_equal(governor_mode(&world.governor), MODE_BLOCK_STACKS);
	pass_time(&world, 1000, 900, 1000); /* not quiet enough to begin, quiet enough to go on */
	assert_int_equal(governor_mode(&world.governor), MODE_BLOCK_STACKS);
	pass_time(&world, 1000, 1000, 1010);
	assert_int_equal(governor_mode(&world.governor), MODE_SAMPLED);
	pass_time(&world, 1000, 900, 1000);
	assert_int_equal(governor_mode(&world.governor), MODE_SAMPLED);
	assert_int_equal(world.changes, 0);
}

static void governor_never_steps_above_its_first_step(void **state)
{
	struct world world;
	(void)state;
	start_governor(&world, &SAMPLED);
	assert_int_equal(governor_mode(&world.governor), MODE_SAMPLED);
	pass_time(&world, 60000, 1000, 1000);
	assert_int_equal(world.changes, 0);
	pass_time(&world, 1000, 220000, 0);
	assert_int_equal(world.governor.step, GOVERNOR_DEFERRED);
	pass_time(&world, 30000, 1000, 1000);
	assert_int_equal(world.governor.step, GOVERNOR_SAMPLED);
}

/* 160,000 plain records count as 80,000; one stack in 17 more is 85,000. */
static void governor_counts_the_stacks_of_a_sample(void **state)
{
	struct world world;
	(void)state;
	start_governor(&world, &SAMPLED);
	pass_time(&world, 5000, 160000, 0);
	assert_int_equal(world.changes, 0);
	assert_in_range(world.governor.percent, 84, 86);
}

static void governor_does_not_wait_in_a_flood(void **state)
{
	struct world world;
	(void)state;
	start_governor(&world, &OPTIONS);
	assert_in_range(pass_time(&world, 300, 900000, 0), 1, 300);
	pass_time(&world, 700, 900000, 0);
	assert_int_equal(world.governor.step, GOVERNOR_TIMING);
}

static void governor_lets_a_short_burst_pass(void **state)
{
	struct world world;
	(void)state;
	start_governor(&world, &OPTIONS);
	pass_time(&world, 5000, 1000, 1000);
	pass_time(&world, 200, 130000, 0);
	pass_time(&world, 5000, 1000, 1000);
	assert_int_equal(world.changes, 0);
}

/* 110,000 events without stacks count as 55,000. */
static void governor_stays_where_that_is_enough(void **state)
{
	struct world world;
	(void)state;
	start_governor(&world, &OPTIONS);
	pass_time(&world, 60000, 110000, 0);
	assert_int_equal(world.changes, 1);
	assert_int_equal(world.governor.step, GOVERNOR_SAMPLED);
}

static void governor_steps_up_after_ten_calm_seconds_and_not_before(void **state)
{
	struct world world;
	(void)state;
	start_governor(&world, &OPTIONS);
	pass_time(&world, 1000, 110000, 0);
	assert_int_equal(world.governor.step, GOVERNOR_SAMPLED);
	assert_int_equal(pass_time(&world, 9500, 1000, 1000), 0);
	assert_in_range(pass_time(&world, 2000, 1000, 1000), 1, 2000);
	assert_int_equal(world.governor.step, GOVERNOR_FULL);
}

static void governor_begins_to_count_anew_when_calm_is_broken(void **state)
{
	struct world world;
	(void)state;
	start_governor(&world, &OPTIONS);
	pass_time(&world, 1000, 110000, 0);
	pass_time(&world, 8000, 1000, 1000);
	pass_time(&world, 500, 90000, 0);
	assert_int_equal(pass_time(&world, 9000, 1000, 1000), 0);
	assert_int_equal(world.governor.step, GOVERNOR_SAMPLED);
}

/* What a sample of the stacks makes of a load is not what all of them would. */
static void governor_does_not_flap_under_a_steady_load(void **state)
{
	struct world world;
	(void)state;
	start_governor(&world, &OPTIONS);
	pass_time(&world, 120000, 101000, 0);
	assert_int_equal(world.changes, 1);
}

static void governor_counts_its_own_cpu_time(void **state)
{
	struct world world;
	(void)state;
	start_governor(&world, &OPTIONS);
	for (int i = 0; i < 10; i++) {
		world.counts.cpu_ns += 60 * MS; /* of 100: more than 25 % of two CPUs */
		pass_time(&world, 100, 10, 10);
	}
	assert_int_not_equal(world.governor.step, GOVERNOR_FULL);
	assert_true(world.governor.cpu_permille >= 290);
}

static void governor_without_limits_never_steps(void **state)
{
	const struct governor_options unlimited = { .cpus = 1 };
	struct world world;
	(void)state;
	start_governor(&world, &unlimited);
	pass_time(&world, 5000, 90000000, 90000000);
	assert_int_equal(world.changes, 0);
}

static void governor_note_says_the_step_and_why(void **state)
{
	struct world world;
	char text[256];
	(void)state;
	start_governor(&world, &OPTIONS);
	pass_time(&world, 1000, 110000, 0);
	governor_note(&world.governor, GOVERNOR_FULL, text, sizeof(text));
	assert_memory_equal(text, "governor: sampled stacks", 24);
	assert_non_null(strstr(text, ", full until here: the load was"));
	assert_non_null(strstr(text, "110000 events a second"));
	assert_non_null(strstr(text, "above the budget"));
}

UNIT_TESTS(governor)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(governor_of_a_quiet_host_takes_all_stacks),
		cmocka_unit_test(governor_steps_down_within_a_second),
		cmocka_unit_test(governor_does_not_wait_in_a_flood),
		cmocka_unit_test(governor_lets_a_short_burst_pass),
		cmocka_unit_test(governor_stays_where_that_is_enough),
		cmocka_unit_test(governor_steps_up_after_ten_calm_seconds_and_not_before),
		cmocka_unit_test(governor_begins_to_count_anew_when_calm_is_broken),
		cmocka_unit_test(governor_does_not_flap_under_a_steady_load),
		cmocka_unit_test(governor_goes_down_by_every_step_and_up_again),
		cmocka_unit_test(governor_takes_all_stacks_of_a_quiet_host),
		cmocka_unit_test(governor_never_steps_above_its_first_step),
		cmocka_unit_test(governor_counts_the_stacks_of_a_sample),
		cmocka_unit_test(governor_counts_its_own_cpu_time),
		cmocka_unit_test(governor_without_limits_never_steps),
		cmocka_unit_test(governor_note_says_the_step_and_why),
	};
	return run_unit_tests(tests, NULL, NULL);
}
