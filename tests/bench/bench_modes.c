/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a switch costs while something records the host: two processes that wake each other over
 * pipes on one CPU, under one recorder after the other, in rounds.
 *
 *	tests/bench/bench_modes [ROUNDS] [NAME]...
 *
 * The time is CPU time of the two processes, so that others who have the CPU meanwhile do not
 * count; real-time priority keeps those from the caches, too. It is compared with what a switch
 * costs just before the recorder begins and just after it ends. What the recorder itself takes is
 * not in it. Needs root, bpftrace and perf; what is not installed is left out.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROUNDS_DEFAULT 7
#define ROUNDS_MAX     99
#define TRIPS	       60000 /* of two switches: some tenths of a second */
#define RECORDER       "recorder/recorder"
#define ARM(stacks)                                                                                \
	RECORDER " arm -o bench_modes.tmp --ring=/dev/shm/bench_modes.ring "                      \
		 "--control=bench_modes.tmp/control --max-events=0 --max-cpu=0 " stacks

/* Time that each stack was blocked for, summed in the kernel, as offcputime does. */
#define OFF_CPU                                                                                    \
	"bpftrace -B line -e 'interval:ms:100 { printf(\"ready\\n\"); } "                          \
	"tracepoint:sched:sched_switch { "                                                         \
	"if (args->prev_state) { @stack[args->prev_pid] = kstack; @since[args->prev_pid] = nsecs; } " \
	"$since = @since[args->next_pid]; "                                                        \
	"if ($since) { @off[@stack[args->next_pid], args->next_comm] = sum(nsecs - $since); "      \
	"delete(@since[args->next_pid]); delete(@stack[args->next_pid]); } }'"

#define PERF                                                                                       \
	"perf record -q -e sched:sched_switch -a -g -o /dev/shm/bench_modes.perf -- "              \
	"sh -c 'echo ready; exec sleep 1000'"

struct row {
	const char *name;
	const char *command;
	const char *ready;	/* begins the line that it writes when it records */
	bool flock_waits;
	double off_ns[ROUNDS_MAX];	/* of a switch without it */
	double added_ns[ROUNDS_MAX];	/* by it */
	size_t count;
};

static struct row rows[] = {
	{ .name = "armed", .command = ARM(""), .ready = "recording" },
	{ .name = "armed-flock", .command = ARM(""), .ready = "recording", .flock_waits = true },
	{ .name = "lazy", .command = ARM("--stacks=lazy"), .ready = "recording" },
	{ .name = "full", .command = ARM("--stacks=full"), .ready = "recording" },
	{ .name = "none", .command = ARM("--stacks=none"), .ready = "recording" },
	{ .name = "bpftrace", .command = OFF_CPU, .ready = "ready" },
	{ .name = "perf", .command = PERF, .ready = "ready" },
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

static void stay_on_last_cpu(void)
{
	const struct sched_param low = { .sched_priority = 1 };
	cpu_set_t set;
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	CPU_ZERO(&set);
	CPU_SET((size_t)(cpus > 0 ? cpus - 1 : 0), &set);
	sched_setaffinity(0, sizeof(set), &set);
	sched_setscheduler(0, SCHED_FIFO, &low);
}

/* Passes a byte to the other one and waits for it, or the other way round. */
static void run_player(int in, int out, bool begins)
{
	char byte = 0;

	stay_on_last_cpu();
	for (long i = 0; i < TRIPS; i++) {
		if (begins && write(out, &byte, 1) != 1)
			_exit(1);
		if (read(in, &byte, 1) != 1)
			_exit(1);
		if (!begins && write(out, &byte, 1) != 1)
			_exit(1);
	}
	_exit(0);
}

static double get_cpu_ns(const struct rusage *usage)
{
	return ((double)usage->ru_utime.tv_sec + (double)usage->ru_stime.tv_sec) * 1e9 +
	       ((double)usage->ru_utime.tv_usec + (double)usage->ru_stime.tv_usec) * 1e3;
}

/* Return: CPU time of a switch in nanoseconds, or 0 where the two did not come to their end. */
static double play(void)
{
	int there[2], back[2], status;
	struct rusage usage;
	pid_t pids[2];
	double ns = 0;
	bool ended = true;

	if (pipe2(there, O_CLOEXEC) || pipe2(back, O_CLOEXEC))
		return 0;
	for (int i = 0; i < 2; i++) {
		pids[i] = fork();
		if (!pids[i])
			run_player(i ? there[0] : back[0], i ? back[1] : there[1], !i);
	}
	for (int i = 0; i < 2; i++) {
		ended &= wait4(pids[i], &status, 0, &usage) == pids[i] && !status;
		ns += get_cpu_ns(&usage);
		close(there[i]);
		close(back[i]);
	}
	return ended ? ns / TRIPS / 2 : 0;
}

/* Return: its process, with what it writes at @ret_output; -1 where it did not begin to record. */
static pid_t start_recorder(const struct row *row, FILE **ret_output)
{
	int ends[2];
	char line[512];

	if (pipe2(ends, O_CLOEXEC))
		return -1;
	pid_t pid = fork();
	if (!pid) {
		char command[2048];
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(ends[1], STDOUT_FILENO);
		dup2(ends[1], STDERR_FILENO);
		snprintf(command, sizeof(command), "exec %s", row->command);
		execl("/bin/sh", "sh", "-c", command, NULL);
		_exit(127);
	}
	close(ends[1]);
	*ret_output = fdopen(ends[0], "r");
	while (*ret_output && fgets(line, sizeof(line), *ret_output))
		if (!strncmp(line, row->ready, strlen(row->ready)))
			return pid;
	fclose(*ret_output);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return -1;
}

static void end_recorder(pid_t pid, FILE *output)
{
	char rest[4096];

	kill(pid, SIGINT);
	while (fread(rest, 1, sizeof(rest), output)) /* what it sums up at its end */
		;
	fclose(output);
	waitpid(pid, NULL, 0);
	unlink("/dev/shm/bench_modes.perf");
}

/* One process has the lock of a file, one waits for it. Return: whether it waits. */
static bool start_flock(pid_t pids[2])
{
	int ends[2];
	char byte;

	if (pipe2(ends, O_CLOEXEC))
		return false;
	for (int i = 0; i < 2; i++) {
		pids[i] = fork();
		if (!pids[i]) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			int fd = open("bench_modes.tmp/lock", O_CREAT | O_RDWR | O_CLOEXEC, 0600);
			/* The second one says so before it waits. */
			bool told = !i || write(ends[1], "", 1) == 1;
			if (fd < 0 || !told || flock(fd, LOCK_EX))
				_exit(1);
			told = write(ends[1], "", 1) == 1;
			while (told)
				pause();
			_exit(1);
		}
		if (read(ends[0], &byte, 1) != 1)
			return false;
	}
	close(ends[0]);
	close(ends[1]);
	return true;
}

