/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Circles that go through a pipe: who is at its other end, and how long it must have waited.
 */
#include <linux/futex.h>
#include <string.h>

#include "analyzer/detect/thresholds.h"
#include "tests/unit/support/scene.h"
#include "tests/unit/support/unit_test.h"

#define MS SCENE_MS
#define US SCENE_US

#define LOCK  0x55d22ffdd4c0ull
#define READ  SLEEP "anon_pipe_read < vfs_read < ksys_read < do_syscall_64"
#define WRITE SLEEP "anon_pipe_write < vfs_write < ksys_write < do_syscall_64"
#define FLOCK SLEEP "locks_lock_inode_wait < __do_sys_flock < __x64_sys_flock < do_syscall_64"
#define WROTE "try_to_wake_up < __wake_up_sync_key < anon_pipe_write < vfs_write < ksys_write"

static const struct ft_task writer = { 101, 100, "writer" }, reader = { 102, 100, "reader" },
			    worker = { 103, 100, "worker" }, other = { 201, 200, "other" };

/* On CPU 1: it sleeps in @stack from @at_ns on. */
static void sleeps(struct scene *scene, uint64_t at_ns, const struct ft_task *task,
		   const char *stack)
{
	scene_switch(scene, 1, at_ns - 10 * US, &scene_idle, FT_STATE_RUNNING, NULL, task);
	scene_switch(scene, 1, at_ns, task, FT_STATE_SLEEPING, stack, &scene_idle);
}

static void waits_for_lock(struct scene *scene, uint64_t at_ns, const struct ft_task *task)
{
	scene_switch(scene, 1, at_ns - 10 * US, &scene_idle, FT_STATE_RUNNING, NULL, task);
	scene_futex(scene, 1, at_ns - 2 * US, task, LOCK, FUTEX_WAIT_PRIVATE, 2);
	scene_switch(scene, 1, at_ns, task, FT_STATE_SLEEPING, WAIT_FUTEX, &scene_idle);
}

/* @from writes at @at_ns what @to has waited for, for @long_ns. */
static void passes_on(struct scene *scene, uint64_t at_ns, uint64_t long_ns,
		      const struct ft_task *from, const struct ft_task *to)
{
	sleeps(scene, at_ns - long_ns, to, READ);
	scene_switch(scene, 1, at_ns - 20 * US, &scene_idle, FT_STATE_RUNNING, NULL, from);
	scene_waking(scene, 1, at_ns, from, WROTE, to);
	scene_switch(scene, 1, at_ns + 20 * US, from, FT_STATE_SLEEPING, NANOSLEEP, to);
	scene_switch(scene, 1, at_ns + 40 * US, to, FT_STATE_SLEEPING, NANOSLEEP, &scene_idle);
}

static void conclude(struct scene *scene, bool deadlock)
{
	struct scene_result result = scene_analyze(scene, "100", 4000 * MS);
	const struct model_finding *finding = &result.model->findings[0];

	assert_int_equal(finding->kind == FINDING_DEADLOCK, deadlock);
	if (deadlock) {
		assert_int_equal(finding->grade, GRADE_PLAUSIBLE);
		assert_non_null(strstr(finding->summary, "2 threads wait in a circle"));
	}
	scene_done(&result, scene);
}

/* The pipe is full, and its reader wants the lock, which the writer alone may have. */
static void lock_up(struct scene *scene)
{
	waits_for_lock(scene, 2000 * MS, &reader);
	waits_for_lock(scene, 2001 * MS, &worker);
	sleeps(scene, 2002 * MS, &writer, WRITE);
}

static void reader_of_a_full_pipe_is_known_by_its_wake_ups(void **state)
{
	(void)state;
	for (uint64_t less = 0; less < 2; less++) {
		struct scene *scene = scene_create(2);

		for (uint64_t i = 0; i < PARTNER_WAITS_LEAST - less; i++)
			passes_on(scene, (100 + 10 * i) * MS, MS, &writer, &reader);
		lock_up(scene);
		conclude(scene, !less);
	}
}

