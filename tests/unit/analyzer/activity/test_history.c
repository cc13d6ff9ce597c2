/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a history keeps of made-up intervals, with and without room for them.
 */
#include <stdlib.h>

#include "analyzer/activity/history_private.h"
#include "analyzer/util/span.h"
#include "tests/unit/support/unit_test.h"

#define US	   1000ull
#define MS	   1000000ull
#define THREADS	   200
#define END_NS	   (1000 * 1000 * MS)
#define KINDS	   4 /* as many as are told apart within one resolution in any case */
#define MANY_KINDS 64

static struct thread threads[THREADS];
static struct lock locks[2] = { { .class = WAIT_LOCK_MMAP }, { .class = WAIT_LOCK_RWSEM } };

static uint64_t next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static int name_threads(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < THREADS; i++)
		threads[i] = (struct thread){ .tid = (int32_t)i + 1, .index = i };
	return 0;
}

static struct history *create_history(uint64_t start_ns, uint64_t end_ns)
{
	struct history *history;

	assert_int_equal(history_create(NULL, NULL, start_ns, end_ns, &history), 0);
	return history;
}

static void keep_interval(struct history *history, const struct thread *thread,
			  const struct history_interval *interval,
			  const struct history_lock_wait *wait)
{
	struct thread_history *entry = per_thread_get(&history->entries, thread);

	assert_non_null(entry);
	assert_int_equal(history_keep_interval(history, entry, interval, wait), 0);
	assert_int_equal(history_limit_bytes(history), 0);
}

/* Each kind is its own state with class, CPU, lock and owner. */
struct kind {
	struct history_interval interval;
	struct history_lock_wait wait;
	struct history_charge charge;
};

static void make_kind(unsigned int number, uint64_t start_ns, uint64_t end_ns,
		      struct kind *ret_kind)
{
	struct kind kind = { .interval = { .start_ns = start_ns,
					   .end_ns = end_ns,
					   .waker = HISTORY_NOBODY,
					   .stack_id = STACK_NONE,
					   .waker_stack_id = STACK_NONE } };

	switch (number % KINDS) {
	case 0:
		kind.interval.state = THREAD_RUNNING;
		kind.interval.cpu = number / KINDS;
		break;
	case 1:
		kind.interval.state = THREAD_RUNNABLE;
		kind.interval.class = WAIT_CPU_RUNQUEUE;
		break;
	default:
		kind.interval.state = THREAD_BLOCKED;
		kind.interval.class = locks[number % 2].class;
		kind.wait.lock = &locks[number % 2];
		kind.charge = (struct history_charge){ &threads[number / KINDS % THREADS], start_ns,
						       end_ns, GRADE_STRONG };
		kind.wait.charges = &kind.charge;
		kind.wait.charge_count = 1;
		break;
	}
	*ret_kind = kind;
}

static void keep_kind(struct history *history, const struct thread *thread, unsigned int number,
		      uint64_t start_ns, uint64_t end_ns)
{
	struct kind kind;

	make_kind(number, start_ns, end_ns, &kind);
	kind.wait.charges = &kind.charge;
	keep_interval(history, thread, &kind.interval, &kind.wait);
}

/* Time by kind, as make_kind() has them. */
struct sums {
	uint64_t ns[MANY_KINDS], state_ns[THREAD_STATES], count;
};

static unsigned int number_of(const struct history *history,
			      const struct history_interval *interval)
{
	struct history_lock_wait wait;

	if (interval->state == THREAD_RUNNING)
		return interval->cpu * KINDS;
	if (interval->state == THREAD_RUNNABLE)
		return 1;
	assert_true(history_lock_wait(history, interval, &wait));
	assert_int_equal(wait.lock->class, interval->class);
	assert_int_equal(wait.charge_count, 1);
	assert_int_equal(wait.charges[0].start_ns, interval->start_ns);
	assert_int_equal(wait.charges[0].end_ns, interval->end_ns);
	return wait.charges[0].owner->index * KINDS + 2 + (wait.lock == &locks[1]);
}

