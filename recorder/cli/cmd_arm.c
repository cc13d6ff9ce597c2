/* SPDX-License-Identifier: Apache-2.0 */
/*
 * recorder arm: keep recording, and write a capture for each trigger.
 */
#include "config.h"

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "recorder/arm/arm.h"
#include "recorder/cli/arguments.h"
#include "recorder/base/exit_status.h"
#include "recorder/cli/command.h"
#include "recorder/base/message.h"
#include "recorder/base/parse_units.h"

#define DIR_OF_ROOT	     "/var/lib/freezetrap"
#define POST_DEFAULT_NS	     15000000000ull
#define INTERVAL_DEFAULT_NS  500000000ull
#define SLOWER_DEFAULT_NS    200000000ull
#define FOR_DEFAULT_NS	     2000000000ull
#define COOLDOWN_DEFAULT_NS  60000000000ull
#define MAX_CAPTURES_DEFAULT 20
#define MAX_DISK_DEFAULT     (1u << 30)

/* Options that have no short form. */
enum {
	PID_FILE = 256,
	COMM,
	RING,
	RING_SIZE,
	KERNEL_BUFFER,
	PROBE_TCP_OPTION,
	PROBE_HTTP_OPTION,
	PROBE_CMD_OPTION,
	INTERVAL,
	SLOWER_THAN,
	FOR,
	BLOCKED,
	PSI,
	COOLDOWN,
	MAX_CAPTURES,
	MAX_DISK,
	ON_CAPTURE,
	CONTROL,
	MAX_EVENTS,
	MAX_CPU,
	STACKS,
};

