/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Locks of user space in made-up recordings: which futex is one, who held it, who
 * are locked up for ever.
 */
#include <string.h>
#include <linux/futex.h>

#include "analyzer/analysis.h"
#include "tests/unit/support/lab.h"
#include "tests/unit/support/scene.h"
#include "tests/unit/support/unit_test.h"

#define MS SCENE_MS
#define US SCENE_US

#define WAIT_PI                                                                          \
	SLEEP "rt_mutex_wait_proxy_lock < futex_lock_pi < do_futex < __x64_sys_futex < " \
	      "do_syscall_64"
#define UNLOCK_PI \
	"try_to_wake_up < rt_mutex_postunlock < futex_unlock_pi < do_futex < __x64_sys_futex"
#define POLL SLEEP "do_poll < do_sys_poll < __x64_sys_poll < do_syscall_64"

#define WAIT	    FUTEX_WAIT_PRIVATE
#define WAIT_BITSET FUTEX_WAIT_BITSET_PRIVATE

#define LOCK	   0x55d22ffdd4c0ull
#define OTHER_LOCK 0x55d22ffdd500ull
#define THIRD_LOCK 0x55d22ffdd540ull

static const struct ft_task holder = { 100, 100, "holder" }, first = { 101, 100, "first" },
			    second = { 102, 100, "second" }, third = { 103, 100, "third" },
			    ticker = { 104, 100, "ticker" }, waker = { 900, 900, "waker" };

/* CPU 0 is the holder's, on CPU 1 the others come and go. */
static int set_up(void **state)
{
	return lab_set_up(state, 2);
}

/* @task comes, wants what is at @address, and sleeps. */
static void want_lock(struct lab *lab, uint64_t at_ns, const struct ft_task *task, uint64_t address,
		      int operation, uint32_t value)
{
	scene_waking(lab->scene, 1, at_ns, &waker, NULL, task);
	scene_switch(lab->scene, 1, at_ns + 5 * US, &scene_idle, FT_STATE_RUNNING, NULL, task);
	scene_futex(lab->scene, 1, at_ns + 10 * US, task, address, operation, value);
	scene_switch(lab->scene, 1, at_ns + 12 * US, task, FT_STATE_SLEEPING,
		     operation == FUTEX_LOCK_PI_PRIVATE ? WAIT_PI : WAIT_FUTEX, &scene_idle);
}

/* The holder runs, from 10 ms on, and sleeps from 110 ms to 1990 ms. */
static void run_holder(struct lab *lab)
{
	scene_switch(lab->scene, 0, 10 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &holder);
	scene_switch(lab->scene, 0, 110 * MS, &holder, FT_STATE_SLEEPING, NANOSLEEP, &scene_idle);
	scene_waking(lab->scene, 0, 1990 * MS, &scene_idle, NULL, &holder);
	scene_switch(lab->scene, 0, 1990 * MS + 5 * US, &scene_idle, FT_STATE_RUNNING, NULL,
		     &holder);
}

/* The holder wakes @task, which goes to sleep in poll(). */
static void lets_go(struct lab *lab, uint64_t at_ns, const char *stack, const struct ft_task *task)
{
	scene_waking(lab->scene, 0, at_ns, &holder, stack, task);
	scene_switch(lab->scene, 1, at_ns + 5 * US, &scene_idle, FT_STATE_RUNNING, NULL, task);
	scene_switch(lab->scene, 1, at_ns + 9 * US, task, FT_STATE_SLEEPING, POLL, &scene_idle);
}

/* The call in which a lock is let go; address 0: it was not recorded. */
struct let_go {
	uint64_t address;
	int operation;
	uint64_t before_ns; /* the holder's, before it wakes */
};

/* Two want what the holder has; it wakes the first, which wakes the second. */
static void convoy_let_go(struct lab *lab, int operation, uint32_t value, const char *wake,
			  const struct let_go *call)
{
	run_holder(lab);
	want_lock(lab, 200 * MS, &first, LOCK, operation, value);
	want_lock(lab, 300 * MS, &second, LOCK, operation, value);
	if (call->address) /* 1 is how many to wake: as a wait's it would look like no lock */
		scene_futex(lab->scene, 0, 2000 * MS - call->before_ns, &holder, call->address,
			    call->operation, 1);
	scene_waking(lab->scene, 0, 2000 * MS, &holder, wake, &first);
	scene_switch(lab->scene, 1, 2000 * MS + 5 * US, &scene_idle, FT_STATE_RUNNING, NULL,
		     &first);
	if (call->address)
		scene_futex(lab->scene, 1, 2000 * MS + 48 * US, &first, call->address,
			    call->operation, 1);
	scene_waking(lab->scene, 1, 2000 * MS + 50 * US, &first, wake, &second);
	scene_switch(lab->scene, 1, 2000 * MS + 60 * US, &first, FT_STATE_SLEEPING, POLL, &second);
	scene_switch(lab->scene, 1, 2000 * MS + 70 * US, &second, FT_STATE_SLEEPING, POLL,
		     &scene_idle);
	scene_switch(lab->scene, 0, 2100 * MS, &holder, FT_STATE_SLEEPING, NANOSLEEP, &scene_idle);
}

