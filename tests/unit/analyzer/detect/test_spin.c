/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads that run and get nowhere, and threads that only work in a small loop.
 */
#include <stdbool.h>
#include <string.h>

#include "analyzer/detect/spin.h"
#include "analyzer/detect/thresholds.h"
#include "tests/unit/support/scene.h"
#include "tests/unit/support/unit_test.h"

#define MS SCENE_MS
#define US SCENE_US

#define KERNEL_SPIN                                                                                \
	"native_queued_spin_lock_slowpath < _raw_spin_lock_irqsave < folio_lruvec_lock_irqsave < " \
	"folio_batch_move_lru < do_anonymous_page < handle_mm_fault < exc_page_fault | touch"
#define WORK "clear_page_erms < do_anonymous_page < handle_mm_fault < exc_page_fault | touch"

static const struct ft_task holder = { 110, 100, "holder" }, ticker = { 901, 901, "ticker" };

struct spinning {
	const char *stack, *other; /* of the samples; of each third, NULL: of none */
	uint32_t threads;
	bool holder_sleeps; /* and wakes, by a timer, right before they go on */
	bool woken_by_worker;
	bool exits; /* they do, instead of going on */
};

/* Threads on CPUs 0 and 1 run from 1000 ms to 2000 ms; the holder is on CPU 2. */
static struct scene_result analyze_spinning(struct scene *scene, const struct spinning *spinning)
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
	struct scene_result result = analyze_spinning(scene, &spinning);
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
	struct scene_result result = analyze_spinning(scene, &spinning);

	(void)state;
	assert_int_equal(result.model->findings[0].kind, FINDING_SPIN_CONTENTION);
	assert_int_equal(result.model->findings[0].grade, GRADE_PLAUSIBLE);
	assert_false(result.model->findings[0].has_culprit);
	scene_done(&result, scene);
}

/* A pool that computes in one loop: whoever waits for it is woken by it, or nobody does, or it
 * ends. */
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
		struct scene_result result = analyze_spinning(scene, &working[i]);

		assert_int_equal(result.model->findings[0].kind, FINDING_NO_STALL);
		scene_done(&result, scene);
	}
}

static void kernel_spinners_name_the_function_that_takes_the_lock(void **state)
{
	const struct spinning spinning = { KERNEL_SPIN, WORK, 2, false, false, false };
	struct scene *scene = scene_create(3);
	struct scene_result result = analyze_spinning(scene, &spinning);
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
	struct scene_result result = analyze_spinning(scene, &spinning);

	(void)state;
	assert_int_equal(result.model->findings[0].kind, FINDING_NO_STALL);
	scene_done(&result, scene);
}

/* CPU samples of one thread: so many in the loop or slow path, and so many elsewhere. */
struct sampled {
	uint32_t spinning, working;
};

#define USER_SPIN " | pthread_spin_lock < main"

/* Two threads run from 1000 ms to 2000 ms, and are sampled like that. */
static enum finding_kind sample_two(const char *stack, struct sampled one, struct sampled other)
{
	const struct sampled sampled[] = { one, other };
	struct scene *scene = scene_create(3);
	struct scene_result result;
	enum finding_kind kind;

	/* the host is not paused: another CPU goes on */
	for (uint64_t at_ms = 1000; at_ms < 2000; at_ms += 10) {
		scene_switch(scene, 2, at_ms * MS, &scene_idle, FT_STATE_RUNNING, NULL, &ticker);
		scene_switch(scene, 2, at_ms * MS + 5 * US, &ticker, FT_STATE_SLEEPING, NANOSLEEP,
			     &scene_idle);
	}
	for (uint32_t i = 0; i < 2; i++) {
		scene_switch(scene, i, 1000 * MS, &scene_idle, FT_STATE_RUNNING, NULL,
			     &scene_workers[i]);
		for (uint32_t n = 0; n < sampled[i].spinning + sampled[i].working; n++)
			scene_sample(scene, i, 1010 * MS + n * 5 * MS, &scene_workers[i],
				     n < sampled[i].spinning ? stack
				     : *stack == ' '	     ? " | work < main"
							     : WORK);
		scene_switch(scene, i, 2000 * MS, &scene_workers[i], FT_STATE_SLEEPING, NANOSLEEP,
			     &scene_idle);
	}
	result = scene_analyze(scene, "100", 3000 * MS);
	kind = result.model->findings[0].kind;
	scene_done(&result, scene);
	return kind;
}