/* The intervals of @thread follow each other from @start_ns to @end_ns. */
static struct sums read_sums(const struct history *history, const struct thread *thread,
			     uint64_t start_ns, uint64_t end_ns)
{
	const struct history_interval *intervals;
	size_t count = history_intervals(history, thread, &intervals);
	struct sums sums = { .count = 0 };

	for (size_t i = 0; i < count; i++) {
		const struct history_interval *interval = &intervals[i];

		assert_int_equal(interval->start_ns, start_ns);
		assert_true(interval->end_ns > start_ns);
		start_ns = interval->end_ns;
		sums.count += interval->merged ? interval->merged : 1;
		sums.state_ns[interval->state] += interval->end_ns - interval->start_ns;
		sums.ns[number_of(history, interval) % MANY_KINDS] +=
			interval->end_ns - interval->start_ns;
	}
	assert_int_equal(start_ns, end_ns);
	return sums;
}

static void assert_same_sums(const struct sums *sums, const struct sums *expected, bool kinds)
{
	assert_int_equal(sums->count, expected->count);
	assert_memory_equal(sums->state_ns, expected->state_ns, sizeof(sums->state_ns));
	if (kinds)
		assert_memory_equal(sums->ns, expected->ns, sizeof(sums->ns));
}

/* A random stream of intervals of @kinds kinds, from 0 on. Return: its end. */
static uint64_t keep_stream(struct history *history, const struct thread *thread, uint64_t *seed,
			    size_t count, unsigned int kinds, struct sums *ret_sums)
{
	struct sums sums = { .count = count };
	uint64_t now_ns = 0;

	for (size_t i = 0; i < count; i++) {
		unsigned int number = (unsigned int)(next_random(seed) % kinds);
		/* a few are long */
		uint64_t length_ns = 1 + next_random(seed) % (i % 50 ? 20 * US : 5 * MS);
		struct kind kind;

		if (number % KINDS == 1)
			number = 1;
		make_kind(number, now_ns, now_ns + length_ns, &kind);
		sums.state_ns[kind.interval.state] += length_ns;
		sums.ns[number] += length_ns;
		keep_kind(history, thread, number, now_ns, now_ns + length_ns);
		now_ns += length_ns;
	}
	*ret_sums = sums;
	return now_ns;
}

static void history_gives_intervals_back_in_order_without_hole(void **state)
{
	struct history *history = create_history(0, END_NS);
	struct sums expected, sums;
	uint64_t seed = 1, end_ns;

	(void)state;
	end_ns = keep_stream(history, &threads[3], &seed, 1000, MANY_KINDS, &expected);
	assert_int_equal(history_finish(history), 0);
	assert_int_equal(history_resolution_ns(history), 0);
	sums = read_sums(history, &threads[3], 0, end_ns);
	assert_same_sums(&sums, &expected, true);
	history_destroy(history);
}

/* The law: whatever is put together, states add up to the observed time; and so do kinds, where they are few. */
static void history_keeps_sums_through_each_resolution(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed < 40; seed++) {
		const unsigned int kinds = seed % 2 ? KINDS : MANY_KINDS;
		struct history *history = create_history(0, END_NS);
		struct sums expected, sums;
		uint64_t random = seed, end_ns;

		history->resolution_ns = US << seed % 14;
		end_ns = keep_stream(history, &threads[0], &random, 2000, kinds, &expected);
		assert_int_equal(history_finish(history), 0);
		sums = read_sums(history, &threads[0], 0, end_ns);
		assert_same_sums(&sums, &expected, kinds == KINDS);
		history_destroy(history);
	}
}

