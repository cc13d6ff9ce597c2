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
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "tests/workloads/truth.h"

#define THREADS_MAX	 64
#define PROCESSES_MAX	 16
#define CULPRITS_MAX	 32
#define WAIT_MIN_NS	 (10 * TRUTH_MS) /* shorter, a wait is the host's noise */
#define REQUEST_PAUSE_NS (5 * TRUTH_MS)

struct victim {
	pid_t tid;
	char comm[16];
	uint64_t blocked_ns;
	_Atomic uint64_t since_ns; /* waits since then; 0: does not */
};

struct culprit {
	pid_t tid;
	char comm[16];
};

/* Shared with the processes that truth_fork() makes. */
static struct shared {
	_Atomic uint64_t start_ns, end_ns; /* of the freeze; 0: not yet */
	_Atomic uint64_t hold_ns;
	atomic_uint victims, culprits;
	struct victim victim[THREADS_MAX];
	struct culprit culprit[CULPRITS_MAX];
	atomic_bool stopping;
	atomic_bool ordered;
	atomic_uint_fast64_t burnt; /* keeps truth_burn_ns() from being optimised away */
} * shared;

static struct {
	double start_after_s, healthy_s, seconds;
	const char *kinds;
	void (*freeze)(void);
	pthread_t thread[THREADS_MAX];
	unsigned int threads;
	pid_t process[PROCESSES_MAX];
	unsigned int processes;
	char target[128];
	const char *syscall;
	uint64_t bytes;
	bool never_thaws, froze;
	void (*request)(void);
} workload = { .start_after_s = 2, .healthy_s = 2 };

static __thread struct victim *self;

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
		else
			exit_with_usage(about, option == 'h' ? 0 : 2);
	}
	if (optind < argc)
		exit_with_usage(about, 2);

	block_signals(&signals);
	signal(SIGPIPE, SIG_IGN);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (shared == MAP_FAILED)
		exit_with_error("mmap");
	snprintf(workload.target, sizeof(workload.target), "%d", getpid());
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
	self = NULL;
	return 0;
}

void truth_target(pid_t pid)
{
	size_t length = strlen(workload.target);

	snprintf(workload.target + length, sizeof(workload.target) - length, ",%d", pid);
}

bool truth_stopping(void)
{
	return shared->stopping;
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
		shared->start_ns = truth_now_ns();
		workload.freeze();
		shared->end_ns = truth_now_ns();
		workload.froze = true;
		truth_print("{\"event\":\"thawed\",\"pid\":%d}", getpid());
		wait_for_signal(workload.healthy_s);
	}
	shared->stopping = true;
	return NULL;
}

static void end_processes(void)
{
	for (unsigned int i = 0; i < workload.processes; i++) {
		kill(workload.process[i], SIGKILL);
		waitpid(workload.process[i], NULL, 0);
	}
}

/* The truth */

struct line {
	char text[4000];
	size_t length;
};

__attribute__((format(printf, 2, 3)))
static void add_text(struct line *line, const char *format, ...)
{
	va_list args;
	int added;

	va_start(args, format);
	added = vsnprintf(line->text + line->length, sizeof(line->text) - line->length, format,
			  args);
	va_end(args);
	if (added < 0 || (size_t)added >= sizeof(line->text) - line->length)
		abort();
	line->length += (size_t)added;
}

static void add_kinds(struct line *line)
{
	add_text(line, "\"kinds\":[\"");
	for (const char *c = workload.kinds; *c; c++) {
		if (*c == '|')
			add_text(line, "\",\"");
		else
			add_text(line, "%c", *c);
	}
	add_text(line, "\"]");
}

static void add_culprits(struct line *line)
{
	unsigned int count = shared->culprits < CULPRITS_MAX ? shared->culprits : CULPRITS_MAX;

	add_text(line, ",\"culprits\":[");
	for (unsigned int i = 0; i < count; i++)
		add_text(line, "%s{\"tid\":%d,\"comm\":\"%s\"}", i ? "," : "",
			 shared->culprit[i].tid, shared->culprit[i].comm);
	add_text(line, "]");
}

static void add_victims(struct line *line)
{
	unsigned int count = shared->victims < THREADS_MAX ? shared->victims : THREADS_MAX;
	uint64_t blocked_ns = 0;
	const char *separator = "";

	add_text(line, ",\"victims\":[");
	for (unsigned int i = 0; i < count; i++) {
		const struct victim *victim = &shared->victim[i];

		if (!victim->blocked_ns && !victim->since_ns)
			continue;
		add_text(line, "%s{\"tid\":%d,\"comm\":\"%s\",\"blocked_ns\":%ju,\"since_ns\":%ju}",
			 separator, victim->tid, victim->comm, (uintmax_t)victim->blocked_ns,
			 (uintmax_t)victim->since_ns);
		blocked_ns += victim->blocked_ns;
		separator = ",";
	}
	add_text(line, "],\"blocked_ns\":%ju", (uintmax_t)blocked_ns);
}

