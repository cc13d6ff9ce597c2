/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A freeze recorded while the governor took no stacks at switches and wakings:
 * those of the threads blocked for long came from /proc, without the scheduler's and
 * the lock's own functions.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/analysis.h"
#include "tests/unit/support/scene.h"
#include "tests/unit/support/unit_test.h"

#define MS SCENE_MS
#define US SCENE_US
#define OTHER_LOCK 0xffff888000000001ull

/* As /proc/PID/stack has them. */
#define IN_MUNMAP "__vm_munmap < __x64_sys_munmap < do_syscall_64 < entry_SYSCALL_64_after_hwframe"
#define IN_FAULT "lock_mm_and_find_vma < do_user_addr_fault < exc_page_fault < asm_exc_page_fault"
#define IN_SLEEP "hrtimer_nanosleep < __x64_sys_clock_nanosleep < do_syscall_64"
#define IN_FUTEX                                                                                   \
	"futex_do_wait < __futex_wait < futex_wait < do_futex < __x64_sys_futex < do_syscall_64"
#define NOTE "governor: lazy stacks from here on (of threads blocked for long, from /proc)"

static const struct scene_freeze freeze = { .odd_flags = FT_LOCK_READ };

/* Each second worker waits in a page fault; stacks are read 60 ms later. */
static void freeze_begins(struct scene *scene)
{
	scene_note(scene, 0, 100 * MS, NOTE);
	scene_freeze_begins(scene, &freeze);
	for (uint64_t i = 0; i < SCENE_WORKERS; i++)
		scene_state(scene, 1, (1061 + i) * MS, &scene_workers[i], FT_STATE_DISK,
			    i % 2 ? IN_FAULT : IN_MUNMAP);
}

static void lazy_capture_of_an_mmap_convoy_names_the_holder_but_is_not_sure(void **state)
{
	struct scene *scene = scene_create(2);
	const struct model_finding *finding;
	struct scene_result result;

	(void)state;
	freeze_begins(scene);
	scene_populates(scene, 1010, 3000);
	scene_freeze_ends(scene, &freeze);
	result = scene_analyze(scene, "100", 4000 * MS);

	assert_true(result.model->stall.found);
	assert_int_equal(result.model->stall.threads_blocked_max, SCENE_WORKERS);
	assert_int_equal(result.model->stall.start_ns, 1001 * MS + 30 * US);
	finding = &result.model->findings[0];
	assert_int_equal(finding->kind, FINDING_MMAP_LOCK_CONVOY);
	assert_int_equal(finding->grade, GRADE_PLAUSIBLE);
	assert_int_equal(finding->victim_count, SCENE_WORKERS);
	/* 1999 + 1998 + 1997 + 1996 ms, 30 us each before, 0 + 30 + 60 + 90 us after */
	assert_int_equal(finding->blocked_ns, 7990 * MS - 4 * 30 * US + 180 * US);
	assert_int_equal(finding->culprit.tid, 100);
	assert_int_equal(finding->culprit.running_ns, finding->culprit.hold_ns);
	assert_int_equal(finding->allocation.bytes, SCENE_BYTES);
	assert_int_equal(finding->lock.address, SCENE_LOCK);
	assert_int_equal(finding->lock.mode, LOCK_MODE_NONE);
	assert_non_null(strstr(finding->evidence[0], "its stack then was not recorded"));
	scene_done(&result, scene);
}

static void lazy_capture_that_ends_in_the_freeze_names_the_holder_too(void **state)
{
	struct scene *scene = scene_create(2);
	const struct model_finding *finding;
	struct scene_result result;

	(void)state;
	freeze_begins(scene);
	scene_populates(scene, 1010, 2500);
	result = scene_analyze(scene, "100", 2500 * MS);

	assert_true(result.model->stall.still_open);
	finding = &result.model->findings[0];
	assert_int_equal(finding->kind, FINDING_MMAP_LOCK_CONVOY);
	assert_int_equal(finding->grade, GRADE_PLAUSIBLE);
	assert_int_equal(finding->culprit.tid, 100);
	scene_done(&result, scene);
}

/* In its sleep for memory the holder too is known by a lazy stack only. */
static void lazy_capture_knows_a_holder_that_sleeps(void **state)
{
	struct scene *scene = scene_create(2);
	const struct model_finding *finding;
	struct scene_result result;

	(void)state;
	freeze_begins(scene);
	scene_populates(scene, 1010, 1100);
	scene_switch(scene, 0, 1100 * MS, &scene_resizer, FT_STATE_DISK, NULL, &scene_idle);
	scene_state(scene, 0, 1160 * MS, &scene_resizer, FT_STATE_DISK,
		    "reclaim_throttle < shrink_node < do_try_to_free_pages < try_to_free_pages < "
		    "__alloc_pages_slowpath < do_anonymous_page < handle_mm_fault < faultin_page < "
		    "__get_user_pages < populate_vma_page_range < __mm_populate < vm_mmap_pgoff < "
		    "ksys_mmap_pgoff < __x64_sys_mmap < do_syscall_64");
	result = scene_analyze(scene, "100", 2500 * MS);

	finding = &result.model->findings[0];
	assert_int_equal(finding->kind, FINDING_MMAP_LOCK_CONVOY);
	assert_int_equal(finding->culprit.tid, 100);
	assert_true(finding->culprit.blocked_ns >= 1400 * MS);
	scene_done(&result, scene);
}

