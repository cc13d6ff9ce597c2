/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "analyzer/util/json_writer.h"
#include "tests/unit/support/unit_test.h"

struct document {
	struct json json;
	FILE *memory;
	char *text;
	size_t bytes;
};

static void document_begin(struct document *document)
{
	document->text = NULL;
	document->memory = open_memstream(&document->text, &document->bytes);
	assert_non_null(document->memory);
	json_start(&document->json, document->memory);
}

/* What a reader of the document gets. */
static json_t *document_parse(struct document *document)
{
	json_error_t error;
	json_t *root;

	assert_int_equal(json_finish(&document->json), 0);
	assert_int_equal(fclose(document->memory), 0);
	root = json_loads(document->text, JSON_DECODE_ANY, &error);
	if (!root)
		fail_msg("line %d: %s\n%s", error.line, error.text, document->text);
	free(document->text);
	return root;
}

/* json_put_string() is our writer's; jansson has one that takes no FILE under the same name. */
static void assert_text(const char *raw, const char *expected)
{
	struct document document;
	json_t *root;

	document_begin(&document);
	json_open_array(&document.json);
	json_put_string(&document.json, raw);
	json_close_array(&document.json);
	root = document_parse(&document);
	assert_string_equal(json_string_value(json_array_get(root, 0)), expected);
	json_decref(root);
}

static void strings_come_back_as_they_went(void **state)
{
	(void)state;
	assert_text("", "");
	assert_text("plain", "plain");
	assert_text("quote \" backslash \\ slash /", "quote \" backslash \\ slash /");
	assert_text("\x01\b\t\n\f\r\x1b[31m\x1f\x7f", "\x01\b\t\n\f\r\x1b[31m\x1f\x7f");
	assert_text("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x92\xa9",
		    "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x92\xa9");
	assert_text("\xe2\x80\xae \xf3\xa0\x80\x81", "\xe2\x80\xae \xf3\xa0\x80\x81");
}

#define FFFD "\xef\xbf\xbd"

static void bytes_that_are_no_utf8_become_the_replacement_character(void **state)
{
	(void)state;
	assert_text("a\xff"
		    "b",
		    "a" FFFD "b");
	assert_text("\x80", FFFD);
	assert_text("\xc0\xaf", FFFD FFFD); /* overlong */
	assert_text("\xed\xa0\x80", FFFD FFFD FFFD); /* surrogate */
	assert_text("\xf4\x90\x80\x80", FFFD FFFD FFFD FFFD); /* beyond Unicode */
	assert_text("cut \xe2\x82", "cut " FFFD FFFD);
	assert_text("\xe2\x82"
		    "A",
		    FFFD FFFD "A");
}

static void document_holds_no_byte_that_acts_on_a_terminal(void **state)
{
	struct document document;

	(void)state;
	document_begin(&document);
	json_put_string(&document.json, "\x1b]0;title\x07 \xc2\x9b 31m \xe2\x80\xae \x7f");
	assert_int_equal(json_finish(&document.json), 0);
	assert_int_equal(fclose(document.memory), 0);
	assert_string_equal(document.text,
			    "\"\\u001b]0;title\\u0007 \\u009b 31m \\u202e \\u007f\"\n");
	free(document.text);
}

static void numbers_keep_their_whole_range(void **state)
{
	struct document document;
	json_t *root;

	(void)state;
	document_begin(&document);
	json_open_array(&document.json);
	json_put_int(&document.json, INT64_MIN);
	json_put_int(&document.json, INT64_MAX);
	json_put_uint(&document.json, 0);
	json_put_uint(&document.json, INT64_MAX);
	json_close_array(&document.json);
	root = document_parse(&document);
	assert_true(json_integer_value(json_array_get(root, 0)) == INT64_MIN);
	assert_true(json_integer_value(json_array_get(root, 1)) == INT64_MAX);
	assert_true(json_integer_value(json_array_get(root, 2)) == 0);
	assert_true(json_integer_value(json_array_get(root, 3)) == INT64_MAX);
	json_decref(root);

	document_begin(&document);
	json_put_uint(&document.json, UINT64_MAX);
	assert_int_equal(json_finish(&document.json), 0);
	assert_int_equal(fclose(document.memory), 0);
	assert_string_equal(document.text, "18446744073709551615\n");
	free(document.text);
}

