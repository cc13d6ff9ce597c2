/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The whole analyzer on made-up freezes: what it names, how sure it is.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/analysis.h"
#include "tests/unit/support/scene.h"
#include "tests/unit/support/unit_test.h"

#define MS SCENE_MS
#define US SCENE_US

#define USER "mmap < table_grow < table_insert < load_documents < main"

static const struct scene_freeze freeze = {
	.call = "vm_mmap_pgoff < ksys_mmap_pgoff < __x64_sys_mmap < do_syscall_64 | " USER,
	.wait = WAIT_MUNMAP,
	.first_wakeup = RELEASE_POPULATE,
	.wakeup = RELEASE_MUNMAP,
	.sleep = NANOSLEEP,
};

static void analysis_names_the_holder_of_mmap_lock_and_its_allocation(void **state)
{
	struct scene *scene = scene_create(2);
	const struct model_finding *finding;
	struct scene_result result;

	(void)state;
	scene_freeze_begins(scene, &freeze);
	scene_populates(scene, 1010, 3000);
	scene_freeze_ends(scene, &freeze);
	result = scene_analyze(scene, "100", 4000 * MS);

	assert_true(result.model->stall.found);
	assert_int_equal(result.model->stall.threads_blocked_max, SCENE_WORKERS);
	assert_int_equal(result.model->stall.start_ns, 1001 * MS + 30 * US);
	assert_int_equal(result.model->stall.end_ns, 3000 * MS + 90 * US);
	assert_true(result.model->finding_count >= 1);
	finding = &result.model->findings[0];
	assert_int_equal(finding->kind, FINDING_MMAP_LOCK_CONVOY);
	assert_int_equal(finding->grade, GRADE_STRONG);
	assert_int_equal(finding->victim_count, SCENE_WORKERS);
	for (size_t i = 0; i < SCENE_WORKERS; i++)
		assert_int_equal(finding->victims_since_ns[i],
				 (1001 + (uint64_t)finding->victims[i] - 101) * MS + 30 * US);
	/* 1999 + 1998 + 1997 + 1996 ms, 30 us each before, 0 + 30 + 60 + 90 us after */
	assert_int_equal(finding->blocked_ns, 7990 * MS - 4 * 30 * US + 180 * US);
	assert_true(finding->has_culprit);
	assert_int_equal(finding->culprit.tid, 100);
	assert_string_equal(finding->culprit.comm, "resizer");
	assert_int_equal(finding->culprit.hold_ns, 2000 * MS);
	assert_int_equal(finding->culprit.running_ns, 2000 * MS);
	assert_int_equal(finding->culprit.blocked_ns, 0);
	assert_true(finding->culprit.stack.count > 3);
	assert_string_equal(finding->culprit.stack.frames[0].symbol, "clear_page_erms");
	assert_true(finding->culprit.user_stack.count == 5);
	assert_string_equal(finding->culprit.user_stack.frames[1].symbol, "table_grow");
	assert_true(finding->has_allocation);
	assert_int_equal(finding->allocation.bytes, SCENE_BYTES);
	assert_string_equal(finding->allocation.syscall, "mmap");
	assert_int_equal(finding->lock.address, SCENE_LOCK);
	assert_non_null(strstr(finding->summary, "resizer"));
	assert_non_null(strstr(finding->summary, "3,758,096,384"));
	assert_true(result.model->lock_count == 1);
	assert_int_equal(result.model->locks[0].owners[0].tid, 100);
	scene_done(&result, scene);
}

static void analysis_of_a_freeze_that_outlasts_the_recording_is_only_plausible(void **state)
{
	struct scene *scene = scene_create(2);
	const struct model_finding *finding;
	struct scene_result result;

	(void)state;
	scene_freeze_begins(scene, &freeze);
	scene_populates(scene, 1010, 2500);
	result = scene_analyze(scene, "100", 2500 * MS);

	assert_true(result.model->stall.found);
	assert_true(result.model->stall.still_open);
	finding = &result.model->findings[0];
	assert_int_equal(finding->kind, FINDING_MMAP_LOCK_CONVOY);
	assert_int_equal(finding->grade, GRADE_PLAUSIBLE);
	assert_true(finding->has_culprit);
	assert_int_equal(finding->culprit.tid, 100);
	scene_done(&result, scene);
}

