/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "tests/unit/support/tracepoint_formats.h"
#include "recorder/perf/perf_ring.h"
#include "recorder/record/translate.h"
#include "tests/unit/support/unit_test.h"

/* Records as the kernel writes them, made by hand. */

enum { TASKS, SWITCH, WAKING, LOCK, CALL, SAMPLE, EXTRA, STACK_WAKING, HOLD, EVENTS };
#define OTHER_SWITCH EXTRA /* in the tests of doubles */
#define ID(event) (100u + (event))
#define REGISTERS 3u /* two of them */

struct fixture {
	struct event_plan plan;
	struct task_table *tasks;
	struct translate translate;
	struct translate_cpu cpu;
	_Atomic uint64_t ids[PLAN_EVENTS_MAX];
	_Alignas(8) uint8_t record[8192];
	size_t bytes;
	struct ft_event event;
	struct translate_dump dump;
};

static void parse(struct tracepoint_format *ret_format, struct tracepoint_states *states, const char *text,
		  const char *const *names)
{
	assert_int_equal(tracepoint_format_parse(text, strlen(text), "x", names, ret_format, states, NULL), 0);
}

static int setup(void **state)
{
	static const char *const SWITCH_FIELDS[] = { "prev_comm", "prev_pid", "prev_state",
						     "next_comm", "next_pid", NULL };
	static const char *const WAKING_FIELDS[] = { "comm", "pid", NULL };
	static const char *const LOCK_FIELDS[] = { "lock_addr", "flags", NULL };
	static const char *const HOLD_FIELDS[] = { "mm", "write", NULL };
	static const char *const MMAP_FIELDS[] = { "addr", "len", "prot", "flags", NULL };
	static const enum tier_role ROLES[] = { ROLE_TASKS,	 ROLE_SWITCH, ROLE_WAKING,
						ROLE_LOCK_BEGIN, ROLE_CALL,   ROLE_SAMPLE,
						ROLE_EXTRA,	 ROLE_WAKING, ROLE_LOCK_HOLD };
	struct fixture *f = calloc(1, sizeof(*f));
	*state = f;
	f->plan.count = EVENTS;
	f->cpu.cpu = 5;
	f->cpu.ids = f->ids;
	for (size_t i = 0; i < EVENTS; i++) {
		f->plan.events[i].role = ROLES[i];
		f->plan.events[i].attr.sample_type =
			PERF_SAMPLE_IDENTIFIER | PERF_SAMPLE_TID | PERF_SAMPLE_TIME;
		f->ids[i] = ID(i);
	}
	f->plan.events[EXTRA].name = (char *)"page-faults";
	f->plan.events[CALL].call = FT_CALL_MMAP;
	f->plan.events[STACK_WAKING].attr.sample_type |= PERF_SAMPLE_RAW;
	f->plan.events[SWITCH].attr.sample_type |= PERF_SAMPLE_CALLCHAIN | PERF_SAMPLE_RAW;
	f->plan.events[WAKING].attr.sample_type |= PERF_SAMPLE_RAW;
	f->plan.events[LOCK].attr.sample_type |= PERF_SAMPLE_RAW;
	f->plan.events[HOLD].attr.sample_type |= PERF_SAMPLE_RAW;
	f->plan.events[HOLD].hold = FT_HOLD_ACQUIRED | FT_HOLD_OF_MM;
	f->plan.events[CALL].attr.sample_type |= PERF_SAMPLE_CALLCHAIN | PERF_SAMPLE_RAW |
						 PERF_SAMPLE_REGS_USER | PERF_SAMPLE_STACK_USER;
	f->plan.events[CALL].attr.sample_regs_user = REGISTERS;
	f->plan.events[SAMPLE].attr.sample_type |= PERF_SAMPLE_CALLCHAIN;
	parse(&f->plan.events[SWITCH].format, &f->plan.states, FORMAT_SWITCH, SWITCH_FIELDS);
	parse(&f->plan.events[WAKING].format, NULL, FORMAT_WAKING, WAKING_FIELDS);
	parse(&f->plan.events[STACK_WAKING].format, NULL, FORMAT_WAKING, WAKING_FIELDS);
	parse(&f->plan.events[LOCK].format, NULL, FORMAT_CONTENTION_BEGIN, LOCK_FIELDS);
	parse(&f->plan.events[HOLD].format, NULL, FORMAT_MMAP_LOCK_ACQUIRED, HOLD_FIELDS);
	parse(&f->plan.events[CALL].format, NULL, FORMAT_MMAP, MMAP_FIELDS);
	if (task_table_create(100, &f->tasks))
		return -1;
	translate_init(&f->translate, &f->plan, f->tasks);
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	task_table_destroy(f->tasks);
	free(f);
	return 0;
}

