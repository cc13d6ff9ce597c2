/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "capture/format.h"
#include "recorder/write/capture_dir.h"
#include "tests/unit/support/unit_test.h"

#define NOW_NS	      1770116673000000000 /* 2026-02-03 11:04:33 UTC */
#define SECOND_NS     1000000000
#define CAPTURE_BYTES 1000

static char dir[64], out[96]; /* captures are in a directory below, which a test may remove */

static bool rename_is_old;
int __real_renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned int flags);
int __wrap_renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned int flags);
int __wrap_renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned int flags)
{
	if (rename_is_old) {
		errno = EINVAL;
		return -1;
	}
	return __real_renameat2(from_fd, from, to_fd, to, flags);
}

static const char *in_out(const char *name)
{
	static char path[512];
	snprintf(path, sizeof(path), "%s/%s", out, name);
	return path;
}

static bool file_exists(const char *name)
{
	struct stat status;
	return !lstat(in_out(name), &status);
}

static int count_files(void)
{
	int count = 0;
	DIR *stream = opendir(out);
	assert_non_null(stream);
	for (struct dirent *entry; (entry = readdir(stream));)
		count += strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..");
	closedir(stream);
	return count;
}

static void remove_all(void)
{
	DIR *stream = opendir(out);
	if (!stream)
		return;
	for (struct dirent *entry; (entry = readdir(stream));) {
		unlink(in_out(entry->d_name));
		rmdir(in_out(entry->d_name));
	}
	closedir(stream);
	rmdir(out);
}