static void run_row(struct row *row)
{
	pid_t flocks[2] = { 0, 0 };
	FILE *output = NULL;

	if (row->flock_waits && !start_flock(flocks))
		fprintf(stderr, "bench_modes: no flock waits\n");
	double before_ns = play();
	pid_t recorder = start_recorder(row, &output);
	if (recorder > 0) {
		double ns = play();
		end_recorder(recorder, output);
		double after_ns = play();
		row->off_ns[row->count] = (before_ns + after_ns) / 2;
		row->added_ns[row->count] = ns - row->off_ns[row->count];
		row->count += before_ns > 0 && ns > 0 && after_ns > 0;
	}
	for (int i = 0; i < 2; i++)
		if (flocks[i] > 0) {
			kill(flocks[i], SIGKILL);
			waitpid(flocks[i], NULL, 0);
		}
}

static int compare_numbers(const void *a, const void *b)
{
	const double *x = a, *y = b;
	return (*x > *y) - (*x < *y);
}

static double find_median(double *values, size_t count)
{
	qsort(values, count, sizeof(values[0]), compare_numbers);
	return count ? values[count / 2] : 0;
}

/* Return: the median of what @name adds; 0 where it was not measured. */
static double find_added(const char *name)
{
	for (size_t i = 0; i < ROWS; i++)
		if (!strcmp(rows[i].name, name))
			return find_median(rows[i].added_ns, rows[i].count);
	return 0;
}

static void print_ratio(double added, double other)
{
	if (other > 0)
		printf(" | %.2f", added / other);
	else
		printf(" | -");
}

static void print_table(void)
{
	double bpftrace = find_added("bpftrace"), perf = find_added("perf");

	puts("| recorder | rounds | ns a switch without | added: median | least | most "
	     "| of bpftrace | of perf |");
	puts("|---|---|---|---|---|---|---|---|");
	for (size_t i = 0; i < ROWS; i++) {
		struct row *row = &rows[i];
		if (!row->count)
			continue;
		double added = find_added(row->name);
		printf("| %s | %zu | %.0f | %.0f | %.0f | %.0f", row->name, row->count,
		       find_median(row->off_ns, row->count), added, row->added_ns[0],
		       row->added_ns[row->count - 1]);
		print_ratio(added, bpftrace);
		print_ratio(added, perf);
		puts(" |");
	}
}

static bool is_asked_for(const struct row *row, int argc, char **argv)
{
	for (int i = 2; i < argc; i++)
		if (!strcmp(argv[i], row->name))
			return true;
	return argc <= 2;
}

int main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : ROUNDS_DEFAULT;

	if (rounds < 1 || rounds > ROUNDS_MAX) {
		fprintf(stderr, "usage: bench_modes [ROUNDS] [NAME]...\n");
		return 2;
	}
	if (system("mkdir -p bench_modes.tmp"))
		return 1;
	for (int round = 0; round < rounds; round++)
		for (size_t i = 0; i < ROWS; i++)
			if (is_asked_for(&rows[i], argc, argv))
				run_row(&rows[i]);
	print_table();
	return system("rm -r bench_modes.tmp") ? 1 : 0;
}
