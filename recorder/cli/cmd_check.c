/* SPDX-License-Identifier: Apache-2.0 */
/*
 * recorder check: what this host allows to record, by trying it.
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "recorder/base/clock.h"
#include "recorder/base/exit_status.h"
#include "recorder/cli/arguments.h"
#include "recorder/cli/command.h"
#include "recorder/perf/perf_events.h"
#include "recorder/symbols/kallsyms.h"
#include "recorder/perf/kernel_log.h"
#include "recorder/base/message.h"
#include "recorder/perf/permission.h"
#include "recorder/perf/event_plan.h"
#include "recorder/perf/switch_cost.h"
#include "recorder/proc/fd_ends.h"
#include "recorder/proc/target.h"
#include "recorder/perf/tier.h"
#include "recorder/perf/tracefs.h"

#define WATERMARK_BYTES (1u << 20)

struct check {
	struct target target;
	struct permission permission;
	struct tracefs tracefs;
	int tracefs_error;
	int tracepoint_error; /* 0, or the first error of the tier */
	int names_error; /* of kernel functions */
};

static void print_help(void)
{
	printf("Usage: recorder check [-p PID]\n"
	       "Try what this host allows to record, and say how to allow more. Changes "
	       "nothing.\n"
	       "Where recording works, measure for a second what it adds to a switch.\n\n"
	       "  -p, --pid=PID  look for this process too\n"
	       "  -h, --help     this text\n\n"
	       "Exit status: 0 capture works here, 3 it does not, 1 no such process, 2 wrong "
	       "usage.\n");
}

static void print_row(const char *name, const char *value)
{
	printf("  %-28s %s\n", name, value);
}

static void print_error_row(const char *name, int error)
{
	print_row(name, error ? strerror(-error) : "yes");
}

static void print_number_row(const char *name, int value)
{
	char text[32];
	snprintf(text, sizeof(text), "%d", value);
	print_row(name, value == INT_MIN ? "none" : text);
}

/* What finding the other end of a wait costs. */
static void print_ends_row(void)
{
	struct fd_ends end = { .link = "pipe:[0]" };
	uint64_t before_ns = clock_own_cpu_ns();
	char text[96];

	bool complete = fd_ends_find("/proc", &end, 1, FD_ENDS_CPU_NS);
	snprintf(text, sizeof(text), "%s, reading the links of all processes took %.1f ms of a CPU",
		 complete ? "yes" : "of some processes", (double)(clock_own_cpu_ns() - before_ns) / 1e6);
	print_row("other ends of waits", text);
}

static void print_host(struct check *check)
{
	char text[256];
	struct utsname name;

	uname(&name);
	printf("host\n");
	snprintf(text, sizeof(text), "%s %s", name.release, name.machine);
	print_row("kernel", text);
	print_number_row("kernel.perf_event_paranoid", check->permission.paranoid);
	print_number_row("kernel.kptr_restrict", check->permission.kptr_restrict);
	print_row("lockdown", check->permission.lockdown[0] ? check->permission.lockdown : "none");
	permission_capabilities(&check->permission, text, sizeof(text));
	print_row("capabilities", text);
	if (check->permission.user_namespace)
		print_row("user namespace", "yes: root here is not root of the host");
	if (check->permission.seccomp)
		print_row("seccomp", "a filter is on this process");
	print_row("tracefs",
		  check->tracefs_error ? strerror(-check->tracefs_error) : check->tracefs.where);
	struct kallsyms *kallsyms = NULL;
	int error = kallsyms_read("/proc/kallsyms", &kallsyms);
	print_row("names of kernel functions",
		  error == -EACCES ? "hidden: needs CAP_SYSLOG, or kptr_restrict 0 and "
				     "perf_event_paranoid <= 1"
		  : error	   ? strerror(-error)
				   : "yes");
	check->names_error = error;
	kallsyms_free(kallsyms);
	struct kernel_log *log = NULL;
	error = kernel_log_open(KERNEL_LOG_PATH, &log);
	print_row("lines of the kernel's log",
		  error == -EPERM ? "hidden: needs CAP_SYSLOG, or kernel.dmesg_restrict 0"
		  : error	  ? strerror(-error)
				  : "yes");
	kernel_log_close(log);
	print_ends_row();
}