static void make_convoy(struct lab *lab, int operation, uint32_t value, const char *wake)
{
	convoy_let_go(lab, operation, value, wake, &(struct let_go){ .address = 0 });
}

static void mutex_convoy_names_holder_address_and_victims(void **state)
{
	struct lab *lab = *state;
	const struct model_finding *finding;

	make_convoy(lab, WAIT, 2, WAKE);
	finding = lab_analyze(lab, 3000 * MS);
	assert_int_equal(finding->kind, FINDING_FUTEX_CONVOY);
	assert_int_equal(finding->grade, GRADE_STRONG);
	assert_int_equal(finding->culprit.tid, holder.tid);
	assert_int_equal(finding->culprit.hold_ns, 1800 * MS - 12 * US);
	assert_string_equal(finding->culprit.stack.frames[2].symbol, "do_nanosleep");
	assert_int_equal(finding->lock.class, WAIT_LOCK_USER);
	assert_int_equal(finding->lock.address, LOCK);
	assert_int_equal(finding->victim_count, 2);
	assert_int_equal(finding->victims[0], first.tid);
	assert_int_equal(finding->blocked_ns, 3500 * MS + 50 * US - 24 * US);
	assert_non_null(strstr(finding->summary, "0x55d22ffdd4c0"));
	assert_non_null(strstr(finding->evidence[0], "futex_wake"));
}

static void waits_at_a_count_are_for_work(void **state)
{
	struct lab *lab = *state;

	make_convoy(lab, WAIT, 0, WAKE);
	assert_int_equal(lab_analyze(lab, 3000 * MS)->kind, FINDING_NO_STALL);
}

static void address_with_other_values_is_no_lock(void **state)
{
	struct lab *lab = *state;

	want_lock(lab, 50 * MS, &third, LOCK, WAIT, 1);
	make_convoy(lab, WAIT, 2, WAKE);
	assert_int_equal(lab_analyze(lab, 3000 * MS)->kind, FINDING_NO_STALL);
}

static void all_woken_by_one_call_is_no_lock(void **state)
{
	struct lab *lab = *state;

	run_holder(lab);
	want_lock(lab, 200 * MS, &first, LOCK, WAIT, 2);
	want_lock(lab, 300 * MS, &second, LOCK, WAIT, 2);
	scene_waking(lab->scene, 0, 2000 * MS, &holder, WAKE, &first);
	scene_waking(lab->scene, 0, 2000 * MS + 3 * US, &holder, WAKE, &second);
	scene_switch(lab->scene, 1, 2000 * MS + 5 * US, &scene_idle, FT_STATE_RUNNING, NULL,
		     &first);
	scene_switch(lab->scene, 1, 2000 * MS + 9 * US, &first, FT_STATE_SLEEPING, POLL, &second);
	scene_switch(lab->scene, 1, 2001 * MS, &second, FT_STATE_SLEEPING, POLL, &scene_idle);
	assert_int_equal(lab_analyze(lab, 3000 * MS)->kind, FINDING_NO_STALL);
}

/* Rust's condition variable counts, and may stand at 2; whoever feeds its queue never waits there. */
static void fed_by_others_at_two_is_no_lock_unless_the_waker_waits_there_too(void **state)
{
	struct lab *lab = *state;

	run_holder(lab);
	want_lock(lab, 200 * MS, &first, LOCK, WAIT_BITSET, 2);
	want_lock(lab, 300 * MS, &second, LOCK, WAIT_BITSET, 2);
	lets_go(lab, 2000 * MS, WAKE, &first);
	lets_go(lab, 2010 * MS, WAKE, &second);
	assert_int_equal(lab_analyze(lab, 3000 * MS)->kind, FINDING_NO_STALL);
}

static void mutex_by_bitset_is_told_by_its_waiters_waking_each_other(void **state)
{
	struct lab *lab = *state;

	make_convoy(lab, WAIT_BITSET, 2, WAKE);
	assert_int_equal(lab_analyze(lab, 3000 * MS)->kind, FINDING_FUTEX_CONVOY);
}

/* musl's condition variables wait so, each thread at an address of its own. */
/* The holder sleeps; the others come to wait at @value, and are woken all in one go. */
static const struct model_finding *woken_at_once(struct lab *lab, int operation, uint32_t value)
{
	run_holder(lab);
	want_lock(lab, 200 * MS, &first, LOCK, operation, value);
	want_lock(lab, 300 * MS, &second, LOCK, operation, value);
	want_lock(lab, 400 * MS, &third, LOCK, operation, value);
	lets_go(lab, 2000 * MS, WAKE, &first);
	lets_go(lab, 2000 * MS + 15 * US, WAKE, &second);
	lets_go(lab, 2000 * MS + 30 * US, WAKE, &third);
	return lab_analyze(lab, 2100 * MS);
}

