/* SPDX-License-Identifier: Apache-2.0 */
/*
 * recorder trigger: make the armed recorder write a capture now.
 */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "recorder/base/exit_status.h"
#include "recorder/cli/arguments.h"
#include "recorder/arm/control_client.h"
#include "recorder/cli/command.h"
#include "recorder/arm/control_server.h"
#include "recorder/base/text.h"
#include "recorder/base/message.h"
#include "recorder/base/parse_units.h"

#define TIMEOUT_DEFAULT_NS 60000000000ull
/* A capture takes up to four times the time after a trigger, 15 s by default; a trigger that
 * comes while one is being finished waits for it. */
#define TIMEOUT_WAIT_NS	  600000000000ull
#define STATUS_TIMEOUT_MS 2000

struct trigger_command {
	const char *path, *reason;
	uint64_t timeout_ns;
	bool wait;
};

static void print_help(void)
{
	printf("Usage: recorder trigger [OPTION]...\n"
	       "Make the armed recorder write a capture: what it holds, and what follows.\n\n"
	       "  -r, --reason=TEXT   why: kept in the capture (255 bytes at most)\n"
	       "  -w, --wait          until the capture is whole, then print its file name\n"
	       "  -t, --timeout=TIME  give up asking after so long (60s; with --wait 10m)\n"
	       "      --control=PATH  the socket of the armed recorder (where recorder arm puts "
	       "it)\n"
	       "  -h, --help          this text\n\n"
	       "Exit status: 0 done, 1 no recorder is armed or it failed, 2 wrong usage, 3 not "
	       "permitted.\n");
}

static int take_timeout(struct trigger_command *command, const char *value)
{
	if (parse_duration(value, &command->timeout_ns) || command->timeout_ns < 1000000)
		return arguments_usage("trigger",
				       "not a duration such as 500ms, 60s or 2m:", value);
	if (command->timeout_ns / 1000000 > INT_MAX)
		command->timeout_ns = INT_MAX * 1000000ull;
	return EXIT_DONE;
}

/* Return: an exit status, or -1 to go on. */
static int parse_options(struct trigger_command *command, int argc, char **argv)
{
	enum { CONTROL = 256 };
	static const struct option OPTIONS[] = {
		{ "reason", required_argument, NULL, 'r' },
		{ "wait", no_argument, NULL, 'w' },
		{ "timeout", required_argument, NULL, 't' },
		{ "control", required_argument, NULL, CONTROL },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int option, status = EXIT_DONE;

	opterr = 0;
	while (!status && (option = getopt_long(argc, argv, ":r:wt:h", OPTIONS, NULL)) != -1) {
		switch (option) {
		case 'r':
			command->reason = optarg;
			break;
		case 'w':
			command->wait = true;
			break;
		case 't':
			status = take_timeout(command, optarg);
			break;
		case CONTROL:
			command->path = optarg;
			break;
		case 'h':
			print_help();
			return fflush(stdout) ? EXIT_FAILED : EXIT_DONE;
		case ':':
			return arguments_usage("trigger", "a value is missing after",
					       argv[optind - 1]);
		default:
			return arguments_usage("trigger", "there is no option", argv[optind - 1]);
		}
	}
	if (status)
		return status;
	return optind < argc ? arguments_usage("trigger", "not an option:", argv[optind]) : -1;
}

/* Return: malloc'ed, or NULL (no memory). */
static char *make_request(const struct trigger_command *command)
{
	char reason[sizeof(((struct control_request *)NULL)->reason)];

	/* A longer reason would not fit into a request. */
	text_cut(command->reason ? command->reason : "", reason, sizeof(reason));
	json_t *object = json_pack("{s:s, s:b, s:o}", "ask", "trigger", "wait", command->wait,
				   "reason", json_text(reason));
	char *line = json_dumps(object, JSON_COMPACT);
	json_decref(object);
	return line;
}

static int print_answer(const struct trigger_command *command, const char *line)
{
	json_t *answer = json_loads(line, 0, NULL);
	const char *error = json_string_value(json_object_get(answer, "error"));
	const char *file = json_string_value(json_object_get(answer, "file"));
	json_t *accepted = json_object_get(answer, "accepted");
	int status = EXIT_DONE;

	if (error) {
		message_error("no capture: %s.\n  recorder status says what the armed recorder is"
			      " doing.",
			      error);
		status = EXIT_FAILED;
	} else if (!json_is_integer(accepted) || (command->wait && !file)) {
		message_error("what listens there does not answer as an armed recorder does.\n"
			      "  It is none, or one of another version.");
		status = EXIT_FAILED;
	} else if (command->wait) {
		puts(file);
	} else {
		printf("trigger %lld accepted\n", (long long)json_integer_value(accepted));
	}
	json_decref(answer);
	return fflush(stdout) || ferror(stdout) ? EXIT_FAILED : status;
}

/* The recorder may have accepted: say where the capture will be. Return: whether that was said. */
static bool report_under_way(const struct trigger_command *command)
{
	char *line;

	if (!command->wait ||
	    control_ask(command->path, "{\"ask\":\"status\"}", STATUS_TIMEOUT_MS, &line))
		return false;
	json_t *status = json_loads(line, 0, NULL);
	const char *file =
		json_string_value(json_object_get(json_object_get(status, "capturing"), "file"));
	if (file)
		message_error("accepted, but the capture is not whole yet: it will be %s,\n"
			      "  unless that was about to be whole already. recorder status shows "
			      "it; --timeout waits longer.",
			      file);
	bool told = file;
	json_decref(status);
	free(line);
	return told;
}

int cmd_trigger(int argc, char **argv)
{
	struct trigger_command command = { .timeout_ns = 0 };
	int status = parse_options(&command, argc, argv);
	char *request, *line;

	if (status >= 0)
		return status;
	if (!command.timeout_ns)
		command.timeout_ns = command.wait ? TIMEOUT_WAIT_NS : TIMEOUT_DEFAULT_NS;
	request = make_request(&command);
	if (!request) {
		message_error("not enough memory.");
		return EXIT_FAILED;
	}
	int err = control_ask(command.path, request, (int)(command.timeout_ns / 1000000), &line);
	free(request);
	if (err == -ETIMEDOUT && report_under_way(&command))
		return EXIT_FAILED;
	if (err)
		return control_error(command.path, err);
	status = print_answer(&command, line);
	free(line);
	return status;
}
