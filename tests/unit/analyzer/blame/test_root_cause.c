/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why the holder was slow, and what is at the root of it all, in made-up recordings.
 */
#include <string.h>

#include "analyzer/analysis.h"
#include "tests/unit/support/lab.h"
#include "tests/unit/support/scene.h"
#include "tests/unit/support/unit_test.h"

#define MS SCENE_MS
#define US SCENE_US

#define WRITE "ext4_file_write_iter < vfs_write < __x64_sys_pwrite64 < do_syscall_64"
#define WAIT_INODE SLEEP "rwsem_down_write_slowpath < down_write < " WRITE
#define RELEASE_INODE "try_to_wake_up < wake_up_q < rwsem_wake < up_write < " WRITE
#define WAIT_DISK SLEEP "io_schedule < blk_io_schedule < __iomap_dio_rw < iomap_dio_rw < " WRITE
#define WAIT_PIPE SLEEP "pipe_read < vfs_read < __x64_sys_read < do_syscall_64"
#define WRITE_PIPE                                                                                 \
	"try_to_wake_up < autoremove_wake_function < __wake_up_common < __wake_up_sync_key < "    \
	"pipe_write < vfs_write < __x64_sys_write < do_syscall_64"
#define WAIT_RTNL SLEEP "__mutex_lock < rtnl_lock < rtnetlink_rcv_msg < __x64_sys_sendto < do_syscall_64"
#define RELEASE_RTNL                                                                               \
	"try_to_wake_up < wake_up_q < __mutex_unlock_slowpath < rtnl_unlock < rtnetlink_rcv_msg < " \
	"__x64_sys_sendto < do_syscall_64"
#define POLL SLEEP "do_poll < do_sys_poll < __x64_sys_poll < do_syscall_64"
#define WAIT_FAULT                                                                                 \
	SLEEP "rwsem_down_read_slowpath < down_read < lock_mm_and_find_vma < do_user_addr_fault < " \
	      "exc_page_fault < asm_exc_page_fault"
#define WAIT_CMDLINE                                                                               \
	SLEEP "rwsem_down_read_slowpath < down_read_killable < __access_remote_vm < "             \
	      "proc_pid_cmdline_read < vfs_read < __x64_sys_read < do_syscall_64"

#define INODE 0xffff888011110000ull
#define RTNL 0xffffffff82220000ull
#define MMAP 0xffff888033330000ull

static const struct ft_task holder = { 100, 100, "holder" }, first = { 101, 100, "first" },
			    second = { 102, 100, "second" }, third = { 103, 100, "third" },
			    other = { 900, 900, "other" }, more = { 901, 901, "more" };

static int set_up(void **state)
{
	return lab_set_up(state, 4);
}

/* @task comes to CPU @cpu, wants what is at @address, and sleeps. */
static void want_lock(struct lab *lab, uint32_t cpu, uint64_t at_ns, const struct ft_task *task,
		      uint64_t address, uint32_t flags, const char *stack)
{
	scene_switch(lab->scene, cpu, at_ns - 10 * US, &scene_idle, FT_STATE_RUNNING, NULL, task);
	scene_lock_begin(lab->scene, cpu, at_ns - 5 * US, task, address, flags);
	scene_switch(lab->scene, cpu, at_ns, task, FT_STATE_DISK, stack, &scene_idle);
}

/* It runs again on @cpu, and goes to sleep. */
static void comes_back(struct lab *lab, uint32_t cpu, uint64_t at_ns, const struct ft_task *task)
{
	scene_switch(lab->scene, cpu, at_ns, &scene_idle, FT_STATE_RUNNING, NULL, task);
	scene_switch(lab->scene, cpu, at_ns + 2 * US, task, FT_STATE_SLEEPING, POLL, &scene_idle);
}

