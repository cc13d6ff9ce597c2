/* SPDX-License-Identifier: Apache-2.0 */
/* A process is stopped (SIGSTOP), and continued later, by another one. */
#include "config.h"

#include <errno.h>
#include <signal.h>

#include "tests/workloads/truth.h"

/* The pause between two of them is when it is stopped; that is noted for it. */
static void serve_request(void)
{
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
	truth_waited_too(getpid(), program_invocation_short_name, start_ns); /* in pthread_join() */
}

int main(int argc, char **argv)
{
	truth_options(argc, argv, "A process is stopped by another one.", 1.5);
	if (!truth_fork("stopper"))
		stopper_main();
	truth_serve(4, serve_request);
	return truth_run("director", "process-stopped", be_stopped);
}
