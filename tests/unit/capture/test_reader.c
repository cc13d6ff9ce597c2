/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "capture/bytes.h"
#include "capture/decoder.h"
#include "capture/format.h"
#include "capture/reader.h"
#include "capture/writer.h"
#include "tests/unit/support/sample_capture.h"
#include "tests/unit/support/sample_events.h"
#include "tests/unit/support/unit_test.h"

#define FILE_HEADER_BYTES 40
#define CRC_AT 36

struct files {
	int fd;
	uint8_t *bytes; /* a finished capture; fd holds the same at first */
	size_t count;
	size_t ends[SAMPLE_SEGMENTS + 3]; /* of the header and of each segment, the end mark too */
	struct ft_decoder *decoder;
};

static int set_up(void **state)
{
	struct files *files = calloc(1, sizeof(*files));
	struct ft_segment segment;
	size_t end = FILE_HEADER_BYTES, used, i = 0;

	assert_non_null(files);
	files->fd = memory_file();
	sample_capture(files->fd);
	files->bytes = memory_file_read(files->fd, &files->count);
	assert_int_equal(ft_decoder_create(&files->decoder), 0);
	for (files->ends[i++] = end; end < files->count; files->ends[i++] = end) {
		assert_int_equal(ft_segment_decode(files->bytes + end, files->count - end, &segment,
						   &used), 0);
		end += used;
	}
	assert_int_equal(i, SAMPLE_SEGMENTS + 3);
	*state = files;
	return 0;
}

static int tear_down(void **state)
{
	struct files *files = *state;

	ft_decoder_destroy(files->decoder);
	free(files->bytes);
	close(files->fd);
	free(files);
	return 0;
}

/* Every segment the reader has must say what it said in the whole capture. */
static void check_contents(struct files *files, struct ft_reader *reader)
{
	size_t buffer_bytes = 0;
	struct ft_event event;
	void *buffer = NULL;

	for (size_t i = 0; i < ft_reader_count(reader); i++) {
		const struct ft_segment *segment = ft_reader_segment(reader, i);

		assert_int_equal(ft_reader_load(reader, i, &buffer, &buffer_bytes), 0);
		assert_true(segment->inflated_bytes <= buffer_bytes);
		if (segment->kind == FT_SEGMENT_FACTS) {
			assert_memory_equal(buffer, "host\0web-17\0tier\0tracepoint", 28);
			continue;
		}
		assert_int_equal(segment->kind, FT_SEGMENT_EVENTS);
		assert_true(segment->sequence < SAMPLE_SEGMENTS);
		assert_int_equal(segment->events, sample_events_count);
		ft_decoder_begin(files->decoder, buffer, segment->inflated_bytes, segment->cpu,
				 segment->first_ns);
		for (size_t at = 0; at < sample_events_count; at++) {
			assert_int_equal(ft_decoder_next(files->decoder, &event), 1);
			assert_same_event(&event, &sample_events[at]);
		}
		assert_int_equal(ft_decoder_next(files->decoder, &event), 0);
	}
	free(buffer);
}

/* Opens what fd holds, checks its contents, returns the number of segments. */
static size_t read_file(struct files *files, struct ft_damage *ret_damage)
{
	struct ft_reader *reader;
	size_t count;

	assert_int_equal(ft_reader_open(memory_file_path(files->fd), &reader, NULL), 0);
	ft_reader_damage(reader, ret_damage);
	check_contents(files, reader);
	count = ft_reader_count(reader);
	assert_int_equal(count, ret_damage->segments);
	ft_reader_close(reader);
	return count;
}

static void reader_reads_a_finished_capture(void **state)
{
	struct files *files = *state;
	struct ft_damage damage, none = { .segments = SAMPLE_SEGMENTS + 1 };

	assert_int_equal(read_file(files, &damage), SAMPLE_SEGMENTS + 1);
	assert_int_equal(damage.torn, none.torn);
	assert_int_equal(damage.bad_segments, 0);
	assert_int_equal(damage.unknown_segments, 0);
	assert_int_equal(damage.first_bad_offset, 0);
	assert_int_equal(damage.skipped_bytes, 0);
	assert_int_equal(damage.first_error, 0);
}

