/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "analyzer/options.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/util/human.h"

#define STALL_NS 200000000

const char options_help[] =
	"Usage: analyze [OPTION]... CAPTURE\n"
	"       analyze --explain=TID[:TIME] [OPTION]... CAPTURE\n"
	"       analyze --before=CAPTURE [OPTION]... CAPTURE\n"
	"Say what froze, who held it up, why, how sure that is and what to do.\n"
	"\n"
	"  -p, --pid=PID[,PID]  report about these processes (default: those that were\n"
	"                       the target of the recording)\n"
	"      --stall=TIME     waits that hurt are a stall from this long on (200ms)\n"
	"      --explain=TID[:TIME]  the chain of events behind a wait of this thread, the\n"
	"                       one at TIME (2.5, or a time of day as reports print it),\n"
	"                       else its longest that hurts\n"
	"      --before=CAPTURE  what is new, what grew and what is gone since that one\n"
	"      --threads        list every thread\n"
	"      --json           write it as JSON, schema freezetrap.report/1; with --explain\n"
	"                       freezetrap.explain/1, with --before freezetrap.comparison/1\n"
	"      --folded         write off-CPU microseconds by stack, for flame graphs\n"
	"      --color=WHEN     auto (default), always or never; auto respects NO_COLOR\n"
	"  -h, --help           show this help\n"
	"  -V, --version        show the version\n"
	"\n"
	"Exit status: 0 done; 1 failed; 2 wrong usage; 3 the capture is damaged or cut\n"
	"short: the report of what could be read is printed.\n"
	"\n"
	"Examples:\n"
	"  analyze capture.dat\n"
	"  analyze --json capture.dat | jq '.findings[0]'\n"
	"  analyze --explain=31519:12.4 capture.dat\n"
	"  analyze --before=healthy.dat capture.dat\n"
	"  analyze --folded capture.dat | flamegraph.pl > offcpu.svg\n";

enum {
	OPTION_STALL = CHAR_MAX + 1,
	OPTION_EXPLAIN,
	OPTION_BEFORE,
	OPTION_THREADS,
	OPTION_JSON,
	OPTION_FOLDED,
	OPTION_COLOR,
};

