/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the analysis gets to see of the past that a ring keeps: captures out of a ring, and ring
 * files.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "capture/ringfile.h"
#include "tests/unit/support/maker.h"
#include "tests/unit/support/unit_test.h"

static const struct ft_task feed = { 5, 5, "feed" }, other = { 7, 7, "other" };

static void add_history_facts(struct maker *maker, int64_t start_ns)
{
	static const char history[] = FT_FACT_HISTORY "\0ring";

	assert_int_equal(ft_writer_payload(maker->writer, FT_SEGMENT_FACTS, history,
					   sizeof(history)), 0);
	if (start_ns)
		maker_add_facts(maker, start_ns, 400);
}

static void make_history(struct maker *maker)
{
	maker_begin(maker, 0, 17);
	maker_add_simple(maker, FT_EVENT_SAMPLE, 0, 100, &feed);
	maker_add_simple(maker, FT_EVENT_SAMPLE, 0, 300, &feed);
	maker_seal(maker);
	maker_begin(maker, 1, 0);
	maker_add_simple(maker, FT_EVENT_SAMPLE, 1, 350, &other);
	maker_seal(maker);
	maker_begin(maker, 2, 4);
	maker_add_simple(maker, FT_EVENT_SAMPLE, 2, 200, &other);
	maker_seal(maker);
	maker_begin(maker, 2, 6);
	maker_add_simple(maker, FT_EVENT_SAMPLE, 2, 310, &other);
	maker_seal(maker);
	maker_end(maker);
}

static void source_misses_nothing_before_a_history(void **state)
{
	struct maker *maker = *state;
	struct source *source;

	add_history_facts(maker, 150);
	make_history(maker);
	source = maker_open(maker);
	assert_int_equal(source_start_ns(source), 150);
	assert_null(source_ring(source));
	assert_null(source_damage_text(source));
	for (int pass = 0; pass < 2; pass++) {
		MAKER_EXPECT(source, { FT_EVENT_SAMPLE, 0, 100 }, { FT_EVENT_SAMPLE, 2, 200 },
			     { FT_EVENT_LOST, 2, 310 }, { FT_EVENT_SAMPLE, 0, 300 },
			     { FT_EVENT_SAMPLE, 2, 310 }, { FT_EVENT_SAMPLE, 1, 350 });
		source_rewind(source);
	}
	source_close(source);
}

/* CPU 1 is there from its first segment on: that it begins late means that nothing happened. */
static void source_lets_a_history_start_where_its_last_cpu_begins(void **state)
{
	struct maker *maker = *state;
	struct source *source;

	add_history_facts(maker, 0);
	make_history(maker);
	source = maker_open(maker);
	assert_int_equal(source_start_ns(source), 200);
	source_close(source);
}

#define RING_S 1000000000ull

struct ring_maker {
	struct ft_ringfile ring;
	uint8_t *memory;
	uint32_t slot;
};

/* What follows goes into a ring file in place of the capture. */
static struct ring_maker make_ring(struct maker *maker)
{
	struct ring_maker made = { .ring = { .slot_bytes = 4096, .facts_bytes = 4096,
					     .names_bytes = 4096, .own_slots = 1,
					     .event_slots = 8 } };

	assert_int_equal(ft_ringfile_place(&made.ring), 0);
	assert_int_equal(ftruncate(maker->fd, 0), 0);
	assert_int_equal(ftruncate(maker->fd, (off_t)made.ring.bytes), 0);
	made.memory = mmap(NULL, made.ring.bytes, PROT_READ | PROT_WRITE, MAP_SHARED, maker->fd, 0);
	assert_true(made.memory != MAP_FAILED);
	ft_ringfile_begin(&made.ring, made.memory);
	return made;
}

static void put_samples(struct maker *maker, struct ring_maker *made, uint32_t cpu,
			uint64_t sequence, uint64_t first_ns, uint64_t last_ns)
{
	maker_begin(maker, cpu, sequence);
	maker_add_simple(maker, FT_EVENT_SAMPLE, cpu, first_ns, &feed);
	maker_add_simple(maker, FT_EVENT_SAMPLE, cpu, last_ns, &feed);
	ft_ringfile_put(made->memory + made->ring.events_at + made->slot++ * 4096, maker->buf,
			ft_encoder_seal(maker->encoder));
}