static void add(struct fixture *f, const void *bytes, size_t count)
{
	assert_true(f->bytes + count <= sizeof(f->record));
	memcpy(f->record + f->bytes, bytes, count);
	f->bytes += count;
}

static void add_u64(struct fixture *f, uint64_t value)
{
	add(f, &value, sizeof(value));
}

static void add_u32(struct fixture *f, uint32_t value)
{
	add(f, &value, sizeof(value));
}

static void begin(struct fixture *f, uint32_t type, uint16_t misc)
{
	f->bytes = 0;
	add(f, &(struct perf_event_header){ .type = type, .misc = misc },
	    sizeof(struct perf_event_header));
}

static void begin_sample(struct fixture *f, int event, int32_t pid, int32_t tid, uint64_t time_ns)
{
	begin(f, PERF_RECORD_SAMPLE, 0);
	add_u64(f, ID(event));
	if (f->plan.events[event].attr.sample_type & PERF_SAMPLE_TID) {
		add_u32(f, (uint32_t)pid);
		add_u32(f, (uint32_t)tid);
	}
	add_u64(f, time_ns);
}

/* The size, and zeros up to a multiple of 8. */
static void end(struct fixture *f)
{
	while (f->bytes % 8)
		f->record[f->bytes++] = 0;
	((struct perf_event_header *)(void *)f->record)->size = (uint16_t)f->bytes;
}

static void end_with_id(struct fixture *f, uint64_t time_ns)
{
	while (f->bytes % 8)
		f->record[f->bytes++] = 0;
	add_u32(f, 1);
	add_u32(f, 1);
	add_u64(f, time_ns);
	add_u64(f, ID(TASKS));
	end(f);
}

static int translate(struct fixture *f)
{
	return translate_record(&f->translate, &f->cpu,
				(const struct perf_event_header *)(const void *)f->record,
				&f->event, &f->dump);
}

/* Raw data: its size, then bytes so that size field and data are a multiple of 8. */
static void add_raw(struct fixture *f, const void *raw, uint32_t bytes)
{
	uint32_t padded = (bytes + 4 + 7) / 8 * 8 - 4;
	static const uint8_t ZEROS[8];
	add_u32(f, padded);
	add(f, raw, bytes);
	add(f, ZEROS, padded - bytes);
}

static void add_common(uint8_t *raw, uint8_t flags, int32_t pid)
{
	raw[2] = flags;
	memcpy(raw + 4, &pid, 4);
}

static void make_a_switch(struct fixture *f, int32_t prev, uint64_t prev_state, int32_t next,
			  uint64_t time_ns, bool with_stack)
{
	uint8_t raw[64] = { 0 };
	add_common(raw, 1, prev);
	memcpy(raw + 8, "left", 4);
	memcpy(raw + 24, &prev, 4);
	memcpy(raw + 32, &prev_state, 8);
	memcpy(raw + 40, "came", 4);
	memcpy(raw + 56, &next, 4);
	begin_sample(f, SWITCH, 40, prev, time_ns);
	if (with_stack) {
		add_u64(f, 4);
		add_u64(f, PERF_CONTEXT_KERNEL);
		add_u64(f, 0xffffffff81000001);
		add_u64(f, 0xffffffff81000002);
		add_u64(f, 0xffffffff81000003);
	}
	add_raw(f, raw, sizeof(raw));
	end(f);
}

static void make_switch(struct fixture *f, int32_t prev, uint64_t prev_state, int32_t next,
			uint64_t time_ns)
{
	make_a_switch(f, prev, prev_state, next, time_ns, true);
}

/* As an event without stacks makes it. */
static void make_plain_switch(struct fixture *f, int32_t prev, uint64_t prev_state, int32_t next,
			      uint64_t time_ns)
{
	make_a_switch(f, prev, prev_state, next, time_ns, false);
}

