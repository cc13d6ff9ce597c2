/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From /proc/locks to notes, and back.
 */
#include "config.h"

#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>

#include "capture/event.h"
#include "capture/filelock.h"
#include "recorder/proc/proc_locks.h"
#include "tests/unit/support/unit_test.h"

struct seen {
	struct ft_filelock locks[8];
	size_t count, stop_at;
};

static int see_lock(void *context, const struct ft_event *event)
{
	struct seen *seen = context;

	assert_int_equal(event->kind, FT_EVENT_NOTE);
	assert_true(event->cpu == FT_NO_CPU && event->time_ns && event->task);
	assert_true(seen->count < 8);
	assert_true(ft_filelock_parse(event->note.text, &seen->locks[seen->count]));
	return ++seen->count == seen->stop_at ? -7 : 0;
}

static int read_text(const char *text, struct seen *seen)
{
	char copy[2048];
	FILE *locks;
	int r;

	strcpy(copy, text);
	locks = fmemopen(copy, strlen(copy), "r");
	assert_non_null(locks);
	r = proc_locks_read(locks, see_lock, seen);
	fclose(locks);
	return r;
}

/* As Linux 6.18 shows it. */
static const char two_waited_for[] =
	"1: FLOCK  ADVISORY  WRITE 32695 fe:00:10953046 0 EOF\n"
	"1: -> FLOCK  ADVISORY  WRITE 32697 fe:00:10953046 0 EOF\n"
	"1:  -> FLOCK  ADVISORY  WRITE 32698 fe:00:10953046 0 EOF\n"
	"2: POSIX  ADVISORY  READ  77 103:05:42 128 255\n"
	"3: POSIX  ADVISORY  WRITE 78 103:05:43 128 255\n"
	"3: -> POSIX  ADVISORY  READ  79 103:05:43 128 128\n";

static void everybody_who_waits_is_told_with_who_has_the_lock(void **state)
{
	struct seen seen = { .count = 0 };

	(void)state;
	assert_int_equal(read_text(two_waited_for, &seen), 0);
	assert_int_equal(seen.count, 3);
	assert_int_equal(seen.locks[0].kind, FT_FILELOCK_FLOCK);
	assert_int_equal(seen.locks[0].major, 0xfe);
	assert_int_equal(seen.locks[0].minor, 0);
	assert_true(seen.locks[0].inode == 10953046);
	assert_int_equal(seen.locks[0].waiter, 32697);
	assert_int_equal(seen.locks[0].holder, 32695);
	assert_int_equal(seen.locks[1].waiter, 32698); /* behind the one before, for the same lock */
	assert_int_equal(seen.locks[1].holder, 32695);
	assert_int_equal(seen.locks[2].kind, FT_FILELOCK_POSIX);
	assert_int_equal(seen.locks[2].major, 0x103);
	assert_int_equal(seen.locks[2].waiter, 79);
	assert_int_equal(seen.locks[2].holder, 78);
}

static void nobody_is_told_to_hold_the_lock_of_an_open_file(void **state)
{
	struct seen seen = { .count = 0 };

	(void)state;
	assert_int_equal(read_text("1: OFDLCK ADVISORY  WRITE -1 fe:00:9 0 EOF\n"
				   "1: -> OFDLCK ADVISORY  WRITE -1 fe:00:9 0 EOF\n",
				   &seen),
			 0);
	assert_int_equal(seen.count, 1);
	assert_int_equal(seen.locks[0].kind, FT_FILELOCK_OFD);
	assert_int_equal(seen.locks[0].waiter, 0);
	assert_int_equal(seen.locks[0].holder, 0);
}

