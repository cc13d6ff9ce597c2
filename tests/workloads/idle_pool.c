/* SPDX-License-Identifier: Apache-2.0 */
/* Healthy: a pool of 8 threads waits on a condition for work, which is rare. */
#include "config.h"

#include "tests/workloads/truth.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t work = PTHREAD_COND_INITIALIZER;
static unsigned int items; /* protected by lock */

static void *pool_main(void *argument)
{
	pthread_mutex_lock(&lock);
	while (!truth_stopping()) {
		while (!items && !truth_stopping())
			pthread_cond_wait(&work, &lock);
		if (truth_stopping())
			break;
		items--;
		pthread_mutex_unlock(&lock);
		truth_burn_ns(TRUTH_MS / 2);
		pthread_mutex_lock(&lock);
	}
	pthread_mutex_unlock(&lock);
	return argument;
}

static void *dispatcher_main(void *argument)
{
	while (!truth_stopping()) {
		truth_sleep_ns(50 * TRUTH_MS);
		pthread_mutex_lock(&lock);
		items++;
		pthread_cond_signal(&work);
		pthread_mutex_unlock(&lock);
	}
	pthread_mutex_lock(&lock);
	pthread_cond_broadcast(&work);
	pthread_mutex_unlock(&lock);
	return argument;
}

static void do_nothing(void)
{
	truth_sleep_ns((uint64_t)(truth_seconds() * 1e9));
}

int main(int argc, char **argv)
{
	truth_options(argc, argv, "A pool of threads waits for work. Nothing freezes.", 1);
	for (unsigned int i = 0; i < 8; i++) {
		char name[16];

		snprintf(name, sizeof(name), "pool%u", i);
		truth_thread(name, pool_main, NULL);
	}
	truth_thread("dispatcher", dispatcher_main, NULL);
	return truth_run("director", "no-stall", do_nothing);
}
