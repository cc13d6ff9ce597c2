/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The whole analyzer on made-up captures in which threads wait for one that feeds them: when
 * they starve, and when there is merely nothing to do.
 */
#include <stdbool.h>
#include <string.h>

#include "analyzer/analysis.h"
#include "analyzer/detect/slow_producer.h"
#include "analyzer/detect/thresholds.h"
#include "tests/unit/support/scene.h"
#include "tests/unit/support/unit_test.h"

#define MS SCENE_MS
#define US SCENE_US

static const struct ft_task producer = { 100, 100, "producer" };
static const struct ft_task first = { 101, 100, "first" };
static const struct ft_task second = { 102, 100, "second" };
static const struct ft_task other = { 103, 100, "other" };
static const struct ft_task child = { 200, 200, "child" };

#define READ  SLEEP "anon_pipe_read < vfs_read < ksys_read < __x64_sys_read < do_syscall_64"
#define WRITE "try_to_wake_up < anon_pipe_write < vfs_write < __x64_sys_write < do_syscall_64"
#define POLL \
	SLEEP "schedule_hrtimeout_range < do_poll < do_sys_poll < __x64_sys_poll < do_syscall_64"
#define DISK                                                                                       \
	SLEEP "io_schedule < blk_io_schedule < __iomap_dio_rw < ext4_file_read_iter < vfs_read < " \
	      "__x64_sys_pread64 < do_syscall_64"
#define WAIT4 SLEEP "do_wait < kernel_wait4 < __do_sys_wait4 < do_syscall_64"
#define EXIT                                                                               \
	"zap_pte_range < unmap_page_range < unmap_vmas < exit_mmap < __mmput < do_exit < " \
	"do_group_exit < __x64_sys_exit_group < do_syscall_64"
#define ENDS "try_to_wake_up < do_notify_parent < do_exit < do_group_exit < do_syscall_64"
#define FUSE                                                                               \
	SLEEP "request_wait_answer < __fuse_simple_request < fuse_direct_io < vfs_read < " \
	      "__x64_sys_pread64 < do_syscall_64"
#define ANSWER "try_to_wake_up < fuse_dev_do_write < fuse_dev_write < vfs_writev < do_syscall_64"

/* On CPU 0: @feeder, awake for @run_ns, wakes @reader at the end of it and sleeps in @rest. */
struct feeding {
	const struct ft_task *feeder, *reader;
	uint64_t run_ns;
	const char *rest, *wait;
};

static void feed_reader(struct scene *scene, const struct feeding *feeding, uint64_t at_ns)
{
	uint64_t end_ns = at_ns + feeding->run_ns;

	scene_waking(scene, 0, at_ns, &scene_idle, "", feeding->feeder);
	scene_switch(scene, 0, at_ns + US, &scene_idle, FT_STATE_RUNNING, NULL, feeding->feeder);
	for (uint64_t sample_ns = at_ns + 10 * MS; sample_ns < end_ns; sample_ns += 20 * MS)
		scene_sample(scene, 0, sample_ns, feeding->feeder, " | compute < main");
	scene_waking(scene, 0, end_ns, feeding->feeder, WRITE, feeding->reader);
	scene_switch(scene, 0, end_ns + 5 * US, feeding->feeder, FT_STATE_SLEEPING, feeding->rest,
		     &scene_idle);
	scene_switch(scene, 1, end_ns + 5 * US, &scene_idle, FT_STATE_RUNNING, NULL,
		     feeding->reader);
	scene_switch(scene, 1, end_ns + 50 * US, feeding->reader, FT_STATE_SLEEPING, feeding->wait,
		     &scene_idle);
}

static const struct feeding usual = { &producer, &first, 100 * US, NANOSLEEP, READ };

static void feed_usually(struct scene *scene, uint64_t from_ms, uint64_t to_ms)
{
	for (uint64_t at_ms = from_ms; at_ms < to_ms; at_ms += 5)
		feed_reader(scene, &usual, at_ms * MS);
}

