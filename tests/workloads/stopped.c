/* SPDX-License-Identifier: Apache-2.0 */
/* A process is stopped (SIGSTOP), and continued later, by another one. */
#include "config.h"

#include <signal.h>

#include "tests/workloads/truth.h"

/* A nap; every thread of the process notes the time it was stopped. */
static void nap(void)
{
	uint64_t start_ns = truth_now_ns();

	truth_sleep_ns(TRUTH_MS);
	truth_waited(start_ns);
}

static void stopper_main(void)
{
	for (;; truth_sleep_ns(TRUTH_MS)) {
		uint64_t start_ns = truth_now_ns();

		if (!truth_ordered())
			continue;
		kill(getppid(), SIGSTOP);
		truth_sleep_ns((uint64_t)(truth_seconds() * 1e9));
		kill(getppid(), SIGCONT);
		truth_held(start_ns);
		truth_order_done();
	}
}

static void be_stopped(void)
{
	uint64_t start_ns = truth_now_ns();

	truth_order();
	truth_waited(start_ns);
}

int main(int argc, char **argv)
{
	truth_options(argc, argv, "A process is stopped by another one.", 1.5);
	if (!truth_fork("stopper"))
		stopper_main();
	truth_serve(4, nap);
	return truth_run("director", "process-stopped", be_stopped);
}
