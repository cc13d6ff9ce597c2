/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "recorder/base/exit_status.h"
#include "recorder/cli/command.h"
#include "recorder/base/message.h"

static const struct command COMMANDS[] = {
	{ "check", cmd_check, "what this host allows to record, and how to allow more" },
	{ "capture", cmd_capture, "record now, for a while, into a file" },
	{ "arm", cmd_arm, "keep recording, and write a capture for each trigger" },
	{ "trigger", cmd_trigger, "make the armed recorder write a capture now" },
	{ "status", cmd_status, "what the armed recorder is doing" },
};

static void print_help(FILE *stream)
{
	fprintf(stream,
		"Usage: recorder COMMAND [OPTION]...\n"
		"Flight recorder for services that freeze, on hosts where BPF is refused.\n\n"
		"Commands:\n");
	for (size_t i = 0; i < sizeof(COMMANDS) / sizeof(COMMANDS[0]); i++)
		fprintf(stream, "  %-9s %s\n", COMMANDS[i].name, COMMANDS[i].summary);
	fprintf(stream, "\n"
			"  -h, --help     this text; recorder COMMAND --help says more\n"
			"  -V, --version  the version\n\n"
			"Exit status: 0 done, 1 failed, 2 wrong usage, 3 not permitted.\n");
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";

	if (!strcmp(name, "-h") || !strcmp(name, "--help") || !strcmp(name, "help")) {
		print_help(stdout);
		return fflush(stdout) ? EXIT_FAILED : EXIT_DONE;
	}
	if (!strcmp(name, "-V") || !strcmp(name, "--version")) {
		puts("recorder (" PACKAGE_NAME ") " PACKAGE_VERSION);
		return fflush(stdout) ? EXIT_FAILED : EXIT_DONE;
	}
	for (size_t i = 0; i < sizeof(COMMANDS) / sizeof(COMMANDS[0]); i++)
		if (!strcmp(name, COMMANDS[i].name))
			return COMMANDS[i].run(argc - 1, argv + 1);
	if (argc < 2)
		print_help(stderr);
	else
		message_error("there is no command '%s'; recorder --help lists them.", name);
	return EXIT_USAGE;
}