static void feed_slowly(struct scene *scene, uint64_t at_ms, uint64_t run_ms)
{
	struct feeding slow = usual;

	slow.run_ns = run_ms * MS;
	feed_reader(scene, &slow, at_ms * MS);
}

static const struct model_wait *find_wait(const struct model *model, enum wait_class class,
					  bool idle)
{
	for (size_t i = 0; i < model->wait_group_count; i++)
		if (model->wait_groups[i].class == class && model->wait_groups[i].idle == idle)
			return &model->wait_groups[i];
	return NULL;
}

static void assert_no_stall(const struct model *model)
{
	if (model->stall.found)
		fail_msg("%s", model->findings[0].summary);
	assert_int_equal(model->finding_count, 1);
	assert_int_equal(model->findings[0].kind, FINDING_NO_STALL);
}

static void feeder_that_computes_is_a_slow_producer(void **state)
{
	struct scene *scene = scene_create(2);
	const struct model_finding *finding;
	const struct model_wait *wait;
	struct scene_result result;

	(void)state;
	feed_usually(scene, 10, 1000);
	feed_slowly(scene, 1000, 1000);
	feed_usually(scene, 2005, 2200);
	result = scene_analyze(scene, "100", 2300 * MS);

	assert_true(result.model->stall.found);
	assert_int_equal(result.model->stall.threads_blocked_max, 1);
	assert_int_equal(result.model->finding_count, 1);
	/* In one process, and nobody asked: there may have been nothing to do until then. */
	assert_int_equal(model_verdict(result.model), VERDICT_NOT_SURE);
	finding = &result.model->findings[0];
	assert_int_equal(finding->kind, FINDING_SLOW_PRODUCER);
	assert_int_equal(finding->grade, GRADE_PLAUSIBLE);
	assert_int_equal(finding->culprit.tid, 100);
	assert_int_equal(finding->victim_count, 1);
	assert_int_equal(finding->victims[0], 101);
	/* from its last item at 995.15 ms to the next one at 2000 ms */
	assert_int_equal(finding->blocked_ns, 1004850 * US);
	assert_true(finding->culprit.running_ns > 990 * MS);
	assert_non_null(strstr(finding->summary, "which feeds them"));

	wait = find_wait(result.model, WAIT_IPC_PIPE, false);
	assert_non_null(wait);
	assert_int_equal(wait->count, 1);
	assert_int_equal(wait->blocked_ns, 1004850 * US);
	wait = find_wait(result.model, WAIT_IPC_PIPE, true);
	assert_non_null(wait);
	assert_true(wait->max_ns < 200 * MS);
	scene_done(&result, scene);
}

/* It only passes on what it does not get itself, or takes its time: nobody knows that there is
 * work. */
static void feeder_that_sleeps_has_nothing_to_feed(void **state)
{
	struct scene *scene = scene_create(2);
	struct scene_result result;

	(void)state;
	feed_usually(scene, 10, 1000);
	feed_usually(scene, 2000, 2200);
	result = scene_analyze(scene, "100", 2300 * MS);
	assert_no_stall(result.model);
	assert_null(find_wait(result.model, WAIT_IPC_PIPE, false));
	scene_done(&result, scene);
}

/* It runs as long as ever, for others: this one's queue is empty. */
static void feeder_that_works_for_others_starves_nobody(void **state)
{
	struct feeding for_other = usual;
	struct scene *scene = scene_create(2);
	struct scene_result result;

	(void)state;
	for_other.reader = &other;
	feed_usually(scene, 10, 1000);
	for (uint64_t at_ms = 1000; at_ms < 2000; at_ms += 5) {
		for_other.run_ns = 4 * MS;
		feed_reader(scene, &for_other, at_ms * MS);
	}
	feed_usually(scene, 2000, 2200);
	result = scene_analyze(scene, "100", 2300 * MS);
	assert_no_stall(result.model);
	scene_done(&result, scene);
}

