/* SPDX-License-Identifier: Apache-2.0 */
/* AB-BA over files: two processes hold the lock (flock) of a file each and want the other's, for ever. */
#include "config.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <sys/file.h>
#include <sys/mman.h>

#include "tests/workloads/truth.h"

#define CLIENTS 3

static char paths[2][64];
static atomic_int *holding; /* shared by the processes */

static int own_file(unsigned int file)
{
	int fd = open(paths[file], O_RDWR | O_CLOEXEC);

	if (fd < 0)
		abort();
	return fd;
}

static void lock_file(int fd)
{
	truth_wait_begin();
	if (flock(fd, LOCK_EX))
		abort();
	truth_wait_end();
}

static _Noreturn void take_both(unsigned int first)
{
	int one = own_file(first), two = own_file(!first);

	while (!truth_ordered())
		truth_sleep_ns(TRUTH_MS);
	lock_file(one);
	truth_held(truth_now_ns());
	++*holding;
	while (*holding < 2)
		truth_sleep_ns(TRUTH_MS);
	truth_order_done();
	lock_file(two);
	abort();
}

static _Noreturn void be_client(unsigned int file)
{
	int fd = own_file(file);

	for (;; truth_sleep_ns(5 * TRUTH_MS)) {
		lock_file(fd);
		flock(fd, LOCK_UN);
	}
}

/* Of a process of its own. */
static void start_process(const char *name, void (*run)(unsigned int file), unsigned int file)
{
	pid_t pid = truth_fork(name);

	if (!pid)
		run(file);
	truth_target(pid);
}

static void lock_up(void)
{
	truth_never_thaws();
	truth_order();
	truth_sleep_ns((uint64_t)(truth_seconds() * 1e9));
}

int main(int argc, char **argv)
{
	char name[16];

	truth_options(argc, argv, "Two processes wait for each other's file lock, until the end.",
		      1.5);
	for (unsigned int i = 0; i < 2; i++)
		snprintf(paths[i], sizeof(paths[i]), "/proc/%d/fd/%d", getpid(),
			 memfd_create("locked", MFD_CLOEXEC));
	holding = mmap(NULL, sizeof(*holding), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		       -1, 0);
	if (holding == MAP_FAILED)
		abort();
	start_process("left", take_both, 0);
	start_process("right", take_both, 1);
	for (unsigned int i = 0; i < CLIENTS; i++) {
		snprintf(name, sizeof(name), "client%u", i);
		start_process(name, be_client, i & 1);
	}
	return truth_run("director", "deadlock", lock_up);
}
