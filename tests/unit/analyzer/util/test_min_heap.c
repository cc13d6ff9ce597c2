/* SPDX-License-Identifier: Apache-2.0 */
#include <stdbool.h>
#include <stdlib.h>

#include "analyzer/util/min_heap.h"
#include "tests/unit/support/unit_test.h"

static void merge_of_nothing_has_no_first(void **state)
{
	struct merge *merge;

	(void)state;
	assert_int_equal(min_heap_create(0, &merge), 0);
	assert_null(min_heap_first(merge));
	min_heap_destroy(merge);
	min_heap_destroy(NULL);
}

static void merge_orders_by_time_then_rank_then_stream(void **state)
{
	static const struct min_heap_head heads[] = {
		{ .time_ns = 5, .rank = 0, .stream = 0 }, { .time_ns = 3, .rank = 2, .stream = 1 },
		{ .time_ns = 3, .rank = 0, .stream = 4 }, { .time_ns = 3, .rank = 0, .stream = 2 },
		{ .time_ns = UINT64_MAX, .rank = 0, .stream = 3 },
	};
	static const uint32_t order[] = { 2, 4, 1, 0, 3 };
	struct merge *merge;

	(void)state;
	assert_int_equal(min_heap_create(5, &merge), 0);
	for (size_t i = 0; i < 5; i++)
		min_heap_push(merge, heads[i]);
	for (size_t i = 0; i < 5; i++) {
		assert_int_equal(min_heap_first(merge)->stream, order[i]);
		min_heap_drop_first(merge);
	}
	assert_null(min_heap_first(merge));
	min_heap_destroy(merge);
}

static void merge_of_sorted_streams_is_sorted_and_whole(void **state)
{
	(void)state;
	srandom(7);
	for (uint32_t streams = 1; streams < 40; streams++) {
		uint32_t left[40], total = 0, seen = 0;
		uint64_t times[40] = { 0 }, last_ns = 0;
		struct merge *merge;

		assert_int_equal(min_heap_create(streams, &merge), 0);
		for (uint32_t i = 0; i < streams; i++) {
			left[i] = 1 + random() % 50;
			total += left[i];
			times[i] = random() % 100;
			min_heap_push(merge, (struct min_heap_head){ .time_ns = times[i], .stream = i });
		}
		while (min_heap_first(merge)) {
			uint32_t i = min_heap_first(merge)->stream;

			assert_int_equal(min_heap_first(merge)->time_ns, times[i]);
			assert_true(times[i] >= last_ns);
			last_ns = times[i];
			seen++;
			times[i] += random() % 20;
			if (--left[i])
				min_heap_replace_first(merge, (struct min_heap_head){
					.time_ns = times[i], .stream = i });
			else
				min_heap_drop_first(merge);
		}
		assert_int_equal(seen, total);
		min_heap_destroy(merge);
	}
}

static void merge_clear_leaves_room_for_all_again(void **state)
{
	struct merge *merge;

	(void)state;
	assert_int_equal(min_heap_create(1, &merge), 0);
	min_heap_push(merge, (struct min_heap_head){ .stream = 1 });
	min_heap_clear(merge);
	assert_null(min_heap_first(merge));
	min_heap_push(merge, (struct min_heap_head){ .stream = 2 });
	assert_int_equal(min_heap_first(merge)->stream, 2);
	min_heap_destroy(merge);
}

UNIT_TESTS(min_heap)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(merge_of_nothing_has_no_first),
		cmocka_unit_test(merge_orders_by_time_then_rank_then_stream),
		cmocka_unit_test(merge_of_sorted_streams_is_sorted_and_whole),
		cmocka_unit_test(merge_clear_leaves_room_for_all_again),
	};

	return run_unit_tests(tests, NULL, NULL);
}
