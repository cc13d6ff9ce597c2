/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lines of the kernel's hung-task detector: what they say, and what is concluded from them.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "analyzer/locks/hung_task.h"
#include "capture/format.h"
#include "tests/unit/support/scene.h"
#include "tests/unit/support/unit_test.h"

#define MS SCENE_MS
#define US SCENE_US

#define LOG FT_NOTE_KERNEL_LOG
/* As Linux 6.18 wrote them. */
#define RWSEM                                                                                    \
	LOG "INFO: task worker0:20036 <writer> blocked on an rw-semaphore likely owned by task " \
	    "creator:20035 <writer>"
#define BLOCKED LOG "INFO: task worker0:20036 blocked for more than 2 seconds."
/* As its source and reports of others have it. */
#define MUTEX	  LOG "INFO: task cat:115 is blocked on a mutex likely owned by task cat:114."
#define SEMAPHORE LOG "INFO: task cat:945 blocked on a semaphore likely last held by task cat:938"
#define NOT_FOUND \
	LOG "INFO: task modprobe:2342 is blocked on an rw-semaphore, but the owner is not found."

static void hungtask_knows_waiter_and_owner_of_an_rwsem(void **state)
{
	struct hung_task hung;

	(void)state;
	assert_true(hung_task_parse(RWSEM, &hung));
	assert_int_equal(hung.waiter.tid, 20036);
	assert_string_equal(hung.waiter.comm, "worker0");
	assert_int_equal(hung.owner.tid, 20035);
	assert_string_equal(hung.owner.comm, "creator");
	assert_int_equal(hung.family, WAIT_LOCK_RWSEM);
	assert_false(hung.owner_reads);
	assert_true(hung_task_parse(LOG "INFO: task a:1 <writer> blocked on an rw-semaphore likely "
				       "owned by task b:2 <reader>",
				   &hung));
	assert_true(hung.owner_reads);
}

static void hungtask_knows_waiter_and_owner_of_a_mutex(void **state)
{
	struct hung_task hung;

	(void)state;
	assert_true(hung_task_parse(MUTEX, &hung));
	assert_int_equal(hung.waiter.tid, 115);
	assert_int_equal(hung.owner.tid, 114);
	assert_int_equal(hung.family, WAIT_LOCK_MUTEX);
}

static void hungtask_takes_a_line_without_an_owner_for_none(void **state)
{
	static const char *const lines[] = {
		BLOCKED,
		SEMAPHORE,
		NOT_FOUND,
		"",
		LOG,
		MUTEX "x",
		RWSEM ".",
		" " MUTEX,
		LOG "INFO: task :1 is blocked on a mutex likely owned by task :0.",
		LOG "INFO: task a is blocked on a mutex likely owned by task b:2.",
		LOG "INFO: task a:1 is blocked on a mutex likely owned by task b:2147483648.",
		LOG
		"INFO: task a:1 is blocked on a mutex likely owned by task b:99999999999999999999.",
		LOG "INFO: task sixteen-letters-:1 is blocked on a mutex likely owned by task b:2.",
		LOG "INFO: task a\\x:1 is blocked on a mutex likely owned by task b:2.",
		LOG "INFO: task a\\x00:1 is blocked on a mutex likely owned by task b:2.",
		"another trigger: " MUTEX,
	};
	struct hung_task hung;

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		if (hung_task_parse(lines[i], &hung))
			fail_msg("taken for a line with an owner: %s", lines[i]);
}

/* A task may be called anything that fits into 15 bytes. */
static void hungtask_reads_names_with_anything_in_them(void **state)
{
	struct hung_task hung;

	(void)state;
	assert_true(hung_task_parse(
		LOG "INFO: task kworker/2:3:117 is blocked on a mutex likely owned by "
		    "task a:1 is blocked:7.",
		&hung));
	assert_string_equal(hung.waiter.comm, "kworker/2:3");
	assert_int_equal(hung.waiter.tid, 117);
	assert_string_equal(hung.owner.comm, "a:1 is blocked");
	assert_int_equal(hung.owner.tid, 7);
	assert_true(hung_task_parse(
		LOG "INFO: task \\x0a\\x5c\\xff:1 is blocked on a mutex likely owned by "
		    "task <writer>:2.",
		&hung));
	assert_string_equal(hung.waiter.comm, "\n\\\xff");
	assert_string_equal(hung.owner.comm, "<writer>");
	assert_true(hung_task_parse(
		LOG "INFO: task :9 is blocked on a mutex likely owned by task :8.", &hung));
	assert_string_equal(hung.waiter.comm, "");
}

