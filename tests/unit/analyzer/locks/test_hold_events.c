/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Locks of which the kernel's own events tell who holds them: the owner is then
 * known, whatever a waker's stack says, and never known better than the events say.
 */
#include "analyzer/locks/hold_events.h"
#include "analyzer/locks/mmap_lock_offset.h"
#include "tests/unit/support/scene.h"
#include "tests/unit/support/unit_test.h"

#define MS SCENE_MS
#define US SCENE_US

#define MM 0xffff888012340000ull
#define MMAP_LOCK (MM + 0x78)

#define ACQUIRED (FT_HOLD_ACQUIRED | FT_HOLD_OF_MM)
#define RELEASED FT_HOLD_OF_MM

#define WAIT                                                                                       \
	SLEEP "schedule_preempt_disabled < rwsem_down_write_slowpath < down_write_killable < "    \
	      "__vm_munmap < __x64_sys_munmap < do_syscall_64"
#define RELEASE                                                                                    \
	"try_to_wake_up < wake_up_q < rwsem_wake < up_write < do_mprotect_pkey < "                \
	"__x64_sys_mprotect < do_syscall_64"
#define PROTECT "change_pte_range < change_protection < do_mprotect_pkey < __x64_sys_mprotect < do_syscall_64"

static const struct ft_task holder = { 100, 100, "holder" };
static const struct ft_task waiter = { 101, 100, "waiter" };

/* What is left out of the story below, or differs. */
struct story {
	const struct ft_task *releases; /* who wakes the waiter; NULL: the holder */
	uint32_t how;			/* FT_HOLD_READ or _WRITE */
	bool no_acquire, no_release, waits_on;
	bool only_contended;	/* no mmap_lock events, but lock:contended_release */
};

/* The holder has the lock from 1 s to 3 s; the waiter wants it from 1.1 s on, gets it, and lets it go. */
static struct scene_result tell_story(struct scene *scene, const struct story *story)
{
	uint32_t how = story->how ? story->how : FT_HOLD_WRITE;
	uint64_t released_ns = 3000 * MS - 3 * US;

	scene_switch(scene, 0, 500 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &holder);
	if (!story->no_acquire)
		scene_lock_hold(scene, 0, 1000 * MS, &holder, MM, ACQUIRED | how);
	for (uint64_t at_ms = 1010; at_ms < 3000; at_ms += 20)
		scene_sample(scene, 0, at_ms * MS, &holder, PROTECT);
	scene_switch(scene, 1, 1000 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &waiter);
	scene_lock_begin(scene, 1, 1100 * MS - 5 * US, &waiter, MMAP_LOCK, FT_LOCK_WRITE);
	scene_switch(scene, 1, 1100 * MS, &waiter, FT_STATE_DISK, WAIT, &scene_idle);
	if (story->waits_on)
		return scene_analyze(scene, "100", 3000 * MS);
	if (story->only_contended)
		scene_lock_hold(scene, 0, released_ns, &holder, MMAP_LOCK, 0);
	else if (!story->no_release)
		scene_lock_hold(scene, 0, released_ns, &holder, MM, RELEASED | how);
	if (!story->releases)
		scene_waking(scene, 0, 3000 * MS, &holder, RELEASE, &waiter);
	scene_switch(scene, 0, 3500 * MS, &holder, FT_STATE_SLEEPING, NANOSLEEP, &scene_idle);
	if (story->releases) {
		scene_switch(scene, 1, 2999 * MS, &scene_idle, FT_STATE_RUNNING, NULL,
			     story->releases);
		scene_waking(scene, 1, 3000 * MS, story->releases, RELEASE, &waiter);
		scene_switch(scene, 1, 3000 * MS + 2 * US, story->releases, FT_STATE_SLEEPING,
			     NANOSLEEP, &scene_idle);
	}
	scene_switch(scene, 1, 3000 * MS + 5 * US, &scene_idle, FT_STATE_RUNNING, NULL, &waiter);
	if (!story->only_contended) {
		scene_lock_hold(scene, 1, 3000 * MS + 8 * US, &waiter, MM,
				ACQUIRED | FT_HOLD_WRITE);
		scene_lock_hold(scene, 1, 3000 * MS + 20 * US, &waiter, MM,
				RELEASED | FT_HOLD_WRITE);
	}
	scene_switch(scene, 1, 3100 * MS, &waiter, FT_STATE_SLEEPING, NANOSLEEP, &scene_idle);
	return scene_analyze(scene, "100", 4000 * MS);
}

static const struct model_finding *expect_convoy(const struct scene_result *result)
{
	const struct model_finding *finding = &result->model->findings[0];

	assert_true(result->model->finding_count >= 1);
	assert_int_equal(finding->kind, FINDING_MMAP_LOCK_CONVOY);
	return finding;
}

