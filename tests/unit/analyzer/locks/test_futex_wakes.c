/* SPDX-License-Identifier: Apache-2.0 */
/* Which call of a waker proves that it let a lock go. */
#include <linux/futex.h>

#include "analyzer/locks/futex_wakes.h"
#include "tests/unit/support/unit_test.h"

#define US   1000ull
#define MS   1000000ull
#define LOCK 0x55d22ffdd4c0ull
#define ELSE 0x55d22ffdd500ull

static struct thread waker = { .index = 0, .tid = 100 }, another = { .index = 1, .tid = 101 };
static struct futex_wakes releases;

static int set_up(void **state)
{
	(void)state;
	futex_wakes_init(&releases);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	futex_wakes_free(&releases);
	return 0;
}

static void feed_event(uint64_t at_ns, struct thread *thread, enum ft_event_kind kind)
{
	assert_int_equal(futex_wakes_event(&releases, &(struct event){ .raw = { .kind = kind,
									    .time_ns = at_ns },
								   .thread = thread }),
			 0);
}

static void call_futex(uint64_t at_ns, struct thread *thread, uint64_t address, int operation,
		       uint32_t value)
{
	const struct event event = { .raw = { .kind = FT_EVENT_CALL,
					      .time_ns = at_ns,
					      .call = { .call = FT_CALL_FUTEX,
							.args = { address, (uint32_t)operation,
								  value } } },
				     .thread = thread };

	assert_int_equal(futex_wakes_event(&releases, &event), 0);
}

static bool let_go(uint64_t at_ns)
{
	return futex_wakes_take(&releases, &waker, LOCK, at_ns);
}

static void every_operation_that_wakes_is_a_release(void **state)
{
	static const int wake[] = { FUTEX_WAKE,	       FUTEX_WAKE_PRIVATE, FUTEX_WAKE_BITSET_PRIVATE,
				    FUTEX_WAKE_OP,     FUTEX_REQUEUE,	   FUTEX_CMP_REQUEUE_PRIVATE,
				    FUTEX_UNLOCK_PI,   FUTEX_CMP_REQUEUE_PI,
				    FUTEX_WAKE | FUTEX_CLOCK_REALTIME };
	static const int wait[] = { FUTEX_WAIT,	   FUTEX_WAIT_PRIVATE,	FUTEX_WAIT_BITSET_PRIVATE,
				    FUTEX_LOCK_PI, FUTEX_WAIT_REQUEUE_PI, FUTEX_TRYLOCK_PI, 13, 127 };

	(void)state;
	for (size_t i = 0; i < sizeof(wake) / sizeof(*wake); i++) {
		call_futex(1 * MS, &waker, LOCK, wake[i], 1);
		assert_true(let_go(1 * MS + 2 * US));
	}
	for (size_t i = 0; i < sizeof(wait) / sizeof(*wait); i++) {
		call_futex(1 * MS, &waker, LOCK, FUTEX_WAKE, 1);
		call_futex(1 * MS + 1, &waker, LOCK, wait[i], 1);
		assert_false(let_go(1 * MS + 2 * US));
	}
}

static void call_proves_as_many_wake_ups_as_it_asks_for(void **state)
{
	(void)state;
	call_futex(1 * MS, &waker, LOCK, FUTEX_WAKE_PRIVATE, 2);
	assert_true(let_go(1 * MS + 1 * US));
	assert_true(let_go(1 * MS + 2 * US));
	assert_false(let_go(1 * MS + 3 * US));
	call_futex(2 * MS, &waker, LOCK, FUTEX_WAKE_PRIVATE, INT32_MAX);
	for (int i = 0; i < 100; i++)
		assert_true(let_go(2 * MS + 1 * US));
	/* No count is among its arguments. */
	call_futex(3 * MS, &waker, LOCK, FUTEX_UNLOCK_PI_PRIVATE, 0);
	assert_true(let_go(3 * MS + 1 * US));
	assert_false(let_go(3 * MS + 2 * US));
}

static void call_of_another_thread_or_address_proves_nothing(void **state)
{
	(void)state;
	call_futex(1 * MS, &another, LOCK, FUTEX_WAKE_PRIVATE, 1);
	assert_false(let_go(1 * MS + 1 * US));
	call_futex(1 * MS, &waker, ELSE, FUTEX_WAKE_PRIVATE, 1);
	assert_false(let_go(1 * MS + 1 * US));
	call_futex(1 * MS, &waker, 0, FUTEX_WAKE_PRIVATE, 1);
	assert_false(futex_wakes_take(&releases, &waker, 0, 1 * MS + 1 * US));
}

/* It has returned: a signal may be what wakes. */
static void call_that_is_over_proves_nothing(void **state)
{
	(void)state;
	call_futex(1 * MS, &waker, LOCK, FUTEX_WAKE_PRIVATE, 1);
	assert_false(let_go(1 * MS - 1));
	assert_false(let_go(3 * MS));
	call_futex(4 * MS, &waker, LOCK, FUTEX_WAKE_PRIVATE, 1);
	feed_event(4 * MS + 1, &waker, FT_EVENT_SWITCH);
	assert_false(let_go(4 * MS + 2));
	call_futex(5 * MS, &waker, LOCK, FUTEX_WAKE_PRIVATE, 1);
	call_futex(5 * MS + 1, &waker, ELSE, FUTEX_WAKE_PRIVATE, 1);
	assert_false(let_go(5 * MS + 2));
	call_futex(6 * MS, &waker, LOCK, FUTEX_WAKE_PRIVATE, 1);
	feed_event(6 * MS + 1, &another, FT_EVENT_SWITCH);
	assert_true(let_go(6 * MS + 2));
}

static void call_before_a_loss_proves_nothing_after_it(void **state)
{
	(void)state;
	call_futex(1 * MS, &waker, LOCK, FUTEX_WAKE_PRIVATE, 1);
	feed_event(1 * MS + 1 * US, NULL, FT_EVENT_LOST);
	assert_false(let_go(1 * MS + 2 * US));
	call_futex(1 * MS + 3 * US, &waker, LOCK, FUTEX_WAKE_PRIVATE, 1);
	assert_true(let_go(1 * MS + 4 * US));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

UNIT_TESTS(futex_wakes)
{
	const struct CMUnitTest tests[] = {
		TEST(every_operation_that_wakes_is_a_release),
		TEST(call_proves_as_many_wake_ups_as_it_asks_for),
		TEST(call_of_another_thread_or_address_proves_nothing),
		TEST(call_that_is_over_proves_nothing),
		TEST(call_before_a_loss_proves_nothing_after_it),
	};

	return run_unit_tests(tests, NULL, NULL);
}
