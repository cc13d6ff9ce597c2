/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a workload says the truth about itself: one JSON object a line on
 * standard output, times in ns of CLOCK_MONOTONIC, the clock of a capture.
 * Texts put into a line are the workload's own and need no escaping.
 *
 * The workloads of the lab, one a cause, all say three lines (hashmap_resize
 * has its own). When it serves; record the target, then send SIGUSR1:
 *
 *	{"event":"ready","pid":1,"target":"1,2"}
 *
 * When what froze it is over:
 *
 *	{"event":"thawed","pid":1}
 *
 * And at its end, on SIGTERM or after --healthy, what a report should say:
 *
 *	{"event":"truth","cause":"munmap_large","pid":1,
 *	 "kinds":["mmap-lock-convoy"],		of the first finding, any of these; the best first
 *	 "culprits":[{"tid":3,"comm":"freer"}],	any of these; empty: no thread is to blame
 *	 "start_ns":1,"end_ns":2,		of the freeze
 *	 "hold_ns":1,				the longest time without a break that a culprit held others up
 *	 "victims":[{"tid":4,"comm":"worker0","blocked_ns":1,"since_ns":0}],
 *	 "blocked_ns":1,			of all victims, by their own clocks; see truth_blocked()
 *	 "verdicts":"frozen|not-sure",		any of these is right; and then:
 *	 "grade":"strong",			the highest that the evidence can carry
 *	 "unnamed":false,			whether it is right, too, to name nobody
 *	 "syscall":"munmap","bytes":4096}	the large call behind it; null and 0: none
 *
 * Whenever others on this host kept a thread from a CPU for long, which no report can be blamed for:
 *
 *	{"event":"kept","tid":3,"kept_ns":1}
 *
 * since_ns is not 0 where a victim still waits: since then, in addition to its blocked_ns.
 * A workload that cannot be on this host says why on standard error, exit status 77.
 */
#ifndef TESTS_WORKLOADS_TRUTH_H
#define TESTS_WORKLOADS_TRUTH_H

#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#define TRUTH_MS	      1000000u
#define TRUTH_RUNNABLE_MAX_NS (30 * TRUTH_MS)
#define TRUTH_KEPT_MIN_NS     (50 * TRUTH_MS)

static inline uint64_t truth_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Of a thread, as the kernel accounts for it; 0 where it does not. */
struct truth_shares {
	uintmax_t running_ns, runnable_ns;
};

/* Of the calling thread. */
static inline struct truth_shares truth_shares(void)
{
	static __thread int schedstat = -1;
	struct truth_shares shares = { 0, 0 };
	char text[128];
	ssize_t length;

	if (schedstat < 0)
		schedstat = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
	length = pread(schedstat, text, sizeof(text) - 1, 0);
	if (length > 0) {
		text[length] = 0;
		sscanf(text, "%ju %ju", &shares.running_ns, &shares.runnable_ns);
	}
	return shares;
}

/*
 * How long the calling thread was on a CPU, or waited for one, since @before. From Linux 6.12 on one that sleeps,
 * but was moved to another CPU's queue before it was taken off it, counts as waiting for a CPU all its
 * sleep: so long a wait for a CPU is not believed.
 */
static inline uint64_t truth_on_cpu_ns(struct truth_shares before)
{
	struct truth_shares now = truth_shares();
	uint64_t runnable_ns = now.runnable_ns - before.runnable_ns;

	return now.running_ns - before.running_ns +
	       (runnable_ns < TRUTH_RUNNABLE_MAX_NS ? runnable_ns : 0);
}

/*
 * Print one line in one write, so that lines of threads do not mix. Takes no
 * lock and allocates nothing: saying the truth must not add to a freeze.
 */
__attribute__((format(printf, 1, 2))) static inline void truth_print(const char *format, ...)
{
	char line[4096]; /* PIPE_BUF: a longer one may be torn apart */
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(line, sizeof(line) - 1, format, args);
	va_end(args);
	if (length < 0 || (size_t)length >= sizeof(line) - 1)
		abort();
	line[length++] = '\n';
	if (write(STDOUT_FILENO, line, (size_t)length) != length)
		_exit(EXIT_FAILURE); /* nobody listens any more */
}

/*
 * Others kept the calling thread from a CPU for @kept_ns: it woke so late from a sleep, or waited so long in a
 * computation. Said where it is long, and then only where it is half as long again, so that the
 * pipe does not fill while nobody reads it.
 */
