/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tests/unit/support/fake_recorder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define ARGUMENTS_MAX 16
#define LOOK_MS	      5

static char dir[64], path[96];
static struct control *control;

const char *fake_recorder_path(void)
{
	return path;
}

int fake_recorder_set_up(void **state)
{
	strcpy(dir, "/tmp/freezetrap-test-XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/control", dir);
	assert_int_equal(control_listen(path, &control), 0);
	(void)state;
	return 0;
}

void fake_recorder_disarm(void)
{
	control_close(control);
	control = NULL;
}

int fake_recorder_tear_down(void **state)
{
	fake_recorder_disarm();
	assert_int_equal(rmdir(dir), 0);
	(void)state;
	return 0;
}

static void read_back(FILE *file, char *ret_text)
{
	rewind(file);
	size_t bytes = fread(ret_text, 1, COMMAND_OUTPUT_BYTES - 1, file);
	ret_text[bytes] = '\0';
	fclose(file);
}

_Noreturn static void be_command(int (*command)(int argc, char **argv),
				 const char *const *arguments, FILE *output, FILE *error)
{
	char *argv[ARGUMENTS_MAX + 2], option[128];
	int argc = 0;

	dup2(fileno(output), STDOUT_FILENO);
	dup2(fileno(error), STDERR_FILENO);
	while (arguments[argc] && argc < ARGUMENTS_MAX) {
		argv[argc] = strdup(arguments[argc]);
		argc++;
	}
	snprintf(option, sizeof(option), "--control=%s", path);
	argv[argc++] = option;
	argv[argc] = NULL;
	int status = command(argc, argv);
	fflush(stdout);
	_exit(status);
}

void fake_recorder_run(int (*command)(int argc, char **argv), const char *const *arguments,
		       void (*answer)(struct control *control,
				      const struct control_request *request),
		       struct command_result *ret_result)
{
	FILE *output = tmpfile(), *error = tmpfile();
	struct control_request request;
	int status;

	fflush(NULL);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (!pid)
		be_command(command, arguments, output, error);
	while (waitpid(pid, &status, WNOHANG) != pid) {
		struct pollfd poll_fd = { .fd = control ? control_fd(control) : -1,
					  .events = POLLIN };
		poll(&poll_fd, 1, LOOK_MS);
		while (control && control_take(control, &request))
			if (answer)
				answer(control, &request);
	}
	assert_true(WIFEXITED(status));
	ret_result->status = WEXITSTATUS(status);
	read_back(output, ret_result->output);
	read_back(error, ret_result->error);
}
