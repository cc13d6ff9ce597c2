/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Made-up freezes with a hole anywhere: whatever is lost, no report may name
 * somebody who only waited, nor make a freeze where there was none.
 */
#include <stdio.h>
#include <string.h>
#include <linux/futex.h>

#include "analyzer/analysis.h"
#include "tests/unit/support/scene.h"
#include "tests/unit/support/unit_test.h"

#define MS SCENE_MS
#define US SCENE_US

#define LOCK	 0x55d22ffdd4c0ull
#define HOLDER	 100 /* thread */
#define END_NS	 (4000 * MS)
#define FROM_NS	 (1000 * MS) /* of the freeze */
#define UNTIL_NS (3001 * MS)

static const struct scene_freeze freeze = {
	.call = "vm_mmap_pgoff < ksys_mmap_pgoff < __x64_sys_mmap < do_syscall_64 | mmap < main",
	.wait = WAIT_MUNMAP,
	.first_wakeup = RELEASE_POPULATE,
	.wakeup = RELEASE_MUNMAP,
	.sleep = NANOSLEEP,
};

/* All of them sleep for some milliseconds and work for some microseconds, on CPU 1. */
static void run_workers(struct scene *scene, uint64_t from_ms, uint64_t to_ms)
{
	for (uint64_t at_ms = from_ms; at_ms + 10 <= to_ms; at_ms += 10) {
		for (uint64_t i = 0; i < SCENE_WORKERS; i++) {
			uint64_t at_ns = (at_ms + 2 * i) * MS;

			scene_waking(scene, 1, at_ns, &scene_idle, NULL, &scene_workers[i]);
			scene_switch(scene, 1, at_ns + 5 * US, &scene_idle, FT_STATE_RUNNING, NULL,
				     &scene_workers[i]);
			scene_switch(scene, 1, at_ns + 15 * US, &scene_workers[i],
				     FT_STATE_SLEEPING, NANOSLEEP, &scene_idle);
		}
	}
}

static void mmap_convoy(struct scene *scene)
{
	run_workers(scene, 10, 1000);
	scene_freeze_begins(scene, &freeze);
	scene_populates(scene, 1010, 3000);
	scene_freeze_ends(scene, &freeze);
	run_workers(scene, 3010, 3990);
}

/* The resizer computes with a lock of the program held; who gets it lets it go at once. */
static void futex_convoy(struct scene *scene)
{
	run_workers(scene, 10, 1000);
	scene_switch(scene, 0, 500 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &scene_resizer);
	for (uint64_t i = 0; i < SCENE_WORKERS; i++) {
		uint64_t at_ns = (1001 + i) * MS;

		scene_waking(scene, 1, at_ns, &scene_idle, NULL, &scene_workers[i]);
		scene_switch(scene, 1, at_ns + 5 * US, &scene_idle, FT_STATE_RUNNING, NULL,
			     &scene_workers[i]);
		scene_futex(scene, 1, at_ns + 10 * US, &scene_workers[i], LOCK, FUTEX_WAIT_PRIVATE,
			    2);
		scene_switch(scene, 1, at_ns + 15 * US, &scene_workers[i], FT_STATE_SLEEPING,
			     WAIT_FUTEX, &scene_idle);
	}
	for (uint64_t at_ms = 1010; at_ms < 3000; at_ms += 20)
		scene_sample(scene, 0, at_ms * MS, &scene_resizer, " | compute < main");
	for (uint64_t i = 0; i < SCENE_WORKERS; i++) {
		uint64_t at_ns = 3000 * MS + i * 40 * US;

		scene_waking(scene, i ? 1 : 0, at_ns, i ? &scene_workers[i - 1] : &scene_resizer,
			     WAKE, &scene_workers[i]);
		scene_switch(scene, 1, at_ns + 5 * US, i ? &scene_workers[i - 1] : &scene_idle,
			     i ? FT_STATE_SLEEPING : FT_STATE_RUNNING, i ? NANOSLEEP : NULL,
			     &scene_workers[i]);
	}
	scene_switch(scene, 1, 3001 * MS, &scene_workers[SCENE_WORKERS - 1], FT_STATE_SLEEPING,
		     NANOSLEEP, &scene_idle);
	scene_switch(scene, 0, 3200 * MS, &scene_resizer, FT_STATE_SLEEPING, NANOSLEEP,
		     &scene_idle);
	run_workers(scene, 3010, 3990);
}

