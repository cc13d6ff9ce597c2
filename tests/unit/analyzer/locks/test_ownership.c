/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is charged for a wait: hand-made hand-offs with known owners.
 */
#include <stdlib.h>

#include "analyzer/locks/ownership.h"
#include "tests/unit/support/unit_test.h"

static struct thread holder = { .index = 0, .tid = 100, .comm = "holder" };
static struct thread second = { .index = 1, .tid = 101, .comm = "second" };
static struct thread waiter = { .index = 2, .tid = 102, .comm = "waiter" };
static struct thread other = { .index = 3, .tid = 103, .comm = "other" };

static struct ownership *create_ownership(bool ambiguous)
{
	struct ownership *ownership = NULL;

	assert_int_equal(ownership_create(ambiguous, &ownership), 0);
	return ownership;
}

static void open_wait(struct ownership *ownership, const struct thread *thread, uint64_t time_ns)
{
	assert_int_equal(ownership_wait_opened(ownership, thread, time_ns), 0);
}

static void release_lock(struct ownership *ownership, struct thread *thread, uint64_t time_ns,
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

static void close_wait(struct ownership *ownership, const struct thread *thread, uint64_t start_ns,
		       uint64_t end_ns)
{
	assert_int_equal(ownership_wait_closed(ownership, thread, start_ns, start_ns, end_ns, true), 0);
}

static uint64_t find_blame(struct ownership *ownership, const struct thread *thread)
{
	const struct lock_owner *owners;
	size_t count = ownership_owners(ownership, &owners);

	for (size_t i = 0; i < count; i++)
		if (owners[i].thread == thread)
			return owners[i].blamed_ns;
	return 0;
}

static const struct lock_owner *find_worst(struct ownership *ownership)
{
	const struct lock_owner *owners;

	assert_true(ownership_owners(ownership, &owners) > 0);
	return owners;
}

static void ownership_charges_a_wait_to_its_releaser(void **state)
{
	struct ownership *ownership = create_ownership(false);

	(void)state;
	open_wait(ownership, &waiter, 1000);
	release_lock(ownership, &holder, 5000, 500, &waiter);
	close_wait(ownership, &waiter, 1000, 5000);
	assert_int_equal(find_blame(ownership, &holder), 4000);
	assert_ptr_equal(find_worst(ownership)->longest.first_woken, &waiter);
	ownership_destroy(ownership);
}

/* A long hold, then a chain of short hand-offs: the last waker must not be blamed for the long wait. */
static void ownership_charges_the_long_holder_and_not_the_last_waker(void **state)
{
	struct ownership *ownership = create_ownership(false);

	(void)state;
	open_wait(ownership, &second, 1000);
	open_wait(ownership, &waiter, 1100);
	release_lock(ownership, &holder, 9000000, 900, &second);
	close_wait(ownership, &second, 1000, 9000000);
	release_lock(ownership, &second, 9030000, 9000000, &waiter);
	close_wait(ownership, &waiter, 1100, 9030000);
	assert_int_equal(find_blame(ownership, &holder), (9000000 - 1000) + (9000000 - 1100));
	assert_int_equal(find_blame(ownership, &second), 30000);
	assert_int_equal(find_blame(ownership, NULL), 0);
	ownership_destroy(ownership);
}

static void ownership_claims_nothing_before_the_holder_could_have_held(void **state)
{
	struct ownership *ownership = create_ownership(false);

	(void)state;
	open_wait(ownership, &waiter, 1000);
	release_lock(ownership, &holder, 5000, 4000, &waiter);
	close_wait(ownership, &waiter, 1000, 5000);
	assert_int_equal(find_blame(ownership, &holder), 1000);
	assert_int_equal(find_blame(ownership, NULL), 3000);
	ownership_destroy(ownership);
}

static void ownership_reports_no_hold_longer_than_waiting_proves(void **state)
{
	struct ownership *ownership = create_ownership(false);

	(void)state;
	open_wait(ownership, &waiter, 7000000);
	release_lock(ownership, &holder, 7001000, 0, &waiter);
	close_wait(ownership, &waiter, 7000000, 7001000);
	assert_int_equal(find_worst(ownership)->longest.start_ns, 7000000);
	assert_false(find_worst(ownership)->longest.start_exact);
	ownership_destroy(ownership);
}

static void ownership_reports_the_whole_hold_where_its_start_was_seen(void **state)
{
	struct ownership *ownership = create_ownership(false);

	(void)state;
	open_wait(ownership, &waiter, 2000);
	assert_int_equal(ownership_released(ownership, &(struct lock_release){ .thread = &holder,
									       .time_ns = 9000,
									       .since_ns = 1000,
									       .since_exact = true,
									       .woken = &waiter }),
			 0);
	close_wait(ownership, &waiter, 2000, 9000);
	assert_int_equal(find_worst(ownership)->longest.start_ns, 1000);
	assert_true(find_worst(ownership)->longest.start_exact);
	ownership_destroy(ownership);
}

static void ownership_charges_only_the_part_asked_for(void **state)
{
	struct ownership *ownership = create_ownership(false);

	(void)state;
	open_wait(ownership, &waiter, 1000);
	release_lock(ownership, &holder, 5000, 500, &waiter);
	assert_int_equal(ownership_wait_closed(ownership, &waiter, 1000, 2000, 2500, true), 0);
	assert_int_equal(find_blame(ownership, &holder), 500);
	ownership_destroy(ownership);
}

static void ownership_charges_an_unended_wait_to_nobody(void **state)
{
	struct ownership *ownership = create_ownership(false);

	(void)state;
	open_wait(ownership, &waiter, 1000);
	close_wait(ownership, &waiter, 1000, 5000);
	assert_int_equal(find_blame(ownership, NULL), 4000);
	ownership_destroy(ownership);
}

static void ownership_held_at_the_end_is_only_plausible(void **state)
{
	struct ownership *ownership = create_ownership(false);

	(void)state;
	open_wait(ownership, &waiter, 1000);
	assert_int_equal(ownership_held_at_end(ownership, &(struct lock_release){ .thread = &holder,
										  .time_ns = 5000 }),
			 0);
	close_wait(ownership, &waiter, 1000, 5000);
	assert_ptr_equal(find_worst(ownership)->thread, &holder);
	assert_int_equal(find_worst(ownership)->blamed_ns, 4000);
	assert_int_equal(find_worst(ownership)->plausible_ns, 4000);
	assert_true(find_worst(ownership)->longest.still_open);
	ownership_destroy(ownership);
}

static void ownership_of_several_locks_in_one_blames_each_waker_for_its_own_waiter(void **state)
{
	struct ownership *ownership = create_ownership(true);

	(void)state;
	open_wait(ownership, &waiter, 1000);
	open_wait(ownership, &other, 1000);
	release_lock(ownership, &holder, 5000, 0, &waiter);
	close_wait(ownership, &waiter, 1000, 5000);
	release_lock(ownership, &second, 6000, 0, &other);
	close_wait(ownership, &other, 1000, 6000);
	assert_int_equal(find_blame(ownership, &holder), 4000);
	assert_int_equal(find_blame(ownership, &second), 5000);
	assert_int_equal(find_worst(ownership)->plausible_ns, find_worst(ownership)->blamed_ns);
	ownership_destroy(ownership);
}

/* Whatever is charged, to whomever, adds up to what was waited. */
static void ownership_charges_add_up_to_the_waits(void **state)
{
	struct thread threads[8];
	uint64_t seed = 42, now_ns = 0, waited_ns = 0, charged_ns = 0, opened_ns[8] = { 0 };
	struct ownership *ownership = create_ownership(false);
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
			open_wait(ownership, &threads[one], now_ns + 1);
			now_ns++;
			continue;
		}
		if (one != two && (seed >> 20) % 8)
			release_lock(ownership, &threads[two], now_ns, now_ns - now_ns % 700, &threads[one]);
		close_wait(ownership, &threads[one], opened_ns[one], now_ns);
		waited_ns += now_ns - opened_ns[one];
		opened_ns[one] = 0;
	}
	count = ownership_owners(ownership, &owners);
	for (size_t i = 0; i < count; i++)
		charged_ns += owners[i].blamed_ns;
	assert_int_equal(charged_ns, waited_ns);
	assert_true(find_blame(ownership, NULL) < waited_ns);
	ownership_destroy(ownership);
}

