/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The waits that stalls are made of: slices are one, and to hand something on hurts only if it is not as ever.
 */
#include <stdlib.h>
#include <string.h>

#include "analyzer/activity/long_waits.h"
#include "tests/unit/support/actors.h"
#include "tests/unit/support/unit_test.h"

#define MS SCENE_MS
#define US SCENE_US

#define RECLAIM                                                                                 \
	"try_to_free_mem_cgroup_pages < try_charge_memcg < charge_memcg < do_anonymous_page < " \
	"handle_mm_fault < "
#define IN_FAULT RECLAIM "exc_page_fault < asm_exc_page_fault"
#define IN_MMAP                                                                                 \
	RECLAIM "__get_user_pages < populate_vma_page_range < __mm_populate < vm_mmap_pgoff < " \
		"ksys_mmap_pgoff < __x64_sys_mmap < do_syscall_64"
#define CONNECT                                                                                    \
	SLEEP "__inet_stream_connect < inet_stream_connect < __sys_connect < __x64_sys_connect < " \
	      "do_syscall_64"

static const struct actor worker = { { 101, 100, "worker" }, 0 };
static struct thread threads[4];

/* It blocks for 60 ms in each of @stacks, and runs for @run_ms after each. */
static uint64_t longest_of_slices(const char *const *stacks, size_t count, uint64_t run_ms,
				  enum ft_task_state state)
{
	struct scene *scene = scene_create(1);
	struct scene_observed observed;
	const struct long_waits *waits;
	uint64_t at_ns = 10 * MS, longest_ns = 0;

	actor_comes(scene, &worker, at_ns);
	for (size_t i = 0; i < count; i++) {
		at_ns += run_ms * MS;
		scene_switch(scene, 0, at_ns, &worker.task, state, stacks[i], &scene_idle);
		at_ns += 60 * MS;
		if (state == FT_STATE_PREEMPTED)
			actor_comes(scene, &worker, at_ns);
		else
			actor_interrupted(scene, &worker, at_ns, PACKET_COMES);
	}
	actor_waits(scene, &worker, at_ns + MS, NANOSLEEP);
	scene_observe(scene, at_ns + 500 * MS, &observed);
	waits = wait_stats_long_waits(observed.observations.wait_stats);
	assert_true(waits->count <= 1);
	if (waits->count) {
		longest_ns = waits->list[0].blocked_ns;
		assert_int_equal(waits->list[0].class, WAIT_MEM_MEMCG_RECLAIM);
		assert_int_equal(waits->list[0].direction, DIRECTION_NEEDS);
	}
	scene_observed_free(&observed);
	return longest_ns;
}

static void slices_of_reclaim_in_one_operation_are_one_wait(void **state)
{
	static const char *const same[] = { SLEEP IN_MMAP, SLEEP IN_MMAP, SLEEP IN_MMAP,
					    SLEEP IN_MMAP, SLEEP IN_MMAP };
	static const char *const others[] = { SLEEP IN_MMAP, SLEEP IN_FAULT, SLEEP IN_MMAP,
					      SLEEP IN_FAULT, SLEEP IN_MMAP };
	static const char *const yields[] = { "__schedule < __cond_resched < " IN_MMAP,
					      "__schedule < __cond_resched < " IN_MMAP,
					      "__schedule < __cond_resched < " IN_MMAP,
					      "__schedule < __cond_resched < " IN_MMAP };

	(void)state;
	assert_int_equal(longest_of_slices(same, 5, 1, FT_STATE_DISK), 300 * MS);
	assert_int_equal(longest_of_slices(others, 5, 1, FT_STATE_DISK), 0);
	/* it got on between them */
	assert_int_equal(longest_of_slices(same, 5, 50, FT_STATE_DISK), 0);
	assert_int_equal(longest_of_slices(yields, 4, 1, FT_STATE_PREEMPTED), 240 * MS);
}