static void readers_let_in_by_a_writer_waited_for_a_lock(void **state)
{
	const struct model_finding *finding =
		woken_at_once(*state, WAIT_BITSET | FUTEX_CLOCK_REALTIME, 3);

	assert_int_equal(finding->kind, FINDING_FUTEX_CONVOY);
	assert_int_equal(finding->culprit.tid, holder.tid);
	assert_int_equal(finding->victim_count, 3);
}

static void three_of_another_kind_is_no_reader_writer_lock(void **state)
{
	const struct model_finding *finding = woken_at_once(*state, WAIT_BITSET, 3);
	const struct lab *lab = *state;

	/* They stood still together; for want of what, the events do not tell. */
	assert_int_equal(finding->kind, FINDING_STANDSTILL);
	assert_true(lab->result.model->stall.unsure);
	assert_false(finding->has_culprit);
}

#define COUNT 0 /* as a semaphore that is taken has */

static void semaphore_is_a_lock_where_the_woken_wakes_the_next(void **state)
{
	struct lab *lab = *state;
	const struct model_finding *finding;

	make_convoy(lab, WAIT_BITSET | FUTEX_CLOCK_REALTIME, COUNT, WAKE);
	finding = lab_analyze(lab, 2200 * MS);
	assert_int_equal(finding->kind, FINDING_FUTEX_CONVOY);
	assert_int_equal(finding->culprit.tid, holder.tid);
	assert_int_equal(finding->victim_count, 2);
	assert_int_equal(finding->grade, GRADE_PLAUSIBLE);
}

static void semaphore_whose_waiters_come_back_counts_work(void **state)
{
	struct lab *lab = *state;

	make_convoy(lab, WAIT_BITSET | FUTEX_CLOCK_REALTIME, COUNT, WAKE);
	want_lock(lab, 2200 * MS, &first, LOCK, WAIT_BITSET | FUTEX_CLOCK_REALTIME, COUNT);
	want_lock(lab, 2201 * MS, &second, LOCK, WAIT_BITSET | FUTEX_CLOCK_REALTIME, COUNT);
	assert_int_equal(lab_analyze(lab, 2800 * MS)->kind, FINDING_NO_STALL);
}

/* @task's timeout is over, and it waits again; 5 ms at a time until @to_ns. */
static void waits_in_slices(struct lab *lab, uint64_t from_ns, uint64_t to_ns,
			    const struct ft_task *task, uint64_t address)
{
	for (uint64_t at_ns = from_ns; at_ns < to_ns; at_ns += 5 * MS) {
		scene_waking(lab->scene, 1, at_ns, &scene_idle, "hrtimer_wakeup < hrtimer_interrupt",
			     task);
		scene_switch(lab->scene, 1, at_ns + 5 * US, &scene_idle, FT_STATE_RUNNING, NULL,
			     task);
		scene_futex(lab->scene, 1, at_ns + 10 * US, task, address, WAIT_BITSET, COUNT);
		scene_switch(lab->scene, 1, at_ns + 12 * US, task, FT_STATE_SLEEPING, WAIT_FUTEX,
			     &scene_idle);
	}
}

/* Both, now and then, for 1 ms; then from 300 ms to 2 s, while the holder has it. The second is woken by @last. */
static void two_wait_in_slices(struct lab *lab, const struct ft_task *last)
{
	const struct ft_task *both[] = { &first, &second };

	scene_switch(lab->scene, 0, 10 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &holder);
	for (uint64_t at_ms = 20; at_ms < 80; at_ms += 5)
		for (size_t i = 0; i < 2; i++) {
			uint64_t at_ns = (at_ms + 2 * i) * MS;

			want_lock(lab, at_ns, both[i], LOCK, WAIT_BITSET, COUNT);
			lets_go(lab, at_ns + MS, WAKE, both[i]);
		}
	for (uint64_t at_ms = 300; at_ms < 2000; at_ms += 5) {
		waits_in_slices(lab, at_ms * MS, at_ms * MS + 1, &first, LOCK);
		waits_in_slices(lab, at_ms * MS + 100 * US, at_ms * MS + 100 * US + 1, &second, LOCK);
	}
	scene_waking(lab->scene, 0, 2000 * MS, &holder, WAKE, &first);
	scene_switch(lab->scene, 1, 2000 * MS + 5 * US, &scene_idle, FT_STATE_RUNNING, NULL, &first);
	scene_waking(lab->scene, last == &first, 2001 * MS, last, WAKE, &second);
	scene_switch(lab->scene, 1, 2001 * MS + 5 * US, &first, FT_STATE_SLEEPING, POLL, &second);
	scene_switch(lab->scene, 1, 2002 * MS, &second, FT_STATE_SLEEPING, POLL, &scene_idle);
	scene_switch(lab->scene, 0, 2100 * MS, &holder, FT_STATE_SLEEPING, NANOSLEEP, &scene_idle);
}

