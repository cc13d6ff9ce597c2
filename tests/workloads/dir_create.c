/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lock of a directory's inode: a thread makes a file in it, and holds the lock while
 * the file system, one in user space, sleeps; the others make files there, too. The
 * holder is to blame, or the daemon that it waits for.
 */
#include "config.h"

#include <sys/stat.h>

#include "tests/workloads/fuse_disk.h"
#include "tests/workloads/truth.h"

static int directory;

static void serve_request(void)
{
	uint64_t start_ns = truth_now_ns();

	mknodat(directory, "worker", S_IFREG | 0600, 0);
	truth_waited(start_ns);
}

static void *creator_main(void *argument)
{
	for (; !truth_stopping(); truth_sleep_ns(TRUTH_MS)) {
		uint64_t start_ns = truth_now_ns();

		mknodat(directory, FUSE_DISK_SLOW, S_IFREG | 0600, 0);
		if (truth_now_ns() - start_ns > 100 * TRUTH_MS)
			truth_held(start_ns);
	}
	return argument;
}

int main(int argc, char **argv)
{
	truth_options(argc, argv, "A thread makes a file, slowly; others wait to do so.", 1.5);
	directory = fuse_disk_open();
	truth_thread("creator", creator_main, NULL);
	truth_serve(4, serve_request);
	return truth_run("director", "kernel-lock-convoy", truth_order);
}
