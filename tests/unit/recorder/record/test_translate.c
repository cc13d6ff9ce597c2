/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What becomes of each kind of record that the kernel writes.
 */
#include "config.h"

#include <string.h>
#include <sys/mman.h>

#include "recorder/record/translate.h"
#include "tests/unit/support/records.h"
#include "tests/unit/support/unit_test.h"

#define OTHER_SWITCH RECORDS_EXTRA /* in the tests of doubles */

static void switch_names_both_and_keeps_the_stack(void **state)
{
	struct records *records = *state;
	records_make_switch(records, 41, 2, 43, 1000);
	assert_int_equal(records_translate(records), 1);
	assert_int_equal(records->event.kind, FT_EVENT_SWITCH);
	assert_int_equal(records->event.cpu, 5);
	assert_int_equal(records->event.time_ns, 1000);
	assert_int_equal(records->event.task->tid, 41);
	assert_int_equal(records->event.task->tgid, 40);
	assert_string_equal(records->event.task->comm, "left");
	assert_int_equal(records->event.switch_.prev_state, FT_STATE_DISK);
	assert_int_equal(records->event.switch_.next->tid, 43);
	assert_int_equal(records->event.switch_.next->tgid, -1);
	assert_string_equal(records->event.switch_.next->comm, "came");
	assert_int_equal(records->event.stack->kernel_count, 3);
	assert_int_equal(records->event.stack->user_count, 0);
	assert_int_equal(records->event.stack->frames[0], 0xffffffff81000001);
	assert_int_equal(records->cpu.last_ns, 1000);
}

/* The record just made, as if @event had made it. */
static void made_by(struct records *records, int event)
{
	uint64_t id = RECORDS_ID(event);
	memcpy(records->record + sizeof(struct perf_event_header), &id, sizeof(id));
}

static void use_other_switch(struct records *records)
{
	records->plan.events[OTHER_SWITCH] = records->plan.events[RECORDS_SWITCH];
}

static void switch_that_two_events_record_is_one(void **state)
{
	struct records *records = *state;
	use_other_switch(records);
	records_make_switch(records, 41, 2, 43, 1000);
	assert_int_equal(records_translate(records), 1);
	records_make_switch(records, 41, 2, 43, 1900);
	made_by(records, OTHER_SWITCH);
	assert_int_equal(records_translate(records), 0);
	assert_int_equal(records->cpu.doubles, 1);
	records_make_switch(records, 43, 2, 41, 2000);
	made_by(records, OTHER_SWITCH);
	assert_int_equal(records_translate(records), 1);
	records_make_switch(records, 41, 2, 43, 3000);
	made_by(records, OTHER_SWITCH);
	assert_int_equal(records_translate(records), 1);
	assert_int_equal(records->cpu.doubles, 1);
}

/* The event that records each switch comes last, or at once. */
static void switch_with_a_sampled_stack_is_one(void **state)
{
	static const struct {
		int event;
		uint64_t time_ns;
		int result;
	} CASES[] = {
		{ OTHER_SWITCH, 1000, 1 },
		{ RECORDS_SWITCH, 102000, 1 },  { OTHER_SWITCH, 5102000, 0 }, /* a long interruption */
		{ OTHER_SWITCH, 6000000, 1 },
		{ RECORDS_SWITCH, 6900000, 1 },	   { OTHER_SWITCH, 6900800, 0 },
		{ OTHER_SWITCH, 8000000, 1 }, { RECORDS_SWITCH, 8000700, 0 }, /* another order of events */
		{ OTHER_SWITCH, 9000000, 1 },
	};
	struct records *records = *state;
	use_other_switch(records);
	records->plan.events[OTHER_SWITCH].attr.sample_type &= ~(uint64_t)PERF_SAMPLE_CALLCHAIN;
	/* As where the kernel is silent about the thread that runs in between. */
	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
		if (CASES[i].event == RECORDS_SWITCH) {
			records_make_switch(records, 41, 1, 43, CASES[i].time_ns);
		} else {
			records_make_plain_switch(records, 41, 1, 43, CASES[i].time_ns);
			made_by(records, OTHER_SWITCH);
		}
		assert_int_equal(records_translate(records), CASES[i].result);
		if (CASES[i].result)
			assert_int_equal(records->event.stack != NULL, CASES[i].event == RECORDS_SWITCH);
	}
	assert_int_equal(records->cpu.doubles, 3);
}

