/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each renderer draws each model of render_cases.c as tests/golden/ says.
 *
 * After a change of a report that was meant, look at what
 *	make check TESTS=tests/unit/analyzer/test_report GOLDEN_UPDATE=1
 * changes in tests/golden/, and commit it with the change.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/report/report.h"
#include "analyzer/util/utf8.h"
#include "tests/unit/support/render_cases.h"
#include "tests/unit/support/unit_test.h"

#define WIDTH 80

static int render_text(const struct render_case *render_case, FILE *out)
{
	const struct report_options options = { .width = WIDTH,
					      .all_threads = render_case->all_threads };

	return report_renderer("text")->report(render_case->model, &options, out);
}

static int colored_text(const struct render_case *render_case, FILE *out)
{
	const struct report_options options = { .width = WIDTH,
					      .color = true,
					      .all_threads = render_case->all_threads };

	return report_renderer("text")->report(render_case->model, &options, out);
}

static int render_json(const struct render_case *render_case, FILE *out)
{
	return report_renderer("json")->report(render_case->model, NULL, out);
}

static int render_folded(const struct render_case *render_case, FILE *out)
{
	return report_renderer("folded")->report(render_case->model, NULL, out);
}

typedef int renderer(const struct render_case *render_case, FILE *out);

/* The caller frees it. */
static char *draw_case(const struct render_case *render_case, renderer *draw)
{
	char *drawn = NULL;
	size_t bytes = 0;
	FILE *memory = open_memstream(&drawn, &bytes);

	assert_non_null(memory);
	assert_int_equal(draw(render_case, memory), 0);
	assert_int_equal(fclose(memory), 0);
	assert_int_equal(strlen(drawn), bytes);
	return drawn;
}

static void golden_path(const struct render_case *render_case, const char *ending, char *buffer,
			size_t buffer_bytes)
{
	const char *srcdir = getenv("srcdir");

	snprintf(buffer, buffer_bytes, "%s/tests/golden/%s.%s", srcdir ? srcdir : ".",
		 render_case->name, ending);
}

static char *read_file(const char *path)
{
	char *content = NULL;
	size_t bytes = 0;
	FILE *file = fopen(path, "r");

	if (!file)
		fail_msg("%s: %s", path, strerror(errno));
	/* A golden file without zero bytes is one "line" that ends at zero. */
	if (getdelim(&content, &bytes, 0, file) < 0) {
		free(content);
		content = strdup("");
	}
	fclose(file);
	assert_non_null(content);
	return content;
}

static void write_file(const char *path, const char *content)
{
	FILE *file = fopen(path, "w");

	if (!file)
		fail_msg("%s: %s", path, strerror(errno));
	fputs(content, file);
	assert_int_equal(fclose(file), 0);
}

static void compare_golden(const struct render_case *render_case, const char *ending,
			   renderer *draw)
{
	char *drawn = draw_case(render_case, draw);
	char path[4096], *golden;

	golden_path(render_case, ending, path, sizeof(path));
	if (getenv("GOLDEN_UPDATE"))
		write_file(path, drawn);
	golden = read_file(path);
	if (strcmp(drawn, golden) != 0)
		fail_msg("%s is not what was drawn:\n%s", path, drawn);
	free(golden);
	free(drawn);
}

static void each_report_is_drawn_as_its_golden_file(void **state)
{
	(void)state;
	for (size_t i = 0; i < render_case_count; i++) {
		compare_golden(&render_cases[i], "txt", render_text);
		compare_golden(&render_cases[i], "json", render_json);
		compare_golden(&render_cases[i], "folded", render_folded);
	}
}

static void assert_lines_fit(const struct render_case *render_case, const char *drawn)
{
	unsigned int columns = 0;

	for (const char *at = drawn; *at;) {
		uint32_t character = 0;
		size_t bytes = utf8_decode(at, &character);

		if (*at == '\n') {
			if (at != drawn && at[-1] == ' ')
				fail_msg("%s: a line ends in a space", render_case->name);
			columns = 0;
		} else if (bytes == 0 || !utf8_visible(character)) {
			fail_msg("%s: byte 0x%02x got through", render_case->name, *at & 0xff);
		} else if ((columns += utf8_columns(character)) > WIDTH) {
			fail_msg("%s: too long a line: %.*s", render_case->name, 100, at - 80);
		}
		at += bytes ? bytes : 1;
	}
}