/* On CPU 0 from 100 ms on it writes to the file, and sleeps in @stack up to 2000 ms; the others want to write too, on CPU 1. */
static void inode_convoy(struct lab *lab, const char *stack, const struct ft_task *waker,
			 const char *waker_stack, uint32_t waker_cpu)
{
	scene_switch(lab->scene, 0, 100 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &holder);
	scene_sample(lab->scene, 0, 150 * MS, &holder, "copy_from_user < " WRITE);
	scene_switch(lab->scene, 0, 200 * MS, &holder, FT_STATE_DISK, stack, &scene_idle);
	want_lock(lab, 1, 300 * MS, &first, INODE, FT_LOCK_WRITE, WAIT_INODE);
	want_lock(lab, 1, 400 * MS, &second, INODE, FT_LOCK_WRITE, WAIT_INODE);
	if (waker)
		scene_waking(lab->scene, waker_cpu, 2000 * MS, waker, waker_stack, &holder);
	scene_switch(lab->scene, 0, 2000 * MS + 10 * US, &scene_idle, FT_STATE_RUNNING, NULL, &holder);
	scene_waking(lab->scene, 0, 2000 * MS + 20 * US, &holder, RELEASE_INODE, &first);
	scene_switch(lab->scene, 0, 2000 * MS + 30 * US, &holder, FT_STATE_SLEEPING, POLL, &scene_idle);
	scene_switch(lab->scene, 1, 2000 * MS + 30 * US, &scene_idle, FT_STATE_RUNNING, NULL, &first);
	scene_waking(lab->scene, 1, 2000 * MS + 40 * US, &first, RELEASE_INODE, &second);
	scene_switch(lab->scene, 1, 2000 * MS + 50 * US, &first, FT_STATE_SLEEPING, POLL, &second);
	scene_switch(lab->scene, 1, 2000 * MS + 60 * US, &second, FT_STATE_SLEEPING, POLL, &scene_idle);
}

/* What @root of @tid cost. */
static uint64_t find_blame(const struct lab *lab, const char *root, int32_t tid)
{
	const struct model *model = lab->result.model;

	for (size_t i = 0; i < model->blame_count; i++)
		if (!strcmp(model->blame[i].root, root) && model->blame[i].tid == tid)
			return model->blame[i].blocked_ns;
	return 0;
}

static uint64_t blamed_in_all(const struct lab *lab)
{
	uint64_t ns = 0;

	for (size_t i = 0; i < lab->result.model->blame_count; i++)
		ns += lab->result.model->blame[i].blocked_ns;
	return ns;
}

static void device_is_at_the_root_of_a_convoy_whose_holder_waits_for_it(void **state)
{
	struct lab *lab = *state;
	const struct model_finding *finding;
	const struct model_because *because;

	inode_convoy(lab, WAIT_DISK, &scene_idle, NULL, 0);
	finding = lab_analyze(lab, 3000 * MS);
	assert_int_equal(finding->kind, FINDING_KERNEL_LOCK_CONVOY);
	assert_int_equal(finding->culprit.tid, holder.tid);
	assert_true(finding->culprit.because_count >= 1);
	because = &finding->culprit.because[0];
	assert_int_equal(because->class, WAIT_IO_BLOCK);
	assert_string_equal(because->operation, "pwrite");
	assert_string_equal(because->ended_by, "interrupt");
	/* The hold begins when somebody waits for it, at 300 ms. */
	assert_in_range(because->waited_ns, 1699 * MS, 1701 * MS);
	assert_non_null(strstr(finding->culprit.why, "waiting for io.block in pwrite, which the device ended"));
	/* 1.7 s and 1.6 s of the victims, and its own 1.8 s. */
	assert_in_range(find_blame(lab, "io.block in pwrite", holder.tid), 5099 * MS, 5101 * MS);
	assert_int_equal(lab->result.model->blame[0].victims, 3);
	assert_int_equal(lab->result.model->blame[0].grade, GRADE_STRONG);
}

/* Each moment that somebody lost is at one root. */
static void blame_adds_up_to_the_time_lost(void **state)
{
	struct lab *lab = *state;
	const struct model_finding *finding;

	inode_convoy(lab, WAIT_DISK, &scene_idle, NULL, 0);
	finding = lab_analyze(lab, 3000 * MS);
	/* The holder's own wait is no time of the finding's victims. */
	assert_int_equal(blamed_in_all(lab), finding->blocked_ns + 1800 * MS);
}