static int set_up(void **state)
{
	strcpy(dir, "/tmp/freezetrap-test-XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(out, sizeof(out), "%s/out", dir);
	assert_int_equal(mkdir(out, 0700), 0);
	rename_is_old = false;
	(void)state;
	return 0;
}

static int tear_down(void **state)
{
	remove_all();
	assert_int_equal(rmdir(dir), 0);
	(void)state;
	return 0;
}

static struct capture_dir *open_keep(uint32_t max_captures, uint64_t max_bytes)
{
	const struct capture_dir_options options = {
		.dir = out,
		.max_captures = max_captures,
		.max_bytes = max_bytes,
	};
	struct capture_dir *keep = NULL;
	assert_int_equal(capture_dir_open(&options, &keep), 0);
	return keep;
}

static void write_capture(int fd)
{
	char bytes[CAPTURE_BYTES] = FT_FILE_MAGIC;
	assert_int_equal(write(fd, bytes, sizeof(bytes)), sizeof(bytes));
}

static void make_file(const char *name, bool capture)
{
	int fd = open(in_out(name), O_CREAT | O_EXCL | O_WRONLY, 0600);
	assert_true(fd >= 0);
	if (capture)
		write_capture(fd);
	else
		assert_int_equal(write(fd, "text of somebody's", 18), 18);
	close(fd);
}

/* A whole capture @seconds after the first one. */
static const char *make_capture(struct capture_dir *keep, const char *source, int64_t seconds)
{
	static char name[128];
	int fd = capture_dir_create(keep, source, NOW_NS + seconds * SECOND_NS, name, sizeof(name));
	assert_true(fd >= 0);
	write_capture(fd);
	assert_int_equal(capture_dir_finish(keep, name, NULL), 0);
	close(fd);
	return name;
}

static void keep_names_a_capture_by_its_time_and_source(void **state)
{
	struct capture_dir *keep = open_keep(0, 0);
	struct stat status;
	char name[128];

	int fd = capture_dir_create(keep, "probe-tcp", NOW_NS, name, sizeof(name));
	assert_true(fd >= 0);
	assert_string_equal(name, "20260203T110433Z-probe-tcp.dat");
	assert_int_equal(stat(in_out("20260203T110433Z-probe-tcp.dat.part"), &status), 0);
	assert_int_equal(status.st_mode, S_IFREG | 0600);
	assert_int_equal(count_files(), 1);
	assert_int_equal(capture_dir_finish(keep, name, NULL), 0);
	assert_true(file_exists("20260203T110433Z-probe-tcp.dat"));
	assert_int_equal(count_files(), 1);
	close(fd);
	capture_dir_close(keep);
	(void)state;
}

static void keep_names_what_it_removed(void **state)
{
	struct capture_dir *keep = open_keep(2, 0);
	struct capture_dir_removed removed;
	char name[128];

	make_capture(keep, "psi", 0);
	make_capture(keep, "psi", 1);
	int fd = capture_dir_create(keep, "psi", NOW_NS + 2 * SECOND_NS, name, sizeof(name));
	assert_true(fd >= 0);
	write_capture(fd);
	assert_int_equal(capture_dir_finish(keep, name, &removed), 0);
	assert_int_equal(removed.count, 1);
	assert_string_equal(removed.names[0], "20260203T110433Z-psi.dat");
	assert_false(file_exists("20260203T110433Z-psi.dat"));
	close(fd);
	capture_dir_close(keep);
	(void)state;
}

static void keep_numbers_captures_of_the_same_second(void **state)
{
	struct capture_dir *keep = open_keep(0, 0);
	char name[128];

	make_capture(keep, "psi", 0);
	assert_string_equal(make_capture(keep, "psi", 0), "20260203T110433Z-psi-2.dat");
	/* one that is not whole yet counts as well */
	int fd = capture_dir_create(keep, "psi", NOW_NS, name, sizeof(name));
	assert_string_equal(name, "20260203T110433Z-psi-3.dat");
	assert_string_equal(make_capture(keep, "signal", 0), "20260203T110433Z-signal-4.dat");
	close(fd);
	capture_dir_close(keep);
	(void)state;
}

static void keep_makes_the_source_safe_for_a_name(void **state)
{
	struct capture_dir *keep = open_keep(0, 0);

	assert_string_equal(make_capture(keep, "../A b\n\xc3\xa4", 0),
			    "20260203T110433Z----a-b---.dat");
	assert_string_equal(make_capture(keep, "", 1), "20260203T110434Z-capture.dat");
	assert_string_equal(make_capture(keep, "a-source-that-is-much-longer-than-any-real-one-is",
					 2),
			    "20260203T110435Z-a-source-that-is-much-longer-th.dat");
	capture_dir_close(keep);
	(void)state;
}

static void keep_takes_any_clock(void **state)
{
	struct capture_dir *keep = open_keep(0, 0);
	char name[128];

	int fd = capture_dir_create(keep, "x", INT64_MIN, name, sizeof(name));
	assert_true(fd >= 0);
	assert_string_equal(name, "19700101T000000Z-x.dat");
	close(fd);
	fd = capture_dir_create(keep, "x", INT64_MAX, name, sizeof(name));
	assert_true(fd >= 0);
	assert_string_equal(name, "22620411T234716Z-x.dat");
	close(fd);
	capture_dir_close(keep);
	(void)state;
}

static void keep_create_refuses_a_buffer_that_is_too_small(void **state)
{
	struct capture_dir *keep = open_keep(0, 0);
	char name[16] = "untouched";

	assert_int_equal(capture_dir_create(keep, "x", NOW_NS, name, sizeof(name)), -ENAMETOOLONG);
	assert_string_equal(name, "untouched");
	assert_int_equal(count_files(), 0);
	capture_dir_close(keep);
	(void)state;
}

static void keep_abandon_leaves_nothing(void **state)
{
	struct capture_dir *keep = open_keep(0, 0);
	char name[128];

	int fd = capture_dir_create(keep, "x", NOW_NS, name, sizeof(name));
	capture_dir_abandon(keep, name);
	assert_int_equal(count_files(), 0);
	close(fd);
	capture_dir_close(keep);
	(void)state;
}

static void finish_over_somebodys_file(void)
{
	struct capture_dir *keep = open_keep(0, 0);
	char name[128];
	struct stat status;

	int fd = capture_dir_create(keep, "x", NOW_NS, name, sizeof(name));
	write_capture(fd);
	make_file(name, false); /* meanwhile */
	assert_int_equal(capture_dir_finish(keep, name, NULL), -EEXIST);
	assert_int_equal(stat(in_out(name), &status), 0);
	assert_int_equal(status.st_size, 18);
	assert_int_equal(count_files(), 2); /* nothing written is lost */
	close(fd);
	capture_dir_close(keep);
}

static void keep_finish_never_overwrites(void **state)
{
	finish_over_somebodys_file();
	(void)state;
}

static void keep_finish_never_overwrites_where_rename_cannot_promise_it(void **state)
{
	rename_is_old = true;
	finish_over_somebodys_file();
	struct capture_dir *keep = open_keep(0, 0);
	make_capture(keep, "y", 1);
	assert_true(file_exists("20260203T110434Z-y.dat"));
	capture_dir_close(keep);
	(void)state;
}

static void keep_removes_the_oldest_beyond_the_count(void **state)
{
	struct capture_dir *keep = open_keep(3, 0);

	for (int i = 0; i < 5; i++)
		make_capture(keep, i % 2 ? "a" : "z", i);
	assert_int_equal(count_files(), 3);
	assert_true(file_exists("20260203T110435Z-z.dat"));
	assert_true(file_exists("20260203T110436Z-a.dat"));
	assert_true(file_exists("20260203T110437Z-z.dat"));
	capture_dir_close(keep);
	(void)state;
}

static void keep_knows_the_order_within_a_second(void **state)
{
	struct capture_dir *keep = open_keep(10, 0);

	for (int i = 0; i < 12; i++)
		make_capture(keep, "x", 0);
	assert_int_equal(count_files(), 10);
	assert_false(file_exists("20260203T110433Z-x.dat"));
	assert_false(file_exists("20260203T110433Z-x-2.dat"));
	assert_true(file_exists("20260203T110433Z-x-3.dat"));
	assert_true(file_exists("20260203T110433Z-x-10.dat"));
	assert_true(file_exists("20260203T110433Z-x-12.dat"));
	capture_dir_close(keep);
	(void)state;
}

/* As of a file that was written before the clock was set back. */
static void make_newer_by_an_hour(const char *name)
{
	struct timespec now;
	assert_int_equal(clock_gettime(CLOCK_REALTIME, &now), 0);
	now.tv_sec += 3600;
	const struct timespec times[2] = { now, now };
	assert_int_equal(utimensat(AT_FDCWD, in_out(name), times, 0), 0);
}

static void keep_knows_the_order_after_the_clock_was_set_back(void **state)
{
	struct capture_dir *keep = open_keep(3, 0);

	make_capture(keep, "first", 0);
	make_newer_by_an_hour("20260203T110433Z-first.dat");
	make_capture(keep, "second", 1);
	make_capture(keep, "set-back", 2 - 3600);
	make_capture(keep, "after", 3 - 3600);
	assert_int_equal(count_files(), 3);
	assert_false(file_exists("20260203T110433Z-first.dat"));
	make_capture(keep, "last", 4 - 3600);
	assert_false(file_exists("20260203T110434Z-second.dat"));
	assert_true(file_exists("20260203T100435Z-set-back.dat"));
	assert_true(file_exists("20260203T100436Z-after.dat"));
	assert_true(file_exists("20260203T100437Z-last.dat"));
	capture_dir_close(keep);
	(void)state;
}

static void keep_removes_the_oldest_beyond_the_bytes(void **state)
{
	struct capture_dir *keep = open_keep(0, 2 * CAPTURE_BYTES + 10);

	for (int i = 0; i < 4; i++)
		make_capture(keep, "x", i);
	assert_int_equal(count_files(), 2);
	assert_true(file_exists("20260203T110435Z-x.dat"));
	assert_true(file_exists("20260203T110436Z-x.dat"));
	capture_dir_close(keep);
	(void)state;
}

static void keep_never_removes_the_newest(void **state)
{
	struct capture_dir *keep = open_keep(1, 1);

	make_capture(keep, "x", 5);
	assert_true(file_exists("20260203T110438Z-x.dat"));
	/* also where its name says otherwise: the clock was set back */
	make_capture(keep, "x", 0);
	assert_int_equal(count_files(), 1);
	assert_true(file_exists("20260203T110433Z-x.dat"));
	capture_dir_close(keep);
	(void)state;
}

static void keep_removes_nothing_without_limits(void **state)
{
	struct capture_dir *keep = open_keep(0, 0);

	for (int i = 0; i < 30; i++)
		make_capture(keep, "x", i);
	assert_int_equal(count_files(), 30);
	capture_dir_close(keep);
	(void)state;
}

static void keep_removes_only_captures_that_it_named(void **state)
{
	static const char *const OTHERS[] = {
		"freezetrap-web-20260101T000000Z.dat", /* of recorder capture */
		"20250101T000000Z-x.dat.gz",
		"20250101T000000Z.dat",
		"20250101T000000Z-.dat",
		"20250101T000000Z-X.dat",
		"20250101T00000Z-x.dat",
		"2025010aT000000Z-x.dat",
		"20250101T000000Z-a b.dat",
		"incident-20250101T000000Z-x.dat",
		"20250101T000000Z-a-name-that-is-far-longer-than-the-longest-of-ours-can-be-1.dat",
	};
	size_t count = sizeof(OTHERS) / sizeof(OTHERS[0]);
	struct capture_dir *keep = open_keep(1, 1);

	for (size_t i = 0; i < count; i++)
		make_file(OTHERS[i], true);
	/* the names are ours, the contents are not */
	make_file("20250101T000000Z-text.dat", false);
	assert_int_equal(mkdir(in_out("20250101T000000Z-directory.dat"), 0700), 0);
	assert_int_equal(symlink(OTHERS[0], in_out("20250101T000000Z-link.dat")), 0);
	assert_int_equal(mkfifo(in_out("20250101T000000Z-fifo.dat"), 0600), 0);
	make_capture(keep, "x", 0);
	make_capture(keep, "x", 1);
	assert_int_equal(count_files(), count + 4 + 1);
	capture_dir_close(keep);
	(void)state;
}

static void keep_makes_a_removed_directory_again(void **state)
{
	struct capture_dir *keep = open_keep(2, 0);

	make_capture(keep, "x", 0);
	remove_all();
	make_capture(keep, "x", 1);
	assert_true(file_exists("20260203T110434Z-x.dat"));
	assert_int_equal(count_files(), 1);
	capture_dir_close(keep);
	(void)state;
}

static void keep_finish_says_that_the_directory_went_away_with_the_capture(void **state)
{
	struct capture_dir *keep = open_keep(2, 0);
	char name[128];

	int fd = capture_dir_create(keep, "x", NOW_NS, name, sizeof(name));
	remove_all();
	assert_int_equal(capture_dir_finish(keep, name, NULL), -ENOENT);
	close(fd);
	make_capture(keep, "x", 1);
	assert_int_equal(count_files(), 1);
	capture_dir_close(keep);
	(void)state;
}

static void keep_open_names_what_a_killed_recorder_left(void **state)
{
	make_file("20260203T110433Z-x.dat.part", true);
	make_file("20260203T110434Z-x.dat.part", true);
	struct capture_dir *keep = open_keep(0, 0);

	assert_int_equal(capture_dir_torn(keep), 2);
	assert_true(file_exists("20260203T110433Z-x.dat"));
	assert_true(file_exists("20260203T110434Z-x.dat"));
	assert_int_equal(count_files(), 2);
	capture_dir_close(keep);
	(void)state;
}

static void keep_open_leaves_what_a_living_recorder_is_writing(void **state)
{
	struct capture_dir *living = open_keep(0, 0);
	char name[128];

	int fd = capture_dir_create(living, "x", NOW_NS, name, sizeof(name));
	write_capture(fd);
	struct capture_dir *keep = open_keep(0, 0);
	assert_int_equal(capture_dir_torn(keep), 0);
	assert_true(file_exists("20260203T110433Z-x.dat.part"));
	capture_dir_close(keep);
	close(fd); /* it dies */
	keep = open_keep(0, 0);
	assert_int_equal(capture_dir_torn(keep), 1);
	assert_true(file_exists("20260203T110433Z-x.dat"));
	capture_dir_close(keep);
	capture_dir_close(living);
	(void)state;
}

static void keep_open_leaves_parts_that_are_no_captures_or_have_no_room(void **state)
{
	make_file("20260203T110433Z-x.dat.part", false);
	make_file("backup.dat.part", true);
	make_file("20260203T110434Z-x.dat.part", true);
	make_file("20260203T110434Z-x.dat", true);
	struct capture_dir *keep = open_keep(0, 0);

	assert_int_equal(capture_dir_torn(keep), 0);
	assert_int_equal(count_files(), 4);
	assert_true(file_exists("20260203T110434Z-x.dat.part"));
	capture_dir_close(keep);
	(void)state;
}

static void keep_open_makes_the_directory(void **state)
{
	struct stat status;

	remove_all();
	capture_dir_close(open_keep(0, 0));
	assert_int_equal(stat(out, &status), 0);
	assert_int_equal(status.st_mode, S_IFDIR | 0700);
	(void)state;
}

static void keep_open_says_why_a_directory_cannot_be_written_to(void **state)
{
	const struct capture_dir_options file = { .dir = "/dev/null" };
	const struct capture_dir_options missing = { .dir = "/nonexistent/deeper" };
	const struct capture_dir_options locked = { .dir = out };
	struct capture_dir *keep = NULL;
	uid_t before = geteuid();

	assert_int_equal(capture_dir_open(&file, &keep), -ENOTDIR);
	assert_int_equal(capture_dir_open(&missing, &keep), -ENOENT);
	assert_int_equal(chmod(dir, 0755), 0);
	assert_int_equal(chmod(out, 0555), 0);
	if (!before) /* root may write everywhere */
		assert_int_equal(seteuid(65534), 0);
	int err = capture_dir_open(&locked, &keep);
	assert_int_equal(seteuid(before), 0);
	assert_int_equal(chmod(out, 0700), 0);
	assert_int_equal(err, -EACCES);
	assert_null(keep);
	(void)state;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

UNIT_TESTS(capture_dir)
{
	const struct CMUnitTest tests[] = {
		TEST(keep_names_a_capture_by_its_time_and_source),
		TEST(keep_names_what_it_removed),
		TEST(keep_numbers_captures_of_the_same_second),
		TEST(keep_makes_the_source_safe_for_a_name),
		TEST(keep_takes_any_clock),
		TEST(keep_create_refuses_a_buffer_that_is_too_small),
		TEST(keep_abandon_leaves_nothing),
		TEST(keep_finish_never_overwrites),
		TEST(keep_finish_never_overwrites_where_rename_cannot_promise_it),
		TEST(keep_removes_the_oldest_beyond_the_count),
		TEST(keep_knows_the_order_within_a_second),
		TEST(keep_knows_the_order_after_the_clock_was_set_back),
		TEST(keep_removes_the_oldest_beyond_the_bytes),
		TEST(keep_never_removes_the_newest),
		TEST(keep_removes_nothing_without_limits),
		TEST(keep_removes_only_captures_that_it_named),
		TEST(keep_makes_a_removed_directory_again),
		TEST(keep_finish_says_that_the_directory_went_away_with_the_capture),
		TEST(keep_open_names_what_a_killed_recorder_left),
		TEST(keep_open_leaves_what_a_living_recorder_is_writing),
		TEST(keep_open_leaves_parts_that_are_no_captures_or_have_no_room),
		TEST(keep_open_makes_the_directory),
		TEST(keep_open_says_why_a_directory_cannot_be_written_to),
	};
	return run_unit_tests(tests, NULL, NULL);
}
