/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lazy stacks of a thread of this very program; what the events say is made up.
 */
#include "config.h"

#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "recorder/base/clock.h"
#include "recorder/record/deferred_stacks.h"
#include "tests/unit/support/unit_test.h"

#define DEADLINE_NS 30000000000ull

/* The linker puts this in front of openat: a file of /proc that does not open for ever. */
int __real_openat(int directory, const char *name, int flags, ...);
int __wrap_openat(int directory, const char *name, int flags, ...);

static _Atomic bool stack_hangs;
static sem_t stack_may_open;

int __wrap_openat(int directory, const char *name, int flags, ...)
{
	if (stack_hangs && !strcmp(name, "stack"))
		while (sem_wait(&stack_may_open) < 0)
			;
	return __real_openat(directory, name, flags);
}

struct world {
	struct kallsyms *kallsyms;
	struct blocked_threads *sleepers;
	struct target target;
	struct deferred_stacks *lazy;
	int pipe_fds[2];
	pthread_t thread;
	_Atomic int32_t tid;
	unsigned int emitted;
	struct ft_task task;
	size_t frames;
	bool in_pipe_read;
};

static void *read_pipe(void *context)
{
	struct world *world = context;
	char byte;
	world->tid = gettid();
	(void)!read(world->pipe_fds[0], &byte, 1);
	return NULL;
}

static void take_event(void *context, const struct ft_event *event)
{
	struct world *world = context;
	world->emitted++;
	assert_int_equal(event->kind, FT_EVENT_STATE);
	world->task = *event->task;
	world->frames = event->stack->kernel_count;
	for (size_t i = 0; i < world->frames; i++) {
		uint64_t offset_bytes;
		const char *module, *name;
		name = kallsyms_find(world->kallsyms, event->stack->frames[i], &offset_bytes,
				     &module);
		if (name && strstr(name, "pipe_read"))
			world->in_pipe_read = true;
	}
}

/* Asleep in read(), by the kernel's word. */
static bool is_asleep(int32_t tid)
{
	char path[64], text[512], *end;
	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
	int fd = open(path, O_RDONLY);
	ssize_t got = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (fd >= 0)
		close(fd);
	if (got <= 0)
		return false;
	text[got] = '\0';
	end = strrchr(text, ')');
	return end && end[2] == 'S';
}

static int set_up(void **state)
{
	struct world *world = calloc(1, sizeof(*world));
	*state = world;
	stack_hangs = false;
	sem_init(&stack_may_open, 0, 0);
	if (!world || blocked_threads_create(64, &world->sleepers) || pipe(world->pipe_fds))
		return -1;
	kallsyms_read("/proc/kallsyms", &world->kallsyms);
	world->target = (struct target){ .tgids = { getpid() }, .count = 1 };
	struct deferred_stacks_options options = { .blocked = world->sleepers,
					.target = &world->target,
					.kallsyms = world->kallsyms,
					.emit = take_event,
					.context = world };
	if (deferred_stacks_create(&options, &world->lazy) ||
	    pthread_create(&world->thread, NULL, read_pipe, world))
		return -1;
	uint64_t deadline_ns = clock_now_ns() + DEADLINE_NS;
	while (!world->tid || !is_asleep(world->tid))
		if (clock_now_ns() > deadline_ns)
			return -1;
	return 0;
}

static int tear_down(void **state)
{
	struct world *world = *state;
	(void)!write(world->pipe_fds[1], "", 1);
	pthread_join(world->thread, NULL);
	deferred_stacks_destroy(world->lazy);
	blocked_threads_destroy(world->sleepers);
	kallsyms_free(world->kallsyms);
	close(world->pipe_fds[0]);
	close(world->pipe_fds[1]);
	free(world);
	return 0;
}

static void block_thread(struct world *world, uint64_t time_ns)
{
	static const struct ft_task IDLE = { .tid = 0 };
	const struct ft_task task = { .tid = world->tid, .tgid = getpid(), .comm = "pipes" };
	blocked_threads_event(world->sleepers,
		       &(struct ft_event){ .kind = FT_EVENT_SWITCH,
					   .time_ns = time_ns,
					   .task = &task,
					   .switch_ = { &IDLE, FT_STATE_SLEEPING } });
}

/* Look until @count readings are judged; all events up to now are drained. */
static void look_until_read(struct world *world, uint64_t count)
{
	struct deferred_stacks_status status;
	uint64_t deadline_ns = clock_now_ns() + DEADLINE_NS;
	do {
		assert_true(clock_now_ns() < deadline_ns);
		deferred_stacks_look(world->lazy, clock_now_ns());
		deferred_stacks_status(world->lazy, &status);
	} while (status.read < count);
}

