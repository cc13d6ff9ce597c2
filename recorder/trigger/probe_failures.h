/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When questions that go badly have gone badly for long enough. Knows no clock,
 * no socket and no thread: whoever asks tells it what came of it.
 */
#ifndef RECORDER_TRIGGER_PROBE_FAILURES_H
#define RECORDER_TRIGGER_PROBE_FAILURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROBE_WHY_BYTES 96

/*
 * A row of failures begins when the first question that got no good answer was
 * asked, and ends with a good answer. It fires once.
 */
struct probe_failures {
	uint64_t slower_than_ns;
	uint64_t for_ns;
	bool in_row;
	bool fired;
	uint64_t row_start_ns;
	uint64_t row_slow; /* answers in this row that were only late */
	uint64_t row_bad;
	uint64_t last_ns; /* how long the last answer of the row took */
	char last_why[PROBE_WHY_BYTES];
};

void probe_failures_init(struct probe_failures *failures, uint64_t slower_than_ns, uint64_t for_ns);

/**
 * probe_failures_answer() - a question asked at @start_ns came to an end at @end_ns.
 *
 * @why: NULL for a good answer, which may still be late; else what was bad about it.
 * @ret_failed: whether it counts as a failure.
 *
 * Return: whether the row of failures fires now.
 */
bool probe_failures_answer(struct probe_failures *failures, uint64_t start_ns, uint64_t end_ns, const char *why,
		    bool *ret_failed);

/* The question asked at @start_ns still has no answer. Return: whether the row fires now. */
bool probe_failures_waiting(struct probe_failures *failures, uint64_t start_ns, uint64_t now_ns);

/* When probe_failures_waiting() would fire; UINT64_MAX: not again for this question. */
uint64_t probe_failures_due_ns(const struct probe_failures *failures, uint64_t start_ns);

/**
 * probe_failures_describe() - the evidence, as one line.
 *
 * @name:       of the one who was asked, as "tcp 127.0.0.1:6379".
 * @waiting_ns: for how long the question under way is without an answer; 0: none is under way.
 */
void probe_failures_describe(const struct probe_failures *failures, const char *name, uint64_t now_ns,
		      uint64_t waiting_ns, char *ret_text, size_t text_bytes);

#endif
