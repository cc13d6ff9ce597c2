/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture/reader.h"
#include "capture/writer.h"
#include "tests/unit/support/sample_capture.h"
#include "tests/unit/support/sample_events.h"
#include "tests/unit/support/unit_test.h"

#define SEGMENT_BYTES (16u << 10)

/* A segment of events that does not deflate well: @buf of SEGMENT_BYTES. Returns its length. */
static size_t noisy_segment(uint8_t *buf, uint64_t sequence)
{
	struct sampler *sampler = sampler_create(sequence + 1);
	struct ft_segment segment = { .kind = FT_SEGMENT_EVENTS, .cpu = SAMPLE_CPU,
				      .sequence = sequence, .events = 1,
				      .payload_bytes = SEGMENT_BYTES - FT_SEGMENT_HEADER_BYTES,
				      .inflated_bytes = SEGMENT_BYTES - FT_SEGMENT_HEADER_BYTES };

	for (size_t i = FT_SEGMENT_HEADER_BYTES; i < SEGMENT_BYTES; i++)
		buf[i] = (uint8_t)sampler_below(sampler, 256);
	sampler_destroy(sampler);
	return (size_t)ft_segment_encode(&segment, buf, SEGMENT_BYTES);
}

static uint64_t file_bytes(int fd)
{
	struct stat status;

	assert_int_equal(fstat(fd, &status), 0);
	return (uint64_t)status.st_size;
}

/* Number of segments of an undamaged capture. */
static size_t count_segments(const char *path, bool torn)
{
	struct ft_damage damage;
	struct ft_reader *reader;

	assert_int_equal(ft_reader_open(path, &reader, NULL), 0);
	ft_reader_damage(reader, &damage);
	ft_reader_close(reader);
	assert_int_equal(damage.bad_segments, 0);
	assert_int_equal(damage.torn, torn);
	return damage.segments;
}

static void writer_deflates_what_gets_shorter_and_nothing_else(void **state)
{
	int fd = memory_file();
	struct ft_writer *writer;
	struct ft_reader *reader;
	uint8_t buf[SEGMENT_BYTES];
	size_t bytes;

	(void)state;
	assert_int_equal(ft_writer_create(fd, &writer), 0);
	assert_int_equal(ft_writer_segment(writer, buf, noisy_segment(buf, 0)), 0);
	bytes = sample_segment(buf, sizeof(buf), 1, 500);
	assert_int_equal(ft_writer_segment(writer, buf, bytes), 0);
	assert_int_equal(ft_writer_payload(writer, FT_SEGMENT_FACTS, "a\0b", 4), 0);
	assert_int_equal(ft_writer_payload(writer, FT_SEGMENT_FACTS, NULL, 0), 0);
	assert_int_equal(ft_writer_end(writer), 0);
	assert_int_equal(ft_writer_bytes(writer), file_bytes(fd));
	ft_writer_destroy(writer);

	assert_int_equal(ft_reader_open(memory_file_path(fd), &reader, NULL), 0);
	assert_int_equal(ft_reader_count(reader), 4);
	assert_int_equal(ft_reader_segment(reader, 0)->flags, 0);
	assert_int_equal(ft_reader_segment(reader, 1)->flags, FT_SEGMENT_DEFLATED);
	assert_true(ft_reader_segment(reader, 1)->payload_bytes <
		    ft_reader_segment(reader, 1)->inflated_bytes);
	assert_int_equal(ft_reader_segment(reader, 1)->events, 500);
	assert_int_equal(ft_reader_segment(reader, 2)->flags, 0);
	assert_int_equal(ft_reader_segment(reader, 3)->payload_bytes, 0);
	ft_reader_close(reader);
	close(fd);
}

static void writer_in_a_hurry_deflates_nothing_more(void **state)
{
	int fd = memory_file();
	struct ft_writer *writer;
	uint8_t buf[SEGMENT_BYTES];
	size_t bytes = sample_segment(buf, sizeof(buf), 0, 500);
	uint64_t before;

	(void)state;
	assert_int_equal(ft_writer_create(fd, &writer), 0);
	assert_int_equal(ft_writer_segment(writer, buf, bytes), 0);
	before = ft_writer_bytes(writer);
	assert_in_range(before, FT_SEGMENT_HEADER_BYTES, bytes - 1);
	ft_writer_hurry(writer);
	bytes = sample_segment(buf, sizeof(buf), 1, 500);
	assert_int_equal(ft_writer_segment(writer, buf, bytes), 0);
	assert_int_equal(ft_writer_bytes(writer) - before, bytes);
	assert_int_equal(ft_writer_end(writer), 0);
	ft_writer_destroy(writer);
	assert_int_equal(count_segments(memory_file_path(fd), false), 2);
	close(fd);
}

