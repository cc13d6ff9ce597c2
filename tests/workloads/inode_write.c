/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lock of a file's inode: a thread appends to it with O_DIRECT, and holds the lock
 * until the disk has written; the others write to the same file.
 */
#include "config.h"

#include <stdatomic.h>
#include <sys/stat.h>

#include "tests/workloads/slow_disk.h"
#include "tests/workloads/truth.h"

#define BLOCK_BYTES 4096
#define LARGE_BYTES 65536

#define AHEAD_NS (50 * TRUTH_MS) /* of the workers, so that none of them is the holder */

static int file;
static _Atomic uint64_t open_at_ns; /* to workers */
static atomic_int inside; /* of them */

static void append_bytes(size_t bytes)
{
	static char zeros[LARGE_BYTES] __attribute__((aligned(4096)));
	struct stat about;

	if (fstat(file, &about) || pwrite(file, zeros, bytes, about.st_size) != (ssize_t)bytes)
		abort();
}

static void serve_request(void)
{
	uint64_t start_ns;

	inside++;
	while (truth_now_ns() < open_at_ns) {
		inside--;
		truth_sleep_ns(TRUTH_MS);
		inside++;
	}
	start_ns = truth_now_ns();
	append_bytes(BLOCK_BYTES); /* beyond the end, so that the lock is taken for writing */
	truth_waited(start_ns);
	inside--;
}

__attribute__((noinline)) static void append_much(void)
{
	uint64_t start_ns;

	open_at_ns = UINT64_MAX;
	while (inside)
		truth_sleep_ns(TRUTH_MS / 10);
	slow_disk_slow_down();
	start_ns = truth_now_ns();
	open_at_ns = start_ns + AHEAD_NS;
	append_bytes(LARGE_BYTES);
	truth_held(start_ns);
}

int main(int argc, char **argv)
{
	truth_options(argc, argv, "A thread appends to a file, slowly; others write to it too.",
		      1.5);
	file = slow_disk_file(slow_disk_open(NULL), "table", BLOCK_BYTES);
	truth_serve(4, serve_request);
	return truth_run("appender", "kernel-lock-convoy", append_much);
}
