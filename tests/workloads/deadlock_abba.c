/* SPDX-License-Identifier: Apache-2.0 */
/* AB-BA: two threads hold a mutex each and want the other's, for ever; the others pile up. */
#include "config.h"

#include <stdatomic.h>

#include "tests/workloads/mutex_service.h"
#include "tests/workloads/truth.h"

static pthread_mutex_t other_lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_int holding;

static void take_both(pthread_mutex_t *one, pthread_mutex_t *two)
{
	while (!truth_ordered() && !truth_stopping())
		truth_sleep_ns(TRUTH_MS);
	if (truth_stopping())
		return;
	pthread_mutex_lock(one);
	truth_held(truth_now_ns());
	holding++;
	while (holding < 2)
		truth_sleep_ns(TRUTH_MS);
	truth_order_done();
	truth_wait_begin();
	pthread_mutex_lock(two);
	abort();
}

static void *left_main(void *argument)
{
	take_both(&mutex_service_lock, &other_lock);
	return argument;
}

static void *right_main(void *argument)
{
	take_both(&other_lock, &mutex_service_lock);
	return argument;
}

static void lock_up(void)
{
	truth_never_thaws();
	truth_order();
	truth_sleep_ns((uint64_t)(truth_seconds() * 1e9));
}

int main(int argc, char **argv)
{
	truth_options(argc, argv, "Two threads wait for each other's mutex, until the end.", 1.5);
	truth_thread("left", left_main, NULL);
	truth_thread("right", right_main, NULL);
	mutex_service_start();
	return truth_run("director", "deadlock", lock_up);
}
