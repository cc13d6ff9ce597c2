/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who stands at the root of the wake-ups that ended a wait.
 */
#include "analyzer/activity/wake_root.h"
#include "tests/unit/support/actors.h"
#include "tests/unit/support/unit_test.h"

#define MS SCENE_MS
#define US SCENE_US

#define OWN_SOFTIRQ                                                                              \
	"try_to_wake_up < sock_def_readable < process_backlog < handle_softirqs < do_softirq < " \
	"__local_bh_enable_ip < ip_finish_output2"

static const struct actor waiter = { { 101, 100, "waiter" }, 0 };
static const struct actor second = { { 102, 100, "second" }, 1 };
static const struct actor third = { { 103, 100, "third" }, 2 };

/* The first wait of @who that began in the recording. */
static const struct history_interval *first_wait(const struct scene_observed *observed,
						 const struct actor *who)
{
	const struct history_interval *intervals;
	size_t count = history_intervals(observed->observations.history,
					 scene_observed_thread(observed, &who->task), &intervals);

	for (size_t i = 0; i < count; i++)
		if (intervals[i].state == THREAD_BLOCKED &&
		    !(intervals[i].flags & INTERVAL_BEGAN_BEFORE))
			return &intervals[i];
	fail_msg("no wait");
	return NULL;
}

static struct wake_root find_root(const struct scene_observed *observed, const struct actor *who)
{
	return wake_root_find(observed->observations.history, observed->stack_infos,
			      scene_observed_thread(observed, &who->task),
			      first_wait(observed, who));
}

static void assert_root(const struct scene_observed *observed, enum wake_end end,
			const struct actor *who, uint32_t links, uint64_t at_ns)
{
	struct wake_root root = find_root(observed, &waiter);

	assert_int_equal(root.end, end);
	if (who)
		assert_int_equal(root.thread->tid, who->task.tid);
	else
		assert_null(root.thread);
	assert_int_equal(root.links, links);
	assert_int_equal(root.at_ns - SCENE_START_NS, at_ns);
}

/* The waiter waits in @stack until an interrupt, in @interrupt, that came while it was idle. */
static enum wake_end end_of_interrupt(const char *stack, const char *interrupt)
{
	struct scene *scene = scene_create(1);
	struct scene_observed observed;
	struct wake_root root;

	actor_comes(scene, &waiter, 10 * MS);
	actor_waits(scene, &waiter, 20 * MS, stack);
	if (interrupt)
		actor_interrupted(scene, &waiter, 520 * MS, interrupt);
	scene_observe(scene, 600 * MS, &observed);
	root = find_root(&observed, &waiter);
	assert_null(root.thread);
	scene_observed_free(&observed);
	return root.end;
}

static void interrupts_are_timers_or_come_from_outside(void **state)
{
	(void)state;
	assert_int_equal(end_of_interrupt(PIPE_READ, PACKET_COMES), WAKE_OUTSIDE);
	assert_int_equal(end_of_interrupt(PIPE_READ, TIMER_FIRES), WAKE_TIMER);
	assert_int_equal(end_of_interrupt(PIPE_READ, ""), WAKE_OUTSIDE);
	assert_int_equal(end_of_interrupt(NANOSLEEP, ""), WAKE_TIMER);
	assert_int_equal(end_of_interrupt(PIPE_READ, NULL), WAKE_OPEN);
}

/* Two waits from 20 ms to 500 ms; the third runs all the while, in the second's wait @stack. */
static void play_chain(struct scene *scene, const char *stack, uint64_t second_from_ms)
{
	actor_comes(scene, &third, 5 * MS);
	actor_comes(scene, &waiter, 10 * MS);
	actor_waits(scene, &waiter, 20 * MS, PIPE_READ);
	actor_comes(scene, &second, 10 * MS);
	actor_waits(scene, &second, second_from_ms * MS, stack);
	actor_wakes(scene, &third, 500 * MS, POSTS, &second);
	actor_wakes(scene, &second, 500 * MS + 10 * US, POSTS, &waiter);
	actor_waits(scene, &waiter, 502 * MS, PIPE_READ);
}