/* Without a break, but not without waking others. */
static void feeder_that_runs_and_wakes_others_starves_nobody(void **state)
{
	struct scene *scene = scene_create(3);
	struct scene_result result;

	(void)state;
	feed_usually(scene, 10, 1000);
	feed_slowly(scene, 1000, 1);
	scene_waking(scene, 0, 1010 * MS, &scene_idle, "", &producer);
	scene_switch(scene, 0, 1010 * MS + US, &scene_idle, FT_STATE_RUNNING, NULL, &producer);
	for (uint64_t at_ms = 1020; at_ms < 2000; at_ms += 10) {
		scene_waking(scene, 0, at_ms * MS, &producer, WRITE, &other);
		scene_switch(scene, 2, at_ms * MS + 5 * US, &scene_idle, FT_STATE_RUNNING, NULL,
			     &other);
		scene_switch(scene, 2, at_ms * MS + 50 * US, &other, FT_STATE_SLEEPING, READ,
			     &scene_idle);
	}
	scene_switch(scene, 0, 2000 * MS, &producer, FT_STATE_SLEEPING, NANOSLEEP, &scene_idle);
	feed_usually(scene, 2005, 2200);
	result = scene_analyze(scene, "100", 2300 * MS);
	assert_no_stall(result.model);
	scene_done(&result, scene);
}

static void feeder_that_is_always_as_slow_is_no_stall(void **state)
{
	struct scene *scene = scene_create(2);
	struct scene_result result;

	(void)state;
	for (uint64_t at_ms = 10; at_ms < 9000; at_ms += 300)
		feed_slowly(scene, at_ms, 250);
	feed_slowly(scene, 9010, 800);
	result = scene_analyze(scene, "100", 10000 * MS);
	assert_no_stall(result.model);
	scene_done(&result, scene);
}

static void feeder_of_a_few_waits_is_not_known(void **state)
{
	struct scene *scene = scene_create(2);
	struct scene_result result;

	(void)state;
	for (uint64_t i = 0; i < 15; i++)
		feed_reader(scene, &usual, (10 + i * 50) * MS);
	feed_slowly(scene, 1000, 1000);
	result = scene_analyze(scene, "100", 2300 * MS);
	assert_no_stall(result.model);
	scene_done(&result, scene);
}

/* The first reader wakes the second one, as one that leaves something in a pipe does. */
static void feeder_is_found_behind_a_chain_of_wakeups(void **state)
{
	struct scene *scene = scene_create(3);
	const struct model_finding *finding;
	struct scene_result result;
	uint64_t at_ms, run_ns = 0;

	(void)state;
	for (at_ms = 10; at_ms < 2300; at_ms += 5) {
		bool by_second = at_ms % 10 == 0;
		const struct ft_task *one = by_second ? &second : &first,
				     *two = by_second ? &first : &second;

		run_ns = at_ms == 1000 ? 1000 * MS : 100 * US;
		if (at_ms > 1000 && at_ms <= 2000)
			continue;
		scene_waking(scene, 0, at_ms * MS, &scene_idle, "", &producer);
		scene_switch(scene, 0, at_ms * MS + US, &scene_idle, FT_STATE_RUNNING, NULL,
			     &producer);
		scene_waking(scene, 0, at_ms * MS + run_ns, &producer, WRITE, one);
		scene_switch(scene, 0, at_ms * MS + run_ns + 5 * US, &producer, FT_STATE_SLEEPING,
			     NANOSLEEP, &scene_idle);
		scene_switch(scene, 1, at_ms * MS + run_ns + 5 * US, &scene_idle, FT_STATE_RUNNING,
			     NULL, one);
		scene_waking(scene, 1, at_ms * MS + run_ns + 20 * US, one, READ, two);
		scene_switch(scene, 1, at_ms * MS + run_ns + 50 * US, one, FT_STATE_SLEEPING, READ,
			     &scene_idle);
		scene_switch(scene, 2, at_ms * MS + run_ns + 25 * US, &scene_idle, FT_STATE_RUNNING,
			     NULL, two);
		scene_switch(scene, 2, at_ms * MS + run_ns + 80 * US, two, FT_STATE_SLEEPING, READ,
			     &scene_idle);
	}
	result = scene_analyze(scene, "100", 2300 * MS);
	assert_int_equal(result.model->finding_count, 1);
	finding = &result.model->findings[0];
	assert_int_equal(finding->kind, FINDING_SLOW_PRODUCER);
	assert_int_equal(finding->culprit.tid, 100);
	assert_int_equal(finding->victim_count, 2);
	assert_int_equal(result.model->stall.threads_blocked_max, 2);
	scene_done(&result, scene);
}

