/* SPDX-License-Identifier: Apache-2.0 */
/* A lock of a file (flock), held by a thread that sleeps. */
#include "config.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>

#include "tests/workloads/truth.h"

static char path[64];

static void set_lock(int fd, bool locked)
{
	if (flock(fd, locked ? LOCK_EX : LOCK_UN))
		abort();
}

/* Each thread has the file open by itself: the lock belongs to that. */
static int own_file(void)
{
	static __thread int fd = -1;

	if (fd < 0)
		fd = open(path, O_RDWR | O_CLOEXEC);
	return fd;
}

static void request(void)
{
	int fd = own_file();
	uint64_t start_ns = truth_now_ns();

	set_lock(fd, true);
	truth_waited(start_ns);
	set_lock(fd, false);
}

__attribute__((noinline)) static void hold(void)
{
	int fd = own_file();
	uint64_t start_ns;

	set_lock(fd, true);
	start_ns = truth_now_ns();
	truth_sleep_ns((uint64_t)(truth_seconds() * 1e9));
	truth_held(start_ns);
	set_lock(fd, false);
}

int main(int argc, char **argv)
{
	truth_options(argc, argv, "A thread holds a lock of a file (flock) that all need.", 1.5);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", memfd_create("locked", MFD_CLOEXEC));
	truth_serve(5, request);
	return truth_run("holder", "kernel-lock-convoy", hold);
}