/* The holder waits for what another process computes. */
static void thread_that_runs_is_at_the_root_behind_a_pipe(void **state)
{
	struct lab *lab = *state;
	const struct model_finding *finding;

	scene_switch(lab->scene, 2, 50 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &other);
	for (uint64_t at_ms = 60; at_ms < 2000; at_ms += 20)
		scene_sample(lab->scene, 2, at_ms * MS, &other, " | compute < main");
	inode_convoy(lab, WAIT_PIPE, &other, WRITE_PIPE, 2);
	finding = lab_analyze(lab, 3000 * MS);
	assert_int_equal(finding->culprit.tid, holder.tid);
	assert_string_equal(finding->culprit.because[0].ended_by, "thread");
	assert_int_equal(finding->culprit.because[0].by_tid, other.tid);
	assert_in_range(find_blame(lab, "running compute", other.tid), 3290 * MS, 3300 * MS);
	assert_int_equal(lab->result.model->blame[0].grade, GRADE_PLAUSIBLE);
}

/* Its waker slept until it was woken itself, by the holder: nothing to be learned from that. */
static void circle_of_wake_ups_is_unknown_and_no_deadlock(void **state)
{
	struct lab *lab = *state;

	scene_switch(lab->scene, 2, 50 * MS, &other, FT_STATE_SLEEPING, WAIT_PIPE, &scene_idle);
	inode_convoy(lab, WAIT_PIPE, &other, WRITE_PIPE, 2);
	scene_waking(lab->scene, 0, 2000 * MS + 35 * US, &holder, WRITE_PIPE, &other);
	scene_switch(lab->scene, 2, 2000 * MS + 40 * US, &scene_idle, FT_STATE_RUNNING, NULL, &other);
	lab_analyze(lab, 3000 * MS);
	for (size_t i = 0; i < lab->result.model->blame_count; i++) {
		const struct model_blame *blame = &lab->result.model->blame[i];

		assert_null(strstr(blame->root, "circle"));
		if (blame->blocked_ns > 100 * MS)
			assert_int_equal(blame->grade, GRADE_UNKNOWN);
	}
}

/* Of another process, which is not the target and whose lock is one thread's wait only. */
static void holder_that_waits_for_a_lock_is_a_link_to_the_one_that_holds_that(void **state)
{
	struct lab *lab = *state;
	const struct model_finding *finding;

	scene_switch(lab->scene, 2, 50 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &other);
	scene_sample(lab->scene, 2, 60 * MS, &other, "rtnl_dump_all < rtnetlink_rcv_msg < __x64_sys_sendto < do_syscall_64");
	scene_switch(lab->scene, 2, 70 * MS, &other, FT_STATE_SLEEPING,
		     SLEEP "msleep < rtnetlink_rcv_msg < __x64_sys_sendto < do_syscall_64", &scene_idle);
	scene_switch(lab->scene, 2, 1990 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &other);
	scene_switch(lab->scene, 0, 100 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &holder);
	scene_lock_begin(lab->scene, 0, 199 * MS, &holder, RTNL, FT_LOCK_MUTEX);
	scene_switch(lab->scene, 0, 200 * MS, &holder, FT_STATE_DISK, WAIT_RTNL, &scene_idle);
	for (int i = 0; i < 2; i++)
		want_lock(lab, 1, (300 + 100 * (uint64_t)i) * MS, i ? &second : &first, INODE,
			  FT_LOCK_WRITE, WAIT_INODE);
	want_lock(lab, 1, 450 * MS, &third, INODE, FT_LOCK_WRITE, WAIT_INODE);
	scene_waking(lab->scene, 2, 2000 * MS, &other, RELEASE_RTNL, &holder);
	scene_switch(lab->scene, 2, 2000 * MS + 20 * US, &other, FT_STATE_SLEEPING, POLL, &scene_idle);
	scene_switch(lab->scene, 0, 2000 * MS + 10 * US, &scene_idle, FT_STATE_RUNNING, NULL, &holder);
	scene_waking(lab->scene, 0, 2000 * MS + 20 * US, &holder, RELEASE_INODE, &first);
	scene_waking(lab->scene, 0, 2000 * MS + 21 * US, &holder, RELEASE_INODE, &second);
	scene_waking(lab->scene, 0, 2000 * MS + 22 * US, &holder, RELEASE_INODE, &third);
	scene_switch(lab->scene, 0, 2000 * MS + 30 * US, &holder, FT_STATE_SLEEPING, POLL, &scene_idle);
	comes_back(lab, 1, 2000 * MS + 30 * US, &first);
	comes_back(lab, 1, 2000 * MS + 40 * US, &second);
	comes_back(lab, 1, 2000 * MS + 50 * US, &third);
	finding = lab_analyze(lab, 3000 * MS);
	assert_int_equal(lab->result.model->finding_count, 1);
	assert_int_equal(finding->kind, FINDING_KERNEL_LOCK_CONVOY);
	assert_int_equal(finding->culprit.tid, other.tid);
	assert_int_equal(finding->link_count, 1);
	assert_int_equal(finding->links[0].tid, holder.tid);
	assert_int_equal(finding->links[0].class, WAIT_LOCK_MUTEX);
	assert_int_equal(finding->victim_count, 4);
	assert_in_range(find_blame(lab, "asleep in sendto", other.tid), 6600 * MS, 6850 * MS);
}

