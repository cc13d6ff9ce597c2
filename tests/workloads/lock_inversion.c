/* SPDX-License-Identifier: Apache-2.0 */
/* Healthy: two threads take two mutexes in opposite order, but never at the same time. */
#include "config.h"

#include <semaphore.h>

#include "tests/workloads/mutex_service.h"
#include "tests/workloads/truth.h"

static pthread_mutex_t other_lock = PTHREAD_MUTEX_INITIALIZER;
static sem_t turns[2];

static void work_with(pthread_mutex_t *one, pthread_mutex_t *two)
{
	pthread_mutex_lock(one);
	pthread_mutex_lock(two);
	truth_sleep_ns(2 * TRUTH_MS);
	pthread_mutex_unlock(two);
	pthread_mutex_unlock(one);
}

static void *inverter_main(void *argument)
{
	sem_t *own = argument, *next = own == turns ? turns + 1 : turns;

	while (!truth_stopping()) {
		sem_wait(own);
		if (own == turns)
			work_with(&mutex_service_lock, &other_lock);
		else
			work_with(&other_lock, &mutex_service_lock);
		truth_sleep_ns(TRUTH_MS);
		sem_post(next);
	}
	return argument;
}

static void do_nothing(void)
{
	truth_sleep_ns((uint64_t)(truth_seconds() * 1e9));
}

int main(int argc, char **argv)
{
	truth_options(argc, argv, "Two threads take two mutexes in opposite order, in turn.", 1.5);
	sem_init(&turns[0], 0, 1);
	sem_init(&turns[1], 0, 0);
	truth_thread("there", inverter_main, &turns[0]);
	truth_thread("back", inverter_main, &turns[1]);
	mutex_service_start();
	return truth_run("director", "no-stall", do_nothing);
}
