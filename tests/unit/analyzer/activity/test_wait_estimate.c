/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Of every 16 short waits one has a stack: what the others were for is an estimate, and says so.
 */
#include <string.h>

#include "analyzer/activity/wait_estimate.h"
#include "tests/unit/support/scene.h"
#include "tests/unit/support/unit_test.h"

#define MS	SCENE_MS
#define PERIOD	16
#define CYCLES	40 /* of 16 waits each */
#define READ	SLEEP "anon_pipe_read < vfs_read < ksys_read < __x64_sys_read < do_syscall_64"
#define WAIT_NS (MS / 2)

static const struct ft_task worker = { 100, 100, "worker" };

/* Three of four sampled waits are for a pipe, the fourth sleeps; so are those between them. */
static struct scene *create_sampled_scene(unsigned int period)
{
	struct scene *scene = scene_create(1);
	uint64_t at_ns = SCENE_START_NS + MS;

	scene_switch(scene, 0, at_ns, &scene_idle, FT_STATE_RUNNING, NULL, &worker);
	for (unsigned int i = 0; i < CYCLES * PERIOD; i++) {
		const char *stack = i / PERIOD % 4 == 3 ? NANOSLEEP : READ;

		at_ns += WAIT_NS;
		scene_switch(scene, 0, at_ns, &worker, FT_STATE_SLEEPING,
			     i % period ? NULL : stack, &scene_idle);
		at_ns += WAIT_NS;
		scene_waking(scene, 0, at_ns, &scene_idle, NULL, &worker);
		scene_switch(scene, 0, at_ns, &scene_idle, FT_STATE_RUNNING, NULL, &worker);
	}
	return scene;
}

static const struct model_thread *find_worker(const struct model *model)
{
	for (size_t i = 0; i < model->thread_count; i++)
		if (model->threads[i].tid == worker.tid)
			return &model->threads[i];
	fail_msg("the worker is not there");
	return NULL;
}

static struct model_wait sum_waits(const struct model *model, enum wait_class class)
{
	struct model_wait sum = { .class = class };

	for (size_t i = 0; i < model->wait_group_count; i++) {
		const struct model_wait *wait = &model->wait_groups[i];

		if (wait->class != class)
			continue;
		sum.blocked_ns += wait->blocked_ns;
		sum.count += wait->count;
		sum.estimated_ns += wait->estimated_ns;
		sum.estimated_count += wait->estimated_count;
	}
	return sum;
}

static void assert_about(uint64_t figure, uint64_t expected)
{
	assert_in_range(figure, expected - expected / 50, expected + expected / 50);
}

static void sampled_waits_stand_for_those_without_a_stack(void **state)
{
	const uint64_t all = CYCLES * PERIOD;
	struct scene *scene = create_sampled_scene(PERIOD);
	struct scene_result result =
		scene_analyze(scene, "100", SCENE_START_NS + (all + 2) * MS);
	struct model_wait pipe = sum_waits(result.model, WAIT_IPC_PIPE),
			  sleep = sum_waits(result.model, WAIT_SLEEP),
			  unknown = sum_waits(result.model, WAIT_UNKNOWN);
	const struct model_thread *thread = find_worker(result.model);

	(void)state;
	assert_about(pipe.blocked_ns, all * WAIT_NS * 3 / 4);
	assert_about(sleep.blocked_ns, all * WAIT_NS / 4);
	assert_about(pipe.count, all * 3 / 4);
	assert_about(pipe.estimated_count, (all - CYCLES) * 3 / 4);
	assert_in_range(pipe.estimated_ns, 1, pipe.blocked_ns - 1);
	assert_in_range(unknown.count, 0, 1); /* rounding */
	assert_int_equal(thread->class_ns[WAIT_UNKNOWN], 0);
	assert_int_equal(thread->estimated_ns, (all - CYCLES) * WAIT_NS);
	assert_int_equal(thread->class_ns[WAIT_IPC_PIPE] + thread->class_ns[WAIT_SLEEP],
			 thread->blocked_ns);
	scene_done(&result, scene);
}