/* The list changed between two readings of it; leases; what no kernel of today says. */
static void lines_that_do_not_fit_are_passed_over(void **state)
{
	static const char *const texts[] = {
		"",
		"\n:\n1:\n1: ->\n",
		"1: -> FLOCK  ADVISORY  WRITE 5 fe:00:9 0 EOF\n",
		"1: FLOCK  ADVISORY  WRITE 4 fe:00:8 0 EOF\n1: -> FLOCK  ADVISORY  WRITE 5 fe:00:9 0 EOF\n",
		"1: LEASE  ACTIVE    READ  4 fe:00:8 0 EOF\n1: -> LEASE  BREAKING  READ  5 fe:00:8 0 EOF\n",
		("1: FLOCK  ADVISORY  WRITE 4 fe:00:8 0 EOF\n2: LEASE  ACTIVE    READ  4 fe:00:8 0 EOF\n"
		 "2: -> FLOCK  ADVISORY  WRITE 5 fe:00:8 0 EOF\n"),
		"1: FLOCK  ADVISORY  WRITE 4 <none>:0 0 EOF\n1: -> FLOCK  ADVISORY  WRITE 5 <none>:0 0 EOF\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct seen seen = { .count = 0 };

		assert_int_equal(read_text(*texts[i] ? texts[i] : "\n", &seen), 0);
		assert_int_equal(seen.count, 0);
	}
}

static void reading_ends_where_nobody_listens_any_more(void **state)
{
	struct seen seen = { .stop_at = 2 };

	(void)state;
	assert_int_equal(read_text(two_waited_for, &seen), -7);
	assert_int_equal(seen.count, 2);
}

static void other_notes_are_no_file_locks(void **state)
{
	static const char *const texts[] = {
		"",
		"file lock: ",
		"file lock: flock 08:01:5 wanted by 1, held by",
		"file lock: flock 08:01:5 wanted by 1, held by 2 ",
		"file lock: flock 08:01:5 wanted by -1, held by 2",
		"file lock: lease 08:01:5 wanted by 1, held by 2",
		"file lock: flockflock 08:01:5 wanted by 1, held by 2",
		"a file lock: flock 08:01:5 wanted by 1, held by 2",
	};
	struct ft_filelock lock;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		assert_false(ft_filelock_parse(texts[i], &lock));
	assert_true(ft_filelock_parse("file lock: flock 08:01:5 wanted by 1, held by 2", &lock));
}

static void greatest_numbers_fit(void **state)
{
	const struct ft_filelock lock = { FT_FILELOCK_FLOCK, UINT32_MAX, UINT32_MAX, UINT64_MAX,
					  INT32_MAX, INT32_MAX };
	char text[FT_FILELOCK_TEXT_BYTES];
	struct ft_filelock back;

	(void)state;
	ft_filelock_text(&lock, text);
	assert_true(ft_filelock_parse(text, &back));
	assert_true(back.inode == lock.inode && back.major == lock.major);
	assert_int_equal(back.holder, lock.holder);
}

static void only_who_sleeps_in_such_a_call_waits_for_one(void **state)
{
	struct ft_event event = { .kind = FT_EVENT_STATE, .state.state = FT_STATE_SLEEPING };

	(void)state;
	event.state.syscall = SYS_flock;
	assert_true(proc_locks_waits(&event));
	event.state.state = FT_STATE_RUNNING;
	assert_false(proc_locks_waits(&event));
	event.state.state = FT_STATE_SLEEPING;
	event.state.syscall = SYS_fcntl;
	assert_false(proc_locks_waits(&event));
	event.state.args[1] = F_SETLKW;
	assert_true(proc_locks_waits(&event));
	event.state.args[1] = F_OFD_SETLKW;
	assert_true(proc_locks_waits(&event));
	event.state.syscall = -1;
	assert_false(proc_locks_waits(&event));
}

UNIT_TESTS(proc_locks)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everybody_who_waits_is_told_with_who_has_the_lock),
		cmocka_unit_test(nobody_is_told_to_hold_the_lock_of_an_open_file),
		cmocka_unit_test(lines_that_do_not_fit_are_passed_over),
		cmocka_unit_test(reading_ends_where_nobody_listens_any_more),
		cmocka_unit_test(other_notes_are_no_file_locks),
		cmocka_unit_test(greatest_numbers_fit),
		cmocka_unit_test(only_who_sleeps_in_such_a_call_waits_for_one),
	};

	return run_unit_tests(tests, NULL, NULL);
}
