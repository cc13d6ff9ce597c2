/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several events may record one occurrence, a switch or a waking: one with a stack and one without,
 * or those of two modes while one mode follows the other. The first record stands for it.
 */
#ifndef RECORDER_RECORD_OCCURRENCE_H
#define RECORDER_RECORD_OCCURRENCE_H

#include <stdbool.h>
#include <stdint.h>

/* Two events record the same waking no further apart than this. */
#define OCCURRENCE_NS 20000

/* The latest one of a kind on a CPU, or what one record says. */
struct occurrence {
	uint64_t events;	/* that recorded it: bits by their place in the plan; 0: none is known */
	bool complete;		/* so did the event that records each, which comes last */
	int32_t tid, other;	/* who left and who came; who woke and who was woken */
	uint64_t time_ns;	/* of its first record */
};

/**
 * occurrence_repeats() - whether @now is a further record of @latest, which is updated.
 *
 * @within_ns: records of one occurrence are no further apart.
 *
 * The event that records each occurrence comes last (see tier.c). What comes later than that is
 * another occurrence, unless it comes within OCCURRENCE_NS: then the kernel called the events in
 * another order.
 */
bool occurrence_repeats(struct occurrence *latest, const struct occurrence *now,
			uint64_t within_ns);

#endif
