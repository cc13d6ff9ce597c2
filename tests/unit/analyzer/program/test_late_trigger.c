/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The whole analyzer on captures whose trigger came when the stall was over, and does not say since
 * when somebody waited.
 */
#include <string.h>

#include "analyzer/analysis.h"
#include "tests/unit/support/scene.h"
#include "tests/unit/support/unit_test.h"

#define MS SCENE_MS
#define US SCENE_US

#define DISK	  "schedule < io_schedule < folio_wait_bit_common < filemap_fault < __do_fault"

static const struct scene_freeze freeze = {
	.wait = WAIT_MUNMAP,
	.first_wakeup = RELEASE_POPULATE,
	.wakeup = RELEASE_MUNMAP,
	.sleep = NANOSLEEP,
};

static const struct ft_task writer = { 150, 100, "writer" };

/* The resizer goes on to move the entries of its table, without a pause, until @to_ms. */
static void moves_entries(struct scene *scene, uint64_t from_ms, uint64_t to_ms)
{
	scene_waking(scene, 0, from_ms * MS, &scene_idle, "", &scene_resizer);
	scene_switch(scene, 0, from_ms * MS + 5 * US, &scene_idle, FT_STATE_RUNNING, NULL,
		     &scene_resizer);
	for (uint64_t at_ms = from_ms + 20; at_ms < to_ms; at_ms += 20)
		scene_sample(scene, 0, at_ms * MS, &scene_resizer, " | move_entries < grow");
	scene_switch(scene, 0, to_ms * MS, &scene_resizer, FT_STATE_SLEEPING, NANOSLEEP, &scene_idle);
}

/* A thread waits for the disk, on CPU 1. */
static void waits_for_disk(struct scene *scene, uint64_t from_ms, uint64_t to_ms)
{
	scene_switch(scene, 1, from_ms * MS - 50 * US, &scene_idle, FT_STATE_RUNNING, NULL, &writer);
	scene_switch(scene, 1, from_ms * MS, &writer, FT_STATE_DISK, DISK, &scene_idle);
	scene_waking(scene, 1, to_ms * MS, &scene_idle, "", &writer);
	scene_switch(scene, 1, to_ms * MS + 5 * US, &scene_idle, FT_STATE_RUNNING, NULL, &writer);
	scene_switch(scene, 1, to_ms * MS + 50 * US, &writer, FT_STATE_SLEEPING, NANOSLEEP,
		     &scene_idle);
}

static void stall_before_a_late_trigger_leads_and_not_who_was_busy_at_the_trigger(void **state)
{
	(void)state;
	for (uint64_t late_ms = 200; late_ms <= 3200; late_ms += 1000) {
		struct scene *scene = scene_create(2);
		struct scene_result result;
		const struct model *model;

		scene_freeze_begins(scene, &freeze);
		scene_populates(scene, 1010, 3000);
		scene_freeze_ends(scene, &freeze);
		moves_entries(scene, 3210, 7000);
		scene_trigger(scene, "socket", "a customer called", (3000 + late_ms) * MS);
		result = scene_analyze(scene, "100", 7500 * MS);
		model = result.model;

		assert_int_equal(model->finding_count, 1);
		assert_int_equal(model->findings[0].kind, FINDING_MMAP_LOCK_CONVOY);
		assert_int_equal(model->findings[0].grade, GRADE_STRONG);
		assert_int_equal(model->findings[0].stall.start_ns, model->stall.start_ns);
		assert_int_equal(model->stall.end_ns, 3000 * MS + 90 * US);
		assert_int_equal(model->stall.trigger_after_ns, late_ms * MS - 90 * US);
		assert_int_equal(model->stall.threads_blocked_max, SCENE_WORKERS);
		scene_done(&result, scene);
	}
}

/* Of a thread that was busy at the trigger no more is known than that somebody may have waited for as
 * long as a stall takes. */
static void short_wait_of_long_ago_does_not_lead_before_who_was_busy_at_the_trigger(void **state)
{
	struct scene *scene = scene_create(2);
	struct scene_result result;
	const struct model *model;

	(void)state;
	waits_for_disk(scene, 500, 800);
	moves_entries(scene, 3000, 9000);
	scene_trigger(scene, "socket", "a customer called", 8500 * MS);
	result = scene_analyze(scene, "100", 9500 * MS);
	model = result.model;

	assert_int_equal(model->finding_count, 2);
	assert_int_equal(model->findings[0].kind, FINDING_BUSY_THREAD);
	assert_false(model->findings[0].lesser);
	assert_int_equal(model->stall.trigger_after_ns, 0);
	assert_int_equal(model->findings[1].kind, FINDING_IO_STALL);
	assert_true(model->findings[1].lesser);
	assert_int_equal(model->findings[1].stall.start_ns, 500 * MS);
	scene_done(&result, scene);
}

static void each_stall_has_its_finding_and_the_one_of_the_trigger_is_first(void **state)
{
	struct scene *scene = scene_create(2);
	struct scene_result result;
	const struct model *model;

	(void)state;
	waits_for_disk(scene, 100, 700);
	scene_freeze_begins(scene, &freeze);
	scene_populates(scene, 1010, 3000);
	scene_freeze_ends(scene, &freeze);
	waits_for_disk(scene, 4000, 4500);
	scene_trigger(scene, "signal", "SIGUSR2", 4100 * MS);
	result = scene_analyze(scene, "100", 7000 * MS);
	model = result.model;

	assert_int_equal(model->finding_count, 3);
	assert_int_equal(model->findings[0].kind, FINDING_MMAP_LOCK_CONVOY);
	assert_int_equal(model->stall.others, 2);
	assert_int_equal(model->stall.start_ns, model->findings[0].stall.start_ns);
	for (size_t i = 1; i < 3; i++) {
		assert_int_equal(model->findings[i].kind, FINDING_IO_STALL);
		assert_true(model->findings[i].lesser);
		assert_int_equal(model->findings[i].stall.start_ns, model->stall.other[i - 1].start_ns);
	}
	/* the table of blame is of the first one */
	assert_int_equal(model->blame[0].tid, 100);
	scene_done(&result, scene);
}

/* Nothing in the call of the scene asks for that. */
static void memory_that_is_populated_unasked_is_locked(void **state)
{
	struct scene *scene = scene_create(2);
	const struct model_finding *finding;
	struct scene_result result;

	(void)state;
	scene_freeze_begins(scene, &freeze);
	scene_populates(scene, 1010, 3000);
	scene_freeze_ends(scene, &freeze);
	result = scene_analyze(scene, "100", 4000 * MS);
	finding = &result.model->findings[0];

	assert_non_null(strstr(finding->evidence[finding->evidence_count - 1], "MCL_FUTURE"));
	assert_non_null(strstr(finding->advice, "MCL_ONFAULT"));
	scene_done(&result, scene);
}

UNIT_TESTS(late_trigger)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stall_before_a_late_trigger_leads_and_not_who_was_busy_at_the_trigger),
		cmocka_unit_test(short_wait_of_long_ago_does_not_lead_before_who_was_busy_at_the_trigger),
		cmocka_unit_test(each_stall_has_its_finding_and_the_one_of_the_trigger_is_first),
		cmocka_unit_test(memory_that_is_populated_unasked_is_locked),
	};

	return run_unit_tests(tests, NULL, NULL);
}
