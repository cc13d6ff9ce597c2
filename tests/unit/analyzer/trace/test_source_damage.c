/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the analysis gets to see of captures that lack something, that are damaged, or that are
 * none: what is missing is told as lost, and nothing is called whole that is not.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

#include "capture/bytes.h"
#include "capture/format.h"
#include "tests/unit/support/maker.h"
#include "tests/unit/support/unit_test.h"

static const struct ft_task idle, feed = { 5, 5, "feed" }, resizer = { 6, 5, "resizer" },
	other = { 7, 7, "other" };

static void source_says_lost_where_a_sequence_number_is_missing(void **state)
{
	struct maker *maker = *state;
	struct source *source;
	struct event event;

	maker_begin(maker, 0, 0);
	maker_add_simple(maker, FT_EVENT_SAMPLE, 0, 100, &feed);
	maker_seal(maker);
	maker_begin(maker, 0, 2);
	maker_add_simple(maker, FT_EVENT_SAMPLE, 0, 300, &feed);
	maker_seal(maker);
	maker_begin(maker, 1, 0);
	maker_add_simple(maker, FT_EVENT_SAMPLE, 1, 200, &other);
	maker_seal(maker);
	maker_end(maker);
	source = maker_open(maker);
	/* the loss is told when it begins */
	MAKER_EXPECT(source, { FT_EVENT_SAMPLE, 0, 100 }, { FT_EVENT_LOST, 0, 300 },
		     { FT_EVENT_SAMPLE, 1, 200 }, { FT_EVENT_SAMPLE, 0, 300 });
	source_rewind(source);
	assert_int_equal(maker_next(source, &event), 1);
	assert_int_equal(maker_next(source, &event), 1);
	assert_int_equal(event.raw.lost.start_ns, 100);
	assert_int_equal(event.raw.lost.records, 0);
	assert_null(event.thread);
	source_close(source);
}

static void source_says_lost_where_the_first_segment_is_missing(void **state)
{
	struct maker *maker = *state;
	struct source *source;

	maker_add_facts(maker, 50, 400);
	maker_begin(maker, 0, 1);
	maker_add_simple(maker, FT_EVENT_SAMPLE, 0, 100, &feed);
	maker_seal(maker);
	maker_end(maker);
	source = maker_open(maker);
	MAKER_EXPECT(source, { FT_EVENT_LOST, 0, 100 }, { FT_EVENT_SAMPLE, 0, 100 });
	source_close(source);
}

static void source_says_lost_behind_the_end_of_a_torn_capture(void **state)
{
	struct maker *maker = *state;
	struct source *source;
	char *text;

	maker_begin(maker, 0, 0);
	maker_add_simple(maker, FT_EVENT_SAMPLE, 0, 100, &feed);
	maker_seal(maker);
	maker_begin(maker, 1, 0);
	maker_add_simple(maker, FT_EVENT_SAMPLE, 1, 1500000200, &other);
	maker_seal(maker);
	source = maker_open(maker);
	MAKER_EXPECT(source, { FT_EVENT_SAMPLE, 0, 100 }, { FT_EVENT_LOST, 0, 1500000200 },
		     { FT_EVENT_SAMPLE, 1, 1500000200 }, { FT_EVENT_LOST, 1, 1500000200 });
	text = source_damage_text(source);
	assert_non_null(strstr(text, maker->path));
	assert_non_null(strstr(text, "the end mark is missing"));
	assert_non_null(strstr(text, "Used the 2 whole segments (1.5 s)"));
	free(text);
	source_close(source);
}

