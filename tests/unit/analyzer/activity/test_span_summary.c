/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a thread did in a span: its states, and where its samples and its longest sleep were.
 */
#include "analyzer/activity/cpu_profile.h"
#include "analyzer/activity/span_summary.h"
#include "tests/unit/support/scene.h"
#include "tests/unit/support/unit_test.h"

#define MS SCENE_MS

#define CLEARS "clear_page_erms < do_anonymous_page < __mm_populate < __x64_sys_mmap"
#define COUNTS "mod_memcg_state < do_anonymous_page < __mm_populate < __x64_sys_mmap"

static const struct ft_task worker = { 100, 100, "worker" };

/* It runs from 100 to 300 ms, 10 samples in all, sleeps up to 400 ms, then waits for a lock up to 900 ms. */
static void observe_worker(struct scene_observed *ret_observed)
{
	struct scene *scene = scene_create(1);

	scene_switch(scene, 0, 100 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &worker);
	for (uint64_t i = 0; i < 10; i++)
		scene_sample(scene, 0, (110 + 10 * i) * MS, &worker, i % 3 ? CLEARS : COUNTS);
	scene_switch(scene, 0, 300 * MS, &worker, FT_STATE_SLEEPING, NANOSLEEP, &scene_idle);
	scene_waking(scene, 0, 400 * MS, &scene_idle, NULL, &worker);
	scene_switch(scene, 0, 400 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &worker);
	scene_switch(scene, 0, 410 * MS, &worker, FT_STATE_DISK, WAIT_MUNMAP, &scene_idle);
	scene_waking(scene, 0, 900 * MS, &scene_idle, NULL, &worker);
	scene_switch(scene, 0, 900 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &worker);
	scene_observe(scene, 1000 * MS, ret_observed);
}

static struct span_summary read_summary(struct scene_observed *observed, uint64_t start_ns,
					uint64_t end_ns)
{
	struct span_summary summary;

	assert_int_equal(span_summary_read(observed->observations.history,
					   source_stacks(observed->source), observed->stack_infos,
					   scene_observed_thread(observed, &worker),
					   SCENE_START_NS + start_ns, SCENE_START_NS + end_ns,
					   &summary),
			 0);
	return summary;
}

static const char *leaf_of(const struct scene_observed *observed, uint32_t stack_id)
{
	const struct frame *frames;

	assert_true(stack_table_frames(source_stacks(observed->source), stack_id, &frames) > 0);
	return frames[0].symbol;
}

static void summary_of_a_running_thread_says_what_its_samples_are_under(void **state)
{
	struct scene_observed observed;
	struct span_summary summary;

	(void)state;
	observe_worker(&observed);
	summary = read_summary(&observed, 100 * MS, 350 * MS);
	assert_int_equal(summary.state_ns[THREAD_RUNNING], 200 * MS);
	assert_int_equal(summary.state_ns[THREAD_BLOCKED], 50 * MS);
	assert_int_equal(summary.samples, 10);
	assert_string_equal(summary.under, "do_anonymous_page");
	assert_int_equal(summary.samples_under, 10);
	assert_string_equal(leaf_of(&observed, summary.stack_id), "clear_page_erms");
	assert_int_equal(summary.blocked_class, WAIT_SLEEP);
	scene_observed_free(&observed);
}

static void summary_of_a_blocked_thread_says_where_it_slept_longest(void **state)
{
	struct scene_observed observed;
	struct span_summary summary;

	(void)state;
	observe_worker(&observed);
	summary = read_summary(&observed, 0, 1000 * MS);
	assert_int_equal(summary.blocked_class, WAIT_LOCK_MMAP);
	assert_int_equal(summary.longest_blocked_ns, 490 * MS);
	assert_int_equal(summary.stack_id, summary.blocked_stack_id);
	summary = read_summary(&observed, 950 * MS, 990 * MS);
	assert_int_equal(summary.samples, 0);
	assert_null(summary.under);
	assert_int_equal(summary.longest_blocked_ns, 0);
	scene_observed_free(&observed);
}

static void profile_counts_samples_within_the_span_by_function(void **state)
{
	struct scene_observed observed;
	struct cpu_profile profile;

	(void)state;
	observe_worker(&observed);
	assert_int_equal(cpu_profile_read(observed.observations.history,
					  source_stacks(observed.source),
					  scene_observed_thread(&observed, &worker),
					  SCENE_START_NS + 110 * MS, SCENE_START_NS + 160 * MS,
					  &profile),
			 0);
	assert_int_equal(profile.samples, 6);
	assert_int_equal(profile.kernel_samples, 6);
	assert_int_equal(profile.top_count, 2);
	assert_string_equal(profile.top[0].name, "clear_page_erms");
	assert_int_equal(profile.top[0].samples, 4);
	assert_string_equal(profile.top[1].name, "mod_memcg_state");
	assert_string_equal(leaf_of(&observed, profile.stack_id), "clear_page_erms");
	cpu_profile_free(&profile);
	scene_observed_free(&observed);
}

UNIT_TESTS(span_summary)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(summary_of_a_running_thread_says_what_its_samples_are_under),
		cmocka_unit_test(summary_of_a_blocked_thread_says_where_it_slept_longest),
		cmocka_unit_test(profile_counts_samples_within_the_span_by_function),
	};

	return run_unit_tests(tests, NULL, NULL);
}
