/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A chain of three mutexes: all wait for "first", it waits for "second", that one for
 * "root", which sleeps. The root is to blame.
 */
#include "config.h"

#include <stdatomic.h>

#include "tests/workloads/mutex_service.h"
#include "tests/workloads/truth.h"

static pthread_mutex_t second_lock = PTHREAD_MUTEX_INITIALIZER,
		       root_lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_int locked; /* how many of the chain hold theirs */

static void take_lock(pthread_mutex_t *lock)
{
	truth_wait_begin();
	pthread_mutex_lock(lock);
	truth_wait_end();
}

/* One link: holds @own, and needs @next. @number: its turn to begin. */
static void link_chain(int number, pthread_mutex_t *own, pthread_mutex_t *next)
{
	while (locked != number && !truth_stopping())
		truth_sleep_ns(TRUTH_MS);
	if (truth_stopping())
		return;
	pthread_mutex_lock(own);
	locked++;
	take_lock(next);
	pthread_mutex_unlock(next);
	pthread_mutex_unlock(own);
}

static void *second_main(void *argument)
{
	link_chain(1, &second_lock, &root_lock);
	return argument;
}

static void *first_main(void *argument)
{
	link_chain(2, &mutex_service_lock, &second_lock);
	return argument;
}

__attribute__((noinline)) static void hold_root(void)
{
	uint64_t start_ns;

	pthread_mutex_lock(&root_lock);
	start_ns = truth_now_ns();
	locked = 1;
	truth_sleep_ns((uint64_t)(truth_seconds() * 1e9));
	truth_held(start_ns);
	pthread_mutex_unlock(&root_lock);
}

int main(int argc, char **argv)
{
	truth_options(argc, argv, "A thread holds a mutex, and waits for one that waits for one.",
		      1.5);
	truth_thread("second", second_main, NULL);
	truth_thread("first", first_main, NULL);
	mutex_service_start();
	return truth_run("root", "futex-convoy", hold_root);
}
