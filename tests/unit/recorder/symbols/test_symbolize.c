/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <time.h>
#include <unistd.h>

#include "capture/symbols.h"
#include "recorder/proc/proc_maps.h"
#include "recorder/symbols/kallsyms.h"
#include "recorder/symbols/mappings.h"
#include "recorder/symbols/symbolize.h"
#include "tests/unit/support/unit_test.h"

#define DEADLINE_MS 30000

static struct mappings *mappings;
static char program[PATH_MAX];

static int set_up(void **state)
{
	int32_t self = getpid(), unreadable;

	(void)state;
	return mappings_create(&mappings) < 0 ||
	       proc_maps_read(mappings, &self, 1, DEADLINE_MS, &unreadable) != 0 ||
	       readlink("/proc/self/exe", program, sizeof(program) - 1) < 0;
}

static int tear_down(void **state)
{
	mappings_destroy(mappings);
	(void)state;
	return 0;
}

static struct ft_symbols *resolve_one(int32_t tgid, uint64_t address)
{
	struct symbolize_address wanted = { .tgid = tgid, .address = address };
	struct ft_symbols *symbols;

	assert_int_equal(ft_symbols_create(&symbols), 0);
	assert_int_equal(symbolize_resolve(symbols, &wanted, 1, NULL, mappings, DEADLINE_MS), 0);
	return symbols;
}

static int call_line;

__attribute__((noinline)) static uintptr_t return_address(void)
{
	return (uintptr_t)__builtin_return_address(0);
}

__attribute__((noinline)) static uintptr_t caller_of_it(void)
{
	volatile uintptr_t address;

	call_line = __LINE__ + 1;
	address = return_address();
	return address;
}

static void return_address_gets_function_file_and_line_of_the_call(void **state)
{
	uintptr_t address = caller_of_it();
	struct ft_symbols *symbols = resolve_one(getpid(), address);
	const struct ft_symbol *symbol = ft_symbols_find(symbols, getpid(), address);

	assert_non_null(symbol);
	assert_string_equal(symbol->name, "caller_of_it");
	assert_int_equal(symbol->offset_bytes, address - (uintptr_t)caller_of_it);
	assert_string_equal(symbol->module, program);
	assert_non_null(symbol->file);
	assert_non_null(strstr(symbol->file, "test_symbolize.c"));
	assert_int_equal(symbol->line, call_line);
	ft_symbols_destroy(symbols);
	(void)state;
}

static void start_of_a_function_is_that_function(void **state)
{
	uintptr_t address = (uintptr_t)caller_of_it;
	struct ft_symbols *symbols = resolve_one(getpid(), address);
	const struct ft_symbol *symbol = ft_symbols_find(symbols, getpid(), address);

	assert_non_null(symbol);
	assert_string_equal(symbol->name, "caller_of_it");
	assert_int_equal(symbol->offset_bytes, 0);
	ft_symbols_destroy(symbols);
	(void)state;
}

static void library_function_is_named_from_its_dynamic_symbols(void **state)
{
	uintptr_t address = (uintptr_t)getpgid + 1;
	struct ft_symbols *symbols = resolve_one(getpid(), address);
	const struct ft_symbol *symbol = ft_symbols_find(symbols, getpid(), address);

	assert_non_null(symbol);
	assert_string_equal(symbol->name, "getpgid"); /* and not its alias __getpgid */
	assert_int_equal(symbol->offset_bytes, 1);
	assert_non_null(strstr(symbol->module, "libc"));
	assert_non_null(symbol->build_id);
	assert_int_equal(strlen(symbol->build_id), 40);
	ft_symbols_destroy(symbols);
	(void)state;
}

int cpp_function(int number) __asm__("_ZN5table4growEi");
int rust_function(int number) __asm__("_ZN4feed5table4grow17h0123456789abcdefE");

__attribute__((noinline)) int cpp_function(int number)
{
	return number + 1;
}

__attribute__((noinline)) int rust_function(int number)
{
	return number + 2;
}

static void assert_named(uintptr_t address, const char *name)
{
	struct ft_symbols *symbols = resolve_one(getpid(), address);
	const struct ft_symbol *symbol = ft_symbols_find(symbols, getpid(), address);

	assert_non_null(symbol);
	assert_string_equal(symbol->name, name);
	ft_symbols_destroy(symbols);
}