static void cpu_that_a_holder_wanted_is_told_with_who_had_it(void **state)
{
	struct lab *lab = *state;
	const struct model_finding *finding;

	scene_switch(lab->scene, 0, 100 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &holder);
	want_lock(lab, 1, 300 * MS, &first, INODE, FT_LOCK_WRITE, WAIT_INODE);
	want_lock(lab, 1, 400 * MS, &second, INODE, FT_LOCK_WRITE, WAIT_INODE);
	scene_switch(lab->scene, 0, 500 * MS, &holder, FT_STATE_PREEMPTED, "copy_from_user < " WRITE, &other);
	scene_switch(lab->scene, 0, 1500 * MS, &other, FT_STATE_PREEMPTED, NULL, &more);
	scene_switch(lab->scene, 0, 1800 * MS, &more, FT_STATE_PREEMPTED, NULL, &holder);
	scene_waking(lab->scene, 0, 2000 * MS, &holder, RELEASE_INODE, &first);
	scene_waking(lab->scene, 0, 2000 * MS + 1 * US, &holder, RELEASE_INODE, &second);
	comes_back(lab, 1, 2000 * MS + 30 * US, &first);
	comes_back(lab, 1, 2000 * MS + 40 * US, &second);
	finding = lab_analyze(lab, 3000 * MS);
	assert_int_equal(finding->culprit.tid, holder.tid);
	assert_int_equal(finding->culprit.instead_count, 2);
	assert_int_equal(finding->culprit.instead[0].tid, other.tid);
	assert_int_equal(finding->culprit.instead[0].ns, 1000 * MS);
	assert_int_equal(finding->culprit.instead[1].tid, more.tid);
	assert_int_equal(finding->culprit.instead[1].ns, 300 * MS);
	assert_non_null(strstr(finding->culprit.why, "1.30 s wanting a CPU while 900 other ran there"));
	/* Two victims, and the holder itself: a thread that runs and gets no CPU is hurt too. */
	assert_int_equal(find_blame(lab, "no CPU for it", holder.tid), 3 * 1300 * MS);
}

/* The holder populates memory: it reads. A writer comes, then two who only want to read. */
static void mmap_convoy(struct lab *lab)
{
	scene_switch(lab->scene, 0, 90 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &holder);
	scene_call(lab->scene, 0, 100 * MS, &holder, FT_CALL_MMAP, SCENE_BYTES, NULL);
	want_lock(lab, 1, 300 * MS, &first, MMAP, FT_LOCK_WRITE, WAIT_MUNMAP);
	want_lock(lab, 1, 400 * MS, &second, MMAP, FT_LOCK_READ, WAIT_FAULT);
	want_lock(lab, 1, 500 * MS, &third, MMAP, FT_LOCK_READ, WAIT_FAULT);
}

