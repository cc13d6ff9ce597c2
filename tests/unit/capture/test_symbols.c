/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/segment.h"
#include "capture/symbols.h"
#include "tests/unit/support/guard.h"
#include "tests/unit/support/sample_events.h"
#include "tests/unit/support/unit_test.h"

static const struct ft_symbol samples[] = {
	{ .address = 0xffffffff810ca110, .offset_bytes = 16, .name = "schedule" },
	{ .tgid = FT_KERNEL_TGID, .address = UINT64_MAX, .offset_bytes = UINT64_MAX,
	  .name = "jbd2_log", .module = "jbd2" },
	{ .tgid = 4242, .address = 0x401136, .offset_bytes = 6, .name = "table_grow",
	  .module = "/usr/bin/feeddb", .build_id = "0123456789abcdef", .file = "hashmap.c",
	  .line = 88 },
	{ .tgid = 4242, .address = 0x401200, .module = "/usr/bin/feeddb", .file = "hashmap.c",
	  .line = UINT32_MAX },
	{ .tgid = 4243, .address = 0x401200, .name = "" },
	{ .tgid = INT32_MIN, .address = 0 },
	{ .tgid = INT32_MAX, .address = 1, .name = "schedule", .module = "schedule" },
};
#define SAMPLES (sizeof(samples) / sizeof(*samples))

struct set {
	struct ft_symbols *symbols, *copy;
	uint8_t *payload; /* the last one written */
	size_t payload_bytes, payloads;
};

static int set_up(void **state)
{
	struct set *set = calloc(1, sizeof(*set));

	assert_non_null(set);
	assert_int_equal(ft_symbols_create(&set->symbols), 0);
	assert_int_equal(ft_symbols_create(&set->copy), 0);
	*state = set;
	return 0;
}

static int tear_down(void **state)
{
	struct set *set = *state;

	ft_symbols_destroy(set->symbols);
	ft_symbols_destroy(set->copy);
	free(set->payload);
	free(set);
	return 0;
}

static int take_payload(void *context, const void *payload, size_t payload_bytes)
{
	struct set *set = context;

	assert_true(payload_bytes > 0 && payload_bytes <= FT_SEGMENT_PAYLOAD_BYTES_MAX);
	free(set->payload);
	set->payload = malloc(payload_bytes);
	assert_non_null(set->payload);
	memcpy(set->payload, payload, payload_bytes);
	set->payload_bytes = payload_bytes;
	set->payloads++;
	return ft_symbols_read(set->copy, payload, payload_bytes);
}

static void assert_same_text(const char *text, const char *expected)
{
	if (!expected)
		assert_null(text);
	else
		assert_string_equal(text, expected);
}

static void assert_has(const struct ft_symbols *symbols, const struct ft_symbol *expected)
{
	const struct ft_symbol *symbol =
		ft_symbols_find(symbols, expected->tgid, expected->address);

	assert_non_null(symbol);
	assert_int_equal(symbol->tgid, expected->tgid);
	assert_int_equal(symbol->address, expected->address);
	assert_int_equal(symbol->offset_bytes, expected->offset_bytes);
	assert_same_text(symbol->name, expected->name);
	assert_same_text(symbol->module, expected->module);
	assert_same_text(symbol->build_id, expected->build_id);
	assert_same_text(symbol->file, expected->file);
	assert_int_equal(symbol->line, expected->line);
}

static void add_samples(struct ft_symbols *symbols)
{
	for (size_t i = 0; i < SAMPLES; i++)
		assert_int_equal(ft_symbols_add(symbols, &samples[i]), 0);
}

static void symbols_are_found_by_process_and_address(void **state)
{
	struct set *set = *state;

	add_samples(set->symbols);
	assert_int_equal(ft_symbols_count(set->symbols), SAMPLES);
	for (size_t i = 0; i < SAMPLES; i++)
		assert_has(set->symbols, &samples[i]);
	assert_null(ft_symbols_find(set->symbols, 4243, 0x401136));
	assert_null(ft_symbols_find(set->symbols, 4242, 0x401137));
}

static void symbols_keep_one_copy_of_each_text(void **state)
{
	struct set *set = *state;
	char name[] = "schedule";
	struct ft_symbol symbol = { .address = 5, .name = name };

	add_samples(set->symbols);
	assert_int_equal(ft_symbols_add(set->symbols, &symbol), 0);
	name[0] = 'X'; /* the caller's */
	assert_ptr_equal(ft_symbols_find(set->symbols, 0, 5)->name,
			 ft_symbols_find(set->symbols, INT32_MAX, 1)->module);
	assert_string_equal(ft_symbols_find(set->symbols, 0, 5)->name, "schedule");
}

static void symbols_added_again_are_replaced(void **state)
{
	struct set *set = *state;
	struct ft_symbol symbol = samples[2];

	add_samples(set->symbols);
	symbol.name = "other";
	symbol.file = NULL;
	symbol.line = 0;
	assert_int_equal(ft_symbols_add(set->symbols, &symbol), 0);
	assert_int_equal(ft_symbols_count(set->symbols), SAMPLES);
	assert_has(set->symbols, &symbol);
}

