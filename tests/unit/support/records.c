/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/support/records.h"
#include "tests/unit/support/tracepoint_formats.h"
#include "tests/unit/support/unit_test.h"

#define REGISTERS 3u /* two of them */

static void parse_format(struct tracepoint_format *ret_format, struct tracepoint_states *states,
			 const char *text, const char *const *names)
{
	assert_int_equal(tracepoint_format_parse(text, strlen(text), "x", names, ret_format, states,
						 NULL),
			 0);
}

int records_set_up(void **state)
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
	struct records *records = calloc(1, sizeof(*records));
	*state = records;
	records->plan.count = RECORDS_EVENTS;
	records->cpu.cpu = 5;
	records->cpu.ids = records->ids;
	for (size_t i = 0; i < RECORDS_EVENTS; i++) {
		records->plan.events[i].role = ROLES[i];
		records->plan.events[i].attr.sample_type =
			PERF_SAMPLE_IDENTIFIER | PERF_SAMPLE_TID | PERF_SAMPLE_TIME;
		records->ids[i] = RECORDS_ID(i);
	}
	records->plan.events[RECORDS_EXTRA].name = (char *)"page-faults";
	records->plan.events[RECORDS_CALL].call = FT_CALL_MMAP;
	records->plan.events[RECORDS_STACK_WAKING].attr.sample_type |= PERF_SAMPLE_RAW;
	records->plan.events[RECORDS_SWITCH].attr.sample_type |=
		PERF_SAMPLE_CALLCHAIN | PERF_SAMPLE_RAW;
	records->plan.events[RECORDS_WAKING].attr.sample_type |= PERF_SAMPLE_RAW;
	records->plan.events[RECORDS_LOCK].attr.sample_type |= PERF_SAMPLE_RAW;
	records->plan.events[RECORDS_HOLD].attr.sample_type |= PERF_SAMPLE_RAW;
	records->plan.events[RECORDS_HOLD].hold = FT_HOLD_ACQUIRED | FT_HOLD_OF_MM;
	records->plan.events[RECORDS_CALL].attr.sample_type |=
		PERF_SAMPLE_CALLCHAIN | PERF_SAMPLE_RAW | PERF_SAMPLE_REGS_USER |
		PERF_SAMPLE_STACK_USER;
	records->plan.events[RECORDS_CALL].attr.sample_regs_user = REGISTERS;
	records->plan.events[RECORDS_SAMPLE].attr.sample_type |= PERF_SAMPLE_CALLCHAIN;
	parse_format(&records->plan.events[RECORDS_SWITCH].format, &records->plan.states,
		     FORMAT_SWITCH, SWITCH_FIELDS);
	parse_format(&records->plan.events[RECORDS_WAKING].format, NULL, FORMAT_WAKING,
		     WAKING_FIELDS);
	parse_format(&records->plan.events[RECORDS_STACK_WAKING].format, NULL, FORMAT_WAKING,
		     WAKING_FIELDS);
	parse_format(&records->plan.events[RECORDS_LOCK].format, NULL, FORMAT_CONTENTION_BEGIN,
		     LOCK_FIELDS);
	parse_format(&records->plan.events[RECORDS_HOLD].format, NULL, FORMAT_MMAP_LOCK_ACQUIRED,
		     HOLD_FIELDS);
	parse_format(&records->plan.events[RECORDS_CALL].format, NULL, FORMAT_MMAP, MMAP_FIELDS);
	if (task_table_create(100, &records->tasks))
		return -1;
	translate_init(&records->translate, &records->plan, records->tasks);
	return 0;
}

int records_tear_down(void **state)
{
	struct records *records = *state;
	task_table_destroy(records->tasks);
	free(records);
	return 0;
}

void records_add(struct records *records, const void *bytes, size_t count)
{
	assert_true(records->bytes + count <= sizeof(records->record));
	memcpy(records->record + records->bytes, bytes, count);
	records->bytes += count;
}

void records_add_u64(struct records *records, uint64_t value)
{
	records_add(records, &value, sizeof(value));
}

void records_add_u32(struct records *records, uint32_t value)
{
	records_add(records, &value, sizeof(value));
}

void records_begin(struct records *records, uint32_t type, uint16_t misc)
{
	records->bytes = 0;
	records_add(records, &(struct perf_event_header){ .type = type, .misc = misc },
		    sizeof(struct perf_event_header));
}

void records_begin_sample(struct records *records, int event, int32_t pid, int32_t tid,
			  uint64_t time_ns)
{
	records_begin(records, PERF_RECORD_SAMPLE, 0);
	records_add_u64(records, RECORDS_ID(event));
	if (records->plan.events[event].attr.sample_type & PERF_SAMPLE_TID) {
		records_add_u32(records, (uint32_t)pid);
		records_add_u32(records, (uint32_t)tid);
	}
	records_add_u64(records, time_ns);
}

void records_end(struct records *records)
{
	while (records->bytes % 8)
		records->record[records->bytes++] = 0;
	((struct perf_event_header *)(void *)records->record)->size = (uint16_t)records->bytes;
}

void records_end_with_id(struct records *records, uint64_t time_ns)
{
	while (records->bytes % 8)
		records->record[records->bytes++] = 0;
	records_add_u32(records, 1);
	records_add_u32(records, 1);
	records_add_u64(records, time_ns);
	records_add_u64(records, RECORDS_ID(RECORDS_TASKS));
	records_end(records);
}