/* Sanitizers see what this reads beyond the text. */
static void hungtask_survives_lines_cut_and_changed_anywhere(void **state)
{
	static const char *const lines[] = { MUTEX, RWSEM,
					     LOG "INFO: task \\x0a:1 is blocked on a mutex "
						 "likely owned by task b:2." };
	struct hung_task hung;

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		size_t bytes = strlen(lines[i]);

		for (size_t cut = 0; cut < bytes; cut++) {
			char *line = strndup(lines[i], cut);

			assert_false(hung_task_parse(line, &hung));
			free(line);
		}
		for (size_t bit = 0; bit < bytes * 8; bit++) {
			char *line = strdup(lines[i]);

			line[bit / 8] = (char)(line[bit / 8] ^ 1 << bit % 8);
			hung_task_parse(line, &hung);
			free(line);
		}
	}
}

/* Threads that wait for the lock of a directory, and the one that has it, asleep under it. */

#define CREATE "vfs_create < do_mknodat < __x64_sys_mknodat < do_syscall_64"
#define WAIT                                                                          \
	SLEEP "schedule_preempt_disabled < rwsem_down_write_slowpath < down_write < " \
	      "filename_create < do_mknodat < __x64_sys_mknodat < do_syscall_64"
#define HOLD                                                                                 \
	SLEEP "request_wait_answer < __fuse_simple_request < create_new_entry < fuse_mknod " \
	      "< " CREATE
#define RELEASE                                                                                  \
	"try_to_wake_up < wake_up_q < rwsem_wake < up_write < do_mknodat < __x64_sys_mknodat < " \
	"do_syscall_64"
#define INODE 0xffff888012340000ull

static const struct ft_task holder = { 100, 100, "holder" };
static const struct ft_task waiter = { 101, 100, "waiter" };
static const struct ft_task other = { 102, 100, "other" };

#define NAMED(owner)                                                                     \
	LOG "INFO: task waiter:101 <writer> blocked on an rw-semaphore likely owned by " \
	    "task " owner

struct story {
	const char *line; /* NULL: none */
	uint64_t line_ns;
	bool early; /* half a second before the recording instead */
	bool released; /* at 9 s; else nobody sees the end, at 10 s */
	bool from_the_start; /* both sleep before the recording begins, so no address is known */
	bool ran_since; /* the holder has been in user space after the line */
};

/* The waiter wants the lock from 1.1 s on; the other thread of the process is no holder, but does system calls too. */
static struct scene_result tell_story(struct scene *scene, const struct story *story)
{
	if (story->early)
		scene_note(scene, 0, -(500 * MS), story->line);
	if (story->from_the_start) {
		scene_state(scene, 0, 1 * MS, &holder, FT_STATE_DISK, HOLD);
		scene_state(scene, 0, 1 * MS, &waiter, FT_STATE_DISK, WAIT);
	} else {
		scene_switch(scene, 0, 500 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &holder);
		scene_switch(scene, 0, 1000 * MS, &holder, FT_STATE_DISK, HOLD, &scene_idle);
		scene_switch(scene, 1, 1000 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &waiter);
		scene_lock_begin(scene, 1, 1100 * MS - 5 * US, &waiter, INODE, FT_LOCK_WRITE);
		scene_switch(scene, 1, 1100 * MS, &waiter, FT_STATE_DISK, WAIT, &scene_idle);
	}
	scene_switch(scene, 1, 2000 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &other);
	scene_switch(scene, 1, 2001 * MS, &other, FT_STATE_SLEEPING, NANOSLEEP, &scene_idle);
	if (story->line && !story->early)
		scene_note(scene, 0, story->line_ns, story->line);
	if (story->ran_since) {
		scene_switch(scene, 0, 8500 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &holder);
		scene_switch(scene, 0, 8600 * MS, &holder, FT_STATE_SLEEPING, NANOSLEEP,
			     &scene_idle);
	}
	if (!story->released)
		return scene_analyze(scene, "100", 10000 * MS);
	scene_switch(scene, 0, 8990 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &holder);
	scene_waking(scene, 0, 9000 * MS, &holder, RELEASE, &waiter);
	scene_switch(scene, 0, 9001 * MS, &holder, FT_STATE_SLEEPING, NANOSLEEP, &scene_idle);
	scene_switch(scene, 1, 9000 * MS + 5 * US, &scene_idle, FT_STATE_RUNNING, NULL, &waiter);
	scene_switch(scene, 1, 9100 * MS, &waiter, FT_STATE_SLEEPING, NANOSLEEP, &scene_idle);
	return scene_analyze(scene, "100", 10000 * MS);
}