static void switch_names_both_and_keeps_the_stack(void **state)
{
	struct fixture *f = *state;
	make_switch(f, 41, 2, 43, 1000);
	assert_int_equal(translate(f), 1);
	assert_int_equal(f->event.kind, FT_EVENT_SWITCH);
	assert_int_equal(f->event.cpu, 5);
	assert_int_equal(f->event.time_ns, 1000);
	assert_int_equal(f->event.task->tid, 41);
	assert_int_equal(f->event.task->tgid, 40);
	assert_string_equal(f->event.task->comm, "left");
	assert_int_equal(f->event.switch_.prev_state, FT_STATE_DISK);
	assert_int_equal(f->event.switch_.next->tid, 43);
	assert_int_equal(f->event.switch_.next->tgid, -1);
	assert_string_equal(f->event.switch_.next->comm, "came");
	assert_int_equal(f->event.stack->kernel_count, 3);
	assert_int_equal(f->event.stack->user_count, 0);
	assert_int_equal(f->event.stack->frames[0], 0xffffffff81000001);
	assert_int_equal(f->cpu.last_ns, 1000);
}

/* The record just made, as if @event had made it. */
static void made_by(struct fixture *f, int event)
{
	uint64_t id = ID(event);
	memcpy(f->record + sizeof(struct perf_event_header), &id, sizeof(id));
}

static void use_other_switch(struct fixture *f)
{
	f->plan.events[OTHER_SWITCH] = f->plan.events[SWITCH];
}

static void switch_that_two_events_record_is_one(void **state)
{
	struct fixture *f = *state;
	use_other_switch(f);
	make_switch(f, 41, 2, 43, 1000);
	assert_int_equal(translate(f), 1);
	make_switch(f, 41, 2, 43, 1900);
	made_by(f, OTHER_SWITCH);
	assert_int_equal(translate(f), 0);
	assert_int_equal(f->cpu.doubles, 1);
	make_switch(f, 43, 2, 41, 2000);
	made_by(f, OTHER_SWITCH);
	assert_int_equal(translate(f), 1);
	make_switch(f, 41, 2, 43, 3000);
	made_by(f, OTHER_SWITCH);
	assert_int_equal(translate(f), 1);
	assert_int_equal(f->cpu.doubles, 1);
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
		{ SWITCH, 102000, 1 },  { OTHER_SWITCH, 5102000, 0 }, /* a long interruption */
		{ OTHER_SWITCH, 6000000, 1 },
		{ SWITCH, 6900000, 1 },	   { OTHER_SWITCH, 6900800, 0 },
		{ OTHER_SWITCH, 8000000, 1 }, { SWITCH, 8000700, 0 }, /* another order of events */
		{ OTHER_SWITCH, 9000000, 1 },
	};
	struct fixture *f = *state;
	use_other_switch(f);
	f->plan.events[OTHER_SWITCH].attr.sample_type &= ~(uint64_t)PERF_SAMPLE_CALLCHAIN;
	/* As where the kernel is silent about the thread that runs in between. */
	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
		if (CASES[i].event == SWITCH) {
			make_switch(f, 41, 1, 43, CASES[i].time_ns);
		} else {
			make_plain_switch(f, 41, 1, 43, CASES[i].time_ns);
			made_by(f, OTHER_SWITCH);
		}
		assert_int_equal(translate(f), CASES[i].result);
		if (CASES[i].result)
			assert_int_equal(f->event.stack != NULL, CASES[i].event == SWITCH);
	}
	assert_int_equal(f->cpu.doubles, 3);
}

static void switch_that_three_events_record_is_one(void **state)
{
	struct fixture *f = *state;
	use_other_switch(f);
	f->plan.events[STACK_WAKING] = f->plan.events[SWITCH];
	for (int event = 0; event < 3; event++) {
		make_switch(f, 41, 1, 43, 1000 + 100 * (uint64_t)event);
		made_by(f, event == 0 ? SWITCH : event == 1 ? OTHER_SWITCH : STACK_WAKING);
		assert_int_equal(translate(f), !event);
	}
	make_switch(f, 41, 1, 43, 90000);
	assert_int_equal(translate(f), 1);
}

