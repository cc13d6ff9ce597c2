/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A CPU taken by a real-time thread of another process, on which the workers are pinned.
 * It computes for 0.85 s: the kernel would stop it after 0.95 s.
 */
#include "config.h"

#include <errno.h>
#include <sched.h>
#include <string.h>

#include "tests/workloads/truth.h"

#define BURST_NS (850 * TRUTH_MS)

static void pin_thread(int cpu)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(cpu, &cpus);
	sched_setaffinity(0, sizeof(cpus), &cpus);
}

/* The last one this process may use. */
static int last_cpu(void)
{
	cpu_set_t cpus;
	int last = 0;

	if (sched_getaffinity(0, sizeof(cpus), &cpus))
		abort();
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &cpus))
			last = cpu;
	return last;
}

/* The pause between two requests takes longer when the CPU is taken; that is noted. */
static void serve_request(void)
{
	static __thread bool pinned;

	if (!pinned)
		pin_thread(last_cpu());
	pinned = true;
}

static void hog_main(void)
{
	pin_thread(last_cpu());
	for (;; truth_sleep_ns(TRUTH_MS)) {
		uint64_t start_ns;

		if (!truth_ordered())
			continue;
		start_ns = truth_now_ns();
		truth_burn_ns(BURST_NS);
		truth_held(start_ns);
		truth_order_done();
	}
}

int main(int argc, char **argv)
{
	struct sched_param real_time = { .sched_priority = 1 };
	pid_t hog;

	truth_options(argc, argv, "A real-time thread takes the CPU of a service.", 0);
	hog = truth_fork("hog");
	if (!hog)
		hog_main();
	if (sched_setscheduler(hog, SCHED_FIFO, &real_time))
		truth_cannot("cannot make a thread a real-time one: %s", strerror(errno));
	truth_serve(4, serve_request);
	return truth_run("director", "cpu-starved", truth_order);
}