static void feeder_that_still_computes_at_the_end_is_only_plausible(void **state)
{
	struct scene *scene = scene_create(2);
	const struct model_finding *finding;
	struct scene_result result;

	(void)state;
	feed_usually(scene, 10, 1000);
	scene_waking(scene, 0, 1000 * MS, &scene_idle, "", &producer);
	scene_switch(scene, 0, 1000 * MS + US, &scene_idle, FT_STATE_RUNNING, NULL, &producer);
	for (uint64_t at_ms = 1010; at_ms < 2000; at_ms += 20)
		scene_sample(scene, 0, at_ms * MS, &producer, " | compute < main");
	result = scene_analyze(scene, "100", 2000 * MS);
	assert_true(result.model->stall.still_open);
	assert_int_equal(result.model->finding_count, 1);
	finding = &result.model->findings[0];
	assert_int_equal(finding->kind, FINDING_SLOW_PRODUCER);
	assert_int_equal(finding->grade, GRADE_PLAUSIBLE);
	assert_int_equal(finding->culprit.tid, 100);
	assert_int_equal(finding->victims[0], 101);
	scene_done(&result, scene);
}

/* What the recording has of the rhythm is all after it. */
static void feeder_that_computed_when_the_recording_began_is_only_plausible(void **state)
{
	struct scene *scene = scene_create(2);
	const struct model_finding *finding;
	struct scene_result result;

	(void)state;
	scene_state(scene, 1, 0, &first, FT_STATE_SLEEPING, READ);
	scene_switch(scene, 0, MS, &scene_idle, FT_STATE_RUNNING, NULL, &producer);
	for (uint64_t at_ms = 10; at_ms < 800; at_ms += 20)
		scene_sample(scene, 0, at_ms * MS, &producer, " | compute < main");
	scene_waking(scene, 0, 800 * MS, &producer, WRITE, &first);
	scene_switch(scene, 0, 800 * MS + 5 * US, &producer, FT_STATE_SLEEPING, NANOSLEEP,
		     &scene_idle);
	scene_switch(scene, 1, 800 * MS + 5 * US, &scene_idle, FT_STATE_RUNNING, NULL, &first);
	scene_switch(scene, 1, 800 * MS + 50 * US, &first, FT_STATE_SLEEPING, READ, &scene_idle);
	feed_usually(scene, 805, 2200);
	result = scene_analyze(scene, "100", 2201 * MS);
	assert_true(result.model->stall.began_before);
	assert_int_equal(result.model->finding_count, 1);
	finding = &result.model->findings[0];
	assert_int_equal(finding->kind, FINDING_SLOW_PRODUCER);
	assert_int_equal(finding->grade, GRADE_PLAUSIBLE);
	assert_int_equal(finding->culprit.tid, 100);
	scene_done(&result, scene);
}

/* That it was as slow once before makes neither time a usual one. */
static void feeder_may_be_slow_more_than_once(void **state)
{
	struct scene *scene = scene_create(2);
	struct scene_result result;

	(void)state;
	feed_usually(scene, 10, 1000);
	feed_slowly(scene, 1000, 900);
	feed_usually(scene, 1905, 3000);
	feed_slowly(scene, 3000, 1000);
	feed_usually(scene, 4005, 4200);
	result = scene_analyze(scene, "100", 4201 * MS);
	assert_int_equal(result.model->finding_count, 1);
	assert_int_equal(result.model->findings[0].kind, FINDING_SLOW_PRODUCER);
	assert_true(result.model->stall.start_ns > 2900 * MS);
	scene_done(&result, scene);
}

/* Round after round, @asks wakes @answers and then waits in @wait; that one works, wakes it and
 * waits in @rest. */
