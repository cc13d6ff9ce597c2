/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Healthy programs with a pace of their own. Modes: batches (a dispatcher sleeps between batches of work), follower
 * (reads a log as it grows), timers (threads of many periods), steps (a job that rests between its steps), phases (one
 * prepares, then all compute, again and again), phase_once (only once), copy (a file, and fsync), compile.
 */
#include "config.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "tests/workloads/truth.h"

#define WORKERS 4

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t work = PTHREAD_COND_INITIALIZER, done = PTHREAD_COND_INITIALIZER;
static unsigned int items, busy; /* protected by lock */
static char directory[64];

/* Work that is handed out */

static void *worker_main(void *argument)
{
	pthread_mutex_lock(&lock);
	for (;;) {
		while (!items)
			pthread_cond_wait(&work, &lock);
		items--;
		busy++;
		pthread_mutex_unlock(&lock);
		truth_burn_ns(TRUTH_MS);
		pthread_mutex_lock(&lock);
		busy--;
		if (!items && !busy)
			pthread_cond_signal(&done);
	}
	return argument;
}

/* One by one, or all at once. */
static void hand_out(unsigned int count, uint64_t pause_ns)
{
	for (unsigned int i = 0; i < count; i++) {
		pthread_mutex_lock(&lock);
		items++;
		pthread_cond_signal(&work);
		pthread_mutex_unlock(&lock);
		if (pause_ns)
			truth_sleep_ns(pause_ns);
	}
	pthread_mutex_lock(&lock);
	while (items || busy)
		pthread_cond_wait(&done, &lock);
	pthread_mutex_unlock(&lock);
}

static void *dispatcher_main(void *argument)
{
	static const unsigned int pauses_ms[] = { 700, 1900, 500, 1100 };

	for (unsigned int turn = 0;; turn++) {
		hand_out(120, TRUTH_MS * 2);
		if (truth_mode("phases"))
			truth_burn_ns(1200 * TRUTH_MS);
		else if (truth_mode("phase_once") && turn == 6)
			truth_burn_ns(2000 * TRUTH_MS);
		else if (truth_mode("batches"))
			truth_sleep_ns(pauses_ms[turn % 4] * (uint64_t)TRUTH_MS);
	}
	return argument;
}

static void start_workers(void)
{
	for (unsigned int i = 0; i < WORKERS; i++) {
		char name[16];

		snprintf(name, sizeof(name), "worker%u", i);
		truth_thread(name, worker_main, NULL);
	}
	truth_thread("dispatcher", dispatcher_main, NULL);
}

/* A log and its reader */

static void *follower_main(void *argument)
{
	char path[80], line[256];
	int fd;

	snprintf(path, sizeof(path), "%s/log", directory);
	fd = open(path, O_RDONLY | O_CREAT | O_CLOEXEC, 0600);
	for (;; truth_sleep_ns(250 * TRUTH_MS))
		while (read(fd, line, sizeof(line)) > 0)
			truth_burn_ns(TRUTH_MS / 5);
	return argument;
}

static void logger_main(void)
{
	char path[80];
	int fd;

	snprintf(path, sizeof(path), "%s/log", directory);
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	for (unsigned int turn = 0;; turn++) {
		for (unsigned int i = 0; i < 20; i++)
			if (write(fd, "a line of a log that grows\n", 27) != 27)
				_exit(EXIT_FAILURE);
		truth_sleep_ns((turn % 7 ? 40 : 1400) * (uint64_t)TRUTH_MS);
	}
}

/* Sleepers */

static void *timer_main(void *argument)
{
	unsigned int period_ms = *(unsigned int *)argument;

	for (;;) {
		truth_sleep_ns(period_ms * (uint64_t)TRUTH_MS);
		truth_burn_ns(TRUTH_MS / 5);
	}
	return NULL;
}

static void start_timers(void)
{
	static unsigned int periods_ms[] = { 7, 23, 110, 450, 1300, 2600 };

	for (unsigned int i = 0; i < sizeof(periods_ms) / sizeof(*periods_ms); i++) {
		char name[16];

		snprintf(name, sizeof(name), "timer%u", i);
		truth_thread(name, timer_main, &periods_ms[i]);
	}
}

static void *job_main(void *argument)
{
	for (unsigned int step = 0;; step++) {
		for (unsigned int i = 0; i < 50; i++) {
			truth_burn_ns(TRUTH_MS * 2);
			truth_sleep_ns(TRUTH_MS);
		}
		truth_sleep_ns((step % 3 == 2 ? 1800 : 600) * (uint64_t)TRUTH_MS);
	}
	return argument;
}

/* Programs */

static void run_shell(const char *command)
{
	pid_t pid = fork();

	if (!pid) {
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(127);
	}
	waitpid(pid, NULL, 0);
}

static void *compile_main(void *argument)
{
	char command[512];

	snprintf(command, sizeof(command),
		 "cd %s && for i in 1 2 3 4 5 6; do echo \"#include <stdio.h>\n#include <stdlib.h>\n"
		 "int f$i(int a) { return printf(\\\"%%d\\\", a * $i); }\" >$i.c; "
		 "cc -O2 -c $i.c; done; cc -shared -o all.so *.o",
		 directory);
	for (;;)
		run_shell(command);
	return argument;
}

/* 64 MB, and again. */
static void *copy_main(void *argument)
{
	static char piece[1 << 20];
	char path[80];
	int fd;

	snprintf(path, sizeof(path), "%s/copy", directory);
	for (;;) {
		fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		for (unsigned int i = 0; i < 64; i++)
			if (write(fd, piece, sizeof(piece)) != sizeof(piece))
				abort();
		fsync(fd);
		close(fd);
	}
	return argument;
}

static void remove_directory(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", directory);
	run_shell(command);
}

static void make_directory(void)
{
	snprintf(directory, sizeof(directory), "/tmp/freezetrap-lab-XXXXXX");
	if (!mkdtemp(directory))
		abort();
	truth_at_end(remove_directory);
}

static void do_nothing(void)
{
	truth_sleep_ns((uint64_t)(truth_seconds() * 1e9));
}

int main(int argc, char **argv)
{
	truth_options(argc, argv,
		      "Healthy, at a pace of its own. Modes: batches, follower, timers, steps, phases, "
		      "phase_once, copy, compile.",
		      6);
	if (truth_mode("follower") || truth_mode("copy") || truth_mode("compile"))
		make_directory();
	if (truth_mode("follower") && !truth_fork("logger"))
		logger_main();
	if (truth_mode("follower"))
		truth_thread("follower", follower_main, NULL);
	else if (truth_mode("timers"))
		start_timers();
	else if (truth_mode("steps"))
		truth_thread("job", job_main, NULL);
	else if (truth_mode("copy"))
		truth_thread("copier", copy_main, NULL);
	else if (truth_mode("compile"))
		truth_thread("program", compile_main, NULL);
	else
		start_workers();
	truth_never_thaws(); /* they have no end */
	truth_verdict("no-stall|not-sure", "strong", true);
	return truth_run("director", "no-stall", do_nothing);
}
