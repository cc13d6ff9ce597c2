/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "capture/event.h"
#include "recorder/symbols/mapping_changes.h"
#include "tests/unit/support/unit_test.h"
#include "recorder/symbols/mappings.h"

static const struct ft_task PROCESS = { .tid = 40, .tgid = 40 };
static const struct ft_task THREAD = { .tid = 41, .tgid = 40 };
static const struct ft_task CHILD = { .tid = 50, .tgid = 50 };

struct fixture {
	struct mapping_changes *changes;
	struct mappings *mappings;
};

static int set_up(void **state)
{
	static struct fixture fixture;
	*state = &fixture;
	return mapping_changes_create(&fixture.changes) || mappings_create(&fixture.mappings);
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;
	mapping_changes_destroy(fixture->changes);
	mappings_destroy(fixture->mappings);
	return 0;
}

static void add_mmap(struct fixture *fixture, uint64_t time_ns, uint64_t start, const char *path)
{
	assert_int_equal(mapping_changes_add(fixture->changes,
				     &(struct ft_event){ .kind = FT_EVENT_MMAP,
							 .time_ns = time_ns,
							 .task = &PROCESS,
							 .mmap = { start, 0x1000, 0, path } }),
			 0);
}

static void add_exec(struct fixture *fixture, uint64_t time_ns)
{
	assert_int_equal(mapping_changes_add(fixture->changes, &(struct ft_event){ .kind = FT_EVENT_COMM,
									   .time_ns = time_ns,
									   .task = &PROCESS,
									   .comm = { true } }),
			 0);
}

static void apply_changes(struct fixture *fixture, uint64_t until_ns)
{
	assert_int_equal(mapping_changes_apply(fixture->changes, until_ns, fixture->mappings), 0);
}

static void assert_path(const struct fixture *fixture, int32_t tgid, uint64_t address,
			const char *path)
{
	struct mapping mapping;
	int error = mappings_find(fixture->mappings, tgid, address, &mapping);
	assert_int_equal(error, path ? 0 : -ENOENT);
	if (path)
		assert_string_equal(mapping.path, path);
}

static void exec_that_comes_late_spares_what_was_mapped_after_it(void **state)
{
	struct fixture *fixture = *state;
	add_mmap(fixture, 10, 0x1000, "/bin/old");
	add_mmap(fixture, 30, 0x5000, "/bin/new");
	apply_changes(fixture, UINT64_MAX);
	add_exec(fixture, 20);
	apply_changes(fixture, UINT64_MAX);
	assert_path(fixture, 40, 0x1800, NULL);
	assert_path(fixture, 40, 0x5800, "/bin/new");
}

static void fork_that_comes_late_gives_what_the_parent_had(void **state)
{
	struct fixture *fixture = *state;
	add_mmap(fixture, 10, 0x1000, "/bin/parent");
	add_exec(fixture, 30);
	apply_changes(fixture, 20);
	assert_int_equal(mapping_changes_add(fixture->changes, &(struct ft_event){ .kind = FT_EVENT_FORK,
									   .time_ns = 20,
									   .task = &PROCESS,
									   .fork = { &CHILD } }),
			 0);
	apply_changes(fixture, UINT64_MAX);
	assert_path(fixture, 50, 0x1800, "/bin/parent");
	assert_path(fixture, 40, 0x1800, NULL);
}

static void changes_after_the_time_wait(void **state)
{
	struct fixture *fixture = *state;
	add_mmap(fixture, 10, 0x1000, "/bin/old");
	add_mmap(fixture, 20, 0x1000, "/bin/new");
	apply_changes(fixture, 10);
	assert_path(fixture, 40, 0x1800, "/bin/old");
	mapping_changes_forget(fixture->changes, 10);
	apply_changes(fixture, 20);
	assert_path(fixture, 40, 0x1800, "/bin/new");
}

static void exit_of_a_thread_is_none_of_its_process(void **state)
{
	struct fixture *fixture = *state;
	struct ft_event exit = { .kind = FT_EVENT_EXIT, .time_ns = 20, .task = &THREAD };
	add_mmap(fixture, 10, 0x1000, "/bin/lives");
	assert_int_equal(mapping_changes_add(fixture->changes, &exit), 0);
	apply_changes(fixture, UINT64_MAX);
	mappings_forget_exited(fixture->mappings, UINT64_MAX);
	assert_path(fixture, 40, 0x1800, "/bin/lives");
	exit.task = &PROCESS;
	assert_int_equal(mapping_changes_add(fixture->changes, &exit), 0);
	apply_changes(fixture, UINT64_MAX);
	mappings_forget_exited(fixture->mappings, UINT64_MAX);
	assert_path(fixture, 40, 0x1800, NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

UNIT_TESTS(mapping_changes)
{
	const struct CMUnitTest tests[] = {
		TEST(exec_that_comes_late_spares_what_was_mapped_after_it),
		TEST(fork_that_comes_late_gives_what_the_parent_had),
		TEST(changes_after_the_time_wait),
		TEST(exit_of_a_thread_is_none_of_its_process),
	};
	return run_unit_tests(tests, NULL, NULL);
}