static void lock_waited_for_in_slices_is_told_by_its_waiters_waking_each_other(void **state)
{
	struct lab *lab = *state;
	const struct model_finding *finding;

	two_wait_in_slices(lab, &first);
	finding = lab_analyze(lab, 2200 * MS);
	assert_int_equal(finding->kind, FINDING_FUTEX_CONVOY);
	assert_int_equal(finding->grade, GRADE_PLAUSIBLE);
	assert_int_equal(finding->culprit.tid, holder.tid);
	assert_int_equal(finding->victim_count, 2);
	assert_in_range(finding->culprit.running_ns, 1690 * MS, 1710 * MS);
	assert_int_equal(lab->result.model->stall.end_ns, 2000 * MS);
}

/* glibc's reader-writer lock: the writer waits at 2, and the last of several readers wakes it. */
static void reader_that_left_last_need_not_have_held_it_all_the_time(void **state)
{
	struct lab *lab = *state;
	const struct model_finding *finding;

	make_convoy(lab, FUTEX_WAIT_BITSET_PRIVATE | FUTEX_CLOCK_REALTIME, 2, WAKE);
	finding = lab_analyze(lab, 3000 * MS);
	assert_int_equal(finding->kind, FINDING_FUTEX_CONVOY);
	assert_int_equal(finding->culprit.tid, holder.tid);
	assert_int_equal(finding->grade, GRADE_PLAUSIBLE);
}

static void threads_that_wait_in_slices_are_one_standstill(void **state)
{
	struct lab *lab = *state;
	const struct model_finding *finding;

	two_wait_in_slices(lab, &holder);
	finding = lab_analyze(lab, 2200 * MS);
	assert_int_equal(finding->kind, FINDING_STANDSTILL);
	assert_int_equal(finding->grade, GRADE_PLAUSIBLE);
	/* They did not poll, since a thread let them go at last; for what they waited does not show. */
	assert_true(lab->result.model->stall.unsure);
	assert_int_equal(finding->victim_count, 2);
	assert_in_range(lab->result.model->stall.end_ns - lab->result.model->stall.start_ns,
			1690 * MS, 1720 * MS);
}

static void one_waiter_at_two_is_no_lock_where_nothing_says_glibc(void **state)
{
	struct lab *lab = *state;

	run_holder(lab);
	want_lock(lab, 200 * MS, &first, LOCK, WAIT, 2);
	lets_go(lab, 2000 * MS, WAKE, &first);
	assert_int_equal(lab_analyze(lab, 3000 * MS)->kind, FINDING_NO_STALL);
}

static void one_waiter_at_two_is_a_victim_where_glibc_is(void **state)
{
	struct lab *lab = *state;
	const struct model_finding *finding;

	want_lock(lab, 50 * MS, &third, OTHER_LOCK, WAIT_BITSET, 0);
	run_holder(lab);
	want_lock(lab, 200 * MS, &first, LOCK, WAIT, 2);
	lets_go(lab, 2000 * MS, WAKE, &first);
	finding = lab_analyze(lab, 3000 * MS);
	assert_int_equal(finding->kind, FINDING_FUTEX_CONVOY);
	assert_int_equal(finding->culprit.tid, holder.tid);
	assert_int_equal(finding->victim_count, 1);
}

static void priority_inheriting_lock_needs_no_more_evidence(void **state)
{
	struct lab *lab = *state;
	const struct model_finding *finding;

	run_holder(lab);
	want_lock(lab, 200 * MS, &first, LOCK, FUTEX_LOCK_PI_PRIVATE, 0);
	lets_go(lab, 2000 * MS, UNLOCK_PI, &first);
	finding = lab_analyze(lab, 3000 * MS);
	assert_int_equal(finding->kind, FINDING_FUTEX_CONVOY);
	assert_int_equal(finding->grade, GRADE_STRONG);
	assert_int_equal(finding->culprit.tid, holder.tid);
}

static void waker_without_stack_is_plausible_only(void **state)
{
	struct lab *lab = *state;
	const struct model_finding *finding;

	make_convoy(lab, WAIT, 2, NULL);
	finding = lab_analyze(lab, 3000 * MS);
	assert_int_equal(finding->kind, FINDING_FUTEX_CONVOY);
	assert_int_equal(finding->grade, GRADE_PLAUSIBLE);
	assert_int_equal(finding->culprit.tid, holder.tid);
}