static void mmap_convoy_ends(struct lab *lab)
{
	scene_waking(lab->scene, 0, 2000 * MS, &holder, RELEASE_POPULATE, &first);
	comes_back(lab, 1, 2000 * MS + 30 * US, &first);
	scene_waking(lab->scene, 0, 2000 * MS + 40 * US, &holder, RELEASE_POPULATE, &second);
	scene_waking(lab->scene, 0, 2000 * MS + 41 * US, &holder, RELEASE_POPULATE, &third);
	comes_back(lab, 1, 2000 * MS + 50 * US, &second);
	comes_back(lab, 1, 2000 * MS + 60 * US, &third);
}

static void writer_that_makes_readers_wait_for_a_reader_is_the_pivot(void **state)
{
	struct lab *lab = *state;
	const struct model_finding *finding;

	mmap_convoy(lab);
	mmap_convoy_ends(lab);
	finding = lab_analyze(lab, 3000 * MS);
	assert_int_equal(finding->kind, FINDING_MMAP_LOCK_CONVOY);
	assert_int_equal(finding->culprit.tid, holder.tid);
	assert_true(finding->has_pivot);
	assert_int_equal(finding->pivot.tid, first.tid);
	assert_int_equal(finding->pivot.at_ns, 300 * MS);
	assert_int_equal(finding->pivot.readers, 2);
	assert_in_range(finding->pivot.behind_ns, 3100 * MS, 3101 * MS);
}

static void there_is_no_pivot_where_a_writer_holds(void **state)
{
	struct lab *lab = *state;

	inode_convoy(lab, WAIT_DISK, &scene_idle, NULL, 0);
	assert_false(lab_analyze(lab, 3000 * MS)->has_pivot);
}

/* ps reads the command line of the target; it comes first, so that the lock is not known to be the target's yet. */
static void reader_of_another_process_is_named_and_not_counted(void **state)
{
	struct lab *lab = *state;
	const struct model_finding *finding;

	want_lock(lab, 3, 295 * MS, &other, MMAP, FT_LOCK_READ, WAIT_CMDLINE);
	mmap_convoy(lab);
	scene_waking(lab->scene, 0, 2000 * MS - 1 * US, &holder, RELEASE_POPULATE, &other);
	mmap_convoy_ends(lab);
	comes_back(lab, 3, 2000 * MS, &other);
	finding = lab_analyze(lab, 3000 * MS);
	assert_int_equal(finding->kind, FINDING_MMAP_LOCK_CONVOY);
	assert_int_equal(finding->victim_count, 3);
	assert_in_range(finding->blocked_ns, 4800 * MS, 4801 * MS);
	assert_int_equal(finding->outsider_count, 1);
	assert_int_equal(finding->outsiders[0].tid, other.tid);
	assert_int_equal(finding->outsiders[0].tgid, other.tgid);
	assert_in_range(finding->outsiders[0].ns, 1699 * MS, 1706 * MS);
	assert_int_equal(lab->result.model->lock_count, 1);
	assert_int_equal(lab->result.model->locks[0].tgid, 100);
}

/* Without the lock's address it is not known whose lock it waits for: it is not its own process'. */
static void lock_of_another_process_is_not_taken_for_ones_own(void **state)
{
	struct lab *lab = *state;

	scene_switch(lab->scene, 1, 290 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &first);
	scene_switch(lab->scene, 1, 300 * MS, &first, FT_STATE_DISK, WAIT_CMDLINE, &scene_idle);
	scene_switch(lab->scene, 0, 310 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &other);
	scene_waking(lab->scene, 0, 2000 * MS, &other, RELEASE_POPULATE, &first);
	comes_back(lab, 1, 2000 * MS + 30 * US, &first);
	lab_analyze(lab, 3000 * MS);
	assert_int_equal(lab->result.model->lock_count, 1);
	assert_int_equal(lab->result.model->locks[0].tgid, 0);
	assert_int_equal(lab->result.model->locks[0].owners[0].grade, GRADE_PLAUSIBLE);
}

