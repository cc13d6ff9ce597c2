/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stops one thread of another process, for some milliseconds: of an emulator, a
 * virtual CPU. A signal would stop them all.
 *
 *	pause_thread TID MS	prints for how many ns it stood still
 */
#include "config.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static int fail(const char *what)
{
	perror(what);
	return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	struct timespec rest = { 0 };
	uint64_t start_ns;
	pid_t tid;
	long ms;

	if (argc != 3) {
		fprintf(stderr, "usage: pause_thread TID MS\n");
		return 2;
	}
	tid = atoi(argv[1]);
	ms = atol(argv[2]);
	rest.tv_sec = ms / 1000;
	rest.tv_nsec = ms % 1000 * 1000000;
	if (ptrace(PTRACE_SEIZE, tid, NULL, NULL))
		return fail("PTRACE_SEIZE");
	if (ptrace(PTRACE_INTERRUPT, tid, NULL, NULL))
		return fail("PTRACE_INTERRUPT");
	if (waitpid(tid, NULL, __WALL) != tid)
		return fail("waitpid");
	start_ns = now_ns();
	while (nanosleep(&rest, &rest)) /* interrupted */
		;
	printf("%ju\n", (uintmax_t)(now_ns() - start_ns));
	if (ptrace(PTRACE_DETACH, tid, NULL, NULL))
		return fail("PTRACE_DETACH");
	return EXIT_SUCCESS;
}