static void source_passes_on_the_recorders_losses_when_they_begin(void **state)
{
	struct maker *maker = *state;
	struct source *source;

	maker_begin(maker, 0, 0);
	maker_add_simple(maker, FT_EVENT_SAMPLE, 0, 100, &feed);
	maker_add(maker, (struct ft_event){ .kind = FT_EVENT_LOST,
					    .cpu = 0,
					    .time_ns = 300,
					    .task = &idle,
					    .lost = { .start_ns = 100, .records = 9 } });
	maker_add_simple(maker, FT_EVENT_SAMPLE, 0, 310, &feed);
	maker_seal(maker);
	maker_begin(maker, 1, 0);
	maker_add_simple(maker, FT_EVENT_SAMPLE, 1, 200, &other);
	maker_seal(maker);
	maker_end(maker);
	source = maker_open(maker);
	MAKER_EXPECT(source, { FT_EVENT_SAMPLE, 0, 100 }, { FT_EVENT_LOST, 0, 300 },
		     { FT_EVENT_SAMPLE, 1, 200 }, { FT_EVENT_SAMPLE, 0, 310 });
	source_close(source);
}

static size_t make_small_capture(struct maker *maker)
{
	maker_add_facts(maker, 50, 900);
	for (uint64_t i = 0; i < 3; i++) {
		maker_begin(maker, i % 2, i / 2);
		maker_add_switch(maker, i % 2, 100 + i * 10, &feed, FT_STATE_DISK, &resizer);
		maker_add_waking(maker, i % 2, 105 + i * 10, &resizer, &feed);
		maker_seal(maker);
	}
	maker_begin(maker, FT_NO_CPU, 0);
	maker_add_simple(maker, FT_EVENT_STATE, FT_NO_CPU, 110, &other);
	maker_seal(maker);
	maker_end(maker);
	return 7;
}

static void source_reads_a_capture_cut_at_any_byte(void **state)
{
	struct maker *maker = *state;
	size_t count = make_small_capture(maker);

	for (off_t bytes = ft_writer_bytes(maker->writer); bytes >= 0; bytes--) {
		assert_int_equal(ftruncate(maker->fd, bytes), 0);
		maker_read_damaged(maker->path, count);
	}
}

static void source_reads_a_capture_with_any_flipped_bit(void **state)
{
	struct maker *maker = *state;
	size_t count = make_small_capture(maker);

	for (off_t at = 0; at < (off_t)ft_writer_bytes(maker->writer); at++) {
		unsigned char byte, flipped;

		assert_int_equal(pread(maker->fd, &byte, 1, at), 1);
		flipped = byte ^ (1 << (at % 8));
		assert_int_equal(pwrite(maker->fd, &flipped, 1, at), 1);
		maker_read_damaged(maker->path, count);
		assert_int_equal(pwrite(maker->fd, &byte, 1, at), 1);
	}
}

static void source_says_where_a_cut_capture_ends(void **state)
{
	struct maker *maker = *state;
	struct source *source;
	uint64_t bytes;
	char expected[64];
	char *text;

	maker_begin(maker, 0, 0);
	maker_add_simple(maker, FT_EVENT_SAMPLE, 0, 100, &feed);
	maker_seal(maker);
	bytes = ft_writer_bytes(maker->writer);
	maker_begin(maker, 0, 1);
	maker_add_simple(maker, FT_EVENT_SAMPLE, 0, 2000000100, &feed);
	maker_seal(maker);
	assert_int_equal(ftruncate(maker->fd, ft_writer_bytes(maker->writer) - 1), 0);
	source = maker_open(maker);
	text = source_damage_text(source);
	snprintf(expected, sizeof(expected), "segment 2 at offset %llu",
		 (unsigned long long)bytes);
	assert_non_null(strstr(text, expected));
	assert_non_null(strstr(text, "Used the 1 whole segment "));
	assert_non_null(strstr(text, "What came later is not in this report."));
	free(text);
	source_close(source);
}