struct dialogue {
	const struct ft_task *asks, *answers;
	const char *wait, *rest;
};

static void ask_question(struct scene *scene, const struct dialogue *dialogue, uint64_t at_ns)
{
	scene_waking(scene, 1, at_ns, &scene_idle, "", dialogue->asks);
	scene_switch(scene, 1, at_ns + US, &scene_idle, FT_STATE_RUNNING, NULL, dialogue->asks);
	scene_waking(scene, 1, at_ns + 5 * US, dialogue->asks, WRITE, dialogue->answers);
	scene_switch(scene, 1, at_ns + 10 * US, dialogue->asks, FT_STATE_SLEEPING, dialogue->wait,
		     &scene_idle);
	scene_switch(scene, 0, at_ns + 10 * US, &scene_idle, FT_STATE_RUNNING, NULL,
		     dialogue->answers);
}

static void answer_question(struct scene *scene, const struct dialogue *dialogue, uint64_t at_ns)
{
	scene_waking(scene, 0, at_ns, dialogue->answers, WRITE, dialogue->asks);
	scene_switch(scene, 0, at_ns + 5 * US, dialogue->answers, FT_STATE_SLEEPING, dialogue->rest,
		     &scene_idle);
	scene_switch(scene, 1, at_ns + 5 * US, &scene_idle, FT_STATE_RUNNING, NULL, dialogue->asks);
	scene_switch(scene, 1, at_ns + 9 * US, dialogue->asks, FT_STATE_SLEEPING, NANOSLEEP,
		     &scene_idle);
}

/* Every 5 ms for a second, of which the last answer takes another second. */
static void hold_dialogue(struct scene *scene, const struct dialogue *dialogue)
{
	for (uint64_t at_ms = 10; at_ms < 995; at_ms += 5) {
		ask_question(scene, dialogue, at_ms * MS);
		answer_question(scene, dialogue, at_ms * MS + 100 * US);
	}
	ask_question(scene, dialogue, 995 * MS);
	answer_question(scene, dialogue, 1995 * MS);
}

static void feeder_that_is_asked_is_a_busy_thread(void **state)
{
	const struct dialogue dialogue = { &first, &producer, READ, POLL };
	struct scene *scene = scene_create(2);
	const struct model_finding *finding;
	struct scene_result result;

	(void)state;
	hold_dialogue(scene, &dialogue);
	result = scene_analyze(scene, "100", 2300 * MS);
	assert_int_equal(result.model->finding_count, 1);
	finding = &result.model->findings[0];
	assert_int_equal(finding->kind, FINDING_BUSY_THREAD);
	assert_int_equal(finding->grade, GRADE_STRONG);
	assert_int_equal(finding->culprit.tid, 100);
	assert_int_equal(finding->victims[0], 101);
	assert_non_null(strstr(finding->summary, "which answers them"));
	scene_done(&result, scene);
}

static void feeder_outside_of_the_target_may_wait_for_a_disk(void **state)
{
	const struct dialogue dialogue = { &first, &child, READ, POLL };
	struct scene *scene = scene_create(2);
	const struct model_finding *finding;
	struct scene_result result;

	(void)state;
	for (uint64_t at_ms = 10; at_ms < 995; at_ms += 5) {
		ask_question(scene, &dialogue, at_ms * MS);
		answer_question(scene, &dialogue, at_ms * MS + 100 * US);
	}
	ask_question(scene, &dialogue, 995 * MS);
	scene_switch(scene, 0, 996 * MS, &child, FT_STATE_DISK, DISK, &scene_idle);
	scene_waking(scene, 0, 1994 * MS, &scene_idle, "", &child);
	scene_switch(scene, 0, 1994 * MS + US, &scene_idle, FT_STATE_RUNNING, NULL, &child);
	answer_question(scene, &dialogue, 1995 * MS);
	result = scene_analyze(scene, "100", 2300 * MS);
	assert_int_equal(result.model->finding_count, 1);
	finding = &result.model->findings[0];
	assert_int_equal(finding->kind, FINDING_SLOW_PRODUCER);
	assert_int_equal(finding->culprit.tid, 200);
	assert_non_null(strstr(finding->summary, "io.block"));
	scene_done(&result, scene);
}

