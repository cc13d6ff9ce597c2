/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A table that grows in a process whose memory is locked, mlockall(MCL_CURRENT | MCL_FUTURE): an
 * mmap() that does not ask for it populates its memory with mmap_lock held. The thread that grows
 * the table computes before and after, and goes on to move the entries for longer than the others
 * stood still.
 */
#include "config.h"

#include <sys/mman.h>

#include "tests/workloads/mm_service.h"
#include "tests/workloads/truth.h"

#define BYTES	  (3 * GB / 2)
#define INSERT_NS (20 * TRUTH_MS)
#define PAUSE_NS  (2 * TRUTH_MS) /* the table's thread computes nine tenths of the time */
#define MOVE_NS	  (4000 * (uint64_t)TRUTH_MS)

/* Shared memory, which is not had in large pages unless somebody asks for it. */
__attribute__((noinline)) static void grow(void)
{
	uint64_t start_ns = truth_now_ns();
	void *range = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (range == MAP_FAILED)
		abort();
	truth_held(start_ns);
}

static void *run_indexer(void *argument)
{
	while (!truth_stopping()) {
		truth_burn_ns(INSERT_NS);
		truth_sleep_ns(PAUSE_NS);
		if (!truth_ordered())
			continue;
		grow();
		truth_order_done();
		truth_burn_ns(MOVE_NS);
	}
	return argument;
}

int main(int argc, char **argv)
{
	truth_options(argc, argv, "A table grows by 1.5 GB in a process whose memory is locked.", 0);
	truth_call("mmap", BYTES);
	if (mlockall(MCL_CURRENT | MCL_FUTURE))
		truth_cannot("mlockall() is not permitted");
	mm_service_start();
	truth_thread("indexer", run_indexer, NULL);
	return truth_run("director", "mmap-lock-convoy", truth_order);
}
