/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lock of a directory's inode: a thread creates a file on a slow disk. The file
 * system writes directories at once (mount option dirsync), so that the lock is held
 * until the journal has been committed; the others create files there, too.
 */
#include "config.h"

#include <fcntl.h>
#include <stdatomic.h>

#include "tests/workloads/slow_disk.h"
#include "tests/workloads/truth.h"

#define DISK_BYTES_PER_S 16384 /* a commit of the journal is some 24 KB */

static int directory;
static atomic_bool closed; /* to the workers */
static atomic_int inside; /* workers that create */

static void create(const char *prefix)
{
	char name[32];
	int fd;

	snprintf(name, sizeof(name), "%s%d", prefix, gettid());
	fd = openat(directory, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		abort();
	close(fd);
	unlinkat(directory, name, 0);
}

static void request(void)
{
	uint64_t start_ns;

	inside++;
	while (closed) {
		inside--;
		truth_sleep_ns(TRUTH_MS);
		inside++;
	}
	start_ns = truth_now_ns();
	create("worker");
	truth_waited(start_ns);
	inside--;
}

static void *creator_main(void *argument)
{
	for (; !truth_stopping(); truth_sleep_ns(TRUTH_MS)) {
		uint64_t start_ns = truth_now_ns();

		if (!closed || inside)
			continue;
		slow_disk_throttle(DISK_BYTES_PER_S);
		truth_order_done();
		create("creator");
		slow_disk_throttle(0);
		truth_held(start_ns);
		break;
	}
	return argument;
}

/* The creator goes first: the workers wait outside until it is in. */
static void let_create(void)
{
	closed = true;
	truth_order();
	truth_sleep_ns(20 * TRUTH_MS);
	closed = false;
	truth_sleep_ns((uint64_t)(truth_seconds() * 1e9));
}

int main(int argc, char **argv)
{
	truth_options(argc, argv, "A thread creates a file on a slow disk, others wait to do so.", 2);
	directory = slow_disk_open("dirsync");
	truth_thread("creator", creator_main, NULL);
	truth_serve(4, request);
	return truth_run("director", "kernel-lock-convoy", let_create);
}
