/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mmap_lock held by another process: who reads /proc/PID/smaps holds the lock of PID
 * for reading while it walks the page tables of a mapping. A monitoring agent does.
 */
#include "config.h"

#include <fcntl.h>

#include "tests/workloads/mm_service.h"
#include "tests/workloads/truth.h"

static void read_file(const char *path)
{
	static char buffer[1 << 16];
	uint64_t start_ns;
	ssize_t got;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		abort();
	do {
		start_ns = truth_now_ns();
		got = read(fd, buffer, sizeof(buffer));
		truth_held(start_ns);
	} while (got > 0);
	close(fd);
}

static void agent_main(void)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/smaps", getppid());
	for (;; truth_sleep_ns(TRUTH_MS)) {
		uint64_t end_ns = truth_now_ns() + (uint64_t)(truth_seconds() * 1e9);

		if (!truth_ordered())
			continue;
		while (truth_now_ns() < end_ns)
			read_file(path);
		truth_order_done();
	}
}

int main(int argc, char **argv)
{
	truth_options(argc, argv,
		      "An agent reads the smaps of a process with 16 GB of page tables.", 1.2);
	if (!truth_fork("agent"))
		agent_main();
	mm_large_private(16 * GB);
	mm_service_start();
	return truth_run("director", "mmap-lock-convoy", truth_order);
}