static void hold_events_name_the_owner_exactly(void **state)
{
	struct scene *scene = scene_create(2);
	struct scene_result result = tell_story(scene, &(struct story){ .how = FT_HOLD_WRITE });
	const struct model_finding *finding = expect_convoy(&result);

	(void)state;
	assert_int_equal(finding->grade, GRADE_EXACT);
	assert_int_equal(finding->culprit.tid, 100);
	assert_int_equal(finding->culprit.hold_ns, 2000 * MS);
	assert_int_equal(finding->lock.mode, LOCK_MODE_WRITE);
	assert_int_equal(finding->lock.address, MMAP_LOCK);
	assert_int_equal(result.model->locks[0].owners[0].grade, GRADE_EXACT);
	assert_int_equal(result.model->locks[0].owners[0].blamed_ns, 1900 * MS);
	assert_true(scene_has_evidence(finding, "events of the lock say that it acquired it"));
	scene_done(&result, scene);
}

/* It let readers in, or passed the lock on: it did not hold it. */
static void hold_events_outweigh_who_woke_the_waiter(void **state)
{
	static const struct ft_task passer = { 102, 100, "passer" };
	struct scene *scene = scene_create(2);
	struct scene_result result = tell_story(scene, &(struct story){ .releases = &passer });
	const struct model_finding *finding = expect_convoy(&result);

	(void)state;
	assert_int_equal(finding->culprit.tid, 100);
	assert_int_equal(finding->grade, GRADE_EXACT);
	scene_done(&result, scene);
}

static void a_reader_that_holds_is_told_as_one(void **state)
{
	struct scene *scene = scene_create(2);
	struct scene_result result = tell_story(scene, &(struct story){ .how = FT_HOLD_READ });
	const struct model_finding *finding = expect_convoy(&result);

	(void)state;
	assert_int_equal(finding->lock.mode, LOCK_MODE_READ);
	assert_int_equal(finding->grade, GRADE_EXACT);
	scene_done(&result, scene);
}

static void a_hold_whose_beginning_is_missing_is_not_exact(void **state)
{
	struct scene *scene = scene_create(2);
	struct scene_result result = tell_story(scene, &(struct story){ .no_acquire = true });
	const struct model_finding *finding = expect_convoy(&result);

	(void)state;
	assert_int_equal(finding->culprit.tid, 100);
	assert_true(finding->grade < GRADE_EXACT);
	scene_done(&result, scene);
}

static void a_hold_whose_end_is_missing_is_told_by_the_hand_off(void **state)
{
	struct scene *scene = scene_create(2);
	struct scene_result result = tell_story(scene, &(struct story){ .no_release = true });
	const struct model_finding *finding = expect_convoy(&result);

	(void)state;
	assert_int_equal(finding->culprit.tid, 100);
	assert_int_equal(finding->grade, GRADE_STRONG);
	scene_done(&result, scene);
}

/* Nobody has waited for a lock and then got it: how mm and lock belong together is not known. */
static void a_freeze_that_goes_on_says_nothing_of_locks_it_cannot_place(void **state)
{
	struct scene *scene = scene_create(2);
	struct scene_result result = tell_story(scene, &(struct story){ .waits_on = true });

	(void)state;
	assert_true(expect_convoy(&result)->grade < GRADE_EXACT);
	scene_done(&result, scene);
}

static void a_contended_release_proves_the_owner_at_that_time(void **state)
{
	struct scene *scene = scene_create(2);
	struct scene_result result = tell_story(scene, &(struct story){ .only_contended = true });
	const struct model_finding *finding = expect_convoy(&result);

	(void)state;
	assert_int_equal(finding->culprit.tid, 100);
	assert_true(finding->grade >= GRADE_STRONG);
	scene_done(&result, scene);
}

/* The tables alone. */

static struct thread alice = { .index = 0, .tid = 100 }, bob = { .index = 1, .tid = 101 };

static int feed_hold(struct hold_events *holders, uint64_t time_ns, struct thread *thread, uint32_t flags,
		     struct hold_release *ret_release)
{
	const struct event event = {
		.raw = { .kind = FT_EVENT_LOCK_HOLD, .time_ns = time_ns,
			 .lock_hold = { .address = MMAP_LOCK, .flags = flags } },
		.thread = thread,
	};

	return hold_events_event(holders, &event, ret_release);
}