static void waker_without_stack_is_known_by_its_call(void **state)
{
	struct lab *lab = *state;
	const struct model_finding *finding;

	convoy_let_go(lab, WAIT, 2, NULL, &(struct let_go){ LOCK, FUTEX_WAKE_PRIVATE, 2 * US });
	finding = lab_analyze(lab, 3000 * MS);
	assert_int_equal(finding->kind, FINDING_FUTEX_CONVOY);
	assert_int_equal(finding->grade, GRADE_STRONG);
	assert_int_equal(finding->culprit.tid, holder.tid);
	assert_int_equal(finding->lock.address, LOCK);
	assert_non_null(strstr(finding->evidence[0], "by a futex call on the lock's address"));
}

static void priority_inheriting_lock_is_let_go_by_its_call(void **state)
{
	struct lab *lab = *state;
	const struct model_finding *finding;

	convoy_let_go(lab, FUTEX_LOCK_PI_PRIVATE, 0, NULL, &(struct let_go){ LOCK, FUTEX_UNLOCK_PI_PRIVATE, 2 * US });
	finding = lab_analyze(lab, 3000 * MS);
	assert_int_equal(finding->grade, GRADE_STRONG);
	assert_int_equal(finding->culprit.tid, holder.tid);
}

static void waker_whose_call_was_on_another_address_is_plausible_only(void **state)
{
	struct lab *lab = *state;
	const struct model_finding *finding;

	convoy_let_go(lab, WAIT, 2, NULL, &(struct let_go){ OTHER_LOCK, FUTEX_WAKE_PRIVATE, 2 * US });
	finding = lab_analyze(lab, 3000 * MS);
	assert_int_equal(finding->kind, FINDING_FUTEX_CONVOY);
	assert_int_equal(finding->grade, GRADE_PLAUSIBLE);
}

static void waker_whose_call_was_long_ago_is_plausible_only(void **state)
{
	struct lab *lab = *state;

	convoy_let_go(lab, WAIT, 2, NULL, &(struct let_go){ LOCK, FUTEX_WAKE_PRIVATE, 2 * MS });
	assert_int_equal(lab_analyze(lab, 3000 * MS)->grade, GRADE_PLAUSIBLE);
}

static void lock_between_processes_let_go_by_a_call_is_plausible_only(void **state)
{
	struct lab *lab = *state;

	convoy_let_go(lab, FUTEX_WAIT, 2, NULL, &(struct let_go){ LOCK, FUTEX_WAKE, 2 * US });
	assert_int_equal(lab_analyze(lab, 3000 * MS)->grade, GRADE_PLAUSIBLE);
}

/* Other processes may have had it in between, woken at another address. */
static void lock_between_processes_is_plausible_only(void **state)
{
	struct lab *lab = *state;
	const struct model_finding *finding;

	make_convoy(lab, FUTEX_WAIT, 2, WAKE);
	finding = lab_analyze(lab, 3000 * MS);
	assert_int_equal(finding->kind, FINDING_FUTEX_CONVOY);
	assert_int_equal(finding->grade, GRADE_PLAUSIBLE);
}

static void call_before_a_loss_tells_nothing_of_the_sleep_after_it(void **state)
{
	struct lab *lab = *state;

	run_holder(lab);
	want_lock(lab, 20 * MS, &second, LOCK, WAIT, 2);
	want_lock(lab, 40 * MS, &third, LOCK, WAIT, 2);
	scene_waking(lab->scene, 1, 200 * MS, &waker, NULL, &first);
	scene_switch(lab->scene, 1, 200 * MS + 5 * US, &scene_idle, FT_STATE_RUNNING, NULL, &first);
	scene_futex(lab->scene, 1, 200 * MS + 10 * US, &first, LOCK, WAIT, 2);
	scene_lost(lab->scene, 1, 200 * MS + 20 * US, 210 * MS, 5);
	scene_switch(lab->scene, 1, 210 * MS + 12 * US, &first, FT_STATE_SLEEPING, WAIT_FUTEX,
		     &scene_idle);
	lab_analyze(lab, 3000 * MS);
	for (size_t i = 0; i < lab->result.model->thread_count; i++)
		if (lab->result.model->threads[i].tid == first.tid)
			assert_int_equal(lab->result.model->threads[i].class_ns[WAIT_LOCK_USER], 0);
}

static void second_sleep_without_a_call_is_not_for_the_lock_of_the_first(void **state)
{
	struct lab *lab = *state;

	make_convoy(lab, WAIT, 2, WAKE);
	scene_waking(lab->scene, 1, 2200 * MS, &waker, NULL, &first);
	scene_switch(lab->scene, 1, 2200 * MS + 5 * US, &scene_idle, FT_STATE_RUNNING, NULL,
		     &first);
	scene_switch(lab->scene, 1, 2200 * MS + 9 * US, &first, FT_STATE_SLEEPING, WAIT_FUTEX,
		     &scene_idle);
	lab_analyze(lab, 3000 * MS);
	for (size_t i = 0; i < lab->result.model->thread_count; i++)
		if (lab->result.model->threads[i].tid == first.tid)
			assert_true(lab->result.model->threads[i].class_ns[WAIT_LOCK_USER] <
				    1900 * MS);
}

