/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads that waited for a disk, a file system, or a process that should have answered or taken something: one
 * finding, and who kept them waiting.
 */
#include <string.h>

#include "analyzer/detect/thresholds.h"
#include "tests/unit/support/actors.h"
#include "tests/unit/support/unit_test.h"

#define MS SCENE_MS
#define US SCENE_US

#define JOURNAL \
	SLEEP "jbd2_log_wait_commit < ext4_sync_file < do_fsync < __x64_sys_fsync < do_syscall_64"
#define WRITEBACK                                                                                  \
	SLEEP "io_schedule < folio_wait_bit_common < folio_wait_writeback < "                      \
	      "__filemap_fdatawait_range < file_write_and_wait_range < ext4_sync_file < do_fsync " \
	      "< "                                                                                 \
	      "__x64_sys_fsync < do_syscall_64"
#define COMMITTED                                                         \
	"try_to_wake_up < autoremove_wake_function < __wake_up_common < " \
	"jbd2_journal_commit_transaction < kjournald2 < kthread"
#define FUSE                                                                                      \
	SLEEP "request_wait_answer < __fuse_simple_request < fuse_do_readfolio < filemap_read < " \
	      "vfs_read < __x64_sys_pread64 < do_syscall_64"
#define ANSWER                                                                               \
	"try_to_wake_up < autoremove_wake_function < __wake_up_common < fuse_request_end < " \
	"fuse_dev_do_write < fuse_dev_write < vfs_write < ksys_write < do_syscall_64 | "     \
	"write < answer < main"
#define NAP                                                                                     \
	SLEEP "do_nanosleep < hrtimer_nanosleep < __x64_sys_clock_nanosleep < do_syscall_64 | " \
	      "nap < answer < main"

static const struct ft_task jbd2 = { 300, 300, "jbd2/sda1-8" };
static const struct ft_task daemon_task = { 400, 400, "fused" };
static const struct ft_task flusher = { 302, 302, "flusher" };

/* A worker on CPU 0 comes at @from_ms, waits with @stack and is woken at @to_ms by @waker, which
 * runs on CPU 1. */
static void block_worker(struct scene *scene, uint32_t i, uint64_t from_ms, const char *stack)
{
	scene_switch(scene, 0, from_ms * MS - 5 * US, &scene_idle, FT_STATE_RUNNING, NULL,
		     &scene_workers[i]);
	scene_switch(scene, 0, from_ms * MS, &scene_workers[i], FT_STATE_DISK, stack, &scene_idle);
}

static void wake_worker(struct scene *scene, uint64_t at_ms, const struct ft_task *waker,
			const char *stack, uint32_t i)
{
	scene_waking(scene, 1, at_ms * MS, waker, stack, &scene_workers[i]);
	scene_switch(scene, 0, at_ms * MS + 5 * US, &scene_idle, FT_STATE_RUNNING, NULL,
		     &scene_workers[i]);
	scene_switch(scene, 0, at_ms * MS + 9 * US, &scene_workers[i], FT_STATE_SLEEPING, NAP,
		     &scene_idle);
}

static void waits_for_journal_page_and_disk_are_one_stall(void **state)
{
	struct scene *scene = scene_create(2);
	const struct model_finding *finding;
	struct scene_result result;

	(void)state;
	scene_switch(scene, 1, 10 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &jbd2);
	block_worker(scene, 0, 1000, WRITEBACK);
	block_worker(scene, 1, 1010, JOURNAL);
	wake_worker(scene, 1100, &jbd2, COMMITTED, 1);
	block_worker(scene, 1, 1110, WRITEBACK);
	wake_worker(scene, 1500, &jbd2, COMMITTED, 0);
	wake_worker(scene, 1700, &jbd2, COMMITTED, 1);
	result = scene_analyze(scene, "100", 3000 * MS);
	assert_true(result.model->stall.found);
	assert_int_equal(result.model->finding_count, 1);
	finding = &result.model->findings[0];
	assert_int_equal(finding->kind, FINDING_IO_STALL);
	assert_int_equal(finding->grade, GRADE_STRONG);
	assert_int_equal(finding->blocked_ns, (500 + 90 + 590) * MS);
	assert_int_equal(finding->victim_count, 2);
	assert_int_equal(finding->victims[0], 102);
	assert_int_equal(finding->victims_since_ns[0], 1110 * MS);
	assert_false(finding->has_culprit);
	assert_non_null(strstr(finding->summary, "in fsync"));
	assert_string_equal(finding->evidence[1],
			    "by class: io.writeback 1.09 s, io.journal 90 ms");
	assert_string_equal(finding->evidence[2],
			    "who ended the waits: thread 300 (jbd2/sda1-8) 100 %");
	scene_done(&result, scene);
}

