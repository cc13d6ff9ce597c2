/* SPDX-License-Identifier: Apache-2.0 */
/* AB-BA that ends: one of the two waits with a time limit, gives up and lets its mutex go. */
#include "config.h"

#include <errno.h>
#include <stdatomic.h>

#include "tests/workloads/mutex_service.h"
#include "tests/workloads/truth.h"

static pthread_mutex_t other_lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_int holding;
static atomic_bool over;

static struct timespec time_limit(void)
{
	struct timespec until;
	uint64_t until_ns;

	clock_gettime(CLOCK_REALTIME, &until);
	until_ns = (uint64_t)until.tv_nsec + (uint64_t)(truth_seconds() * 1e9);
	until.tv_sec += (time_t)(until_ns / 1000000000u);
	until.tv_nsec = (long)(until_ns % 1000000000u);
	return until;
}

/* Return: since when the calling thread holds it; 0: it is to stop. */
static uint64_t take_first(pthread_mutex_t *lock)
{
	uint64_t since_ns;

	while (!truth_ordered() && !truth_stopping())
		truth_sleep_ns(TRUTH_MS);
	if (truth_stopping())
		return 0;
	pthread_mutex_lock(lock);
	since_ns = truth_now_ns();
	holding++;
	while (holding < 2)
		truth_sleep_ns(TRUTH_MS);
	return since_ns;
}

static void *left_main(void *argument)
{
	uint64_t held_ns = take_first(&mutex_service_lock);
	struct timespec until = time_limit();

	if (!held_ns)
		return argument;
	truth_wait_begin();
	if (pthread_mutex_timedlock(&other_lock, &until) != ETIMEDOUT)
		abort();
	truth_wait_end();
	truth_held(held_ns);
	pthread_mutex_unlock(&mutex_service_lock);
	return argument;
}

static void *right_main(void *argument)
{
	uint64_t held_ns = take_first(&other_lock);

	if (!held_ns)
		return argument;
	truth_order_done();
	truth_wait_begin();
	pthread_mutex_lock(&mutex_service_lock);
	truth_wait_end();
	truth_held(held_ns);
	pthread_mutex_unlock(&mutex_service_lock);
	pthread_mutex_unlock(&other_lock);
	over = true;
	return argument;
}

static void lock_up(void)
{
	truth_order();
	truth_sleep_ns((uint64_t)(truth_seconds() * 1e9));
	while (!over)
		truth_sleep_ns(TRUTH_MS);
}

int main(int argc, char **argv)
{
	truth_options(argc, argv,
		      "Two threads wait for each other's mutex, until one of them gives up.", 2);
	truth_thread("left", left_main, NULL);
	truth_thread("right", right_main, NULL);
	mutex_service_start();
	return truth_run("director", "deadlock", lock_up);
}
