/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is charged for a wait: hand-made hand-offs with known owners.
 */
#include "analyzer/locks/ownership.h"
#include "tests/unit/support/unit_test.h"

static struct thread holder = { .index = 0, .tid = 100, .comm = "holder" };
static struct thread second = { .index = 1, .tid = 101, .comm = "second" };
static struct thread waiter = { .index = 2, .tid = 102, .comm = "waiter" };
static struct thread other = { .index = 3, .tid = 103, .comm = "other" };

static struct ownership *create(bool ambiguous)
{
	struct ownership *ownership = NULL;

	assert_int_equal(ownership_create(ambiguous, &ownership), 0);
	return ownership;
}

static void opens(struct ownership *ownership, const struct thread *thread, uint64_t time_ns)
{
	assert_int_equal(ownership_wait_opened(ownership, thread, time_ns), 0);
}

static void releases(struct ownership *ownership, struct thread *thread, uint64_t time_ns,
		     uint64_t since_ns, struct thread *woken)
{
	assert_int_equal(ownership_released(ownership, &(struct lock_release){
								.thread = thread,
								.time_ns = time_ns,
								.since_ns = since_ns,
								.woken = woken,
							}),
			 0);
}

static void closes(struct ownership *ownership, const struct thread *thread, uint64_t start_ns,
		   uint64_t end_ns)
{
	assert_int_equal(ownership_wait_closed(ownership, thread, start_ns, start_ns, end_ns, true), 0);
}

static uint64_t blamed(struct ownership *ownership, const struct thread *thread)
{
	const struct lock_owner *owners;
	size_t count = ownership_owners(ownership, &owners);

	for (size_t i = 0; i < count; i++)
		if (owners[i].thread == thread)
			return owners[i].blamed_ns;
	return 0;
}

static const struct lock_owner *worst(struct ownership *ownership)
{
	const struct lock_owner *owners;

	assert_true(ownership_owners(ownership, &owners) > 0);
	return owners;
}

static void ownership_charges_a_wait_to_its_releaser(void **state)
{
	struct ownership *ownership = create(false);

	(void)state;
	opens(ownership, &waiter, 1000);
	releases(ownership, &holder, 5000, 500, &waiter);
	closes(ownership, &waiter, 1000, 5000);
	assert_int_equal(blamed(ownership, &holder), 4000);
	assert_ptr_equal(worst(ownership)->longest.first_woken, &waiter);
	ownership_destroy(ownership);
}

/* A long hold, then a chain of short hand-offs: the last waker must not be blamed for the long wait. */
static void ownership_charges_the_long_holder_and_not_the_last_waker(void **state)
{
	struct ownership *ownership = create(false);

	(void)state;
	opens(ownership, &second, 1000);
	opens(ownership, &waiter, 1100);
	releases(ownership, &holder, 9000000, 900, &second);
	closes(ownership, &second, 1000, 9000000);
	releases(ownership, &second, 9030000, 9000000, &waiter);
	closes(ownership, &waiter, 1100, 9030000);
	assert_int_equal(blamed(ownership, &holder), (9000000 - 1000) + (9000000 - 1100));
	assert_int_equal(blamed(ownership, &second), 30000);
	assert_int_equal(blamed(ownership, NULL), 0);
	ownership_destroy(ownership);
}

static void ownership_claims_nothing_before_the_holder_could_have_held(void **state)
{
	struct ownership *ownership = create(false);

	(void)state;
	opens(ownership, &waiter, 1000);
	releases(ownership, &holder, 5000, 4000, &waiter);
	closes(ownership, &waiter, 1000, 5000);
	assert_int_equal(blamed(ownership, &holder), 1000);
	assert_int_equal(blamed(ownership, NULL), 3000);
	ownership_destroy(ownership);
}

static void ownership_reports_no_hold_longer_than_waiting_proves(void **state)
{
	struct ownership *ownership = create(false);

	(void)state;
	opens(ownership, &waiter, 7000000);
	releases(ownership, &holder, 7001000, 0, &waiter);
	closes(ownership, &waiter, 7000000, 7001000);
	assert_int_equal(worst(ownership)->longest.start_ns, 7000000);
	assert_false(worst(ownership)->longest.start_exact);
	ownership_destroy(ownership);
}

static void ownership_reports_the_whole_hold_where_its_start_was_seen(void **state)
{
	struct ownership *ownership = create(false);

	(void)state;
	opens(ownership, &waiter, 2000);
	assert_int_equal(ownership_released(ownership, &(struct lock_release){ .thread = &holder,
									       .time_ns = 9000,
									       .since_ns = 1000,
									       .since_exact = true,
									       .woken = &waiter }),
			 0);
	closes(ownership, &waiter, 2000, 9000);
	assert_int_equal(worst(ownership)->longest.start_ns, 1000);
	assert_true(worst(ownership)->longest.start_exact);
	ownership_destroy(ownership);
}

