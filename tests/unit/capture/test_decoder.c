/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a decoder makes of bytes that no encoder of this version wrote: nothing can hurt.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "capture/bytes.h"
#include "tests/unit/support/codec.h"
#include "tests/unit/support/guard.h"
#include "tests/unit/support/sample_events.h"
#include "tests/unit/support/unit_test.h"

#define ARRAY_COUNT(array) (sizeof(array) / sizeof(*(array)))

/* Decodes @payload from a page's end until something else than an event comes. */
static int decode_guarded(struct codec *codec, const void *payload, size_t bytes,
			  size_t *ret_events)
{
	struct guard guard = guard_copy(payload, bytes);
	struct ft_event event;
	size_t events = 0;
	int result;

	ft_decoder_begin(codec->decoder, guard.bytes, bytes, SAMPLE_CPU, 0);
	while ((result = ft_decoder_next(codec->decoder, &event)) == 1)
		events++;
	assert_int_equal(ft_decoder_next(codec->decoder, &event), result);
	guard_free(&guard);
	*ret_events = events;
	return result;
}

static void decoder_reads_a_cut_payload_up_to_the_cut(void **state)
{
	struct codec *codec = *state;
	struct ft_segment segment;
	size_t ends[64] = { 8 }, events, whole = 0;

	assert_true(sample_events_count < ARRAY_COUNT(ends));
	ft_encoder_begin(codec->encoder, codec->buf, CODEC_BYTES, SAMPLE_CPU, 0);
	for (size_t i = 0; i < sample_events_count; i++) {
		assert_int_equal(ft_encoder_add(codec->encoder, &sample_events[i]), 0);
		ft_encoder_seal(codec->encoder); /* says the length; adding may go on */
		ends[i + 1] = ft_get_le32(codec->buf + 44);
	}
	segment = codec_seal(codec);
	for (size_t bytes = 0; bytes <= segment.payload_bytes; bytes++) {
		int result = decode_guarded(codec, segment.payload, bytes, &events);

		while (whole < sample_events_count && ends[whole + 1] <= bytes)
			whole++;
		assert_int_equal(events, whole);
		assert_int_equal(result, bytes == 0 || bytes == ends[whole] ? 0 : -EBADMSG);
	}
	assert_int_equal(whole, sample_events_count);
}

/* No checksum keeps these from the decoder; what it makes of them must only stay in bounds. */
static void decoder_survives_hostile_payloads(void **state)
{
	struct codec *codec = *state;
	struct sampler *sampler = sampler_create(77);
	struct ft_segment segment;
	size_t events, damaged = 0;
	uint8_t *payload;

	codec_add_samples(codec);
	segment = codec_seal(codec);
	payload = malloc(segment.payload_bytes);
	assert_non_null(payload);
	for (int round = 0; round < 20000; round++) {
		memcpy(payload, segment.payload, segment.payload_bytes);
		for (uint32_t changes = 1 + sampler_below(sampler, 4); changes > 0; changes--) {
			uint32_t at = 8 + sampler_below(sampler, segment.payload_bytes - 8);

			payload[at] = (uint8_t)sampler_below(sampler, 256);
		}
		damaged += decode_guarded(codec, payload, segment.payload_bytes, &events) != 0;
	}
	assert_true(damaged > 10000);
	free(payload);
	sampler_destroy(sampler);
}

