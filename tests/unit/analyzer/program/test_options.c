/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/options.h"
#include "tests/unit/support/unit_test.h"

#define WORDS_MAX 16

struct words {
	char *argv[WORDS_MAX + 1];
	int argc;
};

/* getopt may reorder what it is given: each test has its own copy. */
static void split_line(struct words *words, char *line)
{
	words->argc = 0;
	for (char *word; (word = strsep(&line, " "));) {
		assert_true(words->argc < WORDS_MAX);
		words->argv[words->argc++] = word;
	}
	words->argv[words->argc] = NULL;
}

#define PARSE(line, ret_options, ret_message)                                      \
	({                                                                         \
		static char copy_[] = "analyze " line;                             \
		struct words words_;                                               \
		split_line(&words_, copy_);                                             \
		options_parse(words_.argc, words_.argv, ret_options, ret_message); \
	})

#define assert_parsed(line, ret_options)                                  \
	do {                                                              \
		char *message_ = NULL;                                    \
		assert_int_equal(PARSE(line, ret_options, &message_), 0); \
		assert_null(message_);                                    \
	} while (0)

#define assert_wrong(line, expected)                                          \
	do {                                                                  \
		struct options options_ = { .stall_ns = 42 };                 \
		char *message_ = NULL;                                        \
		assert_int_equal(PARSE(line, &options_, &message_), -EINVAL); \
		assert_string_equal(message_, expected);                      \
		assert_int_equal(options_.stall_ns, 42);                      \
		free(message_);                                               \
	} while (0)

static void a_capture_is_all_it_needs(void **state)
{
	struct options options;

	(void)state;
	assert_parsed("capture.dat", &options);
	assert_int_equal(options.action, ACTION_REPORT);
	assert_string_equal(options.renderer->name, "text");
	assert_int_equal(options.color, COLOR_AUTO);
	assert_false(options.all_threads);
	assert_int_equal(options.stall_ns, 200000000);
	assert_int_equal(options.target_count, 0);
	assert_string_equal(options.path, "capture.dat");
	options_free(&options);
}

static void every_option_arrives(void **state)
{
	struct options options;

	(void)state;
	assert_parsed("--json --threads -p 1,2 c.dat --pid=2147483647 --stall 1.5s --color=never",
		      &options);
	assert_string_equal(options.renderer->name, "json");
	assert_int_equal(options.color, COLOR_NEVER);
	assert_true(options.all_threads);
	assert_int_equal(options.stall_ns, 1500000000);
	assert_int_equal(options.target_count, 3);
	assert_int_equal(options.target[0], 1);
	assert_int_equal(options.target[1], 2);
	assert_int_equal(options.target[2], INT32_MAX);
	assert_string_equal(options.path, "c.dat");
	options_free(&options);

	assert_parsed("--folded -- --json", &options);
	assert_string_equal(options.renderer->name, "folded");
	assert_string_equal(options.path, "--json");
	options_free(&options);
}

static void a_wait_to_explain_is_a_thread_and_perhaps_a_time(void **state)
{
	struct options options;

	(void)state;
	assert_parsed("--explain=31519 c.dat", &options);
	assert_int_equal(options.action, ACTION_EXPLAIN);
	assert_int_equal(options.wait_spec.tid, 31519);
	assert_false(options.wait_spec.has_time);
	options_free(&options);

	assert_parsed("--explain 31519:2.5 --json c.dat", &options);
	assert_int_equal(options.action, ACTION_EXPLAIN);
	assert_string_equal(options.renderer->name, "json");
	assert_int_equal(options.wait_spec.at_ns, 2500000000);
	options_free(&options);
}

static void two_captures_are_compared(void **state)
{
	struct options options;

	(void)state;
	assert_parsed("--before=a.dat b.dat", &options);
	assert_int_equal(options.action, ACTION_COMPARE);
	assert_string_equal(options.before, "a.dat");
	assert_string_equal(options.path, "b.dat");
	options_free(&options);
}

static void explain_and_before_exclude_what_they_do_not_go_with(void **state)
{
	(void)state;
	assert_wrong("--explain=x a.dat",
		     "--explain takes a thread's id, or that and a time like 31519:2.5 or "
		     "31519:12:04:31.073, not 'x'");
	assert_wrong("--explain=1 --before=a.dat b.dat", "--explain and --before exclude each other");
	assert_wrong("--explain=1 --folded a.dat", "--folded excludes --explain and --before");
	assert_wrong("--folded --before=a.dat b.dat", "--folded excludes --explain and --before");
	assert_wrong("--threads --explain=1 a.dat", "--threads is for the report: it excludes --explain and --before");
	assert_wrong("--threads --before=a.dat b.dat", "--threads is for the report: it excludes --explain and --before");
	assert_wrong("--before=a.dat", "no capture was named");
}

static void help_and_version_need_no_capture(void **state)
{
	struct options options;

	(void)state;
	assert_parsed("--help", &options);
	assert_int_equal(options.action, ACTION_HELP);
	assert_parsed("-V --nonsense", &options);
	assert_int_equal(options.action, ACTION_VERSION);
}

static void wrong_usage_says_what_is_wrong(void **state)
{
	(void)state;
	assert_wrong("--json", "no capture was named");
	assert_wrong("a.dat b.dat c.dat", "one capture at a time: 'b.dat' is one too many");
	assert_wrong("--nonsense a.dat", "there is no option '--nonsense'");
	assert_wrong("-x a.dat", "there is no option '-x'");
	assert_wrong("--json=1 a.dat", "option '--json=1' takes no value");
	assert_wrong("a.dat --pid", "option '--pid' needs a value");
	assert_wrong("a.dat -p", "option '-p' needs a value");
	assert_wrong("--json --folded a.dat", "--json and --folded exclude each other");
	assert_wrong("--color=red a.dat", "--color takes auto, always or never, not 'red'");
}

static void wrong_numbers_are_refused(void **state)
{
	(void)state;
	assert_wrong("-p 0 a", "--pid takes process ids joined by commas, not '0'");
	assert_wrong("-p -1 a", "--pid takes process ids joined by commas, not '-1'");
	assert_wrong("-p 1, a", "--pid takes process ids joined by commas, not '1,'");
	assert_wrong("-p 1,,2 a", "--pid takes process ids joined by commas, not '1,,2'");
	assert_wrong("-p 1x a", "--pid takes process ids joined by commas, not '1x'");
	assert_wrong("-p 2147483648 a",
		     "--pid takes process ids joined by commas, not '2147483648'");
	assert_wrong("-p 99999999999999999999 a",
		     "--pid takes process ids joined by commas, not '99999999999999999999'");
	assert_wrong("--stall 200 a",
		     "--stall takes a time above 0 with its unit, like 200ms or 1.5s, not '200'");
	assert_wrong("--stall 0s a",
		     "--stall takes a time above 0 with its unit, like 200ms or 1.5s, not '0s'");
}

UNIT_TESTS(options)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_capture_is_all_it_needs),
		cmocka_unit_test(every_option_arrives),
		cmocka_unit_test(a_wait_to_explain_is_a_thread_and_perhaps_a_time),
		cmocka_unit_test(two_captures_are_compared),
		cmocka_unit_test(explain_and_before_exclude_what_they_do_not_go_with),
		cmocka_unit_test(help_and_version_need_no_capture),
		cmocka_unit_test(wrong_usage_says_what_is_wrong),
		cmocka_unit_test(wrong_numbers_are_refused),
	};

	return run_unit_tests(tests, NULL, NULL);
}