static int try_event(const struct event_plan_entry *event)
{
	int fd = perf_events_try(&event->attr, -1, 0);
	if (fd < 0)
		return fd;
	int error = event->filter && ioctl(fd, PERF_EVENT_IOC_SET_FILTER, event->filter) < 0
			    ? -errno
			    : 0;
	close(fd);
	return error;
}

static const char *try_sample(const struct event_plan_entry *event, int *ret_error)
{
	struct event_plan_entry clock = *event;
	*ret_error = try_event(event);
	if (!*ret_error)
		return "yes, hardware cycles";
	clock.attr.type = PERF_TYPE_SOFTWARE;
	clock.attr.config = PERF_COUNT_SW_CPU_CLOCK;
	int error = try_event(&clock);
	if (error)
		return strerror(-*ret_error);
	*ret_error = 0;
	return "yes, cpu-clock (no cycle counter here)";
}

static const char *describe_event(const struct event_plan_entry *event, char *text,
				  size_t text_bytes)
{
	if (event->role == ROLE_TASKS)
		return "tasks and mappings";
	if (event->role == ROLE_SAMPLE)
		return "CPU samples";
	if (event->role == ROLE_SWITCH)
		snprintf(text, text_bytes, "%s%s", event->name,
			 event->attr.sample_type & PERF_SAMPLE_CALLCHAIN ? " + stack" : "");
	else
		snprintf(text, text_bytes, "%s", event->name);
	return text;
}

/* Plans have the same event once for each mode. */
static bool was_tried(const struct event_plan *plan, size_t index)
{
	char text[128], earlier_text[128];
	const char *name = describe_event(&plan->events[index], text, sizeof(text));

	for (size_t i = 0; i < index; i++)
		if (!strcmp(describe_event(&plan->events[i], earlier_text, sizeof(earlier_text)),
			    name))
			return true;
	return false;
}

static void print_cost_row(const char *name, int64_t added_ns, int64_t switch_ns)
{
	char text[64];

	if (switch_ns <= 0)
		switch_ns = 1;
	snprintf(text, sizeof(text), "%lld ns, %lld %% of the switch", (long long)added_ns,
		 (long long)(added_ns * 100 / switch_ns));
	print_row(name, text);
}

/* What is printed here is what others do to this host, too: a busy one needs a second look. */
static void print_switch_cost(const struct event_plan *plan)
{
	struct switch_cost cost;
	char text[64];

	printf("\ncost of a switch, of two threads that wake each other on one CPU\n");
	fflush(stdout);
	int error = switch_cost_measure(plan, &cost);
	if (error) {
		print_row("not measured", strerror(-error));
		return;
	}
	snprintf(text, sizeof(text), "%llu ns of CPU time", (unsigned long long)cost.switch_ns);
	print_row("without a recorder", text);
	for (int step = GOVERNOR_FULL; step < GOVERNOR_STEPS; step++) {
		snprintf(text, sizeof(text), "arm --stacks=%s adds",
			 arguments_stacks_name((enum governor_step)step));
		print_cost_row(text, cost.added_ns[governor_step_mode((enum governor_step)step)],
			       (int64_t)cost.switch_ns);
	}
	print_cost_row("recorder capture adds", cost.added_ns[MODE_FULL], (int64_t)cost.switch_ns);
}

static void check_tracepoint_tier(struct check *check)
{
	struct event_plan *plan;
	struct event_plan_error plan_error;
	char text[128];

	printf("\ntier %s, tried on CPU 0\n", TRACEPOINT_TIER.name);
	print_row("gives", TRACEPOINT_TIER.gives);
	print_row("lacks", TRACEPOINT_TIER.lacks);
	check->tracepoint_error = check->tracefs_error;
	if (check->tracefs_error) {
		print_row("event formats", strerror(-check->tracefs_error));
		return;
	}
	int error = event_plan_create(&TRACEPOINT_TIER, &check->tracefs, WATERMARK_BYTES, &plan,
				      &plan_error);
	if (error) {
		print_row("event formats", error == -ENOMEM ? strerror(-error) : plan_error.text);
		check->tracepoint_error = error;
		return;
	}
	for (size_t i = 0; i < plan->count; i++) {
		const struct event_plan_entry *event = &plan->events[i];
		if (event->role == ROLE_SAMPLE) {
			print_row("CPU samples", try_sample(event, &error));
		} else {
			error = try_event(event);
			if (error || !was_tried(plan, i))
				print_error_row(describe_event(event, text, sizeof(text)), error);
		}
		if (error && !check->tracepoint_error)
			check->tracepoint_error = error;
	}
	if (plan->missing[0])
		print_row("not in this kernel", plan->missing);
	if (!check->tracepoint_error)
		print_switch_cost(plan);
	event_plan_destroy(plan);
}

