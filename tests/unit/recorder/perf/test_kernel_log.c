/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which lines of the kernel's log the recorder keeps, and when they were written. A pipe in packet mode reads as
 * /dev/kmsg does: a record at a time.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "capture/decoder.h"
#include "capture/segment.h"
#include "recorder/base/clock.h"
#include "recorder/buffer/recorder_events.h"
#include "recorder/perf/kernel_log.h"
#include "tests/unit/support/unit_test.h"

#define NOTES_MAX 512

#define OWNED                                                                                \
	"INFO: task worker0:20036 <writer> blocked on an rw-semaphore likely owned by task " \
	"creator:20035 <writer>"

struct note {
	uint64_t time_ns;
	char text[FT_TEXT_BYTES_MAX];
};

static int write_fd = -1;
static struct kernel_log *kernel_log;
static struct recorder_events *ownlog;
static struct note notes[NOTES_MAX];
static size_t note_count;
static int64_t offset_ns;
static int offset_error;

static int made_up_offset(int64_t *ret_offset_ns)
{
	*ret_offset_ns = offset_ns;
	return offset_error;
}

static int open_log(void)
{
	int fds[2];

	assert_return_code(pipe2(fds, O_DIRECT | O_NONBLOCK | O_CLOEXEC), errno);
	write_fd = fds[1];
	return fds[0];
}