static void cpp_and_rust_names_are_readable(void **state)
{
	assert_named((uintptr_t)cpp_function, "table::grow(int)");
	assert_named((uintptr_t)rust_function, "feed::table::grow");
	(void)state;
}

static void assert_only_module(int32_t tgid, uint64_t address, const char *module,
			       uint64_t offset_bytes)
{
	struct ft_symbols *symbols = resolve_one(tgid, address);
	const struct ft_symbol *symbol = ft_symbols_find(symbols, tgid, address);

	assert_non_null(symbol);
	assert_null(symbol->name);
	assert_null(symbol->file);
	assert_string_equal(symbol->module, module);
	assert_int_equal(symbol->offset_bytes, offset_bytes);
	ft_symbols_destroy(symbols);
}

static void vdso_has_module_and_offset(void **state)
{
	uint64_t start = getauxval(AT_SYSINFO_EHDR);

	if (start == 0) {
		print_message("this process has no vdso\n");
		skip();
	}
	assert_only_module(getpid(), start + 0x10, "[vdso]", 0x10);
	(void)state;
}

static void files_that_cannot_be_trusted_give_module_and_offset(void **state)
{
	const int32_t other = INT32_MAX; /* no such process: the path is taken as it is */
	char deleted[PATH_MAX + 16];

	snprintf(deleted, sizeof(deleted), "%s (deleted)", program);
	assert_int_equal(mappings_add(mappings, other, 0x10000, 0x1000, 0x3000, deleted), 0);
	assert_int_equal(mappings_add(mappings, other, 0x20000, 0x1000, 0x3000, "/no/such"), 0);
	assert_int_equal(mappings_add(mappings, other, 0x30000, 0x1000, 0x3000, "/dev/zero"), 0);
	assert_int_equal(mappings_add(mappings, other, 0x40000, 0x1000, 0x3000, "/etc/passwd"), 0);
	assert_only_module(other, 0x10123, deleted, 0x3123);
	assert_only_module(other, 0x20123, "/no/such", 0x3123);
	assert_only_module(other, 0x30123, "/dev/zero", 0x3123);
	assert_only_module(other, 0x40123, "/etc/passwd", 0x3123);
	(void)state;
}

static void file_of_a_process_that_is_gone_is_found_by_its_path(void **state)
{
	struct ft_symbols *symbols;
	struct mapping mapping;
	const int32_t other = INT32_MAX - 1;
	uint64_t address;

	assert_int_equal(mappings_find(mappings, getpid(), (uintptr_t)caller_of_it, &mapping), 0);
	assert_int_equal(mappings_add(mappings, other, 0x7000000, mapping.end - mapping.start,
				      mapping.offset_bytes, mapping.path),
			 0);
	address = 0x7000000 + ((uintptr_t)caller_of_it - mapping.start);
	symbols = resolve_one(other, address);
	assert_string_equal(ft_symbols_find(symbols, other, address)->name, "caller_of_it");
	ft_symbols_destroy(symbols);
	(void)state;
}

static void address_outside_of_all_mappings_gets_no_symbol(void **state)
{
	struct ft_symbols *symbols = resolve_one(getpid(), 0x10);

	assert_int_equal(ft_symbols_count(symbols), 0);
	ft_symbols_destroy(symbols);
	(void)state;
}

static struct kallsyms *read_kallsyms(const char *text)
{
	char path[] = "/tmp/test_names.XXXXXX";
	struct kallsyms *kallsyms;
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	assert_int_equal(kallsyms_read(path, &kallsyms), 0);
	unlink(path);
	return kallsyms;
}

