/* SPDX-License-Identifier: Apache-2.0 */
/*
 * recorder capture: record now, for a while, into a file.
 */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "recorder/cli/arguments.h"
#include "recorder/base/clock.h"
#include "recorder/base/exit_status.h"
#include "recorder/cli/command.h"
#include "recorder/base/message.h"
#include "recorder/base/priority.h"
#include "recorder/perf/permission.h"
#include "recorder/write/recording.h"
#include "recorder/proc/target.h"

#define DURATION_DEFAULT_NS 15000000000ull
#define LOOK_MS		    250 /* how often progress is drawn and the target checked */

struct capture {
	struct arguments arguments;
	uint64_t duration_ns;
	char *path;
	bool whole_host, quiet, force;
};

static void print_help(void)
{
	printf("Usage: recorder capture [OPTION]...\n"
	       "Record what the threads of this host wait for, and who holds them up, into a file\n"
	       "that analyze explains. Everything on the host is recorded; -p says whom the "
	       "report\n"
	       "is about.\n\n"
	       "  -p, --pid=PID[,PID]      the report is about these processes and what they "
	       "forked\n"
	       "  -a, --all                about the whole host (the default)\n"
	       "  -d, --duration=TIME      for so long: 500ms, 15s, 2m (15s)\n"
	       "  -o, --output=FILE        into this file (./freezetrap-HOST-TIME.dat)\n"
	       "  -f, --force              even if FILE exists and is not empty\n"
	       "  -e, --event=EVENT[;FILTER]\n"
	       "                           this event too, with its kernel stack: SUBSYSTEM:NAME "
	       "of\n"
	       "                           a tracepoint, or a name that libpfm4 knows\n"
	       "      --kernel-buffer=SIZE of each CPU, between kernel and recorder (8M, or less "
	       "where\n"
	       "                           there are many CPUs)\n"
	       "  -q, --quiet              say nothing but errors\n"
	       "  -h, --help               this text\n\n"
	       "Ctrl-C ends the recording early and keeps it. It ends too when all PIDs have "
	       "exited.\n"
	       "Exit status: 0 done, 1 failed (what was recorded is kept), 2 wrong usage, 3 not "
	       "permitted.\n");
}