static void analysis_lowers_the_grade_where_events_were_lost(void **state)
{
	struct scene *scene = scene_create(2);
	const struct model_finding *finding;
	struct scene_result result;

	(void)state;
	scene_freeze_begins(scene, &freeze);
	scene_populates(scene, 1010, 2000);
	scene_lost(scene, 0, 2000 * MS, 2100 * MS, 77);
	scene_populates(scene, 2110, 3000);
	scene_freeze_ends(scene, &freeze);
	result = scene_analyze(scene, "100", 4000 * MS);

	finding = &result.model->findings[0];
	assert_int_equal(finding->kind, FINDING_MMAP_LOCK_CONVOY);
	assert_int_equal(finding->grade, GRADE_PLAUSIBLE);
	assert_int_equal(result.model->coverage.lost_events, 77);
	assert_int_equal(result.model->coverage.gap_count, 1);
	scene_done(&result, scene);
}

/* On a third CPU another thread leaves than the one that came. */
static void analysis_lowers_the_grade_where_switches_contradict_each_other(void **state)
{
	static const struct ft_task strangers[] = { { 800, 800, "a" }, { 801, 801, "b" },
						      { 802, 802, "c" } };
	struct scene *scene = scene_create(3);
	struct scene_result result;

	(void)state;
	scene_freeze_begins(scene, &freeze);
	scene_populates(scene, 1010, 3000);
	scene_freeze_ends(scene, &freeze);
	for (uint64_t i = 0; i < 20; i++)
		scene_switch(scene, 2, (3100 + i) * MS, &strangers[i % 3], FT_STATE_SLEEPING,
			     NANOSLEEP, &strangers[(i + 2) % 3]);
	result = scene_analyze(scene, "100", 4000 * MS);
	assert_int_equal(result.model->findings[0].kind, FINDING_MMAP_LOCK_CONVOY);
	assert_int_equal(result.model->findings[0].culprit.tid, 100);
	assert_int_equal(result.model->findings[0].grade, GRADE_PLAUSIBLE);
	scene_done(&result, scene);
}

static void analysis_of_sleeping_workers_is_no_stall(void **state)
{
	struct scene *scene = scene_create(2);
	struct scene_result result;

	(void)state;
	for (uint64_t i = 0; i < 100; i++) {
		const struct ft_task *worker = &scene_workers[i % SCENE_WORKERS];

		scene_waking(scene, 1, i * 10 * MS, &scene_idle, "", worker);
		scene_switch(scene, 1, i * 10 * MS + 10 * US, &scene_idle, FT_STATE_RUNNING, NULL, worker);
		scene_switch(scene, 1, i * 10 * MS + 90 * US, worker, FT_STATE_SLEEPING, NANOSLEEP,
			     &scene_idle);
	}
	result = scene_analyze(scene, "100", 4000 * MS);
	assert_false(result.model->stall.found);
	assert_int_equal(result.model->finding_count, 1);
	assert_int_equal(result.model->findings[0].kind, FINDING_NO_STALL);
	assert_int_equal(result.model->findings[0].grade, GRADE_STRONG);
	scene_done(&result, scene);
}