int records_translate(struct records *records)
{
	return translate_record(&records->translate, &records->cpu,
				(const struct perf_event_header *)(const void *)records->record,
				&records->event, &records->dump);
}

void records_add_raw(struct records *records, const void *raw, uint32_t bytes)
{
	uint32_t padded = (bytes + 4 + 7) / 8 * 8 - 4;
	static const uint8_t ZEROS[8];
	records_add_u32(records, padded);
	records_add(records, raw, bytes);
	records_add(records, ZEROS, padded - bytes);
}

void records_set_common(uint8_t *raw, uint8_t flags, int32_t pid)
{
	raw[2] = flags;
	memcpy(raw + 4, &pid, 4);
}

static void make_switch(struct records *records, int32_t prev, uint64_t prev_state, int32_t next,
			uint64_t time_ns, bool with_stack)
{
	uint8_t raw[64] = { 0 };
	records_set_common(raw, 1, prev);
	memcpy(raw + 8, "left", 4);
	memcpy(raw + 24, &prev, 4);
	memcpy(raw + 32, &prev_state, 8);
	memcpy(raw + 40, "came", 4);
	memcpy(raw + 56, &next, 4);
	records_begin_sample(records, RECORDS_SWITCH, 40, prev, time_ns);
	if (with_stack) {
		records_add_u64(records, 4);
		records_add_u64(records, PERF_CONTEXT_KERNEL);
		records_add_u64(records, 0xffffffff81000001);
		records_add_u64(records, 0xffffffff81000002);
		records_add_u64(records, 0xffffffff81000003);
	}
	records_add_raw(records, raw, sizeof(raw));
	records_end(records);
}

void records_make_switch(struct records *records, int32_t prev, uint64_t prev_state, int32_t next,
			 uint64_t time_ns)
{
	make_switch(records, prev, prev_state, next, time_ns, true);
}

void records_make_plain_switch(struct records *records, int32_t prev, uint64_t prev_state, int32_t next,
			       uint64_t time_ns)
{
	make_switch(records, prev, prev_state, next, time_ns, false);
}

void records_make_waking(struct records *records, uint8_t flags)
{
	uint8_t raw[36] = { 0 };
	int32_t wakee = 50;
	records_set_common(raw, flags, 41);
	memcpy(raw + 8, "sleeper", 7);
	memcpy(raw + 24, &wakee, 4);
	records_begin_sample(records, RECORDS_WAKING, 40, 41, 1000);
	records_add_raw(records, raw, sizeof(raw));
	records_end(records);
}

void records_make_call(struct records *records, uint64_t abi, uint64_t stack_bytes,
		       uint64_t used_bytes)
{
	uint8_t raw[64] = { 0 };
	uint64_t arguments[] = { 0, 128u << 20, 3, 0x22 };
	records_set_common(raw, 0, 41);
	memcpy(raw + 16, arguments, sizeof(arguments));
	records_begin_sample(records, RECORDS_CALL, 40, 41, 1000);
	records_add_u64(records, 4);
	records_add_u64(records, PERF_CONTEXT_KERNEL);
	records_add_u64(records, 0xffffffff81000001);
	records_add_u64(records, PERF_CONTEXT_USER);
	records_add_u64(records, 0x401000);
	records_add_raw(records, raw, sizeof(raw));
	records_add_u64(records, abi);
	if (abi) {
		records_add_u64(records, 0xaaa);
		records_add_u64(records, 0xbbb);
	}
	records_add_u64(records, stack_bytes);
	for (uint64_t i = 0; i < stack_bytes; i += 8)
		records_add_u64(records, 0x5555000000000000 + i);
	if (stack_bytes)
		records_add_u64(records, used_bytes);
	records_end(records);
}

void records_make_sample(struct records *records, int32_t pid, int32_t tid, size_t kernel,
			 size_t user)
{
	records_begin_sample(records, RECORDS_SAMPLE, pid, tid, 1000);
	records_add_u64(records, kernel + user + 2);
	records_add_u64(records, PERF_CONTEXT_KERNEL);
	for (size_t i = 0; i < kernel; i++)
		records_add_u64(records, 0xffffffff81000000 + i);
	records_add_u64(records, PERF_CONTEXT_USER);
	for (size_t i = 0; i < user; i++)
		records_add_u64(records, 0x400000 + i);
	records_end(records);
}

void records_make_fork(struct records *records, uint32_t type)
{
	records_begin(records, type, 0);
	records_add_u32(records, 60);
	records_add_u32(records, 40);
	records_add_u32(records, 61);
	records_add_u32(records, 41);
	records_add_u64(records, 1);
	records_end_with_id(records, 1000);
}

void records_make_mmap(struct records *records, const char *path, uint32_t protection)
{
	records_begin(records, PERF_RECORD_MMAP2, 0);
	records_add_u32(records, 40);
	records_add_u32(records, 41);
	records_add_u64(records, 0x7f0000000000);
	records_add_u64(records, 0x1000);
	records_add_u64(records, 0x2000);
	records_add_u64(records, 0);
	records_add_u64(records, 0);
	records_add_u64(records, 0);
	records_add_u32(records, protection);
	records_add_u32(records, 0);
	records_add(records, path, strlen(path) + 1);
	records_end_with_id(records, 1000);
}
