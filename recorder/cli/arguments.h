/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Options that several commands have. Each function returns an exit status: EXIT_DONE if it took
 * the value, another one after a message that says why not.
 */
#ifndef RECORDER_CLI_ARGUMENTS_H
#define RECORDER_CLI_ARGUMENTS_H

#include <stddef.h>
#include <stdint.h>

#include "recorder/perf/event_plan.h"
#include "recorder/proc/target.h"
#include "recorder/record/engine.h"
#include "recorder/record/governor.h"

/* What the command line says about the recording itself. */
struct arguments {
	const char *command;		/* for messages that refer to its --help */
	struct target target;
	struct engine_options engine;	/* --kernel-buffer and -e; do not copy: it points to @extras */
	const char *extras[PLAN_EVENTS_MAX];
};

/* "@what '@value'; recorder COMMAND --help says what is possible." Return: EXIT_USAGE. */
int arguments_usage(const char *command, const char *what, const char *value);
int arguments_refuse(const struct arguments *arguments, const char *what, const char *value);

int arguments_pid(struct arguments *arguments, const char *value);
int arguments_event(struct arguments *arguments, const char *value);
int arguments_kernel_buffer(struct arguments *arguments, const char *value);

/* @zero: message if the duration is zero; NULL: zero is allowed. */
int arguments_duration(const struct arguments *arguments, const char *value, const char *zero,
		       uint64_t *ret_ns);

/* Of --stacks: "full", "sampled", "lazy" or "none". */
const char *arguments_stacks_name(enum governor_step step);
int arguments_stacks(const struct arguments *arguments, const char *value,
		     enum governor_step *ret_step);

/* A whole number from @least to @most. */
int arguments_count(const struct arguments *arguments, const char *value, uint32_t least,
		    uint32_t most, uint32_t *ret_count);

#endif
