/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/perf/tracepoint_format.h"

#include <errno.h>
#include <event-parse.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int parse_format(const char *text, size_t text_bytes, const char *subsystem,
			struct tep_handle **ret_handle, struct tep_event **ret_event)
{
	struct tep_handle *handle = tep_alloc();
	if (!handle)
		return -ENOMEM;
	tep_set_loglevel(TEP_LOG_NONE);
	/* Ignore errors: the fields are usable if only the print format is wrong. */
	tep_parse_event(handle, text, text_bytes, subsystem);
	struct tep_event *event = tep_get_first_event(handle);
	if (!event || !event->format.fields) {
		tep_free(handle);
		return -EBADMSG;
	}
	*ret_handle = handle;
	*ret_event = event;
	return 0;
}

static bool find_field(struct tep_event *event, const char *name,
		       struct tracepoint_field *ret_field)
{
	const struct tep_format_field *found = tep_find_any_field(event, name);
	if (!found || found->offset < 0 || found->size <= 0 || found->offset > UINT16_MAX ||
	    found->size > UINT16_MAX)
		return false;
	*ret_field = (struct tracepoint_field){
		.offset = (uint16_t)found->offset,
		.bytes = (uint16_t)found->size,
		.is_signed = found->flags & TEP_FIELD_IS_SIGNED,
	};
	return true;
}

/* Return: the first list of flags in the print format, which is that of prev_state. */
static const struct tep_print_flag_sym *find_flags(const struct tep_print_arg *arg)
{
	const struct tep_print_flag_sym *found = NULL;
	for (; arg && !found; arg = arg->next) {
		if (arg->type == TEP_PRINT_FLAGS)
			return arg->flags.flags;
		if (arg->type == TEP_PRINT_OP) {
			found = find_flags(arg->op.left);
			if (!found)
				found = find_flags(arg->op.right);
		}
	}
	return found;
}

static enum ft_task_state find_state(const char *text)
{
	static const struct {
		char letter;
		enum ft_task_state state;
	} LETTERS[] = {
		{ 'S', FT_STATE_SLEEPING }, { 'D', FT_STATE_DISK }, { 'T', FT_STATE_STOPPED },
		{ 't', FT_STATE_TRACED },   { 'X', FT_STATE_DEAD }, { 'Z', FT_STATE_DEAD },
		{ 'P', FT_STATE_PARKED },   { 'I', FT_STATE_IDLE },
	};
	for (size_t i = 0; i < sizeof(LETTERS) / sizeof(LETTERS[0]); i++)
		if (text[0] == LETTERS[i].letter && !text[1])
			return LETTERS[i].state;
	return FT_STATE_OTHER;
}

static int read_states(const struct tep_event *event, struct tracepoint_states *ret_states)
{
	struct tracepoint_states states = { .mask = 0 };
	for (size_t i = 0; i < 16; i++)
		states.by_bit[i] = FT_STATE_OTHER;
	for (const struct tep_print_flag_sym *flag = find_flags(event->print_fmt.args); flag;
	     flag = flag->next) {
		unsigned long long bit = strtoull(flag->value, NULL, 0);
		if (!bit || (bit & (bit - 1)) || bit >= 1u << 15)
			continue;
		states.mask |= bit;
		states.by_bit[__builtin_ctzll(bit)] = find_state(flag->str);
	}
	if (!states.mask)
		return -EBADMSG;
	/* TASK_REPORT_MAX, printed as "+", is the bit above the last state (since 4.14). */
	states.preempted = 1ull << (64 - __builtin_clzll(states.mask));
	*ret_states = states;
	return 0;
}

int tracepoint_format_parse(const char *text, size_t text_bytes, const char *subsystem,
			    const char *const *names, struct tracepoint_format *ret_format,
			    struct tracepoint_states *ret_states, const char **ret_missing)
{
	struct tep_handle *handle;
	struct tep_event *event;
	int error = parse_format(text, text_bytes, subsystem, &handle, &event);
	if (error)
		return error;

	struct tracepoint_format format = { 0 };
	if (!find_field(event, "common_pid", &format.common_pid) ||
	    !find_field(event, "common_flags", &format.common_flags)) {
		error = -EBADMSG;
		goto out;
	}
	for (size_t i = 0; names && i < TRACEPOINT_FIELDS_MAX && names[i]; i++) {
		if (!find_field(event, names[i], &format.fields[i])) {
			if (ret_missing)
				*ret_missing = names[i];
			error = -ENOKEY;
			goto out;
		}
	}
	if (ret_states)
		error = read_states(event, ret_states);
	if (!error)
		*ret_format = format;
out:
	tep_free(handle);
	return error;
}

int tracepoint_format_field_names(const char *text, size_t text_bytes, const char *subsystem,
				  char *ret_names, size_t names_bytes)
{
	struct tep_handle *handle;
	struct tep_event *event;
	int error = parse_format(text, text_bytes, subsystem, &handle, &event);
	if (error)
		return error;

	size_t used = 0;
	ret_names[0] = '\0';
	for (const struct tep_format_field *field = event->format.fields; field;
	     field = field->next) {
		int wrote = snprintf(ret_names + used, names_bytes - used, "%s%s", used ? ", " : "",
				     field->name);
		if (wrote < 0 || (size_t)wrote >= names_bytes - used)
			break;
		used += (size_t)wrote;
	}
	tep_free(handle);
	return 0;
}

uint64_t tracepoint_format_number(const struct tracepoint_field *field, const void *raw,
				  size_t raw_bytes)
{
	if (!field->bytes || (size_t)field->offset + field->bytes > raw_bytes)
		return 0;
	const uint8_t *at = (const uint8_t *)raw + field->offset;
	switch (field->bytes) {
	case 1:
		return field->is_signed ? (uint64_t)(int8_t)*at : *at;
	case 2: {
		uint16_t value;
		memcpy(&value, at, sizeof(value));
		return field->is_signed ? (uint64_t)(int16_t)value : value;
	}
	case 4: {
		uint32_t value;
		memcpy(&value, at, sizeof(value));
		return field->is_signed ? (uint64_t)(int32_t)value : value;
	}
	case 8: {
		uint64_t value;
		memcpy(&value, at, sizeof(value));
		return value;
	}
	default:
		return 0;
	}
}

const char *tracepoint_format_comm(const struct tracepoint_field *field, const void *raw,
				   size_t raw_bytes)
{
	if (field->bytes != FT_COMM_BYTES || (size_t)field->offset + FT_COMM_BYTES > raw_bytes)
		return NULL;
	return (const char *)raw + field->offset;
}

enum ft_task_state tracepoint_format_state(const struct tracepoint_states *states,
					   uint64_t prev_state)
{
	if (prev_state & states->preempted)
		return FT_STATE_PREEMPTED; /* it did not block, whatever the low bits say */
	uint64_t bits = prev_state & states->mask;
	if (!bits)
		return FT_STATE_RUNNING;
	return states->by_bit[__builtin_ctzll(bits)];
}
