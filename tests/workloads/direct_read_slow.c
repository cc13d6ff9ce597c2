/* SPDX-License-Identifier: Apache-2.0 */
/* Workers read with O_DIRECT; the disk becomes slow. No thread is to blame. */
#include "config.h"

#include <stdatomic.h>

#include "tests/workloads/slow_disk.h"
#include "tests/workloads/truth.h"

#define BLOCK_BYTES 4096
#define FILE_BYTES  (1u << 20)

static int file;
static atomic_uint next;

static void serve_request(void)
{
	static __thread char block[2 * BLOCK_BYTES];
	char *aligned =
		(char *)(((uintptr_t)block + BLOCK_BYTES - 1) & ~(uintptr_t)(BLOCK_BYTES - 1));
	off_t at = (off_t)(next++ % (FILE_BYTES / BLOCK_BYTES)) * BLOCK_BYTES;
	uint64_t start_ns = truth_now_ns();

	if (pread(file, aligned, BLOCK_BYTES, at) != BLOCK_BYTES)
		abort();
	truth_waited(start_ns);
}

static void slow_down(void)
{
	slow_disk_slow_down();
	truth_sleep_ns((uint64_t)(truth_seconds() * 1e9));
}

int main(int argc, char **argv)
{
	truth_options(argc, argv, "Threads read, with O_DIRECT, a disk that becomes slow.", 1.5);
	file = slow_disk_file(slow_disk_open(NULL), "data", FILE_BYTES);
	truth_serve(4, serve_request);
	return truth_run("director", "io-stall", slow_down);
}