static void switch_seen_again_after_a_loss_is_another(void **state)
{
	struct fixture *f = *state;
	use_other_switch(f);
	make_switch(f, 41, 2, 43, 1000);
	assert_int_equal(translate(f), 1);
	begin(f, PERF_RECORD_LOST, 0);
	add_u64(f, ID(SWITCH));
	add_u64(f, 17);
	end_with_id(f, 1500);
	assert_int_equal(translate(f), 1);
	make_switch(f, 41, 2, 43, 1900);
	made_by(f, OTHER_SWITCH);
	assert_int_equal(translate(f), 1);
	assert_int_equal(f->cpu.doubles, 0);
}

/* Records that come most often are made without the process, which another one has named. */
static void switch_without_process_has_the_one_that_is_known(void **state)
{
	struct fixture *f = *state;
	make_switch(f, 41, 1, 43, 1000);
	assert_int_equal(translate(f), 1);
	f->plan.events[SWITCH].attr.sample_type &= ~(uint64_t)PERF_SAMPLE_TID;
	make_switch(f, 41, 2, 44, 2000);
	assert_int_equal(translate(f), 1);
	assert_int_equal(f->event.time_ns, 2000);
	assert_int_equal(f->event.task->tid, 41);
	assert_int_equal(f->event.task->tgid, 40);
	assert_int_equal(f->event.switch_.next->tgid, -1);
	assert_int_equal(f->event.stack->kernel_count, 3);
}

/* The record of a loss ends as the event would have it in whose place it stands. */
static void loss_told_by_an_event_without_process_is_whole(void **state)
{
	struct fixture *f = *state;
	f->plan.events[SWITCH].attr.sample_type &= ~(uint64_t)PERF_SAMPLE_TID;
	begin(f, PERF_RECORD_LOST, 0);
	add_u64(f, ID(SWITCH));
	add_u64(f, 17);
	add_u64(f, 1500);
	add_u64(f, ID(SWITCH));
	end(f);
	assert_int_equal(translate(f), 1);
	assert_int_equal(f->event.kind, FT_EVENT_LOST);
	assert_int_equal(f->event.time_ns, 1500);
	assert_int_equal(f->event.lost.records, 17);
}

static void idle_task_has_the_cpus_name(void **state)
{
	struct fixture *f = *state;
	make_switch(f, 0, 0, 43, 1000);
	assert_int_equal(translate(f), 1);
	assert_int_equal(f->event.task->tid, 0);
	assert_int_equal(f->event.task->tgid, 0);
	assert_string_equal(f->event.task->comm, "swapper/5");
}

static void tgid_learned_from_one_record_serves_the_next(void **state)
{
	struct fixture *f = *state;
	make_switch(f, 41, 1, 43, 1000);
	assert_int_equal(translate(f), 1);
	make_switch(f, 44, 1, 41, 2000);
	assert_int_equal(translate(f), 1);
	assert_int_equal(f->event.switch_.next->tgid, 40);
}

static void dead_thread_is_forgotten_but_its_last_switch_is_whole(void **state)
{
	struct fixture *f = *state;
	make_switch(f, 41, 0x10, 43, 1000);
	assert_int_equal(translate(f), 1);
	assert_int_equal(f->event.switch_.prev_state, FT_STATE_DEAD);
	assert_int_equal(f->event.task->tid, 41);
	assert_int_equal(f->event.task->tgid, 40);
	assert_int_equal(task_table_learn(f->tasks, 41, -1, NULL)->tgid, -1);
}

static void make_waking(struct fixture *f, uint8_t flags)
{
	uint8_t raw[36] = { 0 };
	int32_t wakee = 50;
	add_common(raw, flags, 41);
	memcpy(raw + 8, "sleeper", 7);
	memcpy(raw + 24, &wakee, 4);
	begin_sample(f, WAKING, 40, 41, 1000);
	add_raw(f, raw, sizeof(raw));
	end(f);
}

static void waking_knows_an_interrupt(void **state)
{
	static const struct {
		uint8_t flags;
		bool in_interrupt;
	} CASES[] = { { 0, false }, { 1, false }, { 0x04, false }, { 0x08, true }, { 0x10, true } };
	struct fixture *f = *state;
	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
		make_waking(f, CASES[i].flags);
		assert_int_equal(translate(f), 1);
		assert_int_equal(f->event.kind, FT_EVENT_WAKING);
		assert_int_equal(f->event.task->tid, 41);
		assert_int_equal(f->event.waking.wakee->tid, 50);
		assert_string_equal(f->event.waking.wakee->comm, "sleeper");
		assert_int_equal(f->event.waking.in_interrupt, CASES[i].in_interrupt);
		assert_null(f->event.stack);
	}
}

