/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads that run and get nowhere, and threads that only work in a small loop.
 */
#include <stdbool.h>
#include <string.h>

#include "tests/unit/support/scene.h"
#include "tests/unit/support/unit_test.h"

#define MS SCENE_MS
#define US SCENE_US

#define KERNEL_SPIN                                                                                \
	"native_queued_spin_lock_slowpath < _raw_spin_lock_irqsave < folio_lruvec_lock_irqsave < " \
	"folio_batch_move_lru < do_anonymous_page < handle_mm_fault < exc_page_fault | touch"
#define WORK "clear_page_erms < do_anonymous_page < handle_mm_fault < exc_page_fault | touch"

static const struct ft_task holder = { 110, 100, "holder" };

struct spinning {
	const char *stack, *other; /* of the samples; of each third, NULL: of none */
	uint32_t threads;
	bool holder_sleeps; /* and wakes, by a timer, right before they go on */
	bool woken_by_worker;
	bool exits; /* they do, instead of going on */
};

/* Threads on CPUs 0 and 1 run from 1000 ms to 2000 ms; the holder is on CPU 2. */
static struct scene_result analyzed(struct scene *scene, const struct spinning *spinning)
{
	const struct ft_task *waker = spinning->woken_by_worker ? &scene_workers[0] : &scene_idle;

	for (uint32_t i = 0; i < spinning->threads; i++) {
		const struct ft_task *worker = &scene_workers[i];

		scene_switch(scene, i, 500 * MS, &scene_idle, FT_STATE_RUNNING, NULL, worker);
		scene_switch(scene, i, 501 * MS, worker, FT_STATE_SLEEPING, NANOSLEEP, &scene_idle);
		scene_waking(scene, i, (1000 + i) * MS, &scene_idle, NULL, worker);
		scene_switch(scene, i, (1000 + i) * MS + 5 * US, &scene_idle, FT_STATE_RUNNING,
			     NULL, worker);
		for (uint64_t at_ms = 1020, n = 0; at_ms < 1990; at_ms += 20, n++)
			scene_sample(scene, i, at_ms * MS, worker,
				     spinning->other && n % 3 == 2 ? spinning->other
								   : spinning->stack);
		if (spinning->woken_by_worker && i == 0)
			scene_waking(scene, 0, 1995 * MS, waker, NULL, &holder);
		scene_switch(scene, i, 2000 * MS + i * 50 * US, worker,
			     spinning->exits ? FT_STATE_DEAD : FT_STATE_SLEEPING, NANOSLEEP,
			     &scene_idle);
	}
	scene_switch(scene, 2, 990 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &holder);
	if (spinning->holder_sleeps) {
		scene_switch(scene, 2, 995 * MS, &holder, FT_STATE_SLEEPING, NANOSLEEP,
			     &scene_idle);
		if (!spinning->woken_by_worker)
			scene_waking(scene, 2, 1999 * MS, waker, NULL, &holder);
		scene_switch(scene, 2, 1999 * MS + 5 * US, &scene_idle, FT_STATE_RUNNING, NULL,
			     &holder);
	}
	scene_switch(scene, 2, 2010 * MS, &holder, FT_STATE_SLEEPING, NANOSLEEP, &scene_idle);
	return scene_analyze(scene, "100", 3000 * MS);
}

