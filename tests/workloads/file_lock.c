/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tests/workloads/file_lock.h"

#include <fcntl.h>
#include <sys/mman.h>

#include "tests/workloads/truth.h"

static char path[64];
static void (*set)(int fd, bool locked);

/* Each thread has the file open by itself: the lock belongs to that. */
static int own_file(void)
{
	static __thread int fd = -1;

	if (fd < 0)
		fd = open(path, O_RDWR | O_CLOEXEC);
	return fd;
}

static void serve_request(void)
{
	int fd = own_file();
	uint64_t start_ns = truth_now_ns();

	set(fd, true);
	truth_waited(start_ns);
	set(fd, false);
}

__attribute__((noinline)) static void hold_lock(void)
{
	int fd = own_file();
	uint64_t start_ns;

	set(fd, true);
	start_ns = truth_now_ns();
	truth_sleep_ns((uint64_t)(truth_seconds() * 1e9));
	truth_held(start_ns);
	set(fd, false);
}

int file_lock_main(int argc, char **argv, const char *about, void (*set_lock)(int fd, bool locked))
{
	set = set_lock;
	truth_options(argc, argv, about, 1.5);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", memfd_create("locked", MFD_CLOEXEC));
	truth_serve(5, serve_request);
	return truth_run("holder", "kernel-lock-convoy", hold_lock);
}