static void put_ring_facts(struct ring_maker *made, int64_t start_ns, int64_t realtime_ns)
{
	struct ft_facts *facts;
	const void *payload;
	size_t bytes;

	assert_int_equal(ft_facts_create(&facts), 0);
	ft_facts_set_number(facts, FT_FACT_START_NS, start_ns);
	ft_facts_set_number(facts, FT_FACT_START_REALTIME_NS, realtime_ns);
	payload = ft_facts_payload(facts, &bytes);
	assert_int_equal(ft_ringfile_put_facts(&made->ring, made->memory, 1, payload, bytes), 0);
	ft_facts_destroy(facts);
}

/* CPU 0 has overwritten segments, CPU 1 was idle long after that, CPU 2 is idle since. */
static struct ring_maker make_old_ring(struct maker *maker)
{
	struct ring_maker made = make_ring(maker);

	put_ring_facts(&made, 1 * RING_S, 1000 * RING_S);
	put_samples(maker, &made, 2, 5, 109 * RING_S, 111 * RING_S);
	put_samples(maker, &made, 0, 90, 110 * RING_S, 112 * RING_S);
	put_samples(maker, &made, 0, 91, 113 * RING_S, 119 * RING_S);
	put_samples(maker, &made, 1, 7, 118 * RING_S, 120 * RING_S);
	return made;
}

static void set_since(struct ring_maker *made, uint64_t time_ns)
{
	ft_ringfile_set_since((uint64_t *)(made->memory + FT_RINGFILE_SINCE_AT), time_ns);
}

static void source_reads_a_ring_from_where_nothing_was_overwritten(void **state)
{
	struct maker *maker = *state;
	struct ring_maker made = make_old_ring(maker);
	struct source *source;
	struct ft_damage damage;

	set_since(&made, 1095 * RING_S / 10);
	source = maker_open(maker);
	assert_string_equal(source_ring(source), "left");
	assert_int_equal(source_start_ns(source), 1095 * RING_S / 10);
	assert_int_equal(source_end_ns(source), 120 * RING_S);
	assert_int_equal(source_start_realtime_ns(source), 1000 * RING_S + 1085 * RING_S / 10);
	/* what was not put yet: of the last 3 s, or since the CPU's last event */
	MAKER_EXPECT(source, { FT_EVENT_SAMPLE, 2, 109 * RING_S }, { FT_EVENT_SAMPLE, 0, 110 * RING_S },
		     { FT_EVENT_SAMPLE, 2, 111 * RING_S }, { FT_EVENT_SAMPLE, 0, 112 * RING_S },
		     { FT_EVENT_SAMPLE, 0, 113 * RING_S }, { FT_EVENT_LOST, 2, 120 * RING_S },
		     { FT_EVENT_SAMPLE, 1, 118 * RING_S }, { FT_EVENT_SAMPLE, 0, 119 * RING_S },
		     { FT_EVENT_LOST, 0, 120 * RING_S }, { FT_EVENT_SAMPLE, 1, 120 * RING_S },
		     { FT_EVENT_LOST, 1, 120 * RING_S });
	source_damage(source, &damage);
	assert_false(damage.torn);
	assert_null(source_damage_text(source));
	source_close(source);
	munmap(made.memory, made.ring.bytes);
}

static void source_does_not_believe_a_ring_that_says_too_much(void **state)
{
	struct maker *maker = *state;
	struct ring_maker made = make_old_ring(maker);
	/* nothing overwritten, and yet the sequences do not start at 0; later than that can be;
	 * damaged */
	const uint64_t said[] = { 0, 119 * RING_S, FT_RINGFILE_SINCE_UNKNOWN };

	for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++) {
		struct source *source;

		if (said[i])
			set_since(&made, said[i]);
		if (said[i] == FT_RINGFILE_SINCE_UNKNOWN)
			made.memory[FT_RINGFILE_SINCE_AT + 3] ^= 1;
		source = maker_open(maker);
		assert_int_equal(source_start_ns(source), 118 * RING_S);
		source_close(source);
	}
	munmap(made.memory, made.ring.bytes);
}

static void source_starts_a_young_ring_with_its_recorder(void **state)
{
	struct maker *maker = *state;
	struct ring_maker made = make_ring(maker);
	struct source *source;

	put_ring_facts(&made, 1 * RING_S, 1000 * RING_S);
	put_samples(maker, &made, 0, 0, 2 * RING_S, 3 * RING_S);
	put_samples(maker, &made, 1, 0, 4 * RING_S, 5 * RING_S);
	source = maker_open(maker);
	assert_int_equal(source_start_ns(source), 1 * RING_S);
	assert_int_equal(source_start_realtime_ns(source), 1000 * RING_S);
	source_close(source);
	munmap(made.memory, made.ring.bytes);
}

