/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "recorder/perf/perf_ring.h"
#include "tests/unit/support/unit_test.h"

#define DATA_BYTES 1024

struct fake {
	struct perf_event_mmap_page page;
	_Alignas(8) uint8_t data[DATA_BYTES];
	_Alignas(8) uint8_t wrapped[PERF_RING_RECORD_BYTES_MAX];
	struct perf_ring ring;
};

static int set_up(void **state)
{
	struct fake *fake = calloc(1, sizeof(*fake));
	*state = fake;
	if (!fake)
		return -1;
	perf_ring_attach(&fake->ring, &fake->page, fake->data, DATA_BYTES, fake->wrapped);
	return 0;
}

static int tear_down(void **state)
{
	free(*state);
	return 0;
}

/* As the kernel does: byte by byte around the end, then the head. */
static void put_bytes(struct fake *fake, const void *record, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		fake->data[(fake->page.data_head + i) % DATA_BYTES] = ((const uint8_t *)record)[i];
	fake->page.data_head += bytes;
}

static void put_record(struct fake *fake, uint16_t bytes, uint8_t fill)
{
	uint8_t record[DATA_BYTES];
	memset(record, fill, sizeof(record));
	memcpy(record, &(struct perf_event_header){ .type = fill, .size = bytes },
	       sizeof(struct perf_event_header));
	put_bytes(fake, record, bytes);
}

static void check_record(struct fake *fake, uint16_t bytes, uint8_t fill)
{
	size_t bad_bytes;
	const struct perf_event_header *record = perf_ring_next(&fake->ring, &bad_bytes);
	assert_non_null(record);
	assert_int_equal((uintptr_t)record % 8, 0);
	assert_int_equal(record->type, fill);
	assert_int_equal(record->size, bytes);
	for (size_t i = sizeof(*record); i < bytes; i++)
		assert_int_equal(((const uint8_t *)record)[i], fill);
}

static void record_is_whole_wherever_it_wraps(void **state)
{
	struct fake *fake = *state;
	for (uint64_t start = 0; start < DATA_BYTES; start += 8) {
		size_t bad_bytes;
		fake->page.data_head = fake->page.data_tail = 7 * DATA_BYTES + start;
		put_record(fake, 64, 0x11);
		put_record(fake, 512, 0x22);
		put_record(fake, 8, 0x33);
		assert_int_equal(perf_ring_begin(&fake->ring), 64 + 512 + 8);
		check_record(fake, 64, 0x11);
		check_record(fake, 512, 0x22);
		check_record(fake, 8, 0x33);
		assert_null(perf_ring_next(&fake->ring, &bad_bytes));
		assert_int_equal(bad_bytes, 0);
		assert_int_equal(fake->page.data_tail, 7 * DATA_BYTES + start);
		perf_ring_end(&fake->ring);
		assert_int_equal(fake->page.data_tail, fake->page.data_head);
	}
}

static void full_ring_is_read(void **state)
{
	struct fake *fake = *state;
	fake->page.data_head = fake->page.data_tail = 40;
	put_record(fake, DATA_BYTES, 0x44);
	assert_int_equal(perf_ring_begin(&fake->ring), DATA_BYTES);
	check_record(fake, DATA_BYTES, 0x44);
}

static void record_that_came_after_the_visit_began_waits_for_the_next(void **state)
{
	struct fake *fake = *state;
	size_t bad_bytes;
	put_record(fake, 16, 0x11);
	perf_ring_begin(&fake->ring);
	put_record(fake, 16, 0x22);
	check_record(fake, 16, 0x11);
	assert_null(perf_ring_next(&fake->ring, &bad_bytes));
	perf_ring_end(&fake->ring);
	assert_int_equal(perf_ring_begin(&fake->ring), 16);
	check_record(fake, 16, 0x22);
}

static void impossible_sizes_end_the_visit_and_skip_the_rest(void **state)
{
	static const uint16_t SIZES[] = { 0, 4, 7, 12, 104 };
	struct fake *fake = *state;
	for (size_t i = 0; i < sizeof(SIZES) / sizeof(SIZES[0]); i++) {
		struct perf_event_header header = { .type = 9, .size = SIZES[i] };
		uint8_t rest[88] = { 0 };
		size_t bad_bytes;
		put_bytes(fake, &header, sizeof(header));
		put_bytes(fake, rest, sizeof(rest));
		assert_int_equal(perf_ring_begin(&fake->ring), 96);
		assert_null(perf_ring_next(&fake->ring, &bad_bytes));
		assert_int_equal(bad_bytes, 96);
		perf_ring_end(&fake->ring);
		assert_int_equal(fake->page.data_tail, fake->page.data_head);
	}
}

static void head_further_than_the_ring_is_long_is_not_followed(void **state)
{
	struct fake *fake = *state;
	size_t bad_bytes;
	put_record(fake, 16, 0x11);
	fake->page.data_head = DATA_BYTES + 8;
	perf_ring_begin(&fake->ring);
	assert_null(perf_ring_next(&fake->ring, &bad_bytes));
	assert_int_equal(bad_bytes, DATA_BYTES + 8);
}

UNIT_TESTS(perf_ring)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(record_is_whole_wherever_it_wraps, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(full_ring_is_read, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			record_that_came_after_the_visit_began_waits_for_the_next, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(impossible_sizes_end_the_visit_and_skip_the_rest,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(head_further_than_the_ring_is_long_is_not_followed,
						set_up, tear_down),
	};
	return run_unit_tests(tests, NULL, NULL);
}