static void writer_refuses_what_is_no_sealed_segment_of_events(void **state)
{
	struct ft_segment facts = { .kind = FT_SEGMENT_FACTS };
	static uint8_t large[FT_SEGMENT_PAYLOAD_BYTES_MAX + 1];
	int fd = memory_file();
	struct ft_writer *writer;
	uint8_t buf[SEGMENT_BYTES + 8] = { 0 };
	size_t bytes;

	(void)state;
	assert_int_equal(ft_writer_create(fd, &writer), 0);
	assert_int_equal(ft_writer_segment(writer, buf, SEGMENT_BYTES), -EBADMSG);
	bytes = noisy_segment(buf, 0);
	assert_int_equal(ft_writer_segment(writer, buf, bytes - 8), -EBADMSG);
	assert_int_equal(ft_writer_segment(writer, buf, bytes + 8), -EBADMSG);
	buf[100] ^= 1;
	assert_int_equal(ft_writer_segment(writer, buf, bytes), -EBADMSG);
	bytes = (size_t)ft_segment_encode(&facts, buf, sizeof(buf));
	assert_int_equal(ft_writer_segment(writer, buf, bytes), -EBADMSG);
	assert_int_equal(ft_writer_payload(writer, FT_SEGMENT_SYMBOLS, large, sizeof(large)),
			 -EMSGSIZE);
	assert_int_equal(ft_writer_end(writer), 0);
	ft_writer_destroy(writer);
	assert_int_equal(count_segments(memory_file_path(fd), false), 0);
	close(fd);
}

static void writer_reports_a_full_device(void **state)
{
	int fd = open("/dev/full", O_WRONLY);
	struct ft_writer *writer;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(ft_writer_create(fd, &writer), -ENOSPC);
	close(fd);
}

static void writer_writes_into_a_pipe(void **state)
{
	int ends[2], fd = memory_file();
	uint8_t buf[SEGMENT_BYTES], through[SEGMENT_BYTES * 2];
	struct ft_writer *writer;
	uint32_t cut = 4711;
	ssize_t got;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(ft_writer_create(ends[1], &writer), 0);
	assert_int_equal(ft_writer_segment(writer, buf, noisy_segment(buf, 0)), 0);
	assert_int_equal(ft_writer_make_room(writer, 1, &cut), -EINVAL);
	assert_int_equal(cut, 4711);
	assert_int_equal(ft_writer_end(writer), 0);
	got = read(ends[0], through, sizeof(through));
	assert_int_equal(got, ft_writer_bytes(writer));
	memory_file_write(fd, through, (size_t)got);
	assert_int_equal(count_segments(memory_file_path(fd), false), 1);
	ft_writer_destroy(writer);
	close(ends[0]);
	close(ends[1]);
	close(fd);
}

/* Nobody knows any more how much of a segment a pipe took: nothing may follow it. */
static void writer_stays_broken_after_half_a_segment_that_cannot_be_cut(void **state)
{
	uint8_t buf[SEGMENT_BYTES], bin[128u << 10];
	struct ft_writer *writer;
	int ends[2];

	(void)state;
	assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
	assert_int_equal(ft_writer_create(ends[1], &writer), 0);
	for (uint64_t sequence = 0;; sequence++) {
		int error = ft_writer_segment(writer, buf, noisy_segment(buf, sequence));

		assert_true(sequence < 1000);
		if (error == 0)
			continue;
		assert_int_equal(error, -EAGAIN);
		break;
	}
	assert_true(read(ends[0], bin, sizeof(bin)) > 0);
	assert_int_equal(ft_writer_end(writer), -EAGAIN);
	ft_writer_destroy(writer);
	close(ends[0]);
	close(ends[1]);
}

