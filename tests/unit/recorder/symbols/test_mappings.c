/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "recorder/symbols/mappings.h"
#include "recorder/proc/proc_maps.h"
#include "tests/unit/support/unit_test.h"

static int set_up(void **state)
{
	return mappings_create((struct mappings **)state);
}

static int tear_down(void **state)
{
	mappings_destroy(*state);
	return 0;
}

static void assert_path(const struct mappings *mappings, int32_t tgid, uint64_t address,
			const char *path)
{
	struct mapping mapping;

	assert_int_equal(mappings_find(mappings, tgid, address, &mapping), 0);
	assert_string_equal(mapping.path, path);
}

static void mappings_find_gives_the_latest_that_holds_the_address(void **state)
{
	struct mappings *mappings = *state;
	struct mapping mapping;

	assert_int_equal(mappings_add(mappings, 1, 0x1000, 0x3000, 0x40, "/old"), 0);
	assert_int_equal(mappings_add(mappings, 1, 0x2000, 0x1000, 0, "/new"), 0);
	assert_path(mappings, 1, 0x1fff, "/old");
	assert_path(mappings, 1, 0x2000, "/new");
	assert_path(mappings, 1, 0x3000, "/old");
	assert_int_equal(mappings_find(mappings, 1, 0x4000, &mapping), -ENOENT);
	assert_int_equal(mappings_find(mappings, 2, 0x2000, &mapping), -ENOENT);
	assert_int_equal(mappings_find(mappings, 1, 0x1000, &mapping), 0);
	assert_int_equal(mapping.start, 0x1000);
	assert_int_equal(mapping.end, 0x4000);
	assert_int_equal(mapping.offset_bytes, 0x40);
}

/* If they were kept, the oldest half would be dropped with the first mapping. */
static void replaced_mappings_are_forgotten(void **state)
{
	struct mappings *mappings = *state;

	assert_int_equal(mappings_add(mappings, 1, 0x8000, 0x1000, 0, "/first"), 0);
	for (int i = 0; i < 20000; i++)
		assert_int_equal(mappings_add(mappings, 1, 0x1000, 0x1000, 0, "/same"), 0);
	assert_path(mappings, 1, 0x8000, "/first");
}

static void mappings_of_one_process_are_bounded(void **state)
{
	struct mappings *mappings = *state;
	struct mapping mapping;

	for (uint64_t i = 0; i < 20000; i++)
		assert_int_equal(mappings_add(mappings, 1, i << 12, 0x1000, 0, "/much"), 0);
	assert_int_equal(mappings_find(mappings, 1, 0, &mapping), -ENOENT);
	assert_int_equal(mappings_find(mappings, 1, 19999ull << 12, &mapping), 0);
}

static void child_has_the_mappings_of_its_parent_until_exec(void **state)
{
	struct mappings *mappings = *state;
	struct mapping mapping;

	assert_int_equal(mappings_add(mappings, 1, 0x1000, 0x1000, 0, "/parent"), 0);
	assert_int_equal(mappings_fork(mappings, 1, 2), 0);
	assert_int_equal(mappings_add(mappings, 2, 0x2000, 0x1000, 0, "/child"), 0);
	assert_path(mappings, 2, 0x1000, "/parent");
	assert_int_equal(mappings_find(mappings, 1, 0x2000, &mapping), -ENOENT);
	mappings_exec(mappings, 2);
	assert_int_equal(mappings_find(mappings, 2, 0x1000, &mapping), -ENOENT);
	assert_path(mappings, 1, 0x1000, "/parent");
}

static void fork_replaces_what_an_earlier_process_of_that_id_had(void **state)
{
	struct mappings *mappings = *state;
	struct mapping mapping;

	assert_int_equal(mappings_add(mappings, 2, 0x1000, 0x1000, 0, "/gone"), 0);
	assert_int_equal(mappings_fork(mappings, 1, 2), 0);
	assert_int_equal(mappings_find(mappings, 2, 0x1000, &mapping), -ENOENT);
}