static int set_up(void **state)
{
	(void)state;
	offset_ns = offset_error = 0;
	note_count = 0;
	assert_int_equal(recorder_events_create(&ownlog), 0);
	assert_int_equal(kernel_log_open_fd(open_log(), made_up_offset, &kernel_log), 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	kernel_log_close(kernel_log);
	recorder_events_destroy(ownlog);
	close(write_fd);
	return 0;
}

static void write_record(const char *record)
{
	assert_int_equal(write(write_fd, record, strlen(record)), strlen(record));
}

/* A line of the kernel's, with the time of its clock. */
static void log_line(uint64_t stamp_ns, const char *text)
{
	char record[1024];

	snprintf(record, sizeof(record), "3,856,%" PRIu64 ",-;%s\n", stamp_ns / 1000, text);
	write_record(record);
}

static int read_segment(void *context, const void *segment, size_t segment_bytes)
{
	struct ft_decoder *decoder;
	struct ft_segment header;
	struct ft_event event;
	size_t used_bytes;

	(void)context;
	assert_int_equal(ft_segment_decode(segment, segment_bytes, &header, &used_bytes), 0);
	assert_int_equal(ft_decoder_create(&decoder), 0);
	ft_decoder_begin(decoder, header.payload, header.payload_bytes, header.cpu,
			 header.first_ns);
	while (ft_decoder_next(decoder, &event) == 1) {
		assert_int_equal(event.kind, FT_EVENT_NOTE);
		assert_true(note_count < NOTES_MAX);
		notes[note_count].time_ns = event.time_ns;
		strcpy(notes[note_count++].text, event.note.text);
	}
	ft_decoder_destroy(decoder);
	return 0;
}

static void read_notes(void)
{
	note_count = 0;
	assert_int_equal(recorder_events_take(ownlog, read_segment, NULL), 0);
}

static void read_log(uint64_t start_ns)
{
	kernel_log_look(kernel_log);
	kernel_log_copy(kernel_log, start_ns, ownlog);
	read_notes();
}

static void hung_task_lines_are_kept_as_the_kernel_wrote_them(void **state)
{
	uint64_t now_ns = clock_now_ns();

	(void)state;
	write_record(
		"3,823,27352305800,-;INFO: task worker0:20036 blocked for more than 2 seconds.\n");
	write_record("3,856,27352308860,-,caller=T44;" OWNED "\n SUBSYSTEM=x\n DEVICE=+y\n");
	write_record(
		"3,857,27352308860,c;INFO: task cat:115 is blocked on a mutex likely owned by task "
		"cat:114.\n");
	write_record(
		"3,858,27352308860,-;INFO: task cat:945 blocked on a semaphore likely last held by "
		"task cat:938\n");
	write_record("3,859,27352308860,-;INFO: task a:1 is blocked on an rw-semaphore, but the "
		     "owner is "
		     "not found.\n");
	read_log(now_ns);
	assert_int_equal(note_count, 5);
	assert_string_equal(
		notes[0].text,
		"kernel log: INFO: task worker0:20036 blocked for more than 2 seconds.");
	assert_string_equal(notes[1].text, "kernel log: " OWNED);
}

static void other_lines_are_not_kept(void **state)
{
	static const char *const records[] = {
		"3,1,27352308860,-; secret\n",
		"3,1,27352308860,-;the password of INFO: task a:1 blocked for more than 2 "
		"seconds.\n",
		"3,1,27352308860,-;INFO: task a:1 is happy\n",
		"6,1,27352308860,-;task:worker0 state:D stack:0 pid:20036\n",
		"3,1,27352308860,-;\n INFO: task a:1 blocked for more than 2 seconds.\n",
		/* by somebody who may write to /dev/kmsg */
		"11,1,27352308860,-;" OWNED "\n",
		"30,1,27352308860,-;" OWNED "\n",
		/* no records */
		"",
		";",
		"3;",
		"3,1;" OWNED "\n",
		OWNED "\n",
		"x,1,1,-;" OWNED "\n",
		"3,1,99999999999999999999,-;" OWNED "\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(records) / sizeof(*records); i++) {
		if (*records[i])
			write_record(records[i]);
		read_log(clock_now_ns());
		if (note_count)
			fail_msg("kept: %s", records[i]);
	}
}

static void the_time_of_a_line_is_on_the_clock_of_the_capture(void **state)
{
	uint64_t stamp_ns = clock_now_ns() / 1000 * 1000;

	(void)state;
	offset_ns = 10323000;
	log_line(stamp_ns - 10323000, OWNED);
	read_log(stamp_ns);
	assert_int_equal(note_count, 1);
	assert_int_equal(notes[0].time_ns, stamp_ns);
}

/* Whatever the clocks: it was written between two looks. */
static void a_line_is_dated_between_the_look_before_and_this_one(void **state)
{
	uint64_t before_ns = clock_now_ns();

	(void)state;
	kernel_log_look(kernel_log);
	uint64_t looked_ns = clock_now_ns();
	log_line(before_ns - 5000000000, OWNED);
	log_line(before_ns + 5000000000, OWNED);
	read_log(before_ns);
	assert_int_equal(note_count, 2);
	assert_in_range(notes[0].time_ns, before_ns, looked_ns);
	assert_in_range(notes[1].time_ns, looked_ns, clock_now_ns());
}

/* What there was before it was opened is older than that. */
static void lines_of_the_last_ten_minutes_are_told(void **state)
{
	uint64_t now_ns = 4000000000000, seen = 0;
	int fd = open_log();
	struct kernel_log *log = NULL;

	(void)state;
	offset_ns = (int64_t)clock_now_ns() - (int64_t)now_ns;
	log_line(now_ns - 601000000000, "INFO: task old:1 blocked for more than 120 seconds.");
	log_line(now_ns - 599000000000, "INFO: task new:1 blocked for more than 120 seconds.");
	assert_int_equal(kernel_log_open_fd(fd, made_up_offset, &log), 0);
	kernel_log_copy_new(log, &seen, ownlog);
	read_notes();
	assert_int_equal(note_count, 1);
	kernel_log_copy(log, (uint64_t)((int64_t)now_ns + offset_ns), ownlog);
	read_notes();
	kernel_log_close(log);
	assert_int_equal(note_count, 1);
	assert_non_null(strstr(notes[0].text, "task new:1"));
}

static void what_is_new_is_copied_once(void **state)
{
	uint64_t seen = 0, now_ns = clock_now_ns();

	(void)state;
	log_line(now_ns, OWNED);
	kernel_log_look(kernel_log);
	kernel_log_copy_new(kernel_log, &seen, ownlog);
	read_notes();
	assert_int_equal(note_count, 1);
	kernel_log_copy_new(kernel_log, &seen, ownlog);
	read_notes();
	assert_int_equal(note_count, 0);
}

static void a_flood_of_lines_leaves_the_newest(void **state)
{
	uint64_t now_ns = clock_now_ns();
	char text[100];

	(void)state;
	for (int i = 0; i < 400; i++) {
		snprintf(text, sizeof(text), "INFO: task a:%d blocked for more than 2 seconds.", i);
		log_line(now_ns, text);
		kernel_log_look(kernel_log);
	}
	kernel_log_copy(kernel_log, now_ns, ownlog);
	read_notes();
	assert_int_equal(note_count, 256);
	assert_non_null(strstr(notes[255].text, "task a:399 "));
}

static void a_log_that_is_not_there_is_none(void **state)
{
	struct kernel_log *log = NULL;
	uint64_t seen = 0;

	(void)state;
	assert_int_equal(kernel_log_open("/nonexistent/kmsg", &log), -ENOENT);
	assert_null(log);
	kernel_log_look(log);
	kernel_log_copy(log, 0, ownlog);
	kernel_log_copy_new(log, &seen, ownlog);
	kernel_log_close(log);
	read_notes();
	assert_int_equal(note_count, 0);
}

/* Without the clock no line could be dated. */
static void a_log_whose_clock_is_not_known_is_not_read(void **state)
{
	struct kernel_log *log = NULL;

	(void)state;
	close(write_fd);
	offset_error = -EACCES;
	assert_int_equal(kernel_log_open_fd(open_log(), made_up_offset, &log), -EACCES);
	assert_null(log);
}

UNIT_TESTS(kernel_log)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(hung_task_lines_are_kept_as_the_kernel_wrote_them),
		TEST(other_lines_are_not_kept),
		TEST(the_time_of_a_line_is_on_the_clock_of_the_capture),
		TEST(a_line_is_dated_between_the_look_before_and_this_one),
		TEST(lines_of_the_last_ten_minutes_are_told),
		TEST(what_is_new_is_copied_once),
		TEST(a_flood_of_lines_leaves_the_newest),
		TEST(a_log_that_is_not_there_is_none),
		TEST(a_log_whose_clock_is_not_known_is_not_read),
	};
	return run_unit_tests(tests, NULL, NULL);
}