/* Asked, it sleeps for a second; at other times it does @pause_us before it answers. */
static void talk_and_sleep(struct scene *scene, const struct dialogue *dialogue, uint64_t pause_us)
{
	for (uint64_t at_ms = 10; at_ms < 995; at_ms += 5) {
		ask_question(scene, dialogue, at_ms * MS);
		if (pause_us) {
			scene_switch(scene, 0, at_ms * MS + 50 * US, dialogue->answers,
				     FT_STATE_SLEEPING, NANOSLEEP, &scene_idle);
			scene_switch(scene, 0, at_ms * MS + (50 + pause_us) * US, &scene_idle,
				     FT_STATE_RUNNING, NULL, dialogue->answers);
		}
		answer_question(scene, dialogue, at_ms * MS + 100 * US + pause_us * US);
	}
	ask_question(scene, dialogue, 995 * MS);
	scene_switch(scene, 0, 996 * MS, dialogue->answers, FT_STATE_SLEEPING, NANOSLEEP,
		     &scene_idle);
	scene_waking(scene, 0, 1994 * MS, &scene_idle, "", dialogue->answers);
	scene_switch(scene, 0, 1994 * MS + US, &scene_idle, FT_STATE_RUNNING, NULL,
		     dialogue->answers);
	answer_question(scene, dialogue, 1995 * MS);
}

static void feeder_that_sleeps_when_asked_as_it_never_does_is_plausible(void **state)
{
	const struct dialogue dialogue = { &first, &child, READ, READ };
	struct scene *scene = scene_create(2);
	const struct model_finding *finding;
	struct scene_result result;

	(void)state;
	talk_and_sleep(scene, &dialogue, 0);
	result = scene_analyze(scene, "100", 2300 * MS);
	finding = &result.model->findings[0];
	assert_int_equal(finding->kind, FINDING_SLOW_PRODUCER);
	assert_int_equal(finding->grade, GRADE_PLAUSIBLE);
	assert_int_equal(finding->culprit.tid, 200);
	assert_int_equal(finding->victims[0], 101);
	assert_non_null(strstr(finding->summary, "slept, 998 ms at a time"));
	scene_done(&result, scene);
}

static void feeder_that_sleeps_as_it_always_does_starves_nobody(void **state)
{
	const struct dialogue dialogue = { &first, &child, READ, READ };
	struct scene *scene = scene_create(2);
	struct scene_result result;

	(void)state;
	talk_and_sleep(scene, &dialogue, 100);
	result = scene_analyze(scene, "100", 2300 * MS);
	assert_no_stall(result.model);
	scene_done(&result, scene);
}

/* The one that sleeps is who asks: the server has nothing to do. */
static void client_that_sleeps_starves_no_server(void **state)
{
	const struct dialogue dialogue = { &child, &first, READ, READ };
	struct scene *scene = scene_create(2);
	struct scene_result result;

	(void)state;
	for (uint64_t at_ms = 10; at_ms < 995; at_ms += 5) {
		ask_question(scene, &dialogue, at_ms * MS);
		answer_question(scene, &dialogue, at_ms * MS + 100 * US);
	}
	ask_question(scene, &dialogue, 1995 * MS);
	answer_question(scene, &dialogue, 1995 * MS + 100 * US);
	result = scene_analyze(scene, "100", 2300 * MS);
	assert_no_stall(result.model);
	scene_done(&result, scene);
}

/* A server with nothing to do, because its client computes before it asks again. */
static void feeder_that_may_be_a_client_starves_no_server(void **state)
{
	static const char *const waits[][2] = { { READ, READ }, { POLL, READ }, { POLL, POLL } };

	(void)state;
	for (size_t i = 0; i < sizeof(waits) / sizeof(*waits); i++) {
		/* The one that "asks" here is the server, which wakes its client with an answer. */
		const struct dialogue dialogue = { &first, &child, waits[i][0], waits[i][1] };
		struct scene *scene = scene_create(2);
		struct scene_result result;

		hold_dialogue(scene, &dialogue);
		result = scene_analyze(scene, "100", 2300 * MS);
		assert_no_stall(result.model);
		scene_done(&result, scene);
	}
}