static void history_stays_within_its_bound(void **state)
{
	struct history *history = create_history(0, END_NS);
	static uint64_t now_ns[THREADS], state_ns[THREADS][THREAD_STATES];
	uint64_t seed = 7;

	(void)state;
	for (size_t i = 0; i < 10000000; i++) {
		const size_t at = i % THREADS;
		/* lengths from 1 ns to 1 ms, short ones as frequent as long ones */
		const uint64_t random = next_random(&seed);
		const uint64_t length_ns = 1 + (random >> 8) % (MS >> random % 20);
		struct kind kind;

		make_kind((unsigned int)(random >> 50) % KINDS, now_ns[at], now_ns[at] + length_ns,
			  &kind);
		kind.wait.charges = &kind.charge;
		state_ns[at][kind.interval.state] += length_ns;
		now_ns[at] += length_ns;
		keep_interval(history, &threads[at], &kind.interval, &kind.wait);
		if (i % 1024 == 0)
			assert_true(history_bytes(history) <= HISTORY_BYTES_MAX);
	}
	assert_int_equal(history_finish(history), 0);
	assert_true(history_bytes(history) <= HISTORY_BYTES_MAX);
	assert_true(history_resolution_ns(history) > 0);
	for (size_t i = 0; i < THREADS; i++) {
		struct sums sums = read_sums(history, &threads[i], 0, now_ns[i]);

		assert_int_equal(sums.count, 10000000 / THREADS);
		assert_memory_equal(sums.state_ns, state_ns[i], sizeof(sums.state_ns));
	}
	history_destroy(history);
}

static const struct history_interval *find_first(const struct history *history,
						 const struct thread *thread)
{
	const struct history_interval *intervals;

	assert_true(history_intervals(history, thread, &intervals) > 0);
	return intervals;
}

/* Thread 0 waits for a lock from 10 to 20 ms, during which @charges had it. */
static struct history *create_lock_wait(const struct history_charge *charges, size_t count)
{
	struct history *history = create_history(0, END_NS);
	const struct history_lock_wait wait = { .lock = &locks[0],
						.charges = charges,
						.charge_count = count };
	struct kind kind;

	make_kind(2, 10 * MS, 20 * MS, &kind);
	keep_interval(history, &threads[0], &kind.interval, &wait);
	return history;
}

static void assert_piece(const struct history_piece *piece, uint64_t start_ns, uint64_t end_ns,
			 enum history_link link, const struct thread *by)
{
	assert_int_equal(piece->start_ns, start_ns);
	assert_int_equal(piece->end_ns, end_ns);
	assert_int_equal(piece->link, link);
	assert_ptr_equal(piece->by, by);
}

static void lock_wait_is_cut_by_owner(void **state)
{
	const struct history_charge charges[] = {
		{ &threads[1], 11 * MS, 14 * MS, GRADE_STRONG },
		{ &threads[2], 14 * MS, 18 * MS, GRADE_EXACT },
		{ &threads[1], 18 * MS, 20 * MS, GRADE_PLAUSIBLE },
	};
	struct history *history = create_lock_wait(charges, 3);
	/* from the middle of the wait's part that is nobody's to that of the last owner's */
	struct history_pieces walk =
		history_walk_pieces(history, &threads[0], 10 * MS + 500 * US, 19 * MS, 0);
	struct history_piece piece;

	(void)state;
	assert_true(history_next_piece(&walk, &piece));
	assert_piece(&piece, 10 * MS + 500 * US, 11 * MS, LINK_NONE, NULL);
	assert_true(history_next_piece(&walk, &piece));
	assert_piece(&piece, 11 * MS, 14 * MS, LINK_OWNER, &threads[1]);
	assert_false(piece.interval_end);
	assert_true(history_next_piece(&walk, &piece));
	assert_piece(&piece, 14 * MS, 18 * MS, LINK_OWNER_EXACT, &threads[2]);
	assert_true(history_next_piece(&walk, &piece));
	assert_piece(&piece, 18 * MS, 19 * MS, LINK_OWNER_PLAUSIBLE, &threads[1]);
	assert_false(history_next_piece(&walk, &piece));
	history_destroy(history);
}

