/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Captures and ring files of version 0.1.0 are still read: tests/data/0.1.0.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/decoder.h"
#include "capture/facts.h"
#include "capture/reader.h"
#include "capture/symbols.h"
#include "tests/unit/support/sample_events.h"
#include "tests/unit/support/unit_test.h"

static struct ft_reader *open_old(const char *name)
{
	const char *srcdir = getenv("srcdir");
	struct ft_reader *reader;
	struct ft_damage damage;
	char path[4096];

	snprintf(path, sizeof(path), "%s/tests/data/0.1.0/%s", srcdir ? srcdir : ".", name);
	assert_int_equal(ft_reader_open(path, &reader, NULL), 0);
	ft_reader_damage(reader, &damage);
	assert_int_equal(damage.bad_segments + damage.unknown_segments, 0);
	assert_false(damage.torn);
	assert_int_equal(damage.segments, ft_reader_count(reader));
	return reader;
}

static bool is_of_recorder(enum ft_event_kind kind)
{
	return kind == FT_EVENT_STATE || kind == FT_EVENT_UNWOUND || kind == FT_EVENT_NOTE;
}

/* Those of the first sample_events[] that a segment of @segment's CPU has. */
static void check_events(const struct ft_segment *segment, const void *payload)
{
	bool own = segment->cpu == FT_NO_CPU;
	struct ft_decoder *decoder;
	struct ft_event event;
	uint32_t count = 0;

	assert_int_equal(ft_decoder_create(&decoder), 0);
	ft_decoder_begin(decoder, payload, segment->inflated_bytes, segment->cpu,
			 segment->first_ns);
	for (size_t i = 0; i < SAMPLE_EVENTS_0_1_0; i++) {
		struct ft_event expected = sample_events[i];

		if (own && !is_of_recorder(expected.kind))
			continue;
		expected.cpu = segment->cpu;
		assert_int_equal(ft_decoder_next(decoder, &event), 1);
		assert_same_event(&event, &expected);
		count++;
	}
	assert_int_equal(ft_decoder_next(decoder, &event), 0);
	assert_int_equal(segment->events, count);
	ft_decoder_destroy(decoder);
}

static void check_facts(const void *payload, size_t bytes)
{
	struct ft_facts *facts;

	assert_int_equal(ft_facts_create(&facts), 0);
	assert_int_equal(ft_facts_read(facts, payload, bytes), 0);
	assert_string_equal(ft_facts_get(facts, FT_FACT_HOST), "web-17");
	assert_string_equal(ft_facts_get(facts, FT_FACT_TIER), "tracepoint");
	ft_facts_destroy(facts);
}

static void check_symbols(const void *payload, size_t bytes)
{
	const struct ft_symbol *symbol;
	struct ft_symbols *symbols;

	assert_int_equal(ft_symbols_create(&symbols), 0);
	assert_int_equal(ft_symbols_read(symbols, payload, bytes), 0);
	assert_int_equal(ft_symbols_count(symbols), 2);
	symbol = ft_symbols_find(symbols, FT_KERNEL_TGID, 0xffffffff810ca110);
	assert_non_null(symbol);
	assert_string_equal(symbol->name, "__schedule");
	assert_int_equal(symbol->offset_bytes, 16);
	assert_null(symbol->module);
	symbol = ft_symbols_find(symbols, 4242, 0x401136);
	assert_non_null(symbol);
	assert_string_equal(symbol->name, "main");
	assert_string_equal(symbol->module, "/usr/bin/worker");
	assert_string_equal(symbol->build_id, "00ff");
	assert_string_equal(symbol->file, "worker.c");
	assert_int_equal(symbol->offset_bytes, 4);
	assert_int_equal(symbol->line, 7);
	ft_symbols_destroy(symbols);
}

/* Checks what each segment holds. Return: the kinds in their order, a letter each. */
static const char *check_segments(struct ft_reader *reader)
{
	static char kinds[16];
	size_t count = ft_reader_count(reader), buffer_bytes = 0;
	void *buffer = NULL;

	assert_true(count < sizeof(kinds));
	memset(kinds, 0, sizeof(kinds));
	for (size_t i = 0; i < count; i++) {
		const struct ft_segment *segment = ft_reader_segment(reader, i);

		assert_int_equal(ft_reader_load(reader, i, &buffer, &buffer_bytes), 0);
		if (segment->kind == FT_SEGMENT_EVENTS) {
			kinds[i] = segment->cpu == FT_NO_CPU ? 'o' : (char)('0' + segment->sequence);
			check_events(segment, buffer);
		} else if (segment->kind == FT_SEGMENT_FACTS) {
			kinds[i] = 'f';
			check_facts(buffer, segment->inflated_bytes);
		} else {
			assert_int_equal(segment->kind, FT_SEGMENT_SYMBOLS);
			kinds[i] = 's';
			check_symbols(buffer, segment->inflated_bytes);
		}
	}
	free(buffer);
	return kinds;
}

static void capture_of_0_1_0_is_read(void **state)
{
	struct ft_reader *reader = open_old("capture.dat");

	(void)state;
	assert_false(ft_reader_is_ring(reader, NULL));
	assert_string_equal(check_segments(reader), "01osf");
	ft_reader_close(reader);
}

static void ring_file_of_0_1_0_is_read(void **state)
{
	struct ft_reader *reader = open_old("ring.dat");
	struct ft_ring_state ring;

	(void)state;
	assert_true(ft_reader_is_ring(reader, &ring));
	assert_int_equal(ring.since_ns, 1000000005000);
	assert_string_equal(check_segments(reader), "fso12");
	ft_reader_close(reader);
}

UNIT_TESTS(format_0_1_0)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(capture_of_0_1_0_is_read),
		cmocka_unit_test(ring_file_of_0_1_0_is_read),
	};

	return run_unit_tests(tests, NULL, NULL);
}
