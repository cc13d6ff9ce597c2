/* SPDX-License-Identifier: Apache-2.0 */
/*
 * recorder status: what the armed recorder is doing.
 */
#include "config.h"

#include <getopt.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "recorder/base/exit_status.h"
#include "recorder/cli/arguments.h"
#include "recorder/arm/control_client.h"
#include "recorder/cli/command.h"
#include "recorder/base/message.h"
#include "recorder/cli/status_text.h"

#define TIMEOUT_MS 5000
#define SCHEMA	   "freezetrap.status/1"

struct status_command {
	const char *path;
	bool json;
};

static void print_help(void)
{
	printf("Usage: recorder status [OPTION]...\n"
	       "Say what the armed recorder is doing: tier, history held, events a second, "
	       "losses,\n"
	       "own cost, last captures.\n\n"
	       "      --json          the answer as it came: one line, " SCHEMA "\n"
	       "      --control=PATH  the socket of the armed recorder (where recorder arm puts "
	       "it)\n"
	       "  -h, --help          this text\n\n"
	       "Exit status: 0 done, 1 no recorder is armed or it does not answer, 2 wrong usage,\n"
	       "3 not permitted.\n");
}

/* Return: an exit status, or -1 to go on. */
static int parse_options(struct status_command *status, int argc, char **argv)
{
	enum { CONTROL = 256, JSON };
	static const struct option OPTIONS[] = {
		{ "json", no_argument, NULL, JSON },
		{ "control", required_argument, NULL, CONTROL },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	opterr = 0;
	while ((option = getopt_long(argc, argv, ":h", OPTIONS, NULL)) != -1) {
		switch (option) {
		case JSON:
			status->json = true;
			break;
		case CONTROL:
			status->path = optarg;
			break;
		case 'h':
			print_help();
			return fflush(stdout) ? EXIT_FAILED : EXIT_DONE;
		case ':':
			return arguments_usage("status", "a value is missing after",
					       argv[optind - 1]);
		default:
			return arguments_usage("status", "there is no option", argv[optind - 1]);
		}
	}
	return optind < argc ? arguments_usage("status", "not an option:", argv[optind]) : -1;
}

static bool has_schema(const json_t *answer)
{
	const char *schema = json_string_value(json_object_get(answer, "schema"));
	return schema && !strcmp(schema, SCHEMA);
}

static int print_answer(const struct status_command *status, const char *line)
{
	json_t *answer = json_loads(line, 0, NULL);
	const char *error = json_string_value(json_object_get(answer, "error"));
	int result = EXIT_FAILED;

	if (error)
		message_error("the armed recorder says: %s.", error);
	else if (!has_schema(answer))
		message_error("what listens there does not answer with " SCHEMA ".\n"
			      "  It is no armed recorder, or one of another version.");
	else {
		if (status->json)
			puts(line);
		else
			status_text(answer, stdout);
		result = fflush(stdout) || ferror(stdout) ? EXIT_FAILED : EXIT_DONE;
	}
	json_decref(answer);
	return result;
}

int cmd_status(int argc, char **argv)
{
	struct status_command status = { .path = NULL };
	char *line;
	int result = parse_options(&status, argc, argv);

	if (result >= 0)
		return result;
	int err = control_ask(status.path, "{\"ask\":\"status\"}", TIMEOUT_MS, &line);
	if (err)
		return control_error(status.path, err);
	result = print_answer(&status, line);
	free(line);
	return result;
}