static const struct model_finding *find_convoy(const struct scene_result *result)
{
	for (size_t i = 0; i < result->model->finding_count; i++)
		if (result->model->findings[i].kind == FINDING_KERNEL_LOCK_CONVOY)
			return &result->model->findings[i];
	fail_msg("no convoy among %zu findings", result->model->finding_count);
	return NULL;
}

static bool cannot_say(const struct model *model, const char *text)
{
	for (size_t i = 0; i < model->coverage.cannot_say_count; i++)
		if (strstr(model->coverage.cannot_say[i], text))
			return true;
	return false;
}

static void check_story(const struct story *story, int32_t culprit, enum grade grade)
{
	struct scene *scene = scene_create(2);
	struct scene_result result = tell_story(scene, story);
	const struct model_finding *finding = find_convoy(&result);

	assert_int_equal(finding->has_culprit, culprit != 0);
	if (culprit)
		assert_int_equal(finding->culprit.tid, culprit);
	assert_int_equal(finding->grade, grade);
	if (culprit && story->line)
		assert_true(scene_has_evidence(
			finding, story->early
					 ? "named thread 100 (holder) as the lock's owner 500 ms "
					   "before the recording began"
					 : "hung-task detector named thread 100 (holder)"));
	scene_done(&result, scene);
}

static void log_names_the_owner_of_what_is_still_frozen(void **state)
{
	(void)state;
	check_story(&(struct story){ 0 }, 0, GRADE_UNKNOWN);
	check_story(&(struct story){ .line = NAMED("holder:100 <writer>"), .line_ns = 8000 * MS },
		    100, GRADE_EXACT);
}

/* Exact is what came before the line; that nobody has let go since is concluded. */
static void log_proves_less_the_earlier_it_was_written(void **state)
{
	(void)state;
	check_story(&(struct story){ .line = NAMED("holder:100 <writer>"), .line_ns = 4000 * MS },
		    100, GRADE_STRONG);
}

static void log_makes_a_seen_release_exact(void **state)
{
	struct scene *scene = scene_create(2);
	struct scene_result result =
		tell_story(scene, &(struct story){ .line = NAMED("holder:100 <writer>"),
						   .line_ns = 8000 * MS,
						   .released = true });
	const struct model_finding *finding = find_convoy(&result);

	(void)state;
	assert_int_equal(finding->grade, GRADE_EXACT);
	assert_int_equal(finding->culprit.tid, 100);
	/* One hold, not one up to the line and one from there. */
	assert_true(finding->culprit.hold_ns >= 7900 * MS);
	assert_int_equal(finding->blocked_ns, 7900 * MS);
	assert_true(scene_has_evidence(finding, "it woke waiter 101 (waiter)"));
	scene_done(&result, scene);
}

/* It names a holder; others may read too. */
static void log_of_a_reader_proves_nothing(void **state)
{
	(void)state;
	check_story(&(struct story){ .line = NAMED("holder:100 <reader>"), .line_ns = 8000 * MS },
		    100, GRADE_PLAUSIBLE);
}

static void log_is_not_believed_where_names_differ(void **state)
{
	struct scene *scene = scene_create(2);
	struct scene_result result =
		tell_story(scene, &(struct story){ .line = NAMED("somebody:100 <writer>"),
						   .line_ns = 8000 * MS });

	(void)state;
	assert_false(find_convoy(&result)->has_culprit);
	assert_true(cannot_say(result.model, "thread 100 has another name here"));
	scene_done(&result, scene);
}

static void log_is_not_believed_about_a_wait_that_has_just_begun(void **state)
{
	(void)state;
	check_story(&(struct story){ .line = NAMED("holder:100 <writer>"), .line_ns = 1400 * MS },
		    0, GRADE_UNKNOWN);
}

static void log_is_not_believed_about_another_kind_of_lock(void **state)
{
	(void)state;
	check_story(&(struct story){ .line = LOG
				     "INFO: task waiter:101 is blocked on a mutex likely owned by "
				     "task holder:100.",
				     .line_ns = 8000 * MS },
		    0, GRADE_UNKNOWN);
}

