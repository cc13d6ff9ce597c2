/* SPDX-License-Identifier: Apache-2.0 */
/* The whole analyzer on made-up captures in which who had a lock may have ended. */
#include <string.h>

#include "analyzer/analysis.h"
#include "analyzer/detect/thresholds.h"
#include "tests/unit/support/scene.h"
#include "tests/unit/support/unit_test.h"

#define MS SCENE_MS
#define US SCENE_US

#define LOCK 0x7f0000001000ull
#define ENDS "do_exit < do_group_exit < get_signal < do_syscall_64"

static const struct ft_task owner = { 300, 300, "owner" };
static const struct ft_task waiters[] = { { 101, 100, "waiter0" }, { 102, 100, "waiter1" } };

/* Two threads wait for a lock from 1000 ms on, until the end; the owner ended at @died_ns. */
static struct scene_result wait_for_dead(struct scene *scene, uint64_t died_ns)
{
	for (uint32_t i = 0; i < 2; i++) {
		scene_futex(scene, 1 + i, 1000 * MS - US, &waiters[i], LOCK, 0 /* FUTEX_WAIT */, 2);
		scene_switch(scene, 1 + i, 1000 * MS, &waiters[i], FT_STATE_SLEEPING, WAIT_FUTEX,
			     &scene_idle);
	}
	scene_switch(scene, 0, died_ns, &owner, FT_STATE_DEAD, ENDS, &scene_idle);
	return scene_analyze(scene, "100,300", 4000 * MS);
}

static void owner_that_ended_when_they_stopped_is_named(void **state)
{
	struct scene *scene = scene_create(3);
	struct scene_result result = wait_for_dead(scene, 900 * MS);
	const struct model_finding *finding = &result.model->findings[0];

	(void)state;
	assert_int_equal(model_verdict(result.model), VERDICT_FROZEN);
	assert_int_equal(finding->kind, FINDING_DEAD_OWNER);
	assert_int_equal(finding->grade, GRADE_PLAUSIBLE);
	assert_int_equal(finding->culprit.tid, 300);
	assert_int_equal(finding->victim_count, 2);
	assert_non_null(strstr(finding->summary, "nobody let it go"));
	scene_done(&result, scene);
}

static void who_ended_long_before_had_nothing_to_do_with_it(void **state)
{
	struct scene *scene = scene_create(3);
	struct scene_result result = wait_for_dead(scene, 1000 * MS - STILL_GONE_NS - MS);

	(void)state;
	assert_int_equal(result.model->findings[0].kind, FINDING_FUTEX_CONVOY);
	assert_false(result.model->findings[0].has_culprit);
	scene_done(&result, scene);
}

UNIT_TESTS(dead_owner)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(owner_that_ended_when_they_stopped_is_named),
		cmocka_unit_test(who_ended_long_before_had_nothing_to_do_with_it),
	};

	return run_unit_tests(tests, NULL, NULL);
}
