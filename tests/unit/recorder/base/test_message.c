/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "recorder/base/message.h"
#include "tests/unit/support/unit_test.h"

static int saved_stderr = -1;

/* Standard error keeps the bounds of writes: a write is a datagram. Returns where to read them. */
static int catch_writes(void)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, fds), 0);
	saved_stderr = dup(STDERR_FILENO);
	dup2(fds[1], STDERR_FILENO);
	close(fds[1]);
	return fds[0];
}

static void restore_stderr(void)
{
	dup2(saved_stderr, STDERR_FILENO);
	close(saved_stderr);
}

static void assert_one_write(int fd, const char *text)
{
	char got[16384];
	ssize_t bytes = recv(fd, got, sizeof(got) - 1, MSG_DONTWAIT);

	assert_true(bytes >= 0);
	got[bytes] = '\0';
	assert_string_equal(got, text);
	assert_int_equal(recv(fd, got, sizeof(got), MSG_DONTWAIT), -1);
	assert_int_equal(errno, EAGAIN);
	close(fd);
}

static void message_is_one_write_with_a_newline(void **state)
{
	int fd = catch_writes();

	errno = EACCES;
	message_error("cannot read %s: %m\n  next step %d", "x", 7);
	restore_stderr();
	assert_one_write(fd, "recorder: cannot read x: Permission denied\n  next step 7\n");
	(void)state;
}

static void message_adds_no_second_newline(void **state)
{
	int fd = catch_writes();

	message_error("done\n");
	restore_stderr();
	assert_one_write(fd, "recorder: done\n");
	(void)state;
}

static void names_reach_the_terminal_without_control_characters(void **state)
{
	int fd = catch_writes();

	message_error("%s|%s|%s", "\033[2Ja\nb\tc\r\x7f", "\x01\x02", "caf\xc3\xa9 \xe2\x82\xac");
	restore_stderr();
	assert_one_write(fd, "recorder: \\x1b[2Ja\\x0ab\\x09c\\x0d\\x7f|\\x01\\x02|caf\xc3\xa9 "
			     "\xe2\x82\xac\n");
	(void)state;
}

static void damaged_utf8_is_escaped(void **state)
{
	int fd = catch_writes();

	/* lone continuation, overlong, C1 control, surrogate, above the range, cut off */
	message_error("%s %s %s %s %s %s", "\x80", "\xc0\xaf", "\xc2\x85", "\xed\xa0\x80",
		      "\xf4\x90\x80\x80", "\xe2\x82");
	restore_stderr();
	assert_one_write(fd, "recorder: \\x80 \\xc0\\xaf \\xc2\\x85 \\xed\\xa0\\x80 "
			     "\\xf4\\x90\\x80\\x80 \\xe2\\x82\n");
	(void)state;
}

static void message_longer_than_the_buffer_is_cut(void **state)
{
	static char name[100000];
	char got[20000];
	int fd = catch_writes();
	ssize_t bytes;

	memset(name, '\x1b', sizeof(name) - 1);
	message_error("%s", name);
	restore_stderr();
	bytes = recv(fd, got, sizeof(got), MSG_DONTWAIT);
	assert_true(bytes > 1000 && bytes < (ssize_t)sizeof(got));
	assert_int_equal(got[bytes - 1], '\n');
	close(fd);
	(void)state;
}

static void progress_is_silent_where_there_is_no_terminal(void **state)
{
	int fd = catch_writes();
	char byte;

	message_progress("%d s", 3);
	message_progress_end();
	restore_stderr();
	assert_int_equal(recv(fd, &byte, 1, MSG_DONTWAIT), -1);
	close(fd);
	(void)state;
}

static void assert_terminal_shows(int terminal, const char *text)
{
	char got[256];
	ssize_t bytes = read(terminal, got, sizeof(got) - 1);

	assert_true(bytes >= 0);
	got[bytes] = '\0';
	assert_string_equal(got, text);
}

static void progress_line_is_drawn_anew_and_makes_way_for_messages(void **state)
{
	int terminal = posix_openpt(O_RDWR | O_NOCTTY), line;

	assert_true(terminal >= 0);
	assert_int_equal(grantpt(terminal) | unlockpt(terminal), 0);
	line = open(ptsname(terminal), O_RDWR | O_NOCTTY);
	assert_true(line >= 0);
	saved_stderr = dup(STDERR_FILENO);
	dup2(line, STDERR_FILENO);
	message_progress("%d s", 3);
	assert_terminal_shows(terminal, "\r\033[K3 s");
	message_error("oops");
	assert_terminal_shows(terminal, "\r\033[Krecorder: oops\r\n");
	message_progress("%d s", 4);
	assert_terminal_shows(terminal, "\r\033[K4 s");
	message_progress_end();
	assert_terminal_shows(terminal, "\r\033[K");
	restore_stderr();
	close(line);
	close(terminal);
	(void)state;
}

UNIT_TESTS(message)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(message_is_one_write_with_a_newline),
		cmocka_unit_test(message_adds_no_second_newline),
		cmocka_unit_test(names_reach_the_terminal_without_control_characters),
		cmocka_unit_test(damaged_utf8_is_escaped),
		cmocka_unit_test(message_longer_than_the_buffer_is_cut),
		cmocka_unit_test(progress_is_silent_where_there_is_no_terminal),
		cmocka_unit_test(progress_line_is_drawn_anew_and_makes_way_for_messages),
	};

	return run_unit_tests(tests, NULL, NULL);
}
