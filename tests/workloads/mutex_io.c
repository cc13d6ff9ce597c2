/* SPDX-License-Identifier: Apache-2.0 */
/* A mutex held for long by a thread that waits for the disk. */
#include "config.h"

#include <fcntl.h>
#include <string.h>

#include "tests/workloads/mutex_service.h"
#include "tests/workloads/slow_disk.h"
#include "tests/workloads/truth.h"

#define BLOCK_BYTES 65536

static int file;

__attribute__((noinline)) static void write_log(void)
{
	static char block[BLOCK_BYTES] __attribute__((aligned(4096)));
	uint64_t start_ns;

	memset(block, 1, sizeof(block));
	slow_disk_slow_down();
	pthread_mutex_lock(&mutex_service_lock);
	start_ns = truth_now_ns();
	if (pwrite(file, block, sizeof(block), 0) != sizeof(block) || fdatasync(file))
		abort();
	truth_held(start_ns);
	pthread_mutex_unlock(&mutex_service_lock);
}

int main(int argc, char **argv)
{
	truth_options(argc, argv, "A thread holds a mutex that all need, through an fsync.", 1.5);
	file = slow_disk_file(slow_disk_open(NULL), "log", BLOCK_BYTES);
	mutex_service_start();
	return truth_run("holder", "futex-convoy", write_log);
}