static void source_calls_an_impossible_cpu_damage(void **state)
{
	struct maker *maker = *state;
	struct source *source;
	struct ft_damage damage;
	struct event event;
	char *text;

	maker_begin(maker, 70000, 0);
	maker_add_simple(maker, FT_EVENT_SAMPLE, 70000, 100, &feed);
	maker_seal(maker);
	maker_end(maker);
	source = maker_open(maker);
	assert_int_equal(maker_next(source, &event), 0);
	source_damage(source, &damage);
	assert_int_equal(damage.bad_segments, 1);
	text = source_damage_text(source);
	assert_non_null(strstr(text, "1 segment cannot be decoded"));
	free(text);
	source_close(source);
}

static void expect_refusal(const void *bytes, size_t count, int expected_error, const char *says)
{
	struct source *source = NULL;
	char *message = NULL;
	char path[64];
	int fd = memfd_create("input", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, count), count);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	assert_int_equal(source_open(path, &source, &message), expected_error);
	assert_null(source);
	assert_non_null(strstr(message, path));
	if (!strstr(message, says))
		fail_msg("'%s' does not say '%s'", message, says);
	assert_non_null(strstr(message, "\n  "));
	assert_int_not_equal(message[strlen(message) - 1], '\n');
	free(message);
	close(fd);
}

static void source_refuses_other_files_by_what_they_are(void **state)
{
	(void)state;
	expect_refusal("", 0, -ENODATA, "is empty");
	expect_refusal("hello, world\n", 13, -ENOMSG,
		       "does not begin as a freezetrap capture does");
	expect_refusal("PERFILE2xxxxxxxx", 16, -ENOMSG, "perf.data");
	expect_refusal("\x1f\x8b\x08xxxxxxx", 10, -ENOMSG, "gzip -d");
	expect_refusal("\xfd" "7zXZ\0xxxx", 10, -ENOMSG, "xz -d");
	expect_refusal("\x28\xb5\x2f\xfdxxxxxx", 10, -ENOMSG, "zstd -d");
}

static void source_names_a_feature_it_does_not_know(void **state)
{
	struct maker *maker = *state;
	unsigned char header[FT_FILE_HEADER_BYTES];

	maker_end(maker);
	assert_int_equal(pread(maker->fd, header, sizeof(header), 0), sizeof(header));
	header[16] |= 1 << 3;
	ft_put_le32(header + sizeof(header) - 4, crc32(0, header, sizeof(header) - 4));
	expect_refusal(header, sizeof(header), -EOPNOTSUPP, "needs feature 3");
	header[8]++;
	header[16] = 0;
	ft_put_le32(header + sizeof(header) - 4, crc32(0, header, sizeof(header) - 4));
	expect_refusal(header, sizeof(header), -EOPNOTSUPP, "newer analyze");
	header[20] ^= 1;
	expect_refusal(header, sizeof(header), -EBADMSG, "header of the capture is damaged");
}

static void source_refuses_what_is_no_file(void **state)
{
	(void)state;
	maker_refused("/", -EISDIR, "is a directory");
	maker_refused("/nowhere/at/all", -ENOENT, "Check the name");
	maker_refused("/dev/null", -ESPIPE, "is not a regular file");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, maker_set_up, maker_tear_down)

UNIT_TESTS(source_damage)
{
	const struct CMUnitTest tests[] = {
		CASE(source_says_lost_where_a_sequence_number_is_missing),
		CASE(source_says_lost_where_the_first_segment_is_missing),
		CASE(source_says_lost_behind_the_end_of_a_torn_capture),
		CASE(source_passes_on_the_recorders_losses_when_they_begin),
		CASE(source_reads_a_capture_cut_at_any_byte),
		CASE(source_reads_a_capture_with_any_flipped_bit),
		CASE(source_says_where_a_cut_capture_ends),
		CASE(source_calls_an_impossible_cpu_damage),
		CASE(source_names_a_feature_it_does_not_know),
		cmocka_unit_test(source_refuses_other_files_by_what_they_are),
		cmocka_unit_test(source_refuses_what_is_no_file),
	};

	return run_unit_tests(tests, NULL, NULL);
}
