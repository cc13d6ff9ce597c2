/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/trace/threads.h"
#include "tests/unit/support/unit_test.h"

static int set_up(void **state)
{
	return threads_create((struct threads **)state);
}

static int tear_down(void **state)
{
	threads_destroy(*state);
	return 0;
}

static struct thread *get_thread(struct threads *threads, int32_t tid, int32_t tgid,
				 const char *comm)
{
	struct ft_task task = { .tid = tid, .tgid = tgid };
	struct thread *thread;

	for (size_t i = 0; comm[i] && i + 1 < sizeof(task.comm); i++)
		task.comm[i] = comm[i];
	thread = threads_get(threads, &task, 0);
	assert_non_null(thread);
	return thread;
}

static void threads_get_finds_the_same_thread_again(void **state)
{
	struct thread *thread = get_thread(*state, 5, -1, "a");

	assert_int_equal(thread->index, 0);
	assert_int_equal(thread->tgid, -1);
	assert_ptr_equal(get_thread(*state, 5, 4, "b"), thread);
	assert_int_equal(thread->tgid, 4);
	assert_string_equal(thread->comm, "b");
	assert_ptr_equal(get_thread(*state, 5, -1, ""), thread);
	assert_int_equal(thread->tgid, 4);
	assert_string_equal(thread->comm, "b");
	assert_int_equal(threads_count(*state), 1);
	assert_ptr_equal(threads_at(*state, 0), thread);
	assert_null(threads_at(*state, 1));
}

static void threads_tell_the_idle_tasks_of_cpus_apart(void **state)
{
	struct ft_task idle = { .tid = 0 };
	struct thread *first = threads_get(*state, &idle, 0);
	struct thread *second = threads_get(*state, &idle, 1);

	assert_true(first->idle_task && second->idle_task);
	assert_ptr_not_equal(first, second);
	assert_ptr_equal(threads_get(*state, &idle, 1), second);
	assert_ptr_not_equal(threads_get(*state, &idle, FT_NO_CPU), first);
	assert_null(threads_find(*state, 0));
}

static void threads_with_a_tid_used_again_are_others(void **state)
{
	struct ft_task task = { .tid = 5, .tgid = 5 };
	struct thread *old = get_thread(*state, 5, 5, "a"), *young;

	threads_died(old, 100);
	assert_true(old->exited);
	assert_int_equal(old->died_ns, 100);
	young = get_thread(*state, 5, 5, "a");
	assert_ptr_not_equal(young, old);
	assert_ptr_equal(young->former, old);
	assert_int_equal(young->born_ns, 100);
	assert_ptr_equal(threads_find(*state, 5), young);

	young = threads_born(*state, &task, 200);
	assert_int_equal(young->born_ns, 200);
	assert_ptr_equal(young->former->former, old);
	assert_true(young->former->exited);
	assert_int_equal(young->former->died_ns, 200);
}

static void threads_with_other_tgid_and_name_are_others(void **state)
{
	struct thread *old = get_thread(*state, 5, 4, "a");

	assert_ptr_equal(get_thread(*state, 5, 4, "renamed"), old);
	assert_ptr_equal(get_thread(*state, 5, 9, "renamed"), old);	/* a tgid in doubt alone tells nothing */
	assert_int_equal(old->tgid, 4);
	assert_ptr_not_equal(get_thread(*state, 5, 9, "b"), old);
	assert_true(old->exited);
}

static void threads_exec_under_another_name_is_the_same_thread(void **state)
{
	struct thread *thread = get_thread(*state, 5, 5, "sh");

	assert_ptr_equal(get_thread(*state, 5, 5, "server"), thread);
	assert_string_equal(thread->comm, "server");
}

static void threads_rewind_finds_every_generation_again(void **state)
{
	struct ft_task task = { .tid = 5, .tgid = 5 };
	struct thread *first = get_thread(*state, 5, 5, "a");
	struct thread *second = threads_born(*state, &task, 200);
	struct thread *third;

	threads_died(second, 300);
	third = get_thread(*state, 5, 6, "c");
	threads_rewind(*state);
	assert_false(first->exited || second->exited);
	assert_int_equal(second->died_ns, 0);
	assert_ptr_equal(get_thread(*state, 5, 5, "a"), first);
	assert_ptr_equal(threads_born(*state, &task, 200), second);
	threads_died(second, 300);
	assert_ptr_equal(get_thread(*state, 5, 6, "c"), third);
	assert_int_equal(threads_count(*state), 3);
}

static void threads_stay_where_they_are_when_many_come(void **state)
{
	struct thread *first = get_thread(*state, 1, 1, "a");

	for (int32_t tid = 2; tid < 5000; tid++)
		get_thread(*state, tid, 1, "a");
	assert_ptr_equal(threads_at(*state, 0), first);
	assert_ptr_equal(get_thread(*state, 1, 1, "a"), first);
	for (size_t i = 0; i < threads_count(*state); i++)
		assert_int_equal(threads_at(*state, i)->index, i);
}

static void threads_take_a_name_without_its_end(void **state)
{
	struct ft_task task = { .tid = 5, .tgid = 5 };
	struct thread *thread;

	for (size_t i = 0; i < sizeof(task.comm); i++)
		task.comm[i] = 'x';
	thread = threads_get(*state, &task, 0);
	assert_int_equal(thread->comm[FT_COMM_BYTES - 1], '\0');
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

UNIT_TESTS(threads)
{
	const struct CMUnitTest tests[] = {
		CASE(threads_get_finds_the_same_thread_again),
		CASE(threads_tell_the_idle_tasks_of_cpus_apart),
		CASE(threads_with_a_tid_used_again_are_others),
		CASE(threads_with_other_tgid_and_name_are_others),
		CASE(threads_exec_under_another_name_is_the_same_thread),
		CASE(threads_rewind_finds_every_generation_again),
		CASE(threads_stay_where_they_are_when_many_come),
		CASE(threads_take_a_name_without_its_end),
	};

	return run_unit_tests(tests, NULL, NULL);
}
