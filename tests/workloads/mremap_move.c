/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mmap_lock held through mremap(): moving a mapping moves every page table entry,
 * one by one where the new place is not aligned like the old one. A move is fast, so
 * there are many, one after the other, as of a vector that grows.
 */
#include "config.h"

#include <sys/mman.h>

#include "tests/workloads/mm_service.h"
#include "tests/workloads/truth.h"

#define BYTES (16 * GB)
#define SLACK ((size_t)4 << 20)

static char *range, *place[2];

__attribute__((noinline)) static void move_range(char *to)
{
	uint64_t start_ns = truth_now_ns();

	if (mremap(range, BYTES, BYTES, MREMAP_MAYMOVE | MREMAP_FIXED, to) == MAP_FAILED)
		abort();
	range = to;
	truth_held(start_ns);
}

static void move_on(void)
{
	uint64_t end_ns = truth_now_ns() + (uint64_t)(truth_seconds() * 1e9);

	for (unsigned int i = 0; truth_now_ns() < end_ns; i++)
		move_range(place[i % 2]);
}

/* @shift: against the alignment of page tables. */
static char *reserve_place(size_t shift)
{
	char *start = mmap(NULL, BYTES + SLACK, PROT_NONE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (start == MAP_FAILED)
		truth_cannot("cannot reserve 16 GB of addresses");
	return (char *)(((uintptr_t)start + SLACK / 2 - 1) & ~(uintptr_t)(SLACK / 2 - 1)) + shift;
}

int main(int argc, char **argv)
{
	truth_options(argc, argv, "A thread moves 16 GB of addresses, again and again.", 1.5);
	range = mm_large_private(BYTES);
	place[0] = reserve_place(4096);
	place[1] = reserve_place(8192);
	truth_call("mremap", BYTES);
	mm_service_start();
	return truth_run("mover", "mmap-lock-convoy", move_on);
}