static void waking_that_two_events_record_is_one(void **state)
{
	static const struct {
		int event;
		uint64_t time_ns;
		int result;
	} CASES[] = {
		{ WAKING, 1000, 1 },	     { STACK_WAKING, 1800, 0 }, /* of the same waking */
		{ STACK_WAKING, 3000, 1 },   { STACK_WAKING, 3500, 1 },
		{ WAKING, 900000, 1 }, /* too late to be the same */
	};
	struct fixture *f = *state;
	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
		make_waking(f, 0);
		made_by(f, CASES[i].event);
		memcpy(f->record + sizeof(struct perf_event_header) + 16, &CASES[i].time_ns, 8);
		assert_int_equal(translate(f), CASES[i].result);
	}
	assert_int_equal(f->cpu.doubles, 1);
}

/* In a pid namespace the sample's tid is another number than the raw record's. */
static void raw_pid_counts_not_the_samples(void **state)
{
	struct fixture *f = *state;
	make_waking(f, 0);
	uint32_t other = 7;
	memcpy(f->record + 8 + 8 + 4, &other, 4);
	assert_int_equal(translate(f), 1);
	assert_int_equal(f->event.task->tid, 41);
}

static void lock_wait_has_address_and_flags(void **state)
{
	struct fixture *f = *state;
	uint8_t raw[20] = { 0 };
	uint64_t address = 0xffff888012345678;
	uint32_t flags = FT_LOCK_WRITE;
	add_common(raw, 0, 41);
	memcpy(raw + 8, &address, 8);
	memcpy(raw + 16, &flags, 4);
	begin_sample(f, LOCK, 40, 41, 1000);
	add_raw(f, raw, sizeof(raw));
	end(f);
	assert_int_equal(translate(f), 1);
	assert_int_equal(f->event.kind, FT_EVENT_LOCK_BEGIN);
	assert_int_equal(f->event.lock_begin.address, address);
	assert_int_equal(f->event.lock_begin.flags, FT_LOCK_WRITE);
}

static uint32_t flags_of_hold(struct fixture *f, uint8_t write)
{
	uint8_t raw[28] = { 0 };
	uint64_t mm = 0xffff888012340000;
	add_common(raw, 0, 41);
	memcpy(raw + 8, &mm, 8);
	raw[24] = write;
	begin_sample(f, HOLD, 40, 41, 1000);
	add_raw(f, raw, sizeof(raw));
	end(f);
	assert_int_equal(translate(f), 1);
	assert_int_equal(f->event.kind, FT_EVENT_LOCK_HOLD);
	assert_int_equal(f->event.task->tid, 41);
	assert_int_equal(f->event.lock_hold.address, mm);
	return f->event.lock_hold.flags;
}

static void hold_has_mm_and_how_it_is_held(void **state)
{
	assert_int_equal(flags_of_hold(*state, 1), FT_HOLD_ACQUIRED | FT_HOLD_OF_MM | FT_HOLD_WRITE);
	assert_int_equal(flags_of_hold(*state, 0), FT_HOLD_ACQUIRED | FT_HOLD_OF_MM | FT_HOLD_READ);
}

static void make_call(struct fixture *f, uint64_t abi, uint64_t stack_bytes, uint64_t used_bytes)
{
	uint8_t raw[64] = { 0 };
	uint64_t arguments[] = { 0, 128u << 20, 3, 0x22 };
	add_common(raw, 0, 41);
	memcpy(raw + 16, arguments, sizeof(arguments));
	begin_sample(f, CALL, 40, 41, 1000);
	add_u64(f, 4);
	add_u64(f, PERF_CONTEXT_KERNEL);
	add_u64(f, 0xffffffff81000001);
	add_u64(f, PERF_CONTEXT_USER);
	add_u64(f, 0x401000);
	add_raw(f, raw, sizeof(raw));
	add_u64(f, abi);
	if (abi) {
		add_u64(f, 0xaaa);
		add_u64(f, 0xbbb);
	}
	add_u64(f, stack_bytes);
	for (uint64_t i = 0; i < stack_bytes; i += 8)
		add_u64(f, 0x5555000000000000 + i);
	if (stack_bytes)
		add_u64(f, used_bytes);
	end(f);
}