static void switch_that_three_events_record_is_one(void **state)
{
	struct records *records = *state;
	use_other_switch(records);
	records->plan.events[RECORDS_STACK_WAKING] = records->plan.events[RECORDS_SWITCH];
	for (int event = 0; event < 3; event++) {
		records_make_switch(records, 41, 1, 43, 1000 + 100 * (uint64_t)event);
		made_by(records, event == 0 ? RECORDS_SWITCH : event == 1 ? OTHER_SWITCH : RECORDS_STACK_WAKING);
		assert_int_equal(records_translate(records), !event);
	}
	records_make_switch(records, 41, 1, 43, 90000);
	assert_int_equal(records_translate(records), 1);
}

static void switch_seen_again_after_a_loss_is_another(void **state)
{
	struct records *records = *state;
	use_other_switch(records);
	records_make_switch(records, 41, 2, 43, 1000);
	assert_int_equal(records_translate(records), 1);
	records_begin(records, PERF_RECORD_LOST, 0);
	records_add_u64(records, RECORDS_ID(RECORDS_SWITCH));
	records_add_u64(records, 17);
	records_end_with_id(records, 1500);
	assert_int_equal(records_translate(records), 1);
	records_make_switch(records, 41, 2, 43, 1900);
	made_by(records, OTHER_SWITCH);
	assert_int_equal(records_translate(records), 1);
	assert_int_equal(records->cpu.doubles, 0);
}

/* Records that come most often are made without the process, which another one has named. */
static void switch_without_process_has_the_one_that_is_known(void **state)
{
	struct records *records = *state;
	records_make_switch(records, 41, 1, 43, 1000);
	assert_int_equal(records_translate(records), 1);
	records->plan.events[RECORDS_SWITCH].attr.sample_type &= ~(uint64_t)PERF_SAMPLE_TID;
	records_make_switch(records, 41, 2, 44, 2000);
	assert_int_equal(records_translate(records), 1);
	assert_int_equal(records->event.time_ns, 2000);
	assert_int_equal(records->event.task->tid, 41);
	assert_int_equal(records->event.task->tgid, 40);
	assert_int_equal(records->event.switch_.next->tgid, -1);
	assert_int_equal(records->event.stack->kernel_count, 3);
}

/* The record of a loss ends as the event would have it in whose place it stands. */
static void loss_told_by_an_event_without_process_is_whole(void **state)
{
	struct records *records = *state;
	records->plan.events[RECORDS_SWITCH].attr.sample_type &= ~(uint64_t)PERF_SAMPLE_TID;
	records_begin(records, PERF_RECORD_LOST, 0);
	records_add_u64(records, RECORDS_ID(RECORDS_SWITCH));
	records_add_u64(records, 17);
	records_add_u64(records, 1500);
	records_add_u64(records, RECORDS_ID(RECORDS_SWITCH));
	records_end(records);
	assert_int_equal(records_translate(records), 1);
	assert_int_equal(records->event.kind, FT_EVENT_LOST);
	assert_int_equal(records->event.time_ns, 1500);
	assert_int_equal(records->event.lost.records, 17);
}

static void idle_task_has_the_cpus_name(void **state)
{
	struct records *records = *state;
	records_make_switch(records, 0, 0, 43, 1000);
	assert_int_equal(records_translate(records), 1);
	assert_int_equal(records->event.task->tid, 0);
	assert_int_equal(records->event.task->tgid, 0);
	assert_string_equal(records->event.task->comm, "swapper/5");
}

static void tgid_learned_from_one_record_serves_the_next(void **state)
{
	struct records *records = *state;
	records_make_switch(records, 41, 1, 43, 1000);
	assert_int_equal(records_translate(records), 1);
	records_make_switch(records, 44, 1, 41, 2000);
	assert_int_equal(records_translate(records), 1);
	assert_int_equal(records->event.switch_.next->tgid, 40);
}

static void dead_thread_is_forgotten_but_its_last_switch_is_whole(void **state)
{
	struct records *records = *state;
	records_make_switch(records, 41, 0x10, 43, 1000);
	assert_int_equal(records_translate(records), 1);
	assert_int_equal(records->event.switch_.prev_state, FT_STATE_DEAD);
	assert_int_equal(records->event.task->tid, 41);
	assert_int_equal(records->event.task->tgid, 40);
	assert_int_equal(task_table_learn(records->tasks, 41, -1, NULL)->tgid, -1);
}