static void reader_reads_a_capture_cut_at_any_byte_up_to_the_cut(void **state)
{
	struct files *files = *state;
	struct ft_reader *reader;
	struct ft_damage damage;
	size_t whole = 0;

	for (size_t length = 0; length < files->count; length++) {
		memory_file_write(files->fd, files->bytes, length);
		if (length < FILE_HEADER_BYTES) {
			assert_int_equal(ft_reader_open(memory_file_path(files->fd), &reader, NULL),
					 -ENODATA);
			continue;
		}
		while (files->ends[whole + 1] <= length)
			whole++;
		assert_int_equal(read_file(files, &damage), whole);
		assert_true(damage.torn);
		assert_int_equal(damage.first_error, -ENODATA);
		assert_int_equal(damage.first_bad_offset, files->ends[whole]);
		assert_int_equal(damage.skipped_bytes, length - files->ends[whole]);
		assert_int_equal(damage.bad_segments, length > files->ends[whole]);
	}
	assert_int_equal(whole, SAMPLE_SEGMENTS + 1);
}

static void reader_detects_every_flipped_bit(void **state)
{
	struct files *files = *state;
	struct ft_reader *reader;
	struct ft_damage damage;

	for (size_t bit = 0; bit < files->count * 8; bit++) {
		uint8_t flipped = files->bytes[bit / 8] ^ (uint8_t)(1 << bit % 8);
		bool in_end_mark = bit / 8 >= files->ends[SAMPLE_SEGMENTS + 1];

		assert_int_equal(pwrite(files->fd, &flipped, 1, (off_t)(bit / 8)), 1);
		if (bit / 8 < FILE_HEADER_BYTES) {
			int error = ft_reader_open(memory_file_path(files->fd), &reader, NULL);

			/* a flipped bit in its length may make the header longer than the file */
			if (bit / 8 < 12 || bit / 8 >= 16 || error != -ENODATA)
				assert_int_equal(error, bit / 8 < 8 ? -ENOMSG : -EBADMSG);
		} else {
			assert_int_equal(read_file(files, &damage), SAMPLE_SEGMENTS + in_end_mark);
			assert_int_equal(damage.bad_segments, 1);
			assert_int_equal(damage.torn, in_end_mark);
			assert_true(damage.first_bad_offset <= bit / 8);
			assert_true(damage.skipped_bytes >= FT_SEGMENT_HEADER_BYTES);
			assert_true(damage.first_error < 0);
		}
		assert_int_equal(pwrite(files->fd, files->bytes + bit / 8, 1, (off_t)(bit / 8)), 1);
	}
}

static void reader_shows_a_damaged_segment_as_a_hole_in_the_sequence(void **state)
{
	struct files *files = *state;
	struct ft_reader *reader;

	files->bytes[files->ends[2] + 70] ^= 1; /* the second segment of events */
	memory_file_write(files->fd, files->bytes, files->count);
	assert_int_equal(ft_reader_open(memory_file_path(files->fd), &reader, NULL), 0);
	assert_int_equal(ft_reader_count(reader), 3);
	assert_int_equal(ft_reader_segment(reader, 1)->sequence, 0);
	assert_int_equal(ft_reader_segment(reader, 2)->sequence, 2);
	ft_reader_close(reader);
}

/* Writes header, @middle and the rest of the sample capture. */
static void write_with_middle(struct files *files, const void *middle, size_t count)
{
	uint8_t *bytes = malloc(files->count + count);

	assert_non_null(bytes);
	memcpy(bytes, files->bytes, FILE_HEADER_BYTES);
	memcpy(bytes + FILE_HEADER_BYTES, middle, count);
	memcpy(bytes + FILE_HEADER_BYTES + count, files->bytes + FILE_HEADER_BYTES,
	       files->count - FILE_HEADER_BYTES);
	memory_file_write(files->fd, bytes, files->count + count);
	free(bytes);
}

