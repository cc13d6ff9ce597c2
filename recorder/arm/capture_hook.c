/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/arm/capture_hook.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "recorder/arm/capture_hook_child.h"
#include "recorder/base/clock.h"
#include "recorder/base/message.h"

#define RUNNING_MAX   2
#define LINE_MAX_JOBS 8
#define CHILDREN_MAX  16 /* those that were killed and do not die included */
#define REPORT_BYTES  64
#define DEATH_LOOKS   100
#define DEATH_LOOK_NS 1000000

struct capture_writer {
	char *file, *source, *reason;
};

struct run {
	pid_t pid; /* 0: none; leads a process group of the same number */
	uint64_t deadline_ns;
	bool killed;
	char *file; /* the capture */
	char report[REPORT_BYTES];
};

struct capture_hook {
	char *command;
	uint64_t deadline_ns; /* of each run, from its start */
	uint64_t end_ns; /* of all of them; 0: not known yet */
	const char *report_dir;
	struct capture_hook_status status;
	struct capture_writer line[LINE_MAX_JOBS];
	size_t line_count;
	struct run runs[CHILDREN_MAX];
};

int capture_hook_create(const char *command, uint64_t deadline_ns, struct capture_hook **ret_after)
{
	struct capture_hook *after = calloc(1, sizeof(*after));
	if (!after || !(after->command = strdup(command))) {
		free(after);
		return -ENOMEM;
	}
	after->deadline_ns = deadline_ns;
	after->report_dir = access("/dev/shm", W_OK | X_OK) ? "/tmp" : "/dev/shm";
	*ret_after = after;
	return 0;
}

static void job_free(struct capture_writer *job)
{
	free(job->file);
	free(job->source);
	free(job->reason);
}

/* While it is not reaped, its number is nobody else's. */
static void kill_run(struct run *run)
{
	kill(-run->pid, SIGKILL);
	kill(run->pid, SIGKILL); /* it may not have come to lead a group yet */
	unlink(run->report);
	run->killed = true;
}

static void tell_failure(const struct run *run, int status)
{
	const char *file = run->file ? run->file : "a capture";

	if (WIFSIGNALED(status))
		message_error("--on-capture, of %s: killed by signal %d.", file, WTERMSIG(status));
	else
		message_error("--on-capture, of %s: exit status %d%s.", file, WEXITSTATUS(status),
			      WEXITSTATUS(status) == 127 ? ", as of a command that is not found"
							 : "");
}

/* Return: whether it has ended. */
static bool reap(struct capture_hook *after, struct run *run)
{
	int status;
	pid_t reaped = waitpid(run->pid, &status, WNOHANG);

	if (!reaped || (reaped < 0 && errno == EINTR))
		return false;
	/* Where SIGCHLD is ignored nobody can tell how it ended. */
	if (reaped > 0 && !run->killed && !(WIFEXITED(status) && !WEXITSTATUS(status))) {
		after->status.failed++;
		tell_failure(run, status);
	}
	unlink(run->report);
	free(run->file);
	run->file = NULL;
	run->pid = 0;
	return true;
}

void capture_hook_destroy(struct capture_hook *after)
{
	const struct timespec pause = { .tv_nsec = DEATH_LOOK_NS };

	if (!after)
		return;
	for (size_t i = 0; i < CHILDREN_MAX; i++)
		if (after->runs[i].pid)
			kill_run(&after->runs[i]);
	for (size_t i = 0, looks = 0; i < CHILDREN_MAX && looks < DEATH_LOOKS;) {
		if (!after->runs[i].pid || reap(after, &after->runs[i])) {
			i++;
			continue;
		}
		looks++;
		nanosleep(&pause, NULL);
	}
	for (size_t i = 0; i < after->line_count; i++)
		job_free(&after->line[i]);
	for (size_t i = 0; i < CHILDREN_MAX; i++)
		free(after->runs[i].file);
	free(after->command);
	free(after);
}