static void readers_share_a_lock_and_are_told_apart(void **state)
{
	struct hold_release release;
	struct hold_events *holders;
	struct hold_owner first;

	(void)state;
	assert_int_equal(hold_events_create(&holders), 0);
	assert_int_equal(feed_hold(holders, 10, &alice, FT_HOLD_ACQUIRED | FT_HOLD_READ, &release),
			 0);
	assert_int_equal(feed_hold(holders, 50, &bob, FT_HOLD_ACQUIRED | FT_HOLD_READ, &release),
			 0);
	assert_int_equal(hold_events_of(holders, MMAP_LOCK, &first), 2);
	assert_ptr_equal(first.thread, &alice);
	assert_int_equal(feed_hold(holders, 90, &alice, FT_HOLD_READ, &release), 1);
	assert_int_equal(release.since_ns, 10);
	assert_int_equal(release.alone_until_ns, 50);
	assert_int_equal(feed_hold(holders, 95, &bob, FT_HOLD_READ, &release), 1);
	assert_int_equal(release.since_ns, 50);
	assert_int_equal(release.alone_until_ns, 95);
	assert_int_equal(hold_events_of(holders, MMAP_LOCK, &first), 0);
	hold_events_destroy(holders);
}

static void a_writer_shows_that_those_before_it_are_gone(void **state)
{
	struct hold_release release;
	struct hold_events *holders;
	struct hold_owner first;

	(void)state;
	assert_int_equal(hold_events_create(&holders), 0);
	feed_hold(holders, 10, &alice, FT_HOLD_ACQUIRED | FT_HOLD_WRITE, &release);
	feed_hold(holders, 50, &bob, FT_HOLD_ACQUIRED | FT_HOLD_WRITE, &release);
	assert_int_equal(hold_events_of(holders, MMAP_LOCK, &first), 1);
	assert_ptr_equal(first.thread, &bob);
	assert_int_equal(feed_hold(holders, 60, &alice, FT_HOLD_WRITE, &release), 1);
	assert_int_equal(release.since_ns, 0);
	hold_events_destroy(holders);
}

static void nobody_is_known_to_hold_a_lock_after_a_loss(void **state)
{
	const struct event lost = { .raw = { .kind = FT_EVENT_LOST, .time_ns = 20 } };
	struct hold_release release;
	struct hold_events *holders;
	struct hold_owner first;

	(void)state;
	assert_int_equal(hold_events_create(&holders), 0);
	feed_hold(holders, 10, &alice, FT_HOLD_ACQUIRED | FT_HOLD_WRITE, &release);
	assert_int_equal(hold_events_event(holders, &lost, &release), 0);
	assert_int_equal(hold_events_of(holders, MMAP_LOCK, &first), 0);
	hold_events_destroy(holders);
}

static void awaits_and_gets(struct mmap_lock_offset *offset, uint64_t lock, uint64_t mm)
{
	const struct event begin = {
		.raw = { .kind = FT_EVENT_LOCK_BEGIN, .lock_begin = { .address = lock } },
		.thread = &alice,
	};
	const struct event got = {
		.raw = { .kind = FT_EVENT_LOCK_HOLD,
			 .lock_hold = { .address = mm, .flags = ACQUIRED | FT_HOLD_READ } },
		.thread = &alice,
	};

	assert_int_equal(mmap_lock_offset_event(offset, &begin), 0);
	assert_int_equal(mmap_lock_offset_event(offset, &got), 0);
}

static void the_place_of_the_lock_in_its_mm_is_what_most_waits_say(void **state)
{
	struct mmap_lock_offset *offset;

	(void)state;
	assert_int_equal(mmap_lock_offset_create(&offset), 0);
	assert_int_equal(mmap_lock_offset_found(offset), 0);
	awaits_and_gets(offset, 0xffff888055550010, MM); /* another lock, far away */
	assert_int_equal(mmap_lock_offset_found(offset), 0);
	awaits_and_gets(offset, MM + 0x200, MM); /* another one that happens to be near */
	awaits_and_gets(offset, MMAP_LOCK, MM);
	awaits_and_gets(offset, MMAP_LOCK + 0x10000, MM + 0x10000);
	assert_int_equal(mmap_lock_offset_found(offset), 0x78);
	mmap_lock_offset_destroy(offset);
}

UNIT_TESTS(hold_events)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hold_events_name_the_owner_exactly),
		cmocka_unit_test(hold_events_outweigh_who_woke_the_waiter),
		cmocka_unit_test(a_reader_that_holds_is_told_as_one),
		cmocka_unit_test(a_hold_whose_beginning_is_missing_is_not_exact),
		cmocka_unit_test(a_hold_whose_end_is_missing_is_told_by_the_hand_off),
		cmocka_unit_test(a_freeze_that_goes_on_says_nothing_of_locks_it_cannot_place),
		cmocka_unit_test(a_contended_release_proves_the_owner_at_that_time),
		cmocka_unit_test(readers_share_a_lock_and_are_told_apart),
		cmocka_unit_test(a_writer_shows_that_those_before_it_are_gone),
		cmocka_unit_test(nobody_is_known_to_hold_a_lock_after_a_loss),
		cmocka_unit_test(the_place_of_the_lock_in_its_mm_is_what_most_waits_say),
	};

	return run_unit_tests(tests, NULL, NULL);
}