static void call_has_arguments_both_stacks_and_the_dump(void **state)
{
	struct fixture *f = *state;
	make_call(f, PERF_SAMPLE_REGS_ABI_64, 256, 128);
	assert_int_equal(translate(f), 1);
	assert_int_equal(f->event.kind, FT_EVENT_CALL);
	assert_int_equal(f->event.call.call, FT_CALL_MMAP);
	assert_int_equal(f->event.call.args[1], 128u << 20);
	assert_int_equal(f->event.call.args[3], 0x22);
	assert_int_equal(f->event.stack->kernel_count, 1);
	assert_int_equal(f->event.stack->user_count, 1);
	assert_int_equal(f->event.stack->frames[1], 0x401000);
	assert_int_equal(f->dump.register_count, 2);
	assert_int_equal(f->dump.registers[1], 0xbbb);
	assert_int_equal(f->dump.stack_bytes, 128);
	uint64_t second = 0x5555000000000008;
	assert_memory_equal((const uint8_t *)f->dump.stack + 8, &second, 8);
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
	struct fixture *f = *state;
	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
		make_call(f, CASES[i].abi, CASES[i].stack_bytes, CASES[i].used_bytes);
		assert_int_equal(translate(f), 1);
		assert_null(f->dump.registers);
	}
}

static void make_cpu_sample(struct fixture *f, int32_t pid, int32_t tid, size_t kernel, size_t user)
{
	begin_sample(f, SAMPLE, pid, tid, 1000);
	add_u64(f, kernel + user + 2);
	add_u64(f, PERF_CONTEXT_KERNEL);
	for (size_t i = 0; i < kernel; i++)
		add_u64(f, 0xffffffff81000000 + i);
	add_u64(f, PERF_CONTEXT_USER);
	for (size_t i = 0; i < user; i++)
		add_u64(f, 0x400000 + i);
	end(f);
}

static void samples_of_the_idle_task_are_dropped(void **state)
{
	struct fixture *f = *state;
	make_cpu_sample(f, 0, 0, 2, 2);
	assert_int_equal(translate(f), 0);
	make_cpu_sample(f, 40, -1, 2, 2);
	assert_int_equal(translate(f), 0);
	make_cpu_sample(f, 40, 41, 2, 2);
	assert_int_equal(translate(f), 1);
	assert_int_equal(f->event.kind, FT_EVENT_SAMPLE);
	assert_int_equal(f->event.task->tgid, 40);
}

static void stack_of_too_many_frames_is_cut_at_the_root(void **state)
{
	struct fixture *f = *state;
	make_cpu_sample(f, 40, 41, 100, 300);
	assert_int_equal(translate(f), 1);
	assert_int_equal(f->event.stack->kernel_count, 100);
	assert_int_equal(f->event.stack->user_count, FT_STACK_FRAMES_MAX - 100);
	assert_int_equal(f->event.stack->frames[100], 0x400000);
}

static void extra_event_has_its_name(void **state)
{
	struct fixture *f = *state;
	begin_sample(f, EXTRA, 40, 41, 1000);
	end(f);
	assert_int_equal(translate(f), 1);
	assert_int_equal(f->event.kind, FT_EVENT_EXTRA);
	assert_string_equal(f->event.extra.name, "page-faults");
}

static void loss_spans_from_the_last_record_seen(void **state)
{
	struct fixture *f = *state;
	make_switch(f, 41, 1, 43, 1000);
	assert_int_equal(translate(f), 1);
	begin(f, PERF_RECORD_LOST, 0);
	add_u64(f, ID(SWITCH));
	add_u64(f, 17);
	end_with_id(f, 5000);
	assert_int_equal(translate(f), 1);
	assert_int_equal(f->event.kind, FT_EVENT_LOST);
	assert_int_equal(f->event.time_ns, 5000);
	assert_int_equal(f->event.lost.start_ns, 1000);
	assert_int_equal(f->event.lost.records, 17);
	assert_int_equal(f->event.task->tid, 0);
	assert_int_equal(f->cpu.lost_records, 17);
}

static void make_fork(struct fixture *f, uint32_t type)
{
	begin(f, type, 0);
	add_u32(f, 60);
	add_u32(f, 40);
	add_u32(f, 61);
	add_u32(f, 41);
	add_u64(f, 1);
	end_with_id(f, 1000);
}

