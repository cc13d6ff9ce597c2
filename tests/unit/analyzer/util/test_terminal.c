/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "analyzer/util/terminal.h"
#include "analyzer/util/utf8.h"
#include "tests/unit/support/unit_test.h"

static void assert_safe(const char *raw, const char *expected)
{
	char *safe = terminal_safe(raw);

	assert_non_null(safe);
	assert_string_equal(safe, expected);
	free(safe);
}

static void names_in_any_script_stay(void **state)
{
	(void)state;
	assert_safe(NULL, "");
	assert_safe("", "");
	assert_safe("redis-server: [1]", "redis-server: [1]");
	assert_safe("gr\xc3\xb6\xc3\x9f"
		    "e \xe6\x97\xa5",
		    "gr\xc3\xb6\xc3\x9f"
		    "e \xe6\x97\xa5");
}

static void escape_sequences_show_and_do_nothing(void **state)
{
	(void)state;
	assert_safe("\x1b[2J", "\\x1b[2J");
	assert_safe("\x1b]0;owned\x07", "\\x1b]0;owned\\x07");
	assert_safe("a\nb\rc\td\x7f", "a\\x0ab\\x0dc\\x09d\\x7f");
	assert_safe("\xc2\x9b"
		    "31m",
		    "\\x9b31m"); /* C1 CSI, as UTF-8 */
	assert_safe("\x9b"
		    "31m",
		    "\\x9b31m"); /* and as a byte */
}

static void broken_utf8_shows_its_bytes(void **state)
{
	(void)state;
	assert_safe("\xff\xfe", "\\xff\\xfe");
	assert_safe("\xe2\x82", "\\xe2\\x82");
	assert_safe("\xc0\x9b", "\\xc0\\x9b");
	assert_safe("\xed\xa0\x80", "\\xed\\xa0\\x80");
}

static void names_cannot_turn_the_line_around_or_hide(void **state)
{
	(void)state;
	assert_safe("\xe2\x80\xae"
		    "exe",
		    "\\u202eexe");
	assert_safe("a\xe2\x80\x8b"
		    "b",
		    "a\\u200bb");
	assert_safe("\xef\xbb\xbf", "\\ufeff");
	assert_safe("\xf3\xa0\x81\x81", "\\ue0041");
}

/* Every byte in every position of a short text: what comes out is visible UTF-8. */
static void whatever_comes_in_only_visible_characters_go_out(void **state)
{
	(void)state;
	for (unsigned int i = 1; i < 65536; i++) {
		const char raw[] = { (char)(i & 0xff), (char)(i >> 8), (char)0x80, 'x', 0 };
		char *safe = terminal_safe(raw);
		uint32_t character;

		assert_non_null(safe);
		for (const char *at = safe; *at;) {
			size_t bytes = utf8_decode(at, &character);

			if (bytes == 0 || !utf8_visible(character))
				fail_msg("bytes %02x %02x gave \"%s\"", i & 0xff, i >> 8, safe);
			at += bytes;
		}
		free(safe);
	}
}

static void messages_keep_their_lines_and_nothing_else(void **state)
{
	char *text = NULL;
	size_t bytes;
	FILE *memory = open_memstream(&text, &bytes);

	(void)state;
	assert_non_null(memory);
	terminal_put_lines(memory, "a\n  b\r\x1b[2J");
	assert_int_equal(fclose(memory), 0);
	assert_string_equal(text, "a\n  b\\x0d\\x1b[2J");
	free(text);
}

static void columns_are_those_of_a_terminal(void **state)
{
	(void)state;
	assert_int_equal(utf8_columns('a'), 1);
	assert_int_equal(utf8_columns(0xe9), 1);
	assert_int_equal(utf8_columns(0x301), 0);
	assert_int_equal(utf8_columns(0x65e5), 2);
	assert_int_equal(utf8_columns(0x1f600), 2);
}

UNIT_TESTS(terminal)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_in_any_script_stay),
		cmocka_unit_test(escape_sequences_show_and_do_nothing),
		cmocka_unit_test(broken_utf8_shows_its_bytes),
		cmocka_unit_test(names_cannot_turn_the_line_around_or_hide),
		cmocka_unit_test(whatever_comes_in_only_visible_characters_go_out),
		cmocka_unit_test(messages_keep_their_lines_and_nothing_else),
		cmocka_unit_test(columns_are_those_of_a_terminal),
	};

	return run_unit_tests(tests, NULL, NULL);
}
