/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <poll.h>
#include <sched.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "capture/event.h"
#include "recorder/buffer/recorder_events.h"
#include "recorder/proc/proc_task.h"
#include "recorder/proc/target.h"
#include "recorder/proc/thread_states.h"
#include "tests/unit/support/unit_test.h"

#define GOOD  5000000 /* no process has such a number */
#define STUCK 5000002

/* Reading the process STUCK ends when something can be read here. */
static int release[2];

int __real_proc_task_visit(int32_t tgid, const struct kallsyms *kallsyms,
			    int (*visit)(void *context, const struct ft_event *event),
			    void *context);
int __wrap_proc_task_visit(int32_t tgid, const struct kallsyms *kallsyms,
			    int (*visit)(void *context, const struct ft_event *event),
			    void *context);

int __wrap_proc_task_visit(int32_t tgid, const struct kallsyms *kallsyms,
			    int (*visit)(void *context, const struct ft_event *event),
			    void *context)
{
	const struct ft_task task = { .tid = tgid, .tgid = tgid };
	struct pollfd poll_fd = { .fd = release[0], .events = POLLIN };
	if (!release[0]) /* another group of this program */
		return __real_proc_task_visit(tgid, kallsyms, visit, context);
	if (tgid == STUCK)
		poll(&poll_fd, 1, -1);
	return visit(context, &(struct ft_event){ .kind = FT_EVENT_STATE,
						  .cpu = FT_NO_CPU,
						  .time_ns = (uint64_t)tgid,
						  .task = &task });
}

static struct thread_states *start_states(const struct target *target)
{
	return thread_states_start(&(struct thread_states_options){ .target = target });
}

static void all_states_are_handed_over(void **state)
{
	const struct target target = { .tgids = { GOOD, GOOD + 1 }, .count = 2 };
	struct recorder_events *ownlog;
	(void)state;
	assert_int_equal(recorder_events_create(&ownlog), 0);
	struct thread_states *states = start_states(&target);
	assert_non_null(states);
	assert_true(thread_states_finish(states, 10000, ownlog));
	assert_int_equal(recorder_events_count(ownlog), 2);
	recorder_events_destroy(ownlog);
}

/* A process without a target to it: by which rules it gets a CPU, and nothing else. */
static void scheduling_of_cpu_users_is_read_without_a_target(void **state)
{
	const struct ft_task self = { .tid = getpid(), .tgid = getpid() };
	struct recorder_events *ownlog;
	struct thread_states *states;

	(void)state;
	assert_int_equal(recorder_events_create(&ownlog), 0);
	states = thread_states_start(
		&(struct thread_states_options){ .cpu_users = &self, .cpu_user_count = 1 });
	assert_non_null(states);
	assert_true(thread_states_finish(states, 10000, ownlog));
	assert_true(recorder_events_count(ownlog) >= 1);
	recorder_events_destroy(ownlog);
}

static void nobody_waits_for_a_process_that_is_stuck(void **state)
{
	const struct target target = { .tgids = { GOOD, STUCK, GOOD + 1 }, .count = 3 };
	struct timespec end, now;
	struct recorder_events *ownlog;
	(void)state;
	assert_int_equal(recorder_events_create(&ownlog), 0);
	struct thread_states *states = start_states(&target);
	assert_non_null(states);
	clock_gettime(CLOCK_MONOTONIC, &end);
	assert_false(thread_states_finish(states, 200, ownlog));
	clock_gettime(CLOCK_MONOTONIC, &now);
	assert_true(now.tv_sec - end.tv_sec < 100);
	assert_int_equal(recorder_events_count(ownlog), 1); /* what came before it */
	assert_int_equal(thread_states_stuck(), 1);

	/* What comes later goes nowhere, and the thread ends. */
	assert_int_equal(write(release[1], "x", 1), 1);
	end.tv_sec += 60;
	while (thread_states_stuck() && now.tv_sec < end.tv_sec) {
		sched_yield();
		clock_gettime(CLOCK_MONOTONIC, &now);
	}
	assert_int_equal(thread_states_stuck(), 0);
	assert_int_equal(recorder_events_count(ownlog), 1);
	recorder_events_destroy(ownlog);
}

static void too_many_stuck_threads_get_no_company(void **state)
{
	const struct target target = { .tgids = { STUCK }, .count = 1 };
	struct timespec end, now;
	unsigned int started = 0;
	char byte;
	(void)state;
	assert_int_equal(read(release[0], &byte, 1), 1); /* of the test before */
	struct thread_states *states;
	while (started < 1000 && (states = start_states(&target))) {
		thread_states_finish(states, 0, NULL);
		started++;
	}
	assert_true(started > 0 && started < 1000);
	assert_int_equal(thread_states_stuck(), started);
	assert_int_equal(write(release[1], "x", 1), 1);
	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += 60;
	do {
		sched_yield();
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while (thread_states_stuck() && now.tv_sec < end.tv_sec);
	assert_int_equal(thread_states_stuck(), 0);
}

static void nothing_was_started_nothing_is_handed_over(void **state)
{
	(void)state;
	assert_false(thread_states_finish(NULL, 0, NULL));
	thread_states_copy(NULL, 0, NULL);
}

UNIT_TESTS(thread_states)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_states_are_handed_over),
		cmocka_unit_test(scheduling_of_cpu_users_is_read_without_a_target),
		cmocka_unit_test(nobody_waits_for_a_process_that_is_stuck),
		cmocka_unit_test(too_many_stuck_threads_get_no_company),
		cmocka_unit_test(nothing_was_started_nothing_is_handed_over),
	};
	if (pipe(release) < 0)
		return 99;
	return run_unit_tests(tests, NULL, NULL);
}
