/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/support/tracepoint_formats.h"
#include "recorder/perf/tracepoint_format.h"
#include "tests/unit/support/unit_test.h"

static const char *const SWITCH_FIELDS[] = { "prev_comm", "prev_pid", "prev_state",
					     "next_comm", "next_pid", NULL };

/* @text with each @from made @to: a format of another kernel. The caller frees it. */
static char *edit_format(const char *text, const char *from, const char *to)
{
	char *result = malloc(strlen(text) * 2 + 1), *out = result;
	while (*text) {
		if (!strncmp(text, from, strlen(from))) {
			out = stpcpy(out, to);
			text += strlen(from);
		} else {
			*out++ = *text++;
		}
	}
	*out = '\0';
	return result;
}

static void fields_are_found_by_name(void **state)
{
	struct tracepoint_format format;
	struct tracepoint_states states;
	(void)state;
	assert_int_equal(tracepoint_format_parse(FORMAT_SWITCH, strlen(FORMAT_SWITCH), "sched", SWITCH_FIELDS,
				      &format, &states, NULL),
			 0);
	assert_int_equal(format.common_flags.offset, 2);
	assert_int_equal(format.common_pid.offset, 4);
	assert_int_equal(format.fields[1].offset, 24);
	assert_int_equal(format.fields[2].offset, 32);
	assert_int_equal(format.fields[2].bytes, 8);
	assert_int_equal(format.fields[4].offset, 56);
}

static void fields_that_moved_are_followed(void **state)
{
	struct tracepoint_format format;
	char *text = edit_format(FORMAT_SWITCH, "offset:56;", "offset:64;");
	(void)state;
	assert_int_equal(
		tracepoint_format_parse(text, strlen(text), "sched", SWITCH_FIELDS, &format, NULL, NULL), 0);
	assert_int_equal(format.fields[4].offset, 64);
	free(text);
}

static void missing_field_is_named(void **state)
{
	struct tracepoint_format format = { .common_pid = { .offset = 99 } };
	const char *missing = NULL;
	char *text = edit_format(FORMAT_SWITCH, "prev_state", "prev_mood");
	(void)state;
	assert_int_equal(tracepoint_format_parse(text, strlen(text), "sched", SWITCH_FIELDS, &format, NULL,
				      &missing),
			 -ENOKEY);
	assert_string_equal(missing, "prev_state");
	assert_int_equal(format.common_pid.offset, 99);
	free(text);
}

static void what_is_no_format_is_refused(void **state)
{
	struct tracepoint_format format;
	(void)state;
	assert_int_equal(tracepoint_format_parse("hello\n", 6, "sched", SWITCH_FIELDS, &format, NULL, NULL),
			 -EBADMSG);
	assert_int_equal(tracepoint_format_parse("", 0, "sched", SWITCH_FIELDS, &format, NULL, NULL),
			 -EBADMSG);
}

static void states_are_read_from_the_print_format(void **state)
{
	struct tracepoint_format format;
	struct tracepoint_states states;
	(void)state;
	assert_int_equal(tracepoint_format_parse(FORMAT_SWITCH, strlen(FORMAT_SWITCH), "sched", SWITCH_FIELDS,
				      &format, &states, NULL),
			 0);
	assert_int_equal(tracepoint_format_state(&states, 0), FT_STATE_RUNNING);
	assert_int_equal(tracepoint_format_state(&states, 1), FT_STATE_SLEEPING);
	assert_int_equal(tracepoint_format_state(&states, 2), FT_STATE_DISK);
	assert_int_equal(tracepoint_format_state(&states, 4), FT_STATE_STOPPED);
	assert_int_equal(tracepoint_format_state(&states, 8), FT_STATE_TRACED);
	assert_int_equal(tracepoint_format_state(&states, 0x10), FT_STATE_DEAD);
	assert_int_equal(tracepoint_format_state(&states, 0x20), FT_STATE_DEAD);
	assert_int_equal(tracepoint_format_state(&states, 0x40), FT_STATE_PARKED);
	assert_int_equal(tracepoint_format_state(&states, 0x80), FT_STATE_IDLE);
	assert_int_equal(tracepoint_format_state(&states, 0x100), FT_STATE_PREEMPTED);
	assert_int_equal(tracepoint_format_state(&states, 0x101), FT_STATE_PREEMPTED);
}

static void states_with_other_bits_are_followed(void **state)
{
	struct tracepoint_format format;
	struct tracepoint_states states;
	char *text = edit_format(FORMAT_SWITCH, "{ 0x00000002, \"D\" }", "{ 0x00000200, \"D\" }");
	(void)state;
	assert_int_equal(tracepoint_format_parse(text, strlen(text), "sched", SWITCH_FIELDS, &format, &states,
				      NULL),
			 0);
	assert_int_equal(tracepoint_format_state(&states, 0x200), FT_STATE_DISK);
	assert_int_equal(tracepoint_format_state(&states, 0x400), FT_STATE_PREEMPTED);
	free(text);
}

static void numbers_outside_the_record_are_zero(void **state)
{
	const uint8_t raw[8] = { 0xff, 0xff, 0xff, 0xff, 1, 0, 0, 0 };
	(void)state;
	assert_int_equal(tracepoint_format_number(&(struct tracepoint_field){ 0, 4, true }, raw, 8), UINT64_MAX);
	assert_int_equal(tracepoint_format_number(&(struct tracepoint_field){ 0, 4, false }, raw, 8), UINT32_MAX);
	assert_int_equal(tracepoint_format_number(&(struct tracepoint_field){ 4, 4, false }, raw, 8), 1);
	assert_int_equal(tracepoint_format_number(&(struct tracepoint_field){ 5, 4, false }, raw, 8), 0);
	assert_int_equal(tracepoint_format_number(&(struct tracepoint_field){ 0, 0, false }, raw, 8), 0);
	assert_int_equal(tracepoint_format_number(&(struct tracepoint_field){ 65535, 8, false }, raw, 8), 0);
}

static void comm_must_lie_in_the_record(void **state)
{
	const char raw[20] = "0123abc";
	(void)state;
	assert_ptr_equal(tracepoint_format_comm(&(struct tracepoint_field){ 4, 16, false }, raw, 20), raw + 4);
	assert_null(tracepoint_format_comm(&(struct tracepoint_field){ 4, 16, false }, raw, 19));
	assert_null(tracepoint_format_comm(&(struct tracepoint_field){ 4, 4, false }, raw, 20)); /* __data_loc */
}

static void filter_may_use_the_fields_listed(void **state)
{
	char names[128];
	(void)state;
	assert_int_equal(tracepoint_format_field_names(FORMAT_WAKING, strlen(FORMAT_WAKING), "sched", names,
					    sizeof(names)),
			 0);
	assert_string_equal(names, "comm, pid, prio, target_cpu");
	assert_int_equal(
		tracepoint_format_field_names(FORMAT_WAKING, strlen(FORMAT_WAKING), "sched", names, 8), 0);
}

UNIT_TESTS(tracepoint_format)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_are_found_by_name),
		cmocka_unit_test(fields_that_moved_are_followed),
		cmocka_unit_test(missing_field_is_named),
		cmocka_unit_test(what_is_no_format_is_refused),
		cmocka_unit_test(states_are_read_from_the_print_format),
		cmocka_unit_test(states_with_other_bits_are_followed),
		cmocka_unit_test(numbers_outside_the_record_are_zero),
		cmocka_unit_test(comm_must_lie_in_the_record),
		cmocka_unit_test(filter_may_use_the_fields_listed),
	};
	return run_unit_tests(tests, NULL, NULL);
}
