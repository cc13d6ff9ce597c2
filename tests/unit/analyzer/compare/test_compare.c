/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two made-up models side by side.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/compare/compare.h"
#include "analyzer/report/report.h"
#include "tests/unit/support/unit_test.h"

#define MS 1000000ull
#define S  1000000000ull

/* A process of two threads, recorded for ten seconds; what each test changes of it. */
struct side {
	struct model model;
	struct model_finding findings[2];
	struct model_wait waits[4];
	struct model_lock locks[2];
	struct model_owner owners[2];
	struct model_thread threads[4];
	struct model_note notes[1];
};

static const int32_t tgid = 100;

static void side_init(struct side *side, int32_t leader)
{
	*side = (struct side){
		.threads = {
			{ .tid = leader, .tgid = leader, .comm = "server", .target = true,
			  .observed_ns = 10 * S, .running_ns = 1 * S, .blocked_ns = 9 * S },
			{ .tid = leader + 1, .tgid = leader, .comm = "worker1", .target = true,
			  .observed_ns = 10 * S, .running_ns = 2 * S, .blocked_ns = 8 * S },
		},
		.waits = {
			{ .class = WAIT_POLL, .idle = true, .operation = "epoll_wait",
			  .blocked_ns = 9 * S, .count = 100, .max_ns = 1 * S },
			{ .class = WAIT_IO_BLOCK, .operation = "pread", .blocked_ns = 100 * MS,
			  .count = 50, .max_ns = 5 * MS },
		},
	};
	side->model.capture.path = "x.dat";
	side->model.capture.host = "db-3";
	side->model.capture.kernel = "6.18";
	side->model.capture.arch = "x86_64";
	side->model.capture.tier = "tracepoint";
	side->model.capture.trigger_source = side->model.capture.trigger_reason = "";
	side->model.capture.target = &tgid;
	side->model.capture.target_count = 1;
	side->model.capture.target_comm = "server";
	side->model.capture.duration_ns = 10 * S;
	side->model.capture.complete = true;
	side->model.coverage.cpus = 2;
	side->model.coverage.notes = side->notes;
	side->model.findings = side->findings;
	side->model.locks = side->locks;
	side->model.wait_groups = side->waits;
	side->model.wait_group_count = 2;
	side->model.threads = side->threads;
	side->model.thread_count = 2;
}

/* An mmap_lock convoy of the thread @culprit. */
static void side_freezes(struct side *side, const char *culprit, uint64_t lost_ns)
{
	side->findings[0] = (struct model_finding){
		.kind = FINDING_MMAP_LOCK_CONVOY,
		.grade = GRADE_STRONG,
		.summary = (char *)"It was held.",
		.blocked_ns = lost_ns,
		.has_culprit = true,
		.culprit = { .tid = 7, .comm = culprit },
	};
	side->model.finding_count = 1;
	side->model.stall.found = true;
	side->model.stall.end_ns = lost_ns;
	side->waits[2] = (struct model_wait){ .class = WAIT_LOCK_MMAP,
					      .operation = "munmap",
					      .blocked_ns = lost_ns,
					      .count = 1,
					      .max_ns = lost_ns };
	side->model.wait_group_count = 3;
	side->owners[0] = (struct model_owner){ .tid = 7, .comm = culprit, .blamed_ns = lost_ns };
	side->locks[0] = (struct model_lock){ .class = WAIT_LOCK_MMAP,
					      .address = 0x1234,
					      .tgid = side->threads[0].tgid,
					      .wait_ns = lost_ns,
					      .waits = 1,
					      .max_wait_ns = lost_ns,
					      .owners = &side->owners[0],
					      .owner_count = 1 };
	side->model.lock_count = 1;
}

static struct comparison *compare_sides(const struct side *before, const struct side *after)
{
	struct comparison *comparison = NULL;

	assert_int_equal(compare_run(&before->model, &after->model, &comparison), 0);
	return comparison;
}

static bool has_warning(const struct comparison *comparison, const char *of)
{
	for (size_t i = 0; i < comparison->warning_count; i++)
		if (strstr(comparison->warnings[i], of))
			return true;
	return false;
}

static void compare_of_two_alike_finds_nothing(void **state)
{
	struct comparison *comparison;
	struct side before, after;

	(void)state;
	side_init(&before, 100);
	side_init(&after, 4100);
	comparison = compare_sides(&before, &after);
	assert_string_equal(comparison->verdict,
			    "Neither froze. Nothing that hurts differs by more than noise.");
	assert_int_equal(comparison->warning_count, 0);
	assert_int_equal(comparison->finding_count, 0);
	assert_int_equal(comparison->wait_count, 0);
	assert_int_equal(comparison->waits_alike, 2);
	assert_int_equal(comparison->thread_count, 0);
	assert_int_equal(comparison->threads_alike, 2);
	comparison_free(comparison);
}

