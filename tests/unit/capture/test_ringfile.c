/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ring files, whole and wrapped: what is read was put, and what was put and not overwritten is
 * read.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "capture/ringfile.h"
#include "tests/unit/support/ring_rig.h"
#include "tests/unit/support/unit_test.h"

#define SLOT_BYTES RIG_SLOT_BYTES
#define CPUS RIG_CPUS

/* Layout. */

static void layout_fills_the_file_without_overlap(void **state)
{
	struct ft_ringfile ring;
	int planned = 0;

	(void)state;
	for (uint64_t bytes = 1 << 16; bytes <= FT_RINGFILE_BYTES_MAX; bytes += bytes / 3) {
		if (ft_ringfile_plan(bytes, 65536, &ring)) {
			assert_true(bytes < 1 << 20);
			continue;
		}
		planned++;
		assert_true(ring.bytes <= bytes && ring.bytes + 65536 > bytes);
		assert_int_equal(ring.facts_at, FT_RINGFILE_PAGE_BYTES);
		assert_int_equal(ring.names_at, ring.facts_at + 2 * ring.facts_bytes);
		assert_int_equal(ring.own_at, ring.names_at + ring.names_bytes);
		assert_int_equal(ring.events_at, ring.own_at + ring.own_slots * 65536ull);
		assert_int_equal(ring.bytes, ring.events_at + ring.event_slots * 65536ull);
		assert_int_equal(ring.own_at % 4096, 0);
	}
	assert_true(planned > 20);
	/* nearly all of the default is for events */
	assert_int_equal(ft_ringfile_plan(64 << 20, 65536, &ring), 0);
	assert_true(ring.event_slots >= 900);
}

static void layout_refuses_sizes_out_of_bounds(void **state)
{
	static const struct ft_ringfile bad[] = {
		{ 4095, 4096, 4096, 1, 1, 0, 0, 0, 0, 0 },
		{ 4097, 4096, 4096, 1, 1, 0, 0, 0, 0, 0 },
		{ 4096, 0, 4096, 1, 1, 0, 0, 0, 0, 0 },
		{ 4096, 4096, 16777224, 1, 1, 0, 0, 0, 0, 0 },
		{ 4096, 4096, 4096, 0, 1, 0, 0, 0, 0, 0 },
		{ 4096, 4096, 4096, 1, 0, 0, 0, 0, 0, 0 },
		{ 16777216, 4096, 4096, UINT32_MAX, UINT32_MAX, 0, 0, 0, 0, 0 },
	};
	struct ft_ringfile ring;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ring = bad[i];
		assert_int_equal(ft_ringfile_place(&ring), -EINVAL);
	}
	assert_int_equal(ft_ringfile_plan(64 << 20, 4100, &ring), -EINVAL);
	assert_int_equal(ft_ringfile_plan(UINT64_MAX, 65536, &ring), -EINVAL);
	assert_int_equal(ft_ringfile_plan(500000, 65536, &ring), -EINVAL);
}

