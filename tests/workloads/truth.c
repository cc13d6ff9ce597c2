/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a workload of the lab, and what it says about itself.
 *
 * The main thread only waits for the others to end, so that it is nobody's
 * victim: the director makes the freeze.
 */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "tests/workloads/truth_private.h"

#define THREADS_MAX	 TRUTH_THREADS_MAX
#define PROCESSES_MAX	 16
#define REQUEST_PAUSE_NS (5 * TRUTH_MS)

struct truth_shared *truth_shared;

static struct {
	double start_after_s, healthy_s, seconds;
	const char *kinds;
	void (*freeze)(void);
	pthread_t thread[THREADS_MAX];
	unsigned int threads;
	pid_t process[PROCESSES_MAX];
	unsigned int processes;
	char target[128];
	const char *mode;
	bool never_thaws, froze;
	void (*request)(void);
	void (*tidy)(void);
} workload = { .start_after_s = 2, .healthy_s = 2 };

/* Failures */

static _Noreturn void exit_with_error(const char *what)
{
	fprintf(stderr, "%s: %s: %s.\n", program_invocation_short_name, what, strerror(errno));
	exit(EXIT_FAILURE);
}

void truth_cannot(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(77);
}

/* Options */

static _Noreturn void exit_with_usage(const char *about, int status)
{
	fprintf(status ? stderr : stdout,
		"Usage: %s [options]\n%s\n\n"
		"  --start-after S  freeze S seconds after ready, or on SIGUSR1 before that "
		"(default 2)\n"
		"  --seconds S      length of the freeze, where it can be chosen\n"
		"  --healthy S      seconds of service after it, or until SIGTERM (default 2)\n"
		"  --mode M         which of several, where there are several\n"
		"  --help\n",
		program_invocation_short_name, about);
	exit(status);
}

static double option_number(const char *text, const char *about)
{
	char *end;
	double value = strtod(text, &end);

	if (end == text || *end || !(value >= 0 && value <= 86400))
		exit_with_usage(about, 2);
	return value;
}

/* Blocked in every thread; the director waits for them. */
static void block_signals(sigset_t *signals)
{
	sigemptyset(signals);
	sigaddset(signals, SIGUSR1);
	sigaddset(signals, SIGINT);
	sigaddset(signals, SIGTERM);
	pthread_sigmask(SIG_BLOCK, signals, NULL);
}