static void compare_says_what_the_cure_removed(void **state)
{
	struct comparison *comparison;
	struct side before, after;

	(void)state;
	side_init(&before, 100);
	side_freezes(&before, "resizer", 4 * S);
	side_init(&after, 4100);
	comparison = compare_sides(&before, &after);
	assert_non_null(strstr(comparison->verdict,
			       "The mmap-lock-convoy of resizer that was there "
			       "before, with 4.00 s lost, is gone. After, nothing "
			       "froze."));
	assert_int_equal(comparison->findings[0].change, COMPARE_GONE);
	assert_int_equal(comparison->wait_count, 1);
	assert_int_equal(comparison->waits[0].change, COMPARE_GONE);
	assert_int_equal(comparison->waits[0].class, WAIT_LOCK_MMAP);
	/* 4 s of 20 s of thread time; of 10 s of recording */
	assert_int_equal(comparison->waits[0].before.share, 200000);
	assert_int_equal(comparison->locks[0].before.share, 400000);
	assert_string_equal(comparison->locks[0].process, "server");
	assert_string_equal(comparison->locks[0].owner_before, "resizer");
	comparison_free(comparison);
}

/* In which call a thread is when a lock is taken from it is chance. */
static void compare_does_not_say_that_a_lock_was_waited_for_in_another_call(void **state)
{
	struct comparison *comparison;
	struct side before, after;

	(void)state;
	side_init(&before, 100);
	side_freezes(&before, "resizer", 4 * S);
	side_init(&after, 4100);
	side_freezes(&after, "resizer", 4 * S);
	after.waits[2].operation = "mmap";
	comparison = compare_sides(&before, &after);
	assert_int_equal(comparison->wait_count, 2);
	assert_non_null(
		strstr(comparison->verdict, "Nothing that hurts differs by more than noise."));
	comparison_free(comparison);
}

static void compare_does_not_take_who_stops_a_process_for_the_stopped(void **state)
{
	struct comparison *comparison;
	struct side before, after;

	(void)state;
	side_init(&before, 100);
	side_init(&after, 4100);
	side_freezes(&after, "bash", 4 * S);
	after.findings[0].kind = FINDING_PROCESS_STOPPED;
	comparison = compare_sides(&before, &after);
	assert_non_null(strstr(comparison->verdict, "The process-stopped by bash is new"));
	comparison_free(comparison);
}

static void compare_says_what_is_new(void **state)
{
	struct comparison *comparison;
	struct side before, after;

	(void)state;
	side_init(&before, 100);
	side_init(&after, 4100);
	side_freezes(&after, "resizer", 4 * S);
	comparison = compare_sides(&before, &after);
	assert_non_null(strstr(comparison->verdict,
			       "The mmap-lock-convoy of resizer is new, with 4.00 s "
			       "lost. Only the one after froze, for 4.00 s."));
	assert_int_equal(comparison->findings[0].change, COMPARE_NEW);
	assert_int_equal(comparison->waits[0].change, COMPARE_NEW);
	comparison_free(comparison);
}

static void compare_matches_findings_by_kind_and_culprit(void **state)
{
	struct comparison *comparison;
	struct side before, after;

	(void)state;
	side_init(&before, 100);
	side_freezes(&before, "resizer", 4 * S);
	side_init(&after, 4100);
	side_freezes(&after, "resizer", 1 * S);
	comparison = compare_sides(&before, &after);
	assert_int_equal(comparison->finding_count, 1);
	assert_int_equal(comparison->findings[0].change, COMPARE_SHRANK);
	assert_non_null(strstr(comparison->verdict, "is still there and shrank"));
	comparison_free(comparison);

	side_freezes(&after, "backup", 4 * S);
	comparison = compare_sides(&before, &after);
	assert_int_equal(comparison->finding_count, 2);
	assert_non_null(strstr(comparison->verdict, "of backup is new"));
	assert_non_null(strstr(comparison->verdict, "of resizer that was there before"));
	comparison_free(comparison);
}

static void compare_takes_lengths_of_recordings_into_account(void **state)
{
	struct comparison *comparison;
	struct side before, after;

	(void)state;
	side_init(&before, 100);
	side_init(&after, 4100);
	/* Twice as long and twice of everything. */
	after.model.capture.duration_ns *= 2;
	for (size_t i = 0; i < 2; i++) {
		after.waits[i].blocked_ns *= 2;
		after.waits[i].count *= 2;
		after.threads[i].observed_ns *= 2;
		after.threads[i].running_ns *= 2;
		after.threads[i].blocked_ns *= 2;
	}
	comparison = compare_sides(&before, &after);
	assert_int_equal(comparison->wait_count, 0);
	assert_int_equal(comparison->thread_count, 0);
	comparison_free(comparison);
}

