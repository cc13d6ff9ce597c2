/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An armed recorder that the test stands for, and a command that asks it.
 */
#ifndef TESTS_UNIT_SUPPORT_FAKE_RECORDER_H
#define TESTS_UNIT_SUPPORT_FAKE_RECORDER_H

#include "recorder/arm/control_server.h"

#define COMMAND_OUTPUT_BYTES 8192

struct command_result {
	int status;	/* of the command's end */
	char output[COMMAND_OUTPUT_BYTES], error[COMMAND_OUTPUT_BYTES];
};

/* Where the test's recorder listens. */
const char *fake_recorder_path(void);

/* For setup and teardown: a directory for the socket, and a recorder armed there. */
int fake_recorder_set_up(void **state);
int fake_recorder_tear_down(void **state);

/* Nobody is armed any more; the socket's file is gone, too. */
void fake_recorder_disarm(void);

/**
 * fake_recorder_run() - run @command in a child with "--control=<path>" after @arguments.
 *
 * @arguments: ended by NULL; the first is the command's name.
 * @answer:    called for each question that comes; may be NULL.
 */
void fake_recorder_run(int (*command)(int argc, char **argv), const char *const *arguments,
		       void (*answer)(struct control *control, const struct control_request *request),
		       struct command_result *ret_result);

#endif