/* Someone else's account of the same: all holds and pieces in plain lists, each wait a walk along them. */
#define WALK_THREADS 8u
#define WALK_STEPS   40000u
#define WALK_SHORT   120u

struct piece {
	const struct thread *owner;
	uint64_t start_ns, end_ns;
};

struct walk {
	struct thread threads[WALK_THREADS];
	struct piece holds[WALK_STEPS], pieces[WALK_STEPS], told[WALK_STEPS], longest;
	size_t hold_count, piece_count, told_count;
	uint64_t blamed_ns[WALK_THREADS], nobody_ns;
	uint64_t short_ns, seed;
};

static uint32_t random_below(struct walk *walk, uint32_t bound)
{
	walk->seed = walk->seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)((walk->seed >> 33) % bound);
}

static uint64_t length_of(const struct piece *piece)
{
	return piece->end_ns - piece->start_ns;
}

static void keep_told(void *context, const struct thread *thread, struct thread *owner,
		      uint64_t start_ns, uint64_t end_ns, enum grade grade)
{
	struct walk *walk = context;

	(void)thread;
	assert_int_equal(grade, GRADE_STRONG);
	walk->told[walk->told_count++] = (struct piece){ owner, start_ns, end_ns };
}

static void keep_longest(void *context, const struct thread *thread, struct thread *owner,
			 uint64_t start_ns, uint64_t end_ns, enum grade grade)
{
	struct walk *walk = context;

	(void)thread;
	(void)grade;
	walk->longest = (struct piece){ owner, start_ns, end_ns };
}

