/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The recorder's subcommands. Each has a file of its own: cmd_check.c, cmd_trigger.c ...
 */
#ifndef RECORDER_CLI_COMMAND_H
#define RECORDER_CLI_COMMAND_H

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