static inline void truth_kept(uint64_t kept_ns)
{
	static _Atomic uint64_t said_from_ns = TRUTH_KEPT_MIN_NS;
	uint64_t from_ns = said_from_ns;

	do {
		if (kept_ns < from_ns)
			return;
	} while (!atomic_compare_exchange_weak(&said_from_ns, &from_ns, kept_ns + kept_ns / 2));
	truth_print("{\"event\":\"kept\",\"tid\":%d,\"kept_ns\":%ju}", gettid(), (uintmax_t)kept_ns);
}

/* A thread that woke from a sleep of @ns, begun at @since_ns. */
static inline void truth_slept(uint64_t since_ns, uint64_t ns)
{
	uint64_t took_ns = truth_now_ns() - since_ns;

	truth_kept(took_ns > ns ? took_ns - ns : 0);
}

/* A thread that has not slept since @before. */
static inline void truth_computed(struct truth_shares before)
{
	truth_kept(truth_shares().runnable_ns - before.runnable_ns);
}

/*
 * What follows is truth.c, for the lab. What the threads and processes of a
 * workload say about themselves is kept in memory that they share.
 */

/* Options --start-after, --seconds, --healthy; @seconds: how long the freeze is to last. First of all. */
void truth_options(int argc, char **argv, const char *about, double seconds);
double truth_seconds(void);

/* Of a program with several causes: whether --mode says this one. */
bool truth_mode(const char *mode);
/* What "verdicts", "grade" and "unnamed" are above: the report is judged by these, and no kind is asked for. */
void truth_verdict(const char *verdicts, const char *grade, bool unnamed);

/* This host cannot show it: say why and exit. */
__attribute__((format(printf, 1, 2), noreturn)) void truth_cannot(const char *format, ...);

/* A thread of the workload, which must end when truth_stopping(). From the main thread. */
void truth_thread(const char *name, void *(*run)(void *), void *argument);
/* Threads worker0 ...: a request, then 5 ms of nothing, and again; @request says truth_waited(). */
void truth_serve(unsigned int workers, void (*request)(void));
/* fork(); the child is called @name, and dies with its parent. Not a target unless truth_target() says so. */
pid_t truth_fork(const char *name);
void truth_target(pid_t pid);
/* Nobody else is, not even the workload itself. */
void truth_only_target(pid_t pid);
bool truth_stopping(void);

/**
 * truth_run() - be healthy, freeze, be healthy, and say the truth.
 *
 * @director: the name of the thread that waits for SIGUSR1 and then calls @freeze.
 * @kinds:    of the findings that would be right: "slow-producer|busy-thread".
 *
 * Return: the program's exit status.
 */
int truth_run(const char *director, const char *kinds, void (*freeze)(void));

/* For a freeze made by somebody else than the director: it orders and waits, ... */
void truth_order(void);
void truth_order_nowait(void);
/* ... and that one asks now and then whether it is to freeze, and says when it has. */
bool truth_ordered(void);
void truth_order_done(void);

/* The calling thread has waited for others since @since_ns; it is their victim if that is long and was in the freeze. */
void truth_waited(uint64_t since_ns);
/* Likewise for a wait that may spin first, and be one of many in a freeze: less what it was on a CPU meanwhile,
 * or waiting for one. @shares: truth_shares() when it began. */
void truth_blocked(uint64_t since_ns, struct truth_shares shares);
/* So has another one, which cannot say so itself. */
void truth_waited_too(pid_t tid, const char *comm, uint64_t since_ns);
/* Process @pid is killed after the time that was asked for, once it waits: since *@since_ns, which it sets. */
void truth_kill_waiter(pid_t pid, const char *comm, const _Atomic uint64_t *since_ns);
/* For waits that may never end: pairs around each. */
void truth_wait_begin(void);
void truth_wait_end(void);
/* The calling thread held others up since @since_ns: a culprit. */
void truth_held(uint64_t since_ns);
void truth_culprit(pid_t tid, const char *comm, uint64_t hold_ns);
/* The large call behind it. */
void truth_call(const char *syscall, uint64_t bytes);
/* What the workload made on the host, and must remove when all its processes are gone. */
void truth_at_end(void (*tidy)(void));
/* Write @text to a file of the kernel, such as one of a control group. False, with errno, if that fails. */
bool truth_write_text(const char *directory, const char *file, const char *text);
/* Its threads will not come back: they are not waited for. */
void truth_never_thaws(void);

void truth_sleep_ns(uint64_t ns);
/* Computes, in user space. */
void truth_burn_ns(uint64_t ns);

#endif