static void ownership_charges_only_the_part_asked_for(void **state)
{
	struct ownership *ownership = create(false);

	(void)state;
	opens(ownership, &waiter, 1000);
	releases(ownership, &holder, 5000, 500, &waiter);
	assert_int_equal(ownership_wait_closed(ownership, &waiter, 1000, 2000, 2500, true), 0);
	assert_int_equal(blamed(ownership, &holder), 500);
	ownership_destroy(ownership);
}

static void ownership_charges_an_unended_wait_to_nobody(void **state)
{
	struct ownership *ownership = create(false);

	(void)state;
	opens(ownership, &waiter, 1000);
	closes(ownership, &waiter, 1000, 5000);
	assert_int_equal(blamed(ownership, NULL), 4000);
	ownership_destroy(ownership);
}

static void ownership_held_at_the_end_is_only_plausible(void **state)
{
	struct ownership *ownership = create(false);

	(void)state;
	opens(ownership, &waiter, 1000);
	assert_int_equal(ownership_held_at_end(ownership, &(struct lock_release){ .thread = &holder,
										  .time_ns = 5000 }),
			 0);
	closes(ownership, &waiter, 1000, 5000);
	assert_ptr_equal(worst(ownership)->thread, &holder);
	assert_int_equal(worst(ownership)->blamed_ns, 4000);
	assert_int_equal(worst(ownership)->plausible_ns, 4000);
	assert_true(worst(ownership)->longest.still_open);
	ownership_destroy(ownership);
}

static void ownership_of_several_locks_in_one_blames_each_waker_for_its_own_waiter(void **state)
{
	struct ownership *ownership = create(true);

	(void)state;
	opens(ownership, &waiter, 1000);
	opens(ownership, &other, 1000);
	releases(ownership, &holder, 5000, 0, &waiter);
	closes(ownership, &waiter, 1000, 5000);
	releases(ownership, &second, 6000, 0, &other);
	closes(ownership, &other, 1000, 6000);
	assert_int_equal(blamed(ownership, &holder), 4000);
	assert_int_equal(blamed(ownership, &second), 5000);
	assert_int_equal(worst(ownership)->plausible_ns, worst(ownership)->blamed_ns);
	ownership_destroy(ownership);
}

/* Whatever is charged, to whomever, adds up to what was waited. */
static void ownership_charges_add_up_to_the_waits(void **state)
{
	struct thread threads[8];
	uint64_t seed = 42, now_ns = 0, waited_ns = 0, charged_ns = 0, opened_ns[8] = { 0 };
	struct ownership *ownership = create(false);
	const struct lock_owner *owners;
	size_t count;

	(void)state;
	for (uint32_t i = 0; i < 8; i++)
		threads[i] = (struct thread){ .index = i, .tid = (int32_t)i + 1 };
	for (int step = 0; step < 100000; step++) {
		uint32_t one, two;

		seed = seed * 6364136223846793005u + 1442695040888963407u;
		one = (seed >> 33) % 8;
		two = (seed >> 40) % 8;
		now_ns += (seed >> 50) % 1000;
		if (!opened_ns[one]) {
			opened_ns[one] = now_ns + 1;
			opens(ownership, &threads[one], now_ns + 1);
			now_ns++;
			continue;
		}
		if (one != two && (seed >> 20) % 8)
			releases(ownership, &threads[two], now_ns, now_ns - now_ns % 700, &threads[one]);
		closes(ownership, &threads[one], opened_ns[one], now_ns);
		waited_ns += now_ns - opened_ns[one];
		opened_ns[one] = 0;
	}
	count = ownership_owners(ownership, &owners);
	for (size_t i = 0; i < count; i++)
		charged_ns += owners[i].blamed_ns;
	assert_int_equal(charged_ns, waited_ns);
	assert_true(blamed(ownership, NULL) < waited_ns);
	ownership_destroy(ownership);
}

UNIT_TESTS(ownership)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ownership_charges_a_wait_to_its_releaser),
		cmocka_unit_test(ownership_charges_the_long_holder_and_not_the_last_waker),
		cmocka_unit_test(ownership_claims_nothing_before_the_holder_could_have_held),
		cmocka_unit_test(ownership_reports_no_hold_longer_than_waiting_proves),
		cmocka_unit_test(ownership_reports_the_whole_hold_where_its_start_was_seen),
		cmocka_unit_test(ownership_charges_only_the_part_asked_for),
		cmocka_unit_test(ownership_charges_an_unended_wait_to_nobody),
		cmocka_unit_test(ownership_held_at_the_end_is_only_plausible),
		cmocka_unit_test(ownership_of_several_locks_in_one_blames_each_waker_for_its_own_waiter),
		cmocka_unit_test(ownership_charges_add_up_to_the_waits),
	};

	return run_unit_tests(tests, NULL, NULL);
}
