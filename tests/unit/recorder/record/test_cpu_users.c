/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "capture/event.h"
#include "recorder/record/cpu_users.h"
#include "tests/unit/support/unit_test.h"

static void feed(struct cpu_users *users, int32_t tid, unsigned int samples)
{
	const struct ft_task task = { tid, tid, "user" };

	for (unsigned int i = 0; i < samples; i++)
		cpu_users_event(users, &(struct ft_event){ .kind = FT_EVENT_SAMPLE, .task = &task });
	cpu_users_event(users, &(struct ft_event){ .kind = FT_EVENT_EXIT, .task = &task });
}

static void who_used_a_cpu_much_is_taken_once(void **state)
{
	struct ft_task tasks[4];
	struct cpu_users *users;

	(void)state;
	assert_int_equal(cpu_users_create(&users), 0);
	feed(users, 10, CPU_USERS_SAMPLES - 1);
	feed(users, 11, CPU_USERS_SAMPLES);
	feed(users, 12, CPU_USERS_SAMPLES);
	feed(users, 0, 100); /* nothing ran */
	assert_int_equal(cpu_users_take(users, tasks, 1), 1);
	assert_int_equal(tasks[0].tid, 11);
	assert_int_equal(cpu_users_take(users, tasks, 4), 1);
	assert_int_equal(tasks[0].tid, 12);
	assert_int_equal(cpu_users_take(users, tasks, 4), 0);
	feed(users, 10, 1);
	assert_int_equal(cpu_users_take(users, tasks, 4), 1);
	assert_int_equal(tasks[0].tid, 10);
	cpu_users_again(users);
	assert_int_equal(cpu_users_take(users, tasks, 4), 3);
	cpu_users_destroy(users);
}

static void threads_without_number_do_not_fit(void **state)
{
	static struct ft_task tasks[CPU_USERS_MAX + 1];
	struct cpu_users *users;

	(void)state;
	assert_int_equal(cpu_users_create(&users), 0);
	for (int32_t i = 0; i < CPU_USERS_MAX + 1; i++)
		feed(users, 1 + i, CPU_USERS_SAMPLES);
	assert_int_equal(cpu_users_take(users, tasks, CPU_USERS_MAX + 1), CPU_USERS_MAX);
	cpu_users_destroy(users);
}

UNIT_TESTS(cpu_users)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_used_a_cpu_much_is_taken_once),
		cmocka_unit_test(threads_without_number_do_not_fit),
	};

	return run_unit_tests(tests, NULL, NULL);
}
