/* SPDX-License-Identifier: Apache-2.0 */
/* AB-BA over robust mutexes that two processes share; it ends when one of them is killed. */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>

#include "tests/workloads/truth.h"

static struct {
	pthread_mutex_t lock[2];
	atomic_int holding;
	_Atomic uint64_t wait_ns; /* of the one that is killed: since then */
} * shared;

static pid_t left;

static void make_lock(pthread_mutex_t *lock)
{
	pthread_mutexattr_t attributes;

	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
	if (pthread_mutex_init(lock, &attributes))
		abort();
}

static void take_first(unsigned int lock)
{
	while (!truth_ordered())
		truth_sleep_ns(TRUTH_MS);
	pthread_mutex_lock(&shared->lock[lock]);
	truth_held(truth_now_ns());
	shared->holding++;
	while (shared->holding < 2)
		truth_sleep_ns(TRUTH_MS);
}

static _Noreturn void be_left(void)
{
	take_first(0);
	shared->wait_ns = truth_now_ns();
	pthread_mutex_lock(&shared->lock[1]);
	abort();
}

static _Noreturn void be_right(void)
{
	take_first(1);
	truth_wait_begin();
	if (pthread_mutex_lock(&shared->lock[0]) != EOWNERDEAD)
		abort();
	truth_wait_end();
	pthread_mutex_consistent(&shared->lock[0]);
	pthread_mutex_unlock(&shared->lock[0]);
	pthread_mutex_unlock(&shared->lock[1]);
	truth_order_done();
	for (;;)
		truth_sleep_ns(1000 * TRUTH_MS);
}

static void *killer_main(void *argument)
{
	truth_kill_waiter(left, "left", &shared->wait_ns);
	return argument;
}

int main(int argc, char **argv)
{
	pid_t right;

	truth_options(argc, argv, "Two processes wait for each other's mutex; one is killed.", 2);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (shared == MAP_FAILED)
		abort();
	make_lock(&shared->lock[0]);
	make_lock(&shared->lock[1]);
	left = truth_fork("left");
	if (!left)
		be_left();
	right = truth_fork("right");
	if (!right)
		be_right();
	truth_target(left);
	truth_target(right);
	truth_thread("killer", killer_main, NULL);
	return truth_run("director", "deadlock", truth_order);
}