static void nothing_is_estimated_where_every_wait_has_a_stack(void **state)
{
	const uint64_t all = CYCLES * PERIOD;
	struct scene *scene = create_sampled_scene(1);
	struct scene_result result =
		scene_analyze(scene, "100", SCENE_START_NS + (all + 2) * MS);

	(void)state;
	assert_int_equal(sum_waits(result.model, WAIT_IPC_PIPE).estimated_count, 0);
	assert_int_equal(find_worker(result.model)->estimated_ns, 0);
	scene_done(&result, scene);
}

static struct interval make_interval(uint32_t stack_id, enum ft_task_state state, uint64_t ns)
{
	return (struct interval){ .state = THREAD_BLOCKED,
				  .prev_state = state,
				  .stack_id = stack_id,
				  .end_ns = ns };
}

static void few_samples_say_nothing(void **state)
{
	const struct interval seen = make_interval(1, FT_STATE_SLEEPING, MS),
			      unseen = make_interval(STACK_NONE, FT_STATE_SLEEPING, MS);
	struct wait_sum estimates[WAIT_CLASSES];
	struct short_waits waits = { 0 };

	(void)state;
	for (int i = 0; i < 4; i++)
		wait_estimate_note(&waits, &seen, WAIT_POLL);
	assert_false(wait_estimate_make(&waits, estimates)); /* nothing to share out */
	for (int i = 0; i < 64; i++)
		wait_estimate_note(&waits, &unseen, WAIT_UNKNOWN);
	assert_false(wait_estimate_make(&waits, estimates));
	wait_estimate_note(&waits, &seen, WAIT_POLL);
	assert_true(wait_estimate_make(&waits, estimates));
	assert_int_equal(estimates[WAIT_POLL].ns, 64 * MS);
	assert_int_equal(estimates[WAIT_POLL].count, 64);
}

/* The call before a wait for a lock tells what it is for: the others without a stack are for something else. */
static void waits_that_a_call_tells_are_not_among_the_unknown(void **state)
{
	const struct interval seen = make_interval(1, FT_STATE_SLEEPING, MS),
			      unseen = make_interval(STACK_NONE, FT_STATE_SLEEPING, MS);
	struct wait_sum estimates[WAIT_CLASSES];
	struct short_waits waits = { 0 };

	(void)state;
	for (int i = 0; i < 10; i++) {
		wait_estimate_note(&waits, &seen, WAIT_POLL);
		wait_estimate_note(&waits, &seen, WAIT_LOCK_USER);
		wait_estimate_note(&waits, &unseen, WAIT_LOCK_USER);
		wait_estimate_note(&waits, &unseen, WAIT_UNKNOWN);
	}
	assert_true(wait_estimate_make(&waits, estimates));
	assert_int_equal(estimates[WAIT_LOCK_USER].count, 0);
	assert_int_equal(estimates[WAIT_POLL].count, 10);
	assert_int_equal(estimates[WAIT_POLL].ns, 10 * MS);
}

/* The recorder reads the stacks of long waits from /proc, and those of uninterruptible ones are always taken. */
static void long_and_uninterruptible_waits_stand_for_none(void **state)
{
	const struct interval is_short = make_interval(1, FT_STATE_SLEEPING, 49 * MS),
			      is_long = make_interval(1, FT_STATE_SLEEPING, 50 * MS),
			      disk = make_interval(1, FT_STATE_DISK, MS);

	(void)state;
	assert_true(wait_estimate_counts(&is_short));
	assert_false(wait_estimate_counts(&is_long));
	assert_false(wait_estimate_counts(&disk));
}

UNIT_TESTS(wait_estimate)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sampled_waits_stand_for_those_without_a_stack),
		cmocka_unit_test(nothing_is_estimated_where_every_wait_has_a_stack),
		cmocka_unit_test(few_samples_say_nothing),
		cmocka_unit_test(waits_that_a_call_tells_are_not_among_the_unknown),
		cmocka_unit_test(long_and_uninterruptible_waits_stand_for_none),
	};
	return run_unit_tests(tests, NULL, NULL);
}