/* The pieces of a wait, the latest first. */
static void cut_wait(struct walk *walk, uint64_t from_ns, uint64_t to_ns)
{
	walk->piece_count = 0;
	for (size_t i = walk->hold_count; i-- > 0 && walk->holds[i].end_ns > from_ns;) {
		struct piece piece = walk->holds[i];

		if (piece.start_ns < from_ns)
			piece.start_ns = from_ns;
		if (piece.end_ns > to_ns)
			piece.end_ns = to_ns;
		if (piece.start_ns < piece.end_ns)
			walk->pieces[walk->piece_count++] = piece;
	}
}

/* Runs of short pieces become one. */
static void join_short(struct walk *walk)
{
	size_t kept = 0;

	for (size_t i = 0; i < walk->piece_count; i++) {
		struct piece piece = walk->pieces[i], *run = kept ? &walk->pieces[kept - 1] : NULL;

		if (run && length_of(&piece) < walk->short_ns && piece.end_ns == run->start_ns &&
		    (!run->owner || length_of(run) < walk->short_ns)) {
			run->start_ns = piece.start_ns;
			run->owner = NULL;
			continue;
		}
		walk->pieces[kept++] = piece;
	}
	walk->piece_count = kept;
}

static void check_wait(struct walk *walk, uint64_t from_ns, uint64_t to_ns)
{
	struct piece longest = { NULL, 0, 0 };

	walk->nobody_ns += to_ns - from_ns;
	cut_wait(walk, from_ns, to_ns);
	for (size_t i = 0; i < walk->piece_count; i++) {
		if (length_of(&walk->pieces[i]) > length_of(&longest))
			longest = walk->pieces[i];
		walk->blamed_ns[walk->pieces[i].owner->index] += length_of(&walk->pieces[i]);
		walk->nobody_ns -= length_of(&walk->pieces[i]);
	}
	if (to_ns - from_ns >= walk->short_ns)
		join_short(walk);
	assert_int_equal(walk->told_count, walk->piece_count);
	for (size_t i = 0; i < walk->piece_count; i++) {
		assert_ptr_equal(walk->told[i].owner, walk->pieces[i].owner);
		assert_int_equal(walk->told[i].start_ns, walk->pieces[i].start_ns);
		assert_int_equal(walk->told[i].end_ns, walk->pieces[i].end_ns);
	}
	if (walk->piece_count) {
		assert_ptr_equal(walk->longest.owner, longest.owner);
		assert_int_equal(walk->longest.start_ns, longest.start_ns);
		assert_int_equal(walk->longest.end_ns, longest.end_ns);
	}
}

static void walk_hold(struct walk *walk, struct ownership *ownership, uint64_t now_ns)
{
	const struct piece *last = walk->hold_count ? &walk->holds[walk->hold_count - 1] : NULL;
	uint64_t last_ns = last ? last->end_ns : 0, since_ns = 0;
	struct thread *thread;

	do
		thread = &walk->threads[random_below(walk, WALK_THREADS)];
	while (last && last->owner == thread);
	/* Now and then nobody held it for a while. */
	if (!random_below(walk, 5))
		since_ns = last_ns + (now_ns - last_ns) / 2;
	release_lock(ownership, thread, now_ns, since_ns, NULL);
	walk->holds[walk->hold_count++] =
		(struct piece){ thread, since_ns > last_ns ? since_ns : last_ns, now_ns };
}

