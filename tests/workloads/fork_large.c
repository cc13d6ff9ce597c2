/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mmap_lock held through fork(): the page tables of the parent are copied with its
 * lock held for writing. Afterwards the first touch of each page, such as of a stack,
 * needs the lock too.
 */
#include "config.h"

#include <sys/wait.h>

#include "tests/workloads/mm_service.h"
#include "tests/workloads/truth.h"

#define BYTES (32 * GB)

__attribute__((noinline)) static void save_snapshot(void)
{
	uint64_t start_ns = truth_now_ns();
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	if (pid < 0)
		abort();
	truth_held(start_ns);
	waitpid(pid, NULL, 0);
}

int main(int argc, char **argv)
{
	truth_options(argc, argv, "A thread of a process with 32 GB of page tables forks.", 0);
	mm_large_private(BYTES);
	mm_service_start();
	return truth_run("snapshot", "mmap-lock-convoy", save_snapshot);
}
