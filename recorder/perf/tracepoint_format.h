/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The places of fields in a tracepoint's raw record, from its format file.
 */
#ifndef RECORDER_PERF_TRACEPOINT_FORMAT_H
#define RECORDER_PERF_TRACEPOINT_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/event.h"

#define TRACEPOINT_FIELDS_MAX 6

struct tracepoint_field {
	uint16_t offset, bytes;	/* bytes 0: the record has no such field */
	bool is_signed;
};

struct tracepoint_format {
	struct tracepoint_field common_pid, common_flags;
	struct tracepoint_field fields[TRACEPOINT_FIELDS_MAX];	/* in the order asked for */
};

/* The meaning of the bits of prev_state, from the print format of sched_switch. */
struct tracepoint_states {
	uint64_t mask;		/* bits that name a state */
	uint64_t preempted;	/* the bit printed as "+" */
	enum ft_task_state by_bit[16];
};

/**
 * tracepoint_format_parse() - find the fields @names (NULL ends; at most TRACEPOINT_FIELDS_MAX) in
 * @text.
 *
 * @ret_states: filled from the print format where not NULL.
 * @ret_missing: the name of the field that is not there, on -ENOKEY; may be NULL.
 *
 * Return: 0, -EBADMSG (not a format), -ENOKEY, -ENOMEM.
 */
int tracepoint_format_parse(const char *text, size_t text_bytes, const char *subsystem,
			    const char *const *names, struct tracepoint_format *ret_format,
			    struct tracepoint_states *ret_states, const char **ret_missing);

/* Names of the fields a filter may use, joined by ", ". Return: as tracepoint_format_parse(). */
int tracepoint_format_field_names(const char *text, size_t text_bytes, const char *subsystem,
				  char *ret_names, size_t names_bytes);

/* Value of @field in the @raw record, 0 where it lies outside: @raw_bytes come from the kernel. */
uint64_t tracepoint_format_number(const struct tracepoint_field *field, const void *raw,
				  size_t raw_bytes);

/* A task name of FT_COMM_BYTES, which need not end with a zero; NULL: not such a field. */
const char *tracepoint_format_comm(const struct tracepoint_field *field, const void *raw,
				   size_t raw_bytes);

enum ft_task_state tracepoint_format_state(const struct tracepoint_states *states,
					   uint64_t prev_state);

#endif