static void a_new_thread_changes_nothing(void **state)
{
	struct mappings *mappings = *state;

	assert_int_equal(mappings_add(mappings, 1, 0x1000, 0x1000, 0, "/a"), 0);
	assert_int_equal(mappings_fork(mappings, 1, 1), 0);
	assert_path(mappings, 1, 0x1000, "/a");
}

static void mapping_that_runs_over_the_end_of_memory_ends_there(void **state)
{
	struct mappings *mappings = *state;

	assert_int_equal(mappings_add(mappings, 1, UINT64_MAX - 9, UINT64_MAX, 0, "/a"), 0);
	assert_path(mappings, 1, UINT64_MAX - 5, "/a");
}

static void maps_read_finds_our_own_code_and_the_vdso(void **state)
{
	static int data; /* in a mapping that is not executable */
	struct mappings *mappings = *state;
	int32_t self = getpid(), unreadable[1];
	char program[4096] = "";
	struct mapping mapping;

	assert_int_equal(proc_maps_read(mappings, &self, 1, 10000, unreadable), 0);
	assert_true(readlink("/proc/self/exe", program, sizeof(program) - 1) > 0);
	assert_path(mappings, self, (uintptr_t)set_up, program);
	if (getauxval(AT_SYSINFO_EHDR))
		assert_path(mappings, self, getauxval(AT_SYSINFO_EHDR), "[vdso]");
	assert_int_equal(mappings_find(mappings, self, (uintptr_t)&data, &mapping), -ENOENT);
}

static void maps_read_names_those_it_could_not_read(void **state)
{
	struct mappings *mappings = *state;
	int32_t tgids[3] = { INT32_MAX, getpid(), INT32_MAX - 1 }, unreadable[3];

	assert_int_equal(proc_maps_read(mappings, tgids, 3, 10000, unreadable), 2);
	assert_int_equal(unreadable[0], INT32_MAX);
	assert_int_equal(unreadable[1], INT32_MAX - 1);
	assert_int_equal(proc_maps_read(mappings, tgids, 3, 0, unreadable), 3);
	assert_int_equal(proc_maps_read(mappings, tgids, 0, 10000, unreadable), 0);
}

static void path_with_spaces_is_read_and_a_deleted_file_is_not_opened(void **state)
{
	struct mappings *mappings = *state;
	char directory[] = "/tmp/test mappings.XXXXXX", path[64], deleted[80];
	int32_t self = getpid(), unreadable[1];
	struct mapping mapping;
	void *code;
	int fd;

	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/lib  x.so", directory);
	fd = open(path, O_RDWR | O_CREAT, 0700);
	assert_int_equal(ftruncate(fd, 8192), 0);
	code = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 4096);
	close(fd);
	if (code == MAP_FAILED) {
		print_message("no executable mapping of a file in /tmp: %s\n", strerror(errno));
		unlink(path);
		rmdir(directory);
		skip();
	}

	assert_int_equal(proc_maps_read(mappings, &self, 1, 10000, unreadable), 0);
	assert_int_equal(mappings_find(mappings, self, (uintptr_t)code, &mapping), 0);
	assert_string_equal(mapping.path, path);
	assert_int_equal(mapping.offset_bytes, 4096);
	fd = mapping_open(&mapping, self);
	assert_true(fd >= 0);
	close(fd);
	fd = mapping_open(&mapping, INT32_MAX); /* no such process: by the path alone */
	assert_true(fd >= 0);
	close(fd);

	unlink(path);
	rmdir(directory);
	snprintf(deleted, sizeof(deleted), "%s (deleted)", path);
	assert_int_equal(proc_maps_read(mappings, &self, 1, 10000, unreadable), 0);
	assert_int_equal(mappings_find(mappings, self, (uintptr_t)code, &mapping), 0);
	assert_string_equal(mapping.path, deleted);
	assert_int_equal(mapping_open(&mapping, self), -ENOENT);
	munmap(code, 4096);
}

