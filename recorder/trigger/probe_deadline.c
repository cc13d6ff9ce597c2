/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/trigger/probe_deadline.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define DURATION_BYTES 32

static uint64_t add_capped(uint64_t a, uint64_t b)
{
	uint64_t sum;
	return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

void probe_deadline_init(struct probe_deadline *failures, uint64_t slower_than_ns, uint64_t for_ns)
{
	*failures = (struct probe_deadline){ .slower_than_ns = slower_than_ns, .for_ns = for_ns };
}

static void begin_row(struct probe_deadline *failures, uint64_t start_ns)
{
	if (failures->in_row)
		return;
	probe_deadline_init(failures, failures->slower_than_ns, failures->for_ns);
	failures->in_row = true;
	failures->row_start_ns = start_ns;
}

static bool fire_if_long(struct probe_deadline *failures, uint64_t now_ns)
{
	if (failures->fired || now_ns - failures->row_start_ns < failures->for_ns)
		return false;
	failures->fired = true;
	return true;
}

bool probe_deadline_answer(struct probe_deadline *failures, uint64_t start_ns, uint64_t end_ns,
			   const char *why, bool *ret_failed)
{
	bool late = end_ns - start_ns > failures->slower_than_ns;

	*ret_failed = why || late;
	if (!*ret_failed) {
		failures->in_row = false;
		failures->fired = false;
		return false;
	}
	begin_row(failures, start_ns);
	failures->last_ns = end_ns - start_ns;
	snprintf(failures->last_why, sizeof(failures->last_why), "%s", why ? why : "");
	if (why)
		failures->row_bad++;
	else
		failures->row_slow++;
	return fire_if_long(failures, end_ns);
}

/* Return: when a question that has no answer becomes a failure. */
static uint64_t get_late_ns(const struct probe_deadline *failures, uint64_t start_ns)
{
	return add_capped(add_capped(start_ns, failures->slower_than_ns), 1);
}

bool probe_deadline_waiting(struct probe_deadline *failures, uint64_t start_ns, uint64_t now_ns)
{
	if (now_ns < get_late_ns(failures, start_ns))
		return false;
	begin_row(failures, start_ns);
	return fire_if_long(failures, now_ns);
}

uint64_t probe_deadline_due_ns(const struct probe_deadline *failures, uint64_t start_ns)
{
	if (failures->fired)
		return UINT64_MAX;
	uint64_t row_start_ns = failures->in_row ? failures->row_start_ns : start_ns;
	uint64_t long_ns = add_capped(row_start_ns, failures->for_ns);
	uint64_t due_ns = get_late_ns(failures, start_ns);
	return due_ns > long_ns ? due_ns : long_ns;
}

static const char *format_duration(uint64_t ns, char text[DURATION_BYTES])
{
	if (ns >= 1000000000)
		snprintf(text, DURATION_BYTES, "%" PRIu64 ".%" PRIu64 " s", ns / 1000000000,
			 ns / 100000000 % 10);
	else if (ns >= 10000000)
		snprintf(text, DURATION_BYTES, "%" PRIu64 " ms", ns / 1000000);
	else
		snprintf(text, DURATION_BYTES, "%" PRIu64 ".%" PRIu64 " ms", ns / 1000000,
			 ns / 100000 % 10);
	return text;
}

static void describe_problem(const struct probe_deadline *failures, bool waiting, char *ret_text,
			     size_t text_bytes)
{
	char limit[DURATION_BYTES];
	bool slow = failures->row_slow || waiting, bad = failures->row_bad;

	format_duration(failures->slower_than_ns, limit);
	snprintf(ret_text, text_bytes, "%s%s%s%s", bad ? "failing" : "", bad && slow ? " or " : "",
		 slow ? "slower than " : "", slow ? limit : "");
}

static void describe_answers(const struct probe_deadline *failures, char *ret_text,
			     size_t text_bytes)
{
	uint64_t failed = failures->row_slow + failures->row_bad;
	const char *why = failures->last_why;
	char last[DURATION_BYTES];

	if (!failed)
		snprintf(ret_text, text_bytes, "no answer");
	else
		snprintf(ret_text, text_bytes,
			 "%" PRIu64 " of %" PRIu64 " answers failed, the last took %s%s%s", failed,
			 failed, format_duration(failures->last_ns, last), why[0] ? ": " : "", why);
}

static void describe_waiting(const struct probe_deadline *failures, uint64_t waiting_ns,
			     char *ret_text, size_t text_bytes)
{
	char waiting[DURATION_BYTES];
	bool first = !failures->row_slow && !failures->row_bad;

	snprintf(ret_text, text_bytes, "%s for %s", first ? "" : "; then no answer",
		 format_duration(waiting_ns, waiting));
}

void probe_deadline_describe(const struct probe_deadline *failures, const char *name,
			     uint64_t now_ns, uint64_t waiting_ns, char *ret_text,
			     size_t text_bytes)
{
	char problem[32 + DURATION_BYTES], row[DURATION_BYTES], waiting[32 + DURATION_BYTES] = "";
	char answers[96 + DURATION_BYTES + PROBE_WHY_BYTES];

	describe_problem(failures, waiting_ns, problem, sizeof(problem));
	describe_answers(failures, answers, sizeof(answers));
	if (waiting_ns)
		describe_waiting(failures, waiting_ns, waiting, sizeof(waiting));
	snprintf(ret_text, text_bytes, "%s %s for %s: %s%s", name, problem,
		 format_duration(now_ns - failures->row_start_ns, row), answers, waiting);
}
