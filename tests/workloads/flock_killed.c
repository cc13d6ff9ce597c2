/* SPDX-License-Identifier: Apache-2.0 */
/* AB-BA over files (flock) of two processes; it ends when one of them is killed. */
#include "config.h"

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/file.h>
#include <sys/mman.h>

#include "tests/workloads/truth.h"

#define CLIENTS 2

static char paths[2][64];
static struct {
	atomic_int holding;
	_Atomic uint64_t wait_ns; /* of the one that is killed: since then */
} * shared;

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

static void take_first(int fd)
{
	while (!truth_ordered())
		truth_sleep_ns(TRUTH_MS);
	lock_file(fd);
	truth_held(truth_now_ns());
	shared->holding++;
	while (shared->holding < 2)
		truth_sleep_ns(TRUTH_MS);
}

static _Noreturn void be_left(void)
{
	int one = own_file(0), two = own_file(1);

	take_first(one);
	shared->wait_ns = truth_now_ns();
	flock(two, LOCK_EX);
	abort();
}

static _Noreturn void be_right(void)
{
	int one = own_file(1), two = own_file(0);

	take_first(one);
	lock_file(two);
	close(two);
	close(one);
	truth_order_done();
	for (;;)
		truth_sleep_ns(1000 * TRUTH_MS);
}

static _Noreturn void be_client(unsigned int file)
{
	int fd = own_file(file);

	for (;; truth_sleep_ns(5 * TRUTH_MS)) {
		lock_file(fd);
		flock(fd, LOCK_UN);
	}
}

static pid_t left;

static void *killer_main(void *argument)
{
	truth_kill_waiter(left, "left", &shared->wait_ns);
	return argument;
}

static pid_t start_client(unsigned int file)
{
	char name[16];
	pid_t pid;

	snprintf(name, sizeof(name), "client%u", file);
	pid = truth_fork(name);
	if (!pid)
		be_client(file);
	return pid;
}

int main(int argc, char **argv)
{
	pid_t right;

	truth_options(argc, argv, "Two processes wait for each other's file lock; one is killed.",
		      2);
	for (unsigned int i = 0; i < 2; i++)
		snprintf(paths[i], sizeof(paths[i]), "/proc/%d/fd/%d", getpid(),
			 memfd_create("locked", MFD_CLOEXEC));
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (shared == MAP_FAILED)
		abort();
	left = truth_fork("left");
	if (!left)
		be_left();
	right = truth_fork("right");
	if (!right)
		be_right();
	truth_target(left);
	truth_target(right);
	for (unsigned int i = 0; i < CLIENTS; i++)
		truth_target(start_client(i));
	truth_thread("killer", killer_main, NULL);
	return truth_run("director", "deadlock", truth_order);
}
