/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running a command that asks a recorder, which the test stands for.
 */
#ifndef TESTS_UNIT_SUPPORT_FAKE_RECORDER_H
#define TESTS_UNIT_SUPPORT_FAKE_RECORDER_H

#include "recorder/arm/control_server.h"

#define ASKED_OUTPUT_BYTES 8192

struct asked {
	int status;	/* of the command's end */
	char output[ASKED_OUTPUT_BYTES], error[ASKED_OUTPUT_BYTES];
};

/* Where the test's recorder listens. */
const char *asked_path(void);

/* For setup and teardown: a directory for the socket, and a recorder armed there. */
int asked_set_up(void **state);
int asked_tear_down(void **state);

/* Nobody is armed any more; the socket's file is gone, too. */
void asked_disarm(void);

/**
 * asked_run() - run @command in a child with "--control=<path>" after @arguments.
 *
 * @arguments: ended by NULL; the first is the command's name.
 * @answer:    called for each question that comes; may be NULL.
 */
void asked_run(int (*command)(int argc, char **argv), const char *const *arguments,
	       void (*answer)(struct control *control, const struct control_request *request),
	       struct asked *ret_asked);

#endif
