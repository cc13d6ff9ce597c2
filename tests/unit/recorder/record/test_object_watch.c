/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which threads are read, and when: a child that waits at a pipe, of which no event tells.
 */
#include "config.h"

#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "recorder/record/object_watch.h"
#include "tests/unit/support/unit_test.h"

#define TRIES 3000 /* of 10 ms: a busy host is slow */

struct seen {
	_Atomic int objects, peers, states;
	_Atomic int32_t peer;
};

static void see_event(void *context, const struct ft_event *event)
{
	struct seen *seen = context;

	if (event->kind == FT_EVENT_PEER)
		seen->peer = event->peer.task->tgid;
	seen->peers += event->kind == FT_EVENT_PEER;
	seen->states += event->kind == FT_EVENT_STATE;
	seen->objects += event->kind == FT_EVENT_OBJECT;
}

static void await_count(_Atomic int *count, int wanted)
{
	for (int i = 0; i < TRIES && *count < wanted; i++)
		usleep(10000);
	assert_true(*count >= wanted);
}

static pid_t start_reader(int ends[2])
{
	char byte;

	assert_int_equal(pipe(ends), 0);
	pid_t child = fork();
	if (child)
		return child;
	close(ends[1]);
	(void)!read(ends[0], &byte, 1);
	_exit(0);
}

static void wait_from_before_is_read_once_and_again_when_asked(void **state)
{
	struct target target = { .count = 1 };
	struct seen seen = { 0 };
	struct blocked_threads *blocked;
	struct object_watch *watch;
	int ends[2];

	(void)state;
	pid_t child = start_reader(ends);
	target.tgids[0] = child;
	target.pidfds[0] = -1;
	assert_int_equal(blocked_threads_create(16, &blocked), 0);
	assert_int_equal(object_watch_start(&(struct object_watch_options){ .blocked = blocked,
									   .target = &target,
									   .emit = see_event,
									   .context = &seen },
					    &watch),
			 0);
	/* The child may not be in its read() yet when it is first looked at. */
	for (int i = 0; i < TRIES && !seen.objects; i++) {
		object_watch_refresh(watch);
		usleep(300000);
	}
	await_count(&seen.states, 1);
	assert_true(seen.peers >= 1);
	assert_int_equal(seen.peer, getpid());
	int before = seen.objects;
	object_watch_refresh(watch);
	await_count(&seen.objects, before + 1);
	object_watch_stop(watch);
	assert_int_equal(object_watch_stuck(), 0);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	close(ends[0]);
	close(ends[1]);
	blocked_threads_destroy(blocked);
}

static void wait_that_events_tell_of_is_read_once_it_is_long(void **state)
{
	struct target target = { .count = 1 };
	struct seen seen = { 0 };
	struct blocked_threads *blocked;
	struct object_watch *watch;
	static const struct ft_task idle = { 0, 0, "swapper" };
	int ends[2];

	(void)state;
	pid_t child = start_reader(ends);
	const struct ft_task task = { .tid = child, .tgid = child, .comm = "child" };
	target.tgids[0] = child;
	target.pidfds[0] = -1;
	assert_int_equal(blocked_threads_create(16, &blocked), 0);
	usleep(300000);
	blocked_threads_event(blocked, &(struct ft_event){ .kind = FT_EVENT_SWITCH,
							   .time_ns = 1,
							   .task = &task,
							   .switch_ = { &idle, FT_STATE_SLEEPING } });
	assert_int_equal(object_watch_start(&(struct object_watch_options){ .blocked = blocked,
									   .target = &target,
									   .emit = see_event,
									   .context = &seen },
					    &watch),
			 0);
	await_count(&seen.objects, 1);
	object_watch_stop(watch);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	close(ends[0]);
	close(ends[1]);
	blocked_threads_destroy(blocked);
}

UNIT_TESTS(object_watch)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wait_from_before_is_read_once_and_again_when_asked),
		cmocka_unit_test(wait_that_events_tell_of_is_read_once_it_is_long),
	};

	return run_unit_tests(tests, NULL, NULL);
}