static const struct option OPTIONS[] = {
	{ "pid", required_argument, NULL, 'p' },
	{ "pid-file", required_argument, NULL, PID_FILE },
	{ "comm", required_argument, NULL, COMM },
	{ "all", no_argument, NULL, 'a' },
	{ "output", required_argument, NULL, 'o' },
	{ "duration", required_argument, NULL, 'd' },
	{ "ring", required_argument, NULL, RING },
	{ "ring-size", required_argument, NULL, RING_SIZE },
	{ "kernel-buffer", required_argument, NULL, KERNEL_BUFFER },
	{ "event", required_argument, NULL, 'e' },
	{ "probe-tcp", required_argument, NULL, PROBE_TCP_OPTION },
	{ "probe-http", required_argument, NULL, PROBE_HTTP_OPTION },
	{ "probe-cmd", required_argument, NULL, PROBE_CMD_OPTION },
	{ "interval", required_argument, NULL, INTERVAL },
	{ "slower-than", required_argument, NULL, SLOWER_THAN },
	{ "for", required_argument, NULL, FOR },
	{ "blocked", required_argument, NULL, BLOCKED },
	{ "psi", required_argument, NULL, PSI },
	{ "cooldown", required_argument, NULL, COOLDOWN },
	{ "max-captures", required_argument, NULL, MAX_CAPTURES },
	{ "max-disk", required_argument, NULL, MAX_DISK },
	{ "on-capture", required_argument, NULL, ON_CAPTURE },
	{ "control", required_argument, NULL, CONTROL },
	{ "stacks", required_argument, NULL, STACKS },
	{ "max-events", required_argument, NULL, MAX_EVENTS },
	{ "max-cpu", required_argument, NULL, MAX_CPU },
	{ "quiet", no_argument, NULL, 'q' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

struct command_line {
	struct arguments arguments;
	struct arm_options arm;
	uint64_t interval_ns, slower_than_ns, for_ns;
	bool whole_host;
};

static void print_help(void)
{
	fputs("Usage: recorder arm [OPTION]...\n"
	      "Keep recording into a ring of fixed size, so that the time before a freeze is "
	      "there,\n"
	      "and write a capture for each trigger: what the ring holds, and what follows.\n\n"
	      "Whom the reports are about (everything on the host is recorded all the same):\n"
	      "  -p, --pid=PID[,PID]      these processes and what they forked, which keeps their "
	      "name\n"
	      "      --pid-file=FILE      the process whose ID is in FILE, after restarts too\n"
	      "      --comm=NAME          the processes of that name, after restarts too\n"
	      "  -a, --all                the whole host (the default)\n\n"
	      "What it writes:\n"
	      "  -o, --output=DIR         captures, into this directory (" DIR_OF_ROOT " for\n"
	      "                           root, else the working directory)\n"
	      "  -d, --duration=TIME      so much after a trigger: 500ms, 15s, 2m (15s)\n"
	      "      --max-captures=N     no more than N files; the oldest goes (20; 0: no limit)\n"
	      "      --max-disk=SIZE      no more than this in all (1G; 0: no limit)\n"
	      "      --ring=FILE          the ring, best on a tmpfs (in /run/freezetrap or\n"
	      "                           another tmpfs)\n"
	      "      --ring-size=SIZE     of it (64M)\n"
	      "  -e, --event=EVENT[;FILTER]\n"
	      "                           this event too: SUBSYSTEM:NAME of a tracepoint, or a "
	      "name\n"
	      "                           that libpfm4 knows\n"
	      "      --kernel-buffer=SIZE of each CPU, between kernel and recorder (8M, or less "
	      "where\n"
	      "                           there are many CPUs)\n\n"
	      "Triggers, besides recorder trigger and the signal USR2:\n"
	      "      --probe-tcp=HOST:PORT[,send=TEXT]\n"
	      "                             connect, again and again, and wait for an answer to "
	      "TEXT\n"
	      "      --probe-http=URL       ask for this page\n"
	      "      --probe-cmd=COMMAND    run this in a shell; it must end with status 0\n"
	      "                             (a probe triggers only once it had a good answer)\n"
	      "      --interval=TIME        between two questions of a probe (500ms)\n"
	      "      --slower-than=TIME     an answer this late, or a bad one, is a failure "
	      "(200ms)\n"
	      "      --for=TIME             failures for so long, without a good answer, trigger "
	      "(2s)\n"
	      "      --blocked=N            N threads of the target, blocked for the time of "
	      "--for\n"
	      "      --psi=RESOURCE:some|full:STALL/WINDOW\n"
	      "                             pressure, as the kernel measures it: "
	      "memory:some:300ms/2s\n"
	      "      --cooldown=TIME        none of these for so long after a capture (60s)\n\n"
	      "What it may cost; above it fewer stacks are taken:\n"
	      "      --stacks=full|sampled|lazy|none\n"
	      "                           of every wait; of a sample, of uninterruptible and of "
	      "long\n"
	      "                           ones; without the sample; none (sampled)\n"
	      "      --max-events=N       switches and wake-ups a second (400000; 0: no limit)\n"
	      "      --max-cpu=PERCENT    of the host's CPU time (20; 0: no limit)\n\n"
	      "      --on-capture=COMMAND run this after each capture; FREEZETRAP_FILE, _REASON,\n"
	      "                           _SOURCE, _REPORT, _VERDICT, _RESULT tell it which\n"
	      "      --control=PATH       the socket for recorder trigger and recorder status\n"
	      "  -q, --quiet              say nothing but errors\n"
	      "  -h, --help               this text\n\n"
	      "Ctrl-C ends it; a capture under way is sealed first, a second Ctrl-C does not "
	      "wait.\n"
	      "Exit status: 0 ended, 1 failed, 2 wrong usage, 3 not permitted.\n",
	      stdout);
}

static int take_size(const struct command_line *line, const char *value, size_t *ret_bytes)
{
	if (parse_size(value, ret_bytes))
		return arguments_refuse(&line->arguments, "not a size such as 512K or 8M:", value);
	return EXIT_DONE;
}

static int add_probe(struct command_line *line, enum probe_kind kind, const char *value)
{
	struct trigger_sources_options *sources = &line->arm.sources;
	if (sources->probe_count == STATUS_PROBES_MAX)
		return arguments_refuse(&line->arguments, "too many probes:", value);
	sources->probes[sources->probe_count++] =
		(struct probe_options){ .kind = kind, .what = value };
	return EXIT_DONE;
}

static int add_psi(struct command_line *line, const char *value)
{
	struct trigger_sources_options *sources = &line->arm.sources;
	if (sources->psi_count == TRIGGER_SOURCES_PSI_MAX)
		return arguments_refuse(&line->arguments, "too many of --psi:", value);
	sources->psi[sources->psi_count++] = value;
	return EXIT_DONE;
}

static int take_comm(struct command_line *line, const char *value)
{
	if (!*value)
		return arguments_refuse(&line->arguments, "not the name of a process:", value);
	line->arm.comm = value;
	return EXIT_DONE;
}

/* Takes options about what is recorded and written. Return: an exit status, or -1 if @option is
 * another one. */
static int take_recording(struct command_line *line, int option, const char *value)
{
	struct arm_options *arm = &line->arm;

	switch (option) {
	case 'p':
		return arguments_pid(&line->arguments, value);
	case PID_FILE:
		arm->pid_file = value;
		return EXIT_DONE;
	case COMM:
		return take_comm(line, value);
	case 'a':
		line->whole_host = true;
		return EXIT_DONE;
	case 'o':
		arm->dir = value;
		return EXIT_DONE;
	case 'd':
		return arguments_duration(
			&line->arguments, value,
			"a capture needs some time after its trigger:", &arm->post_ns);
	case RING:
		arm->ring_path = value;
		return EXIT_DONE;
	case RING_SIZE:
		return take_size(line, value, &arm->ring_bytes);
	case KERNEL_BUFFER:
		return arguments_kernel_buffer(&line->arguments, value);
	case 'e':
		return arguments_event(&line->arguments, value);
	case MAX_CAPTURES:
		return arguments_count(&line->arguments, value, 0, 1000000, &arm->max_captures);
	case MAX_DISK:
		return take_size(line, value, &arm->max_disk_bytes);
	default:
		return -1;
	}
}

static int take_max_events(struct command_line *line, const char *value)
{
	uint32_t events = 0;
	int status = arguments_count(&line->arguments, value, 0, UINT32_MAX, &events);
	line->arm.sources.governor.max_events = events;
	return status;
}

/* Takes options about triggers and the rest. Return: as above. */
static int take_trigger(struct command_line *line, int option, const char *value)
{
	static const char NO_TIME[] = "it needs some time:";
	struct arm_options *arm = &line->arm;

	switch (option) {
	case PROBE_TCP_OPTION:
		return add_probe(line, PROBE_TCP, value);
	case PROBE_HTTP_OPTION:
		return add_probe(line, PROBE_HTTP, value);
	case PROBE_CMD_OPTION:
		return add_probe(line, PROBE_CMD, value);
	case INTERVAL:
		return arguments_duration(&line->arguments, value, NO_TIME, &line->interval_ns);
	case SLOWER_THAN:
		return arguments_duration(&line->arguments, value, NO_TIME, &line->slower_than_ns);
	case FOR:
		return arguments_duration(&line->arguments, value, NULL, &line->for_ns);
	case BLOCKED:
		return arguments_count(&line->arguments, value, 1, 1000000,
				       &arm->sources.blocked_threads);
	case PSI:
		return add_psi(line, value);
	case STACKS:
		return arguments_stacks(&line->arguments, value, &arm->sources.governor.first);
	case MAX_EVENTS:
		return take_max_events(line, value);
	case MAX_CPU:
		return arguments_count(&line->arguments, value, 0, 100,
				       &arm->sources.governor.max_cpu_percent);
	case COOLDOWN:
		return arguments_duration(&line->arguments, value, NULL, &arm->cooldown_ns);
	case ON_CAPTURE:
		arm->on_capture = value;
		return EXIT_DONE;
	case CONTROL:
		arm->control_path = value;
		return EXIT_DONE;
	case 'q':
		arm->quiet = true;
		return EXIT_DONE;
	default:
		return -1;
	}
}

/* Checks and completes all options together. Return: an exit status, or -1 to go on. */
static int check_options(struct command_line *line)
{
	struct arm_options *arm = &line->arm;
	int targets = line->whole_host + (line->arguments.target.count > 0) +
		      (arm->pid_file != NULL) + (arm->comm != NULL);

	if (targets > 1)
		return arguments_refuse(&line->arguments,
					"only one of these can say whom the reports are about:",
					"-a, -p, --pid-file, --comm");
	for (size_t i = 0; i < arm->sources.probe_count; i++) {
		arm->sources.probes[i].interval_ns = line->interval_ns;
		arm->sources.probes[i].slower_than_ns = line->slower_than_ns;
		arm->sources.probes[i].for_ns = line->for_ns;
	}
	arm->sources.blocked_ns = line->for_ns;
	arm->target = &line->arguments.target;
	arm->engine = line->arguments.engine;
	if (!arm->dir)
		arm->dir = geteuid() ? "." : DIR_OF_ROOT;
	return -1;
}

/* Return: an exit status, or -1 to go on. */
static int parse_options(struct command_line *line, int argc, char **argv)
{
	const struct arguments *arguments = &line->arguments;
	int option;

	opterr = 0;
	while ((option = getopt_long(argc, argv, ":p:ao:d:e:qh", OPTIONS, NULL)) != -1) {
		if (option == 'h') {
			print_help();
			return fflush(stdout) ? EXIT_FAILED : EXIT_DONE;
		}
		if (option == ':')
			return arguments_refuse(arguments, "a value is missing after",
						argv[optind - 1]);
		if (option == '?')
			return arguments_refuse(arguments, "there is no option", argv[optind - 1]);
		int status = take_recording(line, option, optarg);
		if (status < 0)
			status = take_trigger(line, option, optarg);
		if (status)
			return status;
	}
	if (optind < argc)
		return arguments_refuse(arguments, "not an option:", argv[optind]);
	return check_options(line);
}

/* Processes given by -p must exist, since a process ID is nothing to wait for. */
static int check_target(const struct target *target)
{
	struct target copy = *target;
	int32_t missing;

	if (target_open(&copy, &missing)) {
		message_error("there is no process %d. Nothing was recorded.\n"
			      "  --comm and --pid-file wait for a process that is not there yet.",
			      missing);
		return EXIT_FAILED;
	}
	target_close(&copy);
	return EXIT_DONE;
}

int cmd_arm(int argc, char **argv)
{
	struct command_line line = {
		.arguments.command = "arm",
		.arm = { .post_ns = POST_DEFAULT_NS,
			 .cooldown_ns = COOLDOWN_DEFAULT_NS,
			 .max_captures = MAX_CAPTURES_DEFAULT,
			 .max_disk_bytes = MAX_DISK_DEFAULT,
			 .sources.governor = { .max_events = GOVERNOR_EVENTS_DEFAULT,
					       .max_cpu_percent = GOVERNOR_CPU_DEFAULT,
					       .first = GOVERNOR_SAMPLED } },
		.interval_ns = INTERVAL_DEFAULT_NS,
		.slower_than_ns = SLOWER_DEFAULT_NS,
		.for_ns = FOR_DEFAULT_NS,
	};
	int status = parse_options(&line, argc, argv);
	if (status >= 0)
		return status;
	status = check_target(&line.arguments.target);
	return status ? status : arm_run(&line.arm);
}