static void fuse_stall_names_the_process_that_serves_the_file_system(void **state)
{
	struct scene *scene = scene_create(2);
	const struct model_finding *finding;
	struct scene_result result;

	(void)state;
	scene_switch(scene, 1, 10 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &daemon_task);
	scene_switch(scene, 1, 1005 * MS, &daemon_task, FT_STATE_SLEEPING, NAP, &scene_idle);
	block_worker(scene, 0, 1000, FUSE);
	block_worker(scene, 1, 1010, FUSE);
	scene_switch(scene, 1, 1895 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &daemon_task);
	wake_worker(scene, 1900, &daemon_task, ANSWER, 0);
	wake_worker(scene, 1910, &daemon_task, ANSWER, 1);
	result = scene_analyze(scene, "100", 3000 * MS);
	finding = &result.model->findings[0];
	assert_int_equal(finding->kind, FINDING_IO_STALL);
	assert_int_equal(finding->grade, GRADE_STRONG);
	assert_int_equal(finding->blocked_ns, 1800 * MS);
	assert_true(finding->has_culprit);
	assert_int_equal(finding->culprit.tid, 400);
	assert_int_equal(finding->culprit.hold_ns, 900 * MS);
	assert_int_equal(finding->culprit.blocked_ns, 890 * MS);
	assert_string_equal(finding->culprit.stack.frames[2].symbol, "do_nanosleep");
	assert_non_null(strstr(finding->evidence[2], "was asleep for 890 ms"));
	scene_done(&result, scene);
}

/* A wake-up of a waiter by any other path is no answer. */
static void fuse_stall_names_nobody_where_the_answer_was_not_seen(void **state)
{
	static const char *const stacks[] = { NULL, COMMITTED };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct scene *scene = scene_create(2);
		struct scene_result result;

		scene_switch(scene, 1, 10 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &daemon_task);
		block_worker(scene, 0, 1000, FUSE);
		wake_worker(scene, 1900, &daemon_task, stacks[i], 0);
		block_worker(scene, 1, 1950, FUSE);
		result = scene_analyze(scene, "100", 3000 * MS);
		assert_int_equal(result.model->findings[0].kind, FINDING_IO_STALL);
		assert_int_equal(result.model->findings[0].blocked_ns, (900 + 1050) * MS);
		assert_false(result.model->findings[0].has_culprit);
		scene_done(&result, scene);
	}
}

/* Worker i waits on CPU i; who ends it is on a CPU of its own. In the order of their ends. */
struct worker_wait {
	uint64_t start_ns, end_ns;
	const char *stack;
	const struct ft_task *waker;
	const char *waker_stack;
};

static struct scene_result analyze_waits(struct scene *scene, const struct worker_wait *waits,
					 uint32_t count)
{
	static const struct ft_task *const wakers[] = { &jbd2, &daemon_task, &flusher };

	for (uint32_t i = 0; i < 3; i++)
		scene_switch(scene, 4 + i, 10 * MS, &scene_idle, FT_STATE_RUNNING, NULL, wakers[i]);
	for (uint32_t i = 0; i < count; i++) {
		const struct worker_wait *wait = &waits[i];
		const struct ft_task *worker = &scene_workers[i];
		uint32_t cpu = 4;

		while (wakers[cpu - 4] != wait->waker)
			cpu++;
		scene_switch(scene, i, wait->start_ns - US, &scene_idle, FT_STATE_RUNNING, NULL,
			     worker);
		scene_switch(scene, i, wait->start_ns, worker, FT_STATE_DISK, wait->stack,
			     &scene_idle);
		scene_waking(scene, cpu, wait->end_ns, wait->waker, wait->waker_stack, worker);
		scene_switch(scene, i, wait->end_ns + US, &scene_idle, FT_STATE_RUNNING, NULL,
			     worker);
		scene_switch(scene, i, wait->end_ns + 2 * US, worker, FT_STATE_SLEEPING, NAP,
			     &scene_idle);
	}
	return scene_analyze(scene, "100", 4000 * MS);
}

