/* SPDX-License-Identifier: Apache-2.0 */
/* mmap_lock held through munmap() of a large populated range of small pages. */
#include "config.h"

#include <sys/mman.h>

#include "tests/workloads/mm_service.h"
#include "tests/workloads/truth.h"

#define BYTES (24 * GB)

static void *range;

__attribute__((noinline)) static void give_back(void)
{
	uint64_t start_ns = truth_now_ns();

	if (munmap(range, BYTES))
		abort();
	truth_held(start_ns);
}

int main(int argc, char **argv)
{
	truth_options(argc, argv, "A thread unmaps 24 GB of addresses.", 0);
	range = mm_large_shared(BYTES);
	truth_call("munmap", BYTES);
	mm_service_start();
	return truth_run("freer", "mmap-lock-convoy", give_back);
}