/* Each bit of every event, the extended ones among them. */
static void decoder_survives_each_flipped_bit(void **state)
{
	struct codec *codec = *state;
	struct ft_segment segment;
	uint8_t *payload;
	size_t events;

	codec_add_samples(codec);
	segment = codec_seal(codec);
	payload = malloc(segment.payload_bytes);
	assert_non_null(payload);
	memcpy(payload, segment.payload, segment.payload_bytes);
	for (size_t bit = 0; bit < segment.payload_bytes * 8ull; bit++) {
		payload[bit / 8] ^= (uint8_t)(1 << bit % 8);
		decode_guarded(codec, payload, segment.payload_bytes, &events);
		payload[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	free(payload);
}

static void assert_damaged(struct codec *codec, const void *events, size_t bytes)
{
	uint8_t payload[64] = { 0 };
	size_t count;

	assert_true(bytes + 8 <= sizeof(payload));
	memcpy(payload + 8, events, bytes);
	assert_int_equal(decode_guarded(codec, payload, bytes + 8, &count), -EBADMSG);
	assert_int_equal(count, 0);
}

static void decoder_refuses_what_no_encoder_writes(void **state)
{
	struct codec *codec = *state;

#define ASSERT_DAMAGED(bytes) assert_damaged(codec, bytes, sizeof(bytes) - 1)
	ASSERT_DAMAGED("\x4c\x00");				/* same task, but none was named */
	ASSERT_DAMAGED("\x48\x00\x01");				/* task beyond the dictionary */
	ASSERT_DAMAGED("\x48\x00\x00\x02\x00\x10" "sixteen-letters!");
	ASSERT_DAMAGED("\x48\x00\x00\x80\x80\x80\x80\x20\x00\x00"); /* tid of 33 bits */
	ASSERT_DAMAGED("\x49\x00\x00\x02\x00\x00"); /* stack again, but there was none */
	ASSERT_DAMAGED("\x4a\x00\x00\x02\x00\x00\x00");		/* stack beyond the dictionary */
	ASSERT_DAMAGED("\x4b\x00\x00\x02\x00\x00\xc1\x01\x00\x00\x00"); /* 193 frames */
	ASSERT_DAMAGED("\x4b\x00\x00\x02\x00\x00\x01\x00\x01\x00"); /* like no stack */
	ASSERT_DAMAGED("\x4b\x00\x00\x02\x00\x00\x01\x00\x00\x01");
	ASSERT_DAMAGED("\xd0\x00\x00\x02\x00\x00\x00");		/* state 10 */
	ASSERT_DAMAGED("\x78\x00\x00\x02\x00\x00\x00");		/* last text, but there was none */
	ASSERT_DAMAGED("\x78\x00\x00\x02\x00\x00\x03" "abc");	/* text without zero */
	ASSERT_DAMAGED("\x78\x00\x00\x02\x00\x00\x03" "a\0b");
	ASSERT_DAMAGED("\x78\x00\x00\x02\x00\x00\x81\x08");	/* text of 1025 bytes */
	ASSERT_DAMAGED("\x30\x00\x00\x02\x00\x00\x0a\x00\x00\x00\x00"); /* call 10 */
	ASSERT_DAMAGED("\x30\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00"); /* call 0 */
	ASSERT_DAMAGED("\x48\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"); /* 65 bits */

#define EXTENDED(form) "\x00\x00" form "\x00\x02\x00\x00" /* task 0: tid 1, tgid 1, no name */
	ASSERT_DAMAGED("\x04\x00\x00");			/* same task, but none was named */
	ASSERT_DAMAGED("\x00\x00");				/* no form */
	ASSERT_DAMAGED(EXTENDED("\x01") "\x01\x01" "a\x03\x00\x00\x00"); /* name beyond the dictionary */
	ASSERT_DAMAGED(EXTENDED("\x01") "\x00\x00\x03\x00\x00\x00"); /* name of no bytes */
	ASSERT_DAMAGED(EXTENDED("\x01") "\x00\x02" "ab\x03\x00\x00\x00"); /* name without zero */
	ASSERT_DAMAGED(EXTENDED("\x01") "\x00\x81\x04");	/* name of 513 bytes */
	ASSERT_DAMAGED(EXTENDED("\x01") "\x00\x01\x00\x04\x00\x00\x00"); /* payload beyond the end */
	ASSERT_DAMAGED(EXTENDED("\x01") "\x00\x01\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01");
	ASSERT_DAMAGED(EXTENDED("\x01") "\x00\x01\x00\x02\x00\x00\x00"); /* shorter than its fields */
	ASSERT_DAMAGED(EXTENDED("\x01") "\x00\x01\x00\x03\x02\x00\x00"); /* neither begin nor end */
	ASSERT_DAMAGED(EXTENDED("\x00") "\x03\x00\x00\x00"); /* span without a name */
	ASSERT_DAMAGED(EXTENDED("\x09") "\x00\x01\x00\x01\x00"); /* counter without a scope */
	ASSERT_DAMAGED(EXTENDED("\xfc\x07") "\x02\x00");	/* other task beyond the dictionary */
	ASSERT_DAMAGED(EXTENDED("\xf8\xff\xff\xff\xff\xff\xff\xff\xff\x02") "\x00"); /* 65 bits */
	ASSERT_DAMAGED(EXTENDED("\xf8\xff\xff\xff\xff\xff\xff\xff\xff\x01") "\x01"); /* unknown and cut */
}

/* Two events of kinds of a later version, which define all that the span and the counter behind them
 * refer to. Those have more than this version knows of, too. */
static const char later_events[] =
	"\0\0\0\0\0\0\0\0"
	"\x03\x0a\xfe\x07"				/* time 5, kind 127, other task, 2 names */
	"\x00\x02\x00\x01" "a" "\x01\x04\x00\x01" "b"	/* task 0: tid 1, "a"; 1: tid 2, "b" */
	"\x01\x00\x00\x00\x22"			/* stack 0: a kernel frame at 0x11 */
	"\x00\x02" "x\0" "\x01\x02" "y\0"		/* names 0 and 1 */
	"\x03" "???"
	"\x04\x02\xf8\xff\xff\xff\xff\xff\xff\xff\xff\x01\x00" /* time 6, the greatest kind */
	"\x02\x02\x05\x01\x00\x00\x01"		/* time 7, task 1, other task, stack 0: span "y" */
	"\x05\x01\x07\x09" "??"			/* ends, 7, -5, something new */
	"\x04\x00\x0b\x00\x01\x01" "\x01\x02";	/* counter "x" of "y", another name: 1 */

static void decoder_passes_over_kinds_it_does_not_know(void **state)
{
	struct codec *codec = *state;
	struct guard guard = guard_copy(later_events, sizeof(later_events) - 1);
	static const struct ft_task task = { 2, 2, "b" };
	static const uint64_t frame = 0x11;
	static const struct ft_stack stack = { &frame, 1, 0 };
	const struct ft_event span = { .kind = FT_EVENT_SPAN, .cpu = SAMPLE_CPU, .time_ns = 7,
				       .task = &task, .stack = &stack,
				       .span = { "y", true, 7, -5 } };
	const struct ft_event counter = { .kind = FT_EVENT_COUNTER, .cpu = SAMPLE_CPU, .time_ns = 7,
					  .task = &task, .counter = { "x", "y", 1 } };
	struct ft_event event;

	ft_decoder_begin(codec->decoder, guard.bytes, sizeof(later_events) - 1, SAMPLE_CPU, 0);
	assert_int_equal(ft_decoder_unknown_events(codec->decoder), 0);
	assert_int_equal(ft_decoder_next(codec->decoder, &event), 1);
	assert_same_event(&event, &span);
	assert_int_equal(ft_decoder_next(codec->decoder, &event), 1);
	assert_same_event(&event, &counter);
	assert_int_equal(ft_decoder_next(codec->decoder, &event), 0);
	assert_int_equal(ft_decoder_unknown_events(codec->decoder), 2);
	ft_decoder_begin(codec->decoder, guard.bytes, 0, SAMPLE_CPU, 0);
	assert_int_equal(ft_decoder_unknown_events(codec->decoder), 0);
	guard_free(&guard);
}

/* Samples with a stack of @frames frames each; for SIZE_MAX, exits of another task each. */
static size_t decode_many(struct codec *codec, size_t events, size_t frames)
{
	uint8_t *next = codec->buf + 8;
	size_t count;
	int result;

	memset(codec->buf, 0, 8);
	for (size_t i = 0; i < events; i++) {
		*next++ = frames == SIZE_MAX ? 0x48 : 0x2b; /* exit; sample with a new stack */
		*next++ = 0;
		next = ft_put_varint(next, frames == SIZE_MAX ? i : 0);
		if (i == 0 || frames == SIZE_MAX) {
			memcpy(next, "\x02\x00\x00", 3); /* tid, tgid, name */
			next += 3;
		}
		if (frames == SIZE_MAX)
			continue;
		next = ft_put_varint(next, frames);
		*next++ = 0;
		next = ft_put_varint(next, i > 0 ? frames : 0); /* all like the stack before */
		*next++ = 0;
		for (size_t frame = 0; i == 0 && frame < frames; frame++)
			*next++ = 0;
	}
	result = decode_guarded(codec, codec->buf, (size_t)(next - codec->buf), &count);
	assert_int_equal(result, count == events ? 0 : -EBADMSG);
	return count;
}

/* Counters that each define another name, which is their scope too. */
static size_t decode_many_names(struct codec *codec, size_t events)
{
	uint8_t *next = codec->buf + 8;
	size_t count;
	int result;

	memset(codec->buf, 0, 8);
	for (size_t i = 0; i < events; i++) {
		memcpy(next, i ? "\x04\x00\x0a" : "\x00\x00\x0a\x00\x00\x00\x00", i ? 3 : 7);
		next += i ? 3 : 7;
		next = ft_put_varint(next, i);
		memcpy(next, "\x02" "n\0", 3);
		next = ft_put_varint(next + 3, i);
		memcpy(next, "\x01\x00", 2);
		next += 2;
	}
	result = decode_guarded(codec, codec->buf, (size_t)(next - codec->buf), &count);
	assert_int_equal(result, count == events ? 0 : -EBADMSG);
	return count;
}

static void decoder_refuses_more_than_the_dictionaries_hold(void **state)
{
	const size_t whole = FT_DICTIONARY_FRAMES_MAX / FT_STACK_FRAMES_MAX;
	struct codec *codec = *state;

	assert_int_equal(decode_many(codec, FT_DICTIONARY_MAX, SIZE_MAX), FT_DICTIONARY_MAX);
	assert_int_equal(decode_many(codec, FT_DICTIONARY_MAX + 10, SIZE_MAX), FT_DICTIONARY_MAX);
	assert_int_equal(decode_many(codec, FT_DICTIONARY_MAX, 1), FT_DICTIONARY_MAX);
	assert_int_equal(decode_many(codec, FT_DICTIONARY_MAX + 10, 1), FT_DICTIONARY_MAX);
	assert_int_equal(decode_many(codec, whole, FT_STACK_FRAMES_MAX), whole);
	assert_int_equal(decode_many(codec, whole + 10, FT_STACK_FRAMES_MAX), whole);
	assert_int_equal(decode_many_names(codec, FT_DICTIONARY_NAMES_MAX), FT_DICTIONARY_NAMES_MAX);
	assert_int_equal(decode_many_names(codec, FT_DICTIONARY_NAMES_MAX + 10),
			 FT_DICTIONARY_NAMES_MAX);
}

UNIT_TESTS(decoder)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, codec_set_up, codec_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(decoder_reads_a_cut_payload_up_to_the_cut),
		TEST(decoder_survives_hostile_payloads),
		TEST(decoder_survives_each_flipped_bit),
		TEST(decoder_refuses_what_no_encoder_writes),
		TEST(decoder_passes_over_kinds_it_does_not_know),
		TEST(decoder_refuses_more_than_the_dictionaries_hold),
	};

	return run_unit_tests(tests, NULL, NULL);
}