static void thread_that_lost_a_moment_only_is_no_victim(void **state)
{
	(void)state;
	for (uint64_t less = 0; less < 2; less++) {
		struct scene *scene = scene_create(7);
		const struct worker_wait waits[] = {
			{ 1100 * MS, 1100 * MS + RESOURCE_VICTIM_NS - less, WRITEBACK, &jbd2,
			  COMMITTED },
			{ 1000 * MS, 1500 * MS, WRITEBACK, &jbd2, COMMITTED },
		};
		struct scene_result result = analyze_waits(scene, waits, 2);

		assert_int_equal(result.model->findings[0].kind, FINDING_IO_STALL);
		assert_int_equal(result.model->findings[0].victim_count, less ? 1 : 2);
		scene_done(&result, scene);
	}
}

static void who_ended_half_of_the_waits_serves_the_file_system(void **state)
{
	(void)state;
	for (uint64_t less = 0; less < 2; less++) {
		uint64_t served_ns = 1000 * MS * RESOURCE_SERVED_PERCENT / 100 - less;
		uint64_t rest_ns = 1000 * MS - served_ns;
		struct scene *scene = scene_create(7);
		const struct worker_wait waits[] = {
			{ 1000 * MS, 1000 * MS + rest_ns / 2, FUSE, &jbd2, COMMITTED },
			{ 1000 * MS, 1000 * MS + rest_ns - rest_ns / 2, FUSE, &flusher, COMMITTED },
			{ 1000 * MS, 1000 * MS + served_ns, FUSE, &daemon_task, ANSWER },
		};
		struct scene_result result = analyze_waits(scene, waits, 3);

		assert_int_equal(result.model->findings[0].kind, FINDING_IO_STALL);
		assert_int_equal(result.model->findings[0].has_culprit, !less);
		scene_done(&result, scene);
	}
}

static void operations_and_wakers_are_told_from_a_tenth_of_the_waits_on(void **state)
{
	(void)state;
	for (uint64_t less = 0; less < 2; less++) {
		uint64_t least_ns = 1000 * MS * RESOURCE_TOLD_PERCENT / 100 - less;
		struct scene *scene = scene_create(7);
		const struct worker_wait waits[] = {
			{ 1100 * MS, 1100 * MS + least_ns, FUSE, &flusher, COMMITTED },
			{ 1000 * MS, 2000 * MS - least_ns, WRITEBACK, &jbd2, COMMITTED },
		};
		struct scene_result result = analyze_waits(scene, waits, 2);
		const struct model_finding *finding = &result.model->findings[0];

		assert_int_equal(finding->blocked_ns, 1000 * MS);
		assert_int_equal(!!strstr(finding->summary, "in fsync and pread,"), !less);
		assert_int_equal(scene_has_evidence(finding, "(flusher)"), !less);
		scene_done(&result, scene);
	}
}

static void classes_are_told_from_a_hundredth_of_the_waits_on(void **state)
{
	(void)state;
	for (uint64_t more = 0; more < 2; more++) {
		uint64_t least_ns = 1000 * MS * RESOURCE_CLASS_PERCENT / 100;
		struct scene *scene = scene_create(7);
		const struct worker_wait waits[] = {
			{ 1100 * MS, 1100 * MS + least_ns, JOURNAL, &jbd2, COMMITTED },
			{ 1000 * MS, 2000 * MS - least_ns + more, WRITEBACK, &jbd2, COMMITTED },
		};
		struct scene_result result = analyze_waits(scene, waits, 2);

		assert_int_equal(scene_has_evidence(&result.model->findings[0], "by class: "),
				 !more);
		scene_done(&result, scene);
	}
}