/* Parent 101 waits for process 200 to be gone, which is in @stack for a second. */
static struct scene_result wait_for_child(struct scene *scene, const char *stack)
{
	scene_switch(scene, 0, 500 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &child);
	scene_switch(scene, 1, 500 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &first);
	scene_switch(scene, 1, 1000 * MS, &first, FT_STATE_SLEEPING, WAIT4, &scene_idle);
	for (uint64_t at_ms = 1010; at_ms < 2000; at_ms += 20)
		scene_sample(scene, 0, at_ms * MS, &child, stack);
	scene_waking(scene, 0, 2000 * MS, &child, ENDS, &first);
	scene_switch(scene, 0, 2001 * MS, &child, FT_STATE_DEAD, "", &scene_idle);
	scene_switch(scene, 1, 2001 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &first);
	scene_switch(scene, 1, 2002 * MS, &first, FT_STATE_SLEEPING, NANOSLEEP, &scene_idle);
	return scene_analyze(scene, "100", 2300 * MS);
}

static void feeder_whose_end_takes_long_keeps_its_parent(void **state)
{
	struct scene *scene = scene_create(2);
	struct scene_result result = wait_for_child(scene, EXIT);
	const struct model_finding *finding = &result.model->findings[0];

	(void)state;
	assert_int_equal(result.model->finding_count, 1);
	assert_int_equal(finding->kind, FINDING_SLOW_PRODUCER);
	assert_int_equal(finding->grade, GRADE_STRONG);
	assert_int_equal(finding->culprit.tid, 200);
	assert_int_equal(finding->victims[0], 101);
	assert_int_equal(finding->blocked_ns, 1000 * MS);
	assert_non_null(find_wait(result.model, WAIT_CHILD, false));
	scene_done(&result, scene);
}

static void feeder_whose_purpose_is_to_work_keeps_no_parent(void **state)
{
	struct scene *scene = scene_create(2);
	struct scene_result result = wait_for_child(scene, " | compile < main");

	(void)state;
	assert_no_stall(result.model);
	scene_done(&result, scene);
}

static void feeder_of_a_fuse_file_system_is_named_even_if_it_slept(void **state)
{
	struct scene *scene = scene_create(2);
	const struct model_finding *finding;
	struct scene_result result;

	(void)state;
	scene_switch(scene, 1, 500 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &first);
	scene_waking(scene, 1, 1000 * MS, &first, "", &child);
	scene_switch(scene, 1, 1000 * MS + 5 * US, &first, FT_STATE_DISK, FUSE, &scene_idle);
	scene_switch(scene, 0, 1000 * MS + 5 * US, &scene_idle, FT_STATE_RUNNING, NULL, &child);
	scene_switch(scene, 0, 1000 * MS + 50 * US, &child, FT_STATE_SLEEPING, NANOSLEEP,
		     &scene_idle);
	scene_waking(scene, 0, 2000 * MS, &scene_idle, "", &child);
	scene_switch(scene, 0, 2000 * MS + US, &scene_idle, FT_STATE_RUNNING, NULL, &child);
	scene_waking(scene, 0, 2000 * MS + 9 * US, &child, ANSWER, &first);
	scene_switch(scene, 1, 2000 * MS + 15 * US, &scene_idle, FT_STATE_RUNNING, NULL, &first);
	result = scene_analyze(scene, "100", 2300 * MS);
	assert_int_equal(result.model->finding_count, 1);
	finding = &result.model->findings[0];
	assert_int_equal(finding->kind, FINDING_IO_STALL);
	assert_int_equal(finding->grade, GRADE_STRONG);
	assert_true(finding->has_culprit);
	assert_int_equal(finding->culprit.tid, 200);
	assert_int_equal(finding->victims[0], 101);
	assert_true(finding->culprit.blocked_ns > 990 * MS);
	scene_done(&result, scene);
}

