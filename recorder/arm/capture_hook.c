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
#define QUEUE_MAX     8
#define CHILDREN_MAX  16 /* including those that were killed and do not die */
#define REPORT_BYTES  64
#define DEATH_LOOKS   100
#define DEATH_LOOK_NS 1000000

struct pending_capture {
	char *file, *source, *reason;
};

struct run {
	pid_t pid; /* leader of a process group; 0: none */
	uint64_t deadline_ns;
	bool killed;
	char *file; /* path of the capture */
	char report[REPORT_BYTES];
};

struct capture_hook {
	char *command;
	uint64_t deadline_ns; /* of each run, from its start */
	uint64_t end_ns; /* deadline of all runs; 0: not known yet */
	const char *report_dir;
	struct capture_hook_status status;
	struct pending_capture queue[QUEUE_MAX];
	size_t queue_count;
	struct run runs[CHILDREN_MAX];
};

int capture_hook_create(const char *command, uint64_t deadline_ns, struct capture_hook **ret_hook)
{
	struct capture_hook *hook = calloc(1, sizeof(*hook));
	if (!hook || !(hook->command = strdup(command))) {
		free(hook);
		return -ENOMEM;
	}
	hook->deadline_ns = deadline_ns;
	hook->report_dir = access("/dev/shm", W_OK | X_OK) ? "/tmp" : "/dev/shm";
	*ret_hook = hook;
	return 0;
}

static void free_pending(struct pending_capture *pending)
{
	free(pending->file);
	free(pending->source);
	free(pending->reason);
}

/* The pid cannot be reused before the process is reaped. */
static void kill_run(struct run *run)
{
	kill(-run->pid, SIGKILL);
	kill(run->pid, SIGKILL); /* it may not lead a group yet */
	unlink(run->report);
	run->killed = true;
}

static void report_failure(const struct run *run, int status)
{
	const char *file = run->file ? run->file : "a capture";

	if (WIFSIGNALED(status))
		message_error("--on-capture, of %s: killed by signal %d.", file, WTERMSIG(status));
	else
		message_error("--on-capture, of %s: exit status %d%s.", file, WEXITSTATUS(status),
			      WEXITSTATUS(status) == 127 ? ", as of a command that is not found"
							 : "");
}

/* Return: whether the run has ended. */
static bool reap_run(struct capture_hook *hook, struct run *run)
{
	int status;
	pid_t reaped = waitpid(run->pid, &status, WNOHANG);

	if (!reaped || (reaped < 0 && errno == EINTR))
		return false;
	/* If SIGCHLD is ignored, waitpid() does not tell how it ended. */
	if (reaped > 0 && !run->killed && !(WIFEXITED(status) && !WEXITSTATUS(status))) {
		hook->status.failed++;
		report_failure(run, status);
	}
	unlink(run->report);
	free(run->file);
	run->file = NULL;
	run->pid = 0;
	return true;
}

void capture_hook_destroy(struct capture_hook *hook)
{
	const struct timespec pause = { .tv_nsec = DEATH_LOOK_NS };

	if (!hook)
		return;
	for (size_t i = 0; i < CHILDREN_MAX; i++)
		if (hook->runs[i].pid)
			kill_run(&hook->runs[i]);
	for (size_t i = 0, looks = 0; i < CHILDREN_MAX && looks < DEATH_LOOKS;) {
		if (!hook->runs[i].pid || reap_run(hook, &hook->runs[i])) {
			i++;
			continue;
		}
		looks++;
		nanosleep(&pause, NULL);
	}
	for (size_t i = 0; i < hook->queue_count; i++)
		free_pending(&hook->queue[i]);
	for (size_t i = 0; i < CHILDREN_MAX; i++)
		free(hook->runs[i].file);
	free(hook->command);
	free(hook);
}

/* Return: a free entry, or NULL if no more may run. */
static struct run *find_free_run(struct capture_hook *hook)
{
	struct run *free = NULL;
	size_t running = 0;