/* All along asleep: no event of its own, the snapshot alone. */
static void snapshot_tells_the_lock_of_a_thread_that_never_ran(void **state)
{
	struct lab *lab = *state;
	const struct model_finding *finding;

	scene_state_futex(lab->scene, 1, 1 * MS, &first, LOCK, WAIT, 2, WAIT_FUTEX);
	scene_state_futex(lab->scene, 1, 2 * MS, &second, LOCK, WAIT, 2, WAIT_FUTEX);
	run_holder(lab);
	lets_go(lab, 2000 * MS, WAKE, &first);
	finding = lab_analyze(lab, 3000 * MS);
	assert_int_equal(finding->kind, FINDING_FUTEX_CONVOY);
	assert_int_equal(finding->victim_count, 2);
	assert_int_equal(finding->lock.address, LOCK);
}

/* The first got the lock from the holder while the second slept, and keeps it. */
static void who_got_it_last_holds_it_at_the_end(void **state)
{
	struct lab *lab = *state;
	const struct model_finding *finding;

	run_holder(lab);
	want_lock(lab, 200 * MS, &first, LOCK, WAIT, 2);
	want_lock(lab, 300 * MS, &second, LOCK, WAIT, 2);
	lets_go(lab, 2000 * MS, WAKE, &first);
	finding = lab_analyze(lab, 9000 * MS);
	assert_int_equal(finding->kind, FINDING_FUTEX_CONVOY);
	assert_int_equal(finding->grade, GRADE_PLAUSIBLE);
	assert_int_equal(finding->culprit.tid, first.tid);
	assert_int_equal(finding->culprit.hold_ns, 7000 * MS);
	assert_non_null(strstr(finding->summary, "seems to hold"));
}

/* It may have let the lock go while nobody slept for it: that leaves no event. */
static void who_got_it_before_the_last_waiter_came_is_not_named(void **state)
{
	struct lab *lab = *state;

	run_holder(lab);
	want_lock(lab, 200 * MS, &first, LOCK, WAIT, 2);
	lets_go(lab, 2000 * MS, WAKE, &first);
	want_lock(lab, 3000 * MS, &second, LOCK, WAIT, 2);
	want_lock(lab, 3100 * MS, &third, LOCK, WAIT, 2);
	assert_false(lab_analyze(lab, 9000 * MS)->has_culprit);
}

static void root_of_a_chain_comes_first_with_all_whom_it_held_up(void **state)
{
	struct lab *lab = *state;
	const struct model_finding *finding;

	run_holder(lab);
	want_lock(lab, 150 * MS, &ticker, THIRD_LOCK, WAIT_BITSET, 0); /* glibc */
	want_lock(lab, 200 * MS, &first, LOCK, WAIT, 2);
	want_lock(lab, 300 * MS, &second, OTHER_LOCK, WAIT, 2);
	want_lock(lab, 400 * MS, &third, OTHER_LOCK, WAIT, 2);
	scene_waking(lab->scene, 0, 2000 * MS, &holder, WAKE, &first);
	scene_switch(lab->scene, 1, 2000 * MS + 5 * US, &scene_idle, FT_STATE_RUNNING, NULL,
		     &first);
	scene_waking(lab->scene, 1, 2000 * MS + 50 * US, &first, WAKE, &second);
	scene_switch(lab->scene, 1, 2000 * MS + 60 * US, &first, FT_STATE_SLEEPING, POLL, &second);
	scene_waking(lab->scene, 1, 2000 * MS + 90 * US, &second, WAKE, &third);
	scene_switch(lab->scene, 1, 2000 * MS + 95 * US, &second, FT_STATE_SLEEPING, POLL, &third);
	scene_switch(lab->scene, 1, 2001 * MS, &third, FT_STATE_SLEEPING, POLL, &scene_idle);
	finding = lab_analyze(lab, 3000 * MS);
	assert_int_equal(finding->kind, FINDING_FUTEX_CONVOY);
	assert_int_equal(finding->culprit.tid, holder.tid);
	assert_int_equal(finding->lock.address, LOCK);
	assert_int_equal(finding->victim_count, 3);
	assert_int_equal(lab->result.model->finding_count, 1);
	assert_int_equal(finding->link_count, 1);
	assert_int_equal(finding->links[0].tid, first.tid);
	assert_in_range(finding->links[0].waited_ns, 1699 * MS, 1700 * MS);
	assert_non_null(strstr(finding->evidence[1], "meanwhile waited 1.70 s"));
}

/* AB-BA, each lock taken without an event; the third piles up. */
static void make_abba(struct lab *lab)
{
	want_lock(lab, 100 * MS, &first, LOCK, WAIT, 2);
	want_lock(lab, 101 * MS, &second, OTHER_LOCK, WAIT, 2);
	want_lock(lab, 102 * MS, &third, LOCK, WAIT, 2);
}

