/* SPDX-License-Identifier: Apache-2.0 */
/* mmap_lock held through mprotect() of a large populated range of small pages. */
#include "config.h"

#include <sys/mman.h>

#include "tests/workloads/mm_service.h"
#include "tests/workloads/truth.h"

#define BYTES (32 * GB)

static void *range;

__attribute__((noinline)) static void protect_range(void)
{
	uint64_t start_ns = truth_now_ns();

	if (mprotect(range, BYTES, PROT_READ))
		abort();
	truth_held(start_ns);
}

int main(int argc, char **argv)
{
	truth_options(argc, argv, "A thread takes write permission from 32 GB of addresses.", 0);
	range = mm_large_shared(BYTES);
	truth_call("mprotect", BYTES);
	mm_service_start();
	return truth_run("protector", "mmap-lock-convoy", protect_range);
}