static void waking_knows_an_interrupt(void **state)
{
	static const struct {
		uint8_t flags;
		bool in_interrupt;
	} CASES[] = { { 0, false }, { 1, false }, { 0x04, false }, { 0x08, true }, { 0x10, true } };
	struct records *records = *state;
	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
		records_make_waking(records, CASES[i].flags);
		assert_int_equal(records_translate(records), 1);
		assert_int_equal(records->event.kind, FT_EVENT_WAKING);
		assert_int_equal(records->event.task->tid, 41);
		assert_int_equal(records->event.waking.wakee->tid, 50);
		assert_string_equal(records->event.waking.wakee->comm, "sleeper");
		assert_int_equal(records->event.waking.in_interrupt, CASES[i].in_interrupt);
		assert_null(records->event.stack);
	}
}

static void waking_that_two_events_record_is_one(void **state)
{
	static const struct {
		int event;
		uint64_t time_ns;
		int result;
	} CASES[] = {
		{ RECORDS_WAKING, 1000, 1 },
		{ RECORDS_STACK_WAKING, 1800, 0 }, /* of the same waking */
		{ RECORDS_STACK_WAKING, 3000, 1 },
		{ RECORDS_STACK_WAKING, 3500, 1 },
		{ RECORDS_WAKING, 900000, 1 }, /* too late to be the same */
	};
	struct records *records = *state;
	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
		records_make_waking(records, 0);
		made_by(records, CASES[i].event);
		memcpy(records->record + sizeof(struct perf_event_header) + 16, &CASES[i].time_ns,
		       8);
		assert_int_equal(records_translate(records), CASES[i].result);
	}
	assert_int_equal(records->cpu.doubles, 1);
}

/* In a pid namespace the sample's tid is another number than the raw record's. */
static void raw_pid_counts_not_the_samples(void **state)
{
	struct records *records = *state;
	records_make_waking(records, 0);
	uint32_t other = 7;
	memcpy(records->record + 8 + 8 + 4, &other, 4);
	assert_int_equal(records_translate(records), 1);
	assert_int_equal(records->event.task->tid, 41);
}

static void lock_wait_has_address_and_flags(void **state)
{
	struct records *records = *state;
	uint8_t raw[20] = { 0 };
	uint64_t address = 0xffff888012345678;
	uint32_t flags = FT_LOCK_WRITE;
	records_set_common(raw, 0, 41);
	memcpy(raw + 8, &address, 8);
	memcpy(raw + 16, &flags, 4);
	records_begin_sample(records, RECORDS_LOCK, 40, 41, 1000);
	records_add_raw(records, raw, sizeof(raw));
	records_end(records);
	assert_int_equal(records_translate(records), 1);
	assert_int_equal(records->event.kind, FT_EVENT_LOCK_BEGIN);
	assert_int_equal(records->event.lock_begin.address, address);
	assert_int_equal(records->event.lock_begin.flags, FT_LOCK_WRITE);
}

static uint32_t flags_of_hold(struct records *records, uint8_t write)
{
	uint8_t raw[28] = { 0 };
	uint64_t mm = 0xffff888012340000;
	records_set_common(raw, 0, 41);
	memcpy(raw + 8, &mm, 8);
	raw[24] = write;
	records_begin_sample(records, RECORDS_HOLD, 40, 41, 1000);
	records_add_raw(records, raw, sizeof(raw));
	records_end(records);
	assert_int_equal(records_translate(records), 1);
	assert_int_equal(records->event.kind, FT_EVENT_LOCK_HOLD);
	assert_int_equal(records->event.task->tid, 41);
	assert_int_equal(records->event.lock_hold.address, mm);
	return records->event.lock_hold.flags;
}

static void hold_has_mm_and_how_it_is_held(void **state)
{
	assert_int_equal(flags_of_hold(*state, 1),
			 FT_HOLD_ACQUIRED | FT_HOLD_OF_MM | FT_HOLD_WRITE);
	assert_int_equal(flags_of_hold(*state, 0), FT_HOLD_ACQUIRED | FT_HOLD_OF_MM | FT_HOLD_READ);
}

