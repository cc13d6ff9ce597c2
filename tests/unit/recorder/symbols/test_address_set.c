/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "capture/encoder.h"
#include "capture/symbols.h"
#include "recorder/symbols/address_set.h"
#include "tests/unit/support/unit_test.h"
#include "recorder/symbols/mappings.h"
#include "recorder/symbols/symbolize.h"

static const struct ft_task FIRST = { .tid = 41, .tgid = 40, .comm = "first" };
static const struct ft_task SECOND = { .tid = 51, .tgid = 50, .comm = "second" };
static const struct ft_task UNKNOWN = { .tid = 61, .tgid = -1, .comm = "unknown" };

static void look_at(struct address_set *seen, const struct ft_event *events, size_t count)
{
	static uint64_t buffer[8192];
	struct ft_encoder *encoder;
	assert_int_equal(ft_encoder_create(&encoder), 0);
	ft_encoder_begin(encoder, buffer, sizeof(buffer), 0, 0);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(ft_encoder_add(encoder, &events[i]), 0);
	size_t bytes = ft_encoder_seal(encoder);
	assert_int_equal(address_set_add_segment(seen, buffer, bytes), 0);
	ft_encoder_destroy(encoder);
}

static bool has_address(const struct symbolize_address *addresses, size_t count, int32_t tgid, uint64_t address)
{
	size_t found = 0;
	for (size_t i = 0; i < count; i++)
		found += addresses[i].tgid == tgid && addresses[i].address == address;
	assert_true(found <= 1);
	return found;
}

static void addresses_are_collected_once_for_each_process(void **state)
{
	const uint64_t frames[] = { 0xffffffff81000001, 0xffffffff81000002, 0x401000 };
	const struct ft_stack stack = { frames, 2, 1 };
	const struct symbolize_address *addresses;
	struct address_set *seen;
	size_t count;
	(void)state;
	const struct ft_event events[] = {
		{ .kind = FT_EVENT_SAMPLE, .time_ns = 1, .task = &FIRST, .stack = &stack },
		{ .kind = FT_EVENT_SAMPLE, .time_ns = 2, .task = &FIRST, .stack = &stack },
		{ .kind = FT_EVENT_SAMPLE, .time_ns = 3, .task = &SECOND, .stack = &stack },
		{ .kind = FT_EVENT_SAMPLE, .time_ns = 4, .task = &UNKNOWN, .stack = &stack },
	};
	assert_int_equal(address_set_create(&seen), 0);
	look_at(seen, events, 4);
	look_at(seen, events, 4);
	addresses = address_set_addresses(seen, &count);
	assert_int_equal(count, 4);
	assert_true(has_address(addresses, count, FT_KERNEL_TGID, 0xffffffff81000001));
	assert_true(has_address(addresses, count, FT_KERNEL_TGID, 0xffffffff81000002));
	assert_true(has_address(addresses, count, 40, 0x401000));
	assert_true(has_address(addresses, count, 50, 0x401000));
	address_set_destroy(seen);
}

static void many_addresses_are_all_kept(void **state)
{
	enum { STACKS = 300, FRAMES = 60 };
	static uint64_t frames[STACKS][FRAMES];
	static struct ft_stack stacks[STACKS];
	const struct symbolize_address *addresses;
	struct address_set *seen;
	size_t count;
	(void)state;
	assert_int_equal(address_set_create(&seen), 0);
	for (size_t i = 0; i < STACKS; i++) {
		for (size_t j = 0; j < FRAMES; j++)
			frames[i][j] = 0x1000 * (i + 1) + j;
		stacks[i] = (struct ft_stack){ frames[i], 0, FRAMES };
		look_at(seen,
			&(struct ft_event){ .kind = FT_EVENT_SAMPLE,
					    .time_ns = i + 1,
					    .task = &FIRST,
					    .stack = &stacks[i] },
			1);
	}
	addresses = address_set_addresses(seen, &count);
	assert_int_equal(count, STACKS * FRAMES);
	assert_true(has_address(addresses, count, 40, 0x1000));
	assert_true(has_address(addresses, count, 40, 0x1000 * STACKS + FRAMES - 1));
	address_set_destroy(seen);
}

