/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "recorder/base/read_file.h"
#include "tests/unit/support/unit_test.h"

#define FILE_BYTES (300u << 10)

/* A file of @bytes 'x' in a memory file system. */
static void make_file(size_t bytes, char *ret_path, size_t path_bytes)
{
	char *text = malloc(bytes + 1);
	int fd = memfd_create("file", 0);

	assert_non_null(text);
	memset(text, 'x', bytes + 1);
	assert_int_equal(write(fd, text, bytes), bytes);
	snprintf(ret_path, path_bytes, "/proc/self/fd/%d", fd);
	free(text);
}

static void a_file_of_many_pieces_is_read_to_its_end(void **state)
{
	char path[64], *text;
	size_t bytes;

	(void)state;
	make_file(FILE_BYTES, path, sizeof(path));
	assert_int_equal(read_file(AT_FDCWD, path, FILE_BYTES, &text, &bytes), 0);
	assert_int_equal(bytes, FILE_BYTES);
	assert_int_equal(strspn(text, "x"), FILE_BYTES);
	free(text);
}

static void an_empty_file_is_an_empty_text(void **state)
{
	char path[64], *text;
	size_t bytes;

	(void)state;
	make_file(0, path, sizeof(path));
	assert_int_equal(read_file(AT_FDCWD, path, 0, &text, &bytes), 0);
	assert_int_equal(bytes, 0);
	assert_string_equal(text, "");
	free(text);
}

static void a_failure_leaves_the_outputs_untouched(void **state)
{
	char path[64], *text = path;
	size_t bytes = 42;

	(void)state;
	make_file(FILE_BYTES, path, sizeof(path));
	assert_int_equal(read_file(AT_FDCWD, path, FILE_BYTES - 1, &text, &bytes), -EFBIG);
	assert_int_equal(read_file(AT_FDCWD, "/does/not/exist", 1, &text, &bytes), -ENOENT);
	assert_int_equal(read_file(AT_FDCWD, "/proc/self", 1, &text, &bytes), -EISDIR);
	assert_ptr_equal(text, path);
	assert_int_equal(bytes, 42);
}

UNIT_TESTS(read_file)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_of_many_pieces_is_read_to_its_end),
		cmocka_unit_test(an_empty_file_is_an_empty_text),
		cmocka_unit_test(a_failure_leaves_the_outputs_untouched),
	};
	return run_unit_tests(tests, NULL, NULL);
}