static uint64_t charged_ns(const struct model_lock *lock, int32_t tid)
{
	uint64_t ns = 0;

	for (size_t i = 0; i < lock->owner_count; i++)
		if (lock->owners[i].tid == tid)
			ns += lock->owners[i].blamed_ns;
	return ns;
}

static void check_finding(const struct model *model, const struct model_finding *finding,
			  const char *hole)
{
	const struct model_culprit *culprit = &finding->culprit;

	for (size_t i = 0; i < finding->victim_count && finding->has_culprit; i++)
		if (finding->victims[i] == culprit->tid)
			fail_msg("%s: %d is its own victim", hole, culprit->tid);
	if (finding->has_culprit && culprit->tid != HOLDER)
		fail_msg("%s: %d is named: %s", hole, culprit->tid, finding->summary);
	if (!finding->has_culprit && finding->grade >= GRADE_STRONG &&
	    finding->kind != FINDING_NO_STALL)
		fail_msg("%s: sure of nobody: %s", hole, finding->summary);
	for (size_t i = 0; i < model->lock_count && finding->has_culprit; i++) {
		const struct model_lock *lock = &model->locks[i];

		if (lock->class == finding->lock.class && lock->address == finding->lock.address &&
		    charged_ns(lock, 0) > charged_ns(lock, culprit->tid))
			fail_msg("%s: most is nobody's, and %d is named", hole, culprit->tid);
	}
}

static void check_model(const struct model *model, const char *hole)
{
	const uint64_t slack_ns = 1 * MS;

	for (size_t i = 0; i < model->finding_count; i++)
		check_finding(model, &model->findings[i], hole);
	if (!model->stall.found)
		return;
	if (model->stall.start_ns + slack_ns < FROM_NS)
		fail_msg("%s: it began at %llu ms", hole,
			 (unsigned long long)(model->stall.start_ns / MS));
	if (model->stall.end_ns > UNTIL_NS + slack_ns && !model->stall.end_doubtful)
		fail_msg("%s: it lasted until %llu ms", hole,
			 (unsigned long long)(model->stall.end_ns / MS));
}

/* Return: whether the holder is named. */
static bool with_hole(void (*happens)(struct scene *scene), uint32_t cpu, uint64_t from_ms,
		      uint64_t length_ms)
{
	struct scene *scene = scene_create(2);
	struct scene_result result;
	char hole[80];
	bool named;

	snprintf(hole, sizeof(hole), "CPU %u, %u ms from %u ms on", cpu, (unsigned int)length_ms,
		 (unsigned int)from_ms);
	if (length_ms)
		scene_hole(scene, cpu, from_ms * MS, (from_ms + length_ms) * MS);
	happens(scene);
	result = scene_analyze(scene, "100", END_NS);
	check_model(result.model, hole);
	named = result.model->finding_count && result.model->findings[0].has_culprit;
	scene_done(&result, scene);
	return named;
}

static void no_hole_makes_a_culprit_of_a_victim(void (*happens)(struct scene *scene))
{
	static const uint64_t lengths_ms[] = { 5, 95, 400, 900, 1700 };

	assert_true(with_hole(happens, 0, 0, 0));
	for (uint32_t cpu = 0; cpu < 2; cpu++)
		for (size_t i = 0; i < sizeof(lengths_ms) / sizeof(*lengths_ms); i++)
			for (uint64_t from_ms = 20; from_ms + lengths_ms[i] < 3980; from_ms += 45)
				with_hole(happens, cpu, from_ms, lengths_ms[i]);
	/* Something short in the middle does not hide it. */
	assert_true(with_hole(happens, 0, 2000, 95));
	assert_true(with_hole(happens, 1, 2000, 400));
}

static void damage_makes_no_culprit_of_who_waits_for_mmap_lock(void **state)
{
	(void)state;
	no_hole_makes_a_culprit_of_a_victim(mmap_convoy);
}

static void damage_makes_no_culprit_of_who_waits_for_a_lock_of_the_program(void **state)
{
	(void)state;
	no_hole_makes_a_culprit_of_a_victim(futex_convoy);
}

UNIT_TESTS(damaged_capture)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(damage_makes_no_culprit_of_who_waits_for_mmap_lock),
		cmocka_unit_test(damage_makes_no_culprit_of_who_waits_for_a_lock_of_the_program),
	};

	return run_unit_tests(tests, NULL, NULL);
}