static void mapping_open_takes_only_regular_files(void **state)
{
	struct mapping mapping = { .path = "[vdso]" };

	assert_int_equal(mapping_open(&mapping, getpid()), -ENOENT);
	mapping.path = "//anon";
	assert_int_equal(mapping_open(&mapping, getpid()), -ENOENT);
	mapping.path = "/dev/null";
	assert_int_equal(mapping_open(&mapping, getpid()), -ENOENT);
	mapping.path = "/proc/self/exe"; /* a link */
	assert_int_equal(mapping_open(&mapping, getpid()), -ELOOP);
	(void)state;
}

static void exited_process_keeps_its_names_until_its_time_is_over(void **state)
{
	struct mappings *mappings = *state;
	struct mapping mapping;

	assert_int_equal(mappings_add(mappings, 40, 0x1000, 0x1000, 0, "/bin/gone"), 0);
	assert_int_equal(mappings_add(mappings, 50, 0x1000, 0x1000, 0, "/bin/stays"), 0);
	mappings_exit(mappings, 40, 100);
	mappings_exit(mappings, 60, 100); /* never heard of */
	mappings_forget_exited(mappings, 100);
	assert_path(mappings, 40, 0x1800, "/bin/gone");
	mappings_forget_exited(mappings, 101);
	assert_int_equal(mappings_find(mappings, 40, 0x1800, &mapping), -ENOENT);
	assert_path(mappings, 50, 0x1800, "/bin/stays");
}

static void process_with_the_number_of_an_exited_one_is_not_forgotten(void **state)
{
	struct mappings *mappings = *state;

	assert_int_equal(mappings_add(mappings, 30, 0x1000, 0x1000, 0, "/bin/parent"), 0);
	assert_int_equal(mappings_add(mappings, 40, 0x1000, 0x1000, 0, "/bin/old"), 0);
	mappings_exit(mappings, 40, 100);
	assert_int_equal(mappings_fork(mappings, 30, 40), 0);
	mappings_forget_exited(mappings, 1000);
	assert_path(mappings, 40, 0x1800, "/bin/parent");
}

static void copy_lives_on_its_own(void **state)
{
	struct mappings *mappings = *state, *copy;
	struct mapping mapping;

	assert_int_equal(mappings_add(mappings, 40, 0x1000, 0x1000, 0, "/bin/one"), 0);
	assert_int_equal(mappings_copy(mappings, &copy), 0);
	mappings_exec(mappings, 40);
	assert_int_equal(mappings_add(copy, 40, 0x5000, 0x1000, 0, "/bin/two"), 0);
	assert_path(copy, 40, 0x1800, "/bin/one");
	assert_path(copy, 40, 0x5800, "/bin/two");
	assert_int_equal(mappings_find(mappings, 40, 0x5800, &mapping), -ENOENT);
	mappings_destroy(copy);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

UNIT_TESTS(mappings)
{
	const struct CMUnitTest tests[] = {
		TEST(mappings_find_gives_the_latest_that_holds_the_address),
		TEST(replaced_mappings_are_forgotten),
		TEST(mappings_of_one_process_are_bounded),
		TEST(child_has_the_mappings_of_its_parent_until_exec),
		TEST(fork_replaces_what_an_earlier_process_of_that_id_had),
		TEST(a_new_thread_changes_nothing),
		TEST(exited_process_keeps_its_names_until_its_time_is_over),
		TEST(process_with_the_number_of_an_exited_one_is_not_forgotten),
		TEST(copy_lives_on_its_own),
		TEST(mapping_that_runs_over_the_end_of_memory_ends_there),
		TEST(maps_read_finds_our_own_code_and_the_vdso),
		TEST(maps_read_names_those_it_could_not_read),
		TEST(path_with_spaces_is_read_and_a_deleted_file_is_not_opened),
		TEST(mapping_open_takes_only_regular_files),
	};

	return run_unit_tests(tests, NULL, NULL);
}