/* Segments of events until the disk is full. Returns how many are whole, and the error. */
static uint32_t fill_file(struct ft_writer *writer, int fd, int *ret_error)
{
	uint8_t buf[SEGMENT_BYTES];
	uint32_t count = 0;

	while (true) {
		size_t bytes = noisy_segment(buf, count);
		int error = ft_writer_segment(writer, buf, bytes);

		assert_int_equal(file_bytes(fd), ft_writer_bytes(writer));
		if (error) {
			*ret_error = error;
			return count;
		}
		assert_true(++count < 10000);
	}
}

static void assert_room_can_be_made(struct ft_writer *writer, int fd, const char *path,
				    uint32_t segments)
{
	uint8_t symbols[40000];
	const size_t bytes = sizeof(symbols);
	uint32_t cut = 0;

	noisy_segment(symbols, 1);
	noisy_segment(symbols + SEGMENT_BYTES, 2);
	assert_true(ft_writer_payload(writer, FT_SEGMENT_SYMBOLS, symbols, bytes) < 0);
	assert_int_equal(file_bytes(fd), ft_writer_bytes(writer));
	assert_int_equal(count_segments(path, true), segments);

	assert_int_equal(ft_writer_make_room(writer, bytes + FT_SEGMENT_HEADER_BYTES, &cut), 0);
	assert_true(cut >= 2 && cut <= 4);
	assert_int_equal(file_bytes(fd), ft_writer_bytes(writer));
	assert_int_equal(count_segments(path, true), segments - cut);
	assert_int_equal(ft_writer_payload(writer, FT_SEGMENT_SYMBOLS, symbols, bytes), 0);
	assert_int_equal(ft_writer_make_room(writer, 1, &cut), -ENOSPC); /* events are not last */
	assert_int_equal(ft_writer_end(writer), 0);
	assert_int_equal(count_segments(path, false), segments - cut + 1);
}

static void writer_ends_at_a_segment_where_the_file_may_not_grow(void **state)
{
	struct rlimit old, limit;
	int fd = memory_file(), error;
	struct ft_writer *writer;
	uint32_t segments;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	limit = old;
	limit.rlim_cur = 200001;
	assert_int_equal(ft_writer_create(fd, &writer), 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	segments = fill_file(writer, fd, &error);
	assert_int_equal(error, -EFBIG);
	assert_int_equal(segments, (200001 - 40) / SEGMENT_BYTES);
	assert_room_can_be_made(writer, fd, memory_file_path(fd), segments);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	ft_writer_destroy(writer);
	close(fd);
}

/* A file system of our own, in a mount namespace that ends with this process. */
static bool mount_small_disk(char *directory)
{
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return false;
	assert_non_null(mkdtemp(directory));
	assert_int_equal(mount("none", directory, "tmpfs", 0, "size=1m"), 0);
	return true;
}

/* Someone else takes every byte that is left. */
static void fill_disk(const char *path)
{
	static const uint8_t zeros[4096];
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);

	assert_true(fd >= 0);
	while (write(fd, zeros, sizeof(zeros)) > 0)
		continue;
	assert_int_equal(errno, ENOSPC);
	close(fd);
}

/*
 * The end mark needs a page of its own, and its room was reserved: the disk being full is no
 * reason for a torn file, whoever filled it.
 */
static void end_on_full_disk(int fd, const char *path, const char *rest, bool by_capture)
{
	uint8_t buf[SEGMENT_BYTES];
	struct ft_writer *writer;
	int error;

	noisy_segment(buf, 0);
	assert_int_equal(ft_writer_create(fd, &writer), 0);
	assert_int_equal(ft_writer_payload(writer, FT_SEGMENT_FACTS, buf + FT_SEGMENT_HEADER_BYTES,
					   4096 - 40 - FT_SEGMENT_HEADER_BYTES), 0);
	if (by_capture) {
		fill_file(writer, fd, &error);
		assert_int_equal(error, -ENOSPC);
	}
	assert_int_equal(ft_writer_bytes(writer) % 4096, 0);
	fill_disk(rest);
	assert_int_equal(ft_writer_end(writer), 0);
	count_segments(path, false);
	ft_writer_destroy(writer);
	assert_int_equal(unlink(rest), 0);
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
}