static void ownership_tells_what_a_walk_along_all_holds_tells(void **state)
{
	struct walk *walk = calloc(1, sizeof(*walk));
	uint64_t now_ns = 1000, opened_ns[WALK_THREADS] = { 0 };
	struct ownership *ownership = create_ownership(false);

	(void)state;
	assert_non_null(walk);
	walk->seed = 7;
	walk->short_ns = WALK_SHORT;
	ownership_watch(ownership, &(struct ownership_watcher){ .charged = keep_told,
								.context = walk,
								.longest = keep_longest,
								.short_ns = &walk->short_ns });
	for (uint32_t i = 0; i < WALK_THREADS; i++)
		walk->threads[i] = (struct thread){ .index = i, .tid = (int32_t)i + 1 };
	for (uint32_t step = 0; step < WALK_STEPS; step++) {
		/* Thread 0 waits for long: across thousands of holds. */
		uint32_t one = step % 9000 == 4500 ? 0 : 1 + random_below(walk, WALK_THREADS - 1);
		uint64_t from_ns = opened_ns[one], to_ns = now_ns;

		now_ns += random_below(walk, 10) ? random_below(walk, 200) : 0;
		if (!opened_ns[0] || !from_ns) {
			one = opened_ns[0] ? one : 0;
			opened_ns[one] = now_ns;
			open_wait(ownership, &walk->threads[one], now_ns);
			continue;
		}
		walk_hold(walk, ownership, now_ns);
		if (random_below(walk, 3) && one)
			continue;
		/* Of some only a part is charged. */
		to_ns = random_below(walk, 4) ? now_ns : from_ns + (now_ns - from_ns) / 2;
		walk->told_count = 0;
		assert_int_equal(ownership_wait_closed(ownership, &walk->threads[one],
						       opened_ns[one], from_ns, to_ns, true),
				 0);
		if (to_ns > from_ns)
			check_wait(walk, from_ns, to_ns);
		opened_ns[one] = 0;
	}
	for (uint32_t i = 0; i < WALK_THREADS; i++)
		assert_int_equal(find_blame(ownership, &walk->threads[i]), walk->blamed_ns[i]);
	assert_int_equal(find_blame(ownership, NULL), walk->nobody_ns);
	ownership_destroy(ownership);
	free(walk);
}

static void count_told(void *context, const struct thread *thread, struct thread *owner,
		       uint64_t start_ns, uint64_t end_ns, enum grade grade)
{
	(void)thread;
	(void)owner;
	(void)start_ns;
	(void)end_ns;
	(void)grade;
	(*(uint64_t *)context)++;
}

/* A lock with a queue of @count threads, each of which hands it to the next. Return: what it costs. */
static uint64_t queue_steps(uint32_t count, uint64_t *ret_told)
{
	const uint64_t short_ns = 1000, release_ns = 100000000;
	struct ownership *ownership = create_ownership(false);
	struct thread *threads = calloc(count + 1, sizeof(*threads));
	const struct lock_owner *owners;
	uint64_t steps;

	assert_non_null(threads);
	*ret_told = 0;
	ownership_watch(ownership, &(struct ownership_watcher){ .charged = count_told,
								.context = ret_told,
								.longest = count_told,
								.short_ns = &short_ns });
	/* Thread 0 has it first. */
	for (uint32_t i = 0; i <= count; i++)
		threads[i] = (struct thread){ .index = i, .tid = (int32_t)i + 1 };
	for (uint32_t i = 1; i <= count; i++)
		open_wait(ownership, &threads[i], 1000 + i);
	for (uint32_t i = 1; i <= count; i++) {
		uint64_t now_ns = release_ns + i * (uint64_t)100;

		release_lock(ownership, &threads[i - 1], now_ns, 0, &threads[i]);
		close_wait(ownership, &threads[i], 1000 + i, now_ns);
	}
	assert_true(ownership_owners(ownership, &owners) == count);
	steps = ownership_steps(ownership);
	ownership_destroy(ownership);
	free(threads);
	return steps;
}

static void ownership_of_a_queue_of_n_costs_n_log_n_steps(void **state)
{
	(void)state;
	for (uint32_t log = 8; log <= 16; log += 2) {
		uint32_t count = 1u << log;
		uint64_t told, steps = queue_steps(count, &told);

		assert_true(steps < UINT64_C(10) * count * log);
		/* The first hold, the run of those that follow, and the longest. */
		assert_true(told <= UINT64_C(3) * count);
	}
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
		cmocka_unit_test(ownership_tells_what_a_walk_along_all_holds_tells),
		cmocka_unit_test(ownership_of_a_queue_of_n_costs_n_log_n_steps),
	};

	return run_unit_tests(tests, NULL, NULL);
}
