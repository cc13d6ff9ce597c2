/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the fields of a tracepoint's raw record lie, from its format file.
 */
#ifndef RECORDER_FORMAT_H
#define RECORDER_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/event.h"

#define FORMAT_FIELDS_MAX 6

struct format_field {
	uint16_t offset, bytes;	/* bytes 0: the record has no such field */
	bool is_signed;
};

struct format {
	struct format_field common_pid, common_flags;
	struct format_field fields[FORMAT_FIELDS_MAX];	/* in the order asked for */
};

/* Which bit of prev_state means what, from sched_switch's print format. */
struct format_states {
	uint64_t mask;		/* bits that name a state */
	uint64_t preempted;	/* the bit printed as "+" */
	enum ft_task_state by_bit[16];
};

/**
 * format_parse() - find the fields @names (NULL ends; at most FORMAT_FIELDS_MAX) in @text.
 *
 * @ret_states: filled from the print format where not NULL.
 * @ret_missing: the name of the field that is not there, on -ENOKEY; may be NULL.
 *
 * Return: 0, -EBADMSG (not a format), -ENOKEY, -ENOMEM.
 */
int format_parse(const char *text, size_t text_bytes, const char *subsystem,
		 const char *const *names, struct format *ret_format,
		 struct format_states *ret_states, const char **ret_missing);

/* Names of the fields a filter may use, joined by ", ". Return: as format_parse(). */
int format_field_names(const char *text, size_t text_bytes, const char *subsystem, char *ret_names,
		       size_t names_bytes);

/* Value of @field in the @raw record, 0 where it lies outside: @raw_bytes come from the kernel. */
uint64_t format_number(const struct format_field *field, const void *raw, size_t raw_bytes);

/* A task's name: FT_COMM_BYTES of @raw, zero-terminated only where it is shorter. NULL where this is
 * not such a field. */
const char *format_comm(const struct format_field *field, const void *raw, size_t raw_bytes);

enum ft_task_state format_state(const struct format_states *states, uint64_t prev_state);

#endif
