/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why a recording cannot begin, in the words of a message.
 */
#ifndef RECORDER_REFUSAL_H
#define RECORDER_REFUSAL_H

#include "recorder/perf/perf_events.h"
#include "recorder/perf/tracefs.h"

struct refusal {
	int status;		/* of command.h */
	char text[1024];	/* what happened */
	char advice[1024];	/* what to do about it */
};

/* Each writes @refusal and returns -1. @advice: whole sentences, or "". */
int refuse(struct refusal *refusal, int status, const char *advice, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
int refusal_for_memory(struct refusal *refusal);
int refusal_of_tracefs(struct refusal *refusal, int error);

/* @tracefs: to name the fields that a refused filter could have used. */
int refusal_of_counters(struct refusal *refusal, int error, const struct counters_failure *failure,
			const struct tracefs *tracefs);

#endif