#define SAMPLED(spinning_, working_) \
	((struct sampled){ .spinning = (spinning_), .working = (working_) })

static void few_samples_of_a_thread_prove_nothing(void **state)
{
	struct sampled other = SAMPLED(SPIN_SAMPLES_LEAST_ALL, 0);

	(void)state;
	assert_int_equal(sample_two(KERNEL_SPIN, other, SAMPLED(SPIN_SAMPLES_LEAST, 0)),
			 FINDING_SPIN_CONTENTION);
	assert_int_equal(sample_two(KERNEL_SPIN, other, SAMPLED(SPIN_SAMPLES_LEAST - 1, 0)),
			 FINDING_NO_STALL);
	assert_int_equal(sample_two(USER_SPIN, other, SAMPLED(SPIN_SAMPLES_LEAST, 0)),
			 FINDING_SPIN_CONTENTION);
	assert_int_equal(sample_two(USER_SPIN, other, SAMPLED(SPIN_SAMPLES_LEAST - 1, 0)),
			 FINDING_NO_STALL);
}

static void few_samples_of_all_threads_prove_nothing(void **state)
{
	struct sampled half = SAMPLED(SPIN_SAMPLES_LEAST_ALL / 2, 0);
	struct sampled less = SAMPLED(SPIN_SAMPLES_LEAST_ALL - SPIN_SAMPLES_LEAST_ALL / 2 - 1, 0);

	(void)state;
	assert_int_equal(sample_two(KERNEL_SPIN, half, half), FINDING_SPIN_CONTENTION);
	assert_int_equal(sample_two(KERNEL_SPIN, half, less), FINDING_NO_STALL);
}

static void thread_spins_in_the_kernel_from_half_of_its_samples_on(void **state)
{
	struct sampled enough = SAMPLED(SPIN_KERNEL_PERCENT, 100 - SPIN_KERNEL_PERCENT);
	struct sampled less = SAMPLED(SPIN_KERNEL_PERCENT - 1, 101 - SPIN_KERNEL_PERCENT);

	(void)state;
	assert_int_equal(sample_two(KERNEL_SPIN, enough, enough), FINDING_SPIN_CONTENTION);
	assert_int_equal(sample_two(KERNEL_SPIN, enough, less), FINDING_NO_STALL);
}

static void thread_spins_in_a_loop_from_four_fifths_of_its_samples_on(void **state)
{
	struct sampled enough = SAMPLED(SPIN_LOOP_PERCENT, 100 - SPIN_LOOP_PERCENT);
	struct sampled less = SAMPLED(SPIN_LOOP_PERCENT - 1, 101 - SPIN_LOOP_PERCENT);

	(void)state;
	assert_int_equal(sample_two(USER_SPIN, enough, enough), FINDING_SPIN_CONTENTION);
	assert_int_equal(sample_two(USER_SPIN, enough, less), FINDING_NO_STALL);
}

static void loop_that_only_looks_at_a_lock_has_few_instructions(void **state)
{
	(void)state;
	assert_true(spin_is_same_loop(0x400100, 0x400100 + SPIN_LOOP_BYTES));
	assert_true(spin_is_same_loop(0x400100, 0x400100 - SPIN_LOOP_BYTES));
	assert_false(spin_is_same_loop(0x400100, 0x400101 + SPIN_LOOP_BYTES));
	assert_false(spin_is_same_loop(0x400100, 0x4000ff - SPIN_LOOP_BYTES));
}

