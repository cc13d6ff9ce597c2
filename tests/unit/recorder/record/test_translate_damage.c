/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What becomes of records that are unknown, cut or impossible, and of one that the end of the ring
 * cuts in two.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "recorder/perf/perf_ring.h"
#include "recorder/record/translate.h"
#include "tests/unit/support/records.h"
#include "tests/unit/support/unit_test.h"

static void record_of_an_unknown_event_is_refused(void **state)
{
	struct records *records = *state;
	records_make_switch(records, 41, 1, 43, 1000);
	uint64_t id = 999;
	memcpy(records->record + 8, &id, 8);
	assert_int_equal(records_translate(records), -EBADMSG);
	id = 0; /* what ids[] holds for events that are not open */
	memcpy(records->record + 8, &id, 8);
	assert_int_equal(records_translate(records), -EBADMSG);
}

static void unknown_kinds_of_record_are_left_out(void **state)
{
	struct records *records = *state;
	records_begin(records, 77, 0);
	records_end_with_id(records, 1000);
	assert_int_equal(records_translate(records), 0);
}

/* Each record, cut at every length, in memory of just that length: the sanitizer watches. */
static void cut_record_is_refused_or_harmless(void **state)
{
	struct records *records = *state;
	for (int kind = 0; kind < 6; kind++) {
		if (kind == 0)
			records_make_switch(records, 41, 1, 43, 1000);
		else if (kind == 1)
			records_make_call(records, PERF_SAMPLE_REGS_ABI_64, 64, 64);
		else if (kind == 2)
			records_make_mmap(records, "/lib/x", PROT_EXEC);
		else if (kind == 3)
			records_make_fork(records, PERF_RECORD_FORK);
		else if (kind == 4)
			records_make_sample(records, 40, 41, 3, 3);
		else
			records_make_waking(records, 0);
		for (size_t bytes = 8; bytes < records->bytes; bytes++) {
			struct perf_event_header *cut = malloc(bytes);
			memcpy(cut, records->record, bytes);
			cut->size = (uint16_t)bytes;
			int result = translate_record(&records->translate, &records->cpu, cut,
						      &records->event, &records->dump);
			assert_true(result == -EBADMSG || result == 0 || result == 1);
			if (kind == 0 || kind == 1)
				assert_int_equal(result, -EBADMSG);
			free(cut);
		}
	}
}

static void impossible_counts_are_refused(void **state)
{
	static const uint64_t COUNTS[] = { UINT64_MAX, 1ull << 61, 1ull << 32, 5000 };
	struct records *records = *state;
	for (size_t i = 0; i < sizeof(COUNTS) / sizeof(COUNTS[0]); i++) {
		records_make_sample(records, 40, 41, 3, 3);
		memcpy(records->record + 8 + 24, &COUNTS[i], 8);
		assert_int_equal(records_translate(records), -EBADMSG);
	}
	records_make_waking(records, 0);
	uint32_t raw_bytes = UINT32_MAX;
	memcpy(records->record + 8 + 24, &raw_bytes, 4);
	assert_int_equal(records_translate(records), -EBADMSG);
}

/* The whole way, with the ring's end in each place of the record. */
static void switch_survives_wrapping_anywhere(void **state)
{
	enum { RING_BYTES = 512 };
	struct records *records = *state;
	static _Alignas(8) uint8_t data[RING_BYTES], wrapped[PERF_RING_RECORD_BYTES_MAX];
	struct perf_event_mmap_page page = { 0 };
	struct perf_ring ring;
	size_t bad_bytes;
	perf_ring_attach(&ring, &page, data, RING_BYTES, wrapped);
	for (uint64_t start = 0; start < RING_BYTES; start += 8) {
		records_make_switch(records, 41, 2, 43, 1000 + start);
		for (size_t i = 0; i < records->bytes; i++)
			data[(start + i) % RING_BYTES] = records->record[i];
		page.data_tail = start;
		page.data_head = start + records->bytes;
		perf_ring_begin(&ring);
		const struct perf_event_header *record = perf_ring_next(&ring, &bad_bytes);
		assert_non_null(record);
		assert_int_equal(translate_record(&records->translate, &records->cpu, record,
						  &records->event, &records->dump),
				 1);
		assert_int_equal(records->event.time_ns, 1000 + start);
		assert_int_equal(records->event.task->tid, 41);
		assert_int_equal(records->event.switch_.next->tid, 43);
		assert_int_equal(records->event.stack->frames[2], 0xffffffff81000003);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, records_set_up, records_tear_down)

UNIT_TESTS(translate_damage)
{
	const struct CMUnitTest tests[] = {
		TEST(record_of_an_unknown_event_is_refused),
		TEST(unknown_kinds_of_record_are_left_out),
		TEST(cut_record_is_refused_or_harmless),
		TEST(impossible_counts_are_refused),
		TEST(switch_survives_wrapping_anywhere),
	};

	return run_unit_tests(tests, NULL, NULL);
}
