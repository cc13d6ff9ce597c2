/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "recorder/base/clock.h"
#include "recorder/base/abandonable_task.h"
#include "tests/unit/support/unit_test.h"

#define PATIENCE_MS 20000

struct capture_writer {
	sem_t go, discarded;
	int policy;
	int signals_open;
	char name[16];
};

static void init_job(struct capture_writer *job)
{
	*job = (struct capture_writer){ .policy = -1 };
	sem_init(&job->go, 0, 0);
	sem_init(&job->discarded, 0, 0);
}

static void run_job(void *context)
{
	struct capture_writer *job = context;
	struct sched_param parameter;
	sigset_t blocked;

	pthread_getschedparam(pthread_self(), &job->policy, &parameter);
	pthread_sigmask(SIG_SETMASK, NULL, &blocked);
	job->signals_open = !sigismember(&blocked, SIGTERM) + !sigismember(&blocked, SIGCHLD) +
			    !sigismember(&blocked, SIGUSR2);
	pthread_getname_np(pthread_self(), job->name, sizeof(job->name));
	while (sem_wait(&job->go) < 0 && errno == EINTR)
		;
}

static void discard_job(void *context)
{
	sem_post(&((struct capture_writer *)context)->discarded);
}

static int count_discards(struct capture_writer *job)
{
	int count;
	sem_getvalue(&job->discarded, &count);
	return count;
}

static void errand_that_is_done_is_discarded_by_its_owner(void **state)
{
	struct abandonable_task *errand = NULL;
	struct capture_writer job;

	(void)state;
	init_job(&job);
	assert_int_equal(abandonable_task_start("ft-test", run_job, discard_job, &job, &errand), 0);
	assert_false(abandonable_task_wait(errand, 0));
	sem_post(&job.go);
	struct pollfd pollfd = { .fd = abandonable_task_done_fd(errand), .events = POLLIN };
	assert_int_equal(poll(&pollfd, 1, PATIENCE_MS), 1);
	assert_true(abandonable_task_wait(errand, 0));
	assert_int_equal(count_discards(&job), 0);
	assert_true(abandonable_task_leave(errand, 0));
	assert_int_equal(count_discards(&job), 1);
	assert_int_equal(job.policy, SCHED_OTHER);
	assert_int_equal(job.signals_open, 0);
	assert_string_equal(job.name, "ft-test");
}

static void errand_that_is_stuck_is_left_and_discards_itself(void **state)
{
	struct abandonable_task *errand = NULL;
	struct capture_writer job;
	uint64_t start_ns = clock_now_ns();
	struct timespec end;

	(void)state;
	init_job(&job);
	assert_int_equal(abandonable_task_start("ft-test", run_job, discard_job, &job, &errand), 0);
	assert_false(abandonable_task_leave(errand, 20));
	assert_in_range(clock_now_ns() - start_ns, 20 * 1000000, PATIENCE_MS * 1000000ull);
	assert_int_equal(count_discards(&job), 0);
	sem_post(&job.go);
	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += PATIENCE_MS / 1000;
	assert_int_equal(sem_timedwait(&job.discarded, &end), 0);
}

/* The owner leaves while the work ends: exactly one of both discards. */
static void leaving_at_the_end_discards_once(void **state)
{
	(void)state;
	for (int i = 0; i < 500; i++) {
		struct abandonable_task *errand = NULL;
		struct capture_writer job;
		struct timespec end;

		init_job(&job);
		assert_int_equal(abandonable_task_start("ft-test", run_job, discard_job, &job, &errand), 0);
		sem_post(&job.go);
		if (i % 2)
			sched_yield();
		abandonable_task_leave(errand, 0);
		clock_gettime(CLOCK_REALTIME, &end);
		end.tv_sec += PATIENCE_MS / 1000;
		assert_int_equal(sem_timedwait(&job.discarded, &end), 0);
		assert_int_equal(count_discards(&job), 0);
	}
}

static void leaving_none_is_fine(void **state)
{
	(void)state;
	assert_true(abandonable_task_leave(NULL, PATIENCE_MS));
}

UNIT_TESTS(abandonable_task)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(errand_that_is_done_is_discarded_by_its_owner),
		cmocka_unit_test(errand_that_is_stuck_is_left_and_discards_itself),
		cmocka_unit_test(leaving_at_the_end_discards_once),
		cmocka_unit_test(leaving_none_is_fine),
	};
	return run_unit_tests(tests, NULL, NULL);
}