static void server_that_was_blocked_for_half_of_the_longest_wait_waited_itself(void **state)
{
	(void)state;
	for (uint64_t less = 0; less < 2; less++) {
		uint64_t blocked_ns = 1000 * MS * SERVER_BLOCKED_PERCENT / 100 - less;
		const struct worker_wait wait = { 1000 * MS, 2000 * MS, FUSE, &daemon_task,
						  ANSWER };
		struct scene *scene = scene_create(7);
		struct scene_result result;

		scene_switch(scene, 5, 5 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &daemon_task);
		scene_switch(scene, 5, 1100 * MS, &daemon_task, FT_STATE_SLEEPING, NAP,
			     &scene_idle);
		scene_waking(scene, 3, 1100 * MS + blocked_ns, &scene_idle, NULL, &daemon_task);
		scene_switch(scene, 5, 1101 * MS + blocked_ns, &scene_idle, FT_STATE_RUNNING, NULL,
			     &daemon_task);
		scene_switch(scene, 0, wait.start_ns - US, &scene_idle, FT_STATE_RUNNING, NULL,
			     &scene_workers[0]);
		scene_switch(scene, 0, wait.start_ns, &scene_workers[0], FT_STATE_DISK, FUSE,
			     &scene_idle);
		scene_waking(scene, 5, wait.end_ns, &daemon_task, ANSWER, &scene_workers[0]);
		scene_switch(scene, 0, wait.end_ns + US, &scene_idle, FT_STATE_RUNNING, NULL,
			     &scene_workers[0]);
		result = scene_analyze(scene, "100", 3000 * MS);
		assert_int_equal(scene_has_evidence(&result.model->findings[0],
						    "was asleep for"),
				 !less);
		assert_int_equal(scene_has_evidence(&result.model->findings[0], "it ran for"),
				 less);
		scene_done(&result, scene);
	}
}

#define WRITERS 5
#define SECCOMP                                                                                   \
	SLEEP "schedule_timeout < wait_for_completion_killable < seccomp_do_user_notification < " \
	      "__seccomp_filter < syscall_trace_enter < do_syscall_64"
#define FANOTIFY                                                                                \
	SLEEP "fanotify_handle_event < fsnotify < __fsnotify_parent < do_dentry_open < "         \
	      "path_openat < do_filp_open < do_sys_openat2 < __x64_sys_openat < do_syscall_64"
#define ALLOWS  "try_to_wake_up < fanotify_write < vfs_write < __x64_sys_write < do_syscall_64"
#define REPLIES "try_to_wake_up < complete < seccomp_notify_ioctl < __x64_sys_ioctl < do_syscall_64"
#define CONNECT                                                                                    \
	SLEEP "__inet_stream_connect < inet_stream_connect < __sys_connect < __x64_sys_connect < " \
	      "do_syscall_64"

static const struct actor other_end = { { 500, 500, "other end" }, 6 };
static const struct actor service[WRITERS] = {
	{ { 101, 100, "writer0" }, 0 }, { { 102, 100, "writer1" }, 1 },
	{ { 103, 100, "writer2" }, 2 }, { { 104, 100, "writer3" }, 3 },
	{ { 105, 100, "writer4" }, 4 },
};

/* All of the service blocks in @stack, a little after one second. */
static void service_blocks(struct scene *scene, size_t count, const char *stack)
{
	for (size_t i = 0; i < count; i++) {
		actor_comes(scene, &service[i], 900 * MS);
		actor_waits(scene, &service[i], (1000 + i) * MS, stack);
	}
}

/* The one at the other end sleeps from 950 ms to 2000 ms. */
static void other_end_sleeps(struct scene *scene)
{
	actor_comes(scene, &other_end, 10 * MS);
	actor_waits(scene, &other_end, 950 * MS, NANOSLEEP);
	actor_interrupted(scene, &other_end, 2000 * MS - 10 * US, TIMER_FIRES);
}