static void root_is_the_waker_of_a_waker_that_waited_likewise(void **state)
{
	static const struct {
		const char *stack;
		uint64_t from_ms;
		bool followed;
	} cases[] = {
		{ PIPE_READ, 20, true },   { SEND, 20, true }, /* hands something on */
		{ PIPE_READ, 259, true }, /* half of the time */
		{ PIPE_READ, 260, false }, { NANOSLEEP, 20, false }, /* it chose to */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct scene *scene = scene_create(3);
		struct scene_observed observed;

		play_chain(scene, cases[i].stack, cases[i].from_ms);
		scene_observe(scene, 600 * MS, &observed);
		if (cases[i].followed)
			assert_root(&observed, WAKE_THREAD, &third, 2, 500 * MS);
		else
			assert_root(&observed, WAKE_THREAD, &second, 1, 500 * MS + 10 * US);
		scene_observed_free(&observed);
	}
}

/* Who sends through the loopback device wakes in a softirq of its own. */
static void sender_in_its_own_softirq_is_the_waker(void **state)
{
	struct scene *scene = scene_create(3);
	struct scene_observed observed;

	(void)state;
	actor_comes(scene, &waiter, 10 * MS);
	actor_waits(scene, &waiter, 20 * MS, EPOLL);
	actor_comes(scene, &second, 100 * MS);
	actor_wakes(scene, &second, 500 * MS, OWN_SOFTIRQ, &waiter);
	scene_observe(scene, 600 * MS, &observed);
	assert_root(&observed, WAKE_THREAD, &second, 1, 500 * MS);
	scene_observed_free(&observed);
}

/* Each of a queue wakes the next one: so many are followed, and then nobody is named. */
static void queue_longer_than_any_has_no_root(void **state)
{
	(void)state;
	for (int32_t more = 0; more < 2; more++) {
		const int32_t count = 256 + more;
		struct scene *scene = scene_create(2);
		struct scene_observed observed;
		struct actor one = { { 1000, 100, "one" }, 0 }, next = one;
		struct wake_root root;

		for (int32_t i = 0; i < count; i++) {
			one.task.tid = 1000 + i;
			actor_comes(scene, &one, (10 + (uint64_t)i) * MS);
			actor_waits(scene, &one, (10 + (uint64_t)i) * MS + 9 * US, PIPE_READ);
		}
		actor_comes(scene, &second, 400 * MS);
		one.task.tid = 1000;
		scene_waking(scene, second.cpu, 5000 * MS, &second.task, POSTS, &one.task);
		for (int32_t i = 0; i < count; i++) {
			uint64_t at_ns = 5000 * MS + ((uint64_t)i + 1) * 20 * US;

			one.task.tid = 1000 + i;
			next.task.tid = 1001 + i;
			actor_comes(scene, &one, at_ns);
			if (i + 1 < count)
				scene_waking(scene, 0, at_ns + US, &one.task, POSTS, &next.task);
			actor_waits(scene, &one, at_ns + 9 * US, PIPE_READ);
		}
		scene_observe(scene, 6000 * MS, &observed);
		root = find_root(&observed, &one);
		assert_int_equal(root.end, more ? WAKE_UNSEEN : WAKE_THREAD);
		scene_observed_free(&observed);
	}
}

UNIT_TESTS(wake_root)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(interrupts_are_timers_or_come_from_outside),
		cmocka_unit_test(root_is_the_waker_of_a_waker_that_waited_likewise),
		cmocka_unit_test(sender_in_its_own_softirq_is_the_waker),
		cmocka_unit_test(queue_longer_than_any_has_no_root),
	};

	return run_unit_tests(tests, NULL, NULL);
}
