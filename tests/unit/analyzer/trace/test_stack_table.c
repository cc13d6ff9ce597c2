/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "analyzer/trace/stack_table.h"
#include "tests/unit/support/unit_test.h"

struct fixture {
	struct ft_symbols *symbols;
	struct stack_table *stacks;
};

static void add_symbol(struct fixture *fixture, int32_t tgid, uint64_t address, const char *name,
		       const char *module)
{
	struct ft_symbol symbol = { .tgid = tgid, .address = address, .offset_bytes = 0x10,
				    .name = name, .module = module, .file = "/src/deep/table.c",
				    .line = 88 };

	assert_int_equal(ft_symbols_add(fixture->symbols, &symbol), 0);
}

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	assert_non_null(fixture);
	assert_int_equal(ft_symbols_create(&fixture->symbols), 0);
	assert_int_equal(stack_table_create(fixture->symbols, &fixture->stacks), 0);
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	stack_table_destroy(fixture->stacks);
	ft_symbols_destroy(fixture->symbols);
	free(fixture);
	return 0;
}

static uint32_t intern_stack(struct fixture *fixture, int32_t tgid, const uint64_t *frames,
			     uint16_t kernel_count, uint16_t user_count)
{
	struct ft_stack stack = { frames, kernel_count, user_count };
	uint32_t id = STACK_NONE;

	assert_int_equal(stack_table_intern(fixture->stacks, tgid, &stack, &id), 0);
	assert_int_not_equal(id, STACK_NONE);
	return id;
}

static const struct frame *only_frame(struct fixture *fixture, int32_t tgid, uint64_t address)
{
	const struct frame *frame;
	uint32_t id = intern_stack(fixture, tgid, &address, tgid == FT_KERNEL_TGID,
				   tgid != FT_KERNEL_TGID);

	assert_int_equal(stack_table_frames(fixture->stacks, id, &frame), 1);
	assert_int_equal(frame->address, address);
	return frame;
}

static void stacks_give_the_same_frames_the_same_id(void **state)
{
	static const uint64_t frames[] = { 1, 2, 3 }, others[] = { 1, 2, 4 };
	uint32_t id = intern_stack(*state, 7, frames, 3, 0);

	assert_int_equal(intern_stack(*state, 7, frames, 3, 0), id);
	assert_int_equal(intern_stack(*state, 7, others, 3, 0), id + 1);
	assert_int_equal(intern_stack(*state, 7, frames, 2, 0), id + 2);
	assert_int_equal(intern_stack(*state, 7, frames, 2, 1), id + 3);
}

static void stacks_of_kernel_frames_are_shared_by_processes_and_others_not(void **state)
{
	static const uint64_t frames[] = { 1, 2, 3 };

	assert_int_equal(intern_stack(*state, 7, frames, 3, 0),
			 intern_stack(*state, 8, frames, 3, 0));
	assert_int_not_equal(intern_stack(*state, 7, frames, 2, 1),
			     intern_stack(*state, 8, frames, 2, 1));
}

static void stacks_name_kernel_and_user_frames(void **state)
{
	static const uint64_t addresses[] = { 0x100, 0x200 };
	struct fixture *fixture = *state;
	const struct frame *frames;

	add_symbol(fixture, FT_KERNEL_TGID, 0x100, "xfs_ilock", "xfs");
	add_symbol(fixture, 7, 0x200, "table_grow", "/usr/lib/libtable.so.1");
	assert_int_equal(stack_table_frames(fixture->stacks,
					    intern_stack(fixture, 7, addresses, 1, 1), &frames),
			 2);
	assert_true(frames[0].kernel);
	assert_string_equal(frames[0].symbol, "xfs_ilock");
	assert_string_equal(frames[0].module, "xfs");
	assert_int_equal(frames[0].offset_bytes, 0x10);
	assert_false(frames[1].kernel);
	assert_string_equal(frames[1].symbol, "table_grow");
	assert_string_equal(frames[1].module, "libtable.so.1");
	assert_string_equal(frames[1].file, "table.c");
	assert_int_equal(frames[1].line, 88);
}