static void reader_goes_on_after_damage_wherever_it_ends(void **state)
{
	struct files *files = *state;
	uint8_t rubbish[1024];
	struct ft_damage damage;

	memset(rubbish, 'F', sizeof(rubbish));
	for (size_t count = 8; count <= sizeof(rubbish); count += 8) {
		write_with_middle(files, rubbish, count);
		assert_int_equal(read_file(files, &damage), SAMPLE_SEGMENTS + 1);
		assert_int_equal(damage.bad_segments, 1);
		assert_int_equal(damage.first_bad_offset, FILE_HEADER_BYTES);
		assert_int_equal(damage.skipped_bytes, count);
		assert_int_equal(damage.first_error, -EBADMSG);
		assert_false(damage.torn);
	}
}

static void reader_finds_whole_segments_after_one_that_was_cut_short(void **state)
{
	struct files *files = *state;
	struct ft_damage damage;

	/* its sound header promises more than what is left of it */
	write_with_middle(files, files->bytes + files->ends[1], 128);
	assert_int_equal(read_file(files, &damage), SAMPLE_SEGMENTS + 1);
	assert_int_equal(damage.bad_segments, 1);
	assert_int_equal(damage.skipped_bytes, 128);
}

static void reader_skips_unknown_kinds_and_flags(void **state)
{
	struct ft_segment unknown = { .kind = 77, .payload_bytes = 20, .inflated_bytes = 20 };
	struct files *files = *state;
	struct ft_damage damage;
	uint8_t buf[2 * 128];

	memset(buf, 'x', sizeof(buf));
	assert_int_equal(ft_segment_encode(&unknown, buf, 128), 88);
	unknown.kind = FT_SEGMENT_EVENTS;
	unknown.flags = 0x40;
	assert_int_equal(ft_segment_encode(&unknown, buf + 88, 128), 88);
	write_with_middle(files, buf, 176);
	assert_int_equal(read_file(files, &damage), SAMPLE_SEGMENTS + 1);
	assert_int_equal(damage.unknown_segments, 2);
	assert_int_equal(damage.bad_segments, 0);
	assert_int_equal(damage.first_error, 0);
	assert_false(damage.torn);
}

/* Sound checksums on headers that promise 16 MB each: must not cost the file's length squared. */
static void reader_is_not_kept_busy_by_headers_that_promise_much(void **state)
{
	const size_t headers = 300000, count = headers * FT_SEGMENT_HEADER_BYTES;
	struct ft_segment promise = { .kind = FT_SEGMENT_EVENTS, .payload_bytes = 8 << 20,
				      .inflated_bytes = 8 << 20 };
	uint8_t *bytes = calloc(1, count + (8 << 20) + FT_SEGMENT_HEADER_BYTES);
	struct files *files = *state;
	struct ft_reader *reader;
	struct ft_damage damage;

	assert_non_null(bytes);
	assert_true(ft_segment_encode(&promise, bytes, count + (8 << 20)) > 0);
	bytes[52] ^= 1; /* the payload's checksum */
	ft_put_le32(bytes + 60, (uint32_t)crc32(0, bytes, 60));
	for (size_t i = 1; i < headers; i++)
		memcpy(bytes + i * FT_SEGMENT_HEADER_BYTES, bytes, FT_SEGMENT_HEADER_BYTES);
	write_with_middle(files, bytes, count);
	assert_int_equal(ft_reader_open(memory_file_path(files->fd), &reader, NULL), 0);
	ft_reader_damage(reader, &damage);
	assert_true(damage.bad_segments >= 1);
	assert_true(damage.skipped_bytes >= count);
	ft_reader_close(reader);
	free(bytes);
}

static void write_header(struct files *files, size_t offset, uint64_t value)
{
	uint8_t header[FILE_HEADER_BYTES];

	memcpy(header, files->bytes, sizeof(header));
	if (offset < 16)
		ft_put_le32(header + offset, (uint32_t)value);
	else
		ft_put_le64(header + offset, value);
	ft_put_le32(header + CRC_AT, (uint32_t)crc32(0, header, CRC_AT));
	assert_int_equal(pwrite(files->fd, header, sizeof(header), 0), sizeof(header));
}