static void writer_completes_a_capture_on_a_full_disk(void **state)
{
	char directory[] = "/tmp/test_writer-XXXXXX", path[64], rest[64];
	struct ft_writer *writer;
	int fd, error;

	(void)state;
	if (!mount_small_disk(directory)) {
		print_message("mounting a small disk needs root\n");
		skip();
	}
	snprintf(path, sizeof(path), "%s/full.dat", directory);
	snprintf(rest, sizeof(rest), "%s/rest", directory);
	fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
	assert_true(fd >= 0);

	end_on_full_disk(fd, path, rest, false);
	end_on_full_disk(fd, path, rest, true);
	assert_int_equal(ft_writer_create(fd, &writer), 0);
	assert_room_can_be_made(writer, fd, path, fill_file(writer, fd, &error));
	assert_int_equal(error, -ENOSPC);
	ft_writer_destroy(writer);
	close(fd);
	assert_int_equal(umount(directory), 0);
	assert_int_equal(rmdir(directory), 0);
}

static void writer_make_room_leaves_what_are_no_events(void **state)
{
	int fd = memory_file();
	uint8_t buf[SEGMENT_BYTES];
	struct ft_writer *writer;
	uint32_t cut = 4711;

	(void)state;
	assert_int_equal(ft_writer_create(fd, &writer), 0);
	assert_int_equal(ft_writer_make_room(writer, 1, &cut), -ENOSPC);
	assert_int_equal(ft_writer_segment(writer, buf, noisy_segment(buf, 0)), 0);
	assert_int_equal(ft_writer_payload(writer, FT_SEGMENT_FACTS, "a\0b", 4), 0);
	assert_int_equal(ft_writer_make_room(writer, 1, &cut), -ENOSPC);
	assert_int_equal(cut, 4711);
	for (uint64_t sequence = 1; sequence <= 3; sequence++)
		assert_int_equal(ft_writer_segment(writer, buf, noisy_segment(buf, sequence)), 0);
	assert_int_equal(ft_writer_make_room(writer, SEGMENT_BYTES / 2, &cut), 0);
	assert_int_equal(cut, 1);
	assert_int_equal(ft_writer_make_room(writer, SEGMENT_BYTES, &cut), 0);
	assert_int_equal(cut, 2); /* one would not leave room for the end mark */
	assert_int_equal(ft_writer_make_room(writer, 1, &cut), -ENOSPC);
	assert_int_equal(count_segments(memory_file_path(fd), true), 2);
	assert_int_equal(ft_writer_end(writer), 0);
	ft_writer_destroy(writer);
	close(fd);
}

static void writer_make_room_cuts_drafts_too(void **state)
{
	int fd = memory_file();
	uint8_t buf[SEGMENT_BYTES];
	struct ft_writer *writer;
	uint32_t cut = 0;

	(void)state;
	assert_int_equal(ft_writer_create(fd, &writer), 0);
	assert_int_equal(ft_writer_segment(writer, buf, noisy_segment(buf, 0)), 0);
	assert_int_equal(ft_writer_draft(writer, FT_SEGMENT_FACTS, "a\0b", 4), 0);
	assert_int_equal(ft_writer_segment(writer, buf, noisy_segment(buf, 1)), 0);
	assert_int_equal(ft_writer_draft(writer, FT_SEGMENT_FACTS, "a\0c", 4), 0);
	assert_int_equal(ft_writer_make_room(writer, SEGMENT_BYTES, &cut), 0);
	assert_true(cut >= 2);
	assert_int_equal(ft_writer_payload(writer, FT_SEGMENT_FACTS, "a\0d", 4), 0);
	assert_int_equal(ft_writer_make_room(writer, 1, &cut), -ENOSPC);
	assert_int_equal(ft_writer_end(writer), 0);
	ft_writer_destroy(writer);
	close(fd);
}

UNIT_TESTS(writer)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writer_deflates_what_gets_shorter_and_nothing_else),
		cmocka_unit_test(writer_in_a_hurry_deflates_nothing_more),
		cmocka_unit_test(writer_refuses_what_is_no_sealed_segment_of_events),
		cmocka_unit_test(writer_reports_a_full_device),
		cmocka_unit_test(writer_writes_into_a_pipe),
		cmocka_unit_test(writer_stays_broken_after_half_a_segment_that_cannot_be_cut),
		cmocka_unit_test(writer_ends_at_a_segment_where_the_file_may_not_grow),
		cmocka_unit_test(writer_completes_a_capture_on_a_full_disk),
		cmocka_unit_test(writer_make_room_cuts_drafts_too),
		cmocka_unit_test(writer_make_room_leaves_what_are_no_events),
	};

	return run_unit_tests(tests, NULL, NULL);
}
