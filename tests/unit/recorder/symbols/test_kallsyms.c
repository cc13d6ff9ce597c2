/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "recorder/symbols/kallsyms.h"
#include "tests/unit/support/unit_test.h"

static int read_text(const char *text, struct kallsyms **ret_kallsyms)
{
	char path[] = "/tmp/test_kallsyms.XXXXXX";
	int fd = mkstemp(path), err;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	err = kallsyms_read(path, ret_kallsyms);
	unlink(path);
	return err;
}

static const char text[] = "ffffffff81000000 T _stext\n"
			   "ffffffff81000000 T _text\n"
			   "ffffffff81000000 t first\n"
			   "ffffffff81000ff0 T __pfx_schedule\n"
			   "ffffffff81001000 t local_alias\n"
			   "ffffffff81001000 T schedule\n"
			   "ffffffff81001000 W weak_alias\n"
			   "ffffffff81001800 D a_variable\n"
			   "ffffffff81002000 T __sched_text_end\n"
			   "ffffffff81002000 t twice\n"
			   "ffffffff81003000 t twice\n"
			   "ffffffff81004000 t once_global\n"
			   "ffffffff81005000 T once_global\n"
			   "not a line at all\n"
			   "ffffffff81005800 T \n"
			   "ffffffffc0001000 t ext4_write\t[ext4]\n"
			   "ffffffffc0000000 t xfs_write\t[xfs]\n";

static void assert_found(const struct kallsyms *kallsyms, uint64_t address, const char *name,
			 uint64_t offset_bytes, const char *module)
{
	uint64_t got_offset_bytes = 0;
	const char *got_module = "none", *got;

	got = kallsyms_find(kallsyms, address, &got_offset_bytes, &got_module);
	assert_non_null(got);
	assert_string_equal(got, name);
	assert_int_equal(got_offset_bytes, offset_bytes);
	if (module)
		assert_string_equal(got_module, module);
	else
		assert_null(got_module);
}

static void kallsyms_find_names_the_symbol_that_holds_the_address(void **state)
{
	struct kallsyms *kallsyms;

	assert_int_equal(read_text(text, &kallsyms), 0);
	assert_found(kallsyms, 0xffffffff81000000, "first", 0, NULL);
	assert_found(kallsyms, 0xffffffff81001010, "schedule", 0x10, NULL);
	assert_found(kallsyms, 0xffffffff81002001, "twice", 1, NULL);
	assert_found(kallsyms, 0xffffffffc0000fff, "xfs_write", 0xfff, "xfs");
	assert_found(kallsyms, 0xffffffffc0001004, "ext4_write", 4, "ext4");
	kallsyms_free(kallsyms);
	(void)state;
}

static void padding_before_a_function_belongs_to_the_function_before_it(void **state)
{
	struct kallsyms *kallsyms;

	assert_int_equal(read_text(text, &kallsyms), 0);
	assert_found(kallsyms, 0xffffffff81000ff0, "first", 0xff0, NULL);
	kallsyms_free(kallsyms);
	(void)state;
}

static void kallsyms_find_takes_no_data_symbol(void **state)
{
	struct kallsyms *kallsyms;

	assert_int_equal(read_text(text, &kallsyms), 0);
	assert_found(kallsyms, 0xffffffff81001801, "schedule", 0x801, NULL);
	assert_int_equal(kallsyms_address(kallsyms, "a_variable"), 0);
	kallsyms_free(kallsyms);
	(void)state;
}

static void kallsyms_find_leaves_far_addresses_without_a_name(void **state)
{
	struct kallsyms *kallsyms;
	uint64_t offset_bytes = 7;
	const char *module = "untouched";

	assert_int_equal(read_text(text, &kallsyms), 0);
	assert_found(kallsyms, 0xffffffffc0101000, "ext4_write", 1 << 20, "ext4");
	assert_null(kallsyms_find(kallsyms, 0xffffffffc0101001, &offset_bytes, &module));
	assert_null(kallsyms_find(kallsyms, 0xffffffff90000000, &offset_bytes, &module));
	assert_null(kallsyms_find(kallsyms, 0xffffffff80ffffff, &offset_bytes, &module));
	assert_null(kallsyms_find(kallsyms, 0, &offset_bytes, &module));
	assert_null(kallsyms_find(kallsyms, UINT64_MAX, &offset_bytes, &module));
	assert_int_equal(offset_bytes, 7);
	assert_string_equal(module, "untouched");
	kallsyms_free(kallsyms);
	(void)state;
}

static void kallsyms_address_finds_every_name(void **state)
{
	struct kallsyms *kallsyms;

	assert_int_equal(read_text(text, &kallsyms), 0);
	assert_int_equal(kallsyms_address(kallsyms, "schedule"), 0xffffffff81001000);
	assert_int_equal(kallsyms_address(kallsyms, "local_alias"), 0xffffffff81001000);
	assert_int_equal(kallsyms_address(kallsyms, "ext4_write"), 0xffffffffc0001000);
	assert_int_equal(kallsyms_address(kallsyms, "twice"), 0xffffffff81002000);
	assert_int_equal(kallsyms_address(kallsyms, "once_global"), 0xffffffff81005000);
	assert_int_equal(kallsyms_address(kallsyms, "nowhere"), 0);
	assert_int_equal(kallsyms_address(kallsyms, ""), 0);
	kallsyms_free(kallsyms);
	(void)state;
}

static void kallsyms_read_tells_hidden_addresses_from_missing_ones(void **state)
{
	struct kallsyms *kallsyms = NULL;

	assert_int_equal(read_text("0000000000000000 T schedule\n0000000000000000 t x\n",
				   &kallsyms),
			 -EACCES);
	assert_int_equal(read_text("", &kallsyms), -ENODATA);
	assert_int_equal(read_text("ffffffff81000000 D data\n", &kallsyms), -ENODATA);
	assert_int_equal(kallsyms_read("/nonexistent/kallsyms", &kallsyms), -ENOENT);
	assert_int_equal(kallsyms_read("/tmp", &kallsyms), -EISDIR);
	assert_null(kallsyms);
	(void)state;
}

static void kallsyms_reads_the_running_kernel(void **state)
{
	struct kallsyms *kallsyms;
	int err = kallsyms_read("/proc/kallsyms", &kallsyms);
	uint64_t address;

	if (err == -EACCES || err == -ENOENT) {
		print_message("/proc/kallsyms: %s\n", strerror(-err));
		skip();
	}
	assert_int_equal(err, 0);
	address = kallsyms_address(kallsyms, "schedule");
	assert_true(address != 0);
	assert_found(kallsyms, address + 1, "schedule", 1, NULL);
	kallsyms_free(kallsyms);
	(void)state;
}

UNIT_TESTS(kallsyms)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kallsyms_find_names_the_symbol_that_holds_the_address),
		cmocka_unit_test(padding_before_a_function_belongs_to_the_function_before_it),
		cmocka_unit_test(kallsyms_find_takes_no_data_symbol),
		cmocka_unit_test(kallsyms_find_leaves_far_addresses_without_a_name),
		cmocka_unit_test(kallsyms_address_finds_every_name),
		cmocka_unit_test(kallsyms_read_tells_hidden_addresses_from_missing_ones),
		cmocka_unit_test(kallsyms_reads_the_running_kernel),
	};

	return run_unit_tests(tests, NULL, NULL);
}
