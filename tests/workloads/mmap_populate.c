/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mmap_lock held through a populating mmap(): memory is allocated page by page
 * with the lock held for reading, and the workers need it for writing.
 */
#include "config.h"

#include <sys/mman.h>

#include "tests/workloads/mm_service.h"
#include "tests/workloads/truth.h"

#define BYTES GB

__attribute__((noinline)) static void grow_memory(void)
{
	uint64_t start_ns = truth_now_ns();
	void *range = mmap(NULL, BYTES, PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (range == MAP_FAILED)
		abort();
	truth_held(start_ns);
}

int main(int argc, char **argv)
{
	truth_options(argc, argv, "A thread maps 1 GB with MAP_POPULATE.", 0);
	truth_call("mmap", BYTES);
	mm_service_start();
	return truth_run("grower", "mmap-lock-convoy", grow_memory);
}