/* What else the operation waits for between them belongs to it. */
static void other_waits_in_a_sliced_operation_are_a_part_of_it(void **state)
{
	static const char *const stacks[] = { SLEEP IN_MMAP, SLEEP IN_MMAP,
					      SLEEP
					      "io_schedule < folio_wait_bit_common < "
					      "filemap_fault < __do_fault < handle_mm_fault < "
					      "__get_user_pages < __mm_populate < vm_mmap_pgoff < "
					      "__x64_sys_mmap < do_syscall_64",
					      SLEEP IN_MMAP };

	(void)state;
	assert_int_equal(longest_of_slices(stacks, 4, 1, FT_STATE_DISK), 240 * MS);
}

/* connect() waits again after each packet that it repeats. */
static void slices_of_connect_are_one_wait(void **state)
{
	struct scene *scene = scene_create(1);
	struct scene_observed observed;
	const struct long_waits *waits;

	(void)state;
	actor_comes(scene, &worker, 10 * MS);
	for (uint64_t i = 0; i < 4; i++) {
		actor_waits(scene, &worker, (100 + i * 150) * MS, CONNECT);
		actor_interrupted(scene, &worker, (249 + i * 150) * MS, TIMER_FIRES);
	}
	actor_waits(scene, &worker, 800 * MS, NANOSLEEP);
	scene_observe(scene, 1000 * MS, &observed);
	waits = wait_stats_long_waits(observed.observations.wait_stats);
	assert_int_equal(waits->count, 1);
	assert_int_equal(waits->list[0].direction, DIRECTION_GIVES);
	assert_int_equal(waits->list[0].start_ns - SCENE_START_NS, 100 * MS);
	assert_int_equal(waits->list[0].blocked_ns, 4 * 149 * MS);
	/* alone, and to the other end of a network */
	assert_int_equal(waits->unsure_count, 1);
	scene_observed_free(&observed);
}

static struct long_wait wait_of(size_t thread, enum wait_class class, enum wait_direction direction,
				uint64_t start_ms, uint64_t end_ms)
{
	return (struct long_wait){
		.thread = &threads[thread],
		.class = class,
		.direction = direction,
		.start_ns = start_ms * MS,
		.end_ns = end_ms * MS,
		.blocked_ns = (end_ms - start_ms) * MS,
	};
}

static void finish_waits(struct long_waits *waits, const struct long_wait *list, size_t count)
{
	*waits = (struct long_waits){ .long_ns = 200 * MS, .count = count, .room = count };
	waits->list = calloc(count + 1, sizeof(*list));
	assert_non_null(waits->list);
	if (count)
		memcpy(waits->list, list, count * sizeof(*list));
	assert_int_equal(long_waits_finish(waits), 0);
}

/* The longest wait of a thread for room in a pipe, with @like others, the shortest of @least_ms. */
static bool hurts_with_others(size_t like, uint64_t least_ms)
{
	struct long_wait list[8];
	struct long_waits waits;
	bool hurts;

	list[0] = wait_of(0, WAIT_IPC_PIPE, DIRECTION_GIVES, 0, 5000);
	for (size_t i = 1; i <= like; i++) {
		uint64_t start_ms = i * 10000;

		list[i] = wait_of(0, WAIT_IPC_PIPE, DIRECTION_GIVES, start_ms,
				  start_ms + least_ms + like - i);
	}
	finish_waits(&waits, list, like + 1);
	hurts = waits.count && waits.list[0].blocked_ns == 5000 * MS;
	/* if there are enough of them, those that are like each other are all gone */
	assert_int_equal(waits.count, like < 4 ? like + 1 : hurts);
	assert_int_equal(waits.gives_hurt, waits.count > 0);
	long_waits_free(&waits);
	return hurts;
}

static void back_pressure_that_is_as_ever_does_not_hurt(void **state)
{
	(void)state;
	assert_true(hurts_with_others(0, 0));
	assert_true(hurts_with_others(3, 1000));
	assert_false(hurts_with_others(4, 1000));
	assert_true(hurts_with_others(4, 999));
}

