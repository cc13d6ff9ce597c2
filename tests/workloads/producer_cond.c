/* SPDX-License-Identifier: Apache-2.0 */
/* A pipeline: four consumers wait on a condition for items; the producer computes. */
#include "config.h"

#include "tests/workloads/truth.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t filled = PTHREAD_COND_INITIALIZER;
static unsigned int items; /* protected by lock */

/* Return: false at the end. */
static bool take_item(void)
{
	bool taken;

	pthread_mutex_lock(&lock);
	while (!items && !truth_stopping())
		pthread_cond_wait(&filled, &lock);
	taken = items;
	items -= taken;
	pthread_mutex_unlock(&lock);
	return taken;
}

static void *consumer_main(void *argument)
{
	uint64_t start_ns = truth_now_ns();

	while (take_item()) {
		truth_waited(start_ns);
		start_ns = truth_now_ns();
	}
	return argument;
}

__attribute__((noinline)) static void compute_item(void)
{
	uint64_t start_ns = truth_now_ns();

	truth_burn_ns((uint64_t)(truth_seconds() * 1e9));
	truth_held(start_ns);
}

static void put_items(unsigned int count)
{
	pthread_mutex_lock(&lock);
	items = count;
	pthread_cond_broadcast(&filled);
	pthread_mutex_unlock(&lock);
}

static void *producer_main(void *argument)
{
	for (; !truth_stopping(); truth_sleep_ns(TRUTH_MS)) {
		if (truth_ordered()) {
			compute_item();
			truth_order_done();
		}
		put_items(4);
	}
	put_items(0); /* consumers see the end */
	return argument;
}

int main(int argc, char **argv)
{
	static const char *const names[] = { "consumer0", "consumer1", "consumer2", "consumer3" };

	truth_options(argc, argv, "Threads wait on a condition; who signals it is busy computing.",
		      1.5);
	for (unsigned int i = 0; i < 4; i++)
		truth_thread(names[i], consumer_main, NULL);
	truth_thread("producer", producer_main, NULL);
	return truth_run("director", "slow-producer", truth_order);
}