	for (size_t i = 0; i < CHILDREN_MAX; i++) {
		if (!hook->runs[i].pid)
			free = &hook->runs[i];
		else
			running += !hook->runs[i].killed;
	}
	return running < RUNNING_MAX ? free : NULL;
}

/* The directory may be writable by everybody, so nobody must guess the name. */
static void name_report(const struct capture_hook *hook, struct run *run)
{
	uint64_t random = 0;

	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) != sizeof(random))
		random =
			clock_now_ns(); /* somebody may guess it; then creating it fails, and there is no report */
	snprintf(run->report, sizeof(run->report), "%s/freezetrap-report-%016" PRIx64 ".json",
		 hook->report_dir, random);
}

/* Return: the time that a run has that starts now. */
static uint64_t get_time_left_ns(const struct capture_hook *hook)
{
	uint64_t now_ns = clock_now_ns();
	uint64_t left_ns = hook->end_ns > now_ns ? hook->end_ns - now_ns : 0;

	return hook->end_ns && left_ns < hook->deadline_ns ? left_ns : hook->deadline_ns;
}

static void start_run(struct capture_hook *hook, struct run *run,
		      const struct pending_capture *pending)
{
	uint64_t left_ns = get_time_left_ns(hook);
	sigset_t all, before;

	name_report(hook, run);
	const struct capture_hook_job work = {
		.command = hook->command,
		.file = pending->file,
		.source = pending->source,
		.reason = pending->reason,
		.report = run->report,
		.analyze_ns = left_ns / 2,
	};
	/* No signal handler of the recorder may run in the child before they are reset. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pid_t pid = fork();
	if (!pid)
		capture_hook_child(&work);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (pid < 0) {
		hook->status.failed++;
		return;
	}
	run->pid = pid;
	run->file = strdup(pending->file);
	run->killed = false;
	run->deadline_ns = clock_now_ns() + left_ns;
	hook->status.runs++;
}

static void start_next(struct capture_hook *hook)
{
	struct run *run;

	while (hook->queue_count && get_time_left_ns(hook) && (run = find_free_run(hook))) {
		start_run(hook, run, &hook->queue[0]);
		free_pending(&hook->queue[0]);
		hook->queue_count--;
		memmove(hook->queue, hook->queue + 1, hook->queue_count * sizeof(hook->queue[0]));
	}
}

void capture_hook_run(struct capture_hook *hook, const char *file, const char *source,
		      const char *reason)
{
	capture_hook_look(hook);
	if (hook->queue_count == QUEUE_MAX) {
		hook->status.dropped++;
		return;
	}
	struct pending_capture pending = { strdup(file), strdup(source), strdup(reason) };
	if (!pending.file || !pending.source || !pending.reason) {
		free_pending(&pending);
		hook->status.dropped++;
		return;
	}
	hook->queue[hook->queue_count++] = pending;
	start_next(hook);
}

void capture_hook_look(struct capture_hook *hook)
{
	uint64_t now_ns = clock_now_ns();

	for (size_t i = 0; i < CHILDREN_MAX; i++) {
		struct run *run = &hook->runs[i];
		if (!run->pid || reap_run(hook, run) || run->killed || now_ns < run->deadline_ns)
			continue;
		kill_run(run);
		message_error("--on-capture, of %s: killed, it took too long.",
			      run->file ? run->file : "a capture");
		hook->status.killed++;
	}
	start_next(hook);
}

void capture_hook_end(struct capture_hook *hook, uint64_t end_ns)
{
	hook->end_ns = end_ns;
	for (size_t i = 0; i < CHILDREN_MAX; i++)
		if (hook->runs[i].deadline_ns > end_ns)
			hook->runs[i].deadline_ns = end_ns;
}

bool capture_hook_busy(const struct capture_hook *hook)
{
	for (size_t i = 0; i < CHILDREN_MAX; i++)
		if (hook->runs[i].pid && !hook->runs[i].killed)
			return true;
	return hook->queue_count && get_time_left_ns(hook);
}

void capture_hook_status(const struct capture_hook *hook, struct capture_hook_status *ret_status)
{
	*ret_status = hook->status;
}