static void need_stacks(const struct world *world)
{
	if (geteuid() || !world->kallsyms) {
		print_message("only root sees stacks\n");
		skip();
	}
}

static void lazy_keeps_the_stack_of_a_thread_that_slept_on(void **state)
{
	struct world *world = *state;
	struct deferred_stacks_status status;
	need_stacks(world);
	block_thread(world, clock_now_ns() - 2 * DEFERRED_THRESHOLD_NS);
	look_until_read(world, 1);
	deferred_stacks_status(world->lazy, &status);
	assert_int_equal(status.kept, 1);
	assert_int_equal(world->emitted, 1);
	assert_int_equal(world->task.tid, world->tid);
	assert_int_equal(world->task.tgid, getpid());
	assert_true(world->in_pipe_read);
}

static void lazy_drops_the_stack_of_a_thread_to_which_something_happened(void **state)
{
	struct world *world = *state;
	struct deferred_stacks_status status;
	uint64_t slept_ns = clock_now_ns() - 2 * DEFERRED_THRESHOLD_NS;
	block_thread(world, slept_ns);
	/* Drained so far that it is due, but not to the end of the reading: nothing is judged yet. */
	deferred_stacks_look(world->lazy, slept_ns + DEFERRED_THRESHOLD_NS);
	block_thread(world, slept_ns + DEFERRED_THRESHOLD_NS + 1);
	look_until_read(world, 1);
	deferred_stacks_status(world->lazy, &status);
	assert_int_equal(status.changed, 1);
	assert_int_equal(world->emitted, 0);
}

static void lazy_waits_until_the_events_are_known(void **state)
{
	struct world *world = *state;
	struct deferred_stacks_status status;
	uint64_t slept_ns = clock_now_ns() - 2 * DEFERRED_THRESHOLD_NS;
	block_thread(world, slept_ns);
	for (int i = 0; i < 1000; i++)
		deferred_stacks_look(world->lazy, slept_ns + DEFERRED_THRESHOLD_NS);
	deferred_stacks_status(world->lazy, &status);
	assert_int_equal(status.read, 0);
	look_until_read(world, 1);
}

static void lazy_leaves_short_sleeps_alone_and_reads_a_long_one_once(void **state)
{
	struct world *world = *state;
	struct deferred_stacks_status status;
	uint64_t now_ns = clock_now_ns();
	block_thread(world, now_ns - DEFERRED_THRESHOLD_NS + 1);
	for (int i = 0; i < 1000; i++)
		deferred_stacks_look(world->lazy, now_ns);
	deferred_stacks_status(world->lazy, &status);
	assert_int_equal(status.read, 0);
	look_until_read(world, 1);
	for (int i = 0; i < 1000; i++)
		deferred_stacks_look(world->lazy, clock_now_ns() + DEFERRED_THRESHOLD_NS);
	deferred_stacks_status(world->lazy, &status);
	assert_int_equal(status.read, 1);
}

static void lazy_leaves_a_reading_behind_that_hangs(void **state)
{
	struct world *world = *state;
	struct deferred_stacks_status status;
	uint64_t deadline_ns = clock_now_ns() + DEADLINE_NS;
	need_stacks(world);
	stack_hangs = true;
	block_thread(world, clock_now_ns() - 2 * DEFERRED_THRESHOLD_NS);
	do {
		uint64_t before_ns = clock_now_ns();
		assert_true(before_ns < deadline_ns);
		deferred_stacks_look(world->lazy, before_ns);
		deferred_stacks_status(world->lazy, &status);
	} while (!status.left_behind);
	assert_int_equal(deferred_stacks_stuck(), 1);
	/* The next one is read all the same. */
	stack_hangs = false;
	block_thread(world, clock_now_ns() - 2 * DEFERRED_THRESHOLD_NS);
	look_until_read(world, 1);
	assert_int_equal(world->emitted, 1);
	sem_post(&stack_may_open);
	while (deferred_stacks_stuck())
		assert_true(clock_now_ns() < deadline_ns);
}

UNIT_TESTS(deferred_stacks)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(lazy_keeps_the_stack_of_a_thread_that_slept_on,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			lazy_drops_the_stack_of_a_thread_to_which_something_happened, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(lazy_waits_until_the_events_are_known, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(
			lazy_leaves_short_sleeps_alone_and_reads_a_long_one_once, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(lazy_leaves_a_reading_behind_that_hangs, set_up,
						tear_down),
	};
	return run_unit_tests(tests, NULL, NULL);
}
