/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every threshold of the detectors is named in a test that stands on both sides of it.
 */
#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/support/unit_test.h"

#define TESTS "tests/unit/analyzer/detect"

/* Those that have no test yet. This list may only become shorter. */
static const char *const untested[] = {
	"PRODUCER_APART_PERCENT",
};

static char *read_text(const char *folder, const char *name)
{
	const char *source = getenv("srcdir");
	char path[4096], *text = NULL;
	size_t bytes = 0;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s/%s", source ? source : ".", folder, name);
	file = fopen(path, "r");
	assert_non_null(file);
	assert_true(getdelim(&text, &bytes, '\0', file) > 0);
	fclose(file);
	return text;
}

/* The sources of all tests here but this one, one after the other. */
static char *read_tests(void)
{
	const char *source = getenv("srcdir");
	char path[4096], *all = NULL;
	size_t bytes;
	FILE *out = open_memstream(&all, &bytes);
	struct dirent *entry;
	DIR *folder;

	assert_non_null(out);
	snprintf(path, sizeof(path), "%s/" TESTS, source ? source : ".");
	folder = opendir(path);
	assert_non_null(folder);
	while ((entry = readdir(folder))) {
		const char *end = strrchr(entry->d_name, '.');
		char *text;

		if (!end || strcmp(end, ".c") || !strcmp(entry->d_name, "test_thresholds.c"))
			continue;
		text = read_text(TESTS, entry->d_name);
		fputs(text, out);
		free(text);
	}
	closedir(folder);
	fclose(out);
	return all;
}

static bool is_word(int c)
{
	return isalnum(c) || c == '_';
}

static bool has_word(const char *text, const char *word)
{
	size_t length = strlen(word);

	for (const char *at = strstr(text, word); at; at = strstr(at + 1, word))
		if ((at == text || !is_word(at[-1])) && !is_word(at[length]))
			return true;
	return false;
}

static bool is_listed(const char *name)
{
	for (size_t i = 0; i < sizeof(untested) / sizeof(*untested); i++)
		if (!strcmp(untested[i], name))
			return true;
	return false;
}

static void every_threshold_is_named_in_a_test(void **state)
{
	char *thresholds = read_text("analyzer/detect", "thresholds.h"), *tests = read_tests(),
	     name[64];
	size_t count = 0, wrong = 0;

	(void)state;
	for (const char *at = strstr(thresholds, "#define "); at; at = strstr(at + 1, "#define ")) {
		if (sscanf(at, "#define %63[A-Z_] %*[0-9]", name) != 1 ||
		    strstr(name, "THRESHOLDS_H"))
			continue;
		count++;
		if (has_word(tests, name) != is_listed(name))
			continue;
		print_error("%s %s\n", name,
			    is_listed(name) ? "has a test: take it from the list"
					    : "is named in no test");
		wrong++;
	}
	assert_true(count > 50);
	assert_int_equal(wrong, 0);
	free(thresholds);
	free(tests);
}

UNIT_TESTS(thresholds)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_threshold_is_named_in_a_test),
	};

	return run_unit_tests(tests, NULL, NULL);
}