static void nesting_comes_back(void **state)
{
	struct document document;
	struct json *json = &document.json;
	json_t *root, *expected;

	(void)state;
	document_begin(&document);
	json_open_object(json);
	json_put_key(json, "empty object");
	json_open_object(json);
	json_close_object(json);
	json_put_key(json, "empty array");
	json_open_array(json);
	json_close_array(json);
	json_put_key(json, "rows");
	json_open_array(json);
	for (int i = 0; i < 2; i++) {
		json_open_object(json);
		json_put_key(json, "i");
		json_put_int(json, i);
		json_put_key(json, "even");
		json_put_bool(json, i % 2 == 0);
		json_put_key(json, "none");
		json_put_null(json);
		json_close_object(json);
	}
	json_close_array(json);
	json_close_object(json);
	root = document_parse(&document);
	expected = json_pack("{s{}s[]s[{sisbsn}{sisbsn}]}", "empty object", "empty array", "rows",
			     "i", 0, "even", 1, "none", "i", 1, "even", 0, "none");
	assert_non_null(expected);
	assert_true(json_equal(root, expected));
	json_decref(expected);
	json_decref(root);
}

static void full_disk_is_reported(void **state)
{
	FILE *full = fopen("/dev/full", "w");
	struct json json;

	(void)state;
	assert_non_null(full);
	json_start(&json, full);
	json_put_bool(&json, true);
	assert_int_equal(json_finish(&json), -EIO);
	fclose(full);
}

static void a_value_that_the_caller_could_not_make_is_reported(void **state)
{
	struct json json;
	FILE *null = fopen("/dev/null", "w");

	(void)state;
	assert_non_null(null);
	json_start(&json, null);
	json_open_object(&json);
	json_field_text(&json, "name", NULL);
	json.error = -ENOMEM;
	json_close_object(&json);
	assert_int_equal(json_finish(&json), -ENOMEM);
	fclose(null);
}

static void key_in_array(struct json *json)
{
	json_open_array(json);
	json_put_key(json, "key");
}

static void value_without_key(struct json *json)
{
	json_open_object(json);
	json_put_null(json);
}

static void two_documents(struct json *json)
{
	json_put_null(json);
	json_put_null(json);
}

static void end_of_something_else(struct json *json)
{
	json_open_object(json);
	json_close_array(json);
}

static void key_without_value(struct json *json)
{
	json_open_object(json);
	json_put_key(json, "key");
	json_close_object(json);
}

static void write_unfinished(struct json *json)
{
	json_open_array(json);
	json_finish(json);
}

static void nothing_at_all(struct json *json)
{
	json_finish(json);
}

static void too_deep(struct json *json)
{
	for (int i = 0; i <= JSON_DEPTH_MAX; i++)
		json_open_array(json);
}

static void misuse_asserts(void **state)
{
	static void (*const misuses[])(struct json * json) = {
		key_in_array,	   value_without_key, two_documents,  end_of_something_else,
		key_without_value, write_unfinished,	      nothing_at_all, too_deep,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(misuses) / sizeof(misuses[0]); i++) {
		pid_t child = fork();
		int status;

		assert_true(child >= 0);
		if (child == 0) {
			const struct rlimit none = { 0, 0 };
			struct json json;
			FILE *null = fopen("/dev/null", "w");

			setrlimit(RLIMIT_CORE, &none);
			signal(SIGABRT, SIG_DFL);
			close(STDERR_FILENO);
			json_start(&json, null);
			misuses[i](&json);
			_exit(0);
		}
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	}
}

UNIT_TESTS(json_writer)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strings_come_back_as_they_went),
		cmocka_unit_test(bytes_that_are_no_utf8_become_the_replacement_character),
		cmocka_unit_test(document_holds_no_byte_that_acts_on_a_terminal),
		cmocka_unit_test(numbers_keep_their_whole_range),
		cmocka_unit_test(nesting_comes_back),
		cmocka_unit_test(full_disk_is_reported),
		cmocka_unit_test(a_value_that_the_caller_could_not_make_is_reported),
		cmocka_unit_test(misuse_asserts),
	};

	return run_unit_tests(tests, NULL, NULL);
}