static void header_tells_the_layout_and_every_flipped_bit(void **state)
{
	struct rig *rig = *state;
	struct ft_ringfile ring;

	assert_int_equal(ft_ringfile_decode(rig->memory, 4096, &ring, NULL), 0);
	assert_memory_equal(&ring, &rig->ring, sizeof(ring));
	for (size_t bit = 0; bit < 8 * FT_RINGFILE_HEADER_BYTES; bit++) {
		int error;

		rig->memory[bit / 8] ^= (uint8_t)(1 << bit % 8);
		error = ft_ringfile_decode(rig->memory, 4096, &ring, NULL);
		assert_int_equal(error, bit / 8 < 8 ? -ENOMSG : -EBADMSG);
		rig->memory[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	for (size_t bytes = 8; bytes < FT_RINGFILE_HEADER_BYTES; bytes++)
		assert_int_equal(ft_ringfile_decode(rig->memory, bytes, &ring, NULL), -ENODATA);
}

/* Reading. */

static void reader_finds_nothing_in_a_new_ring(void **state)
{
	struct found found;

	rig_read(*state, &found);
	assert_int_equal(found.segments + found.own + found.names, 0);
	assert_int_equal(found.damage.segments, 0);
	assert_int_equal(found.damage.bad_segments, 0);
	assert_false(found.damage.torn);
	assert_false(found.state.running);
	assert_int_equal(found.state.since_ns, 0);
}

static void reader_finds_what_was_not_overwritten(void **state)
{
	struct rig *rig = *state;
	uint64_t seed = 1;

	for (uint64_t i = 1; i <= 5 * rig->ring.event_slots; i++) {
		uint64_t slots = i < rig->ring.event_slots ? i : rig->ring.event_slots;
		struct found found;

		seed = seed * 6364136223846793005u + 1442695040888963407u;
		rig_put(rig, (uint32_t)(seed >> 60) % CPUS);
		rig_read(rig, &found);
		assert_int_equal(found.segments, slots);
		assert_false(found.holes);
		for (uint32_t cpu = 0; cpu < CPUS; cpu++)
			assert_true(found.next[cpu] == rig->sequences[cpu] || !found.next[cpu]);
		assert_int_equal(found.damage.bad_segments + found.damage.unknown_segments, 0);
	}
}

static void reader_passes_over_garbage_in_slots(void **state)
{
	struct rig *rig = *state;
	struct found found;

	for (int i = 0; i < 20; i++)
		rig_put(rig, 0);
	for (size_t victim = 0; victim < rig->ring.event_slots; victim += 3)
		memset(rig_event_slot(rig, victim) + victim, 0xa5, 300);
	rig_read(rig, &found);
	assert_int_equal(found.segments, 5);
	assert_true(found.holes);
	assert_int_equal(found.damage.bad_segments, 3);
	assert_int_equal(found.damage.first_error, -EBADMSG);
	assert_int_equal(found.damage.first_bad_offset, rig->ring.events_at);
}

static void reader_takes_in_each_area_only_what_belongs_there(void **state)
{
	struct rig *rig = *state;
	struct found found;

	rig_put(rig, 0);
	rig_make_segment(rig, FT_NO_CPU, 0);
	ft_ringfile_put(rig_event_slot(rig, 3), rig->segment, rig->segment_bytes);
	rig_make_segment(rig, 1, 0);
	ft_ringfile_put(rig->memory + rig->ring.own_at, rig->segment, rig->segment_bytes);
	ft_ringfile_put(rig->memory + rig->ring.names_at, rig->segment, rig->segment_bytes);
	rig_read(rig, &found);
	assert_int_equal(found.segments, 1);
	assert_int_equal(found.own + found.names, 0);
	assert_int_equal(found.damage.unknown_segments, 3);
	assert_int_equal(found.damage.bad_segments, 0);
}

static void own_segments_have_a_ring_of_their_own(void **state)
{
	struct rig *rig = *state;
	struct found found;

	for (uint64_t i = 0; i < 5; i++) {
		rig_make_segment(rig, FT_NO_CPU, i);
		assert_int_equal(ft_ringfile_put_own(&rig->ring, rig->memory, i, rig->segment,
						     rig->segment_bytes), 0);
		rig_put(rig, 0);
		rig_read(rig, &found);
		assert_int_equal(found.own, i ? 2 : 1);
		assert_int_equal(found.segments, i + 1);
	}
	assert_int_equal(ft_ringfile_put_own(&rig->ring, rig->memory, 5, rig->memory,
					     SLOT_BYTES + 8), -EMSGSIZE);
}

static void newest_whole_facts_count(void **state)
{
	struct rig *rig = *state;
	uint8_t huge[4096 - 64 + 1] = { 0 };
	struct found found;

	for (int i = 0; i < 5; i++) {
		char host[8];

		snprintf(host, sizeof(host), "host%d", i);
		rig_put_facts(rig, host);
		rig_read(rig, &found);
		assert_string_equal(found.host, host);
	}
	/* the fifth is in the first copy */
	rig->memory[rig->ring.facts_at + 70] ^= 1;
	rig_read(rig, &found);
	assert_string_equal(found.host, "host3");
	assert_int_equal(found.damage.bad_segments, 1);
	memset(rig->memory + rig->ring.facts_at, 0, 8); /* as while it is written */
	rig_read(rig, &found);
	assert_string_equal(found.host, "host3");
	assert_int_equal(found.damage.bad_segments, 0);
	assert_int_equal(ft_ringfile_put_facts(&rig->ring, rig->memory, 1, huge, sizeof(huge)),
			 -EMSGSIZE);
	assert_int_equal(ft_ringfile_put_facts(&rig->ring, rig->memory, 0, huge, sizeof(huge) - 1),
			 0);
}

static void names_are_appended_until_the_area_is_full(void **state)
{
	struct rig *rig = *state;
	struct found found;
	size_t count = 0;

	rig_put(rig, 0);
	while (rig_put_name(rig, 0xffffffff81000000 + count) == 0) {
		rig_read(rig, &found);
		assert_int_equal(found.names, ++count);
	}
	assert_true(count > 30 && rig->names_bytes <= rig->ring.names_bytes);
	assert_int_equal(rig_put_name(rig, 1), -ENOSPC);
	rig_read(rig, &found);
	assert_int_equal(found.names, count);
	assert_int_equal(found.segments, 1);
	assert_int_equal(found.damage.bad_segments, 0);
}

/* 4 million slots in a file without any blocks: must not take long, nor much memory. */
static void reader_is_not_kept_busy_by_a_huge_empty_ring(void **state)
{
	struct rig *rig = *state;
	struct found found;

	rig->ring.event_slots = (uint32_t)(FT_RINGFILE_BYTES_MAX / SLOT_BYTES - 10);
	assert_int_equal(ft_ringfile_place(&rig->ring), 0);
	ft_ringfile_begin(&rig->ring, rig->memory);
	assert_int_equal(ftruncate(rig->fd, (off_t)rig->ring.bytes), 0);
	rig_read(rig, &found);
	assert_int_equal(found.segments, 0);
	rig->ring.event_slots = 8;
	assert_int_equal(ft_ringfile_place(&rig->ring), 0);
}

UNIT_TESTS(ringfile)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_set_up, rig_tear_down)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(layout_fills_the_file_without_overlap),
		cmocka_unit_test(layout_refuses_sizes_out_of_bounds),
		TEST(header_tells_the_layout_and_every_flipped_bit),
		TEST(reader_finds_nothing_in_a_new_ring),
		TEST(reader_finds_what_was_not_overwritten),
		TEST(reader_passes_over_garbage_in_slots),
		TEST(reader_takes_in_each_area_only_what_belongs_there),
		TEST(own_segments_have_a_ring_of_their_own),
		TEST(newest_whole_facts_count),
		TEST(names_are_appended_until_the_area_is_full),
		TEST(reader_is_not_kept_busy_by_a_huge_empty_ring),
	};

	return run_unit_tests(tests, NULL, NULL);
}
