/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/arm/capture_hook_child.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "recorder/base/clock.h"

#define LOOK_NS	      5000000
#define ANALYZE_NICE  10 /* the service comes first */
#define EXIT_NO_SHELL 127
/* Exit status of analyze. */
#define STATUS_DONE    0
#define STATUS_DAMAGED 3 /* the report covers what could be read */

/* The child gets nothing of the recorder: no priority, no descriptors with their locks, and no
 * capabilities that a service manager gave it. */
static void become_ordinary(void)
{
	struct sched_param ordinary = { .sched_priority = 0 };
	sigset_t none;

	setsid();
	for (int number = 1; number < NSIG; number++)
		signal(number, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	sched_setscheduler(0, SCHED_OTHER, &ordinary);
	setpriority(PRIO_PROCESS, 0, 0);
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	close(STDIN_FILENO);
	int fd;
	do /* 0 to 2 must be open, which they may not be in the recorder */
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	closefrom(STDERR_FILENO + 1);
}

/* Looks beside this program, installed or built; a --program-prefix applies to both names. */
static bool find_beside(char *ret_path, size_t path_bytes, const char *where)
{
	char self[PATH_MAX];
	ssize_t bytes = readlink("/proc/self/exe", self, sizeof(self) - 1);
	if (bytes <= 0)
		return false;
	self[bytes] = '\0';

	char *name = strrchr(self, '/');
	if (!name)
		return false;
	*name++ = '\0';
	char *own = strstr(name, "recorder");
	int before = own ? (int)(own - name) : 0;
	int written = snprintf(ret_path, path_bytes, "%s/%s%.*sanalyze%s", self, where, before,
			       name, own ? own + strlen("recorder") : "");
	return written > 0 && (size_t)written < path_bytes && !access(ret_path, X_OK);
}

/* @fd: the empty report. Return: pid of the child, or -1. */
static pid_t start_analyze(const struct capture_hook_job *job, int fd)
{
	char path[2 * PATH_MAX] = "analyze";
	pid_t pid;

	if (!find_beside(path, sizeof(path), "") &&
	    !find_beside(path, sizeof(path), "../analyzer/"))
		strcpy(path, "analyze");
	pid = fork();
	if (pid)
		return pid;
	if (dup2(fd, STDOUT_FILENO) < 0)
		_exit(EXIT_NO_SHELL);
	fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	if (fd >= 0)
		dup2(fd, STDERR_FILENO);
	setpriority(PRIO_PROCESS, 0, ANALYZE_NICE);
	execlp(path, "analyze", "--json", "--", job->file, NULL);
	_exit(EXIT_NO_SHELL);
}

/* Return: whether there is a report. A process that cannot be killed is left behind. */
static bool wait_for_analyze(pid_t pid, uint64_t deadline_ns)
{
	const struct timespec pause = { .tv_nsec = LOOK_NS };
	int status;

	for (;;) {
		pid_t reaped = waitpid(pid, &status, WNOHANG);
		if (reaped == pid)
			return WIFEXITED(status) && (WEXITSTATUS(status) == STATUS_DONE ||
						     WEXITSTATUS(status) == STATUS_DAMAGED);
		if (reaped < 0 && errno != EINTR)
			return false;
		if (clock_now_ns() >= deadline_ns) {
			kill(pid, SIGKILL);
			return false;
		}
		nanosleep(&pause, NULL);
	}
}

/* What a report says, in words for the command; malloc'ed. NULL: it does not say it. */
struct report_words {
	char *kind;	/* of the first finding, "none", or "not-found" if waits have no explanation */
	char *verdict;	/* what stands at its top */
};

/* All NULL if @path is no report. */
static struct report_words read_report(const char *path)
{
	json_t *report = json_load_file(path, 0, NULL);
	json_t *findings = json_object_get(report, "findings");
	const char *kind = json_string_value(json_object_get(json_array_get(findings, 0), "kind"));
	const char *verdict = json_string_value(json_object_get(report, "verdict"));
	struct report_words words = { NULL, NULL };

	if (json_is_true(json_object_get(report, "unexplained")))
		kind = "not-found";
	if (json_is_array(findings)) {
		words.kind = strdup(kind ? kind : "none");
		words.verdict = verdict ? strdup(verdict) : NULL;
	}
	json_decref(report);
	return words;
}

static struct report_words run_analyze(const struct capture_hook_job *job)
{
	const struct report_words none = { NULL, NULL };
	int fd = open(job->report, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return none;
	pid_t pid = start_analyze(job, fd);
	close(fd);
	if (pid < 0 || !wait_for_analyze(pid, clock_now_ns() + job->analyze_ns))
		return none;
	return read_report(job->report);
}

/* setenv() is safe after fork(): the child has one thread, glibc resets its own locks, and no
 * other thread of the recorder changes environ. */
static void set_variable(const char *name, const char *value)
{
	if (value)
		setenv(name, value, 1);
	else
		unsetenv(name);
}

void capture_hook_child(const struct capture_hook_job *job)
{
	become_ordinary();
	struct report_words words = run_analyze(job);
	set_variable("FREEZETRAP_FILE", job->file);
	set_variable("FREEZETRAP_SOURCE", job->source);
	set_variable("FREEZETRAP_REASON", job->reason);
	set_variable("FREEZETRAP_REPORT", words.kind ? job->report : NULL);
	set_variable("FREEZETRAP_VERDICT", words.kind);
	set_variable("FREEZETRAP_RESULT", words.verdict);
	execl("/bin/sh", "sh", "-c", job->command, NULL);
	_exit(EXIT_NO_SHELL);
}