static void symbols_cut_texts_that_are_too_long(void **state)
{
	struct set *set = *state;
	char name[10000] = "";
	struct ft_symbol symbol = { .address = 5, .name = name };

	memset(name, 'n', sizeof(name) - 1);
	assert_int_equal(ft_symbols_add(set->symbols, &symbol), 0);
	assert_int_equal(ft_symbols_write(set->symbols, take_payload, set), 0);
	assert_int_equal(strlen(ft_symbols_find(set->copy, 0, 5)->name), 4095);
}

static void symbols_read_gives_back_what_was_written(void **state)
{
	struct set *set = *state;

	assert_int_equal(ft_symbols_write(set->symbols, take_payload, set), 0);
	assert_int_equal(set->payloads, 0); /* none, nothing to write */
	add_samples(set->symbols);
	assert_int_equal(ft_symbols_write(set->symbols, take_payload, set), 0);
	assert_int_equal(set->payloads, 1);
	assert_int_equal(ft_symbols_count(set->copy), SAMPLES);
	for (size_t i = 0; i < SAMPLES; i++)
		assert_has(set->copy, &samples[i]);
}

static void symbols_of_many_payloads_each_decode_alone(void **state)
{
	const int count = 50000;
	struct set *set = *state;
	char name[32];

	for (int i = 0; i < count; i++) {
		struct ft_symbol symbol = { .tgid = i % 7, .address = (uint64_t)i * 4096,
					    .name = name, .module = "/usr/lib/libc.so.6" };

		snprintf(name, sizeof(name), "function_%d", i / 2);
		assert_int_equal(ft_symbols_add(set->symbols, &symbol), 0);
	}
	/* twice: the first writing leaves nothing behind that the second would rely on */
	assert_int_equal(ft_symbols_write(set->symbols, take_payload, set), 0);
	assert_true(set->payloads > 1);
	ft_symbols_destroy(set->copy);
	assert_int_equal(ft_symbols_create(&set->copy), 0);
	assert_int_equal(ft_symbols_write(set->symbols, take_payload, set), 0);
	assert_int_equal(ft_symbols_count(set->copy), count);
	for (int i = 0; i < count; i += 997) {
		snprintf(name, sizeof(name), "function_%d", i / 2);
		assert_has(set->copy, &(struct ft_symbol){ .tgid = i % 7, .name = name,
							  .address = (uint64_t)i * 4096,
							  .module = "/usr/lib/libc.so.6" });
	}
}

static int refuse_payload(void *context, const void *payload, size_t payload_bytes)
{
	(void)context;
	(void)payload;
	(void)payload_bytes;
	return -ENOSPC;
}

static void symbols_write_ends_with_what_the_caller_returned(void **state)
{
	struct set *set = *state;

	add_samples(set->symbols);
	assert_int_equal(ft_symbols_write(set->symbols, refuse_payload, NULL), -ENOSPC);
}

static int read_guarded(const void *payload, size_t bytes, size_t *ret_count)
{
	struct guard guard = guard_copy(payload, bytes);
	struct ft_symbols *symbols;
	int error;

	assert_int_equal(ft_symbols_create(&symbols), 0);
	error = ft_symbols_read(symbols, guard.bytes, bytes);
	*ret_count = ft_symbols_count(symbols);
	ft_symbols_destroy(symbols);
	guard_free(&guard);
	return error;
}

static void symbols_read_keeps_what_comes_before_a_cut(void **state)
{
	struct set *set = *state;
	size_t count, before = 0, whole = 0;

	add_samples(set->symbols);
	assert_int_equal(ft_symbols_write(set->symbols, take_payload, set), 0);
	for (size_t bytes = 0; bytes <= set->payload_bytes; bytes++) {
		int error = read_guarded(set->payload, bytes, &count);

		assert_true(count == before || (count == before + 1 && error == 0));
		assert_true(error == 0 || error == -EBADMSG);
		whole += error == 0;
		before = count;
	}
	assert_int_equal(before, SAMPLES);
	assert_int_equal(whole, SAMPLES + 1); /* also the empty one */
}

static void symbols_read_survives_hostile_payloads(void **state)
{
	struct sampler *sampler = sampler_create(5);
	struct set *set = *state;
	uint8_t *payload;
	size_t count, damaged = 0;

	add_samples(set->symbols);
	assert_int_equal(ft_symbols_write(set->symbols, take_payload, set), 0);
	payload = malloc(set->payload_bytes);
	assert_non_null(payload);
	for (int round = 0; round < 10000; round++) {
		memcpy(payload, set->payload, set->payload_bytes);
		for (uint32_t changes = 1 + sampler_below(sampler, 4); changes > 0; changes--)
			payload[sampler_below(sampler, (uint32_t)set->payload_bytes)] =
				(uint8_t)sampler_below(sampler, 256);
		damaged += read_guarded(payload, set->payload_bytes, &count) != 0;
	}
	assert_true(damaged > 1000);
	free(payload);
	sampler_destroy(sampler);
}

UNIT_TESTS(symbols)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(symbols_are_found_by_process_and_address),
		TEST(symbols_keep_one_copy_of_each_text),
		TEST(symbols_added_again_are_replaced),
		TEST(symbols_cut_texts_that_are_too_long),
		TEST(symbols_read_gives_back_what_was_written),
		TEST(symbols_of_many_payloads_each_decode_alone),
		TEST(symbols_write_ends_with_what_the_caller_returned),
		TEST(symbols_read_keeps_what_comes_before_a_cut),
		TEST(symbols_read_survives_hostile_payloads),
	};

	return run_unit_tests(tests, NULL, NULL);
}
