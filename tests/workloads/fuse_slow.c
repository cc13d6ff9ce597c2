/* SPDX-License-Identifier: Apache-2.0 */
/* A file system in user space (FUSE) whose daemon sleeps: workers read a file of it. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "tests/workloads/fuse_disk.h"
#include "tests/workloads/truth.h"

static int file;

static void serve_request(void)
{
	char block[4096];
	uint64_t start_ns = truth_now_ns();

	if (pread(file, block, sizeof(block), 0) != sizeof(block))
		abort();
	truth_waited(start_ns);
}

int main(int argc, char **argv)
{
	truth_options(argc, argv, "Threads read a FUSE file system whose daemon sleeps.", 1.5);
	file = openat(fuse_disk_open(), FUSE_DISK_FILE, O_RDONLY | O_CLOEXEC);
	if (file < 0)
		truth_cannot("cannot open a file of FUSE: %s", strerror(errno));
	truth_serve(4, serve_request);
	return truth_run("director", "io-stall|slow-producer", truth_order);
}
