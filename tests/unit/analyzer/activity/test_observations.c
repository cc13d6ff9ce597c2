/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How often a capture is decoded: twice; and once more where the history has no room for all of the stall.
 */
#include <string.h>

#include "analyzer/activity/observations.h"
#include "analyzer/explain/explain.h"
#include "tests/unit/support/scene.h"
#include "tests/unit/support/unit_test.h"

#define MS SCENE_MS

static const struct ft_task worker = { 100, 100, "worker" };

static const struct scene_freeze freeze = {
	.call = SCENE_POPULATE,
	.wait = WAIT_MUNMAP,
	.first_wakeup = RELEASE_POPULATE,
	.wakeup = RELEASE_MUNMAP,
	.sleep = NANOSLEEP,
};

static unsigned int decodings;

int __wrap_source_rewind(struct source *source);
int __real_source_rewind(struct source *source);

int __wrap_source_rewind(struct source *source)
{
	decodings++;
	return __real_source_rewind(source);
}

/* The first history has no room, until it was made coarser so often. */
static const struct history *crowded;
static unsigned int times_crowded;

size_t __wrap_history_bytes(const struct history *history);
size_t __real_history_bytes(const struct history *history);

size_t __wrap_history_bytes(const struct history *history)
{
	if (times_crowded && !crowded)
		crowded = history;
	if (!times_crowded || history != crowded)
		return __real_history_bytes(history);
	times_crowded--;
	return HISTORY_BYTES_MAX + 1;
}

static int start_counting(void **state)
{
	(void)state;
	decodings = times_crowded = 0;
	crowded = NULL;
	return 0;
}

static const char *find_cannot_say(const struct model *model, const char *text)
{
	for (size_t i = 0; i < model->coverage.cannot_say_count; i++)
		if (strstr(model->coverage.cannot_say[i], text))
			return model->coverage.cannot_say[i];
	return NULL;
}

static struct scene *create_frozen_scene(void)
{
	struct scene *scene = scene_create(2);

	scene_freeze_begins(scene, &freeze);
	scene_populates(scene, 1000, 3000);
	scene_freeze_ends(scene, &freeze);
	return scene;
}

static void calm_scene_is_decoded_twice(void **state)
{
	struct scene *scene = scene_create(1);
	struct scene_result result;

	(void)state;
	scene_switch(scene, 0, 100 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &worker);
	scene_switch(scene, 0, 110 * MS, &worker, FT_STATE_SLEEPING, NANOSLEEP, &scene_idle);
	result = scene_analyze(scene, "100", 1000 * MS);
	assert_false(result.model->stall.found);
	assert_int_equal(decodings, 2);
	scene_done(&result, scene);
}

static void frozen_scene_is_decoded_twice(void **state)
{
	struct scene *scene = create_frozen_scene();
	struct scene_result result = scene_analyze(scene, "100", 4000 * MS);

	(void)state;
	assert_true(result.model->stall.found);
	assert_int_equal(decodings, 2);
	assert_null(find_cannot_say(result.model, "decoded once more"));
	scene_done(&result, scene);
}

static void stall_is_decoded_once_more_where_the_history_is_coarse(void **state)
{
	struct scene *scene = create_frozen_scene();
	struct scene_result result;
	const struct model_finding *finding;
	const char *said;

	(void)state;
	times_crowded = 8; /* 16.384 us, seven times doubled */
	result = scene_analyze(scene, "100", 4000 * MS);
	assert_int_equal(decodings, 3);
	said = find_cannot_say(result.model, "that took less than 2.1 ms");
	assert_non_null(said);
	assert_non_null(strstr(said, "the stall was decoded once more"));
	finding = &result.model->findings[0];
	assert_int_equal(finding->kind, FINDING_MMAP_LOCK_CONVOY);
	assert_int_equal(finding->culprit.tid, scene_resizer.tid);
	assert_int_equal(finding->victim_count, SCENE_WORKERS);
	scene_done(&result, scene);
}

/* A coarse history alone does not make a third decoding: nobody asks about the details of a calm recording. */
static void calm_scene_is_decoded_twice_where_the_history_is_coarse(void **state)
{
	struct scene *scene = scene_create(1);
	struct scene_result result;
	const char *said;

	(void)state;
	times_crowded = 8;
	scene_switch(scene, 0, 100 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &worker);
	scene_switch(scene, 0, 110 * MS, &worker, FT_STATE_SLEEPING, NANOSLEEP, &scene_idle);
	result = scene_analyze(scene, "100", 1000 * MS);
	assert_int_equal(decodings, 2);
	said = find_cannot_say(result.model, "that took less than 2.1 ms");
	assert_non_null(said);
	assert_null(strstr(said, "once more"));
	scene_done(&result, scene);
}

static void finest_history_is_that_of_the_span(void **state)
{
	struct scene *scene = create_frozen_scene();
	struct scene_observed observed;
	const struct observations *observations = &observed.observations;
	const uint64_t start_ns = SCENE_START_NS + 1500 * MS, end_ns = SCENE_START_NS + 2000 * MS;

	(void)state;
	times_crowded = 8;
	scene_observe(scene, 4000 * MS, &observed);
	assert_int_equal(observations->decodings, 2);
	assert_true(history_is_coarse(observations->history));
	assert_ptr_equal(observations_history(observations, start_ns, end_ns),
			 observations->history);
	assert_int_equal(observations_refine(&observed.observations, start_ns, end_ns), 0);
	assert_int_equal(observations_refine(&observed.observations, start_ns, end_ns), 0);
	assert_int_equal(observations->decodings, 3);
	assert_int_equal(decodings, 3);
	assert_ptr_equal(observations_history(observations, start_ns, end_ns),
			 observations->span_history);
	assert_int_equal(history_resolution_ns(observations->span_history), 0);
	assert_ptr_equal(observations_history(observations, SCENE_START_NS, end_ns),
			 observations->history);
	scene_observed_free(&observed);
}

UNIT_TESTS(observations)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(calm_scene_is_decoded_twice, start_counting),
		cmocka_unit_test_setup(frozen_scene_is_decoded_twice, start_counting),
		cmocka_unit_test_setup(stall_is_decoded_once_more_where_the_history_is_coarse,
				       start_counting),
		cmocka_unit_test_setup(calm_scene_is_decoded_twice_where_the_history_is_coarse,
				       start_counting),
		cmocka_unit_test_setup(finest_history_is_that_of_the_span, start_counting),
	};

	return run_unit_tests(tests, NULL, NULL);
}