static void lazy_capture_says_when_there_were_fewer_stacks(void **state)
{
	struct scene *scene = scene_create(2);
	struct scene_result result;
	bool said = false;

	(void)state;
	freeze_begins(scene);
	scene_populates(scene, 1010, 2500);
	result = scene_analyze(scene, "100", 2500 * MS);

	assert_int_equal(result.model->coverage.note_count, 1);
	assert_int_equal(result.model->coverage.notes[0].at_ns, 100 * MS);
	assert_string_equal(result.model->coverage.notes[0].text, NOTE);
	for (size_t i = 0; i < result.model->coverage.cannot_say_count; i++)
		said |= !!strstr(result.model->coverage.cannot_say[i], "fewer stacks");
	assert_true(said);
	scene_done(&result, scene);
}

/* The time of the thread @tid in waits of @class. */
static uint64_t waited_ns(const struct model *model, int32_t tid, enum wait_class class)
{
	for (size_t i = 0; i < model->thread_count; i++)
		if (model->threads[i].tid == tid)
			return model->threads[i].class_ns[class];
	return 0;
}

/* Of what was asleep for less than the threshold there is no stack: such sleeps are not known, and harmless. */
static void lazy_capture_of_sleepers_is_no_stall(void **state)
{
	struct scene *scene = scene_create(1);
	struct scene_result result;

	(void)state;
	scene_note(scene, 0, 100 * MS, NOTE);
	for (uint64_t at_ms = 500; at_ms < 3500; at_ms += 500) {
		scene_waking(scene, 0, at_ms * MS, &scene_idle, NULL, &scene_workers[0]);
		scene_switch(scene, 0, at_ms * MS + 10 * US, &scene_idle, FT_STATE_RUNNING, NULL, &scene_workers[0]);
		/* Short, for a lock; then long, for nothing. */
		scene_lock_begin(scene, 0, at_ms * MS + 20 * US, &scene_workers[0], OTHER_LOCK, FT_LOCK_MUTEX);
		scene_switch(scene, 0, at_ms * MS + 30 * US, &scene_workers[0], FT_STATE_DISK, NULL, &scene_resizer);
		scene_waking(scene, 0, (at_ms + 1) * MS, &scene_resizer, NULL, &scene_workers[0]);
		scene_switch(scene, 0, (at_ms + 1) * MS + 10 * US, &scene_resizer, FT_STATE_SLEEPING, NULL, &scene_workers[0]);
		scene_switch(scene, 0, (at_ms + 2) * MS, &scene_workers[0], FT_STATE_SLEEPING, NULL, &scene_idle);
		scene_state(scene, 0, (at_ms + 60) * MS, &scene_workers[0], FT_STATE_SLEEPING,
			    at_ms % 1000 ? IN_SLEEP : IN_FUTEX);
	}
	result = scene_analyze(scene, "100", 3500 * MS);

	assert_false(result.model->stall.found);
	assert_int_equal(waited_ns(result.model, 101, WAIT_SLEEP), 3 * 498 * MS);
	assert_true(waited_ns(result.model, 101, WAIT_LOCK_FUTEX) >= 2 * 498 * MS);
	assert_int_equal(result.model->lock_count, 0);
	scene_done(&result, scene);
}

/* Where the thread slept after it was contended is not known, and the next sleep is another matter. */
static void lazy_capture_gives_a_file_lock_no_address_of_a_mutex(void **state)
{
	struct scene *scene = scene_create(1);
	struct scene_result result;

	(void)state;
	scene_switch(scene, 0, 500 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &scene_workers[0]);
	scene_lock_begin(scene, 0, 501 * MS, &scene_workers[0], OTHER_LOCK, FT_LOCK_MUTEX);
	scene_switch(scene, 0, 502 * MS, &scene_workers[0], FT_STATE_DISK, NULL, &scene_resizer);
	scene_waking(scene, 0, 503 * MS, &scene_resizer, NULL, &scene_workers[0]);
	scene_switch(scene, 0, 504 * MS, &scene_resizer, FT_STATE_SLEEPING, NULL, &scene_workers[0]);
	scene_switch(scene, 0, 505 * MS, &scene_workers[0], FT_STATE_SLEEPING, NULL, &scene_idle);
	scene_state(scene, 0, 600 * MS, &scene_workers[0], FT_STATE_SLEEPING,
		    "locks_lock_inode_wait < __x64_sys_flock < do_syscall_64");
	scene_waking(scene, 0, 1500 * MS, &scene_resizer, NULL, &scene_workers[0]);
	result = scene_analyze(scene, "100", 3500 * MS);

	assert_int_equal(result.model->lock_count, 1);
	assert_int_equal(result.model->locks[0].class, WAIT_LOCK_FILE);
	assert_int_equal(result.model->locks[0].address, 0);
	scene_done(&result, scene);
}

UNIT_TESTS(deferred_stacks)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lazy_capture_of_an_mmap_convoy_names_the_holder_but_is_not_sure),
		cmocka_unit_test(lazy_capture_that_ends_in_the_freeze_names_the_holder_too),
		cmocka_unit_test(lazy_capture_knows_a_holder_that_sleeps),
		cmocka_unit_test(lazy_capture_says_when_there_were_fewer_stacks),
		cmocka_unit_test(lazy_capture_of_sleepers_is_no_stall),
		cmocka_unit_test(lazy_capture_gives_a_file_lock_no_address_of_a_mutex),
	};

	return run_unit_tests(tests, NULL, NULL);
}
