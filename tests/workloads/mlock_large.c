/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mmap_lock held through mlock(): it brings every page in, with the lock held for
 * reading. The pages are the zero page, so that it costs time and no memory.
 */
#include "config.h"

#include <sys/mman.h>

#include "tests/workloads/mm_service.h"
#include "tests/workloads/truth.h"

#define BYTES (10 * GB)

static void *range;

__attribute__((noinline)) static void lock_memory(void)
{
	uint64_t start_ns = truth_now_ns();

	if (mlock(range, BYTES))
		abort();
	truth_held(start_ns);
}

int main(int argc, char **argv)
{
	truth_options(argc, argv, "A thread locks 10 GB of addresses into memory.", 0);
	range = mmap(NULL, BYTES, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (range == MAP_FAILED)
		truth_cannot("cannot reserve 10 GB of addresses");
	madvise(range, BYTES, MADV_NOHUGEPAGE);
	truth_call("mlock", BYTES);
	mm_service_start();
	return truth_run("locker", "mmap-lock-convoy", lock_memory);
}