static void text_fits_the_page_and_holds_only_visible_characters(void **state)
{
	(void)state;
	for (size_t i = 0; i < render_case_count; i++) {
		char *drawn = draw_case(&render_cases[i], render_text);

		assert_lines_fit(&render_cases[i], drawn);
		free(drawn);
	}
}

/* In place: the sequences that terminal_style() begins, all of the form ESC [ ... m. */
static void strip_colors(char *drawn)
{
	char *to = drawn;

	for (const char *from = drawn; *from;) {
		if (*from == '\033')
			from += strcspn(from, "m") + 1;
		else
			*to++ = *from++;
	}
	*to = 0;
}

static void colors_change_nothing_else(void **state)
{
	(void)state;
	for (size_t i = 0; i < render_case_count; i++) {
		char *plain = draw_case(&render_cases[i], render_text);
		char *colored = draw_case(&render_cases[i], colored_text);

		assert_non_null(strchr(colored, '\033'));
		strip_colors(colored);
		assert_string_equal(colored, plain);
		free(plain);
		free(colored);
	}
}

static void folded_lines_end_in_a_number_and_start_with_the_target(void **state)
{
	char *drawn = draw_case(&render_cases[0], render_folded), *rest = drawn, *line;

	(void)state;
	assert_string_not_equal(drawn, "");
	while ((line = strsep(&rest, "\n")) && *line) {
		char *space = strrchr(line, ' '), *end;

		assert_non_null(space);
		assert_true(strtoull(space + 1, &end, 10) > 0 && *end == 0);
		assert_int_equal(strncmp(line, "feeddb;", 7), 0);
	}
	free(drawn);
}

/* The members of each object, as "name:types"; types: s text, i number, b flag, o object, a list, n null. */
static const char *const report_members[] = { "schema:s", "capture:o",	"coverage:o",
					      "stall:on", "findings:a", "locks:a",
					      "blame:a", "waits:a",  "threads:a", NULL };
static const char *const capture_members[] = {
	"host:s",   "kernel:s",	     "arch:s",	 "tier:s",     "target:a", "trigger:on",
	"start:sn", "start_monotonic_ns:i", "duration_ns:i", "events:i", "complete:b", NULL
};
static const char *const trigger_members[] = { "source:s", "reason:s", "at_ns:i", NULL };
static const char *const coverage_members[] = { "lost_events:i", "gaps:a", "unknown_ns:i",
						"recorder_delay_max_ns:i", NULL };
static const char *const gap_members[] = { "cpu:i", "start_ns:i", "end_ns:i", NULL };
static const char *const stall_members[] = { "start_ns:i", "end_ns:i", "threads_blocked_max:i",
					     NULL };
static const char *const finding_members[] = {
	"kind:s",  "grade:s",	    "summary:s",  "blocked_ns:i", "victims:a", "victims_since_ns:a", "culprit:on",
	"lock:on", "allocation:on", "evidence:a", "advice:sn",	  "outsiders:a", "chain:a",
	"pivot:on", NULL
};
static const char *const outsider_members[] = { "tid:i", "tgid:i", "comm:s", "blocked_ns:i", NULL };
static const char *const chain_members[] = { "tid:i", "comm:s", "class:s", "waited_ns:i", NULL };
static const char *const pivot_members[] = { "tid:i",	  "comm:s",	 "at_ns:i",
					     "readers:i", "behind_ns:i", NULL };
static const char *const because_members[] = {
	"class:s",     "operation:s", "waited_ns:i", "longest_ns:i", "count:i",	    "ended_by:sn",
	"by_tid:i",    "by_comm:s",   "root:sn",     "root_tid:i",   "root_comm:s", NULL
};
static const char *const instead_members[] = { "tid:i", "tgid:i", "comm:s", "ran_ns:i", NULL };
static const char *const blame_members[] = { "root:s",	"tid:i",	"comm:s",    "class:s",
					     "grade:s", "blocked_ns:i", "victims:i", NULL };