/* Segments come CPU by CPU, not by time. */
static void mapping_after_an_exec_stays_though_its_segment_came_first(void **state)
{
	struct mappings *mappings;
	struct mapping mapping;
	struct address_set *seen;
	(void)state;
	assert_int_equal(address_set_create(&seen), 0);
	assert_int_equal(mappings_create(&mappings), 0);
	assert_int_equal(mappings_add(mappings, 40, 0x1000, 0x1000, 0, "/bin/old"), 0);
	look_at(seen,
		&(struct ft_event){ .kind = FT_EVENT_MMAP,
				    .time_ns = 20,
				    .task = &FIRST,
				    .mmap = { 0x5000, 0x1000, 0, "/bin/new" } },
		1);
	look_at(seen,
		&(struct ft_event){
			.kind = FT_EVENT_FORK, .time_ns = 30, .task = &FIRST, .fork = { &SECOND } },
		1);
	look_at(seen,
		&(struct ft_event){
			.kind = FT_EVENT_COMM, .time_ns = 10, .task = &FIRST, .comm = { true } },
		1);
	assert_int_equal(address_set_apply_mappings(seen, mappings), 0);
	assert_int_equal(mappings_find(mappings, 40, 0x1800, &mapping), -ENOENT);
	assert_int_equal(mappings_find(mappings, 40, 0x5800, &mapping), 0);
	assert_string_equal(mapping.path, "/bin/new");
	assert_int_equal(mappings_find(mappings, 50, 0x5800, &mapping), 0);
	mappings_destroy(mappings);
	address_set_destroy(seen);
}

static void system_calls_of_states_are_collected(void **state)
{
	int64_t *numbers;
	struct address_set *seen;
	size_t count;
	(void)state;
	const struct ft_event events[] = {
		{ .kind = FT_EVENT_STATE,
		  .time_ns = 1,
		  .task = &FIRST,
		  .state = { .syscall = 202 } },
		{ .kind = FT_EVENT_STATE, .time_ns = 2, .task = &FIRST, .state = { .syscall = 7 } },
		{ .kind = FT_EVENT_STATE,
		  .time_ns = 3,
		  .task = &FIRST,
		  .state = { .syscall = 202 } },
		{ .kind = FT_EVENT_STATE,
		  .time_ns = 4,
		  .task = &FIRST,
		  .state = { .syscall = -1 } },
		{ .kind = FT_EVENT_STATE,
		  .time_ns = 5,
		  .task = &FIRST,
		  .state = { .syscall = INT64_MAX } },
	};
	assert_int_equal(address_set_create(&seen), 0);
	look_at(seen, events, 5);
	assert_int_equal(address_set_syscalls(seen, &numbers, &count), 0);
	assert_int_equal(count, 2);
	assert_int_equal(numbers[0], 7);
	assert_int_equal(numbers[1], 202);
	free(numbers);
	address_set_destroy(seen);
}

static void what_is_no_segment_is_refused(void **state)
{
	struct address_set *seen;
	(void)state;
	assert_int_equal(address_set_create(&seen), 0);
	assert_int_equal(address_set_add_segment(seen, "no segment at all", 17), -EBADMSG);
	address_set_destroy(seen);
}

UNIT_TESTS(address_set)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_are_collected_once_for_each_process),
		cmocka_unit_test(many_addresses_are_all_kept),
		cmocka_unit_test(mapping_after_an_exec_stays_though_its_segment_came_first),
		cmocka_unit_test(system_calls_of_states_are_collected),
		cmocka_unit_test(what_is_no_segment_is_refused),
	};
	return run_unit_tests(tests, NULL, NULL);
}