static void call_has_arguments_both_stacks_and_the_dump(void **state)
{
	struct records *records = *state;
	records_make_call(records, PERF_SAMPLE_REGS_ABI_64, 256, 128);
	assert_int_equal(records_translate(records), 1);
	assert_int_equal(records->event.kind, FT_EVENT_CALL);
	assert_int_equal(records->event.call.call, FT_CALL_MMAP);
	assert_int_equal(records->event.call.args[1], 128u << 20);
	assert_int_equal(records->event.call.args[3], 0x22);
	assert_int_equal(records->event.stack->kernel_count, 1);
	assert_int_equal(records->event.stack->user_count, 1);
	assert_int_equal(records->event.stack->frames[1], 0x401000);
	assert_int_equal(records->dump.register_count, 2);
	assert_int_equal(records->dump.registers[1], 0xbbb);
	assert_int_equal(records->dump.stack_bytes, 128);
	uint64_t second = 0x5555000000000008;
	assert_memory_equal((const uint8_t *)records->dump.stack + 8, &second, 8);
}

static void call_without_a_usable_dump_is_recorded_all_the_same(void **state)
{
	static const struct {
		uint64_t abi, stack_bytes, used_bytes;
	} CASES[] = {
		{ PERF_SAMPLE_REGS_ABI_NONE, 0, 0 }, { PERF_SAMPLE_REGS_ABI_64, 0, 0 },
		{ PERF_SAMPLE_REGS_ABI_64, 64, 0 },  { PERF_SAMPLE_REGS_ABI_64, 64, 72 },
		{ PERF_SAMPLE_REGS_ABI_32, 64, 64 },
	};
	struct records *records = *state;
	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
		records_make_call(records, CASES[i].abi, CASES[i].stack_bytes, CASES[i].used_bytes);
		assert_int_equal(records_translate(records), 1);
		assert_null(records->dump.registers);
	}
}

static void samples_of_the_idle_task_are_dropped(void **state)
{
	struct records *records = *state;
	records_make_sample(records, 0, 0, 2, 2);
	assert_int_equal(records_translate(records), 0);
	records_make_sample(records, 40, -1, 2, 2);
	assert_int_equal(records_translate(records), 0);
	records_make_sample(records, 40, 41, 2, 2);
	assert_int_equal(records_translate(records), 1);
	assert_int_equal(records->event.kind, FT_EVENT_SAMPLE);
	assert_int_equal(records->event.task->tgid, 40);
}

static void stack_of_too_many_frames_is_cut_at_the_root(void **state)
{
	struct records *records = *state;
	records_make_sample(records, 40, 41, 100, 300);
	assert_int_equal(records_translate(records), 1);
	assert_int_equal(records->event.stack->kernel_count, 100);
	assert_int_equal(records->event.stack->user_count, FT_STACK_FRAMES_MAX - 100);
	assert_int_equal(records->event.stack->frames[100], 0x400000);
}

static void extra_event_has_its_name(void **state)
{
	struct records *records = *state;
	records_begin_sample(records, RECORDS_EXTRA, 40, 41, 1000);
	records_end(records);
	assert_int_equal(records_translate(records), 1);
	assert_int_equal(records->event.kind, FT_EVENT_EXTRA);
	assert_string_equal(records->event.extra.name, "page-faults");
}

static void loss_spans_from_the_last_record_seen(void **state)
{
	struct records *records = *state;
	records_make_switch(records, 41, 1, 43, 1000);
	assert_int_equal(records_translate(records), 1);
	records_begin(records, PERF_RECORD_LOST, 0);
	records_add_u64(records, RECORDS_ID(RECORDS_SWITCH));
	records_add_u64(records, 17);
	records_end_with_id(records, 5000);
	assert_int_equal(records_translate(records), 1);
	assert_int_equal(records->event.kind, FT_EVENT_LOST);
	assert_int_equal(records->event.time_ns, 5000);
	assert_int_equal(records->event.lost.start_ns, 1000);
	assert_int_equal(records->event.lost.records, 17);
	assert_int_equal(records->event.task->tid, 0);
	assert_int_equal(records->cpu.lost_records, 17);
}

static void new_thread_has_its_creators_name(void **state)
{
	struct records *records = *state;
	task_table_learn(records->tasks, 41, 40, "parent");
	records_make_fork(records, PERF_RECORD_FORK);
	assert_int_equal(records_translate(records), 1);
	assert_int_equal(records->event.kind, FT_EVENT_FORK);
	assert_int_equal(records->event.task->tid, 41);
	assert_int_equal(records->event.fork.child->tid, 61);
	assert_int_equal(records->event.fork.child->tgid, 60);
	assert_string_equal(records->event.fork.child->comm, "parent");
}

static void exit_is_the_threads_own(void **state)
{
	struct records *records = *state;
	records_make_fork(records, PERF_RECORD_EXIT);
	assert_int_equal(records_translate(records), 1);
	assert_int_equal(records->event.kind, FT_EVENT_EXIT);
	assert_int_equal(records->event.task->tid, 61);
}

