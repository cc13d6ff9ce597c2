/* SPDX-License-Identifier: Apache-2.0 */
#include <stdbool.h>
#include <stdlib.h>

#include "analyzer/util/min_heap.h"
#include "tests/unit/support/unit_test.h"

static void heap_of_nothing_has_no_first(void **state)
{
	struct min_heap *heap;

	(void)state;
	assert_int_equal(min_heap_create(0, &heap), 0);
	assert_null(min_heap_first(heap));
	min_heap_destroy(heap);
	min_heap_destroy(NULL);
}

static void heap_orders_by_time_then_rank_then_stream(void **state)
{
	static const struct min_heap_head heads[] = {
		{ .time_ns = 5, .rank = 0, .stream = 0 }, { .time_ns = 3, .rank = 2, .stream = 1 },
		{ .time_ns = 3, .rank = 0, .stream = 4 }, { .time_ns = 3, .rank = 0, .stream = 2 },
		{ .time_ns = UINT64_MAX, .rank = 0, .stream = 3 },
	};
	static const uint32_t order[] = { 2, 4, 1, 0, 3 };
	struct min_heap *heap;

	(void)state;
	assert_int_equal(min_heap_create(5, &heap), 0);
	for (size_t i = 0; i < 5; i++)
		min_heap_push(heap, heads[i]);
	for (size_t i = 0; i < 5; i++) {
		assert_int_equal(min_heap_first(heap)->stream, order[i]);
		min_heap_drop_first(heap);
	}
	assert_null(min_heap_first(heap));
	min_heap_destroy(heap);
}

static void heap_of_sorted_streams_is_sorted_and_whole(void **state)
{
	(void)state;
	srandom(7);
	for (uint32_t streams = 1; streams < 40; streams++) {
		uint32_t left[40], total = 0, seen = 0;
		uint64_t times[40] = { 0 }, last_ns = 0;
		struct min_heap *heap;

		assert_int_equal(min_heap_create(streams, &heap), 0);
		for (uint32_t i = 0; i < streams; i++) {
			left[i] = 1 + random() % 50;
			total += left[i];
			times[i] = random() % 100;
			min_heap_push(heap, (struct min_heap_head){ .time_ns = times[i], .stream = i });
		}
		while (min_heap_first(heap)) {
			uint32_t i = min_heap_first(heap)->stream;

			assert_int_equal(min_heap_first(heap)->time_ns, times[i]);
			assert_true(times[i] >= last_ns);
			last_ns = times[i];
			seen++;
			times[i] += random() % 20;
			if (--left[i])
				min_heap_replace_first(heap, (struct min_heap_head){
					.time_ns = times[i], .stream = i });
			else
				min_heap_drop_first(heap);
		}
		assert_int_equal(seen, total);
		min_heap_destroy(heap);
	}
}

static void heap_clear_leaves_room_for_all_again(void **state)
{
	struct min_heap *heap;

	(void)state;
	assert_int_equal(min_heap_create(1, &heap), 0);
	min_heap_push(heap, (struct min_heap_head){ .stream = 1 });
	min_heap_clear(heap);
	assert_null(min_heap_first(heap));
	min_heap_push(heap, (struct min_heap_head){ .stream = 2 });
	assert_int_equal(min_heap_first(heap)->stream, 2);
	min_heap_destroy(heap);
}

UNIT_TESTS(min_heap)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(heap_of_nothing_has_no_first),
		cmocka_unit_test(heap_orders_by_time_then_rank_then_stream),
		cmocka_unit_test(heap_of_sorted_streams_is_sorted_and_whole),
		cmocka_unit_test(heap_clear_leaves_room_for_all_again),
	};

	return run_unit_tests(tests, NULL, NULL);
}