static void locks_that_nobody_lets_go_are_a_plausible_deadlock(void **state)
{
	struct lab *lab = *state;
	const struct model_finding *finding;

	make_abba(lab);
	finding = lab_analyze(lab, 3000 * MS);
	assert_int_equal(lab->result.model->finding_count, 1);
	assert_int_equal(finding->kind, FINDING_DEADLOCK);
	assert_int_equal(finding->grade, GRADE_PLAUSIBLE);
	assert_int_equal(finding->victim_count, 3);
	/* The other two wait for what is at LOCK. */
	assert_int_equal(finding->culprit.tid, second.tid);
	assert_int_equal(finding->lock.address, LOCK);
}

static void deadlocked_threads_sleep_before_their_lock_is_told_as_such(void **state)
{
	struct lab *lab = *state;
	const struct model_culprit *culprit;

	want_lock(lab, 100 * MS, &first, LOCK, WAIT, 2);
	scene_switch(lab->scene, 1, 110 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &second);
	scene_switch(lab->scene, 1, 111 * MS, &second, FT_STATE_SLEEPING, NANOSLEEP, &scene_idle);
	want_lock(lab, 150 * MS, &second, OTHER_LOCK, WAIT, 2);
	want_lock(lab, 152 * MS, &third, LOCK, WAIT, 2);
	culprit = &lab_analyze(lab, 3000 * MS)->culprit;
	assert_int_equal(lab->result.model->findings[0].kind, FINDING_DEADLOCK);
	assert_int_equal(culprit->tid, second.tid);
	assert_in_range(culprit->hold_ns, 2899 * MS, 2900 * MS);
	assert_int_equal(culprit->running_ns, 1 * MS + 7 * US);
	assert_in_range(culprit->blocked_ns, 2888 * MS, 2889 * MS);
}

static void deadlock_is_not_claimed_of_a_short_standstill(void **state)
{
	struct lab *lab = *state;

	make_abba(lab);
	assert_int_equal(lab_analyze(lab, 1000 * MS)->kind, FINDING_FUTEX_CONVOY);
}

static void deadlock_is_not_claimed_while_a_thread_that_may_hold_one_runs(void **state)
{
	struct lab *lab = *state;

	scene_switch(lab->scene, 0, 10 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &ticker);
	make_abba(lab);
	scene_switch(lab->scene, 0, 2900 * MS, &ticker, FT_STATE_SLEEPING, POLL, &scene_idle);
	assert_int_equal(lab_analyze(lab, 3000 * MS)->kind, FINDING_FUTEX_CONVOY);
}

static void deadlock_is_not_claimed_of_one_lock(void **state)
{
	struct lab *lab = *state;

	want_lock(lab, 100 * MS, &first, LOCK, WAIT, 2);
	want_lock(lab, 101 * MS, &second, LOCK, WAIT, 2);
	assert_int_equal(lab_analyze(lab, 3000 * MS)->kind, FINDING_FUTEX_CONVOY);
}

static void circle_of_locks_that_name_their_owners_is_a_strong_deadlock(void **state)
{
	struct lab *lab = *state;
	const struct model_finding *finding;

	want_lock(lab, 100 * MS, &first, LOCK, WAIT, FUTEX_WAITERS | 102);
	want_lock(lab, 101 * MS, &second, OTHER_LOCK, WAIT, FUTEX_WAITERS | 101);
	scene_switch(lab->scene, 0, 10 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &ticker);
	finding = lab_analyze(lab, 3000 * MS);
	assert_int_equal(finding->kind, FINDING_DEADLOCK);
	assert_int_equal(finding->grade, GRADE_STRONG);
	assert_int_equal(finding->victim_count, 2);
	assert_non_null(strstr(finding->evidence[0], "the lock names it"));
}