/* A place for one more, or NULL. */
static struct run *free_run(struct capture_hook *after)
{
	struct run *free = NULL;
	size_t running = 0;

	for (size_t i = 0; i < CHILDREN_MAX; i++) {
		if (!after->runs[i].pid)
			free = &after->runs[i];
		else
			running += !after->runs[i].killed;
	}
	return running < RUNNING_MAX ? free : NULL;
}

/* A name that nobody can guess, in a directory that may be everybody's. */
static void name_report(const struct capture_hook *after, struct run *run)
{
	uint64_t random = 0;

	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) != sizeof(random))
		random = clock_now_ns(); /* then creating it may fail, and there is no report */
	snprintf(run->report, sizeof(run->report), "%s/freezetrap-report-%016" PRIx64 ".json",
		 after->report_dir, random);
}

/* How long one that starts now has. */
static uint64_t time_left_ns(const struct capture_hook *after)
{
	uint64_t now_ns = clock_now_ns();
	uint64_t left_ns = after->end_ns > now_ns ? after->end_ns - now_ns : 0;

	return after->end_ns && left_ns < after->deadline_ns ? left_ns : after->deadline_ns;
}

static void start(struct capture_hook *after, struct run *run, const struct capture_writer *job)
{
	uint64_t left_ns = time_left_ns(after);
	sigset_t all, before;

	name_report(after, run);
	const struct capture_hook_job work = {
		.command = after->command,
		.file = job->file,
		.source = job->source,
		.reason = job->reason,
		.report = run->report,
		.analyze_ns = left_ns / 2,
	};
	/* No handler of the recorder's may run in the child before they are reset. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pid_t pid = fork();
	if (!pid)
		capture_hook_child(&work);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (pid < 0) {
		after->status.failed++;
		return;
	}
	run->pid = pid;
	run->file = strdup(job->file);
	run->killed = false;
	run->deadline_ns = clock_now_ns() + left_ns;
	after->status.runs++;
}

static void start_next(struct capture_hook *after)
{
	struct run *run;

	while (after->line_count && time_left_ns(after) && (run = free_run(after))) {
		start(after, run, &after->line[0]);
		job_free(&after->line[0]);
		after->line_count--;
		memmove(after->line, after->line + 1, after->line_count * sizeof(after->line[0]));
	}
}

void capture_hook_run(struct capture_hook *after, const char *file, const char *source,
		      const char *reason)
{
	capture_hook_look(after);
	if (after->line_count == LINE_MAX_JOBS) {
		after->status.dropped++;
		return;
	}
	struct capture_writer job = { strdup(file), strdup(source), strdup(reason) };
	if (!job.file || !job.source || !job.reason) {
		job_free(&job);
		after->status.dropped++;
		return;
	}
	after->line[after->line_count++] = job;
	start_next(after);
}

void capture_hook_look(struct capture_hook *after)
{
	uint64_t now_ns = clock_now_ns();

	for (size_t i = 0; i < CHILDREN_MAX; i++) {
		struct run *run = &after->runs[i];
		if (!run->pid || reap(after, run) || run->killed || now_ns < run->deadline_ns)
			continue;
		kill_run(run);
		message_error("--on-capture, of %s: killed, it took too long.",
			      run->file ? run->file : "a capture");
		after->status.killed++;
	}
	start_next(after);
}

void capture_hook_end(struct capture_hook *after, uint64_t end_ns)
{
	after->end_ns = end_ns;
	for (size_t i = 0; i < CHILDREN_MAX; i++)
		if (after->runs[i].deadline_ns > end_ns)
			after->runs[i].deadline_ns = end_ns;
}

bool capture_hook_busy(const struct capture_hook *after)
{
	for (size_t i = 0; i < CHILDREN_MAX; i++)
		if (after->runs[i].pid && !after->runs[i].killed)
			return true;
	return after->line_count && time_left_ns(after);
}

void capture_hook_status(const struct capture_hook *after, struct capture_hook_status *ret_status)
{
	*ret_status = after->status;
}
