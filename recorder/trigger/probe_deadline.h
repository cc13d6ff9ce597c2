/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decides when a probe has failed for long enough to fire. It has no clock, no socket and no
 * thread: the probe hands in the outcome of each question.
 */
#ifndef RECORDER_TRIGGER_PROBE_DEADLINE_H
#define RECORDER_TRIGGER_PROBE_DEADLINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROBE_WHY_BYTES 96

/*
 * A row of failures begins when its first question is asked, and ends with a good answer. It
 * fires once.
 */
struct probe_deadline {
	uint64_t slower_than_ns;
	uint64_t for_ns;
	bool in_row;
	bool fired;
	uint64_t row_start_ns;
	uint64_t row_slow; /* answers of this row that were late, but not bad */
	uint64_t row_bad;
	uint64_t last_ns; /* time to the last answer of the row */
	char last_why[PROBE_WHY_BYTES];
};

void probe_deadline_init(struct probe_deadline *failures, uint64_t slower_than_ns, uint64_t for_ns);

/**
 * probe_deadline_answer() - the question asked at @start_ns ended at @end_ns.
 *
 * @why:        what was bad about the answer; NULL for a good one, which may still be late.
 * @ret_failed: whether it counts as a failure.
 *
 * Return: whether the row of failures fires now.
 */
bool probe_deadline_answer(struct probe_deadline *failures, uint64_t start_ns, uint64_t end_ns,
			   const char *why, bool *ret_failed);

/* The question asked at @start_ns still has no answer. Return: whether the row fires now. */
bool probe_deadline_waiting(struct probe_deadline *failures, uint64_t start_ns, uint64_t now_ns);

/* Return: when probe_deadline_waiting() will fire; UINT64_MAX: not for this question. */
uint64_t probe_deadline_due_ns(const struct probe_deadline *failures, uint64_t start_ns);

/**
 * probe_deadline_describe() - write the evidence as one line.
 *
 * @name:       whom the probe asks, as "tcp 127.0.0.1:6379".
 * @waiting_ns: time that the current question has been without an answer; 0: there is none.
 */
void probe_deadline_describe(const struct probe_deadline *failures, const char *name,
			     uint64_t now_ns, uint64_t waiting_ns, char *ret_text,
			     size_t text_bytes);

#endif
