/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why the kernel's events cannot be recorded, as a diagnostic.
 */
#ifndef RECORDER_PERF_REFUSAL_H
#define RECORDER_PERF_REFUSAL_H

struct diagnostic;
struct perf_events_failure;
struct tracefs;

/* Both write @diagnostic and return -1. @error is of tracefs_open() or perf_events_open(). */
int refusal_of_tracefs(struct diagnostic *diagnostic, int error);

/* @tracefs is read for the fields that a refused filter could have used. */
int refusal_of_counters(struct diagnostic *diagnostic, int error,
			const struct perf_events_failure *failure, const struct tracefs *tracefs);

#endif