static void back_pressure_of_the_whole_recording_does_not_hurt(void **state)
{
	struct long_wait wait = wait_of(0, WAIT_IPC_PIPE, DIRECTION_GIVES, 0, 9000);

	(void)state;
	for (size_t open = 0; open < 2; open++) {
		struct long_waits waits;

		wait.flags = INTERVAL_BEGAN_BEFORE | (open ? INTERVAL_STILL_OPEN : 0);
		finish_waits(&waits, &wait, 1);
		assert_int_equal(waits.count, !open);
		long_waits_free(&waits);
	}
}

/* Half of the time of the wait. */
static void sender_without_company_may_have_a_slow_client(void **state)
{
	const enum wait_class classes[] = { WAIT_NET_SOCKET, WAIT_NET_SOCKET, WAIT_IPC_PIPE };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		const struct long_wait list[] = {
			wait_of(0, WAIT_NET_SOCKET, DIRECTION_GIVES, 1000, 3000),
			wait_of(1, classes[i], DIRECTION_GIVES, i == 1 ? 2001 : 2000, 3000),
		};
		struct long_waits waits;

		finish_waits(&waits, list, 2);
		assert_int_equal(waits.count, 2);
		/* the shorter one has company in each case but that of another class */
		assert_int_equal(waits.unsure_count, i == 0 ? 0 : 1);
		assert_ptr_equal(waits.list[1].thread, &threads[i == 0 ? 1 : 0]);
		assert_int_equal(waits.gives_hurt, true);
		long_waits_free(&waits);
	}
}

static void waits_that_are_sure_to_hurt_come_first(void **state)
{
	const struct long_wait list[] = {
		wait_of(0, WAIT_NET_SOCKET, DIRECTION_GIVES, 1000, 9000),
		wait_of(1, WAIT_IO_BLOCK, DIRECTION_NEEDS, 1000, 2000),
		wait_of(2, WAIT_IPC_PIPE, DIRECTION_GIVES, 1000, 4000),
		wait_of(3, WAIT_OTHER, DIRECTION_ASKS, 500, 1000),
	};
	struct long_waits waits;

	(void)state;
	finish_waits(&waits, list, 4);
	assert_int_equal(waits.count, 4);
	assert_int_equal(waits.unsure_count, 1);
	assert_ptr_equal(waits.list[0].thread, &threads[3]);
	assert_ptr_equal(waits.list[1].thread, &threads[1]);
	assert_ptr_equal(waits.list[2].thread, &threads[2]);
	assert_ptr_equal(waits.list[3].thread, &threads[0]);
	/* of those that hurt for sure and were to hand something on */
	assert_int_equal(waits.longest.blocked_ns, 3000 * MS);
	long_waits_free(&waits);
	finish_waits(&waits, NULL, 0);
	assert_int_equal(waits.count + waits.unsure_count, 0);
	long_waits_free(&waits);
}

/* As many as a hostile capture may hold, all alike and of no length. */
static void very_many_waits_of_no_length_end_soon(void **state)
{
	size_t count = 200000;
	struct long_wait *list = calloc(count, sizeof(*list));
	struct long_waits waits;

	(void)state;
	assert_non_null(list);
	for (size_t i = 0; i < count; i++)
		list[i] = wait_of(i % 4, WAIT_NET_SOCKET, DIRECTION_GIVES, i, i);
	finish_waits(&waits, list, count);
	assert_int_equal(waits.count, 0);
	long_waits_free(&waits);
	free(list);
}

static int number_threads(void **state)
{
	(void)state;
	for (size_t i = 0; i < 4; i++)
		threads[i].index = (uint32_t)i;
	return 0;
}

UNIT_TESTS(long_waits)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slices_of_reclaim_in_one_operation_are_one_wait),
		cmocka_unit_test(other_waits_in_a_sliced_operation_are_a_part_of_it),
		cmocka_unit_test(slices_of_connect_are_one_wait),
		cmocka_unit_test(back_pressure_that_is_as_ever_does_not_hurt),
		cmocka_unit_test(back_pressure_of_the_whole_recording_does_not_hurt),
		cmocka_unit_test(sender_without_company_may_have_a_slow_client),
		cmocka_unit_test(waits_that_are_sure_to_hurt_come_first),
		cmocka_unit_test(very_many_waits_of_no_length_end_soon),
	};

	return run_unit_tests(tests, number_threads, NULL);
}
