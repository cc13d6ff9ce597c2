/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "recorder/proc/target.h"
#include "tests/unit/support/unit_test.h"

static void lists_are_read_and_added_up(void **state)
{
	struct target target = { .count = 0 };
	char text[64];
	(void)state;
	assert_int_equal(target_parse(&target, "1,22"), 0);
	assert_int_equal(target_parse(&target, "333"), 0);
	target_text(&target, text, sizeof(text));
	assert_string_equal(text, "1,22,333");
}

static void no_target_is_the_host(void **state)
{
	struct target target = { .count = 0 };
	char text[64];
	(void)state;
	target_text(&target, text, sizeof(text));
	assert_string_equal(text, "host");
	assert_false(target_exited(&target));
}

static void what_is_no_list_is_refused(void **state)
{
	static const char *const CASES[] = { "",	  ",", "1,", ",1",  "0",
					     "-1",	  "x", "1x", "1 ", "99999999999999999999",
					     "2147483648" };
	(void)state;
	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
		struct target target = { .count = 0 };
		assert_int_equal(target_parse(&target, CASES[i]), -EINVAL);
	}
	struct target target = { .count = TARGET_MAX };
	assert_int_equal(target_parse(&target, "1"), -E2BIG);
}

/* As pidof writes it. */
static void blanks_separate_a_list_too(void **state)
{
	struct target target = { .count = 0 };

	(void)state;
	assert_int_equal(target_parse(&target, "7648 7649"), 0);
	assert_int_equal(target.count, 2);
	assert_int_equal(target.tgids[1], 7649);
}

static void exit_of_the_last_process_is_seen(void **state)
{
	struct target target = { .count = 0 };
	int32_t missing = 0;
	(void)state;
	pid_t child = fork();
	if (!child) {
		pause();
		_exit(0);
	}
	target.tgids[0] = child;
	target.tgids[1] = child; /* named twice */
	target.count = 2;
	assert_int_equal(target_open(&target, &missing), 0);
	assert_int_equal(target.count, 1);
	assert_false(target_exited(&target));
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	assert_true(target_exited(&target));
	target_close(&target);

	/* Now it is gone. */
	assert_int_equal(target_open(&target, &missing), -ESRCH);
	assert_int_equal(missing, child);
}

struct thread {
	pthread_barrier_t barrier;
	int32_t tid;
};

static void *thread_main(void *context)
{
	struct thread *thread = context;
	thread->tid = (int32_t)syscall(SYS_gettid);
	pthread_barrier_wait(&thread->barrier);
	pthread_barrier_wait(&thread->barrier);
	return NULL;
}

static void thread_id_means_its_process(void **state)
{
	struct thread thread;
	struct target target = { .count = 1, .pidfds = { -1 } };
	pthread_t id;
	int32_t missing;
	(void)state;
	pthread_barrier_init(&thread.barrier, NULL, 2);
	assert_int_equal(pthread_create(&id, NULL, thread_main, &thread), 0);
	pthread_barrier_wait(&thread.barrier);
	target.tgids[0] = thread.tid;
	assert_int_equal(target_open(&target, &missing), 0);
	assert_int_not_equal(thread.tid, getpid());
	assert_int_equal(target.tgids[0], getpid());
	assert_true(strlen(target.comm) > 0);
	target_close(&target);
	pthread_barrier_wait(&thread.barrier);
	pthread_join(id, NULL);
	pthread_barrier_destroy(&thread.barrier);
}

UNIT_TESTS(target)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_are_read_and_added_up),
		cmocka_unit_test(no_target_is_the_host),
		cmocka_unit_test(what_is_no_list_is_refused),
		cmocka_unit_test(blanks_separate_a_list_too),
		cmocka_unit_test(exit_of_the_last_process_is_seen),
		cmocka_unit_test(thread_id_means_its_process),
	};
	return run_unit_tests(tests, NULL, NULL);
}