static void user_spinners_name_who_slept_until_they_went_on(void **state)
{
	const struct spinning spinning = {
		" | try_lock < request < main", NULL, 2, true, false, false
	};
	struct scene *scene = scene_create(3);
	struct scene_result result = analyzed(scene, &spinning);
	const struct model_finding *finding = &result.model->findings[0];

	(void)state;
	assert_int_equal(result.model->stall.start_ns, 1000 * MS);
	assert_int_equal(result.model->stall.end_ns, 2000 * MS + 50 * US);
	assert_int_equal(finding->kind, FINDING_SPIN_CONTENTION);
	assert_int_equal(finding->grade, GRADE_PLAUSIBLE);
	assert_int_equal(finding->victim_count, 2);
	assert_int_equal(finding->blocked_ns, 1000 * MS + 999 * MS + 50 * US);
	assert_true(finding->has_culprit);
	assert_int_equal(finding->culprit.tid, 110);
	assert_int_equal(finding->culprit.hold_ns, 1004 * MS);
	assert_int_equal(finding->lock.class, WAIT_LOCK_SPIN);
	assert_non_null(strstr(finding->summary, "in one loop of try_lock"));
	assert_non_null(strstr(finding->evidence[0], "98 of 98 CPU samples"));
	assert_non_null(strstr(finding->evidence[1], "995 us later"));
	scene_done(&result, scene);
}

static void function_called_spin_is_enough_without_a_culprit(void **state)
{
	const struct spinning spinning = {
		" | pthread_spin_lock < main", NULL, 2, false, false, false
	};
	struct scene *scene = scene_create(3);
	struct scene_result result = analyzed(scene, &spinning);

	(void)state;
	assert_int_equal(result.model->findings[0].kind, FINDING_SPIN_CONTENTION);
	assert_int_equal(result.model->findings[0].grade, GRADE_PLAUSIBLE);
	assert_false(result.model->findings[0].has_culprit);
	scene_done(&result, scene);
}

/* A pool that computes in one loop: whoever waits for it is woken by it, or nobody does, or it ends. */
static void loops_that_work_are_no_stall(void **state)
{
	static const struct spinning working[] = {
		{ " | sum < main", NULL, 2, false, false, false },
		{ " | sum < main", NULL, 2, true, true, false },
		{ " | sum < main", NULL, 1, true, false, false },
		{ " | sum < main", " | add < main", 2, true, false, false },
		{ " | sum < main", NULL, 2, true, false, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(working) / sizeof(*working); i++) {
		struct scene *scene = scene_create(3);
		struct scene_result result = analyzed(scene, &working[i]);

		assert_int_equal(result.model->findings[0].kind, FINDING_NO_STALL);
		scene_done(&result, scene);
	}
}

static void kernel_spinners_name_the_function_that_takes_the_lock(void **state)
{
	const struct spinning spinning = { KERNEL_SPIN, WORK, 2, false, false, false };
	struct scene *scene = scene_create(3);
	struct scene_result result = analyzed(scene, &spinning);
	const struct model_finding *finding = &result.model->findings[0];

	(void)state;
	assert_int_equal(finding->kind, FINDING_SPIN_CONTENTION);
	assert_false(finding->has_culprit);
	assert_int_equal(finding->victim_count, 2);
	/* 33 of 49 samples of each */
	assert_int_equal(finding->blocked_ns / MS, 1999 * 33 / 49);
	assert_non_null(strstr(finding->summary, "that folio_lruvec_lock_irqsave takes"));
	assert_non_null(strstr(finding->evidence[0], "66 of 98 CPU samples"));
	scene_done(&result, scene);
}

static void now_and_then_a_spinlock_is_no_stall(void **state)
{
	const struct spinning spinning = { WORK, KERNEL_SPIN, 2, false, false, false };
	struct scene *scene = scene_create(3);
	struct scene_result result = analyzed(scene, &spinning);

	(void)state;
	assert_int_equal(result.model->findings[0].kind, FINDING_NO_STALL);
	scene_done(&result, scene);
}

UNIT_TESTS(spin)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(user_spinners_name_who_slept_until_they_went_on),
		cmocka_unit_test(function_called_spin_is_enough_without_a_culprit),
		cmocka_unit_test(loops_that_work_are_no_stall),
		cmocka_unit_test(kernel_spinners_name_the_function_that_takes_the_lock),
		cmocka_unit_test(now_and_then_a_spinlock_is_no_stall),
	};

	return run_unit_tests(tests, NULL, NULL);
}