static const char *const culprit_members[] = {
	"tid:i",	 "tgid:i",	 "comm:s",  "hold_ns:i",    "running_ns:i",
	"runnable_ns:i", "blocked_ns:i", "stack:a", "user_stack:a", "why:sn",
	"because:a",	 "instead:a",	 NULL
};
static const char *const lock_ref_members[] = { "class:s", "address:sn", "mode:sn", NULL };
static const char *const allocation_members[] = { "syscall:s", "bytes:i", NULL };
static const char *const lock_members[] = { "class:s", "address:sn",	"tgid:i",   "wait_ns:i",
					    "waits:i", "max_wait_ns:i", "owners:a", NULL };
static const char *const owner_members[] = {
	"tid:i", "comm:s", "grade:s", "blamed_ns:i", "longest_hold_ns:i", "stack:a", NULL
};
static const char *const wait_members[] = { "class:s",	     "idle:b",	"blocked_ns:i",
					    "runnable_ns:i", "count:i", "max_ns:i",
					    "threads:i",     "stack:a", NULL };
static const char *const thread_members[] = { "tid:i",	      "tgid:i",	       "comm:s",
					      "running_ns:i", "runnable_ns:i", "blocked_ns:i",
					      "unknown_ns:i", "classes:o",     NULL };

static char type_letter(const json_t *value)
{
	static const char letters[] = {
		[JSON_OBJECT] = 'o', [JSON_ARRAY] = 'a', [JSON_STRING] = 's', [JSON_INTEGER] = 'i',
		[JSON_REAL] = 'r',   [JSON_TRUE] = 'b',	 [JSON_FALSE] = 'b',  [JSON_NULL] = 'n',
	};

	return letters[json_typeof(value)];
}

static void assert_members(const json_t *object, const char *const *members)
{
	assert_true(json_is_object(object));
	for (; *members; members++) {
		size_t name_bytes = strcspn(*members, ":");
		char name[64];
		const json_t *value;

		assert_true(name_bytes < sizeof(name));
		memcpy(name, *members, name_bytes);
		name[name_bytes] = 0;
		value = json_object_get(object, name);
		if (!value)
			fail_msg("\"%s\" is missing", name);
		if (!strchr(*members + name_bytes, type_letter(value)))
			fail_msg("\"%s\" has type %c", *members, type_letter(value));
	}
}

static void assert_each(const json_t *array, const char *const *members)
{
	for (size_t i = 0; i < json_array_size(array); i++)
		assert_members(json_array_get(array, i), members);
}

static void assert_member(const json_t *object, const char *name, const char *const *members)
{
	const json_t *value = json_object_get(object, name);

	if (!json_is_null(value))
		assert_members(value, members);
}

static void assert_schema(const json_t *root)
{
	const json_t *locks = json_object_get(root, "locks");
	const json_t *findings = json_object_get(root, "findings");

	assert_members(root, report_members);
	assert_string_equal(json_string_value(json_object_get(root, "schema")),
			    "freezetrap.report/1");
	assert_members(json_object_get(root, "capture"), capture_members);
	assert_member(json_object_get(root, "capture"), "trigger", trigger_members);
	assert_members(json_object_get(root, "coverage"), coverage_members);
	assert_each(json_object_get(json_object_get(root, "coverage"), "gaps"), gap_members);
	assert_member(root, "stall", stall_members);
	assert_each(findings, finding_members);
	for (size_t i = 0; i < json_array_size(findings); i++) {
		const json_t *finding = json_array_get(findings, i);
		const json_t *culprit = json_object_get(finding, "culprit");

		assert_each(json_object_get(finding, "outsiders"), outsider_members);
		assert_each(json_object_get(finding, "chain"), chain_members);
		assert_member(finding, "pivot", pivot_members);
		assert_each(json_object_get(culprit, "because"), because_members);
		assert_each(json_object_get(culprit, "instead"), instead_members);
		assert_member(json_array_get(findings, i), "culprit", culprit_members);
		assert_member(json_array_get(findings, i), "lock", lock_ref_members);
		assert_member(json_array_get(findings, i), "allocation", allocation_members);
	}
	assert_each(locks, lock_members);
	for (size_t i = 0; i < json_array_size(locks); i++)
		assert_each(json_object_get(json_array_get(locks, i), "owners"), owner_members);
	assert_each(json_object_get(root, "blame"), blame_members);
	assert_each(json_object_get(root, "waits"), wait_members);
	assert_each(json_object_get(root, "threads"), thread_members);
}