static void new_thread_has_its_creators_name(void **state)
{
	struct fixture *f = *state;
	task_table_learn(f->tasks, 41, 40, "parent");
	make_fork(f, PERF_RECORD_FORK);
	assert_int_equal(translate(f), 1);
	assert_int_equal(f->event.kind, FT_EVENT_FORK);
	assert_int_equal(f->event.task->tid, 41);
	assert_int_equal(f->event.fork.child->tid, 61);
	assert_int_equal(f->event.fork.child->tgid, 60);
	assert_string_equal(f->event.fork.child->comm, "parent");
}

static void exit_is_the_threads_own(void **state)
{
	struct fixture *f = *state;
	make_fork(f, PERF_RECORD_EXIT);
	assert_int_equal(translate(f), 1);
	assert_int_equal(f->event.kind, FT_EVENT_EXIT);
	assert_int_equal(f->event.task->tid, 61);
}

static void comm_tells_exec_from_renaming(void **state)
{
	struct fixture *f = *state;
	for (int exec = 0; exec <= 1; exec++) {
		begin(f, PERF_RECORD_COMM, exec ? PERF_RECORD_MISC_COMM_EXEC : 0);
		add_u32(f, 40);
		add_u32(f, 41);
		add(f, "newname", 8);
		end_with_id(f, 1000);
		assert_int_equal(translate(f), 1);
		assert_int_equal(f->event.kind, FT_EVENT_COMM);
		assert_string_equal(f->event.task->comm, "newname");
		assert_int_equal(f->event.comm.exec, exec);
	}
}

static void make_mmap(struct fixture *f, const char *path, uint32_t protection)
{
	begin(f, PERF_RECORD_MMAP2, 0);
	add_u32(f, 40);
	add_u32(f, 41);
	add_u64(f, 0x7f0000000000);
	add_u64(f, 0x1000);
	add_u64(f, 0x2000);
	add_u64(f, 0);
	add_u64(f, 0);
	add_u64(f, 0);
	add_u32(f, protection);
	add_u32(f, 0);
	add(f, path, strlen(path) + 1);
	end_with_id(f, 1000);
}

static void only_executable_files_are_mappings(void **state)
{
	struct fixture *f = *state;
	make_mmap(f, "/usr/lib/libx.so", PROT_READ | PROT_EXEC);
	assert_int_equal(translate(f), 1);
	assert_int_equal(f->event.kind, FT_EVENT_MMAP);
	assert_string_equal(f->event.mmap.path, "/usr/lib/libx.so");
	assert_int_equal(f->event.mmap.start, 0x7f0000000000);
	assert_int_equal(f->event.mmap.length_bytes, 0x1000);
	assert_int_equal(f->event.mmap.offset_bytes, 0x2000);
	make_mmap(f, "/usr/lib/libx.so", PROT_READ);
	assert_int_equal(translate(f), 0);
	make_mmap(f, "//anon", PROT_READ | PROT_EXEC);
	assert_int_equal(translate(f), 0);
}