/* What it waited for itself, in the stall that such waits made, is the cause. */
static void feeder_that_waited_itself_explains_only_another_time(void **state)
{
	struct slow_producer feeder = {
		.did = PRODUCER_WAITED,
		.stall = { .found = true, .start_ns = 1000 * MS, .end_ns = 2000 * MS },
		.longest = { .start_ns = 1000 * MS, .end_ns = 2000 * MS },
	};
	const struct stall same = { .found = true, .start_ns = 900 * MS, .end_ns = 2000 * MS };
	const struct stall apart = { .found = true, .start_ns = 2000 * MS, .end_ns = 3000 * MS };

	(void)state;
	assert_false(slow_producer_explains(&feeder, &same));
	assert_true(slow_producer_explains(&feeder, &apart));
	assert_true(slow_producer_explains(&feeder, &(struct stall){ 0 }));
	feeder.did = PRODUCER_RAN;
	assert_true(slow_producer_explains(&feeder, &same));
	feeder.did = PRODUCER_IDLED;
	assert_false(slow_producer_explains(&feeder, &(struct stall){ 0 }));
}

/* The others were ended by another one. */
static void producer_of_a_tenth_of_the_waits_is_known(void **state)
{
	(void)state;
	for (uint64_t less = 0; less < 2; less++) {
		uint64_t least = 200 * PRODUCER_ENDED_PERCENT / 100 - less;
		struct scene *scene = scene_create(2);
		struct feeding feeding = usual;
		struct scene_result result;

		for (uint64_t i = 0; i <= 200; i++) {
			/* the first wait has no end that was seen */
			feeding.feeder = i % 2 && i / 2 < least ? &producer : &other;
			feed_reader(scene, &feeding, (10 + i * 5) * MS);
		}
		feed_slowly(scene, 1015, 1000);
		result = scene_analyze(scene, "100", 2300 * MS);
		assert_int_equal(result.model->findings[0].kind,
				 less ? FINDING_NO_STALL : FINDING_SLOW_PRODUCER);
		scene_done(&result, scene);
	}
}

UNIT_TESTS(slow_producer)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(producer_of_a_tenth_of_the_waits_is_known),
		cmocka_unit_test(feeder_that_computes_is_a_slow_producer),
		cmocka_unit_test(feeder_that_sleeps_has_nothing_to_feed),
		cmocka_unit_test(feeder_that_works_for_others_starves_nobody),
		cmocka_unit_test(feeder_that_runs_and_wakes_others_starves_nobody),
		cmocka_unit_test(feeder_that_is_always_as_slow_is_no_stall),
		cmocka_unit_test(feeder_of_a_few_waits_is_not_known),
		cmocka_unit_test(feeder_is_found_behind_a_chain_of_wakeups),
		cmocka_unit_test(feeder_that_still_computes_at_the_end_is_only_plausible),
		cmocka_unit_test(feeder_that_computed_when_the_recording_began_is_only_plausible),
		cmocka_unit_test(feeder_may_be_slow_more_than_once),
		cmocka_unit_test(feeder_outside_of_the_target_may_wait_for_a_disk),
		cmocka_unit_test(feeder_that_is_asked_is_a_busy_thread),
		cmocka_unit_test(feeder_that_sleeps_when_asked_as_it_never_does_is_plausible),
		cmocka_unit_test(feeder_that_sleeps_as_it_always_does_starves_nobody),
		cmocka_unit_test(client_that_sleeps_starves_no_server),
		cmocka_unit_test(feeder_that_may_be_a_client_starves_no_server),
		cmocka_unit_test(feeder_whose_end_takes_long_keeps_its_parent),
		cmocka_unit_test(feeder_whose_purpose_is_to_work_keeps_no_parent),
		cmocka_unit_test(feeder_of_a_fuse_file_system_is_named_even_if_it_slept),
		cmocka_unit_test(feeder_that_waited_itself_explains_only_another_time),
	};

	return run_unit_tests(tests, NULL, NULL);
}
