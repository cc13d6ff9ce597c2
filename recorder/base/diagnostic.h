/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why a recording cannot begin, in the words of a message.
 */
#ifndef RECORDER_BASE_DIAGNOSTIC_H
#define RECORDER_BASE_DIAGNOSTIC_H

struct diagnostic {
	int status;		/* enum exit_status */
	char text[1024];	/* what happened */
	char advice[1024];	/* what to do about it */
};

/* Both write @diagnostic and return -1. @advice is whole sentences, or "". */
int refuse(struct diagnostic *diagnostic, int status, const char *advice, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
int refusal_for_memory(struct diagnostic *diagnostic);

#endif