static void log_does_not_name_one_at_the_end_who_was_elsewhere_since(void **state)
{
	struct scene *scene = scene_create(2);
	struct scene_result result =
		tell_story(scene, &(struct story){ .line = NAMED("holder:100 <writer>"),
						   .line_ns = 4000 * MS,
						   .ran_since = true });
	const struct model_lock *lock = &result.model->locks[0];
	uint64_t exact_ns = 0;

	(void)state;
	for (size_t i = 0; i < lock->owner_count; i++)
		if (lock->owners[i].tid == 100)
			exact_ns = lock->owners[i].blamed_ns;
	assert_int_equal(exact_ns, 2900 * MS);
	scene_done(&result, scene);
}

/* What began before the recording has no address: each wait is judged alone. */
static void log_names_the_owner_of_what_began_before(void **state)
{
	(void)state;
	check_story(&(struct story){ .line = NAMED("holder:100 <writer>"),
				     .line_ns = 8000 * MS,
				     .from_the_start = true },
		    100, GRADE_EXACT);
}

/*
 * The owner that a line names is first looked up when its claim is judged, after more threads than a block of
 * by_thread has entries for: whatever was borrowed from that table before is still there.
 */
static void log_names_an_owner_of_whom_little_is_known_among_many_threads(void **state)
{
	static const struct ft_task stranger = { 1000, 100, "stranger" };
	const struct ft_task sleeper = { 0, 100, "sleeper" };

	(void)state;
	for (int with_address = 0; with_address < 2; with_address++) {
		struct scene *scene = scene_create(2);
		struct scene_result result;

		scene_note(scene, 0, -(500 * MS), NAMED("stranger:1000 <writer>"));
		if (with_address) {
			scene_switch(scene, 0, 1 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &waiter);
			scene_lock_begin(scene, 0, 2 * MS, &waiter, INODE, FT_LOCK_WRITE);
			scene_switch(scene, 0, 3 * MS, &waiter, FT_STATE_DISK, WAIT, &scene_idle);
		} else {
			scene_state(scene, 0, 1 * MS, &waiter, FT_STATE_DISK, WAIT);
		}
		for (int32_t tid = 200; tid < 263; tid++) {
			struct ft_task task = sleeper;

			task.tid = tid;
			scene_state(scene, 0, 4 * MS, &task, FT_STATE_SLEEPING, NANOSLEEP);
		}
		/* it only ever ran: no table of waits knows it */
		for (uint64_t at_ms = 100; at_ms < 2000; at_ms += 200) {
			scene_switch(scene, 1, at_ms * MS, &stranger, FT_STATE_RUNNING, NULL,
				     &scene_idle);
			scene_switch(scene, 1, (at_ms + 50) * MS, &scene_idle, FT_STATE_RUNNING,
				     NULL, &stranger);
		}
		if (with_address)
			scene_note(scene, 0, 3000 * MS, NAMED("stranger:1000 <writer>"));
		result = scene_analyze(scene, "100", 10000 * MS);
		/* the line of before the recording is about a call that it has left since */
		assert_int_equal(find_convoy(&result)->culprit.tid, with_address ? 1000 : 0);
		scene_done(&result, scene);
	}
}

/* It may have been another wait. */
static void log_of_before_the_recording_is_plausible(void **state)
{
	(void)state;
	check_story(&(struct story){ .line = NAMED("holder:100 <writer>"),
				     .early = true,
				     .from_the_start = true },
		    100, GRADE_PLAUSIBLE);
}

/* What cannot be read matters where it may have told who holds what is waited for. */
static void report_says_that_the_log_was_not_read_where_that_matters(void **state)
{
	static const struct {
		const char *how;
		struct story story;
		bool told;
	} cases[] = {
		{ "Operation not permitted", { .from_the_start = true }, true },
		{ "read", { .from_the_start = true }, false },
		{ "Operation not permitted", { .released = true }, false },
		{ "Operation not permitted",
		  { 0 },
		  false }, /* for ten seconds it would not have said anything */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct scene *scene = scene_create(2);

		scene_kernel_log(scene, cases[i].how);
		struct scene_result result = tell_story(scene, &cases[i].story);
		if (cannot_say(result.model, "could not read that (Operation not permitted)") !=
		    cases[i].told)
			fail_msg("case %zu", i);
		scene_done(&result, scene);
	}
}