/* Return: an exit status, or -1 to go on. */
static int parse_options(struct capture *capture, int argc, char **argv)
{
	enum { KERNEL_BUFFER = 256 };
	static const struct option OPTIONS[] = {
		{ "pid", required_argument, NULL, 'p' },
		{ "all", no_argument, NULL, 'a' },
		{ "duration", required_argument, NULL, 'd' },
		{ "output", required_argument, NULL, 'o' },
		{ "force", no_argument, NULL, 'f' },
		{ "event", required_argument, NULL, 'e' },
		{ "kernel-buffer", required_argument, NULL, KERNEL_BUFFER },
		{ "quiet", no_argument, NULL, 'q' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct arguments *arguments = &capture->arguments;
	int option, status = EXIT_DONE;

	opterr = 0;
	while (!status &&
	       (option = getopt_long(argc, argv, ":p:ad:o:fe:qh", OPTIONS, NULL)) != -1) {
		switch (option) {
		case 'p':
			status = arguments_pid(arguments, optarg);
			break;
		case 'a':
			capture->whole_host = true;
			break;
		case 'd':
			status = arguments_duration(
				arguments, optarg,
				"a duration of zero records nothing:", &capture->duration_ns);
			break;
		case 'o':
			if (!*optarg || !strcmp(optarg, "-"))
				return arguments_refuse(arguments, "not a file's name:", optarg);
			free(capture->path);
			capture->path = strdup(optarg);
			break;
		case 'f':
			capture->force = true;
			break;
		case 'e':
			status = arguments_event(arguments, optarg);
			break;
		case KERNEL_BUFFER:
			status = arguments_kernel_buffer(arguments, optarg);
			break;
		case 'q':
			capture->quiet = true;
			break;
		case 'h':
			print_help();
			return fflush(stdout) ? EXIT_FAILED : EXIT_DONE;
		case ':':
			return arguments_refuse(arguments, "a value is missing after",
						argv[optind - 1]);
		default:
			return arguments_refuse(arguments, "there is no option", argv[optind - 1]);
		}
	}
	if (status)
		return status;
	if (optind < argc)
		return arguments_refuse(arguments, "not an option:", argv[optind]);
	if (capture->whole_host && capture->arguments.target.count)
		return arguments_refuse(arguments, "-a and -p exclude each other:", "-a");
	return -1;
}

static char *make_default_path(void)
{
	struct utsname name;
	char when[32], *path;
	time_t now = time(NULL);
	struct tm utc;

	uname(&name);
	for (char *c = name.nodename; *c; c++)
		if (!isalnum((unsigned char)*c) && *c != '-' && *c != '.')
			*c = '_';
	strftime(when, sizeof(when), "%Y%m%dT%H%M%SZ", gmtime_r(&now, &utc));
	return asprintf(&path, "./freezetrap-%s-%s.dat", name.nodename, when) < 0 ? NULL : path;
}

static int fail_output(const char *path, int error)
{
	const char *advice = "Choose another file with -o.";
	if (error == ENOENT)
		advice = "Its directory does not exist; create it, or choose another with -o.";
	else if (error == EISDIR)
		advice = "Name a file in it with -o.";
	else if (error == EEXIST)
		advice = "It is not empty; choose another with -o, or replace it with --force.";
	message_error("%s: %s.\n  %s Nothing was recorded.", path, strerror(error), advice);
	return EXIT_FAILED;
}

/* The mode is 0600, since a capture names processes and files of all users. Return: a
 * descriptor, or -1 after a message. @ret_created: the file is new, so it may be removed. */
static int open_output(const struct capture *capture, bool *ret_created)
{
	struct stat status;
	*ret_created = true;
	int fd = open(capture->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 && errno == EEXIST) {
		*ret_created = false;
		fd = open(capture->path, O_WRONLY | O_CLOEXEC | O_NONBLOCK);
	}
	if (fd < 0) {
		fail_output(capture->path, errno);
		return -1;
	}
	if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode)) {
		fail_output(capture->path, EINVAL); /* a capture cannot be finished on a pipe */
		close(fd);
		return -1;
	}
	if (status.st_size && !capture->force) {
		fail_output(capture->path, EEXIST);
		close(fd);
		return -1;
	}
	if (ftruncate(fd, 0) < 0) {
		fail_output(capture->path, errno);
		close(fd);
		return -1;
	}
	return fd;
}

/* Return: a descriptor of the signals that end the recording. Threads started later inherit the
 * mask. */
static int open_signals(void)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGXFSZ, SIG_IGN); /* EFBIG is then treated as a full disk */
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void draw_progress(const struct capture *capture, const struct recording *recording,
			  uint64_t elapsed_ns)
{
	if (capture->quiet)
		return;
	message_progress("recording: %.1f of %.1f s, %llu events, %llu lost; Ctrl-C ends it",
			 (double)elapsed_ns / 1e9, (double)capture->duration_ns / 1e9,
			 (unsigned long long)recording_events(recording),
			 (unsigned long long)recording_lost(recording));
}

/* Return: why the recording ended (FT_FACT_END_REASON). */
static const char *wait_until_over(struct capture *capture, struct recording *recording,
				   int signal_fd, uint64_t start_ns)
{
	struct pollfd poll_fd = { .fd = signal_fd, .events = POLLIN };
	for (;;) {
		uint64_t elapsed_ns = clock_now_ns() - start_ns;
		if (elapsed_ns >= capture->duration_ns)
			return "duration";
		if (recording_write_error(recording))
			return "write-error"; /* recording_finish() recognises a full disk */
		if (target_exited(&capture->arguments.target))
			return "target-exited";
		recording_look(recording);
		draw_progress(capture, recording, elapsed_ns);
		uint64_t left_ms = (capture->duration_ns - elapsed_ns) / 1000000 + 1;
		if (poll(&poll_fd, 1, left_ms < LOOK_MS ? (int)left_ms : LOOK_MS) > 0)
			return "signal";
	}
}