static const struct option long_options[] = {
	{ "pid", required_argument, NULL, 'p' },
	{ "stall", required_argument, NULL, OPTION_STALL },
	{ "explain", required_argument, NULL, OPTION_EXPLAIN },
	{ "before", required_argument, NULL, OPTION_BEFORE },
	{ "threads", no_argument, NULL, OPTION_THREADS },
	{ "json", no_argument, NULL, OPTION_JSON },
	{ "folded", no_argument, NULL, OPTION_FOLDED },
	{ "color", required_argument, NULL, OPTION_COLOR },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

/* Return: -EINVAL, or -ENOMEM where there is no memory for the message. */
static int reject_usage(char **ret_message, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static int reject_usage(char **ret_message, const char *format, ...)
{
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vasprintf(ret_message, format, arguments);
	va_end(arguments);
	return length < 0 ? -ENOMEM : -EINVAL;
}

/* Move @text behind the number and its comma. */
static int parse_pid(const char **text, int32_t *ret_pid)
{
	char *end;
	long pid;

	if (**text < '0' || **text > '9')
		return -EINVAL;
	errno = 0;
	pid = strtol(*text, &end, 10);
	if (errno || pid <= 0 || pid > INT32_MAX || (*end && (*end != ',' || !end[1])))
		return -EINVAL;
	*text = *end ? end + 1 : end;
	*ret_pid = (int32_t)pid;
	return 0;
}

static int add_pids(struct options *options, const char *text, char **ret_message)
{
	const char *at = text;

	do {
		int32_t pid, *longer;

		if (parse_pid(&at, &pid))
			return reject_usage(ret_message,
					    "--pid takes process ids joined by commas, not '%s'",
					    text);
		longer = reallocarray(options->target, options->target_count + 1, sizeof(pid));
		if (!longer)
			return -ENOMEM;
		longer[options->target_count++] = pid;
		options->target = longer;
	} while (*at);
	return 0;
}

static int set_stall(struct options *options, const char *text, char **ret_message)
{
	if (human_parse_duration(text, &options->stall_ns) || options->stall_ns == 0)
		return reject_usage(ret_message,
				    "--stall takes a time above 0 with its unit, like 200ms "
				    "or 1.5s, not '%s'",
				    text);
	return 0;
}

static int set_color(struct options *options, const char *text, char **ret_message)
{
	static const char *const names[] = {
		[COLOR_AUTO] = "auto", [COLOR_ALWAYS] = "always", [COLOR_NEVER] = "never"
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(text, names[i]) == 0) {
			options->color = (enum options_color)i;
			return 0;
		}
	}
	return reject_usage(ret_message, "--color takes auto, always or never, not '%s'", text);
}

static int set_format(struct options *options, const char *name, char **ret_message)
{
	const struct renderer *renderer = report_renderer(name);

	if (options->renderer != report_renderer("text") && options->renderer != renderer)
		return reject_usage(ret_message, "--json and --folded exclude each other");
	options->renderer = renderer;
	return 0;
}

static int set_explain(struct options *options, const char *text, char **ret_message)
{
	if (wait_spec_parse(text, &options->wait_spec))
		return reject_usage(
			ret_message,
			"--explain takes a thread's id, or that and a time like 31519:2.5 or "
			"31519:12:04:31.073, not '%s'",
			text);
	return 0;
}

static int set_option(struct options *options, int option, char *const argv[], char **ret_message)
{
	switch (option) {
	case 'p':
		return add_pids(options, optarg, ret_message);
	case OPTION_STALL:
		return set_stall(options, optarg, ret_message);
	case OPTION_EXPLAIN:
		return set_explain(options, optarg, ret_message);
	case OPTION_BEFORE:
		options->before = optarg;
		return 0;
	case OPTION_THREADS:
		options->all_threads = true;
		return 0;
	case OPTION_JSON:
		return set_format(options, "json", ret_message);
	case OPTION_FOLDED:
		return set_format(options, "folded", ret_message);
	case OPTION_COLOR:
		return set_color(options, optarg, ret_message);
	case 'h':
		options->action = ACTION_HELP;
		return 0;
	case 'V':
		options->action = ACTION_VERSION;
		return 0;
	case ':':
		return reject_usage(ret_message, "option '%s' needs a value", argv[optind - 1]);
	default:
		if (optopt > 0 && optopt <= CHAR_MAX)
			return reject_usage(ret_message, "there is no option '-%c'", optopt);
		if (optopt)
			return reject_usage(ret_message, "option '%s' takes no value",
					    argv[optind - 1]);
		return reject_usage(ret_message, "there is no option '%s'", argv[optind - 1]);
	}
}

static int set_path(struct options *options, int argc, char *const argv[], char **ret_message)
{
	if (options->action != ACTION_REPORT)
		return 0;
	if (optind == argc)
		return reject_usage(ret_message, "no capture was named");
	if (optind + 1 < argc)
		return reject_usage(ret_message, "one capture at a time: '%s' is one too many",
				    argv[optind + 1]);
	options->path = argv[optind];
	return 0;
}

/* Choose between actions that exclude each other. */
static int set_action(struct options *options, char **ret_message)
{
	const bool explain = options->wait_spec.tid, compare = options->before;

	if (options->action != ACTION_REPORT || (!explain && !compare))
		return 0;
	if (explain && compare)
		return reject_usage(ret_message, "--explain and --before exclude each other");
	if (explain ? !options->renderer->explanation : !options->renderer->comparison)
		return reject_usage(ret_message, "--%s excludes --explain and --before",
				    options->renderer->name);
	if (options->all_threads)
		return reject_usage(
			ret_message,
			"--threads is for the report: it excludes --explain and --before");
	options->action = explain ? ACTION_EXPLAIN : ACTION_COMPARE;
	return 0;
}

int options_parse(int argc, char *const argv[], struct options *ret_options, char **ret_message)
{
	struct options options = { .stall_ns = STALL_NS, .renderer = report_renderer("text") };
	int error = 0, option;

	optind = 0; /* getopt starts anew, also for a second command line */
	opterr = 0;
	while (!error && options.action == ACTION_REPORT &&
	       (option = getopt_long(argc, argv, ":p:hV", long_options, NULL)) != -1)
		error = set_option(&options, option, argv, ret_message);
	if (!error)
		error = set_path(&options, argc, argv, ret_message);
	if (!error)
		error = set_action(&options, ret_message);
	if (error)
		options_free(&options);
	else
		*ret_options = options;
	return error;
}

void options_free(struct options *options)
{
	free(options->target);
	options->target = NULL;
	options->target_count = 0;
}