static void short_owners_in_a_row_are_in_turns(void **state)
{
	const struct history_charge charges[] = {
		{ &threads[1], 10 * MS, 13 * MS, GRADE_STRONG },
		{ &threads[2], 13 * MS, 13 * MS + 10 * US, GRADE_STRONG },
		{ &threads[3], 13 * MS + 10 * US, 13 * MS + 20 * US, GRADE_STRONG },
		{ &threads[4], 13 * MS + 20 * US, 20 * MS, GRADE_STRONG },
	};
	struct history *history = create_lock_wait(charges, 4);
	struct history_pieces walk = history_walk_pieces(history, &threads[0], 0, END_NS, 100 * US);
	struct history_piece piece;

	(void)state;
	assert_true(history_next_piece(&walk, &piece));
	assert_piece(&piece, 10 * MS, 13 * MS, LINK_OWNER, &threads[1]);
	assert_true(history_next_piece(&walk, &piece));
	assert_piece(&piece, 13 * MS, 13 * MS + 20 * US, LINK_IN_TURNS, NULL);
	assert_true(history_next_piece(&walk, &piece));
	assert_piece(&piece, 13 * MS + 20 * US, 20 * MS, LINK_OWNER, &threads[4]);
	assert_true(piece.interval_end);
	assert_false(history_next_piece(&walk, &piece));
	history_destroy(history);
}

/* A queue in which each had the lock for a microsecond, and one for long. */
static void owners_of_a_moment_are_put_together_where_they_are_too_many(void **state)
{
	const size_t count = 300000;
	struct history_charge *charges = calloc(count + 1, sizeof(*charges));
	const struct history_lock_wait wait = { &locks[0], 0, LOCK_MODE_NONE, charges, count + 1 };
	struct history *history = create_history(0, END_NS);
	struct history_lock_wait kept;
	struct kind kind;

	(void)state;
	assert_non_null(charges);
	for (size_t i = 0; i < count; i++)
		charges[i] = (struct history_charge){ &threads[i % 2], i * US, (i + 1) * US,
						      GRADE_STRONG };
	charges[count] = (struct history_charge){ &threads[2], count * US, count * US + 5 * MS,
						  GRADE_STRONG };
	make_kind(2, 0, count * US + 5 * MS, &kind);
	keep_interval(history, &threads[9], &kind.interval, &wait);
	assert_int_equal(history_finish(history), 0);
	assert_true(*history_short_charge_ns(history) > US);
	assert_true(history_lock_wait(history, find_first(history, &threads[9]), &kept));
	assert_int_equal(kept.charge_count, 2);
	assert_null(kept.charges[0].owner);
	assert_int_equal(kept.charges[0].start_ns, 0);
	assert_int_equal(kept.charges[0].end_ns, count * US);
	assert_ptr_equal(kept.charges[1].owner, &threads[2]);
	assert_int_equal(kept.charges[1].end_ns, count * US + 5 * MS);
	history_destroy(history);
	free(charges);
}

static void switch_at(struct history *history, struct thread *prev, struct thread *next,
		      uint64_t time_ns)
{
	const struct event event = {
		.raw = { .kind = FT_EVENT_SWITCH, .time_ns = time_ns, .cpu = 2 },
		.thread = prev,
		.other = next
	};

	assert_int_equal(history_event(history, &event), 0);
}

static void idle_task_runs_while_its_cpu_has_nothing_to_do(void **state)
{
	struct history *history = create_history(0, END_NS);
	struct thread idle = { .idle_task = true, .index = 1 };
	const struct history_interval *intervals;

	(void)state;
	switch_at(history, &threads[0], &idle, 10 * MS);
	switch_at(history, &idle, &threads[0], 30 * MS);
	switch_at(history, &threads[0], &idle, 31 * MS);
	switch_at(history, &idle, &threads[0], 40 * MS);
	assert_int_equal(history_finish(history), 0);
	assert_int_equal(history_intervals(history, &idle, &intervals), 4);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(intervals[i].state, i % 2 ? THREAD_RUNNING : THREAD_UNKNOWN);
	assert_int_equal(intervals[1].start_ns, 10 * MS);
	assert_int_equal(intervals[1].end_ns, 30 * MS);
	assert_int_equal(intervals[1].cpu, 2);
	assert_int_equal(intervals[3].start_ns, 31 * MS);
	assert_int_equal(intervals[3].end_ns, 40 * MS);
	history_destroy(history);
}