static void print_truth(void)
{
	struct line line = { 0 };

	add_text(&line, "{\"event\":\"truth\",\"cause\":\"%s\",\"pid\":%d,",
		 program_invocation_short_name, getpid());
	add_kinds(&line);
	add_culprits(&line);
	add_text(&line, ",\"start_ns\":%ju,\"end_ns\":%ju,\"hold_ns\":%ju",
		 (uintmax_t)shared->start_ns, (uintmax_t)shared->end_ns,
		 (uintmax_t)shared->hold_ns);
	add_victims(&line);
	if (workload.syscall)
		add_text(&line, ",\"syscall\":\"%s\",\"bytes\":%ju}", workload.syscall,
			 (uintmax_t)workload.bytes);
	else
		add_text(&line, ",\"syscall\":null,\"bytes\":0}");
	truth_print("%s", line.text);
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
		print_truth();
	end_processes();
	_exit(workload.froze ? EXIT_SUCCESS : EXIT_FAILURE); /* threads may hang for ever */
}

void truth_order(void)
{
	shared->ordered = true;
	while (shared->ordered)
		truth_sleep_ns(TRUTH_MS);
}

bool truth_ordered(void)
{
	return shared->ordered;
}

void truth_order_done(void)
{
	shared->ordered = false;
}

static struct victim *get_self(void)
{
	unsigned int i;

	if (self)
		return self;
	i = shared->victims++;
	if (i >= THREADS_MAX)
		abort();
	self = &shared->victim[i];
	self->tid = gettid();
	prctl(PR_GET_NAME, self->comm);
	return self;
}

static void note_wait(uint64_t since_ns, uint64_t on_cpu_ns)
{
	uint64_t now_ns = truth_now_ns(), start_ns = shared->start_ns, end_ns = shared->end_ns;
	uint64_t waited_ns;

	if (now_ns < since_ns || !start_ns || now_ns - since_ns < WAIT_MIN_NS ||
	    now_ns < start_ns || (end_ns && since_ns > end_ns))
		return;
	/* A wait that was going on before the cause began is its victim only from then on. */
	waited_ns = now_ns - (since_ns > start_ns ? since_ns : start_ns);
	get_self()->blocked_ns += waited_ns > on_cpu_ns ? waited_ns - on_cpu_ns : 0;
}

void truth_waited(uint64_t since_ns)
{
	note_wait(since_ns, 0);
}

void truth_blocked(uint64_t since_ns, struct truth_shares shares)
{
	note_wait(since_ns, truth_on_cpu_ns(shares));
}

void truth_waited_too(pid_t tid, const char *comm, uint64_t since_ns)
{
	unsigned int i = shared->victims++;

	if (i >= THREADS_MAX)
		abort();
	shared->victim[i].tid = tid;
	snprintf(shared->victim[i].comm, sizeof(shared->victim[i].comm), "%s", comm);
	shared->victim[i].blocked_ns = truth_now_ns() - since_ns;
}

void truth_wait_begin(void)
{
	get_self()->since_ns = truth_now_ns();
}

void truth_wait_end(void)
{
	struct victim *victim = get_self();
	uint64_t since_ns = victim->since_ns;

	victim->since_ns = 0;
	truth_waited(since_ns);
}

void truth_culprit(pid_t tid, const char *comm, uint64_t hold_ns)
{
	uint64_t longest_ns = shared->hold_ns;
	unsigned int count = shared->culprits;

	while (longest_ns < hold_ns &&
	       !atomic_compare_exchange_weak(&shared->hold_ns, &longest_ns, hold_ns))
		;
	for (unsigned int i = 0; i < count; i++)
		if (shared->culprit[i].tid == tid)
			return;
	count = shared->culprits++;
	if (count >= CULPRITS_MAX)
		abort();
	snprintf(shared->culprit[count].comm, sizeof(shared->culprit[count].comm), "%s", comm);
	shared->culprit[count].tid = tid;
}

void truth_held(uint64_t since_ns)
{
	uint64_t hold_ns = truth_now_ns() - since_ns;
	char comm[16];

	prctl(PR_GET_NAME, comm);
	truth_culprit(gettid(), comm, hold_ns);
}

void truth_call(const char *syscall, uint64_t bytes)
{
	workload.syscall = syscall;
	workload.bytes = bytes;
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
	shared->burnt = sum;
	truth_computed(before);
}
