/* SPDX-License-Identifier: Apache-2.0 */
/* A process with 24 GB of page tables ends; its parent waits until it has. */
#include "config.h"

#include <sys/wait.h>

#include "tests/workloads/mm_service.h"
#include "tests/workloads/truth.h"

#define BYTES (24 * GB)

static pid_t huge;

static void huge_main(int ready)
{
	mm_large_shared(BYTES);
	if (write(ready, "", 1) != 1)
		abort();
	while (!truth_ordered())
		truth_sleep_ns(TRUTH_MS);
	truth_order_done();
	_exit(0);
}

static void wait_for_it(void)
{
	uint64_t start_ns;

	truth_order();
	start_ns = truth_now_ns();
	waitpid(huge, NULL, 0);
	truth_waited(start_ns);
	truth_culprit(huge, "huge", truth_now_ns() - start_ns);
}

int main(int argc, char **argv)
{
	int ready[2];
	char byte;

	truth_options(argc, argv, "A process waits for the end of one with a huge address space.",
		      0);
	if (pipe(ready))
		abort();
	huge = truth_fork("huge");
	if (!huge)
		huge_main(ready[1]);
	truth_target(huge);
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 1)
		truth_cannot("the child could not map 24 GB of addresses");
	return truth_run("parent", "slow-producer|busy-thread", wait_for_it);
}
