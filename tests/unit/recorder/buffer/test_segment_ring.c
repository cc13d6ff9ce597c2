/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "recorder/buffer/segment_ring.h"
#include "tests/unit/support/unit_test.h"

#define SLOT_BYTES 256

static void put_number(struct segment_ring *slots, uint64_t number)
{
	uint64_t segment[SLOT_BYTES / 8];
	for (size_t i = 0; i < SLOT_BYTES / 8; i++)
		segment[i] = number;
	segment_ring_put(slots, segment, SLOT_BYTES - 8 * (number % 4), (uint32_t)(number % 10));
}

static uint64_t get_number(const struct segment_ring *slots, struct segment_ring_cursor *cursor)
{
	uint64_t buffer[SLOT_BYTES / 8];
	size_t bytes;
	assert_int_equal(segment_ring_get(slots, cursor, buffer, &bytes), 1);
	assert_int_equal(bytes, SLOT_BYTES - 8 * (buffer[0] % 4));
	for (size_t i = 0; i < bytes / 8; i++)
		assert_int_equal(buffer[i], buffer[0]);
	return buffer[0];
}

static void segments_come_out_in_order(void **state)
{
	struct segment_ring *slots;
	struct segment_ring_cursor cursor = { 0 };
	uint64_t buffer[SLOT_BYTES / 8];
	size_t bytes;
	(void)state;
	assert_int_equal(segment_ring_create(SLOT_BYTES, 4, &slots), 0);
	assert_int_equal(segment_ring_slot_bytes(slots), SLOT_BYTES);
	assert_int_equal(segment_ring_get(slots, &cursor, buffer, &bytes), 0);
	for (uint64_t i = 0; i < 50; i++) {
		put_number(slots, i);
		assert_int_equal(get_number(slots, &cursor), i);
		assert_int_equal(segment_ring_get(slots, &cursor, buffer, &bytes), 0);
	}
	assert_int_equal(cursor.lost_segments, 0);
	assert_int_equal(cursor.lost_events, 0);
	segment_ring_destroy(slots);
}

static void oldest_are_overwritten_and_counted(void **state)
{
	struct segment_ring *slots;
	struct segment_ring_cursor cursor = { 0 };
	(void)state;
	assert_int_equal(segment_ring_create(SLOT_BYTES, 4, &slots), 0);
	put_number(slots, 1);
	assert_int_equal(get_number(slots, &cursor), 1);
	for (uint64_t i = 2; i <= 8; i++)
		put_number(slots, i);
	for (uint64_t i = 5; i <= 8; i++)
		assert_int_equal(get_number(slots, &cursor), i);
	assert_int_equal(cursor.lost_segments, 3);
	assert_int_equal(cursor.lost_events, 2 + 3 + 4);
	segment_ring_destroy(slots);
}

static void impossible_sizes_are_refused(void **state)
{
	struct segment_ring *slots = NULL;
	(void)state;
	assert_int_equal(segment_ring_create(SLOT_BYTES, 0, &slots), -EINVAL);
	assert_int_equal(segment_ring_create(0, 4, &slots), -EINVAL);
	assert_int_equal(segment_ring_create(12, 4, &slots), -EINVAL);
	assert_int_equal(segment_ring_create(SLOT_BYTES, SIZE_MAX / 8, &slots), -ENOMEM);
	assert_null(slots);
}

enum { RACE_SEGMENTS = 200000 };

static void *put_numbers(void *context)
{
	for (uint64_t i = 0; i < RACE_SEGMENTS; i++)
		put_number(context, i);
	return NULL;
}

/* However the two threads run: what comes out is whole and in order, and what does not is counted. */
static void reader_that_is_overtaken_gets_no_torn_segment(void **state)
{
	struct segment_ring *slots;
	struct segment_ring_cursor cursor = { 0 };
	pthread_t writer;
	uint64_t got = 0, next = 0;
	(void)state;
	assert_int_equal(segment_ring_create(SLOT_BYTES, 3, &slots), 0);
	assert_int_equal(pthread_create(&writer, NULL, put_numbers, slots), 0);
	while (next < RACE_SEGMENTS) {
		uint64_t buffer[SLOT_BYTES / 8];
		size_t bytes;
		if (!segment_ring_get(slots, &cursor, buffer, &bytes))
			continue;
		assert_true(buffer[0] >= next);
		assert_int_equal(buffer[bytes / 8 - 1], buffer[0]);
		next = buffer[0] + 1;
		got++;
	}
	pthread_join(writer, NULL);
	assert_int_equal(got + cursor.lost_segments, RACE_SEGMENTS);
	assert_int_equal(cursor.events, RACE_SEGMENTS / 10 * 45);
	segment_ring_destroy(slots);
}

UNIT_TESTS(segment_ring)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(segments_come_out_in_order),
		cmocka_unit_test(oldest_are_overwritten_and_counted),
		cmocka_unit_test(impossible_sizes_are_refused),
		cmocka_unit_test(reader_that_is_overtaken_gets_no_torn_segment),
	};
	return run_unit_tests(tests, NULL, NULL);
}