static void comm_tells_exec_from_renaming(void **state)
{
	struct records *records = *state;
	for (int exec = 0; exec <= 1; exec++) {
		records_begin(records, PERF_RECORD_COMM, exec ? PERF_RECORD_MISC_COMM_EXEC : 0);
		records_add_u32(records, 40);
		records_add_u32(records, 41);
		records_add(records, "newname", 8);
		records_end_with_id(records, 1000);
		assert_int_equal(records_translate(records), 1);
		assert_int_equal(records->event.kind, FT_EVENT_COMM);
		assert_string_equal(records->event.task->comm, "newname");
		assert_int_equal(records->event.comm.exec, exec);
	}
}

static void only_executable_files_are_mappings(void **state)
{
	struct records *records = *state;
	records_make_mmap(records, "/usr/lib/libx.so", PROT_READ | PROT_EXEC);
	assert_int_equal(records_translate(records), 1);
	assert_int_equal(records->event.kind, FT_EVENT_MMAP);
	assert_string_equal(records->event.mmap.path, "/usr/lib/libx.so");
	assert_int_equal(records->event.mmap.start, 0x7f0000000000);
	assert_int_equal(records->event.mmap.length_bytes, 0x1000);
	assert_int_equal(records->event.mmap.offset_bytes, 0x2000);
	records_make_mmap(records, "/usr/lib/libx.so", PROT_READ);
	assert_int_equal(records_translate(records), 0);
	records_make_mmap(records, "//anon", PROT_READ | PROT_EXEC);
	assert_int_equal(records_translate(records), 0);
}

static void overlong_path_is_cut(void **state)
{
	struct records *records = *state;
	char path[3000];
	memset(path, 'a', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	records_make_mmap(records, path, PROT_EXEC);
	assert_int_equal(records_translate(records), 1);
	assert_int_equal(strlen(records->event.mmap.path), FT_TEXT_BYTES_MAX - 1);
}

static void throttling_is_noted_once_a_cpu(void **state)
{
	struct records *records = *state;
	for (int i = 0; i < 2; i++) {
		records_begin(records, PERF_RECORD_THROTTLE, 0);
		records_add_u64(records, 1);
		records_add_u64(records, RECORDS_ID(RECORDS_SAMPLE));
		records_add_u64(records, 1);
		records_end_with_id(records, 1000);
		assert_int_equal(records_translate(records), i ? 0 : 1);
	}
	assert_int_equal(records->event.kind, FT_EVENT_NOTE);
	assert_non_null(strstr(records->event.note.text, "CPU 5"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, records_set_up, records_tear_down)

UNIT_TESTS(translate)
{
	const struct CMUnitTest tests[] = {
		TEST(switch_names_both_and_keeps_the_stack),
		TEST(switch_that_two_events_record_is_one),
		TEST(switch_with_a_sampled_stack_is_one),
		TEST(switch_that_three_events_record_is_one),
		TEST(switch_without_process_has_the_one_that_is_known),
		TEST(loss_told_by_an_event_without_process_is_whole),
		TEST(switch_seen_again_after_a_loss_is_another),
		TEST(waking_that_two_events_record_is_one),
		TEST(idle_task_has_the_cpus_name),
		TEST(tgid_learned_from_one_record_serves_the_next),
		TEST(dead_thread_is_forgotten_but_its_last_switch_is_whole),
		TEST(waking_knows_an_interrupt),
		TEST(raw_pid_counts_not_the_samples),
		TEST(lock_wait_has_address_and_flags),
		TEST(hold_has_mm_and_how_it_is_held),
		TEST(call_has_arguments_both_stacks_and_the_dump),
		TEST(call_without_a_usable_dump_is_recorded_all_the_same),
		TEST(samples_of_the_idle_task_are_dropped),
		TEST(stack_of_too_many_frames_is_cut_at_the_root),
		TEST(extra_event_has_its_name),
		TEST(loss_spans_from_the_last_record_seen),
		TEST(new_thread_has_its_creators_name),
		TEST(exit_is_the_threads_own),
		TEST(comm_tells_exec_from_renaming),
		TEST(only_executable_files_are_mappings),
		TEST(overlong_path_is_cut),
		TEST(throttling_is_noted_once_a_cpu),
	};

	return run_unit_tests(tests, NULL, NULL);
}
