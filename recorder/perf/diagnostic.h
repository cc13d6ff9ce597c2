/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why a recording cannot begin, in the words of a message.
 */
#ifndef RECORDER_PERF_DIAGNOSTIC_H
#define RECORDER_PERF_DIAGNOSTIC_H

#include "recorder/perf/perf_events.h"
#include "recorder/perf/tracefs.h"

struct diagnostic {
	int status;		/* of command.h */
	char text[1024];	/* what happened */
	char advice[1024];	/* what to do about it */
};

/* Each writes @refusal and returns -1. @advice: whole sentences, or "". */
int refuse(struct diagnostic *refusal, int status, const char *advice, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
int refusal_for_memory(struct diagnostic *refusal);
int refusal_of_tracefs(struct diagnostic *refusal, int error);

/* @tracefs: to name the fields that a refused filter could have used. */
int refusal_of_counters(struct diagnostic *refusal, int error, const struct perf_events_failure *failure,
			const struct tracefs *tracefs);

#endif