/* Thousands of short runs and sleeps of the holder's: together they are as long as before. */
static void short_pieces_are_summed_and_lose_nothing(void **state)
{
	struct lab *lab = *state;
	const struct model_finding *finding;
	uint64_t at_ns = 350 * MS;

	scene_switch(lab->scene, 0, 100 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &holder);
	want_lock(lab, 1, 300 * MS, &first, INODE, FT_LOCK_WRITE, WAIT_INODE);
	want_lock(lab, 1, 340 * MS, &second, INODE, FT_LOCK_WRITE, WAIT_INODE);
	for (int i = 0; i < 4000; i++, at_ns += 40 * US) {
		scene_switch(lab->scene, 0, at_ns, &holder, FT_STATE_DISK, WAIT_DISK, &scene_idle);
		scene_waking(lab->scene, 0, at_ns + 30 * US, &scene_idle, NULL, &holder);
		scene_switch(lab->scene, 0, at_ns + 30 * US, &scene_idle, FT_STATE_RUNNING, NULL, &holder);
	}
	scene_waking(lab->scene, 0, 2000 * MS, &holder, RELEASE_INODE, &first);
	scene_waking(lab->scene, 0, 2000 * MS + 1 * US, &holder, RELEASE_INODE, &second);
	comes_back(lab, 1, 2000 * MS + 30 * US, &first);
	comes_back(lab, 1, 2000 * MS + 40 * US, &second);
	finding = lab_analyze(lab, 3000 * MS);
	assert_int_equal(finding->culprit.tid, holder.tid);
	assert_int_equal(finding->culprit.blocked_ns, 4000 * 30 * US);
	assert_int_equal(finding->culprit.running_ns, 1700 * MS - 4000 * 30 * US);
	assert_int_equal(finding->culprit.because[0].waited_ns, 4000 * 30 * US);
}

/* More owners of a moment than a history keeps one by one: they are put together. */
static void owners_in_turns_are_not_nobody(void **state)
{
	enum { WAITERS = 900 };
	static struct ft_task waiters[WAITERS];
	struct lab *lab = *state;
	const struct model_finding *finding;
	uint64_t at_ns = 1200 * MS;

	scene_switch(lab->scene, 0, 10 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &holder);
	for (int i = 0; i < WAITERS; i++) {
		waiters[i] = (struct ft_task){ .tid = 101 + i, .tgid = 100, .comm = "waiter" };
		want_lock(lab, 1, 200 * MS + (uint64_t)i * 20 * US, &waiters[i], INODE,
			  FT_LOCK_WRITE, WAIT_INODE);
	}
	scene_waking(lab->scene, 0, at_ns, &holder, RELEASE_INODE, &waiters[0]);
	for (int i = 0; i < WAITERS; i++) {
		comes_back(lab, 1, at_ns + 2 * US, &waiters[i]);
		at_ns += 4 * MS;
		if (i + 1 < WAITERS)
			scene_waking(lab->scene, 1, at_ns, &waiters[i], RELEASE_INODE,
				     &waiters[i + 1]);
		scene_switch(lab->scene, 1, at_ns + 1 * US, &waiters[i], FT_STATE_SLEEPING, POLL,
			     &scene_idle);
	}
	finding = lab_analyze(lab, at_ns + 100 * MS);
	/* A third of the wait is the holder's, two thirds are those of the owners in turns. */
	assert_true(finding->has_culprit);
	assert_int_equal(finding->culprit.tid, holder.tid);
	assert_int_equal(finding->grade, GRADE_PLAUSIBLE);
}

UNIT_TESTS(root_cause)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, lab_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(device_is_at_the_root_of_a_convoy_whose_holder_waits_for_it),
		TEST(blame_adds_up_to_the_time_lost),
		TEST(thread_that_runs_is_at_the_root_behind_a_pipe),
		TEST(circle_of_wake_ups_is_unknown_and_no_deadlock),
		TEST(holder_that_waits_for_a_lock_is_a_link_to_the_one_that_holds_that),
		TEST(cpu_that_a_holder_wanted_is_told_with_who_had_it),
		TEST(writer_that_makes_readers_wait_for_a_reader_is_the_pivot),
		TEST(there_is_no_pivot_where_a_writer_holds),
		TEST(reader_of_another_process_is_named_and_not_counted),
		TEST(lock_of_another_process_is_not_taken_for_ones_own),
		TEST(short_pieces_are_summed_and_lose_nothing),
		TEST(owners_in_turns_are_not_nobody),
	};

	return run_unit_tests(tests, NULL, NULL);
}
