/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>
#include <zlib.h>

#include "capture/bytes.h"
#include "capture/segment.h"
#include "tests/unit/support/guard.h"
#include "tests/unit/support/unit_test.h"

#define PAYLOAD "thirteen byte"
#define PAYLOAD_BYTES 13
#define BYTES (FT_SEGMENT_HEADER_BYTES + 16)

static const struct ft_segment sample = {
	.kind = FT_SEGMENT_EVENTS,
	.cpu = 7,
	.sequence = 0x1122334455667788,
	.first_ns = 1000,
	.last_ns = 2000,
	.events = 5,
	.lost = 6,
	.payload_bytes = PAYLOAD_BYTES,
	.inflated_bytes = PAYLOAD_BYTES,
};

static void encode_segment(const struct ft_segment *segment, uint8_t *buf)
{
	memset(buf, 0xaa, BYTES);
	memcpy(buf + FT_SEGMENT_HEADER_BYTES, PAYLOAD, PAYLOAD_BYTES);
	assert_int_equal(ft_segment_encode(segment, buf, BYTES), BYTES);
}

static void segment_decode_gives_back_what_was_encoded(void **state)
{
	uint8_t buf[BYTES + 8];
	struct ft_segment segment;
	size_t used;

	(void)state;
	encode_segment(&sample, buf);
	assert_int_equal(ft_segment_decode(buf, sizeof(buf), &segment, &used), 0);
	assert_int_equal(used, BYTES);
	assert_int_equal(segment.kind, sample.kind);
	assert_int_equal(segment.flags, 0);
	assert_int_equal(segment.cpu, sample.cpu);
	assert_int_equal(segment.sequence, sample.sequence);
	assert_int_equal(segment.first_ns, sample.first_ns);
	assert_int_equal(segment.last_ns, sample.last_ns);
	assert_int_equal(segment.events, sample.events);
	assert_int_equal(segment.lost, sample.lost);
	assert_int_equal(segment.payload_bytes, PAYLOAD_BYTES);
	assert_ptr_equal(segment.payload, buf + FT_SEGMENT_HEADER_BYTES);
	assert_memory_equal(segment.payload, PAYLOAD "\0\0\0", 16);
}

static void segment_decode_reports_torn_tail_and_leaves_outputs_untouched(void **state)
{
	uint8_t buf[BYTES];

	(void)state;
	encode_segment(&sample, buf);
	for (size_t length = 0; length < BYTES; length++) {
		struct guard guard = guard_copy(buf, length);
		struct ft_segment segment, before;
		size_t used = 4711;

		memset(&segment, 0x55, sizeof(segment));
		before = segment;
		assert_int_equal(ft_segment_decode(guard.bytes, length, &segment, &used), -ENODATA);
		assert_memory_equal(&segment, &before, sizeof(segment));
		assert_int_equal(used, 4711);
		guard_free(&guard);
	}
}

static void segment_decode_detects_every_flipped_bit(void **state)
{
	uint8_t buf[BYTES];

	(void)state;
	encode_segment(&sample, buf);
	for (size_t bit = 0; bit < BYTES * 8; bit++) {
		struct ft_segment segment = { .cpu = 99 };
		size_t used = 4711;

		buf[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(ft_segment_decode(buf, BYTES, &segment, &used), -EBADMSG);
		assert_int_equal(segment.cpu, 99);
		assert_int_equal(used, 4711);
		buf[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}

static void segment_decode_takes_any_alignment(void **state)
{
	uint8_t buf[BYTES], shifted[BYTES + 8];
	struct ft_segment segment;
	size_t used;

	(void)state;
	encode_segment(&sample, buf);
	for (size_t shift = 0; shift < 8; shift++) {
		memcpy(shifted + shift, buf, BYTES);
		assert_int_equal(ft_segment_decode(shifted + shift, BYTES, &segment, &used), 0);
		assert_int_equal(segment.sequence, sample.sequence);
	}
}

/* What the header says although its checksum holds: a hostile file, not a flipped bit. */
static int decode_with_field(size_t offset, uint32_t value)
{
	uint8_t buf[BYTES];
	struct ft_segment segment;
	size_t used;

	encode_segment(&sample, buf);
	ft_put_le32(buf + offset, value);
	ft_put_le32(buf + 60, (uint32_t)crc32(0, buf, 60));
	return ft_segment_decode(buf, BYTES, &segment, &used);
}

static void segment_decode_refuses_impossible_headers(void **state)
{
	(void)state;
	assert_int_equal(decode_with_field(44, PAYLOAD_BYTES), 0);
	assert_int_equal(decode_with_field(44, FT_SEGMENT_PAYLOAD_BYTES_MAX + 1), -EBADMSG);
	assert_int_equal(decode_with_field(44, UINT32_MAX), -EBADMSG);
	assert_int_equal(decode_with_field(48, UINT32_MAX), -EBADMSG);
	assert_int_equal(decode_with_field(48, PAYLOAD_BYTES + 1), -EBADMSG);
	assert_int_equal(decode_with_field(24, 2001), -EBADMSG); /* begins after its end */
}

static void segment_decode_keeps_unknown_kinds_and_flags_for_the_caller(void **state)
{
	struct ft_segment unknown = sample, segment;
	uint8_t buf[BYTES];
	size_t used;

	(void)state;
	unknown.kind = 200;
	unknown.flags = 0x80;
	unknown.inflated_bytes = 12345;
	encode_segment(&unknown, buf);
	assert_int_equal(ft_segment_decode(buf, BYTES, &segment, &used), 0);
	assert_int_equal(segment.kind, 200);
	assert_int_equal(segment.flags, 0x80);
}

static void segment_encode_refuses_too_small_a_buffer_and_writes_nothing(void **state)
{
	uint8_t buf[BYTES] = { 0 }, zeros[BYTES] = { 0 };

	(void)state;
	assert_int_equal(ft_segment_encode(&sample, buf, BYTES - 1), -ENOBUFS);
	assert_memory_equal(buf, zeros, BYTES);
}

UNIT_TESTS(segment)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(segment_decode_gives_back_what_was_encoded),
		cmocka_unit_test(segment_decode_reports_torn_tail_and_leaves_outputs_untouched),
		cmocka_unit_test(segment_decode_detects_every_flipped_bit),
		cmocka_unit_test(segment_decode_takes_any_alignment),
		cmocka_unit_test(segment_decode_refuses_impossible_headers),
		cmocka_unit_test(segment_decode_keeps_unknown_kinds_and_flags_for_the_caller),
		cmocka_unit_test(segment_encode_refuses_too_small_a_buffer_and_writes_nothing),
	};

	return run_unit_tests(tests, NULL, NULL);
}