static void kernel_return_addresses_belong_to_the_function_of_the_call(void **state)
{
	struct kallsyms *kallsyms = read_kallsyms("ffffffff81000000 T make_task_dead\n"
						  "ffffffff81000100 T __pfx_schedule\n"
						  "ffffffff81000110 T schedule\n"
						  "ffffffffc0000000 t xfs_ilock\t[xfs]\n");
	struct symbolize_address wanted[] = { { FT_KERNEL_TGID, 0xffffffff81000100 },
					  { FT_KERNEL_TGID, 0xffffffff81000110 },
					  { FT_KERNEL_TGID, 0xffffffffc0000020 },
					  { FT_KERNEL_TGID, 0xffffffff00000000 } };
	struct ft_symbols *symbols;
	const struct ft_symbol *symbol;

	assert_int_equal(ft_symbols_create(&symbols), 0);
	assert_int_equal(symbolize_resolve(symbols, wanted, 4, kallsyms, mappings, DEADLINE_MS), 0);
	assert_int_equal(ft_symbols_count(symbols), 3);
	symbol = ft_symbols_find(symbols, FT_KERNEL_TGID, wanted[0].address);
	assert_string_equal(symbol->name, "make_task_dead");
	assert_int_equal(symbol->offset_bytes, 0x100);
	symbol = ft_symbols_find(symbols, FT_KERNEL_TGID, wanted[1].address);
	assert_string_equal(symbol->name, "schedule");
	assert_int_equal(symbol->offset_bytes, 0);
	symbol = ft_symbols_find(symbols, FT_KERNEL_TGID, wanted[2].address);
	assert_string_equal(symbol->name, "xfs_ilock");
	assert_string_equal(symbol->module, "xfs");
	assert_int_equal(symbol->offset_bytes, 0x20);
	ft_symbols_destroy(symbols);
	kallsyms_free(kallsyms);
	(void)state;
}

static void at_the_deadline_kernel_names_and_modules_are_kept(void **state)
{
	struct kallsyms *kallsyms = read_kallsyms("ffffffff81000000 T schedule\n");
	uintptr_t user = (uintptr_t)caller_of_it;
	struct symbolize_address wanted[] = { { getpid(), user },
					  { FT_KERNEL_TGID, 0xffffffff81000005 } };
	struct ft_symbols *symbols;

	assert_int_equal(ft_symbols_create(&symbols), 0);
	assert_int_equal(symbolize_resolve(symbols, wanted, 2, kallsyms, mappings, 0), -ETIMEDOUT);
	assert_string_equal(ft_symbols_find(symbols, getpid(), user)->module, program);
	assert_string_equal(ft_symbols_find(symbols, FT_KERNEL_TGID, wanted[1].address)->name,
			    "schedule");
	ft_symbols_destroy(symbols);
	kallsyms_free(kallsyms);
	(void)state;
}

static void twenty_thousand_addresses_are_named_in_one_go(void **state)
{
	enum { COUNT = 20000 };
	struct symbolize_address *wanted = calloc(COUNT, sizeof(wanted[0]));
	struct ft_symbols *symbols;
	struct mapping mapping;
	struct timespec start, end;
	size_t named = 0;

	assert_non_null(wanted);
	assert_int_equal(mappings_find(mappings, getpid(), (uintptr_t)getpgid, &mapping), 0);
	for (size_t i = 0; i < COUNT; i++)
		wanted[i] = (struct symbolize_address){
			getpid(), mapping.start + (mapping.end - mapping.start) / COUNT * i
		};
	assert_int_equal(ft_symbols_create(&symbols), 0);
	clock_gettime(CLOCK_MONOTONIC, &start);
	assert_int_equal(symbolize_resolve(symbols, wanted, COUNT, NULL, mappings, DEADLINE_MS), 0);
	clock_gettime(CLOCK_MONOTONIC, &end);
	print_message("%d addresses in %.3f s\n", COUNT,
		      (double)(end.tv_sec - start.tv_sec) +
			      (double)(end.tv_nsec - start.tv_nsec) / 1e9);
	for (size_t i = 0; i < COUNT; i++)
		named += ft_symbols_find(symbols, getpid(), wanted[i].address)->name != NULL;
	assert_true(named > COUNT / 4); /* a stripped libc still has its exported functions */
	ft_symbols_destroy(symbols);
	free(wanted);
	(void)state;
}

UNIT_TESTS(symbolize)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(return_address_gets_function_file_and_line_of_the_call),
		cmocka_unit_test(start_of_a_function_is_that_function),
		cmocka_unit_test(library_function_is_named_from_its_dynamic_symbols),
		cmocka_unit_test(cpp_and_rust_names_are_readable),
		cmocka_unit_test(vdso_has_module_and_offset),
		cmocka_unit_test(files_that_cannot_be_trusted_give_module_and_offset),
		cmocka_unit_test(file_of_a_process_that_is_gone_is_found_by_its_path),
		cmocka_unit_test(address_outside_of_all_mappings_gets_no_symbol),
		cmocka_unit_test(kernel_return_addresses_belong_to_the_function_of_the_call),
		cmocka_unit_test(at_the_deadline_kernel_names_and_modules_are_kept),
		cmocka_unit_test(twenty_thousand_addresses_are_named_in_one_go),
	};

	return run_unit_tests(tests, set_up, tear_down);
}
