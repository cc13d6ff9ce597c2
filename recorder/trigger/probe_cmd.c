/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A probe that runs a shell command in a process group of its own. An abandonable task starts it
 * and waits for its end, since a disk that does not answer holds up exec too.
 */
#include "config.h"

#include "recorder/trigger/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "recorder/base/abandonable_task.h"
#include "recorder/base/clock.h"

#define DEATH_PATIENCE_MS 100
#define BLANKS		  " \t\n"
#define READS_MAX	  16
#define SAID_SHOWN	  (PROBE_WHY_BYTES - 24) /* the status needs the rest */

/* One run. The process stays a zombie until discard_run(), so that its pid is not reused. */
struct run {
	char *line;
	_Atomic pid_t pid; /* 0: not started, or already reaped by somebody else */
	_Atomic bool unwanted;
	int stderr_fd; /* the process's end of the pipe; -1: closed after the start */
	int error; /* positive errno of starting or waiting */
	siginfo_t end;
};

struct command {
	char *line;
	struct abandonable_task *task; /* of the current run, or of one that could not be ended */
	struct run *run; /* valid while task is set */
	int stderr_fd; /* our end of the pipe; -1: none, or all was read */
	char said[PROBE_WHY_BYTES]; /* last line on stderr so far */
	size_t said_bytes;
	bool said_all; /* the line is complete: the next byte begins another */
	bool leftover; /* the run belongs to an earlier question */
	int error; /* positive errno of beginning this question */
};

static void kill_group(const struct run *run)
{
	if (run->pid)
		kill(-run->pid, SIGKILL);
}

static int spawn_shell(const struct run *run, pid_t *ret_pid)
{
	char *argv[] = { "sh", "-c", run->line, NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none, all;
	int error;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
						      POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &all);
	posix_spawn_file_actions_init(&actions);
	/* Nobody reads stdout, so it must never block. Stderr is read as it comes. */
	error = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDWR, 0);
	if (!error)
		error = posix_spawn_file_actions_adddup2(&actions, 0, 1);
	if (!error)
		error = posix_spawn_file_actions_adddup2(&actions, run->stderr_fd, 2);
	if (!error)
		error = posix_spawn(ret_pid, "/bin/sh", &actions, &attributes, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	return error;
}

static void run_command(void *context)
{
	struct run *run = context;
	pid_t pid;

	/* A command needs no ambient capabilities, which a service manager may have set. */
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	run->error = spawn_shell(run, &pid);
	close(run->stderr_fd);
	run->stderr_fd = -1;
	if (run->error)
		return;
	run->pid = pid;
	if (run->unwanted)
		kill_group(run);
	while (waitid(P_PID, (id_t)pid, &run->end, WEXITED | WNOWAIT) < 0) {
		if (errno == EINTR)
			continue;
		/* Somebody else reaped it, and its pid may be reused. */
		run->error = errno;
		run->pid = 0;
		return;
	}
}

/* Kills the whole group: else each question could leave processes behind. */
static void discard_run(void *context)
{
	struct run *run = context;

	kill_group(run);
	if (run->pid)
		while (waitpid(run->pid, NULL, 0) < 0 && errno == EINTR)
			;
	if (run->stderr_fd >= 0)
		close(run->stderr_fd);
	free(run->line);
	free(run);
}

static void close_stderr(struct command *command)
{
	if (command->stderr_fd >= 0)
		close(command->stderr_fd);
	command->stderr_fd = -1;
}

/* Keeps the last line that is not empty, cut to the room there is. */
static void keep_last_line(struct command *command, const char *text, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++) {
		if (text[i] == '\n') {
			command->said_all = true;
			continue;
		}
		if (command->said_all)
			command->said_bytes = 0;
		command->said_all = false;
		if (command->said_bytes < sizeof(command->said) - 1)
			command->said[command->said_bytes++] = text[i] ? text[i] : ' ';
	}
	command->said[command->said_bytes] = '\0';
}

/* Reads a bounded part of what there is, so that the clock is read in between. */
static void read_stderr(struct command *command)
{
	char text[4096];

	for (int reads = 0; reads < READS_MAX && command->stderr_fd >= 0; reads++) {
		ssize_t got = read(command->stderr_fd, text, sizeof(text));
		if (got > 0)
			keep_last_line(command, text, (size_t)got);
		else if (!got || (errno != EAGAIN && errno != EINTR))
			close_stderr(command);
		else
			break;
	}
}

static int start_run(struct command *command)
{
	struct run *run = calloc(1, sizeof(*run));
	int ends[2];

	if (!run)
		return ENOMEM;
	if (pipe2(ends, O_CLOEXEC) < 0) {
		free(run);
		return errno;
	}
	close_stderr(command);
	command->stderr_fd = ends[0];
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	command->said_bytes = 0;
	command->said[0] = '\0';
	run->stderr_fd = ends[1];
	run->line = strdup(command->line);
	int error = run->line ? abandonable_task_start("ft-probe", run_command, discard_run, run,
						       &command->task)
			      : -ENOMEM;
	if (error)
		discard_run(run);
	else
		command->run = run;
	return -error;
}