/* Of threads that nobody knows here it tells nothing. */
static void log_of_before_the_recording_is_noted_of_threads_that_are_there(void **state)
{
	struct scene *scene = scene_create(2);

	(void)state;
	scene_note(scene, 0, -(700 * MS),
		   LOG "INFO: task waiter:101 blocked for more than 2 seconds.");
	scene_note(scene, 0, -(600 * MS),
		   LOG "INFO: task gone:99 blocked for more than 2 seconds.");
	scene_note(scene, 0, -(500 * MS),
		   LOG "INFO: task holder:101 blocked for more than 2 seconds.");
	scene_state(scene, 1, 1 * MS, &waiter, FT_STATE_DISK, WAIT);
	struct scene_result result = scene_analyze(scene, "100", 10000 * MS);
	assert_int_equal(result.model->coverage.note_count, 1);
	assert_string_equal(
		result.model->coverage.notes[0].text,
		"700 ms before the recording began: kernel log: INFO: task waiter:101 blocked "
		"for more than 2 seconds.");
	assert_int_equal(result.model->coverage.notes[0].at_ns, 0);
	scene_done(&result, scene);
}

/* A lock of the kernel is not held in user space. */
static void log_of_before_the_recording_is_not_believed_of_one_in_user_space(void **state)
{
	struct scene *scene = scene_create(2);

	(void)state;
	scene_note(scene, 0, -(500 * MS), NAMED("holder:100 <writer>"));
	scene_state(scene, 1, 1 * MS, &waiter, FT_STATE_DISK, WAIT);
	scene_switch(scene, 0, 10 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &holder);
	scene_sample(scene, 0, 20 * MS, &holder, " | compute");
	struct scene_result result = scene_analyze(scene, "100", 10000 * MS);
	assert_false(find_convoy(&result)->has_culprit);
	scene_done(&result, scene);
}

/* No event of it, and no process of the target: a thread of the kernel, say. */
static void log_names_an_owner_that_no_event_knows(void **state)
{
	struct scene *scene = scene_create(2);
	struct scene_result result =
		tell_story(scene, &(struct story){ .line = NAMED("kworker/0:1:77 <writer>"),
						   .line_ns = 8000 * MS });
	const struct model_finding *finding = find_convoy(&result);

	(void)state;
	assert_true(finding->has_culprit);
	assert_int_equal(finding->culprit.tid, 77);
	assert_string_equal(finding->culprit.comm, "kworker/0:1");
	scene_done(&result, scene);
}

UNIT_TESTS(hung_task)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hungtask_knows_waiter_and_owner_of_an_rwsem),
		cmocka_unit_test(hungtask_knows_waiter_and_owner_of_a_mutex),
		cmocka_unit_test(hungtask_takes_a_line_without_an_owner_for_none),
		cmocka_unit_test(hungtask_reads_names_with_anything_in_them),
		cmocka_unit_test(hungtask_survives_lines_cut_and_changed_anywhere),
		cmocka_unit_test(log_names_the_owner_of_what_is_still_frozen),
		cmocka_unit_test(log_proves_less_the_earlier_it_was_written),
		cmocka_unit_test(log_makes_a_seen_release_exact),
		cmocka_unit_test(log_of_a_reader_proves_nothing),
		cmocka_unit_test(log_is_not_believed_where_names_differ),
		cmocka_unit_test(log_is_not_believed_about_a_wait_that_has_just_begun),
		cmocka_unit_test(log_is_not_believed_about_another_kind_of_lock),
		cmocka_unit_test(log_does_not_name_one_at_the_end_who_was_elsewhere_since),
		cmocka_unit_test(log_names_the_owner_of_what_began_before),
		cmocka_unit_test(log_of_before_the_recording_is_plausible),
		cmocka_unit_test(log_names_an_owner_of_whom_little_is_known_among_many_threads),
		cmocka_unit_test(log_of_before_the_recording_is_not_believed_of_one_in_user_space),
		cmocka_unit_test(report_says_that_the_log_was_not_read_where_that_matters),
		cmocka_unit_test(log_of_before_the_recording_is_noted_of_threads_that_are_there),
		cmocka_unit_test(log_names_an_owner_that_no_event_knows),
	};
	return run_unit_tests(tests, NULL, NULL);
}
