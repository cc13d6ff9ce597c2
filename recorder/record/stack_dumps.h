/* SPDX-License-Identifier: Apache-2.0 */
/*
 * User registers and stack pieces of large calls, and unwinding them. The drain adds dumps and
 * never waits. A disposable child unwinds: the tables that it reads may be hostile, and lie on
 * disks that may be stuck. Dumps hold memory contents, so they never reach a file.
 */
#ifndef RECORDER_RECORD_STACK_DUMPS_H
#define RECORDER_RECORD_STACK_DUMPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/event.h"
#include "recorder/buffer/recorder_events.h"
#include "recorder/perf/tier.h"
#include "recorder/record/translate.h"
#include "recorder/symbols/mappings.h"

#define DUMPS_MAX 64
#define DUMP_REGISTERS_MAX 64

struct stack_dump {
	struct ft_task task;
	uint64_t time_ns;		/* of the call */
	uint64_t length_bytes;		/* of the mapping that the call changes */
	uint64_t registers[DUMP_REGISTERS_MAX];
	size_t stack_bytes;
	uint8_t stack[TIER_DUMP_BYTES];
};

struct stack_dumps;

int stack_dumps_create(struct stack_dumps **ret_dumps);	/* 0 or -ENOMEM */
void stack_dumps_destroy(struct stack_dumps *dumps);	/* wipes them first */

/* Keep the dump of @call, an FT_EVENT_CALL. If there is no room, the smallest call makes way,
 * and of equal ones the oldest. */
void stack_dumps_add(struct stack_dumps *dumps, const struct ft_event *call,
		     const struct translate_dump *dump);

/* Take out one dump of a call up to @until_ns. Return: false if there is none. */
bool stack_dumps_take(struct stack_dumps *dumps, uint64_t until_ns, struct stack_dump *ret_dump);

uint64_t stack_dumps_dropped(const struct stack_dumps *dumps);	/* so far, because there was no room */

/**
 * stack_dumps_unwind() - take out all dumps of calls up to @until_ns and unwind them.
 *
 * @visit: called with each FT_EVENT_UNWOUND that the child found before @deadline_ms; borrowed during the call.
 *
 * Return: 0, -ENOMEM, or why stacks are missing, as helper_process_run().
 */
int stack_dumps_unwind(struct stack_dumps *dumps, uint64_t until_ns,
		       const struct mappings *mappings, int deadline_ms,
		       int (*visit)(void *context, const struct ft_event *event), void *context);

/* Note which stacks are missing. @error: of stack_dumps_unwind(). */
void stack_dumps_note_missing(int error, uint64_t dropped, struct recorder_events *own_events);

#endif