/* Return: whether nothing of the run is left. */
static bool end_run(struct command *command, int patience_ms)
{
	if (!command->task)
		return true;
	close_stderr(command);
	command->run->unwanted = true;
	kill_group(command->run);
	if (!abandonable_task_wait(command->task, patience_ms))
		return false;
	abandonable_task_leave(command->task, 0);
	command->task = NULL;
	return true;
}

/* Two never run at once: while one cannot be ended, the question waits for its end. */
static void cmd_ask(void *question)
{
	struct command *command = question;

	command->leftover = !end_run(command, 0);
	command->error = command->leftover ? 0 : start_run(command);
}

static enum answer judge_end(int error, const siginfo_t *end, const char *said, char *ret_why)
{
	const char *colon = *said ? ": " : "";
	char text[64];

	if (error)
		snprintf(ret_why, PROBE_WHY_BYTES, "cannot run it: %s",
			 strerror_r(error, text, sizeof(text)));
	else if (end->si_code == CLD_EXITED)
		snprintf(ret_why, PROBE_WHY_BYTES, "exit status %d%s%.*s", end->si_status, colon,
			 SAID_SHOWN, said);
	else
		snprintf(ret_why, PROBE_WHY_BYTES, "killed by signal %d%s%.*s", end->si_status,
			 colon, SAID_SHOWN, said);
	return !error && end->si_code == CLD_EXITED && !end->si_status ? ANSWER_GOOD : ANSWER_BAD;
}

/* Return: false at @until_ns, or if @stop_fd is readable. */
static bool wait_for_output(const struct command *command, uint64_t until_ns, int stop_fd)
{
	struct pollfd polls[] = { { .fd = abandonable_task_done_fd(command->task),
				    .events = POLLIN },
				  { .fd = stop_fd, .events = POLLIN },
				  { .fd = command->stderr_fd, .events = POLLIN } };
	uint64_t now_ns = clock_now_ns();
	const struct timespec left = clock_timespec(until_ns > now_ns ? until_ns - now_ns : 0);

	return ppoll(polls, 3, &left, NULL) > 0 && !polls[1].revents && now_ns < until_ns;
}

static enum answer cmd_wait(void *question, uint64_t until_ns, int stop_fd, char *ret_why)
{
	struct command *command = question;

	if (command->error)
		return judge_end(command->error, NULL, "", ret_why);
	do {
		read_stderr(command);
		if (abandonable_task_wait(command->task, 0))
			break;
	} while (wait_for_output(command, until_ns, stop_fd));
	if (!abandonable_task_wait(command->task, 0))
		return ANSWER_NONE;
	read_stderr(command); /* what it wrote before its end */
	if (!command->leftover)
		return judge_end(command->run->error, &command->run->end, command->said, ret_why);
	cmd_ask(command);
	return ANSWER_NONE;
}

static bool cmd_end(void *question)
{
	return end_run(question, DEATH_PATIENCE_MS);
}

static void cmd_destroy(void *question)
{
	struct command *command = question;

	end_run(command, 0);
	abandonable_task_leave(command->task, 0);
	close_stderr(command);
	free(command->line);
	free(command);
}

/* Names the program only: arguments, and variables set before it, may be passwords. */
static void make_command_name(const char *line, char *ret_name)
{
	size_t plain = strcspn(line, "'\"`$\\");
	const char *word = line;
	size_t length;

	for (;;) {
		word += strspn(word, BLANKS);
		length = strcspn(word, BLANKS ";|&<>()");
		if (!memchr(word, '=', length))
			break;
		word += length;
	}
	if ((size_t)(word - line) + length > plain)
		length = 0;
	snprintf(ret_name, PROBE_NAME_BYTES, "command%s%.*s%s", length ? " " : "", (int)length,
		 word, length && !word[length] ? "" : " ...");
}

static int cmd_create(const char *what, void **ret_question, char *ret_name,
		      const char **ret_problem)
{
	if (!what[strspn(what, BLANKS)]) {
		*ret_problem = "the command is empty.";
		return -EINVAL;
	}
	struct command *command = calloc(1, sizeof(*command));
	if (!command)
		return -ENOMEM;
	command->stderr_fd = -1;
	command->line = strdup(what);
	if (!command->line) {
		free(command);
		return -ENOMEM;
	}
	make_command_name(what, ret_name);
	*ret_question = command;
	return 0;
}

const struct probe_ops PROBE_CMD_OPS = {
	.source = "probe-cmd",
	.create = cmd_create,
	.destroy = cmd_destroy,
	.ask = cmd_ask,
	.wait = cmd_wait,
	.end = cmd_end,
};