static void reader_refuses_unknown_incompatible_features_by_number(void **state)
{
	struct files *files = *state;
	struct ft_reader *reader;

	for (int bit = 0; bit < 64; bit++) {
		int missing = 4711;

		if ((uint64_t)FT_FEATURES_INCOMPATIBLE >> bit & 1)
			continue;
		write_header(files, 16, 1ull << bit | 1ull << 63);
		assert_int_equal(ft_reader_open(memory_file_path(files->fd), &reader, &missing),
				 -EOPNOTSUPP);
		assert_int_equal(missing, bit);
		assert_int_equal(ft_reader_open(memory_file_path(files->fd), &reader, NULL),
				 -EOPNOTSUPP);
	}
}

static void reader_refuses_another_version(void **state)
{
	struct files *files = *state;
	struct ft_reader *reader;
	int missing = 4711;

	write_header(files, 8, 2);
	assert_int_equal(ft_reader_open(memory_file_path(files->fd), &reader, &missing),
			 -EOPNOTSUPP);
	assert_int_equal(missing, -1);
}

static void reader_ignores_unknown_compatible_features(void **state)
{
	struct files *files = *state;
	struct ft_damage damage;

	write_header(files, 24, UINT64_MAX);
	assert_int_equal(read_file(files, &damage), SAMPLE_SEGMENTS + 1);
	assert_int_equal(damage.first_error, 0);
}

static void reader_takes_a_longer_header(void **state)
{
	struct files *files = *state;
	uint8_t *bytes = calloc(1, files->count + 4096 - FILE_HEADER_BYTES);
	struct ft_damage damage;

	assert_non_null(bytes);
	memcpy(bytes, files->bytes, FILE_HEADER_BYTES);
	memcpy(bytes + 4096, files->bytes + FILE_HEADER_BYTES, files->count - FILE_HEADER_BYTES);
	ft_put_le32(bytes + 12, 4096);
	ft_put_le32(bytes + 4092, (uint32_t)crc32(0, bytes, 4092));
	memory_file_write(files->fd, bytes, files->count + 4096 - FILE_HEADER_BYTES);
	assert_int_equal(read_file(files, &damage), SAMPLE_SEGMENTS + 1);
	assert_int_equal(damage.first_error, 0);
	free(bytes);
}

static void reader_refuses_impossible_header_lengths(void **state)
{
	static const uint32_t lengths[] = { 0, 8, 32, 41, 44, 4097, 4104, UINT32_MAX };
	struct files *files = *state;
	struct ft_reader *reader;

	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		write_header(files, 12, lengths[i]);
		assert_int_equal(ft_reader_open(memory_file_path(files->fd), &reader, NULL),
				 -EBADMSG);
	}
}

static int open_error(const char *path)
{
	struct ft_reader *reader;

	return ft_reader_open(path, &reader, NULL);
}

static void reader_says_what_is_no_capture(void **state)
{
	static const char text[] = "#!/bin/sh\necho 'this is a text file, and no capture at all'\n";
	struct files *files = *state;
	char fifo[] = "/tmp/test_reader-XXXXXX";
	int fd;

	memory_file_write(files->fd, "", 0);
	assert_int_equal(open_error(memory_file_path(files->fd)), -ENODATA);
	memory_file_write(files->fd, text, sizeof(text));
	assert_int_equal(open_error(memory_file_path(files->fd)), -ENOMSG);
	memory_file_write(files->fd, "x", 1);
	assert_int_equal(open_error(memory_file_path(files->fd)), -ENOMSG);
	assert_int_equal(open_error("/"), -EISDIR);
	assert_int_equal(open_error("/does/not/exist"), -ENOENT);
	assert_int_equal(open_error("/dev/zero"), -ESPIPE);

	fd = mkstemp(fifo);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(unlink(fifo), 0);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_int_equal(open_error(fifo), -ESPIPE); /* and does not wait for a writer */
	assert_int_equal(unlink(fifo), 0);
}