static void assert_answerer(struct scene *scene, enum finding_kind kind, size_t victims,
			    const char *wanted)
{
	struct scene_result result = scene_analyze(scene, "100", 3000 * MS);
	const struct model_finding *finding = &result.model->findings[0];

	assert_int_equal(model_verdict(result.model), VERDICT_FROZEN);
	assert_int_equal(finding->kind, kind);
	assert_int_equal(finding->grade, GRADE_STRONG);
	assert_int_equal(finding->victim_count, victims);
	assert_true(finding->has_culprit);
	assert_int_equal(finding->culprit.tid, other_end.task.tid);
	assert_true(finding->culprit.blocked_ns > 990 * MS);
	assert_non_null(strstr(finding->summary, wanted));
	assert_true(scene_has_evidence(finding, "was asleep for"));
	scene_done(&result, scene);
}

/* The reader lets in the first of them, which lets in the next one, and so on. */
static void writers_at_a_full_pipe_wait_for_its_reader(void **state)
{
	struct scene *scene = scene_create(7);

	(void)state;
	service_blocks(scene, WRITERS, PIPE_WRITE);
	other_end_sleeps(scene);
	actor_wakes(scene, &other_end, 2000 * MS, DRAINS_PIPE, &service[0]);
	actor_waits(scene, &other_end, 2010 * MS, PIPE_READ);
	for (size_t i = 0; i < WRITERS; i++) {
		uint64_t at_ns = 2000 * MS + (i + 1) * ACTOR_STEP_NS;

		if (i + 1 < WRITERS)
			actor_wakes(scene, &service[i], at_ns, FILLS_PIPE, &service[i + 1]);
		actor_waits(scene, &service[i], at_ns + 20 * US, NANOSLEEP);
	}
	assert_answerer(scene, FINDING_BACKPRESSURE_STALL, WRITERS,
			"for room in a full pipe, in write");
}