/* Waits of 150 ms each: asked for anew 60 ms later, or one request that lost the lock to others, 20 us apart. */
static void wait_in_pieces(struct scene *scene, bool anew)
{
	scene_switch(scene, 1, 10 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &scene_workers[0]);
	for (uint64_t i = 0; i < 4; i++) {
		uint64_t at_ns = 100 * MS + i * (150 * MS + (anew ? 60 * MS : 20 * US));

		if (anew || i == 0)
			scene_lock_begin(scene, 1, at_ns - 5 * US, &scene_workers[0], SCENE_LOCK, FT_LOCK_WRITE);
		scene_switch(scene, 1, at_ns, &scene_workers[0], FT_STATE_DISK, WAIT_MUNMAP, &scene_idle);
		scene_waking(scene, 0, at_ns + 150 * MS, &scene_resizer, RELEASE_MUNMAP, &scene_workers[0]);
		scene_switch(scene, 1, at_ns + 150 * MS + 5 * US, &scene_idle, FT_STATE_RUNNING, NULL,
			     &scene_workers[0]);
	}
}

static void analysis_of_waits_asked_for_anew_is_no_stall(void **state)
{
	struct scene *scene = scene_create(2);
	struct scene_result result;

	(void)state;
	wait_in_pieces(scene, true);
	result = scene_analyze(scene, "100", 1000 * MS);
	assert_false(result.model->stall.found);
	assert_int_equal(result.model->stall.longest_ns, 150 * MS);
	assert_int_equal(result.model->locks[0].waits, 4);
	scene_done(&result, scene);
}

static void analysis_of_one_wait_in_several_sleeps_is_a_stall(void **state)
{
	struct scene *scene = scene_create(2);
	struct scene_result result;

	(void)state;
	wait_in_pieces(scene, false);
	result = scene_analyze(scene, "100", 1000 * MS);
	assert_true(result.model->stall.found);
	assert_int_equal(result.model->findings[0].blocked_ns, 600 * MS);
	assert_int_equal(result.model->locks[0].waits, 1);
	scene_done(&result, scene);
}

static void analysis_names_starvation_where_a_thread_gets_no_cpu(void **state)
{
	struct scene *scene = scene_create(2);
	const struct ft_task hog = { 900, 900, "hog" };
	struct scene_result result;

	(void)state;
	scene_switch(scene, 0, 100 * MS, &scene_workers[0], FT_STATE_RUNNING, NULL, &hog);
	scene_switch(scene, 0, 900 * MS, &hog, FT_STATE_RUNNING, NULL, &scene_workers[0]);
	result = scene_analyze(scene, "100", 1000 * MS);
	assert_true(result.model->stall.found);
	assert_int_equal(result.model->findings[0].kind, FINDING_CPU_STARVED);
	assert_int_equal(result.model->findings[0].blocked_ns, 800 * MS);
	assert_int_equal(result.model->findings[0].victims[0], 101);
	scene_done(&result, scene);
}

static void analysis_has_no_verdict_about_a_process_it_never_saw(void **state)
{
	const int32_t nobody = 4711;
	const struct analysis_options options = { .target = &nobody, .target_count = 1 };
	struct scene *scene = scene_create(2);
	struct scene_result result, other = { 0 };

	(void)state;
	scene_freeze_begins(scene, &freeze);
	scene_freeze_ends(scene, &freeze);
	result = scene_analyze(scene, "100", 4000 * MS);
	assert_null(result.model->no_verdict);
	assert_int_equal(analysis_run(result.source, "other", &options, &other.model, NULL), 0);
	assert_non_null(other.model->no_verdict);
	assert_int_equal(other.model->finding_count, 0);
	model_free(other.model);
	scene_done(&result, scene);
}

static void analysis_has_no_verdict_about_a_moment(void **state)
{
	struct scene *scene = scene_create(2);
	struct scene_result result;

	(void)state;
	scene_switch(scene, 0, 1 * MS, &scene_workers[0], FT_STATE_SLEEPING, NANOSLEEP, &scene_idle);
	result = scene_analyze(scene, "100", 20 * MS);
	assert_non_null(result.model->no_verdict);
	assert_int_equal(result.model->finding_count, 0);
	scene_done(&result, scene);
}

static void analysis_has_no_verdict_without_names(void **state)
{
	struct scene *scene = scene_create(2);
	struct scene_result result;

	(void)state;
	scene_switch(scene, 0, 1 * MS, &scene_workers[0], FT_STATE_SLEEPING, NULL, &scene_idle);
	result = scene_analyze(scene, "100", 2000 * MS);
	assert_non_null(result.model->no_verdict);
	scene_done(&result, scene);
}