static void compare_takes_the_threads_of_a_pool_together(void **state)
{
	struct comparison *comparison;
	struct side before, after;

	(void)state;
	side_init(&before, 100);
	side_init(&after, 4100);
	after.threads[2] = after.threads[1];
	after.threads[2].tid = 4102;
	after.threads[2].comm = "worker2";
	after.model.thread_count = 3;
	comparison = compare_sides(&before, &after);
	assert_int_equal(comparison->thread_count, 1);
	assert_string_equal(comparison->threads[0].comm, "worker*");
	assert_string_equal(comparison->threads[0].process, "server");
	assert_int_equal(comparison->threads[0].change, COMPARE_GREW);
	assert_int_equal(comparison->threads[0].state, COMPARE_RUNNING);
	assert_int_equal(comparison->threads[0].before.running, 200000);
	assert_int_equal(comparison->threads[0].after.running, 400000);
	assert_int_equal(comparison->threads[0].after.threads, 2);
	comparison_free(comparison);
}

static void compare_warns_of_what_was_not_recorded_alike(void **state)
{
	struct comparison *comparison;
	struct side before, after;

	(void)state;
	side_init(&before, 100);
	side_init(&after, 4100);
	after.model.capture.tier = "switch";
	after.model.capture.kernel = "6.1";
	after.model.capture.target_comm = "other";
	after.model.capture.duration_ns = 60 * S;
	after.model.coverage.lost_events = 77;
	after.notes[0].text = (char *)"governor: lazy: the load 120 %";
	after.model.coverage.note_count = 1;
	comparison = compare_sides(&before, &after);
	assert_true(has_warning(comparison, "tier: tracepoint before, switch after"));
	assert_true(has_warning(comparison, "kernel: 6.18 before, 6.1 after"));
	assert_true(has_warning(comparison, "target: server before, other after"));
	assert_true(has_warning(comparison, "77 events"));
	assert_true(has_warning(comparison, "before: no, after: lazy stacks"));
	assert_true(has_warning(comparison, "lengths differ"));
	assert_false(has_warning(comparison, "host"));
	comparison_free(comparison);
}

static void compare_says_no_more_than_the_captures_do(void **state)
{
	struct comparison *comparison;
	struct side before, after;

	(void)state;
	side_init(&before, 100);
	before.model.no_verdict = "the capture holds no event";
	side_init(&after, 4100);
	side_freezes(&after, "resizer", 4 * S);
	comparison = compare_sides(&before, &after);
	assert_string_equal(comparison->verdict,
			    "There is no verdict: before, the capture holds no event.");
	comparison_free(comparison);
}

static void compare_does_not_pass_a_stall_of_unknown_cause_for_none(void **state)
{
	struct comparison *comparison;
	struct side before, after;

	(void)state;
	side_init(&before, 100);
	side_init(&after, 4100);
	after.model.stall.found = true;
	after.model.stall.end_ns = 3 * S;
	comparison = compare_sides(&before, &after);
	assert_non_null(strstr(comparison->verdict, "Only the one after froze, for 3.00 s."));
	comparison_free(comparison);
}

static char *render_comparison(const struct comparison *comparison, bool json)
{
	const struct report_options options = { .width = 80 };
	char *text = NULL;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);

	assert_non_null(out);
	assert_int_equal(
		report_renderer(json ? "json" : "text")->comparison(comparison, &options, out), 0);
	assert_int_equal(fclose(out), 0);
	return text;
}

static void compare_fits_the_page(void **state)
{
	struct comparison *comparison;
	struct side before, after;
	char *text;

	(void)state;
	side_init(&before, 100);
	side_freezes(&before, "resizer", 4 * S);
	side_init(&after, 4100);
	comparison = compare_sides(&before, &after);
	text = render_comparison(comparison, false);
	for (const char *line = text; *line; line += strcspn(line, "\n") + 1)
		assert_true(strcspn(line, "\n") <= 80);
	assert_non_null(strstr(text, "VERDICT     The mmap-lock-convoy of resizer"));
	assert_non_null(strstr(text, " lock.mmap munmap                         20.0 %         0   "
				     "     1/0       gone\n"));
	free(text);
	text = render_comparison(comparison, true);
	assert_non_null(strstr(text, "\"schema\": \"freezetrap.comparison/1\""));
	free(text);
	comparison_free(comparison);
}

UNIT_TESTS(compare)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(compare_of_two_alike_finds_nothing),
		cmocka_unit_test(compare_says_what_the_cure_removed),
		cmocka_unit_test(compare_does_not_say_that_a_lock_was_waited_for_in_another_call),
		cmocka_unit_test(compare_does_not_take_who_stops_a_process_for_the_stopped),
		cmocka_unit_test(compare_says_what_is_new),
		cmocka_unit_test(compare_matches_findings_by_kind_and_culprit),
		cmocka_unit_test(compare_takes_lengths_of_recordings_into_account),
		cmocka_unit_test(compare_takes_the_threads_of_a_pool_together),
		cmocka_unit_test(compare_warns_of_what_was_not_recorded_alike),
		cmocka_unit_test(compare_says_no_more_than_the_captures_do),
		cmocka_unit_test(compare_does_not_pass_a_stall_of_unknown_cause_for_none),
		cmocka_unit_test(compare_fits_the_page),
	};

	return run_unit_tests(tests, NULL, NULL);
}