static void source_calls_the_beginning_of_a_damaged_ring_lost(void **state)
{
	struct maker *maker = *state;
	struct ring_maker made = make_old_ring(maker);
	struct source *source;
	struct event event;
	char *text;
	bool told = false;

	set_since(&made, 1095 * RING_S / 10);
	made.memory[made.ring.events_at + 4096 + 80] ^= 1; /* CPU 0's first */
	source = maker_open(maker);
	while (maker_next(source, &event) > 0)
		told |= event.raw.kind == FT_EVENT_LOST && event.raw.cpu == 0 &&
			event.raw.lost.start_ns == 1095 * RING_S / 10 &&
			event.raw.time_ns == 113 * RING_S;
	assert_true(told);
	text = source_damage_text(source);
	assert_non_null(strstr(text, "1 damaged region,"));
	free(text);
	source_close(source);
	munmap(made.memory, made.ring.bytes);
}

static void source_says_that_a_ring_was_cut(void **state)
{
	struct maker *maker = *state;
	struct ring_maker made = make_old_ring(maker);
	struct source *source;
	struct ft_damage damage;
	char *text;

	munmap(made.memory, made.ring.bytes);
	assert_int_equal(ftruncate(maker->fd, (off_t)(made.ring.events_at + 2 * 4096)), 0);
	source = maker_open(maker);
	source_damage(source, &damage);
	assert_true(damage.torn);
	assert_int_equal(damage.segments, 3);
	text = source_damage_text(source);
	assert_non_null(strstr(text, "this ring file was cut to "));
	free(text);
	source_close(source);
}

static void source_says_that_a_ring_was_cut_and_extended(void **state)
{
	struct maker *maker = *state;
	struct ring_maker made = make_old_ring(maker);
	struct source *source;
	char *text;

	ft_ringfile_set_put_count((uint64_t *)(made.memory + FT_RINGFILE_PUT_AT), 300);
	for (uint32_t i = 4; i < 7; i++)
		put_samples(maker, &made, 0, 88 + i, (116 + i) * RING_S, (117 + i) * RING_S);
	memset(made.memory + made.ring.events_at + 7 * 4096, 0, 4096);
	memset(made.memory + made.ring.events_at + 4 * 4096, 0, 4096); /* 300 is the next to be put there */
	source = maker_open(maker);
	text = source_damage_text(source);
	assert_non_null(strstr(text, "1 segment of this ring file was overwritten with zeros"));
	free(text);
	source_close(source);
	munmap(made.memory, made.ring.bytes);
}

static void source_refuses_an_empty_ring(void **state)
{
	struct maker *maker = *state;
	struct ring_maker made = make_ring(maker);

	maker_refused(maker->path, -ENODATA, "an empty ring file: its recorder was killed before");
	assert_int_equal(ftruncate(maker->fd, FT_RINGFILE_PAGE_BYTES), 0);
	maker_refused(maker->path, -ENODATA, "an empty ring file");
	assert_int_equal(ftruncate(maker->fd, 0), 0);
	assert_int_equal(ftruncate(maker->fd, (off_t)made.ring.bytes), 0);
	maker_refused(maker->path, -ENOMSG, "begins with zeros");
	munmap(made.memory, made.ring.bytes);
}

static void source_reads_a_ring_with_any_flipped_bit(void **state)
{
	struct maker *maker = *state;
	struct ring_maker made = make_old_ring(maker);

	for (size_t at = 0; at < made.ring.bytes; at++) {
		if (at % 4096 >= 200 && at % 4096 < FT_RINGFILE_SINCE_AT && at % 101)
			continue; /* nothing there: samples will do */
		made.memory[at] ^= 1 << (at % 8);
		maker_read_damaged(maker->path, 8);
		made.memory[at] ^= 1 << (at % 8);
	}
	munmap(made.memory, made.ring.bytes);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, maker_set_up, maker_tear_down)

UNIT_TESTS(source_ring)
{
	const struct CMUnitTest tests[] = {
		CASE(source_misses_nothing_before_a_history),
		CASE(source_lets_a_history_start_where_its_last_cpu_begins),
		CASE(source_reads_a_ring_from_where_nothing_was_overwritten),
		CASE(source_does_not_believe_a_ring_that_says_too_much),
		CASE(source_starts_a_young_ring_with_its_recorder),
		CASE(source_calls_the_beginning_of_a_damaged_ring_lost),
		CASE(source_says_that_a_ring_was_cut),
		CASE(source_says_that_a_ring_was_cut_and_extended),
		CASE(source_refuses_an_empty_ring),
		CASE(source_reads_a_ring_with_any_flipped_bit),
	};

	return run_unit_tests(tests, NULL, NULL);
}