static void locks_held_by_one_who_waits_for_none_are_no_deadlock(void **state)
{
	struct lab *lab = *state;
	const struct model_finding *finding;

	run_holder(lab);
	want_lock(lab, 100 * MS, &first, LOCK, WAIT, FUTEX_WAITERS | 100);
	want_lock(lab, 101 * MS, &second, OTHER_LOCK, WAIT, FUTEX_WAITERS | 101);
	finding = lab_analyze(lab, 1980 * MS);
	assert_int_equal(finding->kind, FINDING_FUTEX_CONVOY);
	assert_int_equal(finding->culprit.tid, holder.tid);
	assert_int_equal(finding->grade, GRADE_PLAUSIBLE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, lab_tear_down)

/* Readers of Rust's reader-writer lock, behind a writer; that one wakes all of them. Between two writers a reader
 * may wait while nobody has the lock. */
static void readers_of_a_rust_lock_wait_for_its_writer(void **state)
{
	static const uint32_t values[] = { 0x7fffffff, 0xffffffff, 0xc0000000 };
	struct scene *scene = scene_create(2);
	struct scene_result result;

	(void)state;
	scene_switch(scene, 0, 500 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &scene_resizer);
	for (uint64_t i = 0; i < 3; i++) {
		const struct ft_task *reader = &scene_workers[i];
		uint64_t at_ns = (1000 + i) * MS;

		scene_waking(scene, 1, at_ns, &scene_idle, NULL, reader);
		scene_switch(scene, 1, at_ns + 10 * US, &scene_idle, FT_STATE_RUNNING, NULL, reader);
		scene_futex(scene, 1, at_ns + 20 * US, reader, LOCK, WAIT_BITSET, values[i]);
		scene_switch(scene, 1, at_ns + 30 * US, reader, FT_STATE_SLEEPING, WAIT_FUTEX,
			     &scene_idle);
	}
	for (uint64_t i = 0; i < 3; i++)
		scene_waking(scene, 0, 3000 * MS + i * US, &scene_resizer, WAKE,
			     &scene_workers[i]);
	for (uint64_t i = 0; i < 3; i++)
		scene_switch(scene, 1, 3001 * MS + i * US,
			     i ? &scene_workers[i - 1] : &scene_idle,
			     i ? FT_STATE_SLEEPING : FT_STATE_RUNNING, i ? POLL : NULL,
			     &scene_workers[i]);
	result = scene_analyze(scene, "100", 4000 * MS);
	assert_true(result.model->stall.found);
	assert_int_equal(result.model->findings[0].kind, FINDING_FUTEX_CONVOY);
	assert_int_equal(result.model->findings[0].grade, GRADE_STRONG);
	assert_int_equal(result.model->findings[0].culprit.tid, 100);
	assert_int_equal(result.model->findings[0].victim_count, 3);
	scene_done(&result, scene);
}

UNIT_TESTS(futex_locks)
{
	const struct CMUnitTest tests[] = {
		TEST(mutex_convoy_names_holder_address_and_victims),
		TEST(waits_at_a_count_are_for_work),
		TEST(address_with_other_values_is_no_lock),
		TEST(all_woken_by_one_call_is_no_lock),
		TEST(fed_by_others_at_two_is_no_lock_unless_the_waker_waits_there_too),
		TEST(mutex_by_bitset_is_told_by_its_waiters_waking_each_other),
		TEST(readers_let_in_by_a_writer_waited_for_a_lock),
		TEST(three_of_another_kind_is_no_reader_writer_lock),
		TEST(semaphore_is_a_lock_where_the_woken_wakes_the_next),
		TEST(semaphore_whose_waiters_come_back_counts_work),
		TEST(lock_waited_for_in_slices_is_told_by_its_waiters_waking_each_other),
		TEST(threads_that_wait_in_slices_are_one_standstill),
		TEST(reader_that_left_last_need_not_have_held_it_all_the_time),
		TEST(one_waiter_at_two_is_no_lock_where_nothing_says_glibc),
		TEST(one_waiter_at_two_is_a_victim_where_glibc_is),
		TEST(readers_of_a_rust_lock_wait_for_its_writer),
		TEST(priority_inheriting_lock_needs_no_more_evidence),
		TEST(waker_without_stack_is_plausible_only),
		TEST(waker_without_stack_is_known_by_its_call),
		TEST(priority_inheriting_lock_is_let_go_by_its_call),
		TEST(waker_whose_call_was_on_another_address_is_plausible_only),
		TEST(waker_whose_call_was_long_ago_is_plausible_only),
		TEST(lock_between_processes_let_go_by_a_call_is_plausible_only),
		TEST(lock_between_processes_is_plausible_only),
		TEST(call_before_a_loss_tells_nothing_of_the_sleep_after_it),
		TEST(second_sleep_without_a_call_is_not_for_the_lock_of_the_first),
		TEST(snapshot_tells_the_lock_of_a_thread_that_never_ran),
		TEST(who_got_it_last_holds_it_at_the_end),
		TEST(who_got_it_before_the_last_waiter_came_is_not_named),
		TEST(root_of_a_chain_comes_first_with_all_whom_it_held_up),
		TEST(locks_that_nobody_lets_go_are_a_plausible_deadlock),
		TEST(deadlocked_threads_sleep_before_their_lock_is_told_as_such),
		TEST(deadlock_is_not_claimed_of_a_short_standstill),
		TEST(deadlock_is_not_claimed_while_a_thread_that_may_hold_one_runs),
		TEST(deadlock_is_not_claimed_of_one_lock),
		TEST(circle_of_locks_that_name_their_owners_is_a_strong_deadlock),
		TEST(locks_held_by_one_who_waits_for_none_are_no_deadlock),
	};

	return run_unit_tests(tests, NULL, NULL);
}