void truth_options(int argc, char **argv, const char *about, double seconds)
{
	static const struct option known[] = {
		{ "start-after", required_argument, NULL, 's' },
		{ "seconds", required_argument, NULL, 'f' },
		{ "healthy", required_argument, NULL, 'a' },
		{ "mode", required_argument, NULL, 'm' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	sigset_t signals;
	int option;

	workload.seconds = seconds;
	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (option == 's')
			workload.start_after_s = option_number(optarg, about);
		else if (option == 'f')
			workload.seconds = option_number(optarg, about);
		else if (option == 'a')
			workload.healthy_s = option_number(optarg, about);
		else if (option == 'm')
			workload.mode = optarg;
		else
			exit_with_usage(about, option == 'h' ? 0 : 2);
	}
	if (optind < argc)
		exit_with_usage(about, 2);

	block_signals(&signals);
	signal(SIGPIPE, SIG_IGN);
	truth_shared = mmap(NULL, sizeof(*truth_shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (truth_shared == MAP_FAILED)
		exit_with_error("mmap");
	snprintf(workload.target, sizeof(workload.target), "%d", getpid());
}

bool truth_mode(const char *mode)
{
	return workload.mode && !strcmp(workload.mode, mode);
}

double truth_seconds(void)
{
	return workload.seconds;
}

/* Threads and processes */

struct start {
	char name[16];
	void *(*run)(void *);
	void *argument;
};

static void *named_main(void *argument)
{
	struct start start = *(struct start *)argument;

	free(argument);
	prctl(PR_SET_NAME, start.name);
	return start.run(start.argument);
}

void truth_thread(const char *name, void *(*run)(void *), void *argument)
{
	struct start *start = calloc(1, sizeof(*start));

	if (!start || workload.threads == THREADS_MAX)
		exit_with_error("a thread");
	snprintf(start->name, sizeof(start->name), "%s", name);
	start->run = run;
	start->argument = argument;
	errno = pthread_create(&workload.thread[workload.threads++], NULL, named_main, start);
	if (errno)
		exit_with_error("pthread_create");
}

static void *worker_main(void *argument)
{
	(void)argument;
	while (!truth_stopping()) {
		uint64_t end_ns;

		workload.request();
		end_ns = truth_now_ns() + REQUEST_PAUSE_NS;
		truth_sleep_ns(REQUEST_PAUSE_NS);
		truth_waited(end_ns);
	}
	return NULL;
}

void truth_serve(unsigned int workers, void (*request)(void))
{
	workload.request = request;
	for (unsigned int i = 0; i < workers; i++) {
		char name[32];

		snprintf(name, sizeof(name), "worker%u", i);
		truth_thread(name, worker_main, NULL);
	}
}

pid_t truth_fork(const char *name)
{
	pid_t pid = fork();

	if (pid < 0 || workload.processes == PROCESSES_MAX)
		exit_with_error("fork");
	if (pid) {
		workload.process[workload.processes++] = pid;
		return pid;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, name);
	workload.threads = workload.processes = 0;
	truth_forget_self();
	return 0;
}

void truth_target(pid_t pid)
{
	size_t length = strlen(workload.target);

	snprintf(workload.target + length, sizeof(workload.target) - length, ",%d", pid);
}

void truth_only_target(pid_t pid)
{
	snprintf(workload.target, sizeof(workload.target), "%d", pid);
}

bool truth_stopping(void)
{
	return truth_shared->stopping;
}

/* Wait for SIGUSR1, for @seconds at most. Return: false if told to end. */
static bool wait_for_signal(double seconds)
{
	struct timespec timeout = { .tv_sec = (time_t)seconds,
				    .tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9) };
	sigset_t signals;
	int got;

	block_signals(&signals);
	do {
		got = sigtimedwait(&signals, NULL, &timeout);
	} while (got < 0 && errno == EINTR);
	return got < 0 || got == SIGUSR1;
}

static void *director_main(void *argument)
{
	(void)argument;
	truth_print("{\"event\":\"ready\",\"pid\":%d,\"target\":\"%s\"}", getpid(),
		    workload.target);
	if (wait_for_signal(workload.start_after_s)) {
		truth_shared->start_ns = truth_now_ns();
		workload.freeze();
		truth_shared->end_ns = truth_now_ns();
		workload.froze = true;
		truth_print("{\"event\":\"thawed\",\"pid\":%d}", getpid());
		wait_for_signal(workload.healthy_s);
	}
	truth_shared->stopping = true;
	return NULL;
}

static void end_processes(void)
{
	for (unsigned int i = 0; i < workload.processes; i++) {
		kill(workload.process[i], SIGKILL);
		waitpid(workload.process[i], NULL, 0);
	}
	if (workload.tidy)
		workload.tidy();
}

void truth_at_end(void (*tidy)(void))
{
	workload.tidy = tidy;
}

int truth_run(const char *director, const char *kinds, void (*freeze)(void))
{
	workload.kinds = kinds;
	workload.freeze = freeze;
	truth_thread(director, director_main, NULL);
	/* The director is the last one; when it is done all the others are told to end. */
	pthread_join(workload.thread[--workload.threads], NULL);
	for (unsigned int i = 0; !workload.never_thaws && i < workload.threads; i++)
		pthread_join(workload.thread[i], NULL);
	if (workload.froze)
		truth_tell(workload.kinds, workload.mode);
	end_processes();
	_exit(workload.froze ? EXIT_SUCCESS : EXIT_FAILURE); /* threads may hang for ever */
}

void truth_order_nowait(void)
{
	truth_shared->ordered = true;
}

void truth_order(void)
{
	truth_order_nowait();
	while (truth_shared->ordered)
		truth_sleep_ns(TRUTH_MS);
}

bool truth_ordered(void)
{
	return truth_shared->ordered;
}

void truth_order_done(void)
{
	truth_shared->ordered = false;
}

void truth_never_thaws(void)
{
	workload.never_thaws = true;
}

/* Time */

void truth_sleep_ns(uint64_t ns)
{
	struct timespec rest = { .tv_sec = (time_t)(ns / 1000000000u),
				 .tv_nsec = (long)(ns % 1000000000u) };

	uint64_t start_ns = truth_now_ns();

	while (nanosleep(&rest, &rest) && errno == EINTR)
		;
	truth_slept(start_ns, ns);
}

__attribute__((noinline)) void truth_burn_ns(uint64_t ns)
{
	uint64_t end_ns = truth_now_ns() + ns, sum = ns;
	struct truth_shares before = truth_shares();

	while (truth_now_ns() < end_ns)
		for (unsigned int i = 0; i < 10000; i++)
			sum = sum * UINT64_C(0x9e3779b97f4a7c15) + (sum >> 29);
	truth_shared->burnt = sum;
	truth_computed(before);
}

bool truth_write_text(const char *directory, const char *file, const char *text)
{
	char path[PATH_MAX + 128];
	FILE *out;
	bool written;

	snprintf(path, sizeof(path), "%s/%s", directory, file);
	out = fopen(path, "we");
	written = out && fputs(text, out) >= 0;
	return out && !fclose(out) && written;
}

void truth_kill_waiter(pid_t pid, const char *comm, const _Atomic uint64_t *since_ns)
{
	while (!truth_stopping() && !*since_ns)
		truth_sleep_ns(TRUTH_MS);
	if (truth_stopping())
		return;
	truth_sleep_ns((uint64_t)(truth_seconds() * 1e9));
	truth_waited_too(pid, comm, *since_ns);
	kill(pid, SIGKILL);
}