static void json_has_the_members_that_the_schema_promises(void **state)
{
	(void)state;
	for (size_t i = 0; i < render_case_count; i++) {
		char *drawn = draw_case(&render_cases[i], render_json);
		json_error_t error;
		json_t *root = json_loads(drawn, JSON_REJECT_DUPLICATES, &error);

		if (!root)
			fail_msg("%s: line %d: %s", render_cases[i].name, error.line, error.text);
		assert_schema(root);
		json_decref(root);
		free(drawn);
	}
}

static void a_full_disk_is_reported_by_each_renderer(void **state)
{
	renderer *const renderers[] = { render_text, render_json, render_folded };

	(void)state;
	for (size_t i = 0; i < sizeof(renderers) / sizeof(renderers[0]); i++) {
		FILE *full = fopen("/dev/full", "w");

		assert_non_null(full);
		assert_int_equal(renderers[i](&render_cases[0], full), -EIO);
		fclose(full);
	}
}

static void a_moment_is_cut_to_milliseconds_with_and_without_a_time_of_day(void **state)
{
	struct model model = { .capture.start_realtime_ns = 0 };

	(void)state;
	assert_string_equal(model_time_text(&model, 1999999999).text, "+1.999 s");
	model.capture.start_realtime_ns = 1000000000;
	assert_string_equal(model_time_text(&model, 1999999999).text, "00:00:02.999");
}

/* The text and the JSON of one model say the same verdict. */
static void each_verdict_stands_at_the_top(void **state)
{
	static const struct {
		bool found, unsure, unexplained;
		const char *no_verdict, *text, *json;
	} cases[] = {
		{ .found = true, .text = "FROZEN ", .json = "\"verdict\": \"frozen\"" },
		{ .found = true, .unsure = true, .text = "NOT SURE ",
		  .json = "\"verdict\": \"not-sure\"" },
		{ .text = "NO STALL ", .json = "\"verdict\": \"no-stall\"" },
		{ .unexplained = true, .text = "NOT FOUND ",
		  .json = "\"verdict\": \"not-found\"" },
		{ .no_verdict = "it holds nothing", .text = "NO VERDICT ",
		  .json = "\"verdict\": \"no-verdict\"" },
	};
	struct model model = *render_cases[0].model;
	const struct render_case render_case = { .name = "verdict", .model = &model };

	(void)state;
	model.finding_count = 0;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char *text, *json;

		model.stall.found = cases[i].found;
		model.stall.unsure = cases[i].unsure;
		model.stall.unexplained = cases[i].unexplained;
		model.no_verdict = cases[i].no_verdict;
		text = draw_case(&render_case, render_text);
		json = draw_case(&render_case, render_json);
		if (!strstr(text, cases[i].text) || !strstr(json, cases[i].json))
			fail_msg("%s: %.400s\n%.200s", cases[i].text, text, json);
		assert_non_null(strstr(json, "\"verdict_grade\": \"unknown\""));
		free(text);
		free(json);
	}
}

UNIT_TESTS(report)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_verdict_stands_at_the_top),
		cmocka_unit_test(each_report_is_drawn_as_its_golden_file),
		cmocka_unit_test(text_fits_the_page_and_holds_only_visible_characters),
		cmocka_unit_test(colors_change_nothing_else),
		cmocka_unit_test(folded_lines_end_in_a_number_and_start_with_the_target),
		cmocka_unit_test(json_has_the_members_that_the_schema_promises),
		cmocka_unit_test(a_full_disk_is_reported_by_each_renderer),
		cmocka_unit_test(a_moment_is_cut_to_milliseconds_with_and_without_a_time_of_day),
	};

	return run_unit_tests(tests, NULL, NULL);
}