static void overlong_path_is_cut(void **state)
{
	struct fixture *f = *state;
	char path[3000];
	memset(path, 'a', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	make_mmap(f, path, PROT_EXEC);
	assert_int_equal(translate(f), 1);
	assert_int_equal(strlen(f->event.mmap.path), FT_TEXT_BYTES_MAX - 1);
}

static void throttling_is_noted_once_a_cpu(void **state)
{
	struct fixture *f = *state;
	for (int i = 0; i < 2; i++) {
		begin(f, PERF_RECORD_THROTTLE, 0);
		add_u64(f, 1);
		add_u64(f, ID(SAMPLE));
		add_u64(f, 1);
		end_with_id(f, 1000);
		assert_int_equal(translate(f), i ? 0 : 1);
	}
	assert_int_equal(f->event.kind, FT_EVENT_NOTE);
	assert_non_null(strstr(f->event.note.text, "CPU 5"));
}

static void record_of_an_unknown_event_is_refused(void **state)
{
	struct fixture *f = *state;
	make_switch(f, 41, 1, 43, 1000);
	uint64_t id = 999;
	memcpy(f->record + 8, &id, 8);
	assert_int_equal(translate(f), -EBADMSG);
	id = 0; /* what ids[] holds for events that are not open */
	memcpy(f->record + 8, &id, 8);
	assert_int_equal(translate(f), -EBADMSG);
}

static void unknown_kinds_of_record_are_left_out(void **state)
{
	struct fixture *f = *state;
	begin(f, 77, 0);
	end_with_id(f, 1000);
	assert_int_equal(translate(f), 0);
}

/* Each record, cut at every length, in memory of just that length: the sanitizer watches. */
static void cut_record_is_refused_or_harmless(void **state)
{
	struct fixture *f = *state;
	for (int kind = 0; kind < 6; kind++) {
		if (kind == 0)
			make_switch(f, 41, 1, 43, 1000);
		else if (kind == 1)
			make_call(f, PERF_SAMPLE_REGS_ABI_64, 64, 64);
		else if (kind == 2)
			make_mmap(f, "/lib/x", PROT_EXEC);
		else if (kind == 3)
			make_fork(f, PERF_RECORD_FORK);
		else if (kind == 4)
			make_cpu_sample(f, 40, 41, 3, 3);
		else
			make_waking(f, 0);
		for (size_t bytes = 8; bytes < f->bytes; bytes++) {
			struct perf_event_header *cut = malloc(bytes);
			memcpy(cut, f->record, bytes);
			cut->size = (uint16_t)bytes;
			int result =
				translate_record(&f->translate, &f->cpu, cut, &f->event, &f->dump);
			assert_true(result == -EBADMSG || result == 0 || result == 1);
			if (kind == 0 || kind == 1)
				assert_int_equal(result, -EBADMSG);
			free(cut);
		}
	}
}

static void impossible_counts_are_refused(void **state)
{
	static const uint64_t COUNTS[] = { UINT64_MAX, 1ull << 61, 1ull << 32, 5000 };
	struct fixture *f = *state;
	for (size_t i = 0; i < sizeof(COUNTS) / sizeof(COUNTS[0]); i++) {
		make_cpu_sample(f, 40, 41, 3, 3);
		memcpy(f->record + 8 + 24, &COUNTS[i], 8);
		assert_int_equal(translate(f), -EBADMSG);
	}
	make_waking(f, 0);
	uint32_t raw_bytes = UINT32_MAX;
	memcpy(f->record + 8 + 24, &raw_bytes, 4);
	assert_int_equal(translate(f), -EBADMSG);
}

/* The whole way, with the ring's end in each place of the record. */
static void switch_survives_wrapping_anywhere(void **state)
{
	enum { RING_BYTES = 512 };
	struct fixture *f = *state;
	static _Alignas(8) uint8_t data[RING_BYTES], wrapped[PERF_RING_RECORD_BYTES_MAX];
	struct perf_event_mmap_page page = { 0 };
	struct perf_ring ring;
	size_t bad_bytes;
	perf_ring_attach(&ring, &page, data, RING_BYTES, wrapped);
	for (uint64_t start = 0; start < RING_BYTES; start += 8) {
		make_switch(f, 41, 2, 43, 1000 + start);
		for (size_t i = 0; i < f->bytes; i++)
			data[(start + i) % RING_BYTES] = f->record[i];
		page.data_tail = start;
		page.data_head = start + f->bytes;
		perf_ring_begin(&ring);
		const struct perf_event_header *record = perf_ring_next(&ring, &bad_bytes);
		assert_non_null(record);
		assert_int_equal(
			translate_record(&f->translate, &f->cpu, record, &f->event, &f->dump), 1);
		assert_int_equal(f->event.time_ns, 1000 + start);
		assert_int_equal(f->event.task->tid, 41);
		assert_int_equal(f->event.switch_.next->tid, 43);
		assert_int_equal(f->event.stack->frames[2], 0xffffffff81000003);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

UNIT_TESTS(translate)
{
	const struct CMUnitTest tests[] = {
		TEST(switch_names_both_and_keeps_the_stack),
		TEST(switch_that_two_events_record_is_one),
		TEST(switch_with_a_sampled_stack_is_one),
		TEST(switch_without_process_has_the_one_that_is_known),
		TEST(loss_told_by_an_event_without_process_is_whole),
		TEST(switch_that_three_events_record_is_one),
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
		TEST(record_of_an_unknown_event_is_refused),
		TEST(unknown_kinds_of_record_are_left_out),
		TEST(cut_record_is_refused_or_harmless),
		TEST(impossible_counts_are_refused),
		TEST(switch_survives_wrapping_anywhere),
	};
	return run_unit_tests(tests, NULL, NULL);
}
