/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One record of a perf ring -> one event of the capture. Runs on the
 * recording path: no allocation, no system call.
 */
#ifndef RECORDER_RECORD_TRANSLATE_H
#define RECORDER_RECORD_TRANSLATE_H

#include <linux/perf_event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/event.h"
#include "recorder/perf/event_plan.h"
#include "recorder/record/task_table.h"

/* The latest record of a kind, to know the second record of one happening by. */
struct translate_latest {
	const struct event_plan_entry *event;
	int32_t tid, other;
	uint64_t time_ns;
};

/* One CPU's ring: which event has which id, and how far its time has come. */
struct translate_cpu {
	uint32_t cpu;
	uint64_t ids[PLAN_EVENTS_MAX];	/* of plan->events, in their order; 0: not open here */
	uint64_t last_ns;		/* of the latest record; at first, when recording began */
	bool throttled;			/* the kernel held samples back, and a note says so */
	uint64_t lost_records;		/* that LOST records told of */
	struct translate_latest latest_switch, latest_waking;
	uint64_t doubles;		/* records dropped because two events told of the same */
};

/* What the kernel copied from user space at a large call; borrowed from the record. */
struct translate_dump {
	const uint64_t *registers;	/* NULL: none came; one for each bit of attr.sample_regs_user */
	size_t register_count;
	const void *stack;
	size_t stack_bytes;
};

/* Owned by the caller; what the events of translate_record() point to. */
struct translate {
	const struct event_plan *plan;
	struct task_table *tasks;
	struct ft_task task, other;
	struct ft_stack stack;
	uint64_t frames[FT_STACK_FRAMES_MAX];
	char text[FT_TEXT_BYTES_MAX];
};

void translate_init(struct translate *translate, const struct event_plan *plan, struct task_table *tasks);

/**
 * translate_record() - what @record says.
 *
 * @record:    header.size readable bytes at least, 8-byte aligned.
 * @ret_event: written only where 1 is returned; valid until the next call.
 * @ret_dump:  always written.
 *
 * Return: 1 an event, 0 nothing worth recording, -EBADMSG (too short for what it says, or of no event
 * of ours).
 */
int translate_record(struct translate *translate, struct translate_cpu *cpu,
		     const struct perf_event_header *record, struct ft_event *ret_event,
		     struct translate_dump *ret_dump);

#endif