static void stacks_leave_unknown_addresses_without_a_name(void **state)
{
	const struct frame *frame = only_frame(*state, 7, 0x300);

	assert_null(frame->symbol);
	assert_null(frame->module);
	add_symbol(*state, 7, 0x400, NULL, "/usr/bin/thing");
	frame = only_frame(*state, 7, 0x400);
	assert_null(frame->symbol);
	assert_string_equal(frame->module, "thing");
}

static void stacks_never_name_user_frames_after_kernel_symbols(void **state)
{
	static const uint64_t address = 0x100;
	struct fixture *fixture = *state;
	const struct frame *frame;

	add_symbol(fixture, FT_KERNEL_TGID, address, "schedule", NULL);
	for (int32_t tgid = -1; tgid <= 0; tgid++) {
		uint32_t id = intern_stack(fixture, tgid, &address, 0, 1);

		assert_int_equal(stack_table_frames(fixture->stacks, id, &frame), 1);
		assert_null(frame->symbol);
		assert_false(frame->kernel);
	}
}

static void stacks_strip_what_compilers_add_to_names(void **state)
{
	static const char *const names[][2] = {
		{ "do_poll.constprop.0", "do_poll" },
		{ "foo.isra.0.cold", "foo" },
		{ "foo.part.12", "foo" },
		{ "foo.cold", "foo" },
		{ "foo.cold.3", "foo" },
		{ "foo.llvm.123456", "foo" },
		{ "__pfx_down_write", "down_write" },
		{ "__cfi_up_read.isra.1", "up_read" },
		{ "__pfx_", "__pfx_" },
		{ "a.coldest", "a.coldest" },
		{ "std::map.part.x", "std::map.part.x" },
		{ ".isra.0", ".isra.0" },
		{ "plain", "plain" },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		add_symbol(*state, FT_KERNEL_TGID, 0x1000 + i, names[i][0], NULL);
		assert_string_equal(only_frame(*state, FT_KERNEL_TGID, 0x1000 + i)->symbol,
				    names[i][1]);
	}
	add_symbol(*state, 7, 0x1000, "__pfx_mine", NULL);
	assert_string_equal(only_frame(*state, 7, 0x1000)->symbol, "__pfx_mine");
}

static void stacks_know_no_frames_of_no_stack(void **state)
{
	struct fixture *fixture = *state;
	const struct frame *frames;

	assert_int_equal(stack_table_frames(fixture->stacks, STACK_NONE, &frames), 0);
	assert_int_equal(stack_table_frames(fixture->stacks, 99, &frames), 0);
	assert_int_equal(stack_table_frames(fixture->stacks, intern_stack(fixture, 7, NULL, 0, 0), &frames),
			 0);
}

static void stacks_hold_many(void **state)
{
	struct fixture *fixture = *state;

	for (uint64_t i = 0; i < 3000; i++)
		assert_int_equal(intern_stack(fixture, 7, &i, 1, 0), i + 1);
	for (uint64_t i = 0; i < 3000; i++)
		assert_int_equal(intern_stack(fixture, 7, &i, 1, 0), i + 1);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

UNIT_TESTS(stack_table)
{
	const struct CMUnitTest tests[] = {
		CASE(stacks_give_the_same_frames_the_same_id),
		CASE(stacks_of_kernel_frames_are_shared_by_processes_and_others_not),
		CASE(stacks_name_kernel_and_user_frames),
		CASE(stacks_leave_unknown_addresses_without_a_name),
		CASE(stacks_never_name_user_frames_after_kernel_symbols),
		CASE(stacks_strip_what_compilers_add_to_names),
		CASE(stacks_know_no_frames_of_no_stack),
		CASE(stacks_hold_many),
	};

	return run_unit_tests(tests, NULL, NULL);
}