static void reader_load_reports_a_file_that_changed_meanwhile(void **state)
{
	struct files *files = *state;
	size_t buffer_bytes = 0;
	struct ft_reader *reader;
	void *buffer = NULL;

	assert_int_equal(ft_reader_open(memory_file_path(files->fd), &reader, NULL), 0);
	assert_int_equal(pwrite(files->fd, "X", 1, (off_t)files->ends[0] + 64), 1);
	assert_int_equal(ft_reader_load(reader, 0, &buffer, &buffer_bytes), -EBADMSG);
	assert_int_equal(ftruncate(files->fd, (off_t)files->ends[2] + 70), 0);
	assert_int_equal(ft_reader_load(reader, 1, &buffer, &buffer_bytes), 0);
	assert_int_equal(ft_reader_load(reader, 2, &buffer, &buffer_bytes), -EBADMSG);
	assert_int_equal(ft_reader_load(reader, 3, &buffer, &buffer_bytes), -EBADMSG);
	ft_reader_close(reader);
	free(buffer);
}

/* A zlib stream of @plain in a segment that says it inflates to @inflated_bytes. */
static int load_deflated(struct files *files, const char *plain, uint32_t inflated_bytes,
			 uint32_t extra_bytes)
{
	struct ft_segment segment = { .kind = FT_SEGMENT_FACTS, .flags = FT_SEGMENT_DEFLATED,
				      .inflated_bytes = inflated_bytes };
	uint8_t buf[256] = { 0 };
	uLongf bytes = 128;
	size_t buffer_bytes = 0;
	struct ft_reader *reader;
	void *buffer = NULL;
	int error;

	assert_int_equal(compress(buf + FT_SEGMENT_HEADER_BYTES, &bytes, (const Bytef *)plain,
				  strlen(plain)), Z_OK);
	segment.payload_bytes = (uint32_t)bytes + extra_bytes;
	write_with_middle(files, buf, (size_t)ft_segment_encode(&segment, buf, sizeof(buf)));
	assert_int_equal(ft_reader_open(memory_file_path(files->fd), &reader, NULL), 0);
	error = ft_reader_load(reader, 0, &buffer, &buffer_bytes);
	free(buffer);
	ft_reader_close(reader);
	return error;
}

static void reader_load_refuses_payloads_that_do_not_inflate_to_their_length(void **state)
{
	assert_int_equal(load_deflated(*state, "0123456789", 10, 0), 0);
	assert_int_equal(load_deflated(*state, "", 0, 0), 0);
	assert_int_equal(load_deflated(*state, "0123456789", 9, 0), -EBADMSG);
	assert_int_equal(load_deflated(*state, "0123456789", 11, 0), -EBADMSG);
	assert_int_equal(load_deflated(*state, "0123456789", 0, 0), -EBADMSG);
	assert_int_equal(load_deflated(*state, "0123456789", 10, 8), -EBADMSG);
}

UNIT_TESTS(reader)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(reader_reads_a_finished_capture),
		TEST(reader_reads_a_capture_cut_at_any_byte_up_to_the_cut),
		TEST(reader_detects_every_flipped_bit),
		TEST(reader_shows_a_damaged_segment_as_a_hole_in_the_sequence),
		TEST(reader_goes_on_after_damage_wherever_it_ends),
		TEST(reader_finds_whole_segments_after_one_that_was_cut_short),
		TEST(reader_skips_unknown_kinds_and_flags),
		TEST(reader_is_not_kept_busy_by_headers_that_promise_much),
		TEST(reader_refuses_unknown_incompatible_features_by_number),
		TEST(reader_refuses_another_version),
		TEST(reader_ignores_unknown_compatible_features),
		TEST(reader_takes_a_longer_header),
		TEST(reader_refuses_impossible_header_lengths),
		TEST(reader_says_what_is_no_capture),
		TEST(reader_load_reports_a_file_that_changed_meanwhile),
		TEST(reader_load_refuses_payloads_that_do_not_inflate_to_their_length),
	};

	return run_unit_tests(tests, NULL, NULL);
}