/* Two readers of the same capture, or one twice, must agree. */
static void analysis_of_the_same_capture_is_the_same(void **state)
{
	const struct analysis_options options = { 0 };
	struct scene *scene = scene_create(2);
	struct scene_result result, again = { 0 };

	(void)state;
	scene_freeze_begins(scene, &freeze);
	scene_populates(scene, 1010, 3000);
	scene_freeze_ends(scene, &freeze);
	result = scene_analyze(scene, "100", 4000 * MS);
	assert_int_equal(analysis_run(result.source, "again", &options, &again.model, NULL), 0);
	assert_int_equal(again.model->finding_count, result.model->finding_count);
	assert_string_equal(again.model->findings[0].summary, result.model->findings[0].summary);
	assert_int_equal(again.model->coverage.unknown_ns, result.model->coverage.unknown_ns);
	model_free(again.model);
	scene_done(&result, scene);
}

/* No finding uses them yet. */
static void analysis_counts_spans_and_counters_and_is_the_same_otherwise(void **state)
{
	struct scene_result results[2];
	struct scene *scenes[2];

	(void)state;
	for (int with = 0; with < 2; with++) {
		struct scene *scene = scenes[with] = scene_create(2);

		scene_freeze_begins(scene, &freeze);
		if (with)
			scene_span(scene, 0, 1005 * MS, &scene_resizer, "direct reclaim", false, 0);
		scene_populates(scene, 1010, 2000);
		if (with) {
			scene_counter(scene, 0, 2001 * MS, "memory.stat:anon", "/a", 1);
			scene_span(scene, 0, 2002 * MS, &scene_resizer, "direct reclaim", true, 32);
		}
		scene_populates(scene, 2010, 3000);
		scene_freeze_ends(scene, &freeze);
		results[with] = scene_analyze(scene, "100", 4000 * MS);
	}
	assert_int_equal(results[1].model->capture.events, results[0].model->capture.events + 3);
	assert_int_equal(results[1].model->capture.duration_ns,
			 results[0].model->capture.duration_ns);
	assert_int_equal(results[1].model->coverage.lost_events, 0);
	assert_int_equal(results[1].model->finding_count, results[0].model->finding_count);
	assert_string_equal(results[1].model->findings[0].summary,
			    results[0].model->findings[0].summary);
	assert_int_equal(results[1].model->findings[0].grade, results[0].model->findings[0].grade);
	for (int with = 0; with < 2; with++)
		scene_done(&results[with], scenes[with]);
}

UNIT_TESTS(analysis)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(analysis_names_the_holder_of_mmap_lock_and_its_allocation),
		cmocka_unit_test(analysis_of_a_freeze_that_outlasts_the_recording_is_only_plausible),
		cmocka_unit_test(analysis_lowers_the_grade_where_events_were_lost),
		cmocka_unit_test(analysis_lowers_the_grade_where_switches_contradict_each_other),
		cmocka_unit_test(analysis_of_sleeping_workers_is_no_stall),
		cmocka_unit_test(analysis_of_waits_asked_for_anew_is_no_stall),
		cmocka_unit_test(analysis_of_one_wait_in_several_sleeps_is_a_stall),
		cmocka_unit_test(analysis_names_starvation_where_a_thread_gets_no_cpu),
		cmocka_unit_test(analysis_has_no_verdict_about_a_process_it_never_saw),
		cmocka_unit_test(analysis_has_no_verdict_about_a_moment),
		cmocka_unit_test(analysis_has_no_verdict_without_names),
		cmocka_unit_test(analysis_of_the_same_capture_is_the_same),
		cmocka_unit_test(analysis_counts_spans_and_counters_and_is_the_same_otherwise),
	};

	return run_unit_tests(tests, NULL, NULL);
}
