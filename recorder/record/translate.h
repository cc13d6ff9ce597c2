/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Translates one record of a perf ring into one event of the capture. It runs in the drain:
 * it allocates nothing and makes no system call.
 */
#ifndef RECORDER_RECORD_TRANSLATE_H
#define RECORDER_RECORD_TRANSLATE_H

#include <linux/perf_event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/event.h"
#include "recorder/perf/event_plan.h"
#include "recorder/record/occurrence.h"
#include "recorder/record/task_table.h"

/* State of one CPU's ring. */
struct translate_cpu {
	uint32_t cpu;
	const _Atomic uint64_t *ids;	/* of plan->events, in their order; 0: not open on this CPU */
	uint64_t last_ns;		/* time of the latest record; at first the start of the recording */
	bool throttled;			/* a note said that the kernel held back samples */
	uint64_t lost_records;		/* reported by LOST records */
	struct occurrence latest_switch, latest_waking;
	uint64_t doubles;		/* records dropped, because another event had recorded the same */
};

/* User registers and stack that the kernel copied at a large call; borrowed from the record. */
struct translate_dump {
	const uint64_t *registers;	/* one for each bit of attr.sample_regs_user; NULL: none came */
	size_t register_count;
	const void *stack;
	size_t stack_bytes;
};

/* Owned by the caller; events of translate_record() point into it. */
struct translate {
	const struct event_plan *plan;
	struct task_table *tasks;
	struct ft_task task, other;
	struct ft_stack stack;
	uint64_t frames[FT_STACK_FRAMES_MAX];
	char text[FT_TEXT_BYTES_MAX];
};

void translate_init(struct translate *translate, const struct event_plan *plan,
		    struct task_table *tasks);

/**
 * translate_record() - translate @record.
 *
 * @record:    header.size readable bytes at least, 8-byte aligned.
 * @ret_event: written only if 1 is returned; valid until the next call.
 * @ret_dump:  always written.
 *
 * Return: 1 an event, 0 nothing worth recording, -EBADMSG (the record is too short, or of no event
 * of ours).
 */
int translate_record(struct translate *translate, struct translate_cpu *cpu,
		     const struct perf_event_header *record, struct ft_event *ret_event,
		     struct translate_dump *ret_dump);

#endif