static void who_is_asked_by_the_kernel_is_named(void **state)
{
	static const struct {
		const char *stack, *answer, *wanted;
	} cases[] = {
		{ SECCOMP, REPLIES, "a system call to be allowed" },
		{ FANOTIFY, ALLOWS, "permission to open a file" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct scene *scene = scene_create(7);

		service_blocks(scene, WRITERS, cases[i].stack);
		other_end_sleeps(scene);
		for (size_t j = 0; j < WRITERS; j++) {
			uint64_t at_ns = 2000 * MS + (j + 1) * ACTOR_STEP_NS;

			actor_wakes(scene, &other_end, at_ns, cases[i].answer, &service[j]);
			actor_waits(scene, &service[j], at_ns + 20 * US, NANOSLEEP);
		}
		actor_waits(scene, &other_end, 2010 * MS, EPOLL);
		assert_answerer(scene, FINDING_REQUEST_STALL, WRITERS, cases[i].wanted);
	}
}

/* Nobody answered until the capture ended: who should have is not known. */
static void request_that_nobody_answered_names_nobody(void **state)
{
	struct scene *scene = scene_create(7);
	struct scene_result result;

	(void)state;
	service_blocks(scene, WRITERS, SECCOMP);
	result = scene_analyze(scene, "100", 3000 * MS);
	assert_int_equal(model_verdict(result.model), VERDICT_FROZEN);
	assert_int_equal(result.model->findings[0].kind, FINDING_REQUEST_STALL);
	assert_int_equal(result.model->findings[0].grade, GRADE_PLAUSIBLE);
	assert_false(result.model->findings[0].has_culprit);
	scene_done(&result, scene);
}

/* The reader is the slower one, all along. */
static void steady_back_pressure_is_no_stall(void **state)
{
	struct scene *scene = scene_create(7);
	struct scene_result result;

	(void)state;
	actor_comes(scene, &other_end, 10 * MS);
	for (size_t i = 0; i < 2; i++)
		actor_comes(scene, &service[i], 10 * MS);
	for (uint64_t at_ms = 20; at_ms < 5000; at_ms += 300)
		for (size_t i = 0; i < 2; i++) {
			actor_waits(scene, &service[i], at_ms * MS, PIPE_WRITE);
			actor_wakes(scene, &other_end, (at_ms + 295 + i) * MS, DRAINS_PIPE,
				    &service[i]);
		}
	result = scene_analyze(scene, "100", 5200 * MS);
	assert_int_equal(model_verdict(result.model), VERDICT_NO_STALL);
	scene_done(&result, scene);
}

/* One alone may serve a client that reads slowly; several at once are held up. */
static void one_sender_whose_receiver_is_remote_is_no_stall(void **state)
{
	(void)state;
	for (size_t count = 1; count <= 2; count++) {
		struct scene *scene = scene_create(7);
		struct scene_result result;

		service_blocks(scene, count, SEND);
		for (size_t i = 0; i < count; i++) {
			actor_interrupted(scene, &service[i], (2500 + i) * MS, PACKET_COMES);
			actor_waits(scene, &service[i], 2550 * MS, EPOLL);
		}
		result = scene_analyze(scene, "100", 3000 * MS);
		assert_int_equal(model_verdict(result.model),
				 count == 1 ? VERDICT_NO_STALL : VERDICT_FROZEN);
		if (count == 2) {
			assert_int_equal(result.model->findings[0].kind,
					 FINDING_BACKPRESSURE_STALL);
			assert_int_equal(result.model->findings[0].grade, GRADE_PLAUSIBLE);
			assert_false(result.model->findings[0].has_culprit);
		}
		scene_done(&result, scene);
	}
}

/* The packets that it repeats get no answer. */
static void connections_that_nobody_accepts_name_nobody(void **state)
{
	struct scene *scene = scene_create(7);
	const struct model_finding *finding;
	struct scene_result result;

	(void)state;
	service_blocks(scene, WRITERS, CONNECT);
	for (size_t i = 0; i < WRITERS; i++) {
		actor_interrupted(scene, &service[i], (2000 + i) * MS, TIMER_FIRES);
		actor_waits(scene, &service[i], (2010 + i) * MS, EPOLL);
	}
	result = scene_analyze(scene, "100", 3000 * MS);
	finding = &result.model->findings[0];
	assert_int_equal(model_verdict(result.model), VERDICT_FROZEN);
	assert_int_equal(finding->kind, FINDING_BACKPRESSURE_STALL);
	assert_int_equal(finding->grade, GRADE_PLAUSIBLE);
	assert_false(finding->has_culprit);
	assert_non_null(strstr(finding->summary, "a server to accept its connection, in connect"));
	assert_true(scene_has_evidence(finding, "interrupts, as of a device or a timer, 100 %"));
	scene_done(&result, scene);
}

UNIT_TESTS(resource_wait)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(waits_for_journal_page_and_disk_are_one_stall),
		cmocka_unit_test(fuse_stall_names_the_process_that_serves_the_file_system),
		cmocka_unit_test(thread_that_lost_a_moment_only_is_no_victim),
		cmocka_unit_test(who_ended_half_of_the_waits_serves_the_file_system),
		cmocka_unit_test(operations_and_wakers_are_told_from_a_tenth_of_the_waits_on),
		cmocka_unit_test(classes_are_told_from_a_hundredth_of_the_waits_on),
		cmocka_unit_test(
			server_that_was_blocked_for_half_of_the_longest_wait_waited_itself),
		cmocka_unit_test(fuse_stall_names_nobody_where_the_answer_was_not_seen),
		cmocka_unit_test(writers_at_a_full_pipe_wait_for_its_reader),
		cmocka_unit_test(who_is_asked_by_the_kernel_is_named),
		cmocka_unit_test(request_that_nobody_answered_names_nobody),
		cmocka_unit_test(steady_back_pressure_is_no_stall),
		cmocka_unit_test(one_sender_whose_receiver_is_remote_is_no_stall),
		cmocka_unit_test(connections_that_nobody_accepts_name_nobody),
	};

	return run_unit_tests(tests, NULL, NULL);
}