/* Return: number of threads of @tgid; 0 if its directory cannot be read. */
static size_t count_threads(int32_t tgid)
{
	char path[64];
	size_t count = 0;
	snprintf(path, sizeof(path), "/proc/%d/task", tgid);
	DIR *dir = opendir(path);
	if (!dir)
		return 0;
	for (struct dirent *entry; (entry = readdir(dir));)
		count += entry->d_name[0] != '.';
	closedir(dir);
	return count;
}

static int print_target(struct check *check)
{
	int32_t missing;
	if (!check->target.count)
		return EXIT_DONE;
	if (target_open(&check->target, &missing)) {
		fflush(stdout);
		message_error("there is no process %d.\n"
			      "  pgrep -a NAME finds the process ID of a program.",
			      missing);
		return EXIT_FAILED;
	}
	printf("\ntarget\n");
	for (size_t i = 0; i < check->target.count; i++) {
		char name[32], text[64];
		size_t threads = count_threads(check->target.tgids[i]);
		snprintf(name, sizeof(name), "%d", check->target.tgids[i]);
		snprintf(text, sizeof(text), "exists, %zu thread%s", threads,
			 threads == 1 ? "" : "s");
		print_row(name, text);
	}
	target_close(&check->target);
	return EXIT_DONE;
}

static void print_working(const struct check *check, int target_status)
{
	char remedy[512];

	if (!check->names_error) {
		printf("\nrecorder capture works here%s.\n",
		       target_status ? ", of processes that are there" : "");
		return;
	}
	permission_explain_names(&check->permission, check->names_error, remedy, sizeof(remedy));
	printf("\nrecorder capture records here, but of little use: %s.\n  %s\n",
	       PERMISSION_NO_NAMES, remedy);
}

/* @target_status: returned by print_target(). */
static void print_verdict(const struct check *check, int target_status)
{
	char reason[512];
	if (!check->tracepoint_error) {
		print_working(check, target_status);
		return;
	}
	printf("\nrecorder capture does not work here.\n");
	if (check->tracefs_error == -ENOENT)
		printf("  As root: mount -t tracefs nodev /sys/kernel/tracing\n");
	else if (check->tracefs_error == -EACCES &&
		 (check->permission.perfmon || check->permission.sys_admin))
		printf("  %s\n", PERMISSION_TRACEFS_ADVICE);
	else {
		permission_explain(&check->permission, check->tracepoint_error, reason,
				   sizeof(reason));
		printf("  %s\n", reason);
	}
}

static int parse_options(struct check *check, int argc, char **argv)
{
	static const struct option OPTIONS[] = {
		{ "pid", required_argument, NULL, 'p' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	opterr = 0;
	while ((option = getopt_long(argc, argv, ":p:h", OPTIONS, NULL)) != -1) {
		switch (option) {
		case 'p':
			if (!target_parse(&check->target, optarg))
				break;
			return arguments_usage("check", "not a list of process IDs:", optarg);
		case 'h':
			print_help();
			return fflush(stdout) ? EXIT_FAILED : EXIT_DONE;
		default:
			return arguments_usage("check",
					       option == ':' ? "a value is missing after"
							     : "there is no option",
					       argv[optind - 1]);
		}
	}
	return optind < argc ? arguments_usage("check", "not an option:", argv[optind]) : -1;
}

int cmd_check(int argc, char **argv)
{
	struct check check = { .tracefs = { .dir_fd = -1 } };
	int status = parse_options(&check, argc, argv);
	if (status >= 0)
		return status;

	permission_read(&check.permission);
	check.tracefs_error = tracefs_open(&check.tracefs);
	print_host(&check);
	check_tracepoint_tier(&check);
	status = print_target(&check);
	print_verdict(&check, status);
	tracefs_close(&check.tracefs);
	if (fflush(stdout))
		return EXIT_FAILED;
	return check.tracepoint_error || check.names_error ? EXIT_NOT_PERMITTED : status;
}