/* Two threads spin from 1000 ms to 2000 ms. The holder sleeps from @slept_ns to @woken_ns, and runs
 * for @ran_ns then. */
static enum finding_kind sleep_through(uint64_t slept_ns, uint64_t woken_ns, uint64_t ran_ns)
{
	struct scene *scene = scene_create(3);
	struct scene_result result;
	enum finding_kind kind;

	for (uint32_t i = 0; i < 2; i++) {
		scene_switch(scene, i, 1000 * MS, &scene_idle, FT_STATE_RUNNING, NULL,
			     &scene_workers[i]);
		for (uint64_t at_ms = 1010; at_ms < 2000; at_ms += 20)
			scene_sample(scene, i, at_ms * MS, &scene_workers[i], " | try_lock < main");
		scene_switch(scene, i, 2000 * MS, &scene_workers[i], FT_STATE_SLEEPING, NANOSLEEP,
			     &scene_idle);
	}
	scene_switch(scene, 2, 990 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &holder);
	scene_switch(scene, 2, slept_ns, &holder, FT_STATE_SLEEPING, NANOSLEEP, &scene_idle);
	scene_waking(scene, 2, woken_ns, &scene_idle, NULL, &holder);
	scene_switch(scene, 2, woken_ns + US, &scene_idle, FT_STATE_RUNNING, NULL, &holder);
	scene_switch(scene, 2, woken_ns + ran_ns, &holder, FT_STATE_SLEEPING, NANOSLEEP,
		     &scene_idle);
	result = scene_analyze(scene, "100", 3000 * MS);
	kind = result.model->findings[0].kind;
	scene_done(&result, scene);
	return kind;
}

static void who_slept_through_nine_tenths_of_the_spinning_may_hold_the_lock(void **state)
{
	uint64_t least_ns = 1000 * MS * SPIN_SLEPT_PERCENT / 100;

	(void)state;
	assert_int_equal(sleep_through(1995 * MS - least_ns, 1995 * MS, 10 * MS),
			 FINDING_SPIN_CONTENTION);
	assert_int_equal(sleep_through(1995 * MS - least_ns + 1, 1995 * MS, 10 * MS),
			 FINDING_NO_STALL);
}

static void spinner_goes_on_soon_after_the_sleeper_ran(void **state)
{
	uint64_t woken_ns = 1950 * MS, until_ns = 2000 * MS - SPIN_FREED_NS;

	(void)state;
	assert_int_equal(sleep_through(995 * MS, woken_ns, until_ns - woken_ns),
			 FINDING_SPIN_CONTENTION);
	assert_int_equal(sleep_through(995 * MS, woken_ns, until_ns - woken_ns - 1),
			 FINDING_NO_STALL);
}

UNIT_TESTS(spin)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(few_samples_of_a_thread_prove_nothing),
		cmocka_unit_test(loop_that_only_looks_at_a_lock_has_few_instructions),
		cmocka_unit_test(few_samples_of_all_threads_prove_nothing),
		cmocka_unit_test(thread_spins_in_the_kernel_from_half_of_its_samples_on),
		cmocka_unit_test(thread_spins_in_a_loop_from_four_fifths_of_its_samples_on),
		cmocka_unit_test(who_slept_through_nine_tenths_of_the_spinning_may_hold_the_lock),
		cmocka_unit_test(spinner_goes_on_soon_after_the_sleeper_ran),
		cmocka_unit_test(user_spinners_name_who_slept_until_they_went_on),
		cmocka_unit_test(function_called_spin_is_enough_without_a_culprit),
		cmocka_unit_test(loops_that_work_are_no_stall),
		cmocka_unit_test(kernel_spinners_name_the_function_that_takes_the_lock),
		cmocka_unit_test(now_and_then_a_spinlock_is_no_stall),
	};

	return run_unit_tests(tests, NULL, NULL);
}