static void print_summary(const struct capture *capture, const struct recording_summary *summary,
			  const char *reason)
{
	char lost[64];
	snprintf(lost, sizeof(lost), "%llu lost", (unsigned long long)summary->file.lost);
	bool small = summary->file.bytes < 1000000;
	printf("%s: %.1f %s, %.1f s%s, %llu events, %s. Next: analyze %s\n", capture->path,
	       (double)summary->file.bytes / (small ? 1e3 : 1e6), small ? "kB" : "MB",
	       (double)summary->duration_ns / 1e9,
	       strcmp(reason, "target-exited") ? "" : " (then the target exited)",
	       (unsigned long long)summary->file.events, summary->file.lost ? lost : "none lost",
	       capture->path);
	fflush(stdout);
}

static int report_end(const struct capture *capture, const struct recording_summary *summary,
		      const char *reason)
{
	if (!capture->quiet)
		print_summary(capture, summary, reason);
	if (!summary->file.write_error)
		return EXIT_DONE;
	message_error(
		"%s: writing ended early: %s.\n"
		"  What was written until then is kept%s; make room and record again for the rest.",
		capture->path, strerror(-summary->file.write_error),
		summary->file.cut_segments
			? ", but for the last moments, which made way for the names"
			: "");
	return EXIT_FAILED;
}

static int record_host(struct capture *capture, int out_fd, bool *ret_started)
{
	struct recording_options options = {
		.target = &capture->arguments.target,
		.engine = capture->arguments.engine,
		.out_fd = out_fd,
	};
	struct recording *recording = NULL;
	struct diagnostic refusal;
	struct recording_summary summary;

	int signal_fd = open_signals();
	if (recording_create(&options, &recording, &refusal) ||
	    recording_start(recording, &refusal)) {
		recording_destroy(recording);
		close(signal_fd);
		message_error("%s\n  %s", refusal.text, refusal.advice);
		return refusal.status;
	}
	*ret_started = true;
	permission_warn_of_names(recording_names_error(recording));
	if (!capture->quiet)
		message_recording("for %.1f s into %s", (double)capture->duration_ns / 1e9,
				  capture->path);
	const char *reason = wait_until_over(capture, recording, signal_fd, clock_now_ns());
	recording_stop(recording);
	if (!capture->quiet)
		message_progress("finding names");
	recording_finish(recording, reason, &summary);
	message_progress_end();
	int status = report_end(capture, &summary, reason);
	recording_destroy(recording);
	close(signal_fd);
	return status;
}

static int capture_to_file(struct capture *capture)
{
	int32_t missing;
	bool created, started = false;

	priority_begin_urgent(); /* until it records: others may have all CPUs */
	if (!capture->path && !(capture->path = make_default_path())) {
		message_error("not enough memory.");
		return EXIT_FAILED;
	}
	if (target_open(&capture->arguments.target, &missing)) {
		message_error("there is no process %d. Nothing was recorded.\n"
			      "  pgrep -a NAME finds the process ID of a program.",
			      missing);
		return EXIT_FAILED;
	}
	target_add_children(&capture->arguments.target); /* later children are known from events */
	int out_fd = open_output(capture, &created);
	if (out_fd < 0)
		return EXIT_FAILED;
	int status = record_host(capture, out_fd, &started);
	close(out_fd);
	if (!started && created)
		unlink(capture->path);
	return status;
}

int cmd_capture(int argc, char **argv)
{
	struct capture capture = { .arguments.command = "capture",
				   .duration_ns = DURATION_DEFAULT_NS };
	int status = parse_options(&capture, argc, argv);
	if (status < 0)
		status = capture_to_file(&capture);
	target_close(&capture.arguments.target);
	free(capture.path);
	return status;
}