static void close_running(struct history *history, uint64_t start_ns, uint64_t end_ns)
{
	const struct interval interval = { .thread = &threads[0],
					   .state = THREAD_RUNNING,
					   .start_ns = start_ns,
					   .end_ns = end_ns,
					   .cpu = 1,
					   .stack_id = STACK_NONE };

	assert_int_equal(history_closed(history, NULL, &interval), 0);
}

static void history_of_a_span_cuts_what_reaches_into_it(void **state)
{
	struct history *history = create_history(10 * MS, 20 * MS);
	const struct history_interval *intervals;

	(void)state;
	close_running(history, 1 * MS, 5 * MS);
	close_running(history, 8 * MS, 12 * MS);
	close_running(history, 12 * MS, 15 * MS);
	close_running(history, 15 * MS, 30 * MS);
	close_running(history, 30 * MS, 40 * MS);
	assert_int_equal(history_finish(history), 0);
	assert_int_equal(history_intervals(history, &threads[0], &intervals), 3);
	assert_int_equal(intervals[0].start_ns, 10 * MS);
	assert_int_equal(intervals[0].end_ns, 12 * MS);
	assert_int_equal(intervals[0].flags, INTERVAL_BEGAN_BEFORE);
	assert_int_equal(intervals[1].flags, 0);
	assert_int_equal(intervals[2].start_ns, 15 * MS);
	assert_int_equal(intervals[2].end_ns, 20 * MS);
	history_destroy(history);
}

static void walk_gives_the_parts_within_a_span(void **state)
{
	struct history *history = create_history(0, END_NS);
	const struct history_interval *interval;
	struct history_cursor cursor;
	uint64_t from_ns, to_ns;

	(void)state;
	for (uint64_t i = 0; i < 10; i++)
		close_running(history, i * MS, (i + 1) * MS);
	cursor = history_walk(history, &threads[0], 3 * MS + 1, 5 * MS);
	interval = history_next(&cursor, &from_ns, &to_ns);
	assert_int_equal(interval->start_ns, 3 * MS);
	assert_int_equal(from_ns, 3 * MS + 1);
	assert_int_equal(to_ns, 4 * MS);
	interval = history_next(&cursor, &from_ns, &to_ns);
	assert_int_equal(interval->start_ns, 4 * MS);
	assert_int_equal(to_ns, 5 * MS);
	assert_null(history_next(&cursor, &from_ns, &to_ns));
	cursor = history_walk(history, &threads[1], 0, END_NS);
	assert_null(history_next(&cursor, &from_ns, &to_ns));
	history_destroy(history);
}

UNIT_TESTS(history)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(history_gives_intervals_back_in_order_without_hole),
		cmocka_unit_test(history_keeps_sums_through_each_resolution),
		cmocka_unit_test(history_stays_within_its_bound),
		cmocka_unit_test(lock_wait_is_cut_by_owner),
		cmocka_unit_test(short_owners_in_a_row_are_in_turns),
		cmocka_unit_test(owners_of_a_moment_are_put_together_where_they_are_too_many),
		cmocka_unit_test(idle_task_runs_while_its_cpu_has_nothing_to_do),
		cmocka_unit_test(history_of_a_span_cuts_what_reaches_into_it),
		cmocka_unit_test(walk_gives_the_parts_within_a_span),
	};

	return run_unit_tests(tests, name_threads, NULL);
}
