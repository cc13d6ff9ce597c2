/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The recorder's subcommands. One file each: cmd_check.c, cmd_trigger.c ...
 */
#ifndef RECORDER_BASE_EXIT_STATUS_H
#define RECORDER_BASE_EXIT_STATUS_H

/* Exit status of both programs. */
enum {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_NOT_PERMITTED = 3,
};

struct command {
	const char *name;
	int (*run)(int argc, char **argv);	/* argv[0] is the subcommand's name; returns an exit status */
	const char *summary;
};

int cmd_check(int argc, char **argv);
int cmd_capture(int argc, char **argv);
int cmd_arm(int argc, char **argv);
int cmd_trigger(int argc, char **argv);
int cmd_status(int argc, char **argv);

#endif
