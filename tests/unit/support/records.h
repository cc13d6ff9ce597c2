/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records as the kernel writes them, made by hand one after the other, and what becomes of each.
 * Every failure ends the test.
 */
#ifndef TESTS_UNIT_SUPPORT_RECORDS_H
#define TESTS_UNIT_SUPPORT_RECORDS_H

#include <stddef.h>
#include <stdint.h>

#include "recorder/record/translate.h"

/* The events that are open on the CPU, which is number 5. */
enum {
	RECORDS_TASKS,
	RECORDS_SWITCH,
	RECORDS_WAKING,
	RECORDS_LOCK,
	RECORDS_CALL,
	RECORDS_SAMPLE,
	RECORDS_EXTRA,
	RECORDS_STACK_WAKING,
	RECORDS_HOLD,
	RECORDS_EVENTS
};
#define RECORDS_ID(event) (100u + (event))

struct records {
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

/* Of each test. */
int records_set_up(void **state);
int records_tear_down(void **state);

/* A record is begun, added to and ended. */
void records_begin(struct records *records, uint32_t type, uint16_t misc);
void records_begin_sample(struct records *records, int event, int32_t pid, int32_t tid,
			  uint64_t time_ns);
void records_add(struct records *records, const void *bytes, size_t count);
void records_add_u64(struct records *records, uint64_t value);
void records_add_u32(struct records *records, uint32_t value);
/* Raw data: its size, then bytes so that size field and data are a multiple of 8. */
void records_add_raw(struct records *records, const void *raw, uint32_t bytes);
/* What the raw data of each tracepoint begins with. */
void records_set_common(uint8_t *raw, uint8_t flags, int32_t pid);
/* The size, and zeros up to a multiple of 8. */
void records_end(struct records *records);
/* ... behind what the kernel says of each record that is no sample. */
void records_end_with_id(struct records *records, uint64_t time_ns);

/* Whole records. */
void records_make_switch(struct records *records, int32_t prev, uint64_t prev_state, int32_t next,
			 uint64_t time_ns);
/* As an event without stacks makes it. */
void records_make_plain_switch(struct records *records, int32_t prev, uint64_t prev_state, int32_t next,
			       uint64_t time_ns);
void records_make_waking(struct records *records, uint8_t flags);
void records_make_call(struct records *records, uint64_t abi, uint64_t stack_bytes,
		       uint64_t used_bytes);
void records_make_sample(struct records *records, int32_t pid, int32_t tid, size_t kernel,
			 size_t user);
void records_make_fork(struct records *records, uint32_t type);
void records_make_mmap(struct records *records, const char *path, uint32_t protection);

/* What translate_record() returns for the record that was ended last. */
int records_translate(struct records *records);

#endif