static void reader_of_a_full_pipe_is_the_one_who_is_woken_most(void **state)
{
	(void)state;
	for (uint64_t less = 0; less < 2; less++) {
		struct scene *scene = scene_create(2);

		for (uint64_t i = 0; i < 100; i++)
			passes_on(scene, (100 + 10 * i) * MS, MS, &writer,
				  i < PARTNER_PERCENT - less ? &reader : &other);
		lock_up(scene);
		conclude(scene, !less);
	}
}

/* The writer asks with the lock held, which the reader wants before it answers. */
static void ask(struct scene *scene, uint64_t usual_ns, const struct ft_task *asker)
{
	for (uint64_t i = 0; i < 10; i++)
		passes_on(scene, (500 + 10 * i) * MS, i ? MS : usual_ns, &reader, &writer);
	passes_on(scene, 1998 * MS, MS, asker, &reader);
	waits_for_lock(scene, 1999 * MS, &reader);
	waits_for_lock(scene, 1999 * MS + 500 * US, &worker);
	sleeps(scene, 2000 * MS, &writer, READ);
}

static void answer_that_is_overdue_is_not_waited_for_as_always(void **state)
{
	(void)state;
	for (uint64_t more = 0; more < 2; more++) {
		struct scene *scene = scene_create(2);

		ask(scene, 2000 * MS / PARTNER_TIMES_USUAL + more, &writer);
		conclude(scene, !more);
	}
}

/* It waits for more of what the stuck one makes for it, and need not hold anything. */
static void one_who_has_not_asked_waits_for_no_answer(void **state)
{
	struct scene *scene = scene_create(2);

	(void)state;
	ask(scene, MS, &other);
	conclude(scene, false);
}

/* Both have nothing to say; that a third one waits long for a lock is not their doing. */
static void two_who_wait_for_each_others_words_are_in_no_deadlock(void **state)
{
	struct scene *scene = scene_create(2);

	(void)state;
	for (uint64_t i = 0; i < 20; i++) {
		passes_on(scene, (500 + 20 * i) * MS, MS, &writer, &reader);
		passes_on(scene, (510 + 20 * i) * MS, MS, &reader, &writer);
	}
	sleeps(scene, 2000 * MS, &reader, READ);
	sleeps(scene, 2001 * MS, &writer, READ);
	waits_for_lock(scene, 2002 * MS, &worker);
	conclude(scene, false);
}

/* A lock whose holder waits for a file, which a process has that cannot write to the first one. */
static void circle_leads_through_a_lock_a_file_and_a_pipe(void **state)
{
	static const struct ft_task holder = { 104, 100, "holder" };
	struct scene *scene = scene_create(2);
	const struct model_finding *finding;
	struct scene_result result;

	(void)state;
	for (uint64_t i = 0; i < PARTNER_WAITS_LEAST; i++)
		passes_on(scene, (500 + 10 * i) * MS, MS, &other, &reader);
	sleeps(scene, 1999 * MS, &holder, FLOCK);
	waits_for_lock(scene, 2000 * MS, &reader);
	waits_for_lock(scene, 2001 * MS, &worker);
	sleeps(scene, 2002 * MS, &other, WRITE);
	scene_note(scene, 0, 3900 * MS, "file lock: flock 08:01:5 wanted by 100, held by 200");
	result = scene_analyze(scene, "100", 4000 * MS);
	finding = &result.model->findings[0];
	assert_int_equal(finding->kind, FINDING_DEADLOCK);
	assert_non_null(strstr(finding->summary, "3 threads wait in a circle"));
	assert_non_null(strstr(finding->summary, "4 threads are stuck with them"));
	assert_true(scene_has_evidence(finding, "104 (holder) has waited for the lock of file"));
	assert_true(scene_has_evidence(finding, "102 (reader) takes what is written there"));
	scene_done(&result, scene);
}

UNIT_TESTS(deadlock_circle)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answer_that_is_overdue_is_not_waited_for_as_always),
		cmocka_unit_test(circle_leads_through_a_lock_a_file_and_a_pipe),
		cmocka_unit_test(one_who_has_not_asked_waits_for_no_answer),
		cmocka_unit_test(reader_of_a_full_pipe_is_known_by_its_wake_ups),
		cmocka_unit_test(reader_of_a_full_pipe_is_the_one_who_is_woken_most),
		cmocka_unit_test(two_who_wait_for_each_others_words_are_in_no_deadlock),
	};

	return run_unit_tests(tests, NULL, NULL);
}
